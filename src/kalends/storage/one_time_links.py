"""One-time booking links: rows of one_time_link."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from .database import Connection


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """One row of one_time_link.

    Attributes:
        used: an appointment was booked with it, cancelled or not, or a provisional booking made with it lives.
    """

    id: UUID
    meeting_type_id: UUID
    used: bool
    created_at: Instant


async def add(
    conn: Connection,
    *,
    company_id: UUID,
    link_id: UUID,
    meeting_type_id: UUID,
    created_by: UUID | None,
    now: Instant,
) -> None:
    """Insert a link nobody has used."""
    await conn.execute(
        """INSERT INTO one_time_link (company_id, id, meeting_type_id, created_by_id, created_at)
        VALUES (%s, %s, %s, %s, %s)""",
        (company_id, link_id, meeting_type_id, created_by, now),
    )


async def get(conn: Connection, company_id: UUID, link_id: UUID, now: Instant) -> OneTimeLink | None:
    """Find a link of the company, and whether it is used at `now`."""
    async with conn.cursor(row_factory=class_row(OneTimeLink)) as cur:
        await cur.execute(
            """SELECT l.id, l.meeting_type_id, l.created_at,
                l.appointment_id IS NOT NULL OR EXISTS (
                    SELECT FROM provisional_booking p
                    WHERE p.company_id = l.company_id AND p.id = l.provisional_id
                        AND (p.status = 'confirmed' OR p.status = 'pending' AND p.expires_at > %s)
                ) AS used
            FROM one_time_link l WHERE l.company_id = %s AND l.id = %s""",
            (now, company_id, link_id),
        )
        return await cur.fetchone()


async def is_of(conn: Connection, company_id: UUID, link_id: UUID, provisional_id: UUID) -> bool:
    """Tell whether it was this provisional booking that was made with a link last, and nothing was booked since."""
    cursor = await conn.execute(
        """SELECT FROM one_time_link
        WHERE company_id = %s AND id = %s AND provisional_id = %s AND appointment_id IS NULL""",
        (company_id, link_id, provisional_id),
    )
    return cursor.rowcount > 0


async def settle(
    conn: Connection, company_id: UUID, link_id: UUID, *, appointment_id: UUID | None, provisional_id: UUID | None
) -> None:
    """Note what was booked with a link: an appointment, or a provisional booking."""
    await conn.execute(
        """UPDATE one_time_link SET appointment_id = coalesce(%s, appointment_id),
            provisional_id = coalesce(%s, provisional_id)
        WHERE company_id = %s AND id = %s""",
        (appointment_id, provisional_id, company_id, link_id),
    )
