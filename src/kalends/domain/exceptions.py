"""Availability exceptions: time opened or blocked besides the weekly hours (contract 2.3, 6.6).

An end of an exception is an instant (`…Z` or with an offset), a local time or a plain date; local ones are read in
the schedule's zone. A block takes every reading of its ends: from the first instant its wall times can mean to
the last. An opening opens exactly the instants whose wall time lies in it. Seconds shrink openings and
widen blocks to whole minutes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from whenever import Date, Instant, PlainDateTime

from .kept import forgettable
from .spans import Span, intersect, merge
from .week import ScheduleError
from .zones import DAY, FOREVER, FURTHEST_OFFSET, day_number, wall_spans

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(?P<zone>Z|[+-]\d{2}:?\d{2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class AvailabilityException:
    """Time that the company or the host opened (`available`) or blocked, its ends as they were stored."""

    available: bool
    start: str
    end: str
    level: Literal["company", "own"]
    id: int | None = None


class Moment(NamedTuple):
    """One end of an exception in seconds: since the epoch, or on the wall when `local`."""

    seconds: float
    local: bool


def parse_moment(text: str, *, is_end: bool) -> Moment:
    """Read one end of an exception or of a booking window; a plain date stands for its whole local day.

    Raises:
        ValueError: none of the three forms, or no such day or time.
    """
    if _DATE.fullmatch(text):
        return Moment((day_number(Date.parse_iso(text)) + is_end) * 86400, local=True)
    form = _TIME.fullmatch(text)
    if form is None:
        raise ValueError("must be a date, a local time or an instant")
    if form["zone"]:
        return Moment(Instant.parse_iso(text).timestamp(unit="nanosecond") / 1e9, local=False)
    return Moment(PlainDateTime.parse_iso(text).assume_utc().timestamp(unit="nanosecond") / 1e9, local=True)


@forgettable
@lru_cache(maxsize=4096)  # 300 bytes each
def _minutes(text: str, is_end: bool, widen: bool) -> tuple[int, bool]:
    seconds, local = parse_moment(text, is_end=is_end)
    outward = widen == is_end  # an end widens upwards, a start shrinks upwards
    return int(-(-seconds // 60) if outward else seconds // 60), local


def real_spans(exception: AvailabilityException, zone: str) -> list[Span]:
    """Place an exception in time: the epoch minutes it opens or blocks under a schedule of this zone, tidy."""
    start, start_local = _minutes(exception.start, False, not exception.available)
    end, end_local = _minutes(exception.end, True, not exception.available)
    if start_local:
        found = wall_spans(zone, start, end if end_local else FOREVER)
        found = found if end_local else intersect(found, [(-FOREVER, end)])
    elif end_local:
        found = intersect(wall_spans(zone, -FOREVER, end), [(start, FOREVER)])
    else:
        found = merge([(start, end)])
    if found and not exception.available:
        return [(found[0][0], found[-1][1])]
    return found


def check_exception(start: str, end: str, zone: str) -> None:
    """Refuse an exception that is malformed or whose end does not lie after its start (contract 6.6).

    Two local ends are compared as wall times, so an exception within a spring gap is valid (and empty).

    Raises:
        ScheduleError: naming `start` or `end`.
    """
    first = _parsed(start, "start")
    last = _parsed(end, "end")
    if first.local != last.local:
        first, last = _instant(first, zone), _instant(last, zone)
    if last.seconds <= first.seconds:
        raise ScheduleError("end", "must lie after start")


def exception_bounds(start: str, end: str) -> tuple[Instant, Instant]:
    """Bound an exception by two instants that hold in any zone, for an index.

    Raises:
        ScheduleError: naming `start` or `end`.
    """
    first, last = _parsed(start, "start"), _parsed(end, "end")
    widen = FURTHEST_OFFSET * 60
    return (
        _bound(first.seconds // 1 - (widen if first.local else 0)),
        _bound(-(-last.seconds // 1) + (widen if last.local else 0)),
    )


def _bound(seconds: float) -> Instant:
    # An open end is written as year 9999 (or 1): stay inside what an instant can hold.
    return Instant.from_timestamp(int(min(max(seconds, -62135596800), 253402300799)))


def _parsed(text: str, field: Literal["start", "end"]) -> Moment:
    try:
        return parse_moment(text, is_end=field == "end")
    except ValueError:
        raise ScheduleError(field, "must be a date, a local time or an instant") from None


def _instant(moment: Moment, zone: str) -> Moment:
    if not moment.local:
        return moment
    later = wall_spans(zone, int(moment.seconds // 60), int(moment.seconds // 60) + 3 * DAY)
    return Moment(later[0][0] * 60 + moment.seconds % 60, local=False)
