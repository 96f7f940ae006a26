"""Generated events take the time that a naive reading of them takes (issue 5, done 5)."""

# ruff: noqa: DTZ001 - wall times have no zone

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from whenever import Instant

from kalends.domain import ical
from kalends.domain.remote_events import Window

from .ical_reference import ChangeCase, EventCase, RuleCase, midnight

# Half an hour of summer, a day that never was, 45 minutes, winter in summer, midnights that are skipped.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Africa/Cairo",
    "America/Havana",
    "Atlantic/Azores",
    "UTC",
)
# Days on which clocks are changed in one of them, and a week before.
CHANGES = [
    date.fromisoformat(f"2026-{day}")
    for day in ("02-15", "03-08", "03-22", "03-29", "04-05", "04-24", "10-04", "10-18", "10-25", "10-30", "11-01")
]


@st.composite
def rules(draw: st.DrawFn, start: datetime, *, all_day: bool) -> RuleCase:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    by_day: list[tuple[int, int]] = []
    weekday = st.integers(0, 6)
    if draw(st.booleans()):
        n = st.just(0) if frequency in ("DAILY", "WEEKLY") else st.sampled_from([0, 0, 1, 2, -1, 5, -5])
        by_day = draw(st.lists(st.tuples(n, weekday), min_size=1, max_size=3, unique=True))
    by_month_day: list[int] = []
    if frequency in ("DAILY", "MONTHLY", "YEARLY") and draw(st.booleans()):
        numbers = st.sampled_from([1, 2, 13, 28, 29, 30, 31, -1, -2, -29, -31])
        by_month_day = draw(st.lists(numbers, min_size=1, max_size=3, unique=True))
    end = draw(st.sampled_from(["never", "count", "until"]))
    until = start + timedelta(days=draw(st.sampled_from([-3, 0, 1, 7]) | st.integers(0, 500)))
    if not all_day:
        until += timedelta(minutes=draw(st.sampled_from([-30, 0, 0, 30])))
    return RuleCase(
        frequency,
        interval=draw(st.integers(1, 4)),
        count=draw(st.integers(1, 60)) if end == "count" else None,
        until=until if end == "until" else None,
        by_day=tuple(by_day),
        by_month_day=tuple(by_month_day),
    )


@st.composite
def events(draw: st.DrawFn) -> EventCase:
    all_day = draw(st.booleans())
    day = draw(st.dates(date(2025, 1, 1), date(2026, 12, 31)) | st.sampled_from(CHANGES))
    clock = draw(st.sampled_from([time(0, 30), time(1, 30), time(2, 15), time(0), time(9), time(23, 45)]))
    start = midnight(day) if all_day else datetime.combine(day, clock)
    lengths = st.sampled_from([1440, 2 * 1440, 9 * 1440]) if all_day else st.sampled_from([15, 60, 480, 1500])
    case = EventCase(
        start,
        draw(lengths),
        draw(st.sampled_from(ZONES)),
        all_day=all_day,
        floating=all_day or draw(st.booleans()),
        by_duration=draw(st.booleans()),
        rule=draw(st.none() | rules(start, all_day=all_day)),
    )
    other = st.dates(date(2025, 6, 1), date(2026, 12, 31))
    extra = tuple(datetime.combine(one, start.time()) for one in draw(st.lists(other, max_size=2, unique=True)))
    case = replace(case, extra=extra)
    walls = case.walls()
    if not walls:
        return case
    near = [wall for wall in walls if wall.year <= 2026][-40:] or walls[:1]
    without = draw(st.lists(st.sampled_from(near), max_size=3, unique=True))
    changes = []
    for instead_of in draw(st.lists(st.sampled_from(near), max_size=3, unique=True)):
        moved = instead_of + timedelta(days=draw(st.integers(-4, 4)), minutes=0 if all_day else 135)
        cancelled = draw(st.booleans())
        changes.append(ChangeCase(instead_of, None if cancelled else moved, draw(lengths)))
    return replace(case, without=tuple(without), changes=tuple(changes))


@st.composite
def questions(draw: st.DrawFn) -> tuple[EventCase, date, int]:
    """Draw an event, a first day and a number of days; more often than not about where something begins."""
    case = draw(events())
    walls = [wall.date() for wall in case.walls() if wall.year == 2026] or [case.start.date()]
    near = st.sampled_from([*walls[:2], *walls[-2:], case.start.date()])
    first = draw(st.dates(date(2026, 1, 1), date(2026, 11, 1)) | near.map(lambda day: day - timedelta(days=2)))
    return case, first, draw(st.integers(1, 120))


# What chance finds too seldom to rely on.
NIGHT_OF_CHANGE = EventCase(datetime(2026, 10, 24, 22), 600, "Europe/Berlin", rule=RuleCase("DAILY", count=3))
TWICE = EventCase(datetime(2026, 10, 18, 2, 30), 15, "Europe/Berlin", rule=RuleCase("WEEKLY"))
LONG = EventCase(datetime(2026, 1, 1), 12960, "Europe/Berlin", all_day=True, floating=True, rule=RuleCase("DAILY"))
OVER = EventCase(datetime(2026, 10, 18, 9), 60, "UTC", rule=RuleCase("DAILY", until=datetime(2026, 10, 17)))
UNTIL = EventCase(
    datetime(2026, 10, 18, 9), 60, "Europe/Berlin", rule=RuleCase("DAILY", until=datetime(2026, 10, 27, 9))
)
LAST_DAYS = EventCase(datetime(2025, 1, 31, 9), 60, "UTC", rule=RuleCase("MONTHLY", by_month_day=(-1, -30)))
FAR_ON = EventCase(datetime(2025, 1, 1, 9), 60, "UTC", rule=RuleCase("WEEKLY", interval=3, by_day=((0, 0), (0, 6))))
NO_MORE = EventCase(
    datetime(2026, 3, 1, 9),
    60,
    "UTC",
    rule=RuleCase("DAILY", count=3),
    without=(datetime(2026, 3, 2, 9),),
    changes=(ChangeCase(datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 15)),),
)
SECOND = EventCase(datetime(2026, 1, 1, 9), 60, "UTC", rule=RuleCase("MONTHLY", by_day=((2, 0), (-1, 4))))


@settings(max_examples=150, deadline=None)
@given(question=questions())
@example(question=(NIGHT_OF_CHANGE, date(2026, 10, 20), 10))
@example(question=(TWICE, date(2026, 10, 20), 10))
@example(question=(LONG, date(2026, 10, 20), 1))
@example(question=(OVER, date(2026, 10, 10), 20))
@example(question=(UNTIL, date(2026, 10, 20), 20))
@example(question=(LAST_DAYS, date(2026, 1, 20), 60))
@example(question=(FAR_ON, date(2026, 3, 1), 30))
@example(question=(NO_MORE, date(2026, 3, 1), 9))
@example(question=(SECOND, date(2026, 9, 1), 60))
def test_a_generated_event_takes_the_time_of_a_naive_reading(question: tuple[EventCase, date, int]) -> None:
    case, first, days = question
    start = midnight(first).replace(tzinfo=UTC)
    end = start + timedelta(days=days)
    asked = ical.Asked(Window(Instant(start), Instant(end)), frozenset(), zone=case.zone)

    read = ical.resource("one", None, case.text(), asked)

    found = {(one.start.to_stdlib(), one.end.to_stdlib()) for one in read.occurrences}
    assert (found, read.unreadable) == (case.spans(start, end), None)
