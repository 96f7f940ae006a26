"""Pending attendees: rows of pending_attendee, forms filled in before a booking; their ids are numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, scalar_row
from whenever import Instant

from . import rows
from .database import Connection

COLUMNS = """id, company_id, email, first_name, last_name, full_name, phone, language, timezone, notes,
    bringalong_emails, receive_reminders, data_policy_accepted, created_at, updated_at, deleted_at"""


@dataclass(frozen=True, slots=True)
class PendingAttendee:
    """One row of pending_attendee; deleted once he has booked."""

    id: int
    company_id: UUID
    email: str | None
    first_name: str | None
    last_name: str | None
    full_name: str | None
    phone: str | None
    language: str | None
    timezone: str | None
    notes: dict[str, Any]
    bringalong_emails: list[str]
    receive_reminders: bool
    data_policy_accepted: bool | None
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None


async def add(conn: Connection, row: Mapping[str, Any]) -> int:
    """Insert one from columns; answer its number."""
    query, values = rows.insert("pending_attendee", [row], returning="id")
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(query, values)
        return int(await cur.fetchone() or 0)


async def of_company(conn: Connection, company_id: UUID) -> Sequence[PendingAttendee]:
    """List those of a company who have not booked, oldest first."""
    query = f"SELECT {COLUMNS} FROM pending_attendee WHERE company_id = %s AND deleted_at IS NULL ORDER BY id"
    async with conn.cursor(row_factory=class_row(PendingAttendee)) as cur:
        await cur.execute(query, (company_id,))
        return await cur.fetchall()


async def get(conn: Connection, company_id: UUID, number: int) -> PendingAttendee | None:
    """Find one of the company who has not booked."""
    query = f"SELECT {COLUMNS} FROM pending_attendee WHERE company_id = %s AND id = %s AND deleted_at IS NULL"
    async with conn.cursor(row_factory=class_row(PendingAttendee)) as cur:
        await cur.execute(query, (company_id, number))
        return await cur.fetchone()


async def delete(conn: Connection, company_id: UUID, number: int, now: Instant) -> bool:
    """Mark one as deleted; False when he is already, after waiting for whoever is just doing it."""
    cur = await conn.execute(
        """UPDATE pending_attendee SET deleted_at = %s, updated_at = %s
        WHERE company_id = %s AND id = %s AND deleted_at IS NULL""",
        (now, now, company_id, number),
    )
    return cur.rowcount == 1
