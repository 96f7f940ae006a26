"""Calendars: what the slot engine is asked with, read in a fixed number of statements for any number of hosts.

`load` takes two statements, a third where caps count. `listing` takes no more while its window has a start, and as
many again to look for the earliest start behind an empty window.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.domain.exceptions import AvailabilityException
from kalends.domain.listing import Listing
from kalends.domain.rules import Ask, BookingWindow, Caps, HostCalendar, Rules
from kalends.domain.schedule import Schedule
from kalends.domain.week import DAYS, Week, parse_week
from kalends.errors import NotFound, Unavailable
from kalends.storage import calendars, locks
from kalends.storage.calendars import HostHours, Scope
from kalends.storage.database import Connection

from .slot_queries import Loaded, LoadedResource, ResourceChoice, Session, SlotQuery

__all__ = [
    "ChangedMeanwhile",
    "Listed",
    "Loaded",
    "LoadedResource",
    "ResourceChoice",
    "Session",
    "SlotQuery",
    "caps_of",
    "listing",
    "load",
    "load_locked",
]

# Exceptions this far around the window are read: more than any appointment with its buffers, and the days the
# engine expands on either side.
_EXCEPTIONS_AROUND_HOURS = 8 * 24
_CLOSED: Week = ((),) * len(DAYS)


class ChangedMeanwhile(Unavailable):
    """What this change rests on was changed at the same moment; nothing was applied."""

    code = "changed-meanwhile"


@dataclass(frozen=True, slots=True)
class Listed:
    """The starts of a window; `earliest` is the first one from the window's start on, in epoch minutes."""

    loaded: Loaded
    listing: Listing
    earliest: int | None


async def listing(
    conn: Connection, company_id: UUID, query: SlotQuery, now: Instant, *, earliest: bool = True
) -> Listed:
    """List the bookable starts of a window.

    Args:
        earliest: look for the first start up to the booking window's end when the window has none.

    Raises:
        NotFound: no such meeting type, host, queue or existing appointment in this company.
    """
    loaded = await load(conn, company_id, query, now)
    found = slots.list_slots(loaded.rules, loaded.calendars, loaded.ask, query.start, query.end, now)
    starts = found.starts
    if starts or not earliest:
        return Listed(loaded, found, starts[0] if starts else None)
    behind, until = max(query.start, query.end, now), slots.horizon(loaded.rules, query.start, now)
    if behind >= until or not loaded.rules.enabled:
        return Listed(loaded, found, None)
    rest = await load(conn, company_id, replace(query, start=behind, end=until), now)
    return Listed(loaded, found, slots.first_start(rest.rules, rest.calendars, rest.ask, behind, until, now))


async def load(conn: Connection, company_id: UUID, query: SlotQuery, now: Instant, *, deleted: bool = False) -> Loaded:
    """Read all the engine has to know for a window of starts.

    Args:
        deleted: find a deleted meeting type too; it counts as disabled.

    Raises:
        NotFound: no such meeting type, host, queue or existing appointment in this company.
    """
    scope, hosts = await _scope(conn, company_id, query, deleted=deleted)
    rules = _rules(scope, query)
    caps = [caps_of(host.booking_limits) for host in hosts]
    first, last = slots.reach(rules, query.start, query.end, caps=caps)
    moved = query.existing_appointment_id if scope.moved else None
    busy = await calendars.busy(
        conn, host_nos=[one.host.host_no for one in hosts], first=first, last=last, moved=moved, now=now
    )
    booked: dict[UUID | None, list[int]] = {}
    if any(cap != Caps() for cap in (rules.caps, *caps)):
        booked = await calendars.booked(
            conn,
            company_id=company_id,
            meeting_type_id=query.meeting_type_id,
            host_ids=[one.host.id for one in hosts],
            first=first,
            last=last,
            moved=moved,
        )
        rules = replace(rules, booked=booked.get(None, ()))
    return Loaded(
        meeting_type=scope.meeting_type,
        hosts=tuple(one.host for one in hosts),
        rules=rules,
        calendars=tuple(
            HostCalendar(
                host=one.host.id,
                schedule=_schedule(one),
                zone=one.host.timezone,
                claims=busy.get(one.host.host_no, ()),
                caps=cap,
                booked=booked.get(one.host.id, ()),
            )
            for one, cap in zip(hosts, caps, strict=True)
        ),
        ask=_ask(query, scope),
    )


