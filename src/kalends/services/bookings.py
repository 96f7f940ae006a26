"""Bookings: one order from its checks to its appointments, or to what somebody still has to confirm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from whenever import Instant

from kalends.domain import recurrence
from kalends.errors import DomainError, FieldError, Invalid
from kalends.ports import Clock
from kalends.storage import form_nonces, locks, reservations
from kalends.storage.database import Connection
from kalends.storage.form_nonces import FirstSending

from . import (
    booking_holds,
    calendars,
    new_appointments,
    new_provisional_bookings,
    one_time_links,
    order_checks,
    pending_attendees,
    placements,
    queue_teams,
    refusals,
    series,
)
from .actor import Actor
from .company_settings import CompanySettings
from .orders import Order
from .outcomes import Booked, Occurrence, Pending
from .placements import Placement
from .refusals import OutsideHours
from .slot_queries import Loaded, SlotQuery
from .verification import STORED, Verified


class SeriesConflict(Invalid):
    """Not every start of the series can be booked, so none is."""

    code = "series-conflict"


async def book(
    conn: Connection, *, actor: Actor, order: Order, clock: Clock, verified: Verified = STORED
) -> Booked | Pending:
    """Book an order, in the caller's transaction; where somebody has to confirm it first, keep its time.

    Locks the type when it has a cap, the queue, the one-time link, the hosts with rooms and things; the clock is read
    after that.

    Args:
        verified: whose calendars were asked live; by default what is stored of them counts.

    Raises:
        Unverified: calendars have to be asked live first.
        NotFound: the company has no such meeting type, host, queue, resource, hold, link or pending attendee.
        SlotTaken: a host's time is taken.
        DomainError: one of `refusals.ALL` names the rule that does not offer this start.
        SeriesConflict: one of several starts cannot be booked.
        HoldExpired, HoldMismatch, OverrideNotAllowed, OneTimeLinkUsed, OneTimeLinkMismatch, TooManyUnconfirmed
        Invalid: as `order_checks.checked`.
    """
    company_id = actor.company_id
    if order.nonce:
        earlier = await form_nonces.enter(conn, nonce=order.nonce, company_id=company_id, now=clock())
        if earlier:
            return _as_before(earlier)
    if order.pending_attendee_id is not None:
        who = await pending_attendees.completed(conn, company_id, order.pending_attendee_id, order.attendee)
        order = replace(order, attendee=who)
    loaded, now = await _load(conn, actor, order, clock)
    order = order_checks.checked(order, loaded.meeting_type)
    if order.one_time_link_id:
        await one_time_links.check(conn, company_id, order.one_time_link_id, loaded.meeting_type.id, now)
    placed, refused = await _placed(conn, actor, loaded, order, now, verified)
    outcome = await _written(conn, actor, order, loaded, placed, now)
    if order.recurrence:
        taken = outcome.series or [Occurrence(one.start) for one in placed]
        outcome = replace(outcome, series=tuple(sorted([*taken, *refused], key=lambda one: one.start)))
    await _settled(conn, actor, order, outcome, now)
    return outcome


def query_of(order: Order) -> SlotQuery:
    """Ask for the starts of an order as the list of starts does; of a series for all of them."""
    end = recurrence.latest(order.start, order.recurrence) if order.recurrence else order.start.add(minutes=1)
    return SlotQuery(
        meeting_type_id=order.meeting_type_id,
        start=order.start,
        end=end,
        host_ids=order.host_ids,
        queue_id=order.queue_id,
        mode=order.mode,
        required=order.required,
        duration=order.duration,
        channel=order.channel,
        resource_channel_ids=order.resource_channel_ids,
        hold_id=order.hold_id,
        seats=order.attendee.seats,
    )


def _as_before(earlier: FirstSending) -> Booked | Pending:
    """Answer a form's second sending with what the first one came to."""
    if earlier.appointment_id:
        return Booked(earlier.appointment_id, earlier.secret or "")
    assert earlier.provisional_id
    assert earlier.booking_type
    return Pending(earlier.booking_type, earlier.provisional_id)


