"""Taken units: which unit of which room or thing an appointment has, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from . import overlaps
from .slot_queries import Loaded, LoadedResource


@dataclass(frozen=True, slots=True)
class TakenUnit:
    """One unit of a resource and the time it is taken for, its own buffers included."""

    host_no: int
    channel_id: UUID
    resource_id: UUID
    name: str
    start: Instant
    end: Instant

    def json(self) -> dict[str, Any]:
        """Write it down as reservations and appointments keep it; which unit it is stands in the claim."""
        return {"channelId": str(self.channel_id), "resourceId": str(self.resource_id), "name": self.name}


def taken(resource: LoadedResource, choice: int, unit: int, start: Instant, duration: int) -> TakenUnit:
    """Take a unit of one of a resource's choices (their places) for an appointment of so many minutes."""
    one = resource.choices[choice]
    first, last = start.subtract(minutes=one.before), start.add(minutes=duration + one.after)
    return TakenUnit(one.units[unit], one.channel_id, one.resource_id, one.name, first, last)


def first_free(loaded: Loaded, start: Instant) -> list[tuple[int, int]]:
    """Find for each resource the first unit with nothing on it, whatever its hours; the first one where all have.

    Answers the places of choice and unit.
    """
    found: list[tuple[int, int]] = []
    given: set[int] = set()
    for one in loaded.resources:
        units = [
            (choice, unit)
            for choice, calendar in enumerate(one.choices)
            for unit, host_no in enumerate(calendar.units)
            if host_no not in given
        ]
        free = (pair for pair in units if _is_free(loaded, one, *pair, start))
        found.append(next(free, units[0] if units else (0, 0)))
        choice, unit = found[-1]
        given.add(one.choices[choice].units[unit])
    return found


def _is_free(loaded: Loaded, resource: LoadedResource, choice: int, unit: int, start: Instant) -> bool:
    wanted = taken(resource, choice, unit, start, loaded.rules.duration)
    return not overlaps.meets(resource.calendar.choices[choice].units[unit], wanted.start, wanted.end)
