"""The board: every start that hours and ladders permit in a window, and for each team which of them are its own.

It depends on schedules and lengths only, so it is worked out once and kept. A listing then wipes from it what busy
spans and caps forbid. All spans here are in *start space*: they hold starts, not the time an appointment takes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import NamedTuple

from kalends.domain.grid import Grid
from kalends.domain.hours import Hours, hours_around
from kalends.domain.rules import Ask, HostCalendar, Rules
from kalends.domain.schedule import Schedule
from kalends.domain.spans import Span, intersect
from kalends.domain.teams import Teams, ladders, teams_of


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
    """A grid of starts, the teams, and one mask per team: 1 where hours and ladder permit it that start."""

    grid: Grid
    teams: Teams
    masks: tuple[bytes, ...]


def fitting(hours: Hours, shape: Shape) -> list[Span]:
    """Find the starts whose appointment lies within one open span."""
    before, after = shape.reach() if shape.padded_within else (0, shape.duration)
    return [(opens + before, closes - after + 1) for opens, closes in hours.open if opens + before <= closes - after]


def board(hosts: Sequence[HostCalendar], ask: Ask, rules: Rules, start: int, end: int) -> Board:
    """Lay out the board for the starts of [start, end), both whole UTC days so that calls share it."""
    return _board(tuple(host.schedule for host in hosts), ask, Shape.of(rules), start, end)


@lru_cache(maxsize=256)
def _board(schedules: tuple[Schedule, ...], ask: Ask, shape: Shape, start: int, end: int) -> Board:
    before, after = shape.reach()
    around = {one: hours_around(one, start - before, end + after) for one in set(schedules)}
    fits = {one: fitting(hours, shape) for one, hours in around.items()}
    teams = teams_of(ask, len(schedules))
    rungs = ladders([around[one] for one in schedules], teams, shape.interval, start, end)
    starts = sorted(set().union(*rungs))
    masks: dict[tuple[Schedule, ...], bytes] = {}
    together = [tuple([schedules[place] for place in team]) for team in teams.places]
    for some, own in zip(together, rungs, strict=True):
        if some not in masks:
            masks[some] = _mask(starts, own, reduce(intersect, [fits[one] for one in set(some)]))
    return Board(Grid(starts), teams, tuple(masks[some] for some in together))


def _mask(starts: Sequence[int], own: set[int], fits: list[Span]) -> bytes:
    mask = bytearray(len(starts))
    for first, end in fits:
        i = bisect_left(starts, first)
        for at in range(i, bisect_left(starts, end, i)):
            mask[at] = starts[at] in own
    return bytes(mask)
