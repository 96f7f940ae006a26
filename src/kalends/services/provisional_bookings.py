"""Provisional bookings: bookings that the guest, a host, or one after the other still has to confirm (contract 2.6).

Each keeps its time in reservations until it expires. The guest proves that he reads his e-mail; hosts and
administrators confirm and decline.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.domain.provisional import BookingType
from kalends.errors import Invalid, NotFound
from kalends.ports import Clock
from kalends.storage import ids
from kalends.storage import provisional_bookings as stored
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.provisional_bookings import ProvisionalBooking

from . import (
    changes,
    companies,
    new_appointments,
    one_time_links,
    order_texts,
    provisional_changes,
    provisional_views,
    reservations,
)
from .actor import Actor
from .companies import CompanySettings
from .orders import SECRET_BYTES, Order
from .outcomes import Pending
from .placements import Placement
from .provisional_changes import Locked
from .provisional_views import View
from .refusals import HoldExpired
from .slot_queries import Loaded

UNPROVED_MINUTES = 30  # so long an e-mail address may go unproved
UNPROVED_AT_ONCE = 3  # for each client address and host


class TooManyUnconfirmed(Invalid):
    """Confirm the bookings you asked for first; the links are in your e-mails."""

    code = "too-many-unconfirmed"


class AlreadyDeclined(Invalid):
    """This booking was declined."""

    code = "already-declined"


class AlreadyConfirmed(Invalid):
    """This booking is confirmed; cancel its appointment instead."""

    code = "already-confirmed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A provisional booking after a change.

    Attributes:
        secret: opens the guest's page of the appointment; None: it is not confirmed.
    """

    booking: ProvisionalBooking
    secret: str | None = None


def needed(kind: MeetingType, settings: CompanySettings, order: Order) -> BookingType | None:
    """Say who has to confirm an order first; None: it is booked at once.

    The type decides, or the company where the type leaves it to it. Nobody is asked where availability is ignored,
    and nobody who has no e-mail address can confirm one.
    """
    return next(iter(_steps(kind, settings, order)), None)


async def open_(
    conn: Connection,
    *,
    actor: Actor,
    order: Order,
    loaded: Loaded,
    placements: Sequence[Placement],
    needed: BookingType,
    now: Instant,
) -> Pending:
    """Keep the time of an order until it is confirmed, in the caller's transaction, which has locked it.

    Raises:
        TooManyUnconfirmed: the client has not confirmed what it asked of one of these hosts before.
        SlotTaken: somebody else's claim stands there.
    """
    kind = loaded.meeting_type
    company_id, settings = kind.company_id, await companies.settings(conn, kind.company_id)
    hosts = list(dict.fromkeys(host.id for one in placements for host in one.hosts))
    await _check_waiting(conn, actor, hosts, now)
    provisional_id, start = ids.new_id(company_id), min(one.start for one in placements)
    proved = needed == "requireHostConfirmation" and actor.client is None
    expires_at = _expiry(now, settings, start, proved=proved)
    await stored.add(
        conn,
        {
            "company_id": company_id,
            "id": provisional_id,
            "meeting_type_id": kind.id,
            "type": needed,
            "then_host": len(_steps(kind, settings, order)) > 1,
            "dto": order_texts.dto(order),
            "host_ids": hosts,
            "selection": _selection(placements[0]),
            "start_at": start,
            "expires_at": expires_at,
            "proved_at": now if proved else None,
            "client": actor.client,
            "guest_secret": secrets.token_urlsafe(SECRET_BYTES),
            "host_secret": secrets.token_urlsafe(SECRET_BYTES),
            "actor": changes.who(actor),
            "created_at": now,
            "updated_at": now,
        },
    )
    for one in placements:
        await reservations.reserve(
            conn,
            loaded=loaded,
            placement=one,
            seats=order.attendee.seats,
            provisional_id=provisional_id,
            expires_at=expires_at,
            now=now,
        )
    spans = [(one.start, one.end) for one in placements]
    await provisional_changes.created(conn, actor, company_id, provisional_id, spans, now)
    return Pending(needed, provisional_id)


async def _check_waiting(conn: Connection, actor: Actor, host_ids: Sequence[UUID], now: Instant) -> None:
    if actor.client:
        waiting = await stored.unproved(conn, actor.company_id, client=actor.client, host_ids=host_ids, now=now)
        if waiting >= UNPROVED_AT_ONCE:
            raise TooManyUnconfirmed


async def prove(conn: Connection, *, view: View, clock: Clock) -> Outcome:
    """Note, for the guest of a view, that he reads his e-mail: it keeps its time longer, and where no host has to
    approve it is confirmed. Who has proved himself already changes nothing.

    Raises:
        NotFound: the view is a host's.
        AlreadyDeclined, HoldExpired
    """
    if view.side != "guest":
        raise NotFound("Provisional booking not found")
    locked = await provisional_changes.lock(conn, view.booking, clock)
    booking, now = locked.booking, locked.now
    if booking.status == "confirmed":
        return Outcome(booking, await provisional_views.attendee_secret(conn, booking))
    _check_kept(locked)
    if booking.proved_at:
        return Outcome(booking)
    if booking.type == "doubleOptIn" and not booking.then_host:
        return await _confirmed(conn, view.actor, locked, proved_at=now)
    await reservations.placements(conn, booking.company_id, provisional_id=booking.id)  # all its time is still kept
    settings = await companies.settings(conn, booking.company_id)
    expires_at = max(booking.expires_at, _expiry(booking.created_at, settings, booking.start_at, proved=True))
    await reservations.extend(conn, booking.company_id, provisional_id=booking.id, expires_at=expires_at)
    fields = {
        "type": "requireHostConfirmation",
        "then_host": False,
        "proved_at": now,
        "expires_at": expires_at,
    }
    return Outcome(await provisional_changes.changed(conn, view.actor, "provisional_proved", locked, fields))


