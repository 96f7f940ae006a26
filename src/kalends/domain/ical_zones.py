"""The zones iCalendar text speaks of: known ones by their names, others as the text describes them (VTIMEZONE).

Wall times are counted in seconds from 1970-01-01T00:00 on the wall, instants in seconds from 1970-01-01T00:00Z.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Protocol, TypeAlias

from whenever import Instant

from . import ical_recurrence, ical_rules
from .ical_lines import Component, values
from .ical_zone_names import database_name, fixed_offset, known_name, offset_of, tidy

# Nothing is looked up outside; a year away from what whenever can hold.
FIRST = Instant.from_utc(2, 1, 1).timestamp()
LAST = Instant.from_utc(9998, 12, 31).timestamp()

_DAY_S = 86400
_MOST_CHANGES = 2_000  # of one part of a VTIMEZONE; two a year are 300 since 1876
_LATER_S = 2 * 366 * _DAY_S  # how far changes are looked up beyond the window
_BEGIN = -100 * 366 * _DAY_S  # nobody's appointments lie before

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2}):?(\d{2})?")
_DATE_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z)?)?")


class Zone(Protocol):
    """Turns wall times into instants and back."""

    def instant(self, wall: int) -> int:
        """Find the instant of a wall time as RFC 5545 3.3.5 says.

        One that comes twice is the first; one that clocks skip is read with the offset from before.
        """
        ...

    def wall(self, at: int) -> int:
        """Read the clock at an instant."""
        ...


@dataclass(frozen=True, slots=True)
class FixedZone:
    """A zone whose clocks are never changed; the offset is in seconds east of UTC."""

    offset: int

    def instant(self, wall: int) -> int:
        """As `Zone.instant`."""
        return wall - self.offset

    def wall(self, at: int) -> int:
        """As `Zone.wall`."""
        return at + self.offset


@dataclass(frozen=True, slots=True)
class NamedZone:
    """A zone of the time zone database."""

    name: str

    def instant(self, wall: int) -> int:
        """As `Zone.instant`."""
        plain = Instant.from_timestamp(_clamped(wall)).to_fixed_offset().to_plain()
        return plain.assume_tz(self.name, disambiguation="compatible").timestamp()

    def wall(self, at: int) -> int:
        """As `Zone.wall`."""
        return at + int(Instant.from_timestamp(_clamped(at)).to_tz(self.name).offset.total("seconds"))


def _clamped(at: int) -> int:
    return min(max(at, FIRST), LAST)


Change: TypeAlias = tuple[int, int, int]  # the instant, and the offsets before and after


class WrittenZone:
    """A zone that the text itself describes (VTIMEZONE)."""

    def __init__(self, changes: Sequence[Change]) -> None:
        """Take the changes in order, at least one."""
        self._before = changes[0][1]
        self._after = [after for _, _, after in changes]
        self._instants = [at for at, _, _ in changes]
        # From this wall time on it is the new offset's for sure: past the gap, or past the hour that comes twice.
        self._walls = [at + max(before, after) for at, before, after in changes]

    def instant(self, wall: int) -> int:
        """As `Zone.instant`."""
        return wall - self._offset(bisect_right(self._walls, wall))

    def wall(self, at: int) -> int:
        """As `Zone.wall`."""
        return at + self._offset(bisect_right(self._instants, at))

    def _offset(self, changes: int) -> int:
        return self._after[changes - 1] if changes else self._before


UTC: Zone = FixedZone(0)


class Zones:
    """The zones one text speaks of; what it describes itself holds for this text alone."""

    def __init__(self, described: Iterable[Component], *, until: int) -> None:
        """Take the VTIMEZONEs of the text.

        Args:
            until: the last instant that will be asked for.
        """
        self._described: dict[str, Component] = {}
        for component in described:
            self._described.setdefault(tidy(component.value("TZID")), component)
        self._until = until
        self._found: dict[str, Zone | None] = {}

    def find(self, name: str) -> Zone | None:
        """Find the zone meant by a TZID; None: nobody knows."""
        key = tidy(name)
        if key not in self._found:
            self._found[key] = self._look_up(key)
        return self._found[key]

    def _look_up(self, key: str) -> Zone | None:
        component = self._described.get(key)
        known = database_name(key)
        if known is None and component is not None:
            known = database_name(component.value("X-LIC-LOCATION"))
        if known is not None:
            return NamedZone(known)
        written = None if component is None else _written(component, self._until)
        return written or _named(key)


def _named(name: str) -> Zone | None:
    """Find a zone by what it is called alone: in the time zone database, by Windows, or by Exchange to people."""
    known = known_name(name)
    if known is not None:
        return NamedZone(known)
    offset = fixed_offset(name)
    return None if offset is None else FixedZone(offset)


def _written(component: Component, until: int) -> WrittenZone | None:
    """Build the zone a VTIMEZONE describes; None: it does not."""
    onsets: dict[int, tuple[int, int]] = {}
    for part in component.parts:
        before, after = _offset(part.value("TZOFFSETFROM")), _offset(part.value("TZOFFSETTO"))
        if before is None or after is None:
            continue
        for wall in _onsets(part, before, until):
            onsets[wall - before] = (before, after)
    changes: list[Change] = []
    for at, (before, after) in sorted(onsets.items(), key=itemgetter(0)):
        changes.append((at, changes[-1][2] if changes else before, after))
    return WrittenZone(changes) if changes else None


def _offset(text: str) -> int | None:
    found = _OFFSET.fullmatch(text)
    return offset_of(found[1], found[2], found[3], found[4]) if found else None


def _onsets(part: Component, before: int, until: int) -> Iterator[int]:
    """Yield the wall times at which a part of a VTIMEZONE begins to hold; broken ones are left out."""
    line = part.first("DTSTART")
    first = wall_time(line.value) if line else None
    if first is None:
        return
    yield first
    for dates in part.lines.get("RDATE", ()):
        yield from (wall for text in values(dates)[:_MOST_CHANGES] if (wall := wall_time(text)) is not None)
    for rule in part.lines.get("RRULE", ()):
        try:
            parsed = ical_rules.parse(rule.value)
            end = wall_time(parsed.until) if parsed.until else None
            if end is not None and parsed.until is not None and parsed.until.endswith("Z"):
                end += before
            walls = ical_recurrence.starts(parsed, first, low=max(first, _BEGIN), high=until + _LATER_S, until=end)
            yield from islice(walls, _MOST_CHANGES)
        except ValueError:
            continue


def wall_time(text: str) -> int | None:
    """Read a DATE or DATE-TIME as written, whatever its zone; None: it is none."""
    found = _DATE_TIME.fullmatch(text.strip().upper())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if year == 0 or hour > 24 or minute > 59 or second > 60:
        return None
    try:
        midnight = Instant.from_utc(year, month, day).timestamp()
    except ValueError:
        return None
    if not FIRST <= midnight < LAST:
        return _clamped(midnight)  # many write the last day of all for "without end"
    # A leap second is the one before (RFC 5545 3.3.12); 24:00 is the next day's beginning.
    return midnight + hour * 3600 + minute * 60 + min(second, 59)
