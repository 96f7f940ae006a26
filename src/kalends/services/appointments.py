"""Appointments: who sees them, and the changes they go through (contract 2.7, 6.4).

Members see the appointments they host, administrators all of the company; for everybody else there is none (404).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from whenever import Instant

from kalends.domain.rules import Mode
from kalends.errors import Forbidden, Invalid, NotFound
from kalends.ports import Clock
from kalends.storage import attendees, ids, locks, parts, reservations
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection

from . import (
    calendars,
    cancellations,
    changes,
    guests,
    invitations,
    locked_appointments,
    moves,
    orders,
    placements,
    revisions,
)
from .actor import Actor
from .refusals import SlotTaken
from .slot_queries import SlotQuery
from .verification import STORED, Verified


class AlreadyCancelled(Invalid):
    """This appointment is cancelled."""

    code = "already-cancelled"


class AlreadyOver(Invalid):
    """This appointment is over."""

    code = "already-over"


class NotTheOnlyAttendee(Forbidden):
    """Others booked this appointment too; it is not yours alone to change."""

    code = "not-the-only-attendee"


@dataclass(frozen=True, slots=True)
class Rescheduled:
    """An appointment after its move, and where it began before."""

    appointment: Appointment
    previous_start: Instant


async def get(conn: Connection, *, actor: Actor, appointment_id: UUID) -> Appointment:
    """Find an appointment the actor may see.

    Raises:
        NotFound: there is none for him.
    """
    return await locked_appointments.seen(conn, actor, appointment_id)


def calendar_file(appointment: Appointment, recipient_id: UUID) -> str:
    """Write the appointment as an iCalendar file for one of its hosts or attendees (RFC 5545)."""
    snapshot = changes.snapshot(appointment)
    return invitations.download(snapshot, str(recipient_id), link=None, stamp=appointment.updated_at)


async def cancel(
    conn: Connection,
    *,
    actor: Actor,
    appointment_id: UUID,
    attendee_id: UUID | None = None,
    cancel_all: bool = False,
    entire_series: bool = False,
    reason: str | None = None,
    clock: Clock,
) -> Appointment:
    """Cancel an appointment, or take one attendee off it (contract 2.7); a cancelled one stays as it is.

    A guest cancels the whole only where nobody else booked; else just himself, with those he brought along. Locks the
    type when it has a cap, the queue that chose, the hosts and resources, the appointment.

    Args:
        entire_series: the later ones too: of a guest those his own series made or joined, and just him; of `cancel_all`
            those the appointment's series made.

    Raises:
        NotFound: no such appointment for the actor, or no such attendee in it.
        AttendeeOrAllNeeded: several booked, and the actor did not say whom he means.
    """
    meant = partial(cancellations.meant, actor=actor, attendee_id=attendee_id, cancel_all=cancel_all)
    first, *later = await locked_appointments.lock(
        conn, actor, appointment_id, counted=True, later_of=meant if entire_series else None
    )
    if first.cancelled_at and not entire_series:
        return first
    guest, now = meant(first), clock()
    batch_id = ids.new_id(first.company_id) if later else None
    after = await cancellations.cancel(conn, actor, first, guest, reason, now, batch_id)
    for one in later:
        there = guests.in_series(one, guest) if guest else None
        assert there or guest is None, "of a guest only dates he comes to are locked"
        acting = replace(actor, attendee_id=there.id) if there and actor.attendee_id else actor
        await cancellations.cancel(conn, acting, one, there, reason, now, batch_id)
    return after


async def reschedule(
    conn: Connection,
    *,
    actor: Actor,
    appointment_id: UUID,
    start: Instant,
    ignore_availability: bool = False,
    mode: Mode | None = None,
    required: int | None = None,
    clock: Clock,
    verified: Verified = STORED,
) -> Rescheduled:
    """Move an appointment, as long as it is, with all who booked it; its own time does not block it.

    It keeps its hosts and resources, whoever's turn it would be. Locks the type when it has a cap, the queue that
    chose, the hosts and resources, the appointment. Moving to where it is changes nothing.

    Args:
        mode, required: which of its hosts go with it, as a list of starts is asked; neither: all of them.
        verified: whose calendars were asked live; by default what is stored of them counts.

    Raises:
        Unverified: calendars have to be asked live first.
        NotFound: no such appointment for the actor.
        AlreadyCancelled, AlreadyOver, NotTheOnlyAttendee
        SlotTaken: a host's time is taken.
        DomainError: one of `refusals.ALL` names the rule that does not offer this start.
        OverrideNotAllowed: the actor may not disregard availability.
    """
    seen = await get(conn, actor=actor, appointment_id=appointment_id)
    query, lock_queue = _query(seen, start, mode, required), partial(_lock_queue, conn, seen)
    loaded, now = await calendars.load_locked(
        conn, actor.company_id, query, clock, deleted=True, before_hosts=lock_queue
    )
    before = await locked_appointments.again(conn, actor, seen)
    _check_movable(before, actor, now)
    if start == before.start_at:
        return Rescheduled(before, before.start_at)
    placement = await placements.place(
        conn, actor, loaded, start, now, ignore_availability=ignore_availability, moved=before.id, verified=verified
    )
    await moves.take_along(conn, before, placement, now, ignore_availability)
    fields = moves.fields(before, placement, now) | {"ignored_availability": ignore_availability}
    after = await revisions.write(conn, actor=actor, kind="booking_rescheduled", before=before, fields=fields, now=now)
    return Rescheduled(after, before.start_at)


def _query(seen: Appointment, start: Instant, mode: Mode | None, required: int | None) -> SlotQuery:
    """Ask for just one start, of the appointment that is moved there."""
    return SlotQuery(
        meeting_type_id=seen.meeting_type_id,
        start=start,
        end=start.add(minutes=1),
        mode=mode,
        required=required,
        existing_appointment_id=seen.id,
    )


async def _lock_queue(conn: Connection, seen: Appointment) -> None:
    if seen.queue_id:
        await locks.queue(conn, seen.company_id, seen.queue_id)


def check_ahead(appointment: Appointment, now: Instant) -> None:
    """Refuse to change an appointment that does not take place any more.

    Raises:
        AlreadyCancelled, AlreadyOver
    """
    if appointment.cancelled_at:
        raise AlreadyCancelled
    if appointment.end_at <= now:
        raise AlreadyOver


def _check_movable(appointment: Appointment, actor: Actor, now: Instant) -> None:
    check_ahead(appointment, now)
    if actor.attendee_id and [one.id for one in appointment.booking_attendees] != [actor.attendee_id]:
        raise NotTheOnlyAttendee


async def annotate(
    conn: Connection, *, actor: Actor, appointment_id: UUID, fields: dict[str, str | None], clock: Clock
) -> Appointment:
    """Set note, transcription or summary of an appointment; nothing to set changes nothing.

    Raises:
        NotFound: no such appointment for the actor.
    """
    (before,) = await locked_appointments.lock(conn, actor, appointment_id)
    if all(getattr(before, name) == value for name, value in fields.items()):
        return before
    return await revisions.write(conn, actor=actor, kind="booking_updated", before=before, fields=fields, now=clock())


async def add_guest(
    conn: Connection, *, actor: Actor, appointment_id: UUID, attendee_id: UUID, email: str, clock: Clock
) -> Appointment:
    """Let an attendee who comes bring one more guest; an address that comes already changes nothing.

    Raises:
        NotFound: no such appointment for the actor, or no such attendee who comes to it.
        AlreadyCancelled, AlreadyOver
        SlotTaken: of a type with seats, none is left.
    """
    (before,) = await locked_appointments.lock(conn, actor, appointment_id)
    now = clock()
    check_ahead(before, now)
    coming = [one for one in before.attendees if one.cancelled_at is None]
    by = next((one for one in coming if one.id == attendee_id), None)
    if by is None:
        raise NotFound("Attendee not found")
    by = next((one for one in coming if one.id == by.brought_by), by)  # whoever booked takes them all along
    if email.lower() in {(one.email or "").lower() for one in coming}:
        return before
    if before.type_spots > 1:
        reserved = await reservations.seats_in(conn, before.company_id, before.id, now)
        if len(coming) + reserved >= before.type_spots:
            raise SlotTaken
    position = max(one.position for one in before.attendees) + 1
    guest = orders.guest(by, email, position, before.company_id, now)
    coming_too = attendees.adding(company_id=before.company_id, appointment_id=before.id, new=[guest])
    await parts.write(conn, [coming_too])
    fields = revisions.coming(before, [guest])
    return await revisions.write(conn, actor=actor, kind="booking_updated", before=before, fields=fields, now=now)
