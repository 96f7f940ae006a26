"""Weekly hours: seven days of local intervals, read from and written as the contract's JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from .zones import DAY

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class ScheduleError(ValueError):
    """A schedule or an exception that cannot be meant; `field` is the dotted path to what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class WeeklyInterval:
    """Hours of one weekday, in minutes from local midnight; an end above 1440 lies on the next day."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not (0 <= self.start < DAY and self.start < self.end <= 2 * DAY):
            raise ValueError(f"not the hours of a day: {self.start}..{self.end}")


Week: TypeAlias = tuple[tuple[WeeklyInterval, ...], ...]


def parse_week(raw: object) -> Week:
    """Read weekly hours in either shape of contract 2.3.

    Accepts `{"monday": {"enabled": true, "hours": [{"start", "end"}]}, …}` and the older
    `[{"dayOfWeek": "monday", "intervals": [{"from", "to"}]}, …]`. Days left out are closed, an end at or before
    the start's clock time means the next day, overlapping intervals of a day become one, touching ones stay two.

    Raises:
        ScheduleError: another shape, a time that is not HH:MM, or an interval whose start is its end.
    """
    if isinstance(raw, Mapping):
        days = _days_of_object(raw)
    elif isinstance(raw, list | tuple):
        days = _days_of_array(raw)
    else:
        raise ScheduleError("", "must be an object with the days of the week, or an array of days")
    hours: list[list[WeeklyInterval]] = [[] for _ in DAYS]
    for weekday, interval in days:
        hours[weekday].append(interval)
    return tuple(_merge(day) for day in hours)


def week_to_json(week: Week) -> dict[str, Any]:
    """Write weekly hours as the object of contract 2.3, with all seven days."""
    return {
        name: {"enabled": bool(day), "hours": [hours for interval in day for hours in _hours(interval)]}
        for name, day in zip(DAYS, week, strict=True)
    }


def _days_of_object(raw: Mapping[Any, Any]) -> Iterator[tuple[int, WeeklyInterval]]:
    for weekday, name in enumerate(DAYS):
        day = raw.get(name)
        if day is None:
            continue
        if not isinstance(day, Mapping):
            raise ScheduleError(name, "must be an object with enabled and hours")
        enabled = day.get("enabled", True)
        if not isinstance(enabled, bool):
            raise ScheduleError(f"{name}.enabled", "must be true or false")
        if enabled:
            for interval in _intervals(day.get("hours"), f"{name}.hours", "start", "end"):
                yield weekday, interval


def _days_of_array(raw: list[Any] | tuple[Any, ...]) -> Iterator[tuple[int, WeeklyInterval]]:
    for index, day in enumerate(raw):
        if not isinstance(day, Mapping):
            raise ScheduleError(str(index), "must be an object with dayOfWeek and intervals")
        name = day.get("dayOfWeek")
        if name not in DAYS:
            raise ScheduleError(f"{index}.dayOfWeek", "must be a weekday, monday to sunday")
        for interval in _intervals(day.get("intervals"), f"{index}.intervals", "from", "to"):
            yield DAYS.index(name), interval


def _intervals(raw: object, field: str, start_key: str, end_key: str) -> Iterator[WeeklyInterval]:
    if raw is None:
        return
    if not isinstance(raw, list | tuple):
        raise ScheduleError(field, "must be an array")
    for index, item in enumerate(raw):
        if not isinstance(item, Mapping):
            raise ScheduleError(f"{field}.{index}", f"must be an object with {start_key} and {end_key}")
        start = _minutes(item.get(start_key), f"{field}.{index}.{start_key}", midnight_ends=False)
        end = _minutes(item.get(end_key), f"{field}.{index}.{end_key}", midnight_ends=True)
        if start == end:
            raise ScheduleError(f"{field}.{index}.{end_key}", f"must differ from {start_key}")
        yield WeeklyInterval(start, end if end > start else end + DAY)


def _minutes(raw: object, field: str, *, midnight_ends: bool) -> int:
    if midnight_ends and raw == "24:00":
        return DAY
    match = _TIME.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise ScheduleError(field, "must be a time of day, HH:MM")
    return int(match[1]) * 60 + int(match[2])


def _merge(day: list[WeeklyInterval]) -> tuple[WeeklyInterval, ...]:
    """Join the intervals of a day that overlap; touching ones stay two, each with starts of its own."""
    merged: list[WeeklyInterval] = []
    for interval in sorted(day, key=lambda one: (one.start, one.end)):
        if merged and interval.start < merged[-1].end:
            merged[-1] = WeeklyInterval(merged[-1].start, max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return tuple(merged)


def _hours(interval: WeeklyInterval) -> Iterator[dict[str, str]]:
    start, end = interval.start, interval.end
    if end - start >= DAY and end > DAY:
        # A day or more cannot be written as two clock times: two intervals that merge again when read.
        yield {"start": _clock(start), "end": "24:00"}
        start = DAY - 1
    yield {"start": _clock(start), "end": "24:00" if end == DAY else _clock(end % DAY)}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
