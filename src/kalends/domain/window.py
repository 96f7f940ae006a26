"""Notice and booking window: which starts are neither too soon nor too far (design 3.4, contract 6.6)."""

from __future__ import annotations

from typing import NamedTuple

from whenever import Instant

from .exceptions import parse_moment
from .rules import BookingWindow, Rules
from .zones import DAY, FOREVER, wall_minute, wall_spans

GRACE_MINUTES = 5  # a listed start stays bookable for so long
_NANOS = 60_000_000_000


class Limits(NamedTuple):
    """The starts s that are allowed, in epoch minutes: first ≤ s < end."""

    first: int
    end: int


def minute_up(instant: Instant) -> int:
    """Round an instant up to an epoch minute."""
    return -(-instant.timestamp(unit="nanosecond") // _NANOS)


def minute_down(instant: Instant) -> int:
    """Round an instant down to an epoch minute."""
    return instant.timestamp(unit="nanosecond") // _NANOS


def limits(rules: Rules, now: Instant, grace_minutes: int = 0) -> Limits:
    """Bound the starts by notice and booking window.

    Notice is measured `grace_minutes` before now, yet no start already past is allowed.
    """
    earliest = minute_up(now)
    earliest = max(earliest, earliest - grace_minutes + rules.notice)
    first, end = _window(rules.window, rules.zone, now)
    return Limits(max(earliest, first), end)


def _window(window: BookingWindow, zone: str, now: Instant) -> Limits:
    if window.mode == "limit":
        furthest = minute_down(now) + window.limit_minutes
        if window.count == "rolling":
            return Limits(-FOREVER, furthest + 1)
        day = wall_minute(zone, furthest) // DAY
        return Limits(-FOREVER, wall_spans(zone, day * DAY, (day + 1) * DAY)[-1][1])
    if window.mode == "range":
        first = -FOREVER if window.range_min is None else _side(window.range_min, zone, is_end=False)
        end = FOREVER if window.range_max is None else _side(window.range_max, zone, is_end=True)
        return Limits(first, end)
    return Limits(-FOREVER, FOREVER)


def _side(text: str, zone: str, *, is_end: bool) -> int:
    """Place one side of a range: its first reading as a start, its last as an end, rounded up to the minute."""
    moment = parse_moment(text, is_end=is_end)
    minute = int(-(-moment.seconds // 60))
    if not moment.local:
        return minute
    if is_end:
        return wall_spans(zone, minute - 3 * DAY, minute)[-1][1]
    return wall_spans(zone, minute, minute + 3 * DAY)[0][0]
