"""Recurrences: the same local time again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from whenever import Instant

_DAYS = {"daily": 1, "weekly": 7}
_CLOCKS_HOURS = 26  # more than any zone's clocks are ever moved


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How often: `count` starts, the first one included.

    Attributes:
        interval: weeks or days between two of them, 1-52.
        count: 1-52.
        on_conflict: whether one start that cannot be booked lets all of them fail, or is left out.
    """

    frequency: Literal["weekly", "daily"]
    interval: int
    count: int
    on_conflict: Literal["fail", "skip"] = "fail"

    @property
    def step_days(self) -> int:
        """The days from one start to the next."""
        return self.interval * _DAYS[self.frequency]


class Start(NamedTuple):
    """One start of a recurrence; `exists` is False where clocks skip its local time, and it stands right after."""

    at: Instant
    exists: bool


def starts(first: Instant, recurrence: Recurrence, zone: str) -> list[Start]:
    """List the starts of a recurrence, the first one as it is.

    Each has the wall time of the first one in the zone; of a wall time that comes twice it is the first.
    """
    local = first.to_tz(zone).to_plain()
    found = [Start(first, exists=True)]
    for number in range(1, recurrence.count):
        wall = local.add(days=number * recurrence.step_days)
        start = wall.assume_tz(zone, disambiguation="compatible")
        found.append(Start(start.to_instant(), exists=start.to_plain() == wall))
    return found


def latest(first: Instant, recurrence: Recurrence) -> Instant:
    """Name an instant after the last start of a recurrence, whatever the zone."""
    return first.add(hours=24 * (recurrence.count - 1) * recurrence.step_days + _CLOCKS_HOURS)
