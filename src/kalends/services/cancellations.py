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


def leaving(appointment: Appointment, actor: Actor, attendee_id: UUID | None, cancel_all: bool) -> Attendee | None:
    """Decide who is taken off; None cancels the whole appointment, as the leaving of the last who booked does.

    Raises:
        NotFound: the attendee named is none of its.
        AttendeeOrAllNeeded: several booked, and the actor did not say whom he means.
    """
    booked = appointment.booking_attendees
    if actor.attendee_id:
        attendee_id, cancel_all = actor.attendee_id, False
    if cancel_all:
        return None
    if attendee_id is None:
        if appointment.type_spots > 1 or len(booked) > 1:
            raise AttendeeOrAllNeeded
        return None
    named = next((one for one in appointment.attendees if one.id == attendee_id), None)
    if named is None:
        raise NotFound("Attendee not found")
    others = [one for one in booked if one.id != named.id]
    alone = not named.brought_along and named.cancelled_at is None and not others
    return None if alone else named


def same_guest(appointment: Appointment, named: Attendee) -> Attendee | None:
    """Find who booked another appointment of the series as the same guest: by e-mail address, else by phone."""
    for one in appointment.booking_attendees:
        if (named.email or "").lower() == (one.email or "").lower() and (named.email or named.phone == one.phone):
            return one
    return None


def own_in_series(appointment: Appointment, guest: Attendee) -> Attendee | None:
    """Find the guest of one appointment in another of its series, for himself to see and to cancel.

    None unless he made both: whoever joins a group later books under any e-mail address he likes, which proves nothing.
    """
    same = same_guest(appointment, guest)
    return same if same and same.position == guest.position == 0 else None


async def cancel(
    conn: Connection,
    actor: Actor,
    before: Appointment,
    named: Attendee | None,
    reason: str | None,
    now: Instant,
    batch_id: UUID | None = None,
) -> Appointment:
    """Cancel a locked appointment, or take one attendee off it, with those he brought along; None: the whole.

    What is cancelled already stays as it is.

    Args:
        batch_id: the same for all dates of a series that one request cancels; they are told in one mail.
    """
    if before.cancelled_at or (named and named.cancelled_at):
        return before
    if named is None:
        fields = await _whole(conn, actor, before, reason, now)
    else:
        fields = {}
        gone = [named.id, *(one.id for one in before.attendees if one.brought_by == named.id)]
        await attendees.cancel(conn, company_id=before.company_id, attendee_ids=gone, now=now)
    return await revisions.write(
        conn, actor=actor, kind="booking_cancelled", before=before, fields=fields, now=now, batch_id=batch_id
    )


async def _whole(
    conn: Connection, actor: Actor, before: Appointment, reason: str | None, now: Instant
) -> dict[str, Any]:
    """Give all time back; seats that are reserved in it stand for themselves, and so does their time."""
    company_id = before.company_id
    await claims.release(conn, company_id=company_id, appointment_id=before.id)
    await hosts.keep_step(conn, company_id=company_id, appointment_id=before.id, start=before.start_at, live=False)
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
