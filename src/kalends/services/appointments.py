"""Appointments: who sees them, and the changes they go through (contract 2.7, 6.4).

Members see the appointments they host, administrators all of the company; for everybody else there is none (404).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from whenever import Instant

from kalends.domain.rules import Caps
from kalends.errors import Forbidden, Invalid, NotFound
from kalends.storage import appointments, attendees, claims, hosts, locks
from kalends.storage.appointments import Appointment
from kalends.storage.attendees import Attendee
from kalends.storage.database import Connection
from kalends.storage.events import Kind
from kalends.storage.hosts import Host

from . import bookings, calendars, changes, invitations, orders
from .actor import Actor
from .calendars import ChangedMeanwhile, Loaded, SlotQuery
from .orders import Mode

Clock: TypeAlias = Callable[[], Instant]


class AlreadyCancelled(Invalid):
    """This appointment is cancelled."""

    code = "already-cancelled"


class AlreadyOver(Invalid):
    """This appointment is over."""

    code = "already-over"


class AttendeeOrAllNeeded(Invalid):
    """Several people booked this appointment: name one in attendeeId, or send cancelAll."""

    code = "attendee-or-all-needed"


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
    found = await appointments.get(conn, actor.company_id, appointment_id)
    if found is None or not _sees(actor, found):
        raise NotFound("Appointment not found")
    return found


def _sees(actor: Actor, appointment: Appointment) -> bool:
    if actor.attendee_id:
        return any(one.id == actor.attendee_id for one in appointment.attendees)
    return actor.is_admin or any(host.id == actor.user_id for host in appointment.hosts)


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
    reason: str | None = None,
    clock: Clock,
) -> Appointment:
    """Cancel an appointment, or take one attendee off it (contract 2.7); a cancelled one stays as it is.

    A guest cancels the whole only where nobody else booked; else just himself. Locks the type when it has a cap,
    the hosts, the appointment.

    Raises:
        NotFound: no such appointment for the actor, or no such attendee in it.
        AttendeeOrAllNeeded: several booked, and the actor did not say whom he means.
    """
    before = await _locked(conn, actor, appointment_id, counted=True)
    now = clock()
    if before.cancelled_at:
        return before
    leaving = _leaving(before, actor, attendee_id, cancel_all)
    fields: dict[str, Any] = {}
    if leaving is None:
        await claims.release(conn, company_id=before.company_id, appointment_id=before.id)
        await hosts.keep_step(
            conn, company_id=before.company_id, appointment_id=before.id, start=before.start_at, live=False
        )
        by = actor.attendee_id or actor.user_id
        fields = {
            "sequence": before.sequence + 1,
            "cancelled_at": now,
            "cancel_source": "attendee" if actor.attendee_id else "host",
            "cancelled_by": str(by) if by else None,
            "cancel_reason": reason,
        }
    elif leaving.cancelled_at:
        return before
    else:
        await attendees.cancel(conn, company_id=before.company_id, attendee_id=leaving.id, now=now)
    return await _changed(conn, actor, "booking_cancelled", before, fields, now)


def _leaving(appointment: Appointment, actor: Actor, attendee_id: UUID | None, cancel_all: bool) -> Attendee | None:
    """Decide who is taken off; None cancels the whole appointment."""
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
) -> Rescheduled:
    """Move an appointment, as long as it is; its own time does not block it.

    Locks the type when it has a cap, the hosts, the appointment. Moving to where it is changes nothing.

    Args:
        mode, required: which of its hosts go with it, as a list of starts is asked; neither: all of them.

    Raises:
        NotFound: no such appointment for the actor.
        AlreadyCancelled, AlreadyOver, NotTheOnlyAttendee
        SlotTaken: a host's time is taken.
        DomainError: one of `refusals.ALL` names the rule that does not offer this start.
        OverrideNotAllowed: the actor may not disregard availability.
    """
    seen = await get(conn, actor=actor, appointment_id=appointment_id)
    query = SlotQuery(
        meeting_type_id=seen.meeting_type_id,
        start=start,
        end=start.add(minutes=1),
        mode=mode,
        required=required,
        existing_appointment_id=seen.id,
    )
    loaded, now = await calendars.load_locked(conn, actor.company_id, query, clock, deleted=True)
    before = await _again(conn, actor, seen)
    _check_movable(before, actor, now)
    if start == before.start_at:
        return Rescheduled(before, before.start_at)
    chosen = await bookings.choose(
        conn, actor, loaded, start, now, ignore_availability=ignore_availability, moved=before.id
    )
    await _take_along(conn, before, loaded, chosen, start, now, ignore_availability)
    fields = {
        "sequence": before.sequence + 1,
        "start_at": start,
        "end_at": start + (before.end_at - before.start_at),
        "rescheduled_at": now,
        "reschedule_count": before.reschedule_count + 1,
        "ignored_availability": ignore_availability,
    }
    return Rescheduled(await _changed(conn, actor, "booking_rescheduled", before, fields, now), before.start_at)


async def _take_along(
    conn: Connection,
    before: Appointment,
    loaded: Loaded,
    chosen: tuple[Host, ...],
    start: Instant,
    now: Instant,
    ignore_availability: bool,
) -> None:
    """Give back the time an appointment takes, and take the new one of those hosts who go with it."""
    await claims.release(conn, company_id=before.company_id, appointment_id=before.id)
    await bookings.claim(
        conn,
        loaded=loaded,
        appointment_id=before.id,
        chosen=chosen,
        start=start,
        now=now,
        ignore_availability=ignore_availability,
    )
    await hosts.keep_step(conn, company_id=before.company_id, appointment_id=before.id, start=start, live=True)
    if len(chosen) < len(before.hosts):
        staying = [host.id for host in chosen]
        await hosts.keep_only(conn, company_id=before.company_id, appointment_id=before.id, user_ids=staying)


def _check_ahead(appointment: Appointment, now: Instant) -> None:
    if appointment.cancelled_at:
        raise AlreadyCancelled
    if appointment.end_at <= now:
        raise AlreadyOver


def _check_movable(appointment: Appointment, actor: Actor, now: Instant) -> None:
    _check_ahead(appointment, now)
    if actor.attendee_id and [one.id for one in appointment.booking_attendees] != [actor.attendee_id]:
        raise NotTheOnlyAttendee


async def annotate(
    conn: Connection, *, actor: Actor, appointment_id: UUID, fields: dict[str, str | None], clock: Clock
) -> Appointment:
    """Set note, transcription or summary of an appointment; nothing to set changes nothing.

    Raises:
        NotFound: no such appointment for the actor.
    """
    before = await _locked(conn, actor, appointment_id)
    if all(getattr(before, name) == value for name, value in fields.items()):
        return before
    return await _changed(conn, actor, "booking_updated", before, fields, clock())


async def add_guest(
    conn: Connection, *, actor: Actor, appointment_id: UUID, attendee_id: UUID, email: str, clock: Clock
) -> Appointment:
    """Let an attendee bring one more guest; an address that comes already changes nothing.

    Raises:
        NotFound: no such appointment for the actor, or no such attendee in it.
        AlreadyCancelled, AlreadyOver
    """
    before = await _locked(conn, actor, appointment_id)
    now = clock()
    _check_ahead(before, now)
    by = next((one for one in before.attendees if one.id == attendee_id), None)
    if by is None:
        raise NotFound("Attendee not found")
    coming = {(one.email or "").lower() for one in before.attendees if one.cancelled_at is None}
    if email.lower() in coming:
        return before
    position = max(one.position for one in before.attendees) + 1
    guest = orders.guest(by, email, position, before.company_id, now)
    await attendees.add(conn, company_id=before.company_id, appointment_id=before.id, attendee=guest)
    return await _changed(conn, actor, "booking_updated", before, {}, now)


async def _locked(conn: Connection, actor: Actor, appointment_id: UUID, *, counted: bool = False) -> Appointment:
    """Lock the hosts, then the appointment, and read it again; design section 4 says why in this order.

    Args:
        counted: the change may alter what a cap of the type counts, so a type that has one is locked first.
    """
    seen = await get(conn, actor=actor, appointment_id=appointment_id)
    if counted and calendars.caps_of(seen.type_limits) != Caps():
        await locks.meeting_type(conn, seen.company_id, seen.meeting_type_id)
    await locks.hosts(conn, [host.host_no for host in seen.hosts])
    await locks.appointment(conn, seen.company_id, seen.id)
    return await _again(conn, actor, seen)


async def _again(conn: Connection, actor: Actor, seen: Appointment) -> Appointment:
    newest = await get(conn, actor=actor, appointment_id=seen.id)
    if {host.id for host in newest.hosts} != {host.id for host in seen.hosts}:
        raise ChangedMeanwhile(retry_after_s=1)
    return newest


async def _changed(
    conn: Connection, actor: Actor, kind: Kind, before: Appointment, fields: dict[str, Any], now: Instant
) -> Appointment:
    """Write the next revision of a locked appointment, with its event and job."""
    fields = {**fields, "revision": before.revision + 1, "updated_at": now}
    await appointments.change(conn, before.company_id, before.id, fields)
    after = await appointments.get(conn, before.company_id, before.id)
    assert after is not None
    await changes.record(conn, kind=kind, before=before, after=after, actor=actor, now=now)
    return after
