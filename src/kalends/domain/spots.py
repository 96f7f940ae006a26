"""The pieces a listing's JSON is put together from: no spot is written twice, and none with a datetime of its own.

A spot is what leads to it with its date, its head from the time of day on, and its end: what stands against it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from .kept import forgettable
from .zones import DAY, FOREVER, pieces

EPOCH = date(1970, 1, 1).toordinal()
CLOSING = b"]},"  # what leads to the first spot of a date begins with the end of the date before

_UTC = ((-FOREVER, FOREVER, None),)  # in one piece, and not said as an offset


def local_days(starts: Sequence[int], zone: str | None) -> Iterator[tuple[int, int, int | None, int, int]]:
    """Cut starts by local days: the day, the instant of its midnight, the offset, and from where to where."""
    offset: int | None
    first = 0
    for _, until, offset in pieces(zone, starts[0], starts[-1] + 1) if zone and starts else _UTC:
        east = offset or 0
        after = bisect_left(starts, until, first)
        while first < after:
            day = (starts[first] + east) // DAY
            midnight = day * DAY - east
            end = bisect_left(starts, midnight + DAY, first, after)
            yield day, midnight, offset, first, end
            first = end


@forgettable
@lru_cache(maxsize=4096)  # 300 bytes each
def leads(day: int) -> tuple[bytes, bytes]:
    """Write what leads to the first spot of a date (behind another date), and to each other one."""
    on = date.fromordinal(day + EPOCH).isoformat()
    return f']}},{{"date":"{on}","spots":[{{"startTime":"{on}'.encode(), f',{{"startTime":"{on}'.encode()


class _Heads(dict[int, bytes]):
    """How a spot goes on after its date, from the `T` to what stands against it, by the minute of the day."""

    def __init__(self, offset: int | None) -> None:
        self._mark = "Z" if offset is None else _offset(offset)

    def __missing__(self, minute: int) -> bytes:
        self[minute] = f'T{clock(minute)}{self._mark}","unavailabilityEvents":'.encode()
        return self[minute]


@forgettable
@lru_cache(maxsize=64)  # more than are in use; 200 KB for one whose 1440 minutes were all asked for
def heads(offset: int | None) -> _Heads:
    """Give what spots say after their date, by the minute of the day; None is UTC, not said as an offset."""
    return _Heads(offset)


def _offset(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{_TWO[hours]}:{_TWO[rest]}"


def clock(minute: int) -> str:
    """Write a minute of the day, `HH:MM:00.000`."""
    return f"{_TWO[minute // 60]}:{_TWO[minute % 60]}:00.000"


_TWO = [f"{number:02}" for number in range(60)]  # five times as fast as a format
