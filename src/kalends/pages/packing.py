"""Pages packed for the wire: parts that many pages share are packed beforehand and only put between the rest.

A gzip stream is one deflate block after another (RFC 1951, 1952). The blocks of each piece refer to nothing outside of
it and end on a whole byte, so they can stand in any stream, and how long a part gets tells nothing of what stands
around it: that is why a shared part may be packed even on a page with a secret.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Sequence
from itertools import count
from typing import Final, TypeAlias
from weakref import WeakValueDictionary

from starlette.datastructures import Headers

# Stands around a part's number while the page is still text; nobody outside can write it into a page.
_MARK: Final = secrets.token_hex(16)
_HEADER: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_LAST_BLOCK: Final = b"\x03\0"
_RAW: Final = -15  # deflate without a header of its own, window of 32 KB

LEVEL: Final = 6  # more takes longer and gains nothing
STORED: Final = 0


class Part:
    """A text that many pages share; templates write it like any other value, as markup."""

    def __init__(self, text: str) -> None:
        self.plain = text.encode()
        self.blocks = _blocks(zlib.compressobj(LEVEL, zlib.DEFLATED, _RAW), self.plain)
        self._number = str(next(_numbers))
        _parts[self._number] = self

    def __html__(self) -> str:
        """Hold its place in a page until `pieces` finds it."""
        return f"{_MARK}{self._number}{_MARK}"


Piece: TypeAlias = bytes | Part

_numbers = count()
_parts: WeakValueDictionary[str, Part] = WeakValueDictionary()


def taken(headers: Headers) -> set[str]:
    """List the codings that a browser takes without any condition."""
    return {coding.strip() for coding in headers.get("accept-encoding", "").split(",")}


def pieces(page: str) -> list[Piece]:
    """Cut a page into its shared parts, which the caller still holds, and what stands between them."""
    return [_parts[text] if at % 2 else text.encode() for at, text in enumerate(page.split(_MARK))]


def plain(page: Sequence[Piece]) -> bytes:
    """Join a page as it is."""
    return b"".join(piece.plain if isinstance(piece, Part) else piece for piece in page)


def gzipped(page: Sequence[Piece], level: int) -> bytes:
    """Join a page as gzip.

    Args:
        level: for what is no shared part; `STORED` where a secret stands in it, because what is secret and what others
            put in must not be squeezed together: the length would tell when they are alike.
    """
    packer = zlib.compressobj(level, zlib.DEFLATED, _RAW)
    found, check, size = [_HEADER], 0, 0
    for piece in page:
        text = piece.plain if isinstance(piece, Part) else piece
        found.append(piece.blocks if isinstance(piece, Part) else _blocks(packer, text))
        check, size = zlib.crc32(text, check), size + len(text)
    tail = check.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
    return b"".join((*found, _LAST_BLOCK, tail))


def _blocks(packer: zlib._Compress, text: bytes) -> bytes:
    # A full flush ends on a whole byte, and forgets what went before.
    return packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)
