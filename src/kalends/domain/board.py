"""The board: every start that hours and ladders permit in a window, and for each host which of them are his.

It depends on schedules and lengths only, so it is worked out once and kept. A listing then wipes from it what busy
spans and caps forbid. All spans here are in *start space*: they hold starts, not the time an appointment takes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from kalends.domain.grid import Grid
from kalends.domain.hours import Hours, hours_around
from kalends.domain.ladder import joint, ladder
from kalends.domain.rules import Ask, HostCalendar, Rules
from kalends.domain.schedule import Schedule
from kalends.domain.spans import Span


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
    """A grid of starts, and one mask per host: 1 where hours and ladder permit him that start."""

    grid: Grid
    masks: tuple[bytes, ...]


def fitting(hours: Hours, shape: Shape) -> list[Span]:
    """Find the starts whose appointment lies within one open span."""
    before, after = shape.reach() if shape.padded_within else (0, shape.duration)
    return [(opens + before, closes - after + 1) for opens, closes in hours.open if opens + before <= closes - after]


def forbidden(busy: Iterable[Span], shape: Shape) -> Iterable[Span]:
    """Turn busy spans into the starts whose padded span would meet them."""
    before, after = shape.reach()
    return [(start - after + 1, end + before) for start, end in busy if start < end]


def board(hosts: Sequence[HostCalendar], ask: Ask, rules: Rules, start: int, end: int) -> Board:
    """Lay out the board for the starts of [start, end), both whole UTC days so that calls share it."""
    return _board(tuple(host.schedule for host in hosts), ask, Shape.of(rules), start, end)


@lru_cache(maxsize=256)
def _board(schedules: tuple[Schedule, ...], ask: Ask, shape: Shape, start: int, end: int) -> Board:
    before, after = shape.reach()
    around = {one: hours_around(one, start - before, end + after) for one in set(schedules)}
    rungs = ladders([around[one] for one in schedules], ask, shape.interval, start, end)
    fits = {one: fitting(hours, shape) for one, hours in around.items()}
    starts = sorted(set().union(*rungs))
    masks: dict[Schedule, bytes] = {}
    for one, own in zip(schedules, rungs, strict=True):
        if one not in masks:
            masks[one] = _mask(starts, own, fits[one])
    return Board(Grid(starts), tuple(masks[one] for one in schedules))


def ladders(hours: Sequence[Hours], ask: Ask, interval: int, start: int, end: int) -> list[set[int]]:
    """Collect for each host the starts of [start, end) he may be asked for.

    Anyone: his own ladder. Everyone: the ladders of the joint intervals. N of M: the union of all ladders.
    """
    if ask.required is None and ask.mode == "everyone":
        return [ladder(joint([one.written for one in hours]), interval, start, end)] * len(hours)
    own = [ladder(one.written, interval, start, end) for one in hours]
    if ask.required is None:
        return own
    return [set().union(*own)] * len(hours)


def _mask(starts: Sequence[int], own: set[int], fits: list[Span]) -> bytes:
    mask = bytearray(len(starts))
    for first, end in fits:
        i = bisect_left(starts, first)
        for at in range(i, bisect_left(starts, end, i)):
            mask[at] = starts[at] in own
    return bytes(mask)
