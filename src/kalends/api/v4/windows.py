"""Instants and windows as callers write them (contract 6.2, 6.4)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from whenever import Date, Instant, PlainDateTime, Time, ZonedDateTime

from kalends.errors import Invalid

LONGEST_DAYS = 366
FIRST_YEAR, LAST_YEAR = 1970, 5000

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?", re.ASCII)


def _parse_instant(text: Any) -> Instant:
    """Read an ISO 8601 instant with `Z` or an offset; a space in it was a `+` not encoded.

    Raises:
        ValueError: it is something else, or lies outside the years 1970–5000.
    """
    try:
        instant = Instant.parse_iso(text.strip().replace(" ", "+"))
    except (AttributeError, ValueError) as error:
        raise ValueError("must be an ISO 8601 instant with Z or an offset, such as 2031-03-04T09:00:00Z") from error
    _within_years(instant.to_tz("UTC"))
    return instant


def _within_years(at: ZonedDateTime) -> ZonedDateTime:
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return at


# An instant in a body.
When = Annotated[
    Instant,
    PlainValidator(_parse_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2031-03-04T09:00:00Z"]}),
]


def whole_second(instant: Instant) -> Instant:
    """Drop what is less than a second: what is booked regardless of any list begins at a whole one."""
    return instant.round("second", mode="floor")


@lru_cache(maxsize=4096)  # everybody asks from today on, or for this month
def side(text: str, zone: str, *, field: str, is_end: bool) -> ZonedDateTime:
    """Read one side of a window: an instant, a local time of the zone, or a plain date that includes its whole day.

    Raises:
        Invalid: naming the field.
    """
    text = text.strip()
    try:
        if _LOCAL.fullmatch(text):
            return _within_years(PlainDateTime.parse_iso(text.replace(" ", "T")).assume_tz(zone))
        if not _DATE.fullmatch(text):
            return _parse_instant(text).to_tz(zone)
        day = Date.parse_iso(text)
        if not FIRST_YEAR < day.year <= LAST_YEAR:
            raise ValueError(f"must lie in the years {FIRST_YEAR + 1} to {LAST_YEAR}")
        return (day.add(days=1) if is_end else day).at(Time()).assume_tz(zone).start_of("day")
    except ValueError as error:
        message = str(error) if str(error).startswith("must") else "must be a date or an instant"
        raise Invalid.at(field, message) from error


def window(start: str, end: str, zone: str) -> tuple[Instant, Instant]:
    """Read a window of starts: a plain date in `end` includes that day, a timestamp is exclusive.

    Raises:
        Invalid: a side cannot be read, or the window is longer than 366 days.
    """
    first = side(start, zone, field="start", is_end=False)
    last = side(end, zone, field="end", is_end=True)
    if first.add(days=LONGEST_DAYS) < last:
        message = f"must lie at most {LONGEST_DAYS} days after start"
        raise Invalid.at("end", message)
    return first.to_instant(), last.to_instant()
