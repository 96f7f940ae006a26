"""The zones iCalendar text speaks of: names of the time zone database, Windows' names, lists of cities, VTIMEZONEs.

Wall times are counted in seconds from 1970-01-01T00:00 on the wall, instants in seconds from 1970-01-01T00:00Z.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Protocol, TypeAlias

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON
from whenever import Instant, available_timezones

from . import ical_rules
from .ical_lines import Component, values

# Nothing is looked up outside; a year away from what whenever can hold.
FIRST = Instant.from_utc(2, 1, 1).timestamp()
LAST = Instant.from_utc(9998, 12, 31).timestamp()

_DAY_S = 86400
_MOST_CHANGES = 2_000  # of one part of a VTIMEZONE; two a year are 300 since 1876
_LATER_S = 2 * 366 * _DAY_S  # how far changes are looked up beyond the window
_BEGIN = -100 * 366 * _DAY_S  # nobody's appointments lie before

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2}):?(\d{2})?")
_PREFIX = re.compile(r"\(\s*(?:UTC|GMT)\s*(?:([+-])(\d{1,2}):?(\d{2}))?\s*\)\s*")
_FIXED = re.compile(r"(?:UTC|GMT|Z)?\s*([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)
_DATE_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z)?)?")

# What Windows shows people of zones that have no city of the time zone database in their names, or one that lies
# elsewhere too. Those with cities are found by them.
_SHOWN = {
    "international date line west": "Dateline Standard Time",
    "aleutian islands": "Aleutian Standard Time",
    "hawaii": "Hawaiian Standard Time",
    "marquesas islands": "Marquesas Standard Time",
    "alaska": "Alaskan Standard Time",
    "baja california": "Pacific Standard Time (Mexico)",
    "pacific time (us & canada)": "Pacific Standard Time",
    "arizona": "US Mountain Standard Time",
    "la paz, mazatlan": "Mountain Standard Time (Mexico)",
    "mountain time (us & canada)": "Mountain Standard Time",
    "yukon": "Yukon Standard Time",
    "central america": "Central America Standard Time",
    "central time (us & canada)": "Central Standard Time",
    "easter island": "Easter Island Standard Time",
    "saskatchewan": "Canada Central Standard Time",
    "chetumal": "Eastern Standard Time (Mexico)",
    "eastern time (us & canada)": "Eastern Standard Time",
    "haiti": "Haiti Standard Time",
    "indiana (east)": "US Eastern Standard Time",
    "turks and caicos": "Turks And Caicos Standard Time",
    "atlantic time (canada)": "Atlantic Standard Time",
    "georgetown, la paz, manaus, san juan": "SA Western Standard Time",
    "newfoundland": "Newfoundland Standard Time",
    "brasilia": "E. South America Standard Time",
    "city of buenos aires": "Argentina Standard Time",
    "greenland": "Greenland Standard Time",
    "saint pierre and miquelon": "Saint Pierre Standard Time",
    "salvador": "Bahia Standard Time",
    "mid-atlantic": "UTC-02",
    "mid-atlantic - old": "UTC-02",
    "cabo verde is.": "Cape Verde Standard Time",
    "cape verde is.": "Cape Verde Standard Time",
    "coordinated universal time": "UTC",
    "tzone://microsoft/utc": "UTC",
    "co-ordinated universal time": "UTC",
    "west central africa": "W. Central Africa Standard Time",
    "gaza, hebron": "West Bank Standard Time",
    "harare, pretoria": "South Africa Standard Time",
    "moscow, st. petersburg": "Russian Standard Time",
    "abu dhabi, muscat": "Arabian Standard Time",
    "izhevsk, samara": "Russia Time Zone 3",
    "port louis": "Mauritius Standard Time",
    "ekaterinburg": "Ekaterinburg Standard Time",
    "islamabad, karachi": "Pakistan Standard Time",
    "chennai, kolkata, mumbai, new delhi": "India Standard Time",
    "sri jayawardenepura": "Sri Lanka Standard Time",
    "astana": "Central Asia Standard Time",
    "yangon (rangoon)": "Myanmar Standard Time",
    "beijing, chongqing, hong kong, urumqi": "China Standard Time",
    "beijing, chongqing, hong kong sar, urumqi": "China Standard Time",
    "osaka, sapporo, tokyo": "Tokyo Standard Time",
    "guam, port moresby": "West Pacific Standard Time",
    "lord howe island": "Lord Howe Standard Time",
    "bougainville island": "Bougainville Standard Time",
    "chokurdakh": "Russia Time Zone 10",
    "solomon is., new caledonia": "Central Pacific Standard Time",
    "anadyr, petropavlovsk-kamchatsky": "Russia Time Zone 11",
    "auckland, wellington": "New Zealand Standard Time",
    "chatham islands": "Chatham Islands Standard Time",
    "nuku'alofa": "Tonga Standard Time",
    "samoa": "Samoa Standard Time",
    "kiritimati island": "Line Islands Standard Time",
}


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
            self._described.setdefault(_key(component.value("TZID")), component)
        self._until = until
        self._found: dict[str, Zone | None] = {}

    def find(self, name: str) -> Zone | None:
        """Find the zone meant by a TZID; None: nobody knows."""
        key = _key(name)
        if key not in self._found:
            self._found[key] = self._look_up(key)
        return self._found[key]

    def _look_up(self, key: str) -> Zone | None:
        component = self._described.get(key)
        known = _database_name(key)
        if known is None and component is not None:
            known = _database_name(_key(component.value("X-LIC-LOCATION")))
        if known is not None:
            return NamedZone(known)
        written = None if component is None else _written(component, self._until)
        return written or named(key)


def named(name: str) -> Zone | None:
    """Find a zone by what it is called alone: in the time zone database, by Windows, or by Exchange to people."""
    key = _key(name)
    known = _database_name(key) or _shown_name(key)
    if known is not None:
        return NamedZone(known)
    found = _FIXED.fullmatch(key)
    if found is not None:
        return FixedZone(_seconds(found[1], found[2], found[3] or "0"))
    found = _PREFIX.match(key)
    return FixedZone(_seconds(found[1], found[2], found[3])) if found is not None and found[1] else None


def zone_name(name: str) -> str | None:
    """Find the time zone database's name for what a text calls a zone; None: there is none."""
    zone = named(name)
    return zone.name if isinstance(zone, NamedZone) else None


