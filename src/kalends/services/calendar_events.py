"""Events of connections: one that was made, a calendar that disagrees with an appointment, or lets us in no more.

Nothing of what events elsewhere are about is written down: only when they are.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias
from uuid import UUID

from whenever import Instant

from kalends.domain.sync import Meeting, Span
from kalends.storage import events, ids, parts
from kalends.storage.calendar_connections import CalendarConnection
from kalends.storage.database import Connection
from kalends.storage.events import Kind

from . import changes
from .actor import Actor

# What a calendar disagrees in: an event overlaps an appointment; the appointment's own event was moved, made longer or
# shorter, deleted or declined there, and the appointment did not follow; what we wrote there vanished all at once.
Reason: TypeAlias = Literal["overlap", "moved", "length", "deleted", "declined", "emptied"]


async def connected(
    conn: Connection, connection: CalendarConnection, server: str | None, *, actor: Actor, now: Instant
) -> None:
    """Record that an account was connected, anew or once more, which its user is told by mail; he is locked.

    He is told whoever did it: a link to a provider's page can be followed by somebody it was not meant for.

    Args:
        server: where the account is, if the provider's name does not say so.
    """
    await _record(conn, connection, "calendar_connected", {"server": server}, now, None, by=actor)


async def conflict(
    conn: Connection,
    connection: CalendarConnection,
    calendar_id: UUID,
    reason: Reason,
    *,
    meeting: Meeting | None = None,
    span: Span | None = None,
    code: str | None = None,
    batch_id: UUID | None = None,
    now: Instant,
) -> None:
    """Record that a calendar and an appointment disagree, which its host is told by mail; the host is locked.

    Args:
        span: when the event takes place there.
        code: the rule that kept the appointment from following.
        batch_id: the same for all that one reading finds; told in one mail.
    """
    found = {
        "calendarId": str(calendar_id),
        "reason": reason,
        "code": code,
        "appointmentId": str(meeting.appointment_id) if meeting else None,
        "start": span[0].format_iso() if span else None,
        "end": span[1].format_iso() if span else None,
        "appointmentStart": meeting.start.format_iso() if meeting else None,
        "appointmentEnd": meeting.end.format_iso() if meeting else None,
    }
    await _record(conn, connection, "conflict", found, now, batch_id)


async def credential_error(conn: Connection, connection: CalendarConnection, *, now: Instant) -> None:
    """Record that a provider does not let us in any more, which the host is told by mail; the host is locked."""
    await _record(conn, connection, "credential_error", {}, now, None)


def batch(connection: CalendarConnection) -> UUID:
    """Name what one reading finds."""
    return ids.new_id(connection.company_id)


async def _record(
    conn: Connection,
    connection: CalendarConnection,
    kind: Kind,
    found: dict[str, Any],
    now: Instant,
    batch_id: UUID | None,
    by: Actor | None = None,
) -> None:
    by = by or Actor(connection.company_id, user_id=None, is_admin=False, via="calendar")
    revision = await events.last_of_connection(conn, connection.company_id, connection.id) + 1
    after = {
        "revision": revision,
        "connectionId": str(connection.id),
        "userId": str(connection.user_id),
        "provider": connection.provider,
        "email": connection.email,
        **found,
    }
    event = events.recording(
        company_id=connection.company_id,
        connection_id=connection.id,
        revision=revision,
        kind=kind,
        actor=changes.who(by),
        before=None,
        after=after,
        now=now,
        batch_id=batch_id,
    )
    await parts.write(conn, event)
