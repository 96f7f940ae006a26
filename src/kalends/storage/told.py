"""Which revision of an appointment each recipient was last told (design section 5)."""

from __future__ import annotations

from uuid import UUID

from .database import Connection
from .events import Revision


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
