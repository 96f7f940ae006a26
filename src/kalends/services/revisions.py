"""Revisions: the next state of a locked appointment, with its event and job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.storage import appointments, parts
from kalends.storage.appointments import Appointment
from kalends.storage.attendees import Attendee
from kalends.storage.database import Connection
from kalends.storage.events import Kind

from . import changes
from .actor import Actor


async def write(
    conn: Connection,
    *,
    actor: Actor,
    kind: Kind,
    before: Appointment,
    fields: Mapping[str, Any],
    now: Instant,
    batch_id: UUID | None = None,
) -> Appointment:
    """Write the next revision of a locked appointment; what stands beside it (hosts, attendees) is written already.

    Args:
        batch_id: the same for all dates of a series that one request changes; they are told in one mail.
    """
    changed = {**fields, "revision": before.revision + 1, "updated_at": now}
    await appointments.change(conn, before.company_id, before.id, changed)
    after = await appointments.get(conn, before.company_id, before.id)
    assert after is not None
    event = changes.recording(kind=kind, before=before, after=after, actor=actor, now=now, batch_id=batch_id)
    await parts.write(conn, event)
    return after


def coming(before: Appointment, guests: Iterable[Attendee]) -> dict[str, Any]:
    """List what guests who come to a locked appointment change of it, beside their rows.

    SEQUENCE rises where one of them was taken off before: his calendar would take the old one for old news.
    """
    gone = {(one.email or "").lower() for one in before.attendees if one.cancelled_at}
    returns = any(one.email and one.email.lower() in gone for one in guests)
    return {"sequence": before.sequence + 1} if returns else {}
