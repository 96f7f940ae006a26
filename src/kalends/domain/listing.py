"""A list of bookable starts, and the shapes the contract answers it in (2.4, 6.4, 6.6)."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

from kalends.domain.grid import Grid
from kalends.domain.spans import Span
from kalends.domain.zones import DAY, FOREVER, pieces

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """A grid of candidates and a lane beside it: non-zero where one can be booked.

    `sessions` are starts of group appointments with free seats, in order, wherever they lie.
    """

    grid: Grid
    lane: bytes | bytearray
    sessions: tuple[int, ...] = ()

    @classmethod
    def empty(cls) -> Listing:
        """Make a listing without any start."""
        return cls(_NOTHING, b"")

    @property
    def starts(self) -> list[int]:
        """The bookable starts in order, in epoch minutes."""
        starts = list(compress(self.grid.starts, self.lane))
        return sorted({*starts, *self.sessions}) if self.sessions else starts


_NOTHING = Grid(())
_FREE = b"[]}"  # how a spot ends that nothing stands against


class Seats(NamedTuple):
    """A group appointment that a guest can join: its id, all its seats, and those taken."""

    id: str
    total: int
    taken: int


def dates_json(
    listing: Listing,
    zone: str | None,
    appointments: Mapping[int, Seats] | None = None,
    blocked: Mapping[int, bytes] | None = None,
) -> bytes:
    """Write the `dates` array: one object per local date of the zone that has a start, in UTC without one.

    With a zone `startTime` is local time with its offset, without one it ends in `Z`.

    Args:
        appointments: by their starts (epoch minutes), written into those spots that are listed.
        blocked: starts that cannot be booked, and the JSON array of `unavailabilityEvents` that says why.
    """
    days: dict[bytes, bytes] = {}
    lane = listing.lane
    if listing.sessions or appointments or blocked:
        runs, lane = _told_more(listing, zone, appointments or {}, blocked or {})
    else:
        runs = _runs(listing.grid, zone)
    for run in runs:
        if spots := run.lead.join(compress(run.spots, lane[run.first : run.end])):
            # A clock set back over midnight comes to the same date twice.
            days[run.date] = days[run.date] + run.lead + spots if run.date in days else spots
    return b"[%b]" % b",".join(
        [b'{"date":"%b","spots":[{"startTime":"%b%b]}' % (on, on, spots) for on, spots in days.items()]
    )


class _Run(NamedTuple):
    """Neighbouring candidates of one local date: how their spots are written after the date, and what leads to each."""

    date: bytes
    lead: bytes
    spots: list[bytes]
    first: int
    end: int


def _told_more(
    listing: Listing, zone: str | None, appointments: Mapping[int, Seats], blocked: Mapping[int, bytes]
) -> tuple[list[_Run], bytes]:
    """Prepare just the starts that are told, each with what is said about it."""
    bookable = listing.starts
    reasons = {**blocked, **dict.fromkeys(bookable, b"[]")}
    spoken = {at: _appointment_json(appointments[at]) for at in appointments.keys() & set(bookable)}
    starts = sorted(reasons)
    runs = _cut(starts, zone)
    for run in runs:
        for i, start in enumerate(starts[run.first : run.end]):
            run.spots[i] = b"%b%b%b}" % (run.spots[i].removesuffix(_FREE), reasons[start], spoken.get(start, b""))
    return runs, b"\1" * len(starts)


def _appointment_json(seats: Seats) -> bytes:
    return (
        f',"appointment":{{"id":{json.dumps(seats.id)},"totalSpots":{seats.total},"takenSpots":{seats.taken}}}'.encode()
    )


@lru_cache(maxsize=128)
def _runs(grid: Grid, zone: str | None) -> list[_Run]:
    """Prepare all candidates of a grid for a zone, sorted by date and time."""
    return _cut(grid.starts, zone)


def _cut(starts: Sequence[int], zone: str | None) -> list[_Run]:
    runs: list[_Run] = []
    parts = pieces(zone, starts[0], starts[-1] + 1) if zone and starts else ()
    first = at = 0
    while first < len(starts):
        offset: int | None = None
        until = FOREVER
        if parts:
            while parts[at].end <= starts[first]:
                at += 1
            offset, until = parts[at].offset, parts[at].end
        day = (starts[first] + (offset or 0)) // DAY
        midnight = day * DAY - (offset or 0)
        end = bisect_left(starts, min(until, midnight + DAY), first)
        on = local_date(day).encode()
        spots = [_spot(start - midnight, offset) for start in starts[first:end]]
        runs.append(_Run(on, b',{"startTime":"%b' % on, spots, first, end))
        first = end
    return sorted(runs, key=_by_date)


def _by_date(run: _Run) -> tuple[bytes, int]:
    return run.date, run.first


@lru_cache(maxsize=16384)
def _spot(minute: int, offset: int | None) -> bytes:
    """Write what follows the date in a spot, from the `T` on; the same for every day."""
    if offset is None:
        mark = "Z"
    else:
        hours, minutes = divmod(abs(offset), 60)
        mark = f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    return f'T{minute // 60:02}:{minute % 60:02}:00.000{mark}","unavailabilityEvents":'.encode() + _FREE


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
