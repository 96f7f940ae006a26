"""Cancellations: one attendee, or a whole appointment with all the time it takes (contract 2.7)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.errors import Invalid, NotFound
from kalends.storage import attendees, claims, hosts, queue_ledger, reservations
from kalends.storage.appointments import Appointment
from kalends.storage.attendees import Attendee
from kalends.storage.database import Connection

from . import revisions
from .actor import Actor


class AttendeeOrAllNeeded(Invalid):
    """Several people can book this appointment: name one in attendeeId, or send cancelAll."""

    code = "attendee-or-all-needed"


def meant(appointment: Appointment, *, actor: Actor, attendee_id: UUID | None, cancel_all: bool) -> Attendee | None:
    """Find the guest of an appointment that a cancellation means; None: all of them.

    Raises:
        NotFound: the attendee named is none of its.
        AttendeeOrAllNeeded: several booked, and the actor did not say whom he means.
    """
    if actor.attendee_id:
        attendee_id, cancel_all = actor.attendee_id, False
    if cancel_all:
        return None
    if attendee_id is None:
        booked = appointment.booking_attendees
        if appointment.type_spots > 1 or len(booked) > 1:
            raise AttendeeOrAllNeeded
        return booked[0]
    named = next((one for one in appointment.attendees if one.id == attendee_id), None)
    if named is None:
        raise NotFound("Attendee not found")
    return named


async def cancel(
    conn: Connection,
    actor: Actor,
    before: Appointment,
    guest: Attendee | None,
    reason: str | None,
    now: Instant,
    batch_id: UUID | None = None,
) -> Appointment:
    """Cancel a locked appointment, or take one guest off it, with those he brought along.

    The leaving of the last who booked cancels the whole. What is cancelled already stays as it is.

    Args:
        guest: one of its attendees; None: the whole.
        batch_id: the same for all dates of a series that one request cancels; they are told in one mail.
    """
    if before.cancelled_at or (guest and guest.cancelled_at):
        return before
    if guest is None or before.booking_attendees == (guest,):
        fields = await _whole(conn, actor, before, reason, now)
    else:
        fields = {"sequence": before.sequence + 1}
        gone = [guest.id, *(one.id for one in before.attendees if one.brought_by == guest.id)]
        await attendees.cancel(conn, company_id=before.company_id, attendee_ids=gone, now=now)
    return await revisions.write(
        conn, actor=actor, kind="booking_cancelled", before=before, fields=fields, now=now, batch_id=batch_id
    )


async def _whole(
    conn: Connection, actor: Actor, before: Appointment, reason: str | None, now: Instant
) -> dict[str, Any]:
    """Give all time back; seats that are reserved in it stand for themselves, and so do their time and their turn."""
    company_id = before.company_id
    await claims.release(conn, company_id=company_id, appointment_id=before.id)
    await hosts.keep_step(conn, company_id=company_id, appointment_id=before.id, start=before.start_at, live=False)
    if before.queue_id:
        await queue_ledger.unsettle(conn, company_id, before.id, now)
    await reservations.leave(conn, company_id, before.id)
    if before.queue_id:
        await queue_ledger.drop(conn, company_id, appointment_id=before.id)
    by = actor.attendee_id or actor.user_id
    return {
        "sequence": before.sequence + 1,
        "cancelled_at": now,
        "cancel_source": "attendee" if actor.attendee_id else "host",
        "cancelled_by": str(by) if by else None,
        "cancel_reason": reason,
    }
