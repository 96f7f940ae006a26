"""Events: the audit trail of appointments and provisional bookings, and what connections of calendars meet.

Each brings the job that makes it known.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from psycopg.types.json import Jsonb
from whenever import Instant

from . import jobs
from .database import Connection
from .parts import Part

Kind: TypeAlias = Literal[
    "booking_created",
    "booking_rescheduled",
    "booking_cancelled",
    "booking_updated",
    "booking_handed_over",
    "provisional_created",
    "provisional_proved",
    "provisional_confirmed",
    "provisional_declined",
    "provisional_expired",
    "calendar_connected",
    "conflict",
    "credential_error",
]


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of an appointment, as its event keeps it; `at` is when it came to be."""

    number: int
    snapshot: dict[str, Any]
    at: Instant


@dataclass(frozen=True, slots=True)
class Change:
    """What an event changed, and when; `before` None: it was made then, or met a calendar connection.

    Attributes:
        batch_id: what one request did to several dates of a series has the same.
    """

    id: int
    company_id: UUID
    kind: Kind
    appointment_id: UUID | None
    provisional_id: UUID | None
    connection_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any]
    at: Instant
    batch_id: UUID | None


_RECORD = """
    INSERT INTO event
        (company_id, kind, appointment_id, provisional_id, connection_id, revision, actor, before, after, created_at,
        batch_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_TELL = f"""{jobs.INSERT}
    SELECT '{jobs.DEFAULT}', 'event.happened', %s, jsonb_build_object('event_id', id) FROM recorded"""


def recording(
    *,
    company_id: UUID,
    appointment_id: UUID | None = None,
    provisional_id: UUID | None = None,
    connection_id: UUID | None = None,
    revision: int,
    kind: Kind,
    actor: dict[str, Any],
    before: dict[str, Any] | None,
    after: dict[str, Any],
    now: Instant,
    batch_id: UUID | None = None,
) -> list[Part]:
    """Write one event, and the job `event.happened`.

    Args:
        appointment_id, provisional_id, connection_id: what changed, exactly one of them; its jobs run one after the
            other.
        revision: of what changed; the caller has it locked, and counts from 1.
        batch_id: the same for all dates of a series that one request changes, and for all that one reading of a
            calendar finds; they are told in one mail.
    """
    values = (
        company_id,
        kind,
        appointment_id,
        provisional_id,
        connection_id,
        revision,
        Jsonb(actor),
        None if before is None else Jsonb(before),
        Jsonb(after),
        now,
        batch_id,
    )
    lock = str(appointment_id or provisional_id or connection_id)
    return [Part("recorded", _RECORD, values), Part("told", _TELL, [lock], queues=True)]


_CHANGE = """
    SELECT id, company_id, kind, appointment_id, provisional_id, connection_id, before, after, created_at, batch_id
    FROM event
"""


async def change(conn: Connection, event_id: int) -> Change:
    """Read what an event changed."""
    cursor = await conn.execute(_CHANGE + "WHERE id = %s", (event_id,))
    row = await cursor.fetchone()
    assert row is not None, "events are never deleted"
    return Change(*row)


async def several(conn: Connection, event_ids: Iterable[int]) -> dict[int, Change]:
    """Read what events changed, by their ids."""
    cursor = await conn.execute(_CHANGE + "WHERE id = ANY(%s)", (list(event_ids),))
    return {row[0]: Change(*row) for row in await cursor.fetchall()}


async def batch(conn: Connection, company_id: UUID, batch_id: UUID) -> list[Change]:
    """Read all that one request changed, in the order it did so."""
    cursor = await conn.execute(_CHANGE + "WHERE company_id = %s AND batch_id = %s ORDER BY id", (company_id, batch_id))
    return [Change(*row) for row in await cursor.fetchall()]


async def last_of_connection(conn: Connection, company_id: UUID, connection_id: UUID) -> int:
    """Read the revision of a connection's last event, 0 before its first; its host is locked."""
    cursor = await conn.execute(
        "SELECT coalesce(max(revision), 0) FROM event WHERE company_id = %s AND connection_id = %s",
        (company_id, connection_id),
    )
    row = await cursor.fetchone()
    return row[0] if row else 0


async def newest(conn: Connection, company_id: UUID, appointment_ids: Iterable[UUID]) -> dict[UUID, Revision]:
    """Read the newest revision of each appointment."""
    cursor = await conn.execute(
        """
        SELECT newest.* FROM unnest(%s::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
            SELECT appointment_id, revision, after, created_at FROM event
            WHERE company_id = %s AND appointment_id = wanted.id ORDER BY revision DESC LIMIT 1) newest
        """,
        (list(appointment_ids), company_id),
    )
    return {row[0]: Revision(*row[1:]) for row in await cursor.fetchall()}


async def newest_of_provisional(conn: Connection, company_id: UUID, provisional_id: UUID) -> Revision:
    """Read the newest revision of a provisional booking."""
    cursor = await conn.execute(
        """
        SELECT revision, after, created_at FROM event WHERE company_id = %s AND provisional_id = %s
        ORDER BY revision DESC LIMIT 1
        """,
        (company_id, provisional_id),
    )
    row = await cursor.fetchone()
    assert row is not None, "every provisional booking has an event"
    return Revision(*row)


async def first_main_hosts(
    conn: Connection, company_id: UUID, appointment_ids: Iterable[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Read who was each appointment's main host when it was made, as its snapshot has him."""
    cursor = await conn.execute(
        """
        SELECT appointment_id, after->'hosts'->0 FROM event
        WHERE company_id = %s AND appointment_id = ANY(%s) AND revision = 1
        """,
        (company_id, list(appointment_ids)),
    )
    return dict(await cursor.fetchall())
