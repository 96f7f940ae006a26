"""Taken time: what is claimed, busy elsewhere, counts against caps, or has seats, of those whom a query concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.domain.spans import Span
from kalends.storage import booked_starts, taken_time
from kalends.storage.calendars import BlockingCalendar
from kalends.storage.database import Connection
from kalends.storage.taken_time import Busy, Connected

from . import freshness, sessions
from .company_settings import CompanySettings
from .slot_queries import CalendarEvents, ConnectedCalendars, Session, SlotQuery
from .slot_scopes import Asked, Held


async def busy(conn: Connection, company_id: UUID, query: SlotQuery, asked: Asked, held: Held, now: Instant) -> Busy:
    """Read what is taken of hosts and units by their numbers, and whether the scope is what it was."""
    first, last = _reach(query, asked)
    ids = {one.connection_id for found in asked.blocking.values() for one in found}
    return await taken_time.busy(
        conn,
        company_id=company_id,
        edition=asked.edition,
        host_nos=asked.host_nos,
        first=first,
        last=last,
        moved=_moved(query, asked),
        hold=held.own(asked.meeting_type.id),
        now=now,
        connected=Connected(asked.blocking, ids) if ids else None,
    )


def connected(asked: Asked, found: Busy, now: Instant) -> dict[UUID, ConnectedCalendars]:
    """Say what is known of the calendars that block each host; hosts who have connected none are left out."""
    if not asked.blocking:
        return {}
    closed = CompanySettings.of(asked.company.settings).stale_calendar_policy == "closed"
    by_no = {host.host_no: host.id for host in asked.hosts}
    return {by_no[no]: _connected(no, blocking, found, now, closed=closed) for no, blocking in asked.blocking.items()}


def _connected(
    host_no: int, blocking: Sequence[BlockingCalendar], found: Busy, now: Instant, *, closed: bool
) -> ConnectedCalendars:
    ids = dict.fromkeys(one.connection_id for one in blocking)
    ages = tuple(freshness.of(one, found.accesses.get(one), now) for one in ids)
    spans = ((one, found.events.get((host_no, one.no))) for one in blocking)
    events = tuple(CalendarEvents(one.connection_id, one.id, busy) for one, busy in spans if busy)
    return ConnectedCalendars(ages, events, unknown=closed and not freshness.is_known(ages))


def events(query: SlotQuery, asked: Asked, found: ConnectedCalendars | None) -> Sequence[Span]:
    """Put the busy events of a host into one order; all the time is busy of whom nothing is known."""
    if found is None:
        return ()
    if found.unknown:
        first, last = _reach(query, asked)
        return [(first.timestamp() // 60, last.timestamp() // 60)]
    if len(found.events) == 1:
        return found.events[0].spans
    return sorted(span for one in found.events for span in one.spans)


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
