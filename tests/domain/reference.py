"""The slot rules once more, minute by minute with datetime and zoneinfo: slow, plain, and shared with nothing.

Written from section 3 of the design. Takes the engine's values (rules, calendars) and none of its functions. What it
simulates is bounded: every minute of a few days around the window is judged on its own.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from whenever import Instant

from kalends.domain.exceptions import AvailabilityException
from kalends.domain.listing import Seats
from kalends.domain.rules import Ask, Caps, HostCalendar, Resource, ResourceCalendar, Rules
from kalends.domain.rules import Unit as UnitCalendar
from kalends.domain.spans import Span
from kalends.domain.week import Week

ORDER = ("too-soon", "too-far", "outside-hours", "not-a-slot", "slot-occupied", "cap-reached", "bookable")
Unit = tuple[int, int]  # the places of a resource's choice and of the unit there


@lru_cache(maxsize=1 << 15)
def wall(zone: str, minute: int) -> datetime:
    """The clock on the wall, without its zone (the marker of a fold is dropped too)."""
    return datetime.fromtimestamp(minute * 60, ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@lru_cache(maxsize=8)
def walls(zone: str, first: int, end: int) -> dict[int, datetime]:
    """What the clock shows in each minute."""
    return {t: wall(zone, t) for t in range(first, end)}


@lru_cache(maxsize=16)
def weekly(zone: str, week: Week, first: int, end: int) -> dict[tuple[date, int], set[int]]:
    """The minutes of each weekly interval on its date."""
    clocks: dict[date, dict[int, int]] = {}
    for t, local in walls(zone, first, end).items():
        clocks.setdefault(local.date(), {})[t] = local.hour * 60 + local.minute
    found: dict[tuple[date, int], set[int]] = {}
    for day in {*clocks, *(day - timedelta(days=1) for day in clocks)}:
        for number, interval in enumerate(week[day.weekday()]):
            today = {t for t, minute in clocks.get(day, {}).items() if interval.start <= minute < interval.end}
            late = clocks.get(day + timedelta(days=1), {}).items() if interval.end > 1440 else ()
            minutes = today | {t for t, minute in late if minute + 1440 < interval.end}
            if minutes:
                found[day, number] = minutes
    return found


@dataclass
class HostReference:
    """One host, every minute from `first` to before `end` judged on its own."""

    rules: Rules
    calendar: HostCalendar
    first: int
    end: int

    @property
    def walls(self) -> dict[int, datetime]:
        return walls(self.calendar.schedule.zone, self.first, self.end)

    @property
    def weekly(self) -> dict[tuple[date, int], set[int]]:
        return weekly(self.calendar.schedule.zone, self.calendar.schedule.week, self.first, self.end)

    def minutes_of(self, exception: AvailabilityException) -> set[int]:
        """The minutes an exception opens or blocks."""
        after_start = self.side(exception.start, is_end=False)
        after_end = self.side(exception.end, is_end=True)
        if exception.available:  # a minute is open when all its seconds are
            return {t for t in self.walls if after_start(t, 0) and not after_end(t, 59)}
        touched = {t for t in self.walls if after_start(t, 59) and not after_end(t, 0)}
        return set(range(min(touched), max(touched) + 1)) if touched else set()

    def side(self, text: str, *, is_end: bool) -> Callable[[int, int], bool]:
        """Tell of a second of a minute whether it lies at or after one end of an exception."""
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            instant = moment.timestamp()
            return lambda t, second: t * 60 + second >= instant
        if len(text) == 10 and is_end:
            moment += timedelta(days=1)
        clocks, sooner = self.walls, {second: moment - timedelta(seconds=second) for second in (0, 59)}
        return lambda t, second: clocks[t] >= sooner[second]

    @cached_property
    def exceptions(self) -> list[tuple[AvailabilityException, set[int]]]:
        return [(one, self.minutes_of(one)) for one in self.calendar.schedule.exceptions]

    @cached_property
    def open(self) -> set[int]:
        found: set[int] = set().union(*self.weekly.values())
        for level in ("company", "own"):
            for available in (False, True):
                for one, minutes in self.exceptions:
                    if (one.level, one.available) == (level, available):
                        found = found | minutes if available else found - minutes
        return found

    @cached_property
    def written(self) -> list[set[int]]:
        openings = [minutes for one, minutes in self.exceptions if one.available and minutes]
        return [*self.weekly.values(), *openings]

    @cached_property
    def rungs(self) -> set[int]:
        return rungs(self.written, self.rules.interval)

    def within_hours(self, start: int) -> bool:
        rules = self.rules
        before, after = (rules.buffer_before, rules.buffer_after) if rules.buffers_within_hours else (0, 0)
        return self.open.issuperset(range(start - before, start + rules.duration + after))

    def occupied(self, start: int) -> bool:
        return meets([*self.calendar.claims, *self.calendar.events], self.rules, start)

    def capped(self, start: int) -> bool:
        return capped(self.calendar.caps, self.calendar.zone, self.calendar.booked, start)

    def closed(self, start: int) -> bool:
        return any(start in range(*span) for span in self.calendar.closed)


def meets(busy: Iterable[Span], rules: Rules, start: int) -> bool:
    """Tell whether a busy span meets the appointment or its buffers."""
    first = start - rules.buffer_before
    end = start + rules.duration + rules.buffer_after
    return any(max(first, begin) < min(end, until) for begin, until in busy)


def capped(caps: Caps, zone: str, booked: Iterable[int], start: int) -> bool:
    """Tell whether a period the start falls into has all its appointments."""
    here = wall(zone, start).date()
    days = [wall(zone, t).date() for t in booked]
    for most, period in (
        (caps.per_day, lambda day: day),
        (caps.per_week, lambda day: day.isocalendar()[:2]),
        (caps.per_month, lambda day: (day.year, day.month)),
    ):
        if most is not None and sum(period(day) == period(here) for day in days) >= most:
            return True
    return False


def rungs(written: Iterable[set[int]], interval: int) -> set[int]:
    """All starts on the ladders of some intervals: every so many minutes from the first instant on."""
    return {t for minutes in written for t in range(min(minutes), max(minutes) + 1, interval)}


@dataclass(frozen=True)
class Expected:
    """The code of a start (`bookable`, `joinable`, or the rule that refuses it), who takes it, and what is free."""

    code: str
    hosts: tuple[int, ...] = ()
    teams: tuple[int, ...] = ()


@dataclass
class Reference:
    """The whole question: rules, hosts, who is asked for, and the clock."""

    rules: Rules
    hosts: list[HostCalendar]
    ask: Ask
    now: Instant
    first: int
    end: int
    resources: list[Resource] = field(default_factory=list)

    @cached_property
    def single(self) -> list[HostReference]:
        return [HostReference(self.rules, host, self.first, self.end) for host in self.hosts]

    @cached_property
    def teams(self) -> list[tuple[int, ...]]:
        """The hosts who come together: as the queue says, all of them, or each alone."""
        if self.ask.teams:
            return list(self.ask.teams)
        if self.ask.required is None and self.ask.mode == "everyone":
            return [tuple(range(len(self.hosts)))]
        return [(place,) for place in range(len(self.hosts))]

    @cached_property
    def needed(self) -> int:
        return 1 if self.ask.teams else self.ask.required or 1

    @cached_property
    def team_rungs(self) -> list[set[int]]:
        """The starts on the ladders of each team's intersected intervals; of N of M, on any ladder."""
        if self.ask.required is not None and not self.ask.teams:
            return [set().union(*(one.rungs for one in self.single))] * len(self.teams)
        return [self.joint(team) for team in self.teams]

    def joint(self, team: tuple[int, ...]) -> set[int]:
        common = self.single[team[0]].written
        for place in team[1:]:
            common = [both for one in common for other in self.single[place].written if (both := one & other)]
        return rungs(common, self.rules.interval)

    def broken(self, team: int, start: int) -> str:
        """The first rule a team breaks at a start."""
        hosts = [self.single[place] for place in self.teams[team]]
        if not all(host.within_hours(start) for host in hosts):
            return "outside-hours"
        if start not in self.team_rungs[team]:
            return "not-a-slot"
        if any(host.occupied(start) for host in hosts):
            return "slot-occupied"
        if any(host.capped(start) or host.closed(start) for host in hosts):
            return "cap-reached"
        return "bookable"

    def candidate(self, start: int) -> bool:
        """Tell whether hours and ladders permit the start to enough teams."""
        codes = [self.broken(team, start) for team in range(len(self.teams))]
        return sum(code not in ("outside-hours", "not-a-slot") for code in codes) >= self.needed

    @cached_property
    def choices(self) -> list[list[HostReference]]:
        """The hours of each resource's choices, with its own buffers."""
        return [[self.choice(one) for one in resource.choices] for resource in self.resources]

    def choice(self, one: ResourceCalendar) -> HostReference:
        own = replace(self.rules, buffer_before=one.before, buffer_after=one.after, buffers_within_hours=False)
        return HostReference(own, HostCalendar("none", one.schedule, one.schedule.zone), self.first, self.end)

    def free_units(self, start: int) -> list[dict[Unit, UnitCalendar]]:
        """The units of each resource that can be had by themselves."""
        return [
            {
                (place, number): unit
                for place, (choice, hours) in enumerate(zip(resource.choices, own, strict=True))
                if hours.within_hours(start)
                for number, unit in enumerate(choice.units)
                if not meets([*unit.claims, *unit.events], hours.rules, start)
            }
            for resource, own in zip(self.resources, self.choices, strict=True)
        ]

    def missing(self, start: int) -> str:
        """The first rule that leaves a resource without a unit."""
        if not all(any(hours.within_hours(start) for hours in own) for own in self.choices):
            return "outside-hours"
        for units in product(*(one.values() for one in self.free_units(start))):
            if len({unit.host for unit in units}) == len(units):
                return "bookable"
        return "slot-occupied"

    def in_time(self, start: int, grace_minutes: int) -> str | None:
        now = datetime.fromtimestamp(self.now.timestamp(), UTC)
        at = datetime.fromtimestamp(start * 60, UTC)
        rules, window = self.rules, self.rules.window
        if at < now or at < now + timedelta(minutes=rules.notice - grace_minutes):
            return "too-soon"
        if window.mode == "limit":
            furthest = now + timedelta(minutes=window.limit_minutes)
            if window.count == "rolling":
                return "too-far" if at > furthest else None
            day = wall(rules.zone, int(furthest.timestamp()) // 60).date()
            return "too-far" if self.day_is_over(day, start) else None
        if window.mode == "range":
            if window.range_min is not None and not self.reached(window.range_min, start, is_end=False):
                return "too-soon"
            if window.range_max is not None and self.reached(window.range_max, start, is_end=True):
                return "too-far"
        return None

    def reached(self, text: str, start: int, *, is_end: bool) -> bool:
        if len(text) > 10:
            return start * 60 >= datetime.fromisoformat(text).timestamp()
        day = date.fromisoformat(text)
        return self.day_is_over(day, start) if is_end else self.day_has_begun(day, start)

    # A clock set back over midnight leaves a day and comes to it again: it lasts from the first time to the last.

    def day_has_begun(self, day: date, start: int) -> bool:
        return any(wall(self.rules.zone, t).date() >= day for t in range(start, start - 120, -1))

    def day_is_over(self, day: date, start: int) -> bool:
        return all(wall(self.rules.zone, t).date() > day for t in range(start, start + 120))

    def verdict(self, start: int, grace_minutes: int = 0) -> Expected:
        """What becomes of a start. Of n teams needed, the one who got n-th furthest decides."""
        if early_or_late := self.in_time(start, grace_minutes):
            return Expected(early_or_late)
        if start in self.rules.sessions:
            return Expected("joinable")
        codes = [self.broken(team, start) for team in range(len(self.teams))]
        code = sorted(codes, key=ORDER.index, reverse=True)[self.needed - 1]
        code = min(code, self.missing(start), key=ORDER.index)
        if code == "bookable" and capped(self.rules.caps, self.rules.zone, self.rules.booked, start):
            code = "cap-reached"
        if code != "bookable":
            return Expected(code)
        free = [team for team, one in enumerate(codes) if one == "bookable"]
        hosts = [place for team in free[: self.needed] for place in self.teams[team]]
        return Expected(code, tuple(hosts), tuple(free) if self.ask.teams else ())


# --- how it is written


def dates(
    starts: Iterable[int], zone: str | None, appointments: Mapping[int, Seats], blocked: Mapping[int, bytes]
) -> bytes:
    """The `dates` array of contract 2.4, one plain object after the other."""
    listed = set(starts)
    days: dict[str, list[dict[str, Any]]] = {}
    for start in sorted({*listed, *blocked}):
        local = datetime.fromtimestamp(start * 60, ZoneInfo(zone or "UTC"))
        text = local.isoformat(timespec="milliseconds")
        spot: dict[str, Any] = {"startTime": text if zone else text.replace("+00:00", "Z")}
        spot["unavailabilityEvents"] = [] if start in listed else json.loads(blocked[start])
        if start in listed and start in appointments:
            seats = appointments[start]
            spot["appointment"] = {"id": seats.id, "totalSpots": seats.total, "takenSpots": seats.taken}
        days.setdefault(text[:10], []).append(spot)
    return plain_json([{"date": day, "spots": days[day]} for day in sorted(days)])


def timeframes(starts: Iterable[int], duration: int) -> bytes:
    """The `timeframes` array: the appointments of all starts, joined where the next start is not after their end."""
    found: list[list[int]] = []
    for start in sorted(starts):
        if not found or start > found[-1][1]:
            found.append([start, 0])
        found[-1][1] = start + duration
    return plain_json([{"start": utc(start), "end": utc(end)} for start, end in found])


def utc(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
