"""iCalendar text -> the times that events take in a window (RFC 5545).

Whatever a text says, it is read within bounds; one event that is broken does not lose the others. What could not be
read of an event is said in `RemoteEvent.unreadable`:

    start      it does not say when it begins: it takes no time
    time       a time of it is none: that one is left out
    zone       a zone nobody knows: taken for the calendar's
    duration   how long it takes is none: taken for a day where it is all-day, else for no time
    rule       a recurrence rule that is none: left out; the event's own time stays
    too-many   more than 10,000 times, or a rule that takes too long to follow: none of them
    cut-short  the text ends too early
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from operator import attrgetter

from whenever import Instant

from . import ical_rules
from .ical_events import LINES, Length, Part, Stamp, Times, Unreadable, is_plain, periods, understand
from .ical_lines import Component, components
from .ical_rules import DAY_S, Rule, TooMany
from .ical_zones import FIRST, LAST, UTC, Zone, Zones, wall_time, zone_name
from .remote_events import Answer, Occurrence, RemoteEvent, Window

MOST_TIMES = 10_000  # of one event; every hour for 400 days
_CLOCKS_S = 2 * DAY_S  # more than any zone's clocks are ever moved
_WANTED = {
    "VCALENDAR": frozenset({"X-WR-TIMEZONE", "X-WR-CALNAME", "NAME"}),
    "VTIMEZONE": frozenset({"TZID", "X-LIC-LOCATION"}),
    "STANDARD": frozenset({"DTSTART", "RRULE", "RDATE", "TZOFFSETFROM", "TZOFFSETTO"}),
    "DAYLIGHT": frozenset({"DTSTART", "RRULE", "RDATE", "TZOFFSETFROM", "TZOFFSETTO"}),
    "VEVENT": LINES,
    "VFREEBUSY": frozenset({"UID", "FREEBUSY"}),
}
_HEAD = {"VCALENDAR": _WANTED["VCALENDAR"]}


@dataclass(frozen=True, slots=True)
class Head:
    """What a text says of itself.

    Attributes:
        is_calendar: it is iCalendar at all.
        is_whole: it ends as it should.
        zone: the time zone database's name; None: it says none.
    """

    is_calendar: bool
    is_whole: bool
    name: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a text.

    Attributes:
        own: e-mail addresses of the calendar's owner, in lower case.
        zone: what all-day events and times without a zone are read in; None: what the text says, else `otherwise`.
    """

    window: Window
    own: Collection[str]
    zone: str | None = None
    otherwise: str = "UTC"


def head(text: str) -> Head:
    """Read what a text says of itself."""
    found = [one for one in components(text, _HEAD) if one.kind == "VCALENDAR"]
    if not found:
        return Head(is_calendar=False, is_whole=False)
    first = found[0]
    name = first.first("X-WR-CALNAME") or first.first("NAME")
    return Head(
        is_calendar=True,
        is_whole=all(one.closed for one in found),
        name="".join(filter(str.isprintable, name.text)).strip()[:200] or None if name else None,
        zone=zone_name(first.value("X-WR-TIMEZONE")),
    )


def resource(remote_id: str, etag: str | None, text: str, asked: Asked) -> RemoteEvent:
    """Read a text as one event, whatever it holds."""
    calendars = components(text, _WANTED)
    events = [_event(group, asked) for group in _groups(calendars, asked)]
    found = _joined(remote_id, events) if len(events) != 1 else replace(events[0], remote_id=remote_id)
    whole = all(calendar.closed for calendar in calendars)
    return replace(found, etag=etag, unreadable=found.unreadable or (None if whole else "cut-short"))


def feed(text: str, asked: Asked) -> Iterator[RemoteEvent]:
    """Read a text as a calendar of many events, called by their UIDs; those without a time in the window are left out.

    Of a text that is cut short, what is there is read (`Head.is_whole`).
    """
    for group in _groups(components(text, _WANTED), asked):
        found = _event(group, asked)
        if found.occurrences or found.unreadable:
            yield found


