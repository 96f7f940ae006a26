"""Sync tokens (RFC 6578 3.2) of servers that do with them other than they should."""

from __future__ import annotations

import re

from . import xml

DAVICAL = "data:,"
_COUNTED = re.compile(rf"(?:http://sabre\.io/ns/sync/|{DAVICAL})([0-9]{{1,18}})")
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
