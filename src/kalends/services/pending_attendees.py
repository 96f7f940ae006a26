"""Pending attendees: forms filled in before a booking, which names them by number (contract 2.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from whenever import Instant

from kalends.errors import Invalid, NotFound
from kalends.storage import pending_attendees
from kalends.storage.database import Connection
from kalends.storage.pending_attendees import PendingAttendee

from . import order_checks
from .actor import Actor
from .orders import NewAttendee


class PendingAttendeeNotFound(NotFound):
    """Pending attendee not found"""

    code = "pending-attendee-not-found"


async def create(conn: Connection, *, actor: Actor, attendee: NewAttendee, now: Instant) -> int:
    """Keep what somebody filled in; answer its number.

    Raises:
        Invalid: he has no name, or his phone number is none.
    """
    if not (attendee.full_name or attendee.first_name or attendee.last_name):
        raise Invalid.at("attendee.fullname", "is required")
    phone = order_checks.phone_of(attendee)
    columns = (
        "email", "first_name", "last_name", "full_name", "language", "timezone", "notes", "receive_reminders",
        "data_policy_accepted",
    )  # fmt: skip
    row = {name: getattr(attendee, name) for name in columns}
    row |= {"phone": phone, "bringalong_emails": list(attendee.bringalong_emails), "company_id": actor.company_id}
    return await pending_attendees.add(conn, row | {"created_at": now, "updated_at": now})


async def of_company(conn: Connection, *, actor: Actor) -> Sequence[PendingAttendee]:
    """List the company's pending attendees, oldest first; who has booked is pending no more."""
    return await pending_attendees.of_company(conn, actor.company_id)


async def completed(conn: Connection, company_id: UUID, number: int, attendee: NewAttendee) -> NewAttendee:
    """Fill what an order does not say of who books with what he said before.

    Raises:
        PendingAttendeeNotFound: the company has none such, or he has booked.
    """
    pending = await pending_attendees.get(conn, company_id, number)
    if pending is None:
        raise PendingAttendeeNotFound
    named = attendee.full_name or attendee.first_name or attendee.last_name
    agreed = attendee.data_policy_accepted
    return replace(
        attendee,
        email=attendee.email or pending.email,
        first_name=attendee.first_name if named else pending.first_name,
        last_name=attendee.last_name if named else pending.last_name,
        full_name=attendee.full_name if named else pending.full_name,
        phone=attendee.phone or pending.phone,
        language=attendee.language or pending.language,
        timezone=attendee.timezone or pending.timezone,
        notes={**pending.notes, **attendee.notes},
        receive_reminders=attendee.receive_reminders and pending.receive_reminders,
        bringalong_emails=attendee.bringalong_emails or tuple(pending.bringalong_emails),
        data_policy_accepted=pending.data_policy_accepted if agreed is None else agreed,
    )


async def use(conn: Connection, company_id: UUID, number: int, now: Instant) -> None:
    """Note that one has booked; locks his row, so it comes last, after everything else is locked.

    Raises:
        PendingAttendeeNotFound: the company has none such, or he has booked.
    """
    if not await pending_attendees.delete(conn, company_id, number, now):
        raise PendingAttendeeNotFound
