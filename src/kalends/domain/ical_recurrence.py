"""Recurrence rules expanded in wall time, within bounds; what a wall time is in a zone is not asked here.

A wall time is counted in seconds from 1970-01-01T00:00 on the wall, a day in days from there.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import islice

from .ical_rules import Rule

DAY_S = 86400
LAST_DAY = date.max.toordinal() - date(1970, 1, 1).toordinal()

_MOST_STEPS = 100_000  # periods looked at for one rule; daily for 270 years
_EPOCH = date(1970, 1, 1).toordinal()
_UNITS_S = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600}


class TooMany(ValueError):
    """The rule comes to more times, or takes more work, than anybody's calendar needs."""


def starts(rule: Rule, first: int, *, low: int, high: int, until: int | None = None) -> Iterator[int]:
    """Yield the rule's wall times from `first` on, in order; those before `low` may be left out.

    Args:
        first: where the rule begins; it is yielded only if it matches.
        high: the end, exclusive.
        until: the last one that may be, inclusive; None: `high` alone ends it.

    Raises:
        TooMany: a rule that takes too long to follow to where it is asked for.
    """
    end = high if until is None else min(high, until + 1)
    if max(first, low) >= end:
        return
    found: Iterator[int]
    if rule.frequency in _UNITS_S:
        # Its first day is walked from midnight on.
        walked = _within_days(rule, first, first if rule.count else max(first, low), end)
        found = filter(first.__le__, walked)
    else:
        found = _Periods(_completed(rule, first), first).walls(low, end)
    for wall in found if rule.count is None or rule.frequency not in _UNITS_S else islice(found, rule.count):
        if wall >= end:
            return
        yield wall


