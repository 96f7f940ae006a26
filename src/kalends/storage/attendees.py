"""Attendees of appointments: position 0 booked, guests brought along follow; each has a secret of his own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.remote_events import Answer

from . import rows
from .database import Connection
from .parts import Part


@dataclass(frozen=True, slots=True)
class Attendee:
    """One row of attendee; `secret` opens his own view of the appointment.

    Attributes:
        brought_by: the attendee who brought him along, and with whom he leaves.
        series_id: what he has in common with the attendees that the same recurrence made, in whatever appointments.
        answer: what he said in a calendar; None: nothing else than by booking.
    """

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
    brought_by: UUID | None = None
    series_id: UUID | None = None
    answer: Answer | None = None


COLUMNS = """id, position, email, first_name, last_name, full_name, phone, timezone, language, notes,
    receive_reminders, data_policy_accepted, brought_along, secret, cancelled_at, created_at, brought_by, series_id,
    answer"""
_WHEN_ADDED = [name.strip() for name in COLUMNS.split(",") if name.strip() != "answer"]


def of_json(row: Mapping[str, Any]) -> Attendee:
    """Read an attendee out of a row that came as JSON."""
    cancelled_at = row["cancelled_at"]
    return Attendee(
        **{
            **row,
            "id": UUID(row["id"]),
            "cancelled_at": Instant.parse_iso(cancelled_at) if cancelled_at else None,
            "created_at": Instant.parse_iso(row["created_at"]),
            "brought_by": UUID(row["brought_by"]) if row["brought_by"] else None,
            "series_id": UUID(row["series_id"]) if row["series_id"] else None,
        }
    )


def adding(*, company_id: UUID, appointment_id: UUID, new: Sequence[Attendee]) -> Part:
    """Insert attendees, at least one, of an appointment."""
    owner = {"company_id": company_id, "appointment_id": appointment_id}
    return Part(
        "coming", *rows.insert("attendee", [owner | {name: getattr(one, name) for name in _WHEN_ADDED} for one in new])
    )


async def cancel(conn: Connection, *, company_id: UUID, attendee_ids: Sequence[UUID], now: Instant) -> None:
    """Note that attendees do not come any more."""
    await conn.execute(
        "UPDATE attendee SET cancelled_at = %s WHERE company_id = %s AND id = ANY(%s) AND cancelled_at IS NULL",
        (now, company_id, list(attendee_ids)),
    )


async def answer(conn: Connection, *, company_id: UUID, answers: Mapping[UUID, Answer]) -> None:
    """Note what attendees said in a calendar, by their ids; the appointment is locked."""
    await conn.execute(
        """
        UPDATE attendee a SET answer = said.answer FROM unnest(%s::uuid[], %s::text[]) AS said (id, answer)
        WHERE a.company_id = %s AND a.id = said.id
        """,
        (list(answers), list(answers.values()), company_id),
    )


async def secrets(conn: Connection, company_id: UUID, attendee_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Read the secret of each attendee, which opens his view; ids of hosts are left out."""
    cursor = await conn.execute(
        "SELECT id, secret FROM attendee WHERE company_id = %s AND id = ANY(%s)", (company_id, list(attendee_ids))
    )
    return dict(await cursor.fetchall())
