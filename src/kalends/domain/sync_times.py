"""When a calendar is read, tried again and renewed, and which time of it is read."""

from __future__ import annotations

from collections.abc import Iterable

from whenever import Instant

from .exceptions import parse_moment
from .remote_events import Window
from .rules import BookingWindow

_USED_MINUTES = 10  # so long after slots of a host were asked for, his calendars are looked at often
_OFTEN_S, _SELDOM_S, _REFUSED_S = 2 * 60, 15 * 60, 6 * 3600
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 30, 3600


def next_due(now: Instant, *, used_at: Instant | None, spread: float) -> Instant:
    """Tell when a calendar that could be read is read again: in 2 minutes while in use, else in 15.

    Args:
        spread: a random number from 0 to 1; not all of them are to be asked at the same moment.
    """
    in_use = used_at is not None and now < used_at.add(minutes=_USED_MINUTES)
    return now.add(seconds=(_OFTEN_S if in_use else _SELDOM_S) * (0.9 + 0.2 * spread))


def due_after_failure(now: Instant, *, failures: int, retry_after_s: int | None, spread: float) -> Instant:
    """Tell when a calendar is tried again: after 30 s, 1, 2, … minutes, at most an hour, never before it is asked to.

    Args:
        failures: in a row, at least 1.
        spread: a random number from 0 to 1.
    """
    pause = min(_FIRST_PAUSE_S * 2 ** min(failures - 1, 10), _LONGEST_PAUSE_S)
    return now.add(seconds=max(pause * (0.75 + 0.5 * spread), (retry_after_s or 0) * (1 + 0.1 * spread)))


def due_after_refusal(now: Instant, *, spread: float) -> Instant:
    """Tell when a provider that does not let us in is tried again; so seldom that nobody locks the account for it."""
    return now.add(seconds=_REFUSED_S * (0.9 + 0.2 * spread))


def renewal(now: Instant, expires_at: Instant) -> Instant:
    """Tell when a channel that was opened now is renewed: after four fifths of its life."""
    return now.add(seconds=max(0.8 * (expires_at - now).total("seconds"), 60))


_LEAST_DAYS, _MOST_DAYS = 60, 400
_ANYWHERE_DAYS = 3660  # a year that was mistyped is no refusal, which is what an event without any time is taken for
_SLACK_DAYS, _SPARE_DAYS = 10, 3


def window(now: Instant, days: float) -> Window:
    """Say which time is read so that starts up to so many days ahead can be offered; whole days of UTC.

    Some more is read, so that not every day needs a complete reading.
    """
    end = now.add(hours=24 * (_needed(days) + _SLACK_DAYS))
    return Window(_midnight(now.subtract(hours=24)), _midnight(end.add(hours=24)))


def is_short(end: Instant | None, now: Instant, days: float) -> bool:
    """Tell whether a window that ends then has to be read anew."""
    return end is None or end < now.add(hours=24 * (_needed(days) + _SPARE_DAYS))


def is_long_ago(synced_at: Instant | None, now: Instant) -> bool:
    """Tell whether what changed since a reading is no longer asked for, but all there is.

    CalDAV servers keep changes for some days or so many of them, and not all say that some are missing.
    """
    return synced_at is None or synced_at < now.subtract(hours=24)


def is_a_day_ago(window: Window, now: Instant, *, spread: float) -> bool:
    """Tell whether a calendar that was last read in full for a window is to be read so again: once a day.

    Args:
        spread: from 0 to 1, of the calendar's own: each has its time of day, none so late that it becomes the next one.
    """
    return now >= window.start.add(hours=24 * 2 + 20 * spread)


def wide(now: Instant) -> Window:
    """Say which time an event of ours is looked for in, wherever its host moved it."""
    return Window(now.subtract(hours=24 * _ANYWHERE_DAYS), now.add(hours=24 * _ANYWHERE_DAYS))


def days_ahead(windows: Iterable[BookingWindow], now: Instant) -> float:
    """Tell how far ahead starts are offered of types with these booking windows; 0 without any."""
    return max((_days(one, now) for one in windows), default=0)


def _days(window: BookingWindow, now: Instant) -> float:
    if window.mode == "limit":
        return window.limit_minutes / 1440 + 1  # to the end of a local day
    if window.mode == "range" and window.range_max:
        last = parse_moment(window.range_max, is_end=True).seconds
        return (last - now.timestamp()) / 86400 + 1  # of whichever zone
    return _MOST_DAYS


def _needed(days: float) -> float:
    return min(max(days, _LEAST_DAYS), _MOST_DAYS)


def _midnight(instant: Instant) -> Instant:
    return Instant.from_timestamp(instant.timestamp() // 86400 * 86400)
