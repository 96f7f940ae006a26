"""A list of bookable starts, and the shapes the contract answers it in (2.4, 6.4, 6.6)."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import compress

from kalends.domain.spans import Span
from kalends.domain.zones import DAY, pieces

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """Candidates in order (epoch minutes) and a lane beside them: non-zero where one can be booked."""

    candidates: array[int]
    lane: bytes | bytearray

    @classmethod
    def empty(cls) -> Listing:
        """Make a listing without any start."""
        return cls(array("q"), b"")

    @property
    def starts(self) -> list[int]:
        """The bookable starts in order, in epoch minutes."""
        return list(compress(self.candidates, self.lane))


def dates_json(listing: Listing, zone: str | None) -> bytes:
    """Write the `dates` array: one object per local date of the zone that has a start, in UTC without one.

    With a zone `startTime` is local time with its offset, without one it ends in `Z`.
    """
    days: dict[int, list[bytes]] = {}
    starts = listing.starts
    if not starts:
        return b"[]"
    parts = pieces(zone, starts[0], starts[-1] + 1) if zone else ()
    at = 0
    for start in starts:
        offset: int | None = None
        if parts:
            while parts[at].end <= start:
                at += 1
            offset = parts[at].offset
        day, minute = divmod(start + (offset or 0), DAY)
        days.setdefault(day, []).append(_spot(minute, offset))
    # Sorted, because a clock set back over midnight makes an earlier date come after a later one.
    return b"[%b]" % b",".join(_date_json(day, days[day]) for day in sorted(days))


def _date_json(day: int, spots: list[bytes]) -> bytes:
    on = local_date(day).encode()
    lead = b'{"startTime":"%b' % on
    return b'{"date":"%b","spots":[%b%b]}' % (on, lead, (b"," + lead).join(spots))


@lru_cache(maxsize=16384)
def _spot(minute: int, offset: int | None) -> bytes:
    """Write what follows the date in a spot, from the `T` on; the same for every day."""
    if offset is None:
        mark = "Z"
    else:
        hours, minutes = divmod(abs(offset), 60)
        mark = f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    return f'T{minute // 60:02}:{minute % 60:02}:00.000{mark}","unavailabilityEvents":[]}}'.encode()


@lru_cache(maxsize=4096)
def local_date(day: int) -> str:
    """Write a count of days since 1970-01-01 as a date, `YYYY-MM-DD`."""
    return date.fromordinal(day + _EPOCH).isoformat()


def timeframes(listing: Listing, duration: int) -> list[Span]:
    """Join the starts into bookable spans (epoch minutes).

    A run goes on while the next start is not after the end of the appointment before it (contract 6.6).
    """
    runs: list[Span] = []
    for start in listing.starts:
        if runs and start <= runs[-1][1]:
            runs[-1] = (runs[-1][0], start + duration)
        else:
            runs.append((start, start + duration))
    return runs


def timeframes_json(listing: Listing, duration: int) -> bytes:
    """Write the `timeframes` array, in UTC."""
    frames = (f'{{"start":"{_utc(start)}","end":"{_utc(end)}"}}' for start, end in timeframes(listing, duration))
    return f"[{','.join(frames)}]".encode()


def _utc(at: int) -> str:
    day, minute = divmod(at, DAY)
    return f"{local_date(day)}T{minute // 60:02}:{minute % 60:02}:00.000Z"
