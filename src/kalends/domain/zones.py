"""Time zones as pieces of constant offset, and wall time turned into instants.

Instants and wall times are both counted in minutes: an instant from 1970-01-01T00:00Z, a wall time from
1970-01-01T00:00 on the wall. Offsets that had seconds (before 1972) are cut down to the minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from whenever import Date, Instant, Time

from .kept import forgettable
from .spans import Span, merge

DAY = 1440
FOREVER = 1 << 40  # minutes; further than any date
# No zone is, was or will be further from UTC: whatever is widened by this holds in every zone.
FURTHEST_OFFSET = 26 * 60

_STRETCH = 1 << 19  # minutes, about a year: zones are read in stretches of this length
# Instants this module ever looks up; a year away from the ends of what whenever can hold.
_FIRST = Instant.from_utc(2, 1, 1).timestamp() // 60
_LAST = Instant.from_utc(9998, 12, 31).timestamp() // 60


class Piece(NamedTuple):
    """A stretch of time in which a zone's offset does not change: instants, and minutes east of UTC."""

    start: int
    end: int
    offset: int


def canonical_zone(name: str) -> str:
    """Find the name that all aliases of a zone share (`Asia/Katmandu` -> `Asia/Kathmandu`).

    Zones are stored under the name they were given; two are the same when their canonical names are equal.

    Raises:
        ValueError: the time zone database knows no such name.
    """
    known, targets = _names()
    if name not in known:
        raise ValueError(f"unknown time zone: {name!r}")
    while name in targets:
        name = targets[name]
    return name


@lru_cache(maxsize=1)
def _names() -> tuple[frozenset[str], dict[str, str]]:
    """Read all zone names and the links between them from the tzdata package."""
    data = resources.files("tzdata")
    # "Factory" is the database's word for a machine whose zone nobody has set.
    known = frozenset(data.joinpath("zones").read_text("utf-8").split()) - {"Factory"}
    compiled = data.joinpath("zoneinfo", "tzdata.zi").read_text("utf-8")
    links = (line.split() for line in compiled.splitlines() if line.startswith("L "))
    return known, {alias: target for _, target, alias in links}


def day_number(day: Date) -> int:
    """Count the days from 1970-01-01 to a date."""
    return day.at(Time()).assume_utc().timestamp() // 86400


@forgettable
@lru_cache(maxsize=4096)  # about a kilobyte each: a few years of every zone
def _stretch(zone: str, number: int) -> tuple[Piece, ...]:
    begin, end = number * _STRETCH, (number + 1) * _STRETCH
    at = Instant.from_timestamp(max(begin, _FIRST) * 60).to_tz(zone)
    pieces: list[Piece] = []
    while begin < end:
        change = at.next_transition()
        until = end if change is None else min(-(-change.timestamp() // 60), end)
        offset = int(at.offset.total("seconds")) // 60
        if pieces and pieces[-1].offset == offset:
            pieces[-1] = pieces[-1]._replace(end=until)
        elif begin < until:
            pieces.append(Piece(begin, until, offset))
        begin = until
        at = change or at
    return tuple(pieces)


def pieces(zone: str, start: int, end: int) -> Sequence[Piece]:
    """Cut a zone into pieces that cover the instants [start, end), in order, and reach beyond them.

    Neighbours differ in their offsets.
    """
    first = max(start, _FIRST) // _STRETCH
    last = (min(end, _LAST) - 1) // _STRETCH
    if last <= first:
        return _stretch(zone, first)
    found = list(_stretch(zone, first))
    for number in range(first + 1, last + 1):
        for piece in _stretch(zone, number):
            if piece.offset == found[-1].offset:
                found[-1] = found[-1]._replace(end=piece.end)
            else:
                found.append(piece)
    return found


def steady_days(zone: str, first_day: int, end_day: int) -> dict[int, int]:
    """Find the days of [first_day, end_day) that, with the day after, no clock change touches; each with its offset.

    Whatever wall time lies in such a day or the one after is one instant: the wall time less the offset.
    """
    around = pieces(zone, first_day * DAY - FURTHEST_OFFSET, (end_day + 2) * DAY + FURTHEST_OFFSET)
    # A piece shares wall times with its neighbours only: no two changes of a zone lie within three days.
    offsets = [FURTHEST_OFFSET, *[piece.offset for piece in around], -FURTHEST_OFFSET]
    steady: dict[int, int] = {}
    for place, (start, end, offset) in enumerate(around):
        first = -(-(start + max(offset, offsets[place])) // DAY)
        after = (end + min(offset, offsets[place + 2])) // DAY - 1
        steady.update(dict.fromkeys(range(max(first, first_day), min(after, end_day)), offset))
    return steady


def wall_minute(zone: str, instant: int) -> int:
    """Read the clock on the zone's wall at an instant."""
    instant = min(max(instant, _FIRST), _LAST)
    for piece in _stretch(zone, instant // _STRETCH):
        if instant < piece.end:
            return instant + piece.offset
    raise AssertionError("pieces cover their stretch")


def wall_spans(zone: str, start: int, end: int) -> list[Span]:
    """Find all instants whose wall time lies in [start, end), as tidy spans.

    What falls into a spring gap yields nothing; what falls into an autumn fold comes twice.
    """
    start, end = max(start, _FIRST + FURTHEST_OFFSET), min(end, _LAST - FURTHEST_OFFSET)
    if end - start <= 6 * DAY:
        return _wall_spans(zone, start, end)
    # Clock changes matter at the two ends only; all instants between lie within whatever the offset is.
    return merge(
        [
            *_wall_spans(zone, start, start + 3 * DAY),
            (start + FURTHEST_OFFSET, end - FURTHEST_OFFSET),
            *_wall_spans(zone, end - 3 * DAY, end),
        ]
    )


def _wall_spans(zone: str, start: int, end: int) -> list[Span]:
    found: list[Span] = []
    for piece in pieces(zone, start - FURTHEST_OFFSET, end + FURTHEST_OFFSET):
        first, last = max(piece.start, start - piece.offset), min(piece.end, end - piece.offset)
        if first < last:
            if found and found[-1][1] == first:
                found[-1] = (found[-1][0], last)
            else:
                found.append((first, last))
    return found
