"""Reservations: placements kept until they expire, as holds or for provisional bookings, and placements out of them.

Every change needs the hosts and the resources locked, and the queue where one chose. Of several reservations in one
group session the first claims its time alone; the others, and those with seats in an appointment, share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.assignment import Choice
from kalends.storage import claims, hosts, ids, parts, queue_ledger, reservations
from kalends.storage.claims import Owner
from kalends.storage.database import Connection
from kalends.storage.hosts import Host
from kalends.storage.meeting_types import MeetingType
from kalends.storage.reservations import Reservation

from . import placement_parts as placing
from .placements import Placement
from .refusals import HoldExpired
from .slot_queries import Loaded, Session
from .taken_units import TakenUnit


async def reserve(
    conn: Connection,
    *,
    loaded: Loaded,
    placement: Placement,
    seats: int,
    provisional_id: UUID | None,
    expires_at: Instant,
    now: Instant,
) -> UUID:
    """Keep a placement's time, and its turn in the queue, until it expires; a hold that does already goes on as this.

    Raises:
        SlotTaken: somebody else's claim stands there.
    """
    kind = loaded.meeting_type
    company_id = kind.company_id
    if placement.reservation_id:
        await _go_on(conn, company_id, placement.reservation_id, seats, provisional_id, expires_at)
        return placement.reservation_id
    reservation_id = ids.new_id(company_id)
    joined = placement.session.appointment_id if placement.session else None
    first = await _first_beside(conn, kind, placement, now) if placement.session and joined is None else None
    await reservations.add(
        conn,
        {
            "company_id": company_id,
            "id": reservation_id,
            "provisional_id": provisional_id,
            "meeting_type_id": kind.id,
            "host_ids": [host.id for host in placement.hosts],
            "resources": first.resources if first else [unit.json() for unit in placement.resources],
            "appointment_id": joined,
            "seats": seats,
            "start_at": placement.start,
            "end_at": placement.end,
            "expires_at": expires_at,
            "created_at": now,
        },
    )
    owner = Owner(reservation_id=reservation_id, expires_at=expires_at)
    if joined or first:
        of = Owner(appointment_id=joined, reservation_id=first.id if first else None)
        await claims.copy(conn, company_id=company_id, of=of, to=owner, exclusive=False)
    else:
        await placing.take(conn, company_id=company_id, owner=owner, placement=placement, now=now)
    chosen = placing.choosing(kind, placement, reservation_id=reservation_id, expires_at=expires_at, now=now)
    if chosen:
        await parts.write(conn, chosen)
    return reservation_id


async def _first_beside(conn: Connection, kind: MeetingType, placement: Placement, now: Instant) -> Reservation | None:
    return next(iter(await beside(conn, kind, placement, now)), None)


async def beside(conn: Connection, kind: MeetingType, placement: Placement, now: Instant) -> list[Reservation]:
    """List the live reservations of a placement's group session, without its own, while there is no appointment.

    Those whose time somebody whose clock runs ahead gave to somebody else are left out.
    """
    if kind.spots == 1 and not placement.reservation_id:  # what is reserved may date from when there were more
        return []
    found = await reservations.beside(
        conn,
        kind.company_id,
        meeting_type_id=kind.id,
        start=placement.start,
        end=placement.end,
        host_id=placement.hosts[0].id,
        now=now,
    )
    others = [one for one in found if one.id != placement.reservation_id]
    taken = await claims.of_reservations(conn, kind.company_id, [one.id for one in others]) if others else []
    return [one for one in others if _keeps_all(one, taken)]


def _keeps_all(one: Reservation, taken: Sequence[tuple[UUID, UUID, int, Instant, Instant]]) -> bool:
    """Tell whether all its hosts and resources are among what `claims.of_reservations` found of it."""
    return one.user_ids <= {row[1] for row in taken if row[0] == one.id}


async def _go_on(
    conn: Connection,
    company_id: UUID,
    reservation_id: UUID,
    seats: int,
    provisional_id: UUID | None,
    expires_at: Instant,
) -> None:
    changes = {"provisional_id": provisional_id, "seats": seats, "expires_at": expires_at}
    await reservations.change(conn, company_id, reservation_id, changes)
    await claims.keep(conn, company_id=company_id, reservation_ids=[reservation_id], until=expires_at)
    await queue_ledger.extend(conn, company_id, [reservation_id], expires_at)


async def extend(
    conn: Connection,
    company_id: UUID,
    *,
    provisional_id: UUID | None = None,
    hold_id: UUID | None = None,
    expires_at: Instant,
) -> None:
    """Keep the time of a hold, or of a provisional booking, until then; it is alive."""
    kept = [one.id for one in await _of(conn, company_id, provisional_id, hold_id)]
    await reservations.expire(conn, company_id, kept, expires_at)
    await claims.keep(conn, company_id=company_id, reservation_ids=kept, until=expires_at)
    await queue_ledger.extend(conn, company_id, kept, expires_at)


async def end(
    conn: Connection, company_id: UUID, *, provisional_id: UUID | None = None, hold_id: UUID | None = None
) -> None:
    """Give the time of a hold, or of a provisional booking, back, and its turns in the queue."""
    kept = [one.id for one in await _of(conn, company_id, provisional_id, hold_id)]
    await claims.release(conn, company_id=company_id, reservation_ids=kept)
    await reservations.end(conn, company_id, kept)
    await queue_ledger.drop(conn, company_id, reservation_ids=kept)


async def placements(
    conn: Connection, company_id: UUID, *, provisional_id: UUID | None = None, hold_id: UUID | None = None
) -> list[Placement]:
    """Read what a live hold, or a provisional booking, keeps, by start.

    Raises:
        HoldExpired: somebody whose clock runs ahead took it for ended, and some of its time is free or taken again; or
            one of its hosts, rooms or things has left.
    """
    kept = await _of(conn, company_id, provisional_id, hold_id)
    wanted = {user_id for one in kept for user_id in one.user_ids}
    known = await hosts.by_ids(conn, company_id, wanted, live_only=True)
    taken = await claims.of_reservations(conn, company_id, [one.id for one in kept])
    if known.keys() < wanted or not all(_keeps_all(one, taken) for one in kept):
        raise HoldExpired
    chosen = await queue_ledger.of_reservations(conn, company_id, [one.id for one in kept])
    return [
        _placement(one, known, [row[1:] for row in taken if row[0] == one.id], *chosen.get(one.id, (None, None)))
        for one in kept
    ]


def _placement(
    one: Reservation,
    known: dict[UUID, Host],
    taken: Sequence[tuple[UUID, int, Instant, Instant]],
    choice: Choice | None,
    link: str | None,
) -> Placement:
    padded = next(((start, end) for user_id, _, start, end in taken if user_id == one.host_ids[0]), None)
    session = Session(one.appointment_id, tuple(one.host_ids), 0, 0) if one.appointment_id else None
    return Placement(
        one.start_at,
        one.end_at,
        padded or (one.start_at, one.end_at),
        tuple(known[host_id] for host_id in one.host_ids),
        tuple(_units(one.resources, taken)),
        session=session,
        choice=choice,
        custom_link=link,
        reservation_id=one.id,
    )


def _units(resources: Sequence[dict[str, Any]], taken: Sequence[tuple[UUID, int, Instant, Instant]]) -> list[TakenUnit]:
    """Put what was reserved beside the claims that say which units."""
    left = list(taken)
    found = []
    for one in resources:
        claim = next(row for row in left if row[0] == UUID(one["resourceId"]))
        left.remove(claim)
        resource_id, host_no, start, end = claim
        found.append(TakenUnit(host_no, UUID(one["channelId"]), resource_id, one["name"], start, end))
    return found


async def _of(
    conn: Connection, company_id: UUID, provisional_id: UUID | None, hold_id: UUID | None
) -> Sequence[Reservation]:
    if provisional_id:
        return await reservations.of_provisional(conn, company_id, provisional_id)
    held = await reservations.hold(conn, company_id, hold_id) if hold_id else None
    return [held] if held and held.provisional_id is None else []