async def load_locked(
    conn: Connection,
    company_id: UUID,
    query: SlotQuery,
    clock: Callable[[], Instant],
    *,
    deleted: bool = False,
    before_hosts: Callable[[], Awaitable[None]] | None = None,
) -> tuple[Loaded, Instant]:
    """Lock all that a change of these calendars concerns, then read the clock, then everything for the engine.

    The order is the one of design section 4: the type when it has a cap, the hosts, the appointment that is moved.

    Args:
        deleted: find a deleted meeting type too.
        before_hosts: locks what comes between the queue and the hosts: a one-time link.

    Raises:
        NotFound: as `load`.
        ChangedMeanwhile: the hosts, or the type's cap, were changed while this waited.
    """
    before, hosts = await _scope(conn, company_id, query, deleted=deleted)
    capped = caps_of(before.meeting_type.booking_limits) != Caps()
    if capped:
        await locks.meeting_type(conn, company_id, query.meeting_type_id)
    if before_hosts:
        await before_hosts()
    locked = {one.host.host_no for one in hosts}
    await locks.hosts(conn, locked)
    if query.existing_appointment_id:
        await locks.appointment(conn, company_id, query.existing_appointment_id)
    now = clock()
    loaded = await load(conn, company_id, query, now, deleted=deleted)
    if not {host.host_no for host in loaded.hosts} <= locked or (loaded.rules.caps != Caps() and not capped):
        raise ChangedMeanwhile(retry_after_s=1)
    return loaded, now


async def _scope(
    conn: Connection, company_id: UUID, query: SlotQuery, *, deleted: bool
) -> tuple[Scope, list[HostHours]]:
    scope = await calendars.scope(
        conn,
        company_id=company_id,
        meeting_type_id=query.meeting_type_id,
        host_ids=list(dict.fromkeys(query.host_ids)),
        first=query.start.subtract(hours=_EXCEPTIONS_AROUND_HOURS),
        last=query.end.add(hours=_EXCEPTIONS_AROUND_HOURS),
        moved=query.existing_appointment_id,
        deleted=deleted,
    )
    if scope is None:
        raise NotFound("Meeting type not found")
    if query.queue_id:
        raise NotFound("Queue not found")
    if query.existing_appointment_id and not scope.moved_exists:
        raise NotFound("Appointment not found")
    hosts = [host for host in scope.hosts if host]
    if len(hosts) < len(scope.hosts) or scope.unknown_hosts:
        raise NotFound("Host not found")
    return scope, hosts


def _rules(scope: Scope, query: SlotQuery) -> Rules:
    kind = scope.meeting_type
    info = kind.meeting_info
    duration: int = query.duration or info["duration"]
    offered: tuple[int, ...] = (info["duration"], *(kind.meeting_options.get("allowedDurations") or ()))
    if scope.moved:
        duration = int((scope.moved[1] - scope.moved[0]).total("minutes"))
        offered = (duration,)
    return Rules(
        enabled=kind.enabled and kind.deleted_at is None,
        duration=duration,
        allowed_durations=offered,
        interval=kind.timeslot_interval or duration,
        buffer_before=info.get("bufferBefore") or 0,
        buffer_after=info.get("bufferAfter") or 0,
        buffers_within_hours=bool(info.get("bufferMustStayWithinWorkingHours")),
        notice=kind.booking_minimum,
        window=_window(kind.days_into_future),
        zone=scope.zone,
        caps=caps_of(kind.booking_limits),
    )


def _window(raw: Mapping[str, Any]) -> BookingWindow:
    """Read `daysIntoFuture` of contract 6.6."""
    mode = raw["mode"]
    if mode == "limit":
        return BookingWindow("limit", limit_minutes=raw["bookingLimit"], count=raw.get("countMode") or "calendar")
    if mode == "range":
        return BookingWindow("range", range_min=raw.get("rangeMin"), range_max=raw.get("rangeMax"))
    return BookingWindow("unlimited")


def caps_of(raw: Mapping[str, Any]) -> Caps:
    """Read `bookingLimits` of contract 6.6."""
    return Caps(raw.get("perDay"), raw.get("perWeek"), raw.get("perMonth")) if raw else Caps()


def _ask(query: SlotQuery, scope: Scope) -> Ask:
    if scope.moved and not query.mode and not query.required:
        return Ask("everyone")
    return Ask(query.mode or "anyone", query.required)


def _schedule(hours: HostHours) -> Schedule:
    return Schedule(
        hours.zone or hours.host.timezone,
        _week(hours.week) if hours.week else _CLOSED,
        tuple(
            AvailabilityException(available, start, end, "company" if companys else "own", number)
            for available, start, end, companys, number in hours.exceptions
        ),
    )


@lru_cache(maxsize=4096)
def _week(text: str) -> Week:
    return parse_week(json.loads(text))