async def _load(conn: Connection, actor: Actor, order: Order, clock: Clock) -> tuple[Loaded, Instant]:
    async def lock_turn_and_link() -> None:
        hold = await reservations.hold(conn, actor.company_id, order.hold_id) if order.hold_id else None
        if hold and hold.meeting_type_id == order.meeting_type_id:  # another type's is refused, and its queue no part
            await booking_holds.lock_queue(conn, hold)  # also where the order names hosts: its turn is settled
        if order.one_time_link_id:
            await locks.one_time_link(conn, actor.company_id, order.one_time_link_id)

    before_hosts = lock_turn_and_link if order.hold_id or order.one_time_link_id else None
    return await calendars.load_locked(conn, actor.company_id, query_of(order), clock, before_hosts=before_hosts)


async def _placed(
    conn: Connection, actor: Actor, loaded: Loaded, order: Order, now: Instant, verified: Verified
) -> tuple[Sequence[Placement], Sequence[Occurrence]]:
    """Place each start of an order; answer those placed, and those of a series that are left out."""
    if order.recurrence is None:
        return [await _place(conn, actor, loaded, order, order.start, now, None, verified)], []
    placed: list[Placement] = []
    refused: list[tuple[int, Occurrence, str]] = []
    last = recurrence.latest(order.start, order.recurrence)
    turns = await queue_teams.turns(conn, loaded, first=order.start, last=last, now=now)
    for number, (start, exists) in enumerate(recurrence.starts(order.start, order.recurrence, loaded.zone)):
        try:
            if not exists:
                raise OutsideHours
            like = placed[0] if placed else None
            placed.append(await _place(conn, actor, loaded, order, start, now, like, verified))
        except refusals.ALL as error:
            refused.append((number, Occurrence(start, error_code=error.code), error.message))
        else:
            loaded = series.added(loaded, placed[-1])
            if turns is not None:
                loaded = series.counted(loaded, turns, placed[-1], now)
    if refused and (order.recurrence.on_conflict == "fail" or not placed):
        raise _conflict(refused)
    return placed, [occurrence for _, occurrence, _ in refused]


async def _place(
    conn: Connection,
    actor: Actor,
    loaded: Loaded,
    order: Order,
    start: Instant,
    now: Instant,
    like: Placement | None,
    verified: Verified,
) -> Placement:
    seats = order.attendee.seats
    if order.hold_id and start == order.start:
        held = await booking_holds.held(conn, loaded, order, seats, now)
        if order.ignore_availability:  # the time is kept, but password and confirmation are left out too
            placements.check_override(actor, held)
        return held
    return await placements.place(
        conn,
        actor,
        loaded,
        start,
        now,
        ignore_availability=order.ignore_availability,
        seats=seats,
        like=like,
        verified=verified,
    )


async def _written(
    conn: Connection, actor: Actor, order: Order, loaded: Loaded, placed: Sequence[Placement], now: Instant
) -> Booked | Pending:
    """Make the appointments of an order, or keep their time where somebody has to confirm it first."""
    kind, settings = loaded.meeting_type, CompanySettings.of(loaded.company.settings)
    needed = new_provisional_bookings.needed(kind, settings, order)
    if needed is None:
        return await new_appointments.write(
            conn, actor=actor, order=order, kind=kind, company=loaded.company, placements=placed, now=now
        )
    return await new_provisional_bookings.write(
        conn, actor=actor, order=order, loaded=loaded, placements=placed, needed=needed, settings=settings, now=now
    )


def _conflict(refused: Sequence[tuple[int, Occurrence, str]]) -> DomainError:
    return SeriesConflict(
        errors=[FieldError(f"recurrence[{number}]", message) for number, _, message in refused],
        details={
            "conflicts": [
                {"start": one.start.format_iso(unit="millisecond"), "errorCode": one.error_code}
                for _, one, _ in refused
            ]
        },
    )


async def _settled(conn: Connection, actor: Actor, order: Order, outcome: Booked | Pending, now: Instant) -> None:
    """Note what the link, the form and the pending attendee have come to."""
    appointment_id = outcome.appointment_id if isinstance(outcome, Booked) else None
    provisional_id = None if isinstance(outcome, Booked) else outcome.provisional_booking_id
    if order.one_time_link_id:
        await one_time_links.settle(
            conn,
            actor.company_id,
            order.one_time_link_id,
            appointment_id=appointment_id,
            provisional_id=provisional_id,
        )
    if order.nonce:
        secret = outcome.secret if isinstance(outcome, Booked) else None
        await form_nonces.settle(
            conn,
            nonce=order.nonce,
            company_id=actor.company_id,
            outcome=FirstSending(appointment_id, secret, provisional_id),
        )
    if order.pending_attendee_id is not None:
        await pending_attendees.use(conn, actor.company_id, order.pending_attendee_id, now)
