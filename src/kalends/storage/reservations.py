"""Reservations: time kept until it expires, for a provisional booking or as a hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from . import rows
from .database import Connection

COLUMNS = """company_id, id, provisional_id, meeting_type_id, host_ids, resources, appointment_id, seats, start_at, end_at,
    expires_at, created_at"""


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


async def add(conn: Connection, row: Mapping[str, Any]) -> None:
    """Insert a reservation from columns."""
    await conn.execute(*rows.insert("reservation", [row]))


async def hold(conn: Connection, company_id: UUID, hold_id: UUID) -> Reservation | None:
    """Find a hold of the company, ended or not."""
    query = f"SELECT {COLUMNS} FROM reservation WHERE company_id = %s AND id = %s AND provisional_id IS NULL"
    async with conn.cursor(row_factory=class_row(Reservation)) as cur:
        await cur.execute(query, (company_id, hold_id))
        return await cur.fetchone()


async def of_provisional(conn: Connection, company_id: UUID, provisional_id: UUID) -> Sequence[Reservation]:
    """List the reservations of a provisional booking by start, ended or not."""
    query = f"SELECT {COLUMNS} FROM reservation WHERE company_id = %s AND provisional_id = %s ORDER BY start_at"
    async with conn.cursor(row_factory=class_row(Reservation)) as cur:
        await cur.execute(query, (company_id, provisional_id))
        return await cur.fetchall()
