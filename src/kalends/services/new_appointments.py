"""New appointments, or seats in one, made out of placements; each leaves event and job behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.storage import appointments, attendees, claims, hosts, ids, locks, parts, queue_ledger
from kalends.storage import new_appointments as rows_of_new
from kalends.storage import reservations as stored
from kalends.storage.attendees import Attendee
from kalends.storage.claims import Owner
from kalends.storage.companies import Company
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.parts import Part
from kalends.storage.reservations import Reservation

from . import changes, kept_overlaps, orders, refusals, reservations, revisions
from . import placement_parts as placing
from .actor import Actor
from .calendars import ChangedMeanwhile
from .orders import Order
from .outcomes import Booked, Occurrence
from .placements import Placement


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all appointments of an order have in common.

    Attributes:
        series_id: of the recurrence; None: it has none.
        batch_id: what is told in one mail.
    """

    actor: Actor
    order: Order
    kind: MeetingType
    company: Company
    now: Instant
    series_id: UUID | None
    batch_id: UUID | None


async def write(
    conn: Connection,
    *,
    actor: Actor,
    order: Order,
    kind: MeetingType,
    company: Company,
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
    shared = _Shared(actor, order, kind, company, now, series_id, batch_id)
    made: list[tuple[UUID, str]] = []
    for placement in placements:
        if placement.session and placement.session.appointment_id:
            made.append(await _join(conn, shared, placement, placement.session.appointment_id))
        else:
            made.append(await _make(conn, shared, placement))
    occurrences = [Occurrence(one.start, booked) for one, (booked, _) in zip(placements, made, strict=True)]
    return Booked(
        *made[0],
        series=tuple(occurrences) if order.recurrence else None,
        overlaps=any(one.overlaps for one in placements),
    )


async def _join(conn: Connection, shared: _Shared, placement: Placement, appointment_id: UUID) -> tuple[UUID, str]:
    """Take seats in an appointment that stands, and is locked.

    Raises:
        ChangedMeanwhile: it was cancelled or moved before it was locked.
    """
    company_id, now = shared.kind.company_id, shared.now
    before = await appointments.get(conn, company_id, appointment_id)
    assert before is not None
    # By a host it was handed over to, whom the owner of a reserved seat has not locked.
    if before.cancelled_at or before.start_at != placement.start:
        raise ChangedMeanwhile(retry_after_s=1)
    position = max(one.position for one in before.attendees) + 1
    guests = orders.attendees_of(shared.order, company_id, now, position=position, series_id=shared.series_id)
    coming = attendees.adding(company_id=company_id, appointment_id=appointment_id, new=guests)
    await parts.write(conn, [coming])
    if placement.reservation_id:
        await claims.release(conn, company_id=company_id, reservation_ids=[placement.reservation_id])
        await stored.end(conn, company_id, [placement.reservation_id])
    await revisions.write(
        conn,
        actor=shared.actor,
        kind="booking_created",
        before=before,
        fields=revisions.coming(before, guests),
        now=now,
        batch_id=shared.batch_id,
    )
    return appointment_id, guests[0].secret


async def _make(conn: Connection, shared: _Shared, placement: Placement) -> tuple[UUID, str]:
    """Make an appointment, in one statement; in a group type others may have reserved seats in it already."""
    kind, now = shared.kind, shared.now
    company_id, appointment_id = kind.company_id, ids.new_id(kind.company_id)
    others = await reservations.beside(conn, kind, placement, now)
    row = _columns(shared, placement, others) | {"company_id": company_id, "id": appointment_id}
    guests = orders.attendees_of(shared.order, company_id, now, series_id=shared.series_id)
    written = [
        rows_of_new.adding(row),
        hosts.adding(
            company_id=company_id,
            appointment_id=appointment_id,
            user_ids=[host.id for host in placement.hosts],
            start=placement.start,
        ),
        attendees.adding(company_id=company_id, appointment_id=appointment_id, new=guests),
        *_event(shared, placement, row, guests),
    ]
    if not placement.reservation_id:  # whose choice is settled
        written += placing.choosing(kind, placement, appointment_id=appointment_id, now=now)
        if not others:
            written.append(await _claim(conn, shared, placement, appointment_id))
    with refusals.of_claims():
        await claims.write(conn, written)
        if placement.reservation_id or others:
            await _take_over(conn, company_id, appointment_id, placement, others, now)
    if placement.reservation_id or others:
        await kept_overlaps.tell(conn, kind, placement, appointment_id, now=now)
    return appointment_id, guests[0].secret


def _columns(shared: _Shared, placement: Placement, others: Sequence[Reservation]) -> dict[str, Any]:
    order, kind = shared.order, shared.kind
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
        "series_id": shared.series_id,
        "queue_id": kind.queue_id if placement.choice or others else None,
        "resources": others[0].resources if others else [unit.json() for unit in placement.resources],
        "created_at": shared.now,
        "updated_at": shared.now,
    }


def _event(shared: _Shared, placement: Placement, row: Mapping[str, Any], guests: Sequence[Attendee]) -> list[Part]:
    after = rows_of_new.first_revision(
        row, kind=shared.kind, company=shared.company, hosts=placement.hosts, attendees=guests
    )
    return changes.recording(
        kind="booking_created",
        before=None,
        after=after,
        actor=shared.actor,
        now=shared.now,
        batch_id=shared.batch_id,
    )


async def _claim(conn: Connection, shared: _Shared, placement: Placement, appointment_id: UUID) -> Part:
    return await placing.taking(
        conn,
        company_id=shared.kind.company_id,
        owner=Owner(appointment_id=appointment_id),
        placement=placement,
        now=shared.now,
        overlapping=shared.order.ignore_availability,
    )


async def _take_over(
    conn: Connection,
    company_id: UUID,
    appointment_id: UUID,
    placement: Placement,
    others: Sequence[Reservation],
    now: Instant,
) -> None:
    """Let an appointment have the time that reservations keep; those of others have seats in it from now on.

    Raises:
        SlotClaimed: somebody else's claim stands there.
    """
    kept_by = placement.reservation_id or others[0].id
    await claims.sweep_beside(conn, company_id=company_id, reservation_id=kept_by, now=now)
    if others:
        seated = [one.id for one in others]
        await claims.share(conn, company_id=company_id, reservation_ids=seated)
        await stored.join(conn, company_id, seated, appointment_id)
        await queue_ledger.settle(conn, company_id, seated, appointment_id)
    if placement.reservation_id:
        await claims.assign(
            conn, company_id=company_id, reservation_id=placement.reservation_id, appointment_id=appointment_id
        )
        await queue_ledger.settle(conn, company_id, [placement.reservation_id], appointment_id)
        await stored.end(conn, company_id, [placement.reservation_id])
    else:
        of, to = Owner(reservation_id=kept_by), Owner(appointment_id=appointment_id)
        await claims.copy(conn, company_id=company_id, of=of, to=to, exclusive=True)
