"""Recurrence rules (RFC 5545 3.3.10), as they are written."""

from __future__ import annotations

from dataclasses import dataclass

_WEEKDAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_FREQUENCIES = ("SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")


class BadRule(ValueError):
    """This is no rule of RFC 5545."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is written; empty tuples for parts it lacks.

    Attributes:
        until: as written; inclusive.
        week_start: 0 is Monday.
        weekdays: (weekday, n); n 0: each of them.
    """

    frequency: str
    interval: int = 1
    count: int | None = None
    until: str | None = None
    week_start: int = 0
    seconds: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    weekdays: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    week_numbers: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()


def parse(text: str) -> Rule:
    """Read a rule; what others write wrongly but clearly is understood.

    Raises:
        BadRule: no frequency, a number out of its range, or something of RFC 7529 that changes the calendar.
    """
    parts: dict[str, str] = {}
    for part in text.upper().replace(" ", "").split(";"):
        name, _, value = part.partition("=")
        if value:
            parts.setdefault(name, value)
    frequency = parts.get("FREQ", "")
    if frequency not in _FREQUENCIES or parts.get("RSCALE", "GREGORIAN") != "GREGORIAN":
        raise BadRule(text)
    if parts.get("SKIP", "OMIT") != "OMIT" or parts.get("WKST", "MO") not in _WEEKDAYS:
        raise BadRule(text)
    try:
        count = int(parts["COUNT"]) if "COUNT" in parts else None
        return Rule(
            frequency,
            interval=max(int(parts.get("INTERVAL", 1)), 1),
            count=count if count and count > 0 else None,  # some write -1 for "without end"
            until=parts.get("UNTIL"),
            week_start=_WEEKDAYS[parts.get("WKST", "MO")],
            seconds=tuple(min(second, 59) for second in _numbers(parts, "BYSECOND", 0, 60)),
            minutes=_numbers(parts, "BYMINUTE", 0, 59),
            hours=_numbers(parts, "BYHOUR", 0, 23),
            weekdays=tuple(map(_weekday, _split(parts, "BYDAY"))),
            month_days=_numbers(parts, "BYMONTHDAY", -31, 31),
            year_days=_numbers(parts, "BYYEARDAY", -366, 366),
            week_numbers=_numbers(parts, "BYWEEKNO", -53, 53),
            months=_numbers(parts, "BYMONTH", 1, 12),
            positions=_numbers(parts, "BYSETPOS", -366, 366),
        )
    except (ValueError, KeyError) as error:
        raise BadRule(text) from error


def _numbers(parts: dict[str, str], name: str, least: int, most: int) -> tuple[int, ...]:
    found = {int(text.removesuffix("L")) for text in _split(parts, name)}
    if any(not least <= number <= most or (least < 0 and number == 0) for number in found):
        raise ValueError(name)
    return tuple(sorted(found))


def _split(parts: dict[str, str], name: str) -> list[str]:
    return [text for text in parts.get(name, "").split(",") if text]


def _weekday(text: str) -> tuple[int, int]:
    n = int(text[:-2] or 0)
    if not -53 <= n <= 53:
        raise ValueError(text)
    return _WEEKDAYS[text[-2:]], n
