"""A list of bookable starts, and the shapes the contract answers it in (2.4, 6.4, 6.6)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain, compress, pairwise
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from kalends.domain.grid import Grid
from kalends.domain.kept import forgettable, kept
from kalends.domain.spans import Span
from kalends.domain.zones import DAY, FOREVER, pieces

_EPOCH = date(1970, 1, 1).toordinal()
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
        on_grid = self.grid.first(self.lane)
        return on_grid if not self.sessions else min(self.sessions[0], self.sessions[0] if on_grid is None else on_grid)

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
    parts[0] = b"[" + parts[0].removeprefix(_CLOSING)
    parts.append(b"]}]")
    return b"".join(parts)


# Neighbouring candidates of one local date: what leads to the first spot, and to each other one; how the spots are
# written after that, and where in the lane they are. A plain tuple is taken apart faster than a named one.
_Run: TypeAlias = tuple[bytes, bytes, Sequence[bytes], slice]

_CLOSING = b"]},"  # what an opening begins with: the end of the date before
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
    for day, midnight, offset, first, end in _local_days(starts, zone):
        heads = _heads(offset)
        spots = [heads[at - midnight] + said.get(at, _FREE) for at in starts[first:end]]
        runs.append((*_leads(day), spots, slice(first, end)))
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
    for day, midnight, offset, first, end in _local_days(starts, zone):
        form: Hashable = offset, starts[first] - midnight, end - first
        if starts[end - 1] - starts[first] != (end - first - 1) * grid.step:  # not in even steps: each one counts
            form = offset, tuple([at - midnight for at in starts[first:end]])
        spots = alike.get(form)
        if spots is None:
            heads = _heads(offset)
            spots = alike[form] = [heads[at - midnight] + _FREE for at in starts[first:end]]
        runs.append((*_leads(day), spots, slice(first, end)))
    return _by_date(runs)


def _by_date(runs: list[_Run]) -> list[_Run]:
    # A clock set back over midnight comes to the same date twice. Openings are in the order of their dates.
    return sorted(runs, key=itemgetter(0))


_UTC = ((-FOREVER, FOREVER, None),)  # in one piece, and not said as an offset


def _local_days(starts: Sequence[int], zone: str | None) -> Iterator[tuple[int, int, int | None, int, int]]:
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
def _leads(day: int) -> tuple[bytes, bytes]:
    """Write what leads to the first spot of a date, and to each other one."""
    on = date.fromordinal(day + _EPOCH).isoformat()
    return f']}},{{"date":"{on}","spots":[{{"startTime":"{on}'.encode(), f',{{"startTime":"{on}'.encode()


class _Heads(dict[int, bytes]):
    """How a spot goes on after its date, from the `T` to what stands against it, by the minute of the day."""

    def __init__(self, offset: int | None) -> None:
        self._mark = "Z" if offset is None else _offset(offset)

    def __missing__(self, minute: int) -> bytes:
        self[minute] = f'T{_clock(minute)}{self._mark}","unavailabilityEvents":'.encode()
        return self[minute]


@forgettable
@lru_cache(maxsize=64)  # all there are; 200 KB for one whose 1440 minutes were all asked for
def _heads(offset: int | None) -> _Heads:
    return _Heads(offset)


def _offset(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{_TWO[hours]}:{_TWO[rest]}"


def _clock(minute: int) -> str:
    return f"{_TWO[minute // 60]}:{_TWO[minute % 60]}:00.000"


_TWO = [f"{number:02}" for number in range(60)]  # five times as fast as a format


@forgettable
@lru_cache(maxsize=4096)  # 250 bytes each
def local_date(day: int) -> str:
    """Write a count of days since 1970-01-01 as a date, `YYYY-MM-DD`."""
    return date.fromordinal(day + _EPOCH).isoformat()


# --- timeframes


def timeframes(listing: Listing, duration: int) -> list[Span]:
    """Join the starts into bookable spans (epoch minutes).

    A run goes on while the next start is not after the end of the appointment before it (contract 6.6).
    """
    starts = listing.starts
    if not starts:
        return []
    breaks = [(one + duration, other) for one, other in pairwise(starts) if other - one > duration]
    edges = [starts[0], *chain.from_iterable(breaks), starts[-1] + duration]
    return list(zip(edges[::2], edges[1::2], strict=True))


def timeframes_json(listing: Listing, duration: int) -> bytes:
    """Write the `timeframes` array, in UTC."""
    frames = (f'{{"start":"{_utc(start)}","end":"{_utc(end)}"}}' for start, end in timeframes(listing, duration))
    return f"[{','.join(frames)}]".encode()


@forgettable
@lru_cache(maxsize=16384)  # 250 bytes each: the quarters of half a year
def _utc(at: int) -> str:
    day, minute = divmod(at, DAY)
    return f"{local_date(day)}T{_clock(minute)}Z"
