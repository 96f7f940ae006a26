"""Calendars: what the slot engine is asked with, read in a fixed number of statements for any number of hosts.

`load` takes one statement where the scope is kept, two where it has to be read; and one more for each of these a
meeting type has: caps, several seats, a queue's lead threshold. Reading the scope takes one more for resources, and
for a queue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.domain.rules import Ask, Caps, HostCalendar
from kalends.domain.window import GRACE_MINUTES
from kalends.errors import Unavailable
from kalends.ports import Clock
from kalends.storage import editions, locks
from kalends.storage.database import Connection

from . import queue_teams, resource_calendars, sessions, slot_scopes, taken_time
from .slot_queries import Loaded, SlotQuery
from .slot_scopes import Asked, Held

_NEAR_TERM_HOURS = 14 * 24


class ChangedMeanwhile(Unavailable):
    """What this change rests on was changed at the same moment; nothing was applied."""

    code = "changed-meanwhile"


async def load(
    conn: Connection,
    company_id: UUID,
    query: SlotQuery,
    now: Instant,
    *,
    deleted: bool = False,
    grace_minutes: int = 0,
) -> Loaded:
    """Read all the engine has to know for a window of starts.

    Args:
        deleted: find a deleted meeting type too; it counts as disabled.
        grace_minutes: whose connected calendars were known so long ago still has them known.

    Raises:
        NotFound: no such meeting type, host, queue, resource, hold or existing appointment in this company.
        ChangedMeanwhile: all members of the queue were changed while this read.
    """
    loaded = await _loaded(conn, company_id, query, now, deleted=deleted, grace_minutes=grace_minutes)
    if loaded.queue and loaded.queue.prioritize_near_term and any(one.closed for one in loaded.calendars):
        near = now.add(minutes=loaded.rules.notice)
        window = replace(query, start=near, end=near.add(hours=_NEAR_TERM_HOURS))
        if await _is_lifted(conn, company_id, window, now, deleted=deleted, grace_minutes=grace_minutes):
            return _opened(loaded)
    return loaded


async def _is_lifted(
    conn: Connection, company_id: UUID, near: SlotQuery, now: Instant, *, deleted: bool, grace_minutes: int
) -> bool:
    """Tell whether all members are offered again, since without those who are ahead no start is near.

    Listing and booking ask this alike, whatever window they look at.
    """
    loaded = await _loaded(conn, company_id, near, now, deleted=deleted, grace_minutes=grace_minutes)
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
        ChangedMeanwhile: the hosts, also those of the hold, the resources, the queue, or the type's cap, were changed
            while this waited.
    """
    before, held = await _locked(conn, company_id, query, deleted=deleted, before_hosts=before_hosts)
    if query.existing_appointment_id:
        await locks.appointment(conn, company_id, query.existing_appointment_id)
    now = clock()
    loaded = await load(conn, company_id, query, now, deleted=deleted, grace_minutes=GRACE_MINUTES)
    concerned = {host.host_no for host in (*loaded.hosts, *loaded.hold_hosts)} | {
        choice.lock_no for resource in loaded.resources for choice in resource.choices
    }
    if (
        not concerned <= before.lock_nos | held.lock_nos
        or (loaded.rules.caps != Caps() and not before.is_capped)
        or (loaded.queue and (not before.by_queue or loaded.queue.id != before.meeting_type.queue_id))
    ):
        raise ChangedMeanwhile(retry_after_s=1)
    return loaded, now


