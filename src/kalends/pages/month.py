"""A month of bookable starts as a calendar, and the starts of one day; in the zone of whoever looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from babel import Locale
from babel.dates import format_date, format_skeleton, get_day_names
from whenever import Date, Instant, Time, YearMonth

from kalends import languages
from kalends.domain.zones import DAY, day_number, wall_minute
from kalends.languages import Clock


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar; `starts` are epoch minutes."""

    date: Date
    starts: tuple[int, ...]
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


@dataclass(frozen=True, slots=True)
class Slot:
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
    by_day: dict[int, list[int]] = {}
    for start in starts:
        by_day.setdefault(wall_minute(zone, start) // DAY, []).append(start)
    locale = languages.locale(language)
    first_day = month.on_day(1)
    if chosen is None or chosen.year_month() != month:
        inside = sorted(number for number in by_day if 0 <= number - day_number(first_day) < 31)
        chosen = first_day.add(days=inside[0] - day_number(first_day)) if inside else None
    lead = (first_day.day_of_week().value - 1 - locale.first_week_day) % 7
    cells: list[Day | None] = [None] * lead
    date = first_day
    while date.year_month() == month:
        cells.append(
            Day(
                date=date,
                starts=tuple(by_day.get(day_number(date), ())),
                today=date == today,
                chosen=date == chosen,
                label=format_date(date.to_stdlib(), "full", locale),
            )
        )
        date = date.add(days=1)
    cells += [None] * (-len(cells) % 7)
    return Month(
        month=month,
        title=format_skeleton("yMMMM", first_day.to_stdlib(), locale=locale),
        weekdays=_weekdays(locale),
        weeks=tuple(tuple(cells[at : at + 7]) for at in range(0, len(cells), 7)),
    )


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


def _weekdays(locale: Locale) -> tuple[tuple[str, str], ...]:
    names, short = (get_day_names(width, "stand-alone", locale) for width in ("wide", "short"))
    days = [(locale.first_week_day + at) % 7 for at in range(7)]
    return tuple((names[day], short[day]) for day in days)
