"""Rooms and things an appointment needs: open for the appointment, and one unit free for it and their own buffers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from .board import Shape, fitting
from .busy import Hindrance, is_free, reason
from .grid import Grid
from .hours import hours_around
from .kept import kept
from .rules import Code, Refusal, Resource, ResourceCalendar, Rules
from .schedule import Schedule
from .spans import contains

_ROOM = 8 << 20  # bytes; a lane takes a byte for each start, but holds its grid


class Place(NamedTuple):
    """Where a unit stands in its resource, and whose time it takes."""

    choice: int
    unit: int
    host: Hashable


def own_shape(choice: ResourceCalendar, rules: Rules) -> Shape:
    """Give the lengths as they are for a resource: its own buffers, which its hours need not hold."""
    return Shape(rules.interval, rules.duration, choice.before, choice.after, padded_within=False)


# --- a whole window


def wipe_unserved(lane: bytearray, grid: Grid, resources: Sequence[Resource], rules: Rules) -> None:
    """Clear the starts for which a resource is missing."""
    offered = [_unit_lanes(grid, resource, rules) for resource in resources]
    served = int.from_bytes(lane, "big")
    for units in offered:
        union = 0
        for own in units.values():
            union |= int.from_bytes(own, "big")
        served &= union
    lane[:] = served.to_bytes(len(lane), "big")
    if _share(offered):
        for i in range(len(lane)):
            if lane[i] and len(assigned([[unit for unit in units if units[unit][i]] for units in offered])) < len(
                offered
            ):
                lane[i] = 0


def _unit_lanes(grid: Grid, resource: Resource, rules: Rules) -> dict[Place, bytearray]:
    lanes: dict[Place, bytearray] = {}
    for place, choice in enumerate(resource.choices):
        shape = own_shape(choice, rules)
        opened = _opened(grid, choice.schedule, shape)
        for number, unit in enumerate(choice.units):
            lane = lanes[Place(place, number, unit.host)] = bytearray(opened)
            grid.wipe_busy(lane, unit.claims, *shape.reach())
            grid.wipe_busy(lane, unit.events, *shape.reach())
    return lanes


@kept(_ROOM, lambda lane, grid, *_: len(lane) + grid.weight())
def _opened(grid: Grid, schedule: Schedule, shape: Shape) -> bytes:
    """Mark the starts whose appointment lies within the hours."""
    lane = bytearray(grid.size)
    if starts := grid.starts:
        grid.mark(lane, fitting(hours_around(schedule, starts[0], starts[-1] + shape.duration), shape))
    return bytes(lane)


def _share(offered: Sequence[dict[Place, bytearray]]) -> bool:
    """Tell whether two resources could want the same unit."""
    wanted = [{unit.host for unit in units} for units in offered]
    return sum(map(len, wanted)) > len(set[Hashable]().union(*wanted))


# --- one start


class Supply:
    """What the resources have for one start `at`; `last` is the last minute the start touches.

    Hours are asked for first, units then. `units` are those given, as places of choice and unit.
    """

    def __init__(self, resources: Sequence[Resource], rules: Rules, at: int, last: int) -> None:
        self._resources = resources
        self._rules = rules
        self._at = at
        self._last = last
        self._open: list[list[int]] = []
        self.units: tuple[tuple[int, int], ...] = ()

    def refuse(self, code: Code) -> Refusal | None:
        """Take the step of this code, and blame the first resource that does not pass it."""
        if code == "outside-hours":
            self._open = [self._opened(one) for one in self._resources]
            if [] in self._open:
                return Refusal(code, resource=self._open.index([]))
        elif code == "slot-occupied" and self._resources:
            given = assigned([self._free(number) for number in range(len(self._resources))])
            if len(given) < len(self._resources):
                return Refusal(code, self._hindrance(len(given)), resource=len(given))
            self.units = tuple([(unit.choice, unit.unit) for unit in given])
        return None

    def _opened(self, resource: Resource) -> list[int]:
        choices = enumerate(resource.choices)
        return [place for place, choice in choices if is_open(choice, self._rules, self._at, self._last)]

    def _free(self, number: int) -> list[Place]:
        resource = self._resources[number]
        return [
            Place(place, at, unit.host)
            for place in self._open[number]
            for at, unit in enumerate(resource.choices[place].units)
            if is_free(unit, own_shape(resource.choices[place], self._rules), self._at)
        ]

    def _hindrance(self, number: int) -> Hindrance:
        for place in self._open[number]:
            choice = self._resources[number].choices[place]
            shape = own_shape(choice, self._rules)
            for unit in choice.units:
                if not is_free(unit, shape, self._at):
                    return reason(unit, shape, self._at)
        return "claimed"  # the other resources take whatever is free


def is_open(choice: ResourceCalendar, rules: Rules, at: int, last: int) -> bool:
    """Tell whether the hours hold the appointment, whether it begins at `at` or at `last`."""
    hours = hours_around(choice.schedule, at, last + rules.duration)
    return contains(fitting(hours, own_shape(choice, rules)), at, last + 1)


def assigned(free: Sequence[Sequence[Place]]) -> list[Place]:
    """Give each resource its first free unit, no unit twice; another one where a later resource has only that.

    Where not all can be served the answer ends before the first for whom nothing is left.
    """
    holders: dict[Hashable, int] = {}
    given: dict[int, Place] = {}

    def take(resource: int, asked: set[Hashable]) -> bool:
        for unit in free[resource]:
            if unit.host not in holders:
                holders[unit.host], given[resource] = resource, unit
                return True
        for unit in free[resource]:
            if unit.host not in asked:
                asked.add(unit.host)
                if take(holders[unit.host], asked):
                    holders[unit.host], given[resource] = resource, unit
                    return True
        return False

    for resource in range(len(free)):
        if not take(resource, set()):
            break
    return [given[resource] for resource in sorted(given)]
