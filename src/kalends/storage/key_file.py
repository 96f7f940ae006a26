"""The key file: what secrets are sealed with where no setting says it; one key a line, the newest first."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class KeyFile:
    """A file of keys (mode 600), made when it is first asked for, and read again once somebody replaced it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int, int], tuple[bytes, ...]] | None = None

    @property
    def keys(self) -> Sequence[bytes]:
        """Read the keys, the newest first.

        Raises:
            OSError: the file cannot be read or made, or is empty.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._make()
            found = self._path.stat()
        state = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._read is None or self._read[0] != state:
            lines = tuple(line.strip() for line in self._path.read_bytes().splitlines() if line.strip())
            if not lines:
                raise OSError(f"{self._path} holds no key")
            self._read = state, lines
        return self._read[1]

    @property
    def newest(self) -> bytes:
        """Read the key that is sealed with."""
        return self.keys[0]

    @property
    def previous(self) -> Sequence[bytes]:
        """Read the others, which still open what was sealed with them."""
        return self.keys[1:]

    def renew(self) -> None:
        """Add a key that everything is sealed with from now on; the others still open."""
        self._replace([_new(), *self.keys])

    def forget(self) -> None:
        """Keep the newest key only; what was sealed with others cannot be opened any more."""
        self._replace(self.keys[:1])

    def _make(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._draft([_new()])
        try:
            with suppress(FileExistsError):
                os.link(draft, self._path)  # whole or not at all, and of two processes at once the first one's
        finally:
            os.unlink(draft)

    def _replace(self, keys: Sequence[bytes]) -> None:
        owner = self._path.stat()
        draft = self._draft(keys)
        try:
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(draft, owner.st_uid, owner.st_gid)
            os.replace(draft, self._path)
        except BaseException:
            os.unlink(draft)
            raise
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # a key that something is sealed with must outlast a power cut
        finally:
            os.close(folder)

    def _draft(self, keys: Sequence[bytes]) -> str:
        handle, draft = tempfile.mkstemp(prefix=".secret-", dir=self._path.parent)  # mode 600
        with os.fdopen(handle, "wb") as file:
            file.write(b"\n".join(keys))
            file.flush()
            os.fsync(file.fileno())
        return draft


def _new() -> bytes:
    return secrets.token_urlsafe(48).encode()