def _completed(rule: Rule, first: int) -> Rule:
    """Give a rule the days that it takes from its first time."""
    start = _date(first // DAY_S)
    days = rule.weekdays or rule.month_days or rule.year_days
    if rule.frequency == "WEEKLY" and not days:
        return replace(rule, weekdays=((start.weekday(), 0),))
    if rule.frequency == "MONTHLY" and not days:
        return replace(rule, month_days=(start.day,))
    if rule.frequency == "YEARLY" and not days:
        if rule.week_numbers:
            return replace(rule, weekdays=((start.weekday(), 0),))
        return replace(rule, months=rule.months or (start.month,), month_days=(start.day,))
    return rule


class _Periods:
    """A rule whose periods are days or longer, and what its times have in common."""

    def __init__(self, rule: Rule, first: int) -> None:
        self._rule, self._first = rule, first
        self._start = _date(first // DAY_S)
        self._times = _times(rule, first)
        self._matches = _day_filter(rule)

    def walls(self, low: int, end: int) -> Iterator[int]:
        """Yield the times of all periods from the one `low` lies in, if it can be jumped to, to the one of `end`."""
        number = self._number(low)
        left = self._rule.count
        if left is not None:
            number = number if self._is_even() else 0
            left -= number * len(self._set(1)) - sum(wall < self._first for wall in self._set(0)) if number else 0
        for step in range(_MOST_STEPS):
            if self._days(number + step).start * DAY_S >= end:
                return
            found = [wall for wall in self._set(number + step) if wall >= self._first]
            yield from found if left is None else found[: max(left, 0)]
            if left is not None:
                left -= len(found)
                if left <= 0:
                    return
        raise TooMany

    def _is_even(self) -> bool:
        """Tell whether there are as many times in each of its periods: these are counted without being listed."""
        rule = self._rule
        if rule.months or rule.month_days or rule.year_days or rule.week_numbers or rule.positions:
            return False
        return rule.frequency == "WEEKLY" or (rule.frequency == "DAILY" and not rule.weekdays)

    def _number(self, low: int) -> int:
        """Number the last period that begins before `low`, or the one before it; from that of the first time."""
        rule, first_day, low_day = self._rule, self._first // DAY_S, min(low // DAY_S, LAST_DAY)
        if low_day <= first_day:
            return 0
        there = _date(low_day)
        passed = there.year - self._start.year
        if rule.frequency == "MONTHLY":
            passed = 12 * passed + there.month - self._start.month
        elif rule.frequency == "WEEKLY":
            passed = (low_day - _week_of(rule, first_day)) // 7
        elif rule.frequency == "DAILY":
            passed = low_day - first_day
        return max(passed // rule.interval - 1, 0)

    def _set(self, number: int) -> list[int]:
        days = [day for day in self._days(number) if day <= LAST_DAY and self._matches(day)]
        return _at_positions(self._rule, [day * DAY_S + time for day in days for time in self._times])

    def _days(self, number: int) -> range:
        """Number the days of a period."""
        rule, first_day = self._rule, self._first // DAY_S
        number *= rule.interval
        if rule.frequency == "DAILY":
            return range(first_day + number, first_day + number + 1)
        if rule.frequency == "WEEKLY":
            start = _week_of(rule, first_day) + 7 * number
            return range(start, start + 7)
        if rule.frequency == "MONTHLY":
            months = self._start.year * 12 + self._start.month - 1 + number
            return _days(months // 12, months % 12 + 1, months % 12 + 1)
        months_of = rule.months if rule.months and not rule.week_numbers else (1, 12)
        return _days(self._start.year + number, months_of[0], months_of[-1])


def _at_positions(rule: Rule, walls: list[int]) -> list[int]:
    if not rule.positions:
        return walls
    places = {position - 1 if position > 0 else len(walls) + position for position in rule.positions}
    return [wall for place, wall in enumerate(walls) if place in places]


def _times(rule: Rule, first: int) -> list[int]:
    hour, minute, second = first % DAY_S // 3600, first % 3600 // 60, first % 60
    return sorted(
        {
            3600 * at_hour + 60 * at_minute + at_second
            for at_hour in rule.hours or (hour,)
            for at_minute in rule.minutes or (minute,)
            for at_second in rule.seconds or (second,)
        }
    )


def _days(year: int, first_month: int, last_month: int) -> range:
    if year > date.max.year:
        return range(LAST_DAY + 1, LAST_DAY + 1)
    start = date(year, first_month, 1).toordinal() - _EPOCH
    end = date(year, last_month, 1).toordinal() - _EPOCH + monthrange(year, last_month)[1]
    return range(start, end)


def _week_of(rule: Rule, day: int) -> int:
    """Number the first day of the week a day lies in."""
    return day - (_date(day).weekday() - rule.week_start) % 7


def _day_filter(rule: Rule) -> Callable[[int], bool]:
    """Make the question whether a day fits all the rule's parts that name days."""
    each = {weekday for weekday, n in rule.weekdays}
    counted = any(n for _, n in rule.weekdays) and _counts_weekdays(rule)

    def matching(number: int) -> bool:
        day = _date(number)
        if rule.months and day.month not in rule.months:
            return False
        if rule.weekdays and day.weekday() not in each:
            return False
        length = monthrange(day.year, day.month)[1]
        if rule.month_days and not {day.day, day.day - length - 1} & {*rule.month_days}:
            return False
        days, year_day = 366 if isleap(day.year) else 365, day.timetuple().tm_yday
        if rule.year_days and not {year_day, year_day - days - 1} & {*rule.year_days}:
            return False
        if rule.week_numbers and not _week_numbers(rule, number) & {*rule.week_numbers}:
            return False
        if not counted:
            return True
        by_month = rule.frequency == "MONTHLY" or bool(rule.months)
        return _is_nth(rule, day, *((day.day, length) if by_month else (year_day, days)))

    return matching


def _counts_weekdays(rule: Rule) -> bool:
    return rule.frequency == "MONTHLY" or (rule.frequency == "YEARLY" and not rule.week_numbers)


def _is_nth(rule: Rule, day: date, place: int, length: int) -> bool:
    """Tell whether a day is one of the rule's nth weekdays; place and length count from 1 in its month or year."""
    numbers = {0, (place - 1) // 7 + 1, -((length - place) // 7 + 1)}
    return any(weekday == day.weekday() and n in numbers for weekday, n in rule.weekdays)


def _week_numbers(rule: Rule, day: int) -> set[int]:
    """Number the week a day lies in from both ends of its year; the first one has at least four days in it."""
    middle = _date(min(_week_of(rule, day) + 3, LAST_DAY))
    year_day = middle.timetuple().tm_yday
    days = 366 if isleap(middle.year) else 365
    return {(year_day - 1) // 7 + 1, -((days - year_day) // 7 + 1)}


def _within_days(rule: Rule, first: int, low: int, end: int) -> Iterator[int]:
    """Yield the times of a rule whose periods are shorter than a day."""
    matching = _day_filter(rule)
    steps = 0
    for day in range(low // DAY_S, min(end // DAY_S, LAST_DAY) + 1):
        steps += 1
        if matching(day):
            for period in _periods_of(rule, first, day):
                steps += 1
                if steps > _MOST_STEPS:
                    raise TooMany
                yield from _at_positions(rule, period)
        if steps > _MOST_STEPS:
            raise TooMany


def _periods_of(rule: Rule, first: int, day: int) -> Iterator[list[int]]:
    unit = _UNITS_S[rule.frequency]
    minutes = rule.minutes or (range(60) if unit < 3600 else (first % 3600 // 60,))
    seconds = rule.seconds or (range(60) if unit < 60 else (first % 60,))
    for hour in rule.hours or range(24):
        at = day * DAY_S + hour * 3600
        if unit == 3600:
            if (at // unit - first // unit) % rule.interval == 0:
                yield sorted(at + 60 * minute + second for minute in minutes for second in seconds)
            continue
        for minute in minutes:
            if unit == 60:
                if ((at // 60 + minute) - first // 60) % rule.interval == 0:
                    yield [at + 60 * minute + second for second in seconds]
                continue
            for second in seconds:
                wall = at + 60 * minute + second
                yield [wall] if (wall - first) % rule.interval == 0 else []


def _date(day: int) -> date:
    return date.fromordinal(day + _EPOCH)
