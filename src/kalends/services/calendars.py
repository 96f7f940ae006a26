"""Calendars: what the slot engine is asked with, read in a fixed number of statements for any number of hosts.

`load` takes two statements, and one more for each of these a meeting type has: caps, several seats, resources, a
queue, a queue's lead threshold.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.domain.rules import Ask, Caps, HostCalendar, Rules
from kalends.domain.spans import Span
from kalends.errors import Unavailable
from kalends.ports import Clock
from kalends.storage import booked_starts, calendars, locks, queues
from kalends.storage.database import Connection

from . import queue_teams, resource_calendars, sessions, slot_rules, slot_scopes
from .queue_teams import LineUp
from .slot_queries import Loaded, Session, SlotQuery
from .slot_rules import caps_of, is_capped
from .slot_scopes import Asked

_NEAR_TERM_HOURS = 14 * 24


class ChangedMeanwhile(Unavailable):
    """What this change rests on was changed at the same moment; nothing was applied."""

    code = "changed-meanwhile"


async def load(conn: Connection, company_id: UUID, query: SlotQuery, now: Instant, *, deleted: bool = False) -> Loaded:
    """Read all the engine has to know for a window of starts.

    Args:
        deleted: find a deleted meeting type too; it counts as disabled.

    Raises:
        NotFound: no such meeting type, host, queue, resource, hold or existing appointment in this company.
        ChangedMeanwhile: all members of the queue were changed while this read.
    """
    asked = await slot_scopes.asked(conn, company_id, query, deleted=deleted)
    loaded = await _loaded(conn, company_id, query, asked, now)
    if loaded.queue and loaded.queue.prioritize_near_term and any(one.closed for one in loaded.calendars):
        near = now.add(minutes=loaded.rules.notice)
        window = replace(query, start=near, end=near.add(hours=_NEAR_TERM_HOURS))
        if await _is_lifted(conn, company_id, window, now, deleted=deleted):
            return _opened(loaded)
    return loaded


async def _is_lifted(conn: Connection, company_id: UUID, near: SlotQuery, now: Instant, *, deleted: bool) -> bool:
    """Tell whether all members are offered again, since without those who are ahead no start is near.

    Listing and booking ask this alike, whatever window they look at.
    """
    asked = await slot_scopes.asked(conn, company_id, near, deleted=deleted)
    loaded = await _loaded(conn, company_id, near, asked, now)
    if first_start(loaded, near.start, near.end, now) is not None:
        return False
    return first_start(_opened(loaded), near.start, near.end, now) is not None


def first_start(loaded: Loaded, first: Instant, last: Instant, now: Instant) -> int | None:
    """Find the first bookable start of [first, last), in epoch minutes; None: there is none."""
    return slots.first_start(
        loaded.rules, loaded.calendars, loaded.ask, first, last, now, resources=loaded.resource_calendars
    )


def _opened(loaded: Loaded) -> Loaded:
    return replace(loaded, calendars=tuple(replace(one, closed=()) for one in loaded.calendars))


async def load_locked(
    conn: Connection,
    company_id: UUID,
    query: SlotQuery,
    clock: Clock,
    *,
    deleted: bool = False,
    before_hosts: Callable[[], Awaitable[None]] | None = None,
) -> tuple[Loaded, Instant]:
    """Lock all that a change of these calendars concerns, then read the clock, then everything for the engine.

    The order is the one of design section 4: the type when it has a cap, its queue when that chooses, the hosts and
    resources, also those of the hold, by number, and the appointment that is moved.

    Args:
        deleted: find a deleted meeting type too.
        before_hosts: locks what comes between the queue and the hosts: a one-time link.

    Raises:
        NotFound: as `load`.
        ChangedMeanwhile: the hosts, the resources, the queue, or the type's cap, were changed while this waited.
    """
    before = await slot_scopes.asked(conn, company_id, query, deleted=deleted)
    kind = before.scope.meeting_type
    capped = is_capped(kind.booking_limits)
    if capped:
        await locks.meeting_type(conn, company_id, kind.id)
    locked_queue = kind.queue_id if before.scope.by_queue else None
    if locked_queue:
        await locks.queue(conn, company_id, locked_queue)
    if before_hosts:
        await before_hosts()
    await locks.hosts(conn, before.lock_nos)
    if query.existing_appointment_id:
        await locks.appointment(conn, company_id, query.existing_appointment_id)
    now = clock()
    loaded = await load(conn, company_id, query, now, deleted=deleted)
    concerned = {host.host_no for host in loaded.hosts} | {
        choice.lock_no for resource in loaded.resources for choice in resource.choices
    }
    if (
        not concerned <= before.lock_nos
        or (loaded.rules.caps != Caps() and not capped)
        or (loaded.queue and loaded.queue.id != locked_queue)
    ):
        raise ChangedMeanwhile(retry_after_s=1)
    return loaded, now


async def _loaded(conn: Connection, company_id: UUID, query: SlotQuery, asked: Asked, now: Instant) -> Loaded:
    scope = asked.scope
    rules = slot_rules.rules(scope, query)
    state, line_up = await _line_up(conn, company_id, query, asked, now)
    busy, booked = await _taken(conn, company_id, query, asked, rules, now)
    joined = await _sessions(conn, company_id, query, asked, rules, now)
    own = [
        HostCalendar(
            host=one.host.id,
            schedule=slot_rules.schedule(one.hours, one.host.timezone),
            zone=one.host.timezone,
            claims=busy.get(one.host.host_no, ()),
            caps=caps_of(one.booking_limits),
            booked=booked.get(one.host.id, ()),
        )
        for one in asked.hosts
    ]
    return Loaded(
        meeting_type=scope.meeting_type,
        hosts=tuple(asked.hosts[place].host for place in line_up.places),
        rules=replace(rules, booked=booked.get(None, ()), sessions=sessions.open_starts(joined, query.seats)),
        calendars=tuple(
            replace(own[place], closed=closed) if closed else own[place]
            for place, closed in zip(line_up.places, line_up.closed, strict=True)
        ),
        ask=Ask(teams=line_up.teams) if line_up.teams else slot_rules.ask(scope, query),
        queue=state,
        team_members=line_up.members,
        sessions=joined,
        resources=resource_calendars.loaded(asked.resources, busy, scope.zone),
        hold=asked.hold,
        hold_hosts=asked.hold_hosts,
    )


async def _taken(
    conn: Connection, company_id: UUID, query: SlotQuery, asked: Asked, rules: Rules, now: Instant
) -> tuple[Mapping[int, Sequence[Span]], Mapping[UUID | None, Sequence[int]]]:
    """Read the claims of hosts and units by their numbers, and where caps count, the starts that do."""
    caps = [caps_of(one.booking_limits) for one in asked.hosts]
    buffers = resource_calendars.buffers(asked.resources)
    first, last = slots.reach(rules, query.start, query.end, caps=caps, buffers=buffers)
    moved = query.existing_appointment_id if asked.scope.moved else None
    busy = await calendars.busy(
        conn,
        host_nos=[*(one.host.host_no for one in asked.hosts), *resource_calendars.host_nos(asked.resources)],
        first=first,
        last=last,
        moved=moved,
        hold=asked.own_hold,
        now=now,
    )
    if all(cap == Caps() for cap in (rules.caps, *caps)):
        return busy, {}
    booked = await booked_starts.counted(
        conn,
        company_id=company_id,
        meeting_type_id=query.meeting_type_id,
        host_ids=[one.host.id for one in asked.hosts],
        first=first,
        last=last,
        moved=moved,
        hold=asked.own_hold,
        now=now,
    )
    return busy, booked


async def _line_up(
    conn: Connection, company_id: UUID, query: SlotQuery, asked: Asked, now: Instant
) -> tuple[queues.QueueState | None, LineUp]:
    """Put the hosts into teams where a queue chooses among them; else all stand as they are."""
    ids = [one.host.id for one in asked.hosts]
    as_they_are = LineUp(tuple(range(len(ids))), ((),) * len(ids), (), ())
    queue_id = asked.scope.meeting_type.queue_id
    if not asked.scope.by_queue or not queue_id:
        return None, as_they_are
    state = await queues.state(conn, company_id, queue_id)
    if state is None or not state.members:
        return None, as_they_are
    closed: Mapping[UUID, Sequence[Span]] = await queue_teams.closed(
        conn,
        company_id,
        state,
        asked.scope.zone,
        first=query.start,
        last=query.end,
        now=now,
        leaving=asked.own_hold,
    )
    line_up = queue_teams.line_up(state, ids, closed)
    if not line_up.teams:
        raise ChangedMeanwhile(retry_after_s=1)
    return state, line_up


async def _sessions(
    conn: Connection, company_id: UUID, query: SlotQuery, asked: Asked, rules: Rules, now: Instant
) -> dict[int, Session]:
    """Find where guests can sit together; none for an appointment that is moved, which stays one of its own."""
    kind = asked.scope.meeting_type
    if kind.spots == 1 or asked.scope.moved or query.hide_group_appointments:
        return {}
    ids = [one.host.id for one in asked.hosts]
    seated = await booked_starts.seated(
        conn,
        company_id=company_id,
        meeting_type_id=kind.id,
        host_ids=ids,
        duration=rules.duration,
        first=query.start,
        last=query.end,
        hold=asked.own_hold,
        now=now,
    )
    return sessions.at_each_start(seated, total=kind.spots, seats=query.seats, host_ids=ids)