async def _locked(
    conn: Connection,
    company_id: UUID,
    query: SlotQuery,
    *,
    deleted: bool,
    before_hosts: Callable[[], Awaitable[None]] | None,
) -> tuple[Asked, Held]:
    """Lock the type, the queue, what comes before the hosts, and the hosts, as far as each is concerned.

    Where it is hosts only, whom a kept scope names, their lock itself finds out whether that is still right; else
    that is asked first. A scope that is not right any more is read again before anything is locked.
    """
    held = await slot_scopes.held(conn, company_id, query)
    asked = slot_scopes.kept(company_id, query, deleted=deleted)
    if asked and asked.only_hosts and not before_hosts:
        if await locks.hosts_as_of(conn, company_id, asked.edition, asked.lock_nos | held.lock_nos):
            return asked, held
        asked = None
    elif asked and not await editions.is_current(conn, company_id, asked.edition):
        asked = None
    if asked is None:
        asked = await slot_scopes.read(conn, company_id, query, deleted=deleted)
    if asked.is_capped:
        await locks.meeting_type(conn, company_id, asked.meeting_type.id)
    if asked.by_queue and asked.meeting_type.queue_id:
        await locks.queue(conn, company_id, asked.meeting_type.queue_id)
    if before_hosts:
        await before_hosts()
    await locks.hosts(conn, asked.lock_nos | held.lock_nos)
    return asked, held


async def _loaded(
    conn: Connection, company_id: UUID, query: SlotQuery, now: Instant, *, deleted: bool, grace_minutes: int
) -> Loaded:
    kept = slot_scopes.kept(company_id, query, deleted=deleted)
    asked = kept or await slot_scopes.read(conn, company_id, query, deleted=deleted)
    held = await slot_scopes.held(conn, company_id, query)
    busy, connected = await taken_time.busy(conn, company_id, query, asked, held, now, grace_minutes)
    if kept and not busy.current:
        asked = await slot_scopes.read(conn, company_id, query, deleted=deleted)
        busy, connected = await taken_time.busy(conn, company_id, query, asked, held, now, grace_minutes)
    booked = await taken_time.booked(conn, company_id, query, asked, held, now)
    joinable = await taken_time.joinable(conn, company_id, query, asked, held, now)
    loaded = Loaded(
        company=asked.company,
        meeting_type=asked.meeting_type,
        hosts=asked.hosts,
        rules=asked.rules,
        calendars=tuple(
            HostCalendar(
                one.host,
                one.schedule,
                one.zone,
                claims=busy.claims.get(host.host_no, ()),
                events=connected[host.id].spans if host.id in connected else (),
                caps=one.caps,
                booked=booked.get(host.id, ()),
            )
            for one, host in zip(asked.calendars, asked.hosts, strict=True)
        ),
        ask=asked.ask,
        sessions=joinable,
        resources=resource_calendars.claimed(asked.resources, busy.claims, asked.hosts),
        hold=held.hold,
        hold_hosts=held.hosts,
        expired=busy.expired,
        connected=connected,
        edition=asked.edition if busy.current else None,
    )
    if booked or joinable:
        seats = sessions.open_starts(joinable, query.seats)
        loaded = replace(loaded, rules=replace(asked.rules, booked=booked.get(None, ()), sessions=seats))
    return await _lined_up(conn, company_id, query, asked, held, loaded, now) if asked.queue else loaded


async def _lined_up(
    conn: Connection, company_id: UUID, query: SlotQuery, asked: Asked, held: Held, loaded: Loaded, now: Instant
) -> Loaded:
    """Put the hosts into the teams of the queue, which chooses among them."""
    assert asked.queue
    closed = await queue_teams.closed(
        conn,
        company_id,
        asked.queue,
        asked.zone,
        first=query.start,
        last=query.end,
        now=now,
        leaving=held.own(asked.meeting_type.id),
    )
    line_up = queue_teams.line_up(asked.queue, [host.id for host in loaded.hosts], closed)
    if not line_up.teams:
        raise ChangedMeanwhile(retry_after_s=1)
    return replace(
        loaded,
        hosts=tuple(loaded.hosts[place] for place in line_up.places),
        calendars=tuple(
            replace(loaded.calendars[place], closed=closed) if closed else loaded.calendars[place]
            for place, closed in zip(line_up.places, line_up.closed, strict=True)
        ),
        ask=Ask(teams=line_up.teams),
        queue=asked.queue,
        team_members=line_up.members,
    )
