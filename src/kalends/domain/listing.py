"""A list of bookable starts, and the shapes the contract answers it in (2.4, 6.4, 6.6)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import compress, pairwise
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from .grid import Grid
from .kept import forgettable, kept
from .spots import CLOSING, EPOCH, clock, heads, leads, local_days
from .zones import DAY

_ROOM = 64 << 20  # bytes; a month written for a zone weighs 30 KB, most of it the grid, which its board shares


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """A grid of candidates and a lane beside it: 1 where one can be booked.

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
    def first(self) -> int | None:
        """The first bookable start, in epoch minutes; None: there is none."""
        found = self.grid.first(self.lane)
        return min([*self.sessions[:1], *([] if found is None else [found])], default=None)

    @property
    def starts(self) -> list[int]:
        """The bookable starts in order, in epoch minutes."""
        starts = self.grid.chosen(self.lane)
        return sorted({*starts, *self.sessions}) if self.sessions else starts


_NOTHING = Grid(())


class Seats(NamedTuple):
    """A group appointment that a guest can join: its id, all its seats, and those taken."""

    id: str
    total: int
    taken: int


# --- dates


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
    lane: bytes | bytearray = listing.lane
    if listing.sessions or appointments or blocked:
        runs, lane = _told_more(listing, zone, appointments or {}, blocked or {})
    else:
        runs = _runs(listing.grid, zone)
    lane = bytes(lane)  # its slices are cheaper than a bytearray's
    parts: list[bytes] = []
    latest = b""
    for opening, lead, spots, place in runs:
        if some := lead.join(compress(spots, lane[place])):
            # A clock set back over midnight comes to the same date twice.
            parts.append(lead if opening == latest else opening)
            parts.append(some)
            latest = opening
    if not parts:
        return b"[]"
    parts[0] = b"[" + parts[0].removeprefix(CLOSING)
    parts.append(b"]}]")
    return b"".join(parts)


# Neighbouring candidates of one local date: what leads to the first spot, and to each other one; how the spots are
# written after that, and where in the lane they are. A plain tuple is taken apart faster than a named one.
_Run: TypeAlias = tuple[bytes, bytes, Sequence[bytes], slice]

_FREE = b"[]}"  # how a spot ends that nothing stands against


def _told_more(
    listing: Listing, zone: str | None, appointments: Mapping[int, Seats], blocked: Mapping[int, bytes]
) -> tuple[list[_Run], bytes]:
    """Prepare just the starts that are told, with what is said about them beyond being free."""
    starts = listing.starts
    said = {at: _joined(seats) for at, seats in appointments.items()}
    if blocked:
        bookable = {at: said.get(at, _FREE) for at in starts}
        said = {at: why + b"}" for at, why in blocked.items()} | bookable
        starts = sorted(said)
    runs: list[_Run] = []
    for day, midnight, offset, first, end in local_days(starts, zone):
        by_minute = heads(offset)
        spots = [by_minute[at - midnight] + said.get(at, _FREE) for at in starts[first:end]]
        runs.append((*leads(day), spots, slice(first, end)))
    return _by_date(runs), b"\1" * len(starts)


def _joined(seats: Seats) -> bytes:
    """Write how the spot of a group appointment ends."""
    name, total, taken = seats
    appointment = f'{{"id":{encode_basestring_ascii(name)},"totalSpots":{total},"takenSpots":{taken}}}'
    return f'[],"appointment":{appointment}}}'.encode()


@kept(_ROOM, lambda runs, grid, _: 500 * len(runs) + grid.weight())
def _runs(grid: Grid, zone: str | None) -> list[_Run]:
    """Prepare all candidates of a grid for a zone, sorted by date and time."""
    runs: list[_Run] = []
    starts = grid.starts
    alike: dict[Hashable, list[bytes]] = {}  # as most days of a grid are
    for day, midnight, offset, first, end in local_days(starts, zone):
        form: Hashable = offset, starts[first] - midnight, end - first
        if starts[end - 1] - starts[first] != (end - first - 1) * grid.step:  # not in even steps: each one counts
            form = offset, tuple([at - midnight for at in starts[first:end]])
        spots = alike.get(form)
        if spots is None:
            by_minute = heads(offset)
            spots = alike[form] = [by_minute[at - midnight] + _FREE for at in starts[first:end]]
        runs.append((*leads(day), spots, slice(first, end)))
    return _by_date(runs)


def _by_date(runs: list[_Run]) -> list[_Run]:
    # A clock set back over midnight comes to the same date twice. Openings are in the order of their dates.
    return sorted(runs, key=itemgetter(0))


@forgettable
@lru_cache(maxsize=4096)  # 250 bytes each
def local_date(day: int) -> str:
    """Write a count of days since 1970-01-01 as a date, `YYYY-MM-DD`."""
    return date.fromordinal(day + EPOCH).isoformat()


# --- timeframes


def _edges(starts: Sequence[int], duration: int) -> list[int]:
    """Find where runs start and end, in turn."""
    edges = [*starts[:1]]
    for start, later in pairwise(starts):
        if later - start > duration:
            edges += start + duration, later
    return [*edges, starts[-1] + duration] if starts else []


def timeframes_json(listing: Listing, duration: int) -> bytes:
    """Write the `timeframes` array, in UTC: the starts joined into bookable spans.

    A run goes on while the next start is not after the end of the appointment before it (contract 6.6).
    """
    edges = list(map(_utc, _edges(listing.starts, duration)))
    frames = map('","end":"'.join, zip(edges[::2], edges[1::2], strict=True))
    return '[{{"start":"{}"}}]'.format('"},{"start":"'.join(frames)).encode() if edges else b"[]"


@forgettable
@lru_cache(maxsize=16384)  # 250 bytes each: the quarters of half a year
def _utc(at: int) -> str:
    day, minute = divmod(at, DAY)
    return f"{local_date(day)}T{clock(minute)}Z"