def _key(name: str) -> str:
    return " ".join(name.replace("\\,", ",").replace('"', "").split())


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    """Know all names, however they are spelled; "Factory" is a machine's whose zone nobody has set."""
    return {name.casefold(): name for name in sorted(available_timezones()) if name not in ("Factory", "localtime")}


@lru_cache(maxsize=1)
def _windows() -> Mapping[str, str]:
    return {windows.casefold(): name for windows, name in WINDOWS_TO_OLSON.items()}


@lru_cache(maxsize=1)
def _cities() -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name in _names().values():
        found.setdefault(name.rpartition("/")[2].replace("_", " ").casefold(), []).append(name)
    return found


def _database_name(key: str) -> str | None:
    """Look a name up as it is, without what programs write before it (`/mozilla.org/20070129_1/Europe/Berlin`)."""
    folded = key.casefold()
    windows = _windows().get(folded)
    if windows is not None:
        return windows
    parts = folded.strip("/").split("/")
    for start in range(len(parts)):
        # Only a prefix may be dropped that is one: "Somewhere/GMT" is no zone.
        if (start == 0 or key.startswith("/")) and (name := _names().get("/".join(parts[start:]))):
            return name
    return None


@lru_cache(maxsize=256)
def _shown_name(key: str) -> str | None:
    """Look up what Windows shows: an offset in parentheses, if any, and cities or a region."""
    found = _PREFIX.match(key)
    text = (key[found.end() :] if found else key).casefold()
    if text in _SHOWN:
        return _windows()[_SHOWN[text].casefold()]
    offset = _seconds(found[1], found[2], found[3]) if found and found[1] else None
    for city in re.split(r"\s*[,;]\s*", text):
        for name in _cities().get(city, ()):
            if offset is None or offset in _offsets(name):
                return name
    return None


def _offsets(name: str) -> set[int]:
    """Know a zone's offset in winter: Windows shows the standard one all year."""
    zone = NamedZone(name)
    at = [Instant.from_utc(2026, month, 1).timestamp() for month in (1, 7)]
    return {min(zone.wall(one) - one for one in at)}


def _seconds(sign: str, hours: str, minutes: str, seconds: str | None = None) -> int:
    offset = int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)
    return -offset if sign == "-" else offset


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
    return _seconds(found[1], found[2], found[3], found[4]) if found else None


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
            walls = ical_rules.starts(parsed, first, low=max(first, _BEGIN), high=until + _LATER_S, until=end)
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
