"""Attendees of appointments: position 0 booked, guests brought along follow; each has a secret of his own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from whenever import Instant

from .database import Connection


@dataclass(frozen=True, slots=True)
class Attendee:
    """One row of attendee; `secret` opens his own view of the appointment."""

    id: UUID
    position: int
    email: str | None
    first_name: str | None
    last_name: str | None
    full_name: str
    phone: str | None
    timezone: str | None
    language: str | None
    notes: dict[str, Any]
    receive_reminders: bool
    data_policy_accepted: bool | None
    brought_along: bool
    secret: str
    cancelled_at: Instant | None
    created_at: Instant


COLUMNS = """id, position, email, first_name, last_name, full_name, phone, timezone, language, notes,
    receive_reminders, data_policy_accepted, brought_along, secret, cancelled_at, created_at"""


def of_json(row: Mapping[str, Any]) -> Attendee:
    """Read an attendee out of a row that came as JSON."""
    cancelled_at = row["cancelled_at"]
    return Attendee(
        **{
            **row,
            "id": UUID(row["id"]),
            "cancelled_at": Instant.parse_iso(cancelled_at) if cancelled_at else None,
            "created_at": Instant.parse_iso(row["created_at"]),
        }
    )


async def add(conn: Connection, *, company_id: UUID, appointment_id: UUID, attendee: Attendee) -> None:
    """Insert one attendee of an appointment."""
    await conn.execute(
        f"""
        INSERT INTO attendee (company_id, appointment_id, {COLUMNS})
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            company_id, appointment_id, attendee.id, attendee.position, attendee.email, attendee.first_name,
            attendee.last_name, attendee.full_name, attendee.phone, attendee.timezone, attendee.language,
            Jsonb(attendee.notes), attendee.receive_reminders, attendee.data_policy_accepted, attendee.brought_along,
            attendee.secret, attendee.cancelled_at, attendee.created_at,
        ),
    )  # fmt: skip


async def cancel(conn: Connection, *, company_id: UUID, attendee_id: UUID, now: Instant) -> None:
    """Note that one attendee does not come any more."""
    await conn.execute(
        "UPDATE attendee SET cancelled_at = %s WHERE company_id = %s AND id = %s", (now, company_id, attendee_id)
    )


async def secret(conn: Connection, company_id: UUID, attendee_id: UUID) -> str | None:
    """Read the secret of an attendee, which opens his view; None for a host's id."""
    cursor = await conn.execute(
        "SELECT secret FROM attendee WHERE company_id = %s AND id = %s", (company_id, attendee_id)
    )
    row = await cursor.fetchone()
    return row[0] if row else None
