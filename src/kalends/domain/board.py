"""The board: every start that hours and ladders permit in a window, and for each team which of them are its own.

It depends on schedules and lengths only, so it is worked out once and kept. A listing then wipes from it what busy
spans and caps forbid. All spans here are in *start space*: they hold starts, not the time an appointment takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from math import gcd
from operator import or_
from typing import NamedTuple

from kalends.domain.grid import Grid
from kalends.domain.hours import Hours, hours_around
from kalends.domain.kept import kept
from kalends.domain.ladder import Rungs
from kalends.domain.rules import Ask, HostCalendar, Rules
from kalends.domain.schedule import Schedule
from kalends.domain.spans import Span, intersect
from kalends.domain.teams import Teams, ladders, teams_of
from kalends.domain.zones import FOREVER

_ROOM = 48 << 20  # bytes; the board of a host and a month weighs 26 KB


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


@kept(_ROOM, lambda laid, *_: laid.weight())
def _board(schedules: tuple[Schedule, ...], ask: Ask, shape: Shape, start: int, end: int) -> Board:
    before, after = shape.reach()
    around = {one: hours_around(one, start - before, end + after) for one in dict.fromkeys(schedules)}
    fits = {one: fitting(hours, shape) for one, hours in around.items()}
    teams = teams_of(ask, len(schedules))
    rungs = ladders([around[one] for one in schedules], teams, shape.interval, start, end)
    grid = _grid(rungs, shape.interval)
    own = {one: set(chain.from_iterable(one)) for one in set(rungs)} if len(set(rungs)) > 1 else {}
    masks: dict[tuple[Schedule, ...], bytes] = {}
    together = [tuple([schedules[place] for place in team]) for team in teams.places]
    for some, its in zip(together, rungs, strict=True):
        if some not in masks:
            masks[some] = _mask(grid, own.get(its), reduce(intersect, [fits[one] for one in dict.fromkeys(some)]))
    union = reduce(or_, [int.from_bytes(mask, "big") for mask in masks.values()], 0)
    return Board(grid, teams, tuple([masks[some] for some in together]), union)


def _grid(ladders: Iterable[Rungs], interval: int) -> Grid:
    """Bring the starts of all ladders into order."""
    rungs = list(chain.from_iterable(dict.fromkeys(ladders)))
    starts = list(chain.from_iterable(rungs))
    if any(one.stop > other.start for one, other in pairwise(rungs)):
        starts = sorted(set(starts))
    return Grid(starts, gcd(interval, *[one.start - starts[0] for one in rungs]))


def _mask(grid: Grid, own: set[int] | None, fits: Sequence[Span]) -> bytes:
    """Mark the starts that fit, of a team's own; None: all are."""
    mask = bytearray(b"\1" * grid.size if own is None else map(own.__contains__, grid.starts))
    ends, starts = [end for _, end in fits], [start for start, _ in fits]
    grid.wipe(mask, zip([-FOREVER, *ends], [*starts, FOREVER], strict=True))
    return bytes(mask)
