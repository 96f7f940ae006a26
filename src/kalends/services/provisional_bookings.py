"""Provisional bookings: bookings that the guest, a host, or one after the other still has to confirm (contract 2.6).

Each keeps its time in reservations until it expires. The guest proves that he reads his e-mail; hosts and
administrators confirm and decline.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.errors import Invalid, NotFound
from kalends.ports import Clock
from kalends.storage import provisional_bookings as stored
from kalends.storage.database import Connection
from kalends.storage.provisional_bookings import ProvisionalBooking

from . import (
    companies,
    new_appointments,
    new_provisional_bookings,
    one_time_links,
    order_texts,
    provisional_changes,
    provisional_views,
    reservations,
)
from .actor import Actor
from .provisional_changes import Locked
from .provisional_views import View
from .refusals import HoldExpired


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
    await _check_kept(conn, locked)
    if booking.proved_at:
        return Outcome(booking)
    if booking.type == "doubleOptIn" and not booking.then_host:
        return await _confirmed(conn, view.actor, locked, proved_at=now)
    await reservations.placements(conn, booking.company_id, provisional_id=booking.id)  # all its time is still kept
    settings = await companies.settings(conn, booking.company_id)
    expires_at = max(
        booking.expires_at, new_provisional_bookings.expiry(booking.created_at, settings, booking.start_at, proved=True)
    )
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
    await _check_kept(conn, locked)
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
    company = await companies.get(conn, actor=actor)
    booked = await new_appointments.write(
        conn, actor=actor, order=order, kind=locked.kind, company=company, placements=placements, now=locked.now
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


async def _check_kept(conn: Connection, locked: Locked) -> None:
    """Refuse what is open no more, and what one of its hosts was to give who has left, as with a hold; also where
    somebody whose clock runs ahead took its one-time link for free.
    """
    _check_open(locked)
    booking = locked.booking
    link = booking.dto["oneTimeLinkId"]
    if not all(one.live for one in booking.hosts):
        raise HoldExpired
    if link and not await one_time_links.is_kept(conn, booking.company_id, UUID(link), provisional_id=booking.id):
        raise HoldExpired
