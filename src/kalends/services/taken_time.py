"""Taken time: what is claimed, busy elsewhere, counts against caps, or has seats, of those whom a query concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.storage import booked_starts, taken_time
from kalends.storage.database import Connection
from kalends.storage.taken_time import Busy

from . import connected_calendars, sessions
from .slot_queries import ConnectedCalendars, Session, SlotQuery
from .slot_scopes import Asked, Held


async def busy(
    conn: Connection, company_id: UUID, query: SlotQuery, asked: Asked, held: Held, now: Instant, grace_minutes: int
) -> tuple[Busy, dict[UUID, ConnectedCalendars]]:
    """Read what is taken of hosts and units by their numbers, and whether the scope is what it was.

    Answers also, by host, what is known of the calendars that block him; hosts who have connected none are left out.

    Args:
        grace_minutes: what was known so long ago still counts as known.
    """
    first, last = _reach(query, asked)
    wanted = connected_calendars.wanted(asked, first, last) if asked.blocking else None
    found = await taken_time.busy(
        conn,
        company_id=company_id,
        edition=asked.edition,
        host_nos=asked.host_nos,
        first=first,
        last=last,
        moved=_moved(query, asked),
        hold=held.own(asked.meeting_type.id),
        now=now,
        connected=wanted.connected if wanted else None,
    )
    return found, wanted.told(found, now, grace_minutes) if wanted else {}


async def booked(
    conn: Connection, company_id: UUID, query: SlotQuery, asked: Asked, held: Held, now: Instant
) -> Mapping[UUID | None, Sequence[int]]:
    """Read the starts that count: the type's under None, each host's under his id; no statement without caps."""
    if not asked.caps:
        return {}
    first, last = _reach(query, asked)
    return await booked_starts.counted(
        conn,
        company_id=company_id,
        meeting_type_id=query.meeting_type_id,
        host_ids=[host.id for host in asked.hosts],
        first=first,
        last=last,
        moved=_moved(query, asked),
        hold=held.own(asked.meeting_type.id),
        now=now,
    )


async def joinable(
    conn: Connection, company_id: UUID, query: SlotQuery, asked: Asked, held: Held, now: Instant
) -> dict[int, Session]:
    """Find where guests can sit together; none for an appointment that is moved, which stays one of its own."""
    kind = asked.meeting_type
    if kind.spots == 1 or asked.moved or query.hide_group_appointments:
        return {}
    ids = [host.id for host in asked.hosts]
    seated = await booked_starts.seated(
        conn,
        company_id=company_id,
        meeting_type_id=kind.id,
        host_ids=ids,
        duration=asked.rules.duration,
        first=query.start,
        last=query.end,
        hold=held.own(kind.id),
        now=now,
    )
    return sessions.at_each_start(seated, total=kind.spots, seats=query.seats, host_ids=ids)


def _reach(query: SlotQuery, asked: Asked) -> tuple[Instant, Instant]:
    return slots.reach(asked.rules, query.start, query.end, caps=asked.caps, buffers=asked.buffers)


def _moved(query: SlotQuery, asked: Asked) -> UUID | None:
    return query.existing_appointment_id if asked.moved else None
