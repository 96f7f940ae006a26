"""Slot rules: a meeting type and a schedule as stored, in the words of the slot engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kalends.domain.exceptions import AvailabilityException
from kalends.domain.kept import kept
from kalends.domain.rules import Ask, BookingWindow, Caps, HostCalendar, Rules
from kalends.domain.schedule import Schedule
from kalends.domain.week import DAYS, Week, parse_week
from kalends.storage.slot_scopes import BlockingCalendar, HostHours, Hours, Scope

from .slot_queries import SlotQuery

UNCAPPED = Caps()
_CLOSED: Week = ((),) * len(DAYS)
_ROOM = 8 << 20  # bytes; a week of office hours weighs 3 KB with its text


def rules(scope: Scope, query: SlotQuery) -> Rules:
    """Read the rules of a meeting type, for the duration asked for or that of the appointment that is moved."""
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
        window=booking_window(kind.days_into_future),
        zone=scope.zone,
        caps=_caps_of(kind.booking_limits),
    )


def booking_window(raw: Mapping[str, Any]) -> BookingWindow:
    """Read `daysIntoFuture` of contract 6.6."""
    mode = raw["mode"]
    if mode == "limit":
        return BookingWindow("limit", limit_minutes=raw["bookingLimit"], count=raw.get("countMode") or "calendar")
    if mode == "range":
        return BookingWindow("range", range_min=raw.get("rangeMin"), range_max=raw.get("rangeMax"))
    return BookingWindow("unlimited")


def _caps_of(raw: Mapping[str, Any]) -> Caps:
    """Read `bookingLimits` of contract 6.6."""
    return Caps(raw.get("perDay"), raw.get("perWeek"), raw.get("perMonth")) if raw else UNCAPPED


def is_capped(limits: Mapping[str, Any]) -> bool:
    """Tell whether a type with these `bookingLimits` is locked first: its bookings are counted one after the other."""
    return _caps_of(limits) != UNCAPPED


def ask(scope: Scope, query: SlotQuery) -> Ask:
    """Say who has to be there, where no queue chooses.

    All hosts of an appointment that is moved go with it unless fewer are asked for, and so do all who are fixed in a
    queue in which nobody takes turns.
    """
    if scope.by_queue or (scope.moved and not query.mode and not query.required):
        return Ask("everyone")
    return Ask(query.mode or "anyone", query.required)


def calendar(one: HostHours) -> HostCalendar:
    """Read a host's calendar, without what is taken of it."""
    zone = one.host.timezone
    return HostCalendar(one.host.id, schedule(one.hours, zone), zone, caps=_caps_of(one.booking_limits))


def blocking(scope: Scope, one: HostHours) -> tuple[BlockingCalendar, ...]:
    """Choose the connected calendars that block a host in this type: of those it names, if some are his; else all."""
    named = scope.meeting_type.meeting_options.get("calendarIds") or ()
    return tuple(found for found in one.blocking if str(found.id) in named) or one.blocking


def schedule(hours: Hours, zone: str) -> Schedule:
    """Read a schedule with its exceptions.

    Args:
        zone: what exceptions are read in where there is no schedule.
    """
    return _schedule(hours.zone or zone, hours.week, hours.exceptions)


@kept(_ROOM, lambda read, _, *texts: read.weight() + sum(map(len, filter(None, texts))))
def _schedule(zone: str, week: str | None, exceptions: str | None) -> Schedule:
    """Read what is stored; the same of many hosts is read once, and is one object that the engine knows at a glance."""
    return Schedule(
        zone,
        parse_week(json.loads(week)) if week else _CLOSED,
        tuple(
            AvailabilityException(available, start, end, "company" if companys else "own", number)
            for available, start, end, companys, number in json.loads(exceptions or "[]")
        ),
    )
