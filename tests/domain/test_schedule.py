"""Reading and writing weekly hours and exceptions (contract 2.3, 6.6)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from kalends.domain.exceptions import check_exception, exception_bounds
from kalends.domain.schedule import Schedule
from kalends.domain.week import ScheduleError, WeeklyInterval, parse_week, week_to_json

from .build import at, week

CLOSED: tuple[WeeklyInterval, ...] = ()


def monday(*hours: tuple[str, str]) -> dict[str, Any]:
    return {"monday": {"enabled": True, "hours": [{"start": start, "end": end} for start, end in hours]}}


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([("09:00", "17:00")], [(540, 1020)]),
        ([("00:00", "24:00")], [(0, 1440)]),
        ([("22:00", "24:00")], [(1320, 1440)]),
        ([("22:00", "00:00")], [(1320, 1440)]),
        ([("22:30", "02:00")], [(1350, 1560)]),
        ([("13:00", "17:00"), ("09:00", "12:00")], [(540, 720), (780, 1020)]),
        ([("09:00", "12:00"), ("11:00", "15:00")], [(540, 900)]),
        ([("09:00", "12:00"), ("12:00", "15:00")], [(540, 720), (720, 900)]),
        ([("20:00", "02:00"), ("23:00", "04:00")], [(1200, 1680)]),
        ([], []),
    ],
)
def test_hours_are_read_in_both_shapes(hours: list[tuple[str, str]], expected: list[tuple[int, int]]) -> None:
    older = [{"dayOfWeek": "monday", "intervals": [{"from": start, "to": end} for start, end in hours]}]
    week = (tuple(WeeklyInterval(*one) for one in expected), *[CLOSED] * 6)

    assert parse_week(monday(*hours)) == week
    assert parse_week(older) == week


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (monday(("09:00", "09:00")), "monday.hours.0.end"),
        (monday(("09:00", "12:00"), ("9:00", "12:00")), "monday.hours.1.start"),
        (monday(("24:00", "12:00")), "monday.hours.0.start"),
        (monday(("09:00", "24:01")), "monday.hours.0.end"),
        (monday(("09:00", "17:60")), "monday.hours.0.end"),
        (monday(("09:00", "17:00 ")), "monday.hours.0.end"),
        (monday(("09:00", "١٧:00")), "monday.hours.0.end"),
        ({"monday": {"enabled": "yes", "hours": []}}, "monday.enabled"),
        ({"monday": {"enabled": True, "hours": {}}}, "monday.hours"),
        ({"monday": {"enabled": True, "hours": ["09:00-17:00"]}}, "monday.hours.0"),
        ({"sunday": []}, "sunday"),
        ([{"dayOfWeek": "someday", "intervals": []}], "0.dayOfWeek"),
        ([{"dayOfWeek": ["monday"], "intervals": []}], "0.dayOfWeek"),
        ([{"dayOfWeek": "friday", "intervals": [{"from": "10:00", "to": None}]}], "0.intervals.0.to"),
        (["monday"], "0"),
        ("09:00-17:00", ""),
        (None, ""),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(raw: object, field: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        parse_week(raw)

    assert refused.value.field == field


def test_a_disabled_day_is_closed_whatever_its_hours() -> None:
    assert parse_week({"monday": {"enabled": False, "hours": [{"start": "00:00", "end": "00:00"}]}}) == (CLOSED,) * 7


def test_a_week_is_answered_as_the_object_with_all_seven_days() -> None:
    written = week_to_json(week("22:30-02:00 09:00-24:00", days="friday"))

    assert written["friday"] == {"enabled": True, "hours": [{"start": "09:00", "end": "02:00"}]}
    assert written["monday"] == {"enabled": False, "hours": []}
    assert list(written) == ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


TIMES = st.integers(0, 1439).map(lambda m: f"{m // 60:02}:{m % 60:02}")
INTERVALS = st.tuples(TIMES, st.one_of(TIMES, st.just("24:00"))).filter(lambda pair: pair[0] != pair[1])


@given(st.lists(INTERVALS, max_size=4))
def test_a_written_week_reads_as_the_same_week(hours: list[tuple[str, str]]) -> None:
    read = parse_week(monday(*hours))

    assert parse_week(week_to_json(read)) == read


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [
        ("2027-03-01", "2027-03-01", "UTC"),
        ("2027-03-01T09:00", "2027-03-01T09:00:30", "UTC"),
        ("2027-03-01T09:00Z", "2027-03-01T11:00+01:00", "UTC"),
        ("2027-03-01", "2027-03-01T00:01", "UTC"),
        ("2027-03-28T02:15", "2027-03-28T02:45", "Europe/Berlin"),
        ("2027-03-01T09:00", "2027-03-01T08:30Z", "Europe/Berlin"),
        ("2011-12-30", "2011-12-30", "Pacific/Apia"),
        ("2027-03-01", "9999-12-31", "UTC"),
    ],
)
def test_an_exception_whose_end_lies_after_its_start_is_accepted(start: str, end: str, zone: str) -> None:
    check_exception(start, end, zone)

    first, last = exception_bounds(start, end)
    assert first < last


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2027-03-02", "2027-03-01", "end"),
        ("2027-03-01T09:00", "2027-03-01T09:00", "end"),
        ("2027-03-01T09:00Z", "2027-03-01T10:00+01:00", "end"),
        ("2027-03-01T09:00", "2027-03-01T08:00Z", "end"),
        ("2027-03-02", "2027-03-01T23:59", "end"),
        ("2027-02-29", "2027-03-01", "start"),
        ("2027-03-01T24:00", "2027-03-02", "start"),
        ("2027-03-01 09:00", "2027-03-02", "start"),
        ("20270301", "2027-03-02", "start"),
        ("2027-03-01", "2027-03-02T09:00+25:00", "end"),
        ("2027-03-01", "tomorrow", "end"),
        ("", "2027-03-02", "start"),
    ],
)
def test_a_malformed_or_reversed_exception_is_refused(start: str, end: str, field: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        check_exception(start, end, "Europe/Berlin")

    assert refused.value.field == field


def test_the_bounds_of_an_exception_hold_in_any_zone() -> None:
    assert exception_bounds("2027-03-01", "2027-03-02T12:00") == (at("2027-02-27T22:00"), at("2027-03-03T14:00"))
    assert exception_bounds("2027-03-01T09:00+01:00", "2027-03-01T09:00:00.5Z") == (
        at("2027-03-01T08:00"),
        Instant.from_utc(2027, 3, 1, 9, 0, 1),
    )


def test_equal_schedules_are_one_key() -> None:
    one, other = Schedule("UTC", week("09:00-17:00")), Schedule("UTC", week("09:00-17:00"))

    assert one == other
    assert hash(one) == hash(other)
    assert one != Schedule("Europe/Berlin", one.week)
