"""A month of bookable starts as a calendar, and the starts of one day; in the zone of whoever looks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from babel import Locale
from babel.dates import format_date, format_skeleton, get_day_names
from whenever import Date, Instant, Time, YearMonth

from kalends import languages
from kalends.domain.zones import DAY, day_number, pieces, wall_minute
from kalends.languages import Clock


class Day(NamedTuple):
    """One day of the calendar; `starts` are epoch minutes, `label` says it in full, and how many starts it has."""

    date: Date
    iso: str
    starts: Sequence[int]
    today: bool
    chosen: bool
    label: str


@dataclass(frozen=True, slots=True)
class Month:
    """One month, in weeks of seven days; None where a day belongs to the neighbours.

    Attributes:
        weekdays: (long, short) names, the first day of the week first.
    """

    month: YearMonth
    title: str
    weekdays: tuple[tuple[str, str], ...]
    weeks: tuple[tuple[Day | None, ...], ...]

    @property
    def chosen(self) -> Day | None:
        """The day whose starts are shown."""
        return next((day for week in self.weeks for day in week if day and day.chosen), None)


@dataclass(frozen=True, slots=True)
class Seats:
    """How many people a start still takes."""

    left: int
    total: int


class Slot(NamedTuple):
    """One start as it is offered.

    Attributes:
        offset: stands by where a clock change makes the same time come twice.
        seats: None: the meeting takes one guest.
    """

    start: str
    text: str
    offset: str | None
    seats: Seats | None


def window(month: YearMonth, zone: str) -> tuple[Instant, Instant]:
    """Bound a month's instants in a zone, half-open."""
    first, after = month.on_day(1), next_month(month).on_day(1)
    return midnight(first, zone), midnight(after, zone)


def midnight(day: Date, zone: str) -> Instant:
    """Find the first instant of a local day; where midnight falls into a gap, the end of the gap."""
    return day.at(Time()).assume_tz(zone, disambiguation="compatible").to_instant()


def next_month(month: YearMonth) -> YearMonth:
    """Name the month after this one."""
    return month.on_day(1).add(months=1).year_month()


def previous_month(month: YearMonth) -> YearMonth:
    """Name the month before this one."""
    return month.on_day(1).subtract(months=1).year_month()


def view(
    month: YearMonth, starts: Sequence[int], *, zone: str, language: str, chosen: Date | None, today: Date
) -> Month:
    """Lay the starts (epoch minutes) of a month out in weeks.

    Without a chosen day the first one with a start is chosen, so that times are seen at once.
    """
    by_day = _by_day(starts, zone)
    locale, spoken = languages.locale(language), languages.spoken(language)
    dates = _dates(month, locale)
    if chosen is None or chosen.year_month() != month:
        chosen = next((date for number, date, _, _ in dates if number in by_day), None)
    cells: list[Day | None] = [None] * ((dates[0][1].day_of_week().value - 1 - locale.first_week_day) % 7)
    for number, date, iso, name in dates:
        found = by_day.get(number, ())
        label = f"{name}, {_count(len(found), spoken)}"
        cells.append(Day(date, iso, found, today=date == today, chosen=date == chosen, label=label))
    cells += [None] * (-len(cells) % 7)
    return Month(
        month=month,
        title=_title(month, locale),
        weekdays=_weekdays(locale),
        weeks=tuple(tuple(cells[at : at + 7]) for at in range(0, len(cells), 7)),
    )


def _by_day(starts: Sequence[int], zone: str) -> dict[int, list[int]]:
    """Group starts, which stand in order, by the number of their local day."""
    found: dict[int, list[int]] = {}
    at = 0
    for piece in pieces(zone, starts[0], starts[-1] + 1) if starts else ():
        end = bisect_left(starts, piece.end)
        while at < end:
            number = (starts[at] + piece.offset) // DAY
            after = bisect_left(starts, (number + 1) * DAY - piece.offset, at, end)
            # A clock set back over midnight comes to the same day twice.
            found.setdefault(number, []).extend(starts[at:after])
            at = after
    return found


@lru_cache(maxsize=256)
def _dates(month: YearMonth, locale: Locale) -> tuple[tuple[int, Date, str, str], ...]:
    """List the days of a month: number, date, the date as ISO writes it, and in full."""
    first, after = month.on_day(1), next_month(month).on_day(1)
    dates = [first.add(days=number) for number in range(day_number(after) - day_number(first))]
    return tuple((day_number(date), date, str(date), format_date(date.to_stdlib(), "full", locale)) for date in dates)


@lru_cache(maxsize=1024)
def _count(starts: int, language: str) -> str:
    _ = languages.translator(language)
    return _("1 time") if starts == 1 else _("{count} times", count=starts)


@lru_cache(maxsize=256)
def _title(month: YearMonth, locale: Locale) -> str:
    return format_skeleton("yMMMM", month.on_day(1).to_stdlib(), locale=locale)


def slots(
    starts: Sequence[int], *, zone: str, language: str, clock: Clock, seats: Callable[[int], Seats | None]
) -> tuple[Slot, ...]:
    """Write the starts (epoch minutes) of one day as times on the clock.

    Args:
        seats: tells how many seats a start (epoch minutes) has.
    """
    walls = Counter(wall_minute(zone, start) for start in starts)
    found: list[Slot] = []
    for start in starts:
        instant = Instant.from_timestamp(start * 60)
        twice = walls[wall_minute(zone, start)] > 1
        found.append(
            Slot(
                start=instant.format_iso(),
                text=languages.time(instant, zone, language, clock),
                offset=offset(instant, zone) if twice else None,
                seats=seats(start),
            )
        )
    return tuple(found)


def offset(instant: Instant, zone: str) -> str:
    """Write a zone's distance from UTC at an instant: ``GMT+2``, ``GMT−3:30``."""
    minutes = int(instant.to_tz(zone).offset.total("minutes"))
    if not minutes:
        return "GMT"
    hours, rest = divmod(abs(minutes), 60)
    return f"GMT{'+' if minutes > 0 else '−'}{hours}{f':{rest:02}' if rest else ''}"


@lru_cache(maxsize=256)
def _weekdays(locale: Locale) -> tuple[tuple[str, str], ...]:
    names, short = (get_day_names(width, "stand-alone", locale) for width in ("wide", "short"))
    days = [(locale.first_week_day + at) % 7 for at in range(7)]
    return tuple((names[day], short[day]) for day in days)
