"""Bookings: ask the engine, claim what is scarce, write, leave event and job behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.domain.rules import Bookable, Refusal
from kalends.errors import Forbidden
from kalends.storage import appointments, attendees, claims, form_nonces, hosts, ids
from kalends.storage.claims import Claim, SlotClaimed
from kalends.storage.database import Connection
from kalends.storage.hosts import Host

from . import calendars, changes, orders, overlaps, refusals
from .actor import Actor
from .calendars import Loaded, SlotQuery
from .orders import Order
from .refusals import SlotTaken

# What a host cannot disregard: these say what is offered at all, not when.
_INSIDE = ("meeting-type-disabled", "duration-not-allowed", "host-not-allowed")


class OverrideNotAllowed(Forbidden):
    """Only a host of the meeting or an administrator may book or move without regard to availability."""

    code = "override-not-allowed"


@dataclass(frozen=True, slots=True)
class Booked:
    """A confirmed booking; `secret` is the first attendee's."""

    appointment_id: UUID
    secret: str


async def book(conn: Connection, *, actor: Actor, order: Order, clock: Callable[[], Instant]) -> Booked:
    """Book one start, in the caller's transaction.

    Locks the type when it has a cap, then the hosts; the clock is read after that.

    Raises:
        NotFound: no such meeting type, host or queue.
        SlotTaken: a host's time is taken.
        DomainError: one of `refusals.ALL` names the rule that does not offer this start.
        OverrideNotAllowed, PhoneOnlyNotAllowed, ChannelNotAllowed, LocationNotOffered, Invalid
    """
    if order.nonce:
        earlier = await form_nonces.enter(conn, nonce=order.nonce, company_id=actor.company_id, now=clock())
        if earlier:
            return Booked(earlier.appointment_id, earlier.secret)
    query = SlotQuery(
        meeting_type_id=order.meeting_type_id,
        start=order.start,
        end=order.start.add(minutes=1),
        host_ids=order.host_ids,
        queue_id=order.queue_id,
        mode=order.mode,
        required=order.required,
        duration=order.duration,
    )
    loaded, now = await calendars.load_locked(conn, actor.company_id, query, clock)
    orders.check_contact(order, loaded.meeting_type)
    chosen = await choose(conn, actor, loaded, order.start, now, ignore_availability=order.ignore_availability)
    booked = await _write(conn, actor, order, loaded, chosen, now)
    if order.nonce:
        outcome = form_nonces.Outcome(booked.appointment_id, booked.secret)
        await form_nonces.settle(conn, nonce=order.nonce, company_id=actor.company_id, outcome=outcome)
    return booked


async def choose(
    conn: Connection,
    actor: Actor,
    loaded: Loaded,
    start: Instant,
    now: Instant,
    *,
    ignore_availability: bool,
    moved: UUID | None = None,
) -> tuple[Host, ...]:
    """Ask the engine who takes this start; with `ignore_availability` the first hosts do when nobody is free.

    Args:
        moved: the appointment that is moved.

    Raises:
        DomainError: one of `refusals.ALL`.
        OverrideNotAllowed: availability is to be ignored, and the actor is neither administrator nor one of the hosts.
    """
    verdict = slots.check(loaded.rules, loaded.calendars, loaded.ask, start, now)
    if isinstance(verdict, Bookable):
        chosen = tuple(loaded.hosts[place] for place in verdict.hosts)
    elif ignore_availability and verdict.code not in _INSIDE:
        chosen = loaded.hosts[: loaded.ask.needed(len(loaded.hosts))]
    else:
        raise refusals.error(await _told_apart(conn, loaded, verdict, start, moved))
    if ignore_availability and not actor.is_admin and all(host.id != actor.user_id for host in chosen):
        raise OverrideNotAllowed
    return chosen


async def _told_apart(
    conn: Connection, loaded: Loaded, refusal: Refusal, start: Instant, moved: UUID | None
) -> Refusal:
    """Tell a neighbour's buffer from his appointment, which claims and so the engine do not (contract 6.6)."""
    if refusal.reason != "claimed" or refusal.host is None:
        return refusal
    met = await claims.meet_appointment(
        conn,
        host_no=loaded.hosts[refusal.host].host_no,
        start=start,
        end=start.add(minutes=loaded.rules.duration),
        moved=moved,
    )
    return refusal if met else replace(refusal, reason="buffer")


async def claim(
    conn: Connection,
    *,
    loaded: Loaded,
    appointment_id: UUID,
    chosen: tuple[Host, ...],
    start: Instant,
    now: Instant,
    ignore_availability: bool,
) -> None:
    """Take the time of the chosen hosts, who are locked, buffers included.

    Raises:
        SlotTaken: somebody else's claim stands there.
    """
    company_id = loaded.meeting_type.company_id
    first, last = slots.padded(loaded.rules, start)
    host_nos = [host.host_no for host in chosen]
    await claims.sweep(conn, host_nos=host_nos, start=first, end=last, now=now)
    wanted = [Claim(host_no, first, last) for host_no in host_nos]
    if ignore_availability:
        taken = await claims.exclusive_between(conn, host_nos=host_nos, start=first, end=last)
        wanted = overlaps.split(wanted, taken)
    try:
        await claims.take(conn, company_id=company_id, appointment_id=appointment_id, claims=wanted)
    except SlotClaimed as error:
        raise SlotTaken(reason="claimed") from error


async def _write(
    conn: Connection, actor: Actor, order: Order, loaded: Loaded, chosen: tuple[Host, ...], now: Instant
) -> Booked:
    kind, rules = loaded.meeting_type, loaded.rules
    company_id = kind.company_id
    appointment_id = ids.new_id(company_id)
    channel = orders.channel_of(order, kind)
    await appointments.add(
        conn,
        {
            "company_id": company_id,
            "id": appointment_id,
            "meeting_type_id": kind.id,
            "start_at": order.start,
            "end_at": order.start.add(minutes=rules.duration),
            "meeting_info": {**kind.meeting_info, "duration": rules.duration, "channel": channel},
            "channel": channel,
            "location": orders.location_of(order, kind, channel),
            "ics_title": order.ics_title,
            "ics_description": order.ics_description,
            "skip_notifications": order.skip_notifications,
            "ignored_availability": order.ignore_availability,
            "created_at": now,
            "updated_at": now,
        },
    )
    await hosts.add(
        conn,
        company_id=company_id,
        appointment_id=appointment_id,
        user_ids=[host.id for host in chosen],
        start=order.start,
    )
    guests = orders.attendees_of(order, company_id, now)
    for guest in guests:
        await attendees.add(conn, company_id=company_id, appointment_id=appointment_id, attendee=guest)
    await claim(
        conn,
        loaded=loaded,
        appointment_id=appointment_id,
        chosen=chosen,
        start=order.start,
        now=now,
        ignore_availability=order.ignore_availability,
    )
    written = await appointments.get(conn, company_id, appointment_id)
    assert written is not None
    await changes.record(conn, kind="booking_created", before=None, after=written, actor=actor, now=now)
    return Booked(appointment_id, guests[0].secret)