async def confirm(conn: Connection, *, actor: Actor, provisional_id: UUID, clock: Clock) -> Outcome:
    """Make the appointment of a provisional booking, as one of its hosts or an administrator; a confirmed one stays.

    Raises:
        NotFound: no such booking for the actor.
        AlreadyDeclined, HoldExpired
    """
    seen = await provisional_views.get(conn, actor=actor, provisional_id=provisional_id)
    locked = await provisional_changes.lock(conn, seen, clock)
    if locked.booking.status == "confirmed":
        return Outcome(locked.booking, await provisional_views.attendee_secret(conn, locked.booking))
    _check_kept(locked)
    return await _confirmed(conn, actor, locked, proved_at=locked.booking.proved_at)


async def decline(
    conn: Connection, *, actor: Actor, provisional_id: UUID, reason: str | None = None, clock: Clock
) -> ProvisionalBooking:
    """Give the time of a provisional booking back, as one of its hosts or an administrator; a declined one stays.

    Raises:
        NotFound: no such booking for the actor.
        AlreadyConfirmed, HoldExpired
    """
    seen = await provisional_views.get(conn, actor=actor, provisional_id=provisional_id)
    locked = await provisional_changes.lock(conn, seen, clock)
    if locked.booking.status == "confirmed":
        raise AlreadyConfirmed
    if locked.booking.status == "declined_by_host":
        return locked.booking
    _check_open(locked)
    await reservations.end(conn, seen.company_id, provisional_id=seen.id)
    fields = {"status": "declined_by_host", "reason": reason}
    return await provisional_changes.changed(conn, actor, "provisional_declined", locked, fields)


async def expire(conn: Connection, *, company_id: UUID, provisional_id: UUID, clock: Clock) -> bool:
    """Make known that a provisional booking's time is over, once, and end what kept it; False: it is not over."""
    seen = await stored.get(conn, company_id, provisional_id)
    if seen is None:
        return False
    locked = await provisional_changes.lock(conn, seen, clock)
    if locked.booking.expired_at or locked.booking.status_at(locked.now) != "expired":
        return False
    await reservations.end(conn, company_id, provisional_id=provisional_id)
    actor = Actor(company_id, None, False, "system")
    await provisional_changes.changed(conn, actor, "provisional_expired", locked, {"expired_at": locked.now})
    return True


async def _confirmed(conn: Connection, actor: Actor, locked: Locked, *, proved_at: Instant | None) -> Outcome:
    booking, order = locked.booking, order_texts.of_dto(locked.booking.dto)
    company_id = booking.company_id
    placements = await reservations.placements(conn, company_id, provisional_id=booking.id)
    booked = await new_appointments.write(
        conn, actor=actor, order=order, kind=locked.kind, placements=placements, now=locked.now
    )
    await stored.settle(conn, company_id, booking.id, appointment_id=booked.appointment_id, secret=booked.secret)
    if order.one_time_link_id:
        await one_time_links.settle(conn, company_id, order.one_time_link_id, appointment_id=booked.appointment_id)
    fields = {"status": "confirmed", "proved_at": proved_at}
    after = await provisional_changes.changed(conn, actor, "provisional_confirmed", locked, fields)
    return Outcome(after, booked.secret)


def _check_open(locked: Locked) -> None:
    if locked.booking.status == "declined_by_host":
        raise AlreadyDeclined
    if locked.booking.status_at(locked.now) == "expired":
        raise HoldExpired


def _check_kept(locked: Locked) -> None:
    """Refuse what is open no more, and what one of its hosts was to give who has left, as with a hold."""
    _check_open(locked)
    if not all(one.live for one in locked.booking.hosts):
        raise HoldExpired


def _steps(kind: MeetingType, settings: CompanySettings, order: Order) -> list[BookingType]:
    if order.ignore_availability:
        return []
    opt_in = _asked(kind, "doubleOptIn", settings.double_opt_in) and bool(order.attendee.email)
    approval = _asked(kind, "requireHostConfirmation", settings.require_host_confirmation)
    steps: list[BookingType] = ["doubleOptIn"] if opt_in else []
    return [*steps, "requireHostConfirmation"] if approval else steps


def _asked(kind: MeetingType, option: BookingType, companys: bool) -> bool:
    said = kind.meeting_options.get(option) or "useCompanySettings"
    return companys if said == "useCompanySettings" else said == "enabled"


def _expiry(created: Instant, settings: CompanySettings, start: Instant, *, proved: bool) -> Instant:
    minutes = settings.provisional_expiry_minutes
    return min(created.add(minutes=minutes if proved else min(minutes, UNPROVED_MINUTES)), start)


def _selection(placement: Placement) -> dict[str, object] | None:
    """Say whom a queue chose, and why, as contract 2.6 shows it; None: no queue did."""
    if placement.choice is None:
        return None
    chosen, hosts = placement.choice.member_id, [host.id for host in placement.hosts]
    return {
        "userIds": [str(host_id) for host_id in hosts],
        "selectionReason": placement.choice.reason,
        "groupId": None if chosen in hosts else str(chosen),
    }
