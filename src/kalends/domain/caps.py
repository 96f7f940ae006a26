"""Caps: local days, weeks and months that have all the appointments they may have (design 3.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from .rules import Caps
from .spans import Span
from .zones import DAY, wall_minute, wall_spans

Period: TypeAlias = Literal["day", "week", "month"]

_EPOCH = date(1970, 1, 1).toordinal()


def full_spans(caps: Caps, zone: str, booked: Sequence[int], start: int, end: int) -> list[Span]:
    """Find the instants of [start, end) at which no further appointment may begin.

    Args:
        booked: starts that count (epoch minutes), complete for every period that [start, end) touches.
    """
    if caps.per_day is caps.per_week is caps.per_month is None:  # most are: asked for every host of every listing
        return []
    found: list[Span] = []
    for most, period in (
        (caps.per_day, _day),
        (caps.per_week, _week),
        (caps.per_month, _month),
    ):
        if most is not None:
            found += _full(most, period, zone, booked, start, end)
    return found


class Count(NamedTuple):
    """A period from its first instant to its last (epoch minutes): what is booked in it, and how much may be."""

    period: Period
    start: int
    end: int
    booked: int
    most: int


def counts(caps: Caps, zone: str, booked: Sequence[int], at: int) -> list[Count]:
    """Count the appointments in the periods that a start falls into, one for each limit there is."""
    today = wall_minute(zone, at) // DAY
    days = [wall_minute(zone, one) // DAY for one in booked]
    limits: dict[Period, int | None] = {"day": caps.per_day, "week": caps.per_week, "month": caps.per_month}
    found: list[Count] = []
    for period, most in limits.items():
        if most is not None:
            first, after = PERIODS[period](today)
            spans = wall_spans(zone, first * DAY, after * DAY)
            found.append(Count(period, spans[0][0], spans[-1][1], sum(first <= day < after for day in days), most))
    return found


def _full(
    most: int, period: Callable[[int], Span], zone: str, booked: Sequence[int], start: int, end: int
) -> Iterator[Span]:
    if most <= 0:
        yield start, end
        return
    if len(booked) < most:
        return
    counts = Counter(period(wall_minute(zone, at) // DAY) for at in booked)
    for (first, after), count in counts.items():
        if count >= most:
            yield from wall_spans(zone, first * DAY, after * DAY)


def _day(day: int) -> Span:
    return day, day + 1


def _week(day: int) -> Span:
    monday = day - (day + 3) % 7  # 1970-01-01 was a Thursday
    return monday, monday + 7


def _month(day: int) -> Span:
    on = date.fromordinal(day + _EPOCH)
    after = date(on.year + on.month // 12, on.month % 12 + 1, 1)
    return on.toordinal() - on.day + 1 - _EPOCH, after.toordinal() - _EPOCH


# The period of local days [first, after), counted from 1970-01-01, that a day lies in; weeks begin on Monday.
PERIODS: Mapping[Period, Callable[[int], Span]] = {"day": _day, "week": _week, "month": _month}


def period_around(caps: Sequence[Caps], start: int, end: int) -> Span:
    """Widen [start, end) to the whole periods of any zone that one of the caps counts."""
    if all(cap == Caps() for cap in caps):
        return start, end
    # A zone's local dates are at most a day and a bit away from UTC's, and so are its midnights.
    first, last = start // DAY - 2, -(-end // DAY) + 2
    periods = [(first, last)]
    if any(cap.per_week is not None for cap in caps):
        periods += [_week(first), _week(last)]
    if any(cap.per_month is not None for cap in caps):
        periods += [_month(first), _month(last)]
    return min(first for first, _ in periods) * DAY - 2 * DAY, max(last for _, last in periods) * DAY + 2 * DAY
