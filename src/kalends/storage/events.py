"""Events: the audit trail and change feed of appointments; each brings the job that makes it known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from psycopg.types.json import Jsonb
from whenever import Instant

from . import jobs
from .database import Connection

Kind: TypeAlias = Literal["booking_created", "booking_rescheduled", "booking_cancelled", "booking_updated"]


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of an appointment, as its event keeps it; `at` is when it came to be."""

    number: int
    snapshot: dict[str, Any]
    at: Instant


async def record(
    conn: Connection,
    *,
    company_id: UUID,
    appointment_id: UUID,
    revision: int,
    kind: Kind,
    actor: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    now: Instant,
) -> None:
    """Write one event and the job `event.happened`, in the caller's transaction."""
    cursor = await conn.execute(
        """
        INSERT INTO event (company_id, kind, appointment_id, revision, actor, before, after, created_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
        """,
        (
            company_id,
            kind,
            appointment_id,
            revision,
            Jsonb(dict(actor)),
            None if before is None else Jsonb(dict(before)),
            Jsonb(dict(after)),
            now,
        ),
    )
    row = await cursor.fetchone()
    assert row is not None
    await jobs.enqueue(conn, "event.happened", lock=str(appointment_id), event_id=row[0])


async def changed_by(conn: Connection, event_id: int) -> tuple[UUID, UUID, dict[str, Any] | None, dict[str, Any]]:
    """Read what an event changed: company, appointment, the snapshot before (None: it was made then) and after."""
    cursor = await conn.execute(
        "SELECT company_id, appointment_id, before, after FROM event WHERE id = %s", (event_id,)
    )
    row = await cursor.fetchone()
    assert row is not None, "events are never deleted"
    return row[0], row[1], row[2], row[3]


async def newest(conn: Connection, company_id: UUID, appointment_id: UUID) -> Revision:
    """Read the newest revision of an appointment."""
    cursor = await conn.execute(
        """
        SELECT revision, after, created_at FROM event WHERE company_id = %s AND appointment_id = %s
        ORDER BY revision DESC LIMIT 1
        """,
        (company_id, appointment_id),
    )
    row = await cursor.fetchone()
    assert row is not None, "every appointment has an event"
    return Revision(*row)
