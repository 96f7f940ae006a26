"""Holds: a start kept for whoever is about to book it, for some minutes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.errors import NotFound
from kalends.ports import Clock
from kalends.storage import booked_starts, locks, meeting_types, queue_ledger
from kalends.storage import reservations as stored
from kalends.storage.database import Connection
from kalends.storage.reservations import Reservation

from . import calendars, companies, order_checks, placements, reservations
from .actor import Actor
from .company_settings import CompanySettings
from .orders import Order
from .placements import Placement
from .refusals import HoldExpired, HoldMismatch, MeetingTypeDisabled, SlotTaken, TooSoon
from .slot_queries import Loaded, SlotQuery
from .slot_rules import is_capped
from .verification import STORED, Verified

LONGEST_MINUTES = 30  # so long a hold can be kept, however often it is extended


class HoldNotFound(NotFound):
    """Hold not found"""

    code = "hold-not-found"


@dataclass(frozen=True, slots=True)
class Hold:
    """Time kept until it expires."""

    id: UUID
    expires_at: Instant


async def create(
    conn: Connection, *, actor: Actor, query: SlotQuery, clock: Clock, verified: Verified = STORED
) -> Hold:
    """Keep the start of a query, one seat of it in a type that has more; the engine is asked as a booking would.

    Args:
        verified: whose calendars were asked live; by default what is stored of them counts.

    Raises:
        Unverified: calendars have to be asked live first.
        NotFound: no such meeting type, host, queue or resource in this company.
        SlotTaken: a host's time is taken.
        DomainError: one of `refusals.ALL` names the rule that does not offer this start.
        ChannelNotAllowed: the type does not offer this channel.
    """
    loaded, now = await calendars.load_locked(conn, actor.company_id, query, clock)
    order_checks.check_channel(query.channel, loaded.meeting_type)
    placement = await placements.place(
        conn, actor, loaded, query.start, now, ignore_availability=False, verified=verified
    )
    minutes = CompanySettings.of(loaded.company.settings).hold_minutes
    expires_at = now.add(minutes=minutes)
    hold_id = await reservations.reserve(
        conn, loaded=loaded, placement=placement, seats=1, provisional_id=None, expires_at=expires_at, now=now
    )
    return Hold(hold_id, expires_at)


async def extend(conn: Connection, *, actor: Actor, hold_id: UUID, clock: Clock) -> Hold:
    """Keep a hold as long again from now on, at most 30 minutes in all; never shorter than it is.

    Raises:
        HoldNotFound: the company has none such.
        HoldExpired: it is over, or somebody whose clock runs ahead took it for that, or a host, room or thing has left.
    """
    hold = await _locked(conn, actor, hold_id)
    now = clock()
    if hold.expires_at <= now:
        raise HoldExpired
    await reservations.placements(conn, actor.company_id, hold_id=hold_id)  # all its time is still kept
    minutes = (await companies.settings(conn, actor.company_id)).hold_minutes
    longest = hold.created_at.add(minutes=LONGEST_MINUTES)
    expires_at = max(hold.expires_at, min(now.add(minutes=minutes), longest))
    await reservations.extend(conn, actor.company_id, hold_id=hold_id, expires_at=expires_at)
    return Hold(hold_id, expires_at)


async def release(conn: Connection, *, actor: Actor, hold_id: UUID) -> None:
    """Give the time of a hold back; one that is over stays so.

    Raises:
        HoldNotFound: the company has none such.
    """
    await _locked(conn, actor, hold_id)
    await reservations.end(conn, actor.company_id, hold_id=hold_id)


async def held(conn: Connection, loaded: Loaded, order: Order, seats: int, now: Instant) -> Placement:
    """Take what the hold of an order keeps; its hosts are locked. The engine is not asked again.

    Raises:
        HoldExpired: it is over, or one of its hosts, rooms or things has left.
        HoldMismatch: it keeps something else than the order asks for.
        MeetingTypeDisabled: its type takes no bookings any more.
        TooSoon: its start is past.
        SlotTaken: more seats are needed than there are.
    """
    hold = loaded.hold
    if hold is None or hold.expires_at <= now or len(loaded.hold_hosts) < len(hold.host_ids):
        raise HoldExpired
    same = (hold.meeting_type_id, hold.start_at, hold.duration)
    if same != (order.meeting_type_id, order.start, order.duration or hold.duration):
        raise HoldMismatch
    if not loaded.rules.enabled:
        raise MeetingTypeDisabled
    if hold.start_at < now:
        raise TooSoon
    placement = (await reservations.placements(conn, hold.company_id, hold_id=hold.id))[0]
    spots = loaded.meeting_type.spots
    if spots > 1 and hold.seats < seats and spots - await _taken(conn, hold, now) < seats:
        raise SlotTaken
    return placement


async def _taken(conn: Connection, hold: Reservation, now: Instant) -> int:
    """Count the seats of a hold's session that others have; its main host need be none of the order's."""
    seated = await booked_starts.seated(
        conn,
        company_id=hold.company_id,
        meeting_type_id=hold.meeting_type_id,
        host_ids=hold.host_ids[:1],
        duration=hold.duration,
        first=hold.start_at,
        last=hold.start_at.add(minutes=1),
        hold=hold.id,
        now=now,
    )
    return sum(one.taken for one in seated if one.appointment_id in (hold.appointment_id, None))


async def lock_queue(conn: Connection, hold: Reservation) -> None:
    """Lock the queue that chose for a hold, after its type; nothing where none did."""
    queue_id = await queue_ledger.chosen_by(conn, hold.company_id, hold.id)
    if queue_id:
        await locks.queue(conn, hold.company_id, queue_id)


async def _locked(conn: Connection, actor: Actor, hold_id: UUID) -> Reservation:
    """Lock the type of a hold when it has a cap, the queue that chose, hosts and resources, and read it again."""
    hold = await stored.hold(conn, actor.company_id, hold_id)
    if hold is None:
        raise HoldNotFound
    kind = await meeting_types.get(conn, actor.company_id, hold.meeting_type_id, deleted=True)
    if kind and is_capped(kind.booking_limits):
        await locks.meeting_type(conn, actor.company_id, kind.id)
    await lock_queue(conn, hold)
    await locks.users(conn, actor.company_id, hold.user_ids)
    newest = await stored.hold(conn, actor.company_id, hold_id)
    if newest is None:
        raise HoldNotFound
    return newest