@dataclass(frozen=True, slots=True)
class _Group:
    """What belongs to one UID, each with the zones of the calendar it stands in."""

    name: str
    uid: str | None
    sources: list[tuple[Component, Times]]


def _groups(calendars: Iterable[Component], asked: Asked) -> list[_Group]:
    """Gather what belongs together; an event without a UID, or with one nobody can keep, is called by a hash."""
    until = asked.window.end.timestamp()
    groups: dict[str, _Group] = {}
    for calendar in calendars:
        whole = calendar.parts if calendar.kind == "VCALENDAR" else [calendar]
        zones = Zones((part for part in whole if part.kind == "VTIMEZONE"), until=until)
        times = Times(zones, _calendar_zone(calendar, zones, asked))
        for part in whole:
            if part.kind in ("VEVENT", "VFREEBUSY"):
                uid = part.value("UID")
                name = uid if uid and is_plain(uid) else _hash(uid or _said(part))
                groups.setdefault(name, _Group(name, name if uid else None, [])).sources.append((part, times))
    return list(groups.values())


def _hash(text: str) -> str:
    return "sha256:" + sha256(text.encode("utf-8", "replace")).hexdigest()


def _said(part: Component) -> str:
    return "\n".join(sorted(str(line) for lines in part.lines.values() for line in lines))


def _calendar_zone(calendar: Component, zones: Zones, asked: Asked) -> Zone:
    for name in (asked.zone, calendar.value("X-WR-TIMEZONE"), asked.otherwise):
        zone = zones.find(name) if name else None
        if zone is not None:
            return zone
    return UTC


def _joined(remote_id: str, events: Sequence[RemoteEvent]) -> RemoteEvent:
    """Make one event of several UIDs that somebody put into one resource, or of none."""
    if not events:
        return RemoteEvent(remote_id, None)
    times = sorted({one for event in events for one in event.occurrences}, key=attrgetter("start", "end"))
    flaw = next((event.unreadable for event in events if event.unreadable), None)
    return replace(events[0], occurrences=tuple(times), unreadable=flaw)


def _event(group: _Group, asked: Asked) -> RemoteEvent:
    parts: list[Part] = []
    flaws: list[str] = []
    spans = _Spans(asked.window)
    try:
        for source, times in group.sources:
            if not source.closed:
                flaws.append("cut-short")
            if source.kind == "VFREEBUSY":
                _place_busy(source, times, spans, flaws)
                continue
            try:
                parts.append(understand(source, times, asked.own))
            except Unreadable as error:
                flaws.append(error.reason)
        flaws += [part.flaw for part in parts if part.flaw]
        _place(parts, spans)
    except TooMany:
        spans.found.clear()
        flaws.append("too-many")
    spoken = next((part for part in parts if part.recurrence is None), parts[0] if parts else None)
    return RemoteEvent(
        group.name,
        group.uid,
        occurrences=tuple(sorted(set(spans.found), key=attrgetter("start", "end"))),
        guests=spoken.guests if spoken else (),
        link=spoken.link if spoken else None,
        unreadable=flaws[0] if flaws else None,
    )


def _place(parts: Sequence[Part], spans: _Spans) -> None:
    """Put all that belongs to one UID into the window.

    Raises:
        TooMany: there is no end to it.
    """
    series = _newest(part for part in parts if part.recurrence is None)
    changed = [part for part in parts if part.recurrence is not None]
    for one in series:
        _Series(one, changed).place(spans)
    for part in _changed_once(changed, series):
        spans.add(part, part.start.wall, part.start.zone, part.length)


def _newest(parts: Iterable[Part]) -> list[Part]:
    """Choose what counts of several with one UID: the newest; all, where none is newer than another."""
    known = list(parts)
    highest = max((part.rank[0] for part in known), default=0)
    return [part for part in known if part.rank[0] == highest]


