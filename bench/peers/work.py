"""What every side of the comparison is asked: a slot list of one meeting type, from busy spans in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
OPENS, CLOSES = time(9), time(17)
DURATION = INTERVAL = 30
NOTICE = 60


@dataclass(frozen=True)
class Work:
    """A list to make of all starts in so many whole local days.

    Attributes:
        first: the first of the days.
        days: their number.
        busy: of each host, sorted busy spans in epoch minutes.
        everyone: whether all hosts have to be free, or any one.
    """

    first: date
    days: int
    busy: list[list[tuple[int, int]]]
    everyone: bool = False

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Give the first and the last midnight."""
        return self._at(0, time()), self._at(self.days, time())

    def hours(self) -> list[tuple[datetime, datetime]]:
        """Give the opening hours of each day, in local time."""
        working = [day for day in range(self.days) if (self.first + timedelta(days=day)).weekday() < len(WEEKDAYS)]
        return [(self._at(day, OPENS), self._at(day, CLOSES)) for day in working]

    def _at(self, day: int, clock: time) -> datetime:
        return datetime.combine(self.first + timedelta(days=day), clock, ZONE)


def written(starts: Sequence[datetime]) -> bytes:
    """Write sorted local starts as our engine writes the days of its answer."""
    days = [
        {
            "date": day,
            "spots": [
                {"startTime": start.isoformat(timespec="milliseconds"), "unavailabilityEvents": []} for start in on_it
            ],
        }
        for day, on_it in groupby(starts, lambda start: start.date().isoformat())
    ]
    return json.dumps(days, separators=(",", ":")).encode()
