"""Our UID in a mailbox that gives every event a UID of its own (iCalUId is read-only).

An entry carries our UID twice: as an extended property, which can be searched for, and at the beginning of its
`transactionId`, because incremental reading knows no `$expand` and therefore shows no extended property. An event the
mailbox itself made out of a mailed invitation has our UID as iCalUId: as it is, or packed into a global object id.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Any

PROPERTY = "String {7b9c1e52-5d0f-4f57-9d0a-3c6f0b8d2e41} Name kalends-uid"
EXPAND = f"singleValueExtendedProperties($filter=id eq '{PROPERTY}')"

# MS-OXOCAL 2.2.1.27: a fixed beginning, date and time of an exception, eight bytes reserved; then the length of what
# follows, the mark of a foreign UID, and that UID ending in a zero byte.
_GLOBAL = "040000008200E00074C5B7101A82E008"
_FOREIGN = "7643616C2D55696401000000"
_PACKED = re.compile(rf"{_GLOBAL}[0-9A-F]{{40}}[0-9A-F]{{8}}{_FOREIGN}([0-9A-F]*?)(?:00)?", re.IGNORECASE)
_TRANSACTION = re.compile(r"([^#\s]+@kalends)(?:#.*)?")


def uid(event: Mapping[str, Any]) -> str | None:
    """Read an event's UID; ours where it is an entry of ours or a mailed invitation of ours."""
    return written_uid(event) or _unpacked(event.get("iCalUId"))


def written_uid(event: Mapping[str, Any]) -> str | None:
    """Read the UID of an entry; None: we did not write this event."""
    for kept in event.get("singleValueExtendedProperties") or ():
        if str(kept.get("id", "")).lower() == PROPERTY.lower() and kept.get("value"):
            return str(kept["value"])
    written = _TRANSACTION.fullmatch(event.get("transactionId") or "")
    return written[1] if written else None


def transaction(entry_uid: str, key: str) -> str:
    """Name one attempt to write an entry anew: the same attempt made twice makes one event."""
    return f"{entry_uid}#{key}"


def packed(foreign: str) -> str:
    """Pack a UID of iCalendar's as Exchange does where it keeps one."""
    data = foreign.encode() + b"\x00"
    length = (len(data) + len(_FOREIGN) // 2).to_bytes(4, "little").hex()
    return f"{_GLOBAL}{'0' * 40}{length}{_FOREIGN}{data.hex()}".upper()


def _unpacked(given: str | None) -> str | None:
    """Take a foreign UID out of a global object id; anything else is itself."""
    found = _PACKED.fullmatch(given or "")
    if not found:
        return given or None
    try:
        return binascii.unhexlify(found[1]).decode()
    except (ValueError, UnicodeDecodeError):
        return given


def _quoted(value: str) -> str:
    """Write a string of an OData filter."""
    return "'" + value.replace("'", "''") + "'"


def entries_of(entry_uid: str) -> str:
    """Filter for what we wrote ourselves."""
    return f"singleValueExtendedProperties/Any(ep: ep/id eq {_quoted(PROPERTY)} and ep/value eq {_quoted(entry_uid)})"


def invitations_of(entry_uid: str) -> str:
    """Filter for what the mailbox made out of an invitation."""
    return f"iCalUId eq {_quoted(entry_uid)} or iCalUId eq {_quoted(packed(entry_uid))}"
