"""Dates, times and lengths of iCalendar, with what they are read in (RFC 5545 3.3.4-3.3.9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .ical_lines import Line, values
from .ical_recurrence import DAY_S
from .ical_zones import UTC, Zone, Zones, wall_time

_DURATION = re.compile(r"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,8})S)?)?")


class Unreadable(ValueError):
    """What an event says of its times cannot be read; `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Stamp:
    """A DATE or DATE-TIME with what it is read in.

    Attributes:
        wall: of a date its midnight.
        is_utc: it was written in UTC, so what it says is no wall time of anybody's.
    """

    wall: int
    zone: Zone
    all_day: bool = False
    is_utc: bool = False

    @property
    def at(self) -> int:
        """Its instant."""
        return self.zone.instant(self.wall)

    def day_in(self, zone: Zone) -> int:
        """Find the date that is meant where a date should stand, in days.

        Exchange writes the midnight it means in UTC, others write the date and a time of no meaning.
        """
        if self.is_utc and (wall := zone.wall(self.at)) % DAY_S == 0:
            return wall // DAY_S
        return self.wall // DAY_S


@dataclass(frozen=True, slots=True)
class Length:
    """How long an event takes: `days` on the wall and then `seconds`; or as DTEND says it, until `end`.

    Attributes:
        elapsed: of an event with DTEND, in seconds.
        on_wall: the same by the clock on the wall, where start and end are read in one zone.
    """

    days: int = 0
    seconds: int = 0
    elapsed: int | None = None
    on_wall: int | None = None

    @property
    def longest(self) -> int:
        """A bound in seconds, clock changes left out."""
        return max(self.days * DAY_S + self.seconds, self.elapsed or 0, self.on_wall or 0)

    def end(self, wall: int, zone: Zone) -> int:
        """Find the instant at which an event ends that begins at a wall time."""
        ends = []
        if self.elapsed is None and self.on_wall is None:
            ends.append(zone.instant(wall + self.days * DAY_S) + self.seconds)
        # RFC 5545 3.8.5.3 has all recurrences take the same time, most programs end them at the same hour: they differ
        # in the night the clocks are changed. Busy is what either shows.
        if self.elapsed is not None:
            ends.append(zone.instant(wall) + self.elapsed)
        if self.on_wall is not None:
            ends.append(zone.instant(wall + self.on_wall))
        return max(ends)


@dataclass(frozen=True, slots=True)
class Times:
    """The zones stamps are read in.

    Attributes:
        zones: those the text speaks of.
        own: the calendar's: of dates, and of times without a zone.
    """

    zones: Zones
    own: Zone

    def stamp(self, text: str, line: Line, floating: Zone | None = None) -> Stamp:
        """Read one date of a line.

        Raises:
            Unreadable: it is none; or it is in a zone nobody knows.
        """
        text = text.strip().upper()
        if wall_time(text) is None:
            text = text.rpartition(":")[2]  # a TZID with a colon in it and no quotes
        wall = wall_time(text)
        if wall is None:
            raise Unreadable("time")
        if "T" not in text or line.parameters.get("VALUE", "").upper() == "DATE":
            return Stamp(wall // DAY_S * DAY_S, self.own, all_day=True)
        if text.endswith("Z"):
            return Stamp(wall, UTC, is_utc=True)
        tzid = line.parameters.get("TZID")
        if not tzid:
            return Stamp(wall, floating or self.own)
        if ":" in line.value:
            tzid = f"{tzid}:{line.value.rpartition(':')[0]}"
        zone = self.zones.find(tzid)
        if zone is None:
            raise Unreadable("zone")
        return Stamp(wall, zone)


def read(text: str, line: Line, times: Times, floating: Zone | None, flaws: list[str]) -> Stamp:
    """Read a date; in a zone nobody knows it is taken for the calendar's, and noted."""
    try:
        return times.stamp(text, line, floating)
    except Unreadable as error:
        if error.reason != "zone":
            raise
        flaws.append(error.reason)
        value = text.rpartition(":")[2]
        return times.stamp(value, line._replace(parameters={}, value=value), floating)


def until(start: Stamp, end: Stamp) -> Length | None:
    """Say how long it is to an end; None: it is no end, or of an all-day event the same day (some mean one day)."""
    if start.all_day and end.all_day:
        return Length(on_wall=end.wall - start.wall) if end.wall > start.wall else None
    elapsed = end.at - start.at
    same = end.zone == start.zone and end.wall > start.wall
    return Length(elapsed=elapsed, on_wall=end.wall - start.wall if same else None) if elapsed > 0 else None


def duration(text: str) -> Length | None:
    """Read a DURATION; backwards ones are none."""
    found = _DURATION.fullmatch(text.strip().upper())
    if found is None or not any(found.groups()[1:]):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    if found[1] == "-":
        return Length()
    return Length(days=7 * weeks + days, seconds=3600 * hours + 60 * minutes + seconds)


def periods(line: Line, times: Times, floating: Zone | None, flaws: list[str]) -> Iterator[tuple[Stamp, Length | None]]:
    """Yield what can be read of a line's dates and periods (RFC 5545 3.3.9); None: a date alone."""
    for text in values(line):
        begin, _, rest = text.partition("/")
        try:
            stamp, length = read(begin, line, times, floating, flaws), None
            if rest:
                length = duration(rest) or until(stamp, read(rest, line, times, floating, flaws))
            yield stamp, length
        except Unreadable as error:
            flaws.append(error.reason)