def _changed_once(changed: Sequence[Part], series: Sequence[Part]) -> list[Part]:
    """Choose, of what differs from its series, the newest for each recurrence; what is left out of all is no more."""
    newest: dict[tuple[int, bool], Part] = {}
    for part in changed:
        stamp = part.recurrence
        assert stamp is not None
        key = (stamp.wall, True) if stamp.all_day else (stamp.at, False)
        if key not in newest or part.rank >= newest[key].rank:
            newest[key] = part
    left_out = [_Chosen(one, one.without) for one in series]
    return [
        part
        for part in newest.values()
        if not left_out or not all(chosen.has_stamp(part.recurrence) for chosen in left_out if part.recurrence)
    ]


class _Spans:
    """The occurrences in a window."""

    def __init__(self, window: Window) -> None:
        self.start, self.end = window.start.timestamp(), window.end.timestamp()
        self.found: list[Occurrence] = []

    def add(self, part: Part, wall: int, zone: Zone, length: Length) -> None:
        """Add one that begins at a wall time, if it takes place."""
        if not part.cancelled:
            self.add_span(zone.instant(wall), length.end(wall, zone), part.transparent, part.answer)

    def add_span(self, start: int, end: int, transparent: bool = False, answer: Answer | None = None) -> None:
        """Add one between two instants, if it takes time.

        Raises:
            TooMany: there are too many already.
        """
        if start >= end or start >= self.end or end <= self.start:
            return
        if len(self.found) >= MOST_TIMES:
            raise TooMany
        first, last = Instant.from_timestamp(max(start, FIRST)), Instant.from_timestamp(min(end, LAST))
        self.found.append(Occurrence(first, last, transparent, answer))


class _Chosen:
    """Some recurrences of an event, named by stamps: its days where either side is a date, else its instants."""

    def __init__(self, part: Part, stamps: Iterable[Stamp]) -> None:
        self._part = part
        self._days: set[int] = set()
        self._instants: set[int] = set()
        for stamp in stamps:
            if part.start.all_day or stamp.all_day:
                self._days.add(stamp.day_in(part.start.zone))
            else:
                self._instants.add(stamp.at)

    def has(self, wall: int, at: int) -> bool:
        """Tell whether a recurrence is one of them; both its wall time and its instant are given."""
        return at in self._instants or wall // DAY_S in self._days

    def has_stamp(self, stamp: Stamp) -> bool:
        """Tell the same of what a stamp names."""
        if self._part.start.all_day or stamp.all_day:
            return stamp.day_in(self._part.start.zone) in self._days
        return self.has(self._part.start.zone.wall(stamp.at), stamp.at)


