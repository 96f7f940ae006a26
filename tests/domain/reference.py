"""The slot rules once more, minute by minute with datetime and zoneinfo: slow, plain, and shared with nothing.

Written from section 3 of the design. Takes the engine's values (rules, calendars) and none of its functions. What it
simulates is bounded: every minute of a few days around the window is judged on its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from whenever import Instant

from kalends.domain.exceptions import AvailabilityException
from kalends.domain.rules import Ask, Caps, HostCalendar, Rules

ORDER = ("too-soon", "too-far", "outside-hours", "not-a-slot", "slot-occupied", "cap-reached", "bookable")


@lru_cache(maxsize=1 << 17)
def wall(zone: str, minute: int) -> datetime:
    """The clock on the wall, without its zone (the marker of a fold is dropped too)."""
    return datetime.fromtimestamp(minute * 60, ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@dataclass
class HostReference:
    """One host, every minute from `first` to before `end` judged on its own."""

    rules: Rules
    calendar: HostCalendar
    first: int
    end: int

    @cached_property
    def walls(self) -> dict[int, datetime]:
        return {t: wall(self.calendar.schedule.zone, t) for t in range(self.first, self.end)}

    @cached_property
    def weekly(self) -> dict[tuple[date, int], set[int]]:
        """The minutes of each weekly interval on its date."""
        found: dict[tuple[date, int], set[int]] = {}
        for t, local in self.walls.items():
            for ahead in (0, 1):
                day = local.date() - timedelta(days=ahead)
                minute = local.hour * 60 + local.minute + 1440 * ahead
                for number, interval in enumerate(self.calendar.schedule.week[day.weekday()]):
                    if interval.start <= minute < interval.end:
                        found.setdefault((day, number), set()).add(t)
        return found

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
        return lambda t, second: self.walls[t] + timedelta(seconds=second) >= moment

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
        first = start - self.rules.buffer_before
        end = start + self.rules.duration + self.rules.buffer_after
        return any(
            max(first, begin) < min(end, until) for begin, until in [*self.calendar.claims, *self.calendar.events]
        )

    def capped(self, start: int) -> bool:
        return capped(self.calendar.caps, self.calendar.zone, self.calendar.booked, start)


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


@dataclass
class Reference:
    """The whole question: rules, hosts, who is asked for, and the clock."""

    rules: Rules
    hosts: list[HostCalendar]
    ask: Ask
    now: Instant
    first: int
    end: int

    @cached_property
    def single(self) -> list[HostReference]:
        return [HostReference(self.rules, host, self.first, self.end) for host in self.hosts]

    @cached_property
    def joint(self) -> set[int]:
        """The starts on the ladders of the hosts' intersected intervals."""
        common = self.single[0].written
        for host in self.single[1:]:
            common = [both for one in common for other in host.written if (both := one & other)]
        return rungs(common, self.rules.interval)

    def on_ladder(self, host: HostReference, start: int) -> bool:
        if self.ask.required is not None:
            return any(start in one.rungs for one in self.single)
        return start in (self.joint if self.ask.mode == "everyone" else host.rungs)

    def broken(self, host: HostReference, start: int) -> str:
        """The first rule one host breaks at a start."""
        if not host.within_hours(start):
            return "outside-hours"
        if not self.on_ladder(host, start):
            return "not-a-slot"
        if host.occupied(start):
            return "slot-occupied"
        if host.capped(start) or capped(self.rules.caps, self.rules.zone, self.rules.booked, start):
            return "cap-reached"
        return "bookable"

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

    def verdict(self, start: int, grace_minutes: int = 0) -> tuple[str, tuple[int, ...]]:
        """The code of a start (`bookable` when no rule refuses it) and the hosts who take it.

        Of n hosts needed, the one who got n-th furthest decides.
        """
        if early_or_late := self.in_time(start, grace_minutes):
            return early_or_late, ()
        codes = [self.broken(host, start) for host in self.single]
        needed = self.ask.required or (len(codes) if self.ask.mode == "everyone" else 1)
        code = sorted(codes, key=ORDER.index, reverse=True)[needed - 1]
        if code != "bookable":
            return code, ()
        return code, tuple([place for place, one in enumerate(codes) if one == "bookable"][:needed])
