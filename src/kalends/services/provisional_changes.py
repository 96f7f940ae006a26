"""Changes of provisional bookings: the locks each takes, and the event it leaves behind (design sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from whenever import Instant

from kalends.ports import Clock
from kalends.storage import events, locks, meeting_types, parts, provisional_bookings, reservations
from kalends.storage.database import Connection
from kalends.storage.events import Kind
from kalends.storage.meeting_types import MeetingType
from kalends.storage.provisional_bookings import ProvisionalBooking
from kalends.storage.reservations import Reservation

from . import changes, order_texts, orders
from .actor import Actor
from .slot_rules import is_capped

Span: TypeAlias = tuple[Instant, Instant]


@dataclass(frozen=True, slots=True)
class Locked:
    """A provisional booking that nobody else changes until the transaction ends.

    Attributes:
        kind: its meeting type, deleted or not.
        reservations: what keeps its time, by start; ended or not.
        now: read after the last lock.
    """

    booking: ProvisionalBooking
    kind: MeetingType
    reservations: Sequence[Reservation]
    now: Instant


async def lock(conn: Connection, seen: ProvisionalBooking, clock: Clock) -> Locked:
    """Lock all that a change of a provisional booking concerns, then read the clock and everything again.

    The order is the one of design section 4: the type when it has a cap, the queues that chose, the one-time link,
    hosts and resources, the provisional booking.
    """
    company_id, link = seen.company_id, seen.dto["oneTimeLinkId"]
    kind = await meeting_types.get(conn, company_id, seen.meeting_type_id, deleted=True)
    assert kind is not None, "meeting types are only marked as deleted"
    if is_capped(kind.booking_limits):
        await locks.meeting_type(conn, company_id, kind.id)
    for queue_id in await provisional_bookings.queue_ids(conn, company_id, seen.id):
        await locks.queue(conn, company_id, queue_id)
    if link:
        await locks.one_time_link(conn, company_id, UUID(link))
    await locks.hosts(conn, await provisional_bookings.host_nos(conn, company_id, seen.id))
    await locks.provisional_booking(conn, company_id, seen.id)
    now = clock()
    newest = await provisional_bookings.get(conn, company_id, seen.id)
    assert newest is not None, "provisional bookings are never deleted"
    return Locked(newest, kind, await reservations.of_provisional(conn, company_id, seen.id), now)


async def created(
    conn: Connection, actor: Actor, company_id: UUID, provisional_id: UUID, spans: Sequence[Span], now: Instant
) -> None:
    """Write the event of a new provisional booking, and its job."""
    after = await provisional_bookings.get(conn, company_id, provisional_id)
    assert after is not None
    await _record(conn, actor, "provisional_created", None, after, spans, now)


async def changed(
    conn: Connection, actor: Actor, kind: Kind, locked: Locked, fields: Mapping[str, Any]
) -> ProvisionalBooking:
    """Write the next revision of a locked provisional booking, with its event and job."""
    before = locked.booking
    fields = {**fields, "revision": before.revision + 1, "updated_at": locked.now}
    await provisional_bookings.change(conn, before.company_id, before.id, fields)
    after = await provisional_bookings.get(conn, before.company_id, before.id)
    assert after is not None
    spans = [(one.start_at, one.end_at) for one in locked.reservations]
    await _record(conn, actor, kind, before, after, spans, locked.now)
    return after


async def _record(
    conn: Connection,
    actor: Actor,
    kind: Kind,
    before: ProvisionalBooking | None,
    after: ProvisionalBooking,
    spans: Sequence[Span],
    now: Instant,
) -> None:
    event = events.recording(
        company_id=after.company_id,
        provisional_id=after.id,
        revision=after.revision,
        kind=kind,
        actor=changes.who(actor),
        before=None if before is None else _snapshot(before, spans, now),
        after=_snapshot(after, spans, now),
        now=now,
    )
    await parts.write(conn, event)


def _snapshot(booking: ProvisionalBooking, spans: Sequence[tuple[Instant, Instant]], now: Instant) -> dict[str, Any]:
    """Write down one revision as JSON values, without any secret; what an appointment has too has the same name.

    Args:
        spans: of each appointment asked for, by start.
    """
    order = order_texts.of_dto(booking.dto)
    booker, *others = map(changes.attendee_entry, orders.attendees_of(order, booking.company_id, now))
    channel = order.channel or booking.meeting_info["channel"]
    status = "expired" if booking.expired_at else booking.status
    guest_id = str(booking.id)  # there are no attendees yet, so he goes by this
    return {
        "id": str(booking.id),
        "revision": booking.revision,
        "meetingTypeId": str(booking.meeting_type_id),
        "type": booking.type,
        "thenHost": booking.then_host,
        "status": status,
        "isCancelled": status in ("expired", "declined_by_host"),
        "reason": booking.reason,
        "provedAt": booking.proved_at.format_iso() if booking.proved_at else None,
        "expiresAt": booking.expires_at.format_iso(),
        "appointmentId": str(booking.appointment_id) if booking.appointment_id else None,
        "start": spans[0][0].format_iso(),
        "end": spans[0][1].format_iso(),
        "starts": [start.format_iso() for start, _ in spans],
        "channel": channel,
        "location": order.location,
        "skipNotifications": order.skip_notifications,
        "meetingInfo": {**booking.meeting_info, "channel": channel},
        "typeSlug": booking.type_slug,
        "companyName": booking.company_name,
        "companyLanguage": booking.company_language,
        "hosts": [changes.host_entry(one.host) for one in booking.hosts],
        "attendees": [{**booker, "id": guest_id}, *({**one, "broughtBy": guest_id} for one in others)],
    }