class _Series:
    """An event with its recurrences, and those that differ."""

    def __init__(self, part: Part, changed: Sequence[Part]) -> None:
        self._part = part
        self._zone = part.start.zone
        differing = [one.recurrence for one in changed if one.recurrence]
        self._left_out = _Chosen(part, (*part.without, *differing))
        onwards = [one for one in _by_rank(changed) if one.onwards and one.recurrence]
        self._onwards = sorted(onwards, key=lambda one: one.recurrence.at if one.recurrence else 0)

    def place(self, spans: _Spans) -> None:
        """Put all that stand in the window into it, those that differ by themselves excepted.

        Raises:
            TooMany: there is no end to them.
        """
        lengths = [self._part.length.longest, *(one.length.longest for one in self._onwards)]
        lengths += [length.longest for _, length in self._part.extra if length]
        moves = [0, *(self._move(one) for one in self._onwards)]
        low = self._zone.wall(spans.start) - max(lengths) - max(moves) - _CLOCKS_S
        high = self._zone.wall(spans.end) - min(moves) + _CLOCKS_S
        excluded = self._excluded(low, high)
        for number, (wall, length) in enumerate(self._walls(low, high)):
            if number >= 2 * MOST_TIMES:
                raise TooMany
            at = self._zone.instant(wall)
            if wall not in excluded and not self._left_out.has(wall, at):
                self._put(spans, wall, at, length)

    def _put(self, spans: _Spans, wall: int, at: int, length: Length | None) -> None:
        differs = [one for one in self._onwards if one.recurrence and one.recurrence.at <= at]
        if not differs:
            spans.add(self._part, wall, self._zone, length or self._part.length)
            return
        part = differs[-1]
        there = wall if part.start.zone == self._zone else part.start.zone.wall(at)
        spans.add(part, there + self._move(part), part.start.zone, part.length)

    def _move(self, part: Part) -> int:
        """Say by how much recurrences are moved with one that stands for all later ones, in seconds on the wall."""
        assert part.recurrence is not None
        from_there = part.recurrence.zone == part.start.zone
        return part.start.wall - (part.recurrence.wall if from_there else part.start.zone.wall(part.recurrence.at))

    def _walls(self, low: int, high: int) -> Iterator[tuple[int, Length | None]]:
        """Yield all wall times it recurs at between two, with its length where that is its own; each once."""
        start, seen = self._part.start.wall, set()
        for stamp, length in self._part.extra:
            wall = self._wall(stamp)
            if low <= wall < high and wall not in seen:
                seen.add(wall)
                yield wall, length
        ended = self._part.rules and all(self._is_over(rule) for rule in self._part.rules)
        if low <= start < high and start not in seen and not ended:
            seen.add(start)
            yield start, None
        for rule in self._part.rules:
            for wall in self._ruled(rule, low, high):
                if wall >= low and wall not in seen:
                    seen.add(wall)
                    yield wall, None

    def _wall(self, stamp: Stamp) -> int:
        """Find the wall time an RDATE stands for; a date of an event with a time has the event's."""
        start = self._part.start
        if start.all_day:
            return stamp.day_in(self._zone) * DAY_S
        if stamp.all_day:
            return stamp.wall + start.wall % DAY_S
        return self._zone.wall(stamp.at)

    def _excluded(self, low: int, high: int) -> set[int]:
        found = {
            wall
            for rule in self._part.without_rules
            for wall in islice(self._ruled(rule, low, high), 2 * MOST_TIMES + 1)
        }
        if len(found) > 2 * MOST_TIMES:
            raise TooMany
        return found

    def _ruled(self, rule: Rule, low: int, high: int) -> Iterator[int]:
        until, last = self._until(rule)
        for wall in ical_rules.starts(rule, self._part.start.wall, low=low, high=high, until=until):
            if last is None or self._zone.instant(wall) <= last:
                yield wall

    def _until(self, rule: Rule) -> tuple[int | None, int | None]:
        """Say where a rule ends: a wall time it may not pass, and an instant where it names one; both inclusive."""
        wall = wall_time(rule.until) if rule.until else None
        if wall is None or rule.until is None:
            return None, None
        if self._part.start.all_day:
            stamp = Stamp(wall, UTC, is_utc=True) if rule.until.endswith("Z") else Stamp(wall, self._zone)
            return stamp.day_in(self._zone) * DAY_S, None
        if rule.until.endswith("Z"):
            return self._zone.wall(wall) + _CLOCKS_S, wall
        return (wall, None) if "T" in rule.until else (wall + DAY_S - 1, None)

    def _is_over(self, rule: Rule) -> bool:
        """Tell whether a rule ends before the event begins: so are whole series deleted."""
        until, last = self._until(rule)
        start = self._part.start
        return (until is not None and start.wall > until) or (last is not None and start.at > last)


def _by_rank(parts: Iterable[Part]) -> list[Part]:
    return sorted(parts, key=attrgetter("rank"))


def _place_busy(source: Component, times: Times, spans: _Spans, flaws: list[str]) -> None:
    """Read published free/busy time (RFC 5545 3.6.4)."""
    for line in source.lines.get("FREEBUSY", ()):
        if line.parameters.get("FBTYPE", "BUSY").upper() != "FREE":
            for stamp, length in periods(line, times, None, flaws):
                if length is not None:
                    spans.add_span(stamp.at, length.end(stamp.wall, stamp.zone))
