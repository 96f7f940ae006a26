"""The change feed: who reads which events, and the cursors that lead through them.

A cursor names the event it stands behind by what that is of, its revision and its instant. One of a history that was
lost (the database was restored from an older backup) is therefore told from those of the history that followed.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.errors import Invalid
from kalends.storage import change_feed
from kalends.storage.change_feed import Event
from kalends.storage.database import Connection

from . import appointments
from .actor import Actor

_CURSOR = struct.Struct(">16sIQ")  # subject, revision, microseconds
_BEGINNING = bytes(_CURSOR.size)


class CursorUnknown(Invalid):
    """This cursor leads nowhere: read what you keep anew, and begin without one."""

    code = "cursor-unknown"


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order, and the cursor behind the last one."""

    events: list[Event]
    next: str


def cursor(event: Event) -> str:
    """Make the cursor that stands behind an event."""
    subject = event.appointment_id or event.provisional_id or event.connection_id
    assert subject is not None, "an event is of something"
    at = event.created_at.timestamp(unit="microsecond")
    return _text(_CURSOR.pack(subject.bytes, event.revision, at))


async def page(
    conn: Connection, *, actor: Actor, after: str | None, limit: int, appointment_id: UUID | None = None
) -> Page:
    """Read the events behind a cursor that the actor may see; without one from the beginning.

    Administrators and platform keys see all of the company's, members those of what they host or
    hosted then, and of their own calendars.

    Raises:
        CursorUnknown: it is malformed, or names no event of the company.
        NotFound: there is no such appointment for the actor.
    """
    if appointment_id:
        await appointments.get(conn, actor=actor, appointment_id=appointment_id)
    everything = actor.is_admin or actor.via == "key"
    found = await change_feed.page(
        conn,
        actor.company_id,
        after=await _position(conn, actor.company_id, after) if after else 0,
        limit=limit,
        host_id=None if everything else actor.user_id,
        appointment_id=appointment_id,
    )
    return Page(found, cursor(found[-1]) if found else after or _text(_BEGINNING))


async def _position(conn: Connection, company_id: UUID, text: str) -> int:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        subject, revision, microseconds = _CURSOR.unpack(raw)
        created_at = Instant.from_timestamp(microseconds, unit="microsecond")
    except (binascii.Error, struct.error, ValueError) as error:
        raise CursorUnknown from error
    if raw == _BEGINNING:
        return 0
    found = await change_feed.position(
        conn, company_id, subject_id=UUID(bytes=subject), revision=revision, created_at=created_at
    )
    if found is None:
        raise CursorUnknown
    return found


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
