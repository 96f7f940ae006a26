"""New appointments, or seats in one, made out of placements; each leaves event and job behind."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from whenever import Instant

from kalends.storage import appointments, attendees, claims, hosts, ids, locks, queue_ledger
from kalends.storage import reservations as stored
from kalends.storage.claims import Owner
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.reservations import Reservation

from . import changes, orders, refusals, reservations, revisions
from . import placements as placing
from .actor import Actor
from .calendars import ChangedMeanwhile
from .orders import Order
from .outcomes import Booked, Occurrence
from .placements import Placement


async def write(
    conn: Connection,
    *,
    actor: Actor,
    order: Order,
    kind: MeetingType,
    placements: Sequence[Placement],
    now: Instant,
) -> Booked:
    """Make the appointments of a checked order, at least one; everybody concerned is locked, and the queue.

    A placement that a reservation keeps takes over its time and its turn in the queue.

    Raises:
        SlotTaken: somebody else's claim stands there.
    """
    joined = [one.session.appointment_id for one in placements if one.session and one.session.appointment_id]
    if joined:
        await locks.appointments(conn, kind.company_id, joined)
    series_id = ids.new_id(kind.company_id) if order.recurrence else None
    batch_id = series_id if len(placements) > 1 else None
    made: list[tuple[UUID, str]] = []
    for placement in placements:
        if placement.session and placement.session.appointment_id:
            into = placement.session.appointment_id
            made.append(await _join(conn, actor, order, kind, placement, into, series_id, now, batch_id))
        else:
            made.append(await _make(conn, actor, order, kind, placement, series_id, now, batch_id))
    occurrences = [Occurrence(one.start, booked) for one, (booked, _) in zip(placements, made, strict=True)]
    return Booked(
        *made[0],
        series=tuple(occurrences) if order.recurrence else None,
        overlaps=any(one.overlaps for one in placements),
    )


async def _join(
    conn: Connection,
    actor: Actor,
    order: Order,
    kind: MeetingType,
    placement: Placement,
    appointment_id: UUID,
    series_id: UUID | None,
    now: Instant,
    batch_id: UUID | None,
) -> tuple[UUID, str]:
    """Take seats in an appointment that stands, and is locked.

    Raises:
        ChangedMeanwhile: it was cancelled before it was locked.
    """
    before = await appointments.get(conn, kind.company_id, appointment_id)
    assert before is not None
    if before.cancelled_at:  # with a host handed over to, whom the owner of a reserved seat does not lock
        raise ChangedMeanwhile(retry_after_s=1)
    position = max(one.position for one in before.attendees) + 1
    guests = orders.attendees_of(order, kind.company_id, now, position=position, series_id=series_id)
    await attendees.add(conn, company_id=kind.company_id, appointment_id=appointment_id, new=guests)
    if placement.reservation_id:
        await claims.release(conn, company_id=kind.company_id, reservation_ids=[placement.reservation_id])
        await stored.end(conn, kind.company_id, [placement.reservation_id])
    await revisions.write(
        conn, actor=actor, kind="booking_created", before=before, fields={}, now=now, batch_id=batch_id
    )
    return appointment_id, guests[0].secret


async def _make(
    conn: Connection,
    actor: Actor,
    order: Order,
    kind: MeetingType,
    placement: Placement,
    series_id: UUID | None,
    now: Instant,
    batch_id: UUID | None,
) -> tuple[UUID, str]:
    """Make an appointment; in a group type others may have reserved seats in it already."""
    company_id, appointment_id = kind.company_id, ids.new_id(kind.company_id)
    others = await reservations.beside(conn, kind, placement, now)
    chosen = placement.choice is not None or bool(others)
    await appointments.add(
        conn,
        {
            **_columns(order, kind, placement),
            "company_id": company_id,
            "id": appointment_id,
            "series_id": series_id,
            "queue_id": kind.queue_id if chosen else None,
            "resources": others[0].resources if others else [unit.json() for unit in placement.resources],
            "created_at": now,
            "updated_at": now,
        },
    )
    host_ids = [host.id for host in placement.hosts]
    await hosts.add(
        conn, company_id=company_id, appointment_id=appointment_id, user_ids=host_ids, start=placement.start
    )
    guests = orders.attendees_of(order, company_id, now, series_id=series_id)
    await attendees.add(conn, company_id=company_id, appointment_id=appointment_id, new=guests)
    with refusals.of_claims():
        await _claim(conn, order, company_id, appointment_id, placement, others, now)
    if not placement.reservation_id:  # whose choice is settled
        await placing.record_choice(conn, kind, placement, appointment_id=appointment_id, now=now)
    written = await appointments.get(conn, company_id, appointment_id)
    assert written is not None
    await changes.record(
        conn, kind="booking_created", before=None, after=written, actor=actor, now=now, batch_id=batch_id
    )
    return appointment_id, guests[0].secret


def _columns(order: Order, kind: MeetingType, placement: Placement) -> dict[str, object]:
    channel = order.channel or kind.meeting_info["channel"]
    location = order.location
    if channel == "custom" and placement.custom_link:
        location = placement.custom_link
    duration = int((placement.end - placement.start).total("minutes"))
    return {
        "meeting_type_id": kind.id,
        "start_at": placement.start,
        "end_at": placement.end,
        "meeting_info": {**kind.meeting_info, "duration": duration, "channel": channel},
        "channel": channel,
        "location": location,
        "ics_title": order.ics_title,
        "ics_description": order.ics_description,
        "skip_notifications": order.skip_notifications,
        "ignored_availability": order.ignore_availability,
    }


async def _claim(
    conn: Connection,
    order: Order,
    company_id: UUID,
    appointment_id: UUID,
    placement: Placement,
    others: Sequence[Reservation],
    now: Instant,
) -> None:
    """Take the time of an appointment; what others reserved beside it is shared from now on, and they have seats in it.

    Raises:
        SlotClaimed, SlotTaken: somebody else's claim stands there.
    """
    if others:
        seated = [one.id for one in others]
        await claims.share(conn, company_id=company_id, reservation_ids=seated)
        await stored.join(conn, company_id, seated, appointment_id)
        await queue_ledger.settle(conn, company_id, seated, appointment_id)
    owner = Owner(appointment_id=appointment_id)
    if placement.reservation_id:
        await claims.assign(
            conn, company_id=company_id, reservation_id=placement.reservation_id, appointment_id=appointment_id
        )
        await queue_ledger.settle(conn, company_id, [placement.reservation_id], appointment_id)
        await stored.end(conn, company_id, [placement.reservation_id])
    elif others:
        of = Owner(reservation_id=others[0].id)
        await claims.copy(conn, company_id=company_id, of=of, to=owner, exclusive=True)
    else:
        await placing.take(
            conn,
            company_id=company_id,
            owner=owner,
            placement=placement,
            now=now,
            overlapping=order.ignore_availability,
        )
