"""An event with all it recurs to, and what differs from it, put into a window (RFC 5545 3.8.4.4, 3.8.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter

from whenever import Instant

from . import ical_recurrence
from .ical_events import Part
from .ical_recurrence import DAY_S, TooMany
from .ical_rules import Rule
from .ical_times import Length, Stamp
from .ical_zones import FIRST, LAST, UTC, Zone, wall_time
from .remote_events import Answer, Occurrence, Window

MOST_TIMES = 10_000  # of one event; every hour for 400 days
_CLOCKS_S = 2 * DAY_S  # more than any zone's clocks are ever moved


def place(parts: Sequence[Part], spans: Spans) -> None:
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


class Spans:
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

    def place(self, spans: Spans) -> None:
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

    def _put(self, spans: Spans, wall: int, at: int, length: Length | None) -> None:
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
        for wall in ical_recurrence.starts(rule, self._part.start.wall, low=low, high=high, until=until):
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
