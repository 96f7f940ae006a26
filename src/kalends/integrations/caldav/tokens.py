"""Sync tokens (RFC 6578 3.2): of servers that do with them other than they should, and of whose answers were read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

from kalends.ports import SyncTokenDead

from . import xml

_COUNTED = re.compile(r"(?:http://sabre\.io/ns/sync/|data:,)([0-9]{1,18})")
_MARK = "as:"
_SECOND = re.compile(r"[1-9][0-9]{9}")


def has_forgotten(token: str, told: xml.MultiStatus) -> bool:
    """Tell that a list leaves out changes since a token, though the server did not refuse it.

    sabre/dav counts changes, and answers to any number with what it still has from there on: to one of a calendar that
    was restored, or deleted and made anew, and to one whose changes it has cleared away since. DAViCal counts tokens.
    """
    before, after = _COUNTED.fullmatch(token), _COUNTED.fullmatch(told.sync_token or "")
    if before is None or after is None:
        return False
    return int(after[1]) < int(before[1]) or (int(after[1]) > int(before[1]) and not told.resources)


def secured(told: str, asked: str | None = None) -> str:
    """Make a token say all that may change yet.

    SOGo's is the second of the last change, in which others may follow: so that second is told twice.
    """
    if not _SECOND.fullmatch(told):
        return told
    before = str(int(told) - 1)
    return told if asked in (told, before) else before


def named(others: Collection[str], token: str | None) -> str | None:
    """Have a token of ours say whose answers it was read with.

    Args:
        others: addresses of the owner's beside those everybody knows.
    """
    return token and f"{_mark(others)}{token}"


def of(others: Collection[str], token: str | None) -> str | None:
    """Take that out of a token again.

    Raises:
        SyncTokenDead: whose answers count has changed since, so what stands there has to be read anew.
    """
    mark = _mark(others)
    if token is None or (token.startswith(mark) and (mark or not token.startswith(_MARK))):
        return token and token.removeprefix(mark)
    raise SyncTokenDead


def _mark(others: Collection[str]) -> str:
    named = hashlib.sha256("\n".join(sorted(others)).encode()).hexdigest()[:16]
    return f"{_MARK}{named} " if others else ""
