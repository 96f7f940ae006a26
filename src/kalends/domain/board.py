"""The board: every start that hours and ladders permit in a window, and for each team which of them are its own.

It depends on schedules and lengths only, so it is worked out once and kept. A listing then wipes from it what busy
spans and caps forbid. All spans here are in *start space*: they hold starts, not the time an appointment takes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from math import gcd
from operator import or_
from typing import NamedTuple

from .grid import Grid
from .hours import Hours, hours_around
from .kept import kept
from .ladder import Rungs
from .rules import Ask, HostCalendar, Rules
from .schedule import Schedule
from .spans import Span, intersect
from .teams import Teams, ladders, teams_of
from .zones import FOREVER

_ROOM = 48 << 20  # bytes; a host's month weighs 22 KB, so either half holds those of a thousand hosts


class Shape(NamedTuple):
    """The lengths that decide which starts exist, in minutes."""

    interval: int
    duration: int
    before: int
    after: int
    padded_within: bool

    @classmethod
    def of(cls, rules: Rules) -> Shape:
        """Take the lengths out of the rules."""
        return cls(
            rules.interval,
            rules.duration,
            rules.buffer_before,
            rules.buffer_after,
            rules.buffers_within_hours,
        )

    def reach(self) -> tuple[int, int]:
        """Say how far the padded span goes before its start and after it."""
        return self.before, self.duration + self.after


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """A grid of starts, the teams, and one mask per team: 1 where hours and ladder permit it that start.

    `union` is that of all masks, as a number of as many bytes.
    """

    grid: Grid
    teams: Teams
    masks: tuple[bytes, ...]
    union: int

    def weight(self) -> int:
        """Say about how many bytes it takes."""
        return self.grid.weight() + (len(set(self.masks)) + 1) * self.grid.size + 100 * len(self.masks)


def fitting(hours: Hours, shape: Shape) -> list[Span]:
    """Find the starts whose appointment lies within one open span."""
    before, after = shape.reach() if shape.padded_within else (0, shape.duration)
    return [(opens + before, closes - after + 1) for opens, closes in hours.open if opens + before <= closes - after]


def board(hosts: Sequence[HostCalendar], ask: Ask, rules: Rules, start: int, end: int) -> Board:
    """Lay out the board for the starts of [start, end), both whole UTC days so that calls share it."""
    return _board(tuple([host.schedule for host in hosts]), ask, Shape.of(rules), start, end)


@kept(_ROOM, lambda laid, schedules, *_: laid.weight() + sum(one.weight() for one in dict.fromkeys(schedules)))
def _board(schedules: tuple[Schedule, ...], ask: Ask, shape: Shape, start: int, end: int) -> Board:
    before, after = shape.reach()
    around = {one: hours_around(one, start - before, end + after) for one in dict.fromkeys(schedules)}
    fits = {one: fitting(hours, shape) for one, hours in around.items()}
    teams = teams_of(ask, len(schedules))
    rungs = ladders([around[one] for one in schedules], teams, shape.interval, start, end)
    distinct = {id(one): one for one in rungs}  # equal hours share theirs, and so many ranges are slow to compare
    grid = _grid(distinct.values(), shape.interval)
    places = {start: i for i, start in enumerate(grid.starts)} if len(distinct) > 1 else None
    masks: dict[tuple[Schedule, ...], bytes] = {}
    together = [tuple([schedules[place] for place in team]) for team in teams.places]
    for some, its in zip(together, rungs, strict=True):
        if some not in masks:
            masks[some] = _mask(grid, places, its, reduce(intersect, [fits[one] for one in dict.fromkeys(some)]))
    union = reduce(or_, [int.from_bytes(mask, "big") for mask in masks.values()], 0)
    return Board(grid, teams, tuple([masks[some] for some in together]), union)


def _grid(ladders: Iterable[Rungs], interval: int) -> Grid:
    """Bring the starts of all ladders together."""
    rungs = list(chain.from_iterable(ladders))
    starts = _in_order(rungs)
    return Grid(starts, gcd(interval, *[one.start - starts[0] for one in rungs]))


def _in_order(rungs: Sequence[range]) -> list[int]:
    starts = list(chain.from_iterable(rungs))
    if any(one.stop > other.start for one, other in pairwise(rungs)):
        return sorted(set(starts))
    return starts  # as a week without openings gives them


def _mask(grid: Grid, places: Mapping[int, int] | None, own: Rungs, fits: Sequence[Span]) -> bytes:
    """Mark the starts of a team's own ladders that fit; they are all of the grid's when there are no places."""
    if places is None:
        mask = bytearray(b"\1" * grid.size)
        ends, starts = [end for _, end in fits], [start for start, _ in fits]
        grid.wipe(mask, zip([-FOREVER, *ends], [*starts, FOREVER], strict=True))  # hardly any lies between
        return bytes(mask)
    mask = bytearray(grid.size)
    ordered = _in_order(own)
    for first, end in fits:
        i = bisect_left(ordered, first)
        for start in ordered[i : bisect_left(ordered, end, i)]:
            mask[places[start]] = 1
    return bytes(mask)
