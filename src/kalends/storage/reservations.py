"""Reservations: time kept until it expires, for a provisional booking or as a hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, scalar_row
from whenever import Instant

from . import rows
from .database import Connection

COLUMNS = """company_id, id, provisional_id, meeting_type_id, host_ids, resources, appointment_id, seats, start_at,
    end_at, expires_at, created_at"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One row of reservation; a hold where it is of no provisional booking.

    Attributes:
        host_ids: the main host first.
        resources: ``channelId``, ``resourceId``, ``name`` of each room or thing; which unit stands in its claims.
        appointment_id: the group appointment it has seats in.
    """

    company_id: UUID
    id: UUID
    provisional_id: UUID | None
    meeting_type_id: UUID
    host_ids: list[UUID]
    resources: list[dict[str, Any]]
    appointment_id: UUID | None
    seats: int
    start_at: Instant
    end_at: Instant
    expires_at: Instant
    created_at: Instant

    @property
    def duration(self) -> int:
        """The appointment's length, in minutes."""
        return int((self.end_at - self.start_at).total("minutes"))

    @property
    def user_ids(self) -> frozenset[UUID]:
        """The hosts and the resources: their rows guard its time."""
        return frozenset([*self.host_ids, *(UUID(one["resourceId"]) for one in self.resources)])


async def add(conn: Connection, row: Mapping[str, Any]) -> None:
    """Insert a reservation from columns."""
    await conn.execute(*rows.insert("reservation", [row]))


async def hold(conn: Connection, company_id: UUID, hold_id: UUID) -> Reservation | None:
    """Find a hold of the company, ended or not; one that a provisional booking took over is over from the beginning."""
    query = f"SELECT {COLUMNS} FROM reservation WHERE company_id = %s AND id = %s"
    async with conn.cursor(row_factory=class_row(Reservation)) as cur:
        await cur.execute(query, (company_id, hold_id))
        found = await cur.fetchone()
    return replace(found, expires_at=found.created_at) if found and found.provisional_id else found


async def of_provisional(conn: Connection, company_id: UUID, provisional_id: UUID) -> Sequence[Reservation]:
    """List the reservations of a provisional booking by start, ended or not."""
    query = f"SELECT {COLUMNS} FROM reservation WHERE company_id = %s AND provisional_id = %s ORDER BY start_at"
    async with conn.cursor(row_factory=class_row(Reservation)) as cur:
        await cur.execute(query, (company_id, provisional_id))
        return await cur.fetchall()


async def beside(
    conn: Connection,
    company_id: UUID,
    *,
    meeting_type_id: UUID,
    start: Instant,
    end: Instant,
    host_id: UUID,
    now: Instant,
) -> Sequence[Reservation]:
    """List the live reservations of one group session that has no appointment yet, oldest first.

    Args:
        host_id: its main host, who is locked.
    """
    query = f"""SELECT {COLUMNS} FROM reservation
        WHERE company_id = %s AND meeting_type_id = %s AND start_at = %s AND end_at = %s AND host_ids[1] = %s
            AND appointment_id IS NULL AND expires_at > %s
        ORDER BY created_at, id"""
    async with conn.cursor(row_factory=class_row(Reservation)) as cur:
        await cur.execute(query, (company_id, meeting_type_id, start, end, host_id, now))
        return await cur.fetchall()


async def seats_in(conn: Connection, company_id: UUID, appointment_id: UUID, now: Instant) -> int:
    """Count the seats that live reservations have in an appointment."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(
            """SELECT coalesce(sum(seats), 0) FROM reservation
            WHERE company_id = %s AND appointment_id = %s AND expires_at > %s""",
            (company_id, appointment_id, now),
        )
        return int(await cur.fetchone() or 0)


async def change(conn: Connection, company_id: UUID, reservation_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of one reservation, whose hosts are locked."""
    await conn.execute(*rows.update("reservation", company_id, reservation_id, changes))


async def expire(conn: Connection, company_id: UUID, reservation_ids: Sequence[UUID], at: Instant) -> None:
    """Let reservations live until an instant."""
    await conn.execute(
        "UPDATE reservation SET expires_at = %s WHERE company_id = %s AND id = ANY(%s)",
        (at, company_id, list(reservation_ids)),
    )


async def end(conn: Connection, company_id: UUID, reservation_ids: Sequence[UUID]) -> None:
    """Let reservations count as expired, from their beginning on."""
    await conn.execute(
        "UPDATE reservation SET expires_at = created_at WHERE company_id = %s AND id = ANY(%s)",
        (company_id, list(reservation_ids)),
    )


async def join(conn: Connection, company_id: UUID, reservation_ids: Sequence[UUID], appointment_id: UUID) -> None:
    """Give reservations their seats in the appointment that was made where they stand."""
    await conn.execute(
        "UPDATE reservation SET appointment_id = %s WHERE company_id = %s AND id = ANY(%s)",
        (appointment_id, company_id, list(reservation_ids)),
    )


async def leave(conn: Connection, company_id: UUID, appointment_id: UUID) -> None:
    """Let reservations stand for themselves again: the appointment they had seats in is cancelled or moved."""
    await conn.execute(
        "UPDATE reservation SET appointment_id = NULL WHERE company_id = %s AND appointment_id = %s",
        (company_id, appointment_id),
    )


async def sweep(conn: Connection, now: Instant) -> None:
    """Forget, for a periodic job, reservations that ended over a day ago.

    Those of a provisional booking stay until its expiry is known, which is told with their times. One that somebody
    holds locked is left for the next time.
    """
    await conn.execute(
        """
        DELETE FROM reservation WHERE id IN (
            SELECT r.id FROM reservation r WHERE r.expires_at < %s AND NOT EXISTS (
                SELECT FROM claim c WHERE c.company_id = r.company_id AND c.reservation_id = r.id
            ) AND NOT EXISTS (
                SELECT FROM provisional_booking p WHERE p.company_id = r.company_id AND p.id = r.provisional_id
                    AND p.status = 'pending' AND p.expired_at IS NULL)
            FOR UPDATE OF r SKIP LOCKED
        )
        """,
        (now.subtract(hours=24),),
    )
