"""A schedule: weekly hours and exceptions in a zone."""

from __future__ import annotations

from dataclasses import dataclass, field

from .exceptions import AvailabilityException
from .week import DAYS, Week


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a host can be met: weekly hours and exceptions, read in an IANA zone.

    Equal schedules share what the engine has worked out for them; the hash is taken once, for that look-up.
    """

    zone: str
    week: Week
    exceptions: tuple[AvailabilityException, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != len(DAYS):
            raise ValueError("a week has seven days")
        object.__setattr__(self, "_hash", hash((self.zone, self.week, self.exceptions)))

    def __hash__(self) -> int:
        return self._hash

    def weight(self) -> int:
        """Say about how many bytes it takes."""
        return 1000 + 150 * sum(map(len, self.week)) + 400 * len(self.exceptions)
