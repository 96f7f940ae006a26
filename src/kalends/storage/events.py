"""Events: the audit trail and change feed of appointments; each brings the job that makes it known."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias
from uuid import UUID

from psycopg.types.json import Jsonb
from whenever import Instant

from . import jobs
from .database import Connection

Kind: TypeAlias = Literal["booking_created", "booking_rescheduled", "booking_cancelled", "booking_updated"]


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
) -> int:
    """Write one event and the job `event.happened`, in the caller's transaction; answers the event's number."""
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
    event_id: int = row[0]
    await jobs.enqueue(conn, "event.happened", lock=str(appointment_id), event_id=event_id)
    return event_id
