"""Our entries as Microsoft's events.

Guests never become attendees: Exchange would mail them, and has no way to be told not to. They stand in the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from whenever import Instant

from kalends.domain.remote_events import Entry

from . import identity

LONGEST_SUBJECT = 255
# Outlook puts what is needed to join between two long lines; whoever takes it out of the text takes the meeting away.
_BLOB = re.compile(r"_{60,}")
_OPENING = re.compile(r"<(?:div|span|p|br|font|b)\b[^<>]*>", re.IGNORECASE)
_LONG_LINE = re.compile(r"_{40,}")
_END_OF_BODY = re.compile(r"</body>", re.IGNORECASE)


def new_event(entry: Entry, *, key: str, meeting: bool) -> dict[str, Any]:
    """Write the event that is to be made.

    Args:
        key: of this attempt (see identity.transaction).
        meeting: ask for a Teams meeting.
    """
    return {
        **_fields(entry),
        "body": {"contentType": "html", "content": _text(entry.description)},
        "showAs": "busy",
        "transactionId": identity.transaction(entry.uid, key),
        "singleValueExtendedProperties": [{"id": identity.PROPERTY, "value": entry.uid}],
        **(_TEAMS if meeting else {}),
    }


def changes(entry: Entry, present: Mapping[str, Any], *, meeting: bool) -> dict[str, Any]:
    """Write what of an entry of ours is to become different.

    Args:
        present: the event as it stands, with its body where it is an online meeting.
    """
    wanted = {
        **_fields(entry),
        **(_TEAMS if meeting and not present.get("isOnlineMeeting") else {}),
        **({"recurrence": None} if present.get("type") == "seriesMaster" else {}),  # its host made it recur
    }
    body = _text(entry.description)
    if present.get("isOnlineMeeting"):
        kept = _kept(str((present.get("body") or {}).get("content") or ""))
        return wanted if kept is None else {**wanted, "body": {"contentType": "html", "content": body + kept}}
    return {**wanted, "body": {"contentType": "html", "content": body}}


def moved(entry: Entry) -> dict[str, Any]:
    """Write an entry's time alone: what else an invitation says came by mail."""
    return {"start": _at(entry.start), "end": _at(entry.end)}


_TEAMS = {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}


def _fields(entry: Entry) -> dict[str, Any]:
    return {
        "subject": entry.summary[:LONGEST_SUBJECT],
        "location": {"displayName": entry.location},
        "isAllDay": False,
        **moved(entry),
    }


def _at(instant: Instant) -> dict[str, str]:
    # In UTC: Exchange shows it in the mailbox's zone, and knows no IANA name that Windows lacks.
    return {"dateTime": instant.format_iso(unit="second").removesuffix("Z"), "timeZone": "UTC"}


def _text(description: str) -> str:
    """Write a description as HTML that cannot be taken for what Outlook adds."""
    lines = html.escape(_LONG_LINE.sub("_" * 40, description), quote=False).splitlines()
    return "".join(f"{line}<br>\n" for line in lines)


def _kept(body: str) -> str | None:
    """Find what Outlook added to the text; None: not to be found, then the text had better stay as it is."""
    found = _BLOB.search(body)
    if not found:
        return None
    start = found.start()
    while True:  # the line stands in tags of its own; a pattern that steps back over them could take for ever
        before = body[:start].rstrip()
        opening = before.rfind("<")
        if opening < 0 or not _OPENING.fullmatch(before, opening):
            break
        start = opening
    return _END_OF_BODY.split(body[start:], maxsplit=1)[0]
