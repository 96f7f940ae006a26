"""What is new of an appointment, and which revision each recipient was last told of (design section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from .database import Connection


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of an appointment, as its event keeps it; `at` is when it came to be."""

    number: int
    snapshot: dict[str, Any]
    at: Instant


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


async def last_told(conn: Connection, company_id: UUID, appointment_id: UUID, recipient_id: UUID) -> Revision | None:
    """Read the revision a recipient was last told of; None: he was told nothing yet."""
    cursor = await conn.execute(
        """
        SELECT e.revision, e.after, e.created_at
        FROM told t JOIN event e USING (company_id, appointment_id, revision)
        WHERE t.company_id = %s AND t.appointment_id = %s AND t.recipient_id = %s
        """,
        (company_id, appointment_id, recipient_id),
    )
    row = await cursor.fetchone()
    return Revision(*row) if row else None


async def record(
    conn: Connection, *, company_id: UUID, appointment_id: UUID, recipient_id: UUID, revision: int
) -> None:
    """Note the revision a recipient has now been told of; an older one than the one noted changes nothing."""
    await conn.execute(
        """
        INSERT INTO told (company_id, appointment_id, recipient_id, revision) VALUES (%s, %s, %s, %s)
        ON CONFLICT (company_id, appointment_id, recipient_id)
        DO UPDATE SET revision = greatest(told.revision, excluded.revision)
        """,
        (company_id, appointment_id, recipient_id, revision),
    )


async def secret(conn: Connection, company_id: UUID, attendee_id: UUID) -> str | None:
    """Read the secret of an attendee, which opens his view; None for a host's id."""
    cursor = await conn.execute(
        "SELECT secret FROM attendee WHERE company_id = %s AND id = %s", (company_id, attendee_id)
    )
    row = await cursor.fetchone()
    return row[0] if row else None
