"""The shapes a listing is answered in (contract 2.4, 6.4, 6.6)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.domain.grid import Grid
from kalends.domain.listing import Listing, Seats, dates_json, timeframes_json

from .build import minute


def listing(*starts: int, also: tuple[int, ...] = ()) -> Listing:
    """A listing of starts, with other candidates that cannot be booked."""
    candidates = sorted({*starts, *also})
    return Listing(Grid(candidates), bytes(one in starts for one in candidates))


def timeframes(found: Listing) -> list[tuple[int, int]]:
    """The timeframes of half-hour appointments, in epoch minutes."""
    written = json.loads(timeframes_json(found, 30))
    return [
        (minute(one["start"].removesuffix(":00.000Z")), minute(one["end"].removesuffix(":00.000Z"))) for one in written
    ]


def test_days_with_a_zone_are_local_and_carry_the_offset() -> None:
    found = listing(minute("2031-03-03T23:30"), minute("2031-03-04T08:00"), also=(minute("2031-03-02T08:00"),))

    assert json.loads(dates_json(found, "Europe/Vienna")) == [
        {
            "date": "2031-03-04",
            "spots": [
                {"startTime": "2031-03-04T00:30:00.000+01:00", "unavailabilityEvents": []},
                {"startTime": "2031-03-04T09:00:00.000+01:00", "unavailabilityEvents": []},
            ],
        }
    ]


def test_days_without_a_zone_are_utc() -> None:
    found = listing(minute("2031-03-03T23:30"), minute("2031-03-04T08:00"))

    assert json.loads(dates_json(found, None)) == [
        {"date": "2031-03-03", "spots": [{"startTime": "2031-03-03T23:30:00.000Z", "unavailabilityEvents": []}]},
        {"date": "2031-03-04", "spots": [{"startTime": "2031-03-04T08:00:00.000Z", "unavailabilityEvents": []}]},
    ]


def test_days_with_as_many_starts_from_the_same_time_on_are_told_apart() -> None:
    clocks = {"2031-03-03": ["08:00", "08:30", "09:30"], "2031-03-04": ["08:00", "09:00", "09:30"]}
    found = listing(*(minute(f"{day}T{clock}") for day, times in clocks.items() for clock in times))

    days = json.loads(dates_json(found, None))

    assert {day["date"]: [spot["startTime"][11:16] for spot in day["spots"]] for day in days} == clocks


def test_nothing_bookable_is_an_empty_array() -> None:
    assert dates_json(Listing.empty(), "Europe/Vienna") == b"[]"
    assert dates_json(listing(also=(minute("2031-03-03T23:30"),)), None) == b"[]"
    assert timeframes_json(Listing.empty(), 30) == b"[]"


def test_group_appointments_stand_among_the_starts_with_their_seats() -> None:
    on_grid, off_grid = minute("2031-03-03T08:00"), minute("2031-03-03T08:20")
    found = replace(
        listing(on_grid, minute("2031-03-03T09:00")), sessions=(on_grid, off_grid, minute("2031-03-02T23:10"))
    )
    seats = {
        on_grid: Seats("one", 10, 3),
        off_grid: Seats("two", 2, 1),
        minute("2031-03-03T07:00"): Seats("full", 1, 1),
    }

    assert json.loads(dates_json(found, "Europe/Vienna", seats)) == [
        {
            "date": "2031-03-03",
            "spots": [
                {"startTime": "2031-03-03T00:10:00.000+01:00", "unavailabilityEvents": []},
                {
                    "startTime": "2031-03-03T09:00:00.000+01:00",
                    "unavailabilityEvents": [],
                    "appointment": {"id": "one", "totalSpots": 10, "takenSpots": 3},
                },
                {
                    "startTime": "2031-03-03T09:20:00.000+01:00",
                    "unavailabilityEvents": [],
                    "appointment": {"id": "two", "totalSpots": 2, "takenSpots": 1},
                },
                {"startTime": "2031-03-03T10:00:00.000+01:00", "unavailabilityEvents": []},
            ],
        }
    ]
    assert timeframes(found) == [
        (minute("2031-03-02T23:10"), minute("2031-03-02T23:40")),
        (on_grid, minute("2031-03-03T08:50")),
        (minute("2031-03-03T09:00"), minute("2031-03-03T09:30")),
    ]


def test_blocked_starts_say_why_and_are_in_no_timeframe() -> None:
    free = minute("2031-03-03T09:00")
    found = listing(free, also=(minute("2031-03-03T10:00"),))
    why = b'[{"type":"event"}]'
    blocked = {minute("2031-03-03T10:00"): why, free: why, minute("2031-03-02T11:00"): why}

    days = json.loads(dates_json(found, None, dict.fromkeys(blocked, Seats("full", 1, 1)), blocked))

    assert [
        (day["date"], [(spot["startTime"], spot["unavailabilityEvents"]) for spot in day["spots"]]) for day in days
    ] == [
        ("2031-03-02", [("2031-03-02T11:00:00.000Z", [{"type": "event"}])]),
        ("2031-03-03", [("2031-03-03T09:00:00.000Z", []), ("2031-03-03T10:00:00.000Z", [{"type": "event"}])]),
    ]
    assert [spot["startTime"] for day in days for spot in day["spots"] if "appointment" in spot] == [
        "2031-03-03T09:00:00.000Z"
    ]
    assert timeframes(found) == [(free, free + 30)]


@given(
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.sampled_from(["2010-11-07", "2011-12-30", "2027-10-31", "2027-04-04"]),
    st.sets(st.integers(-2880, 2880), max_size=60),
    st.sets(st.integers(-2880, 2880), max_size=20),
)
def test_every_start_is_written_once_under_its_local_date(
    zone: str, day: str, around: set[int], also: set[int]
) -> None:
    middle = minute(f"{day}T00:00")
    found = listing(*(middle + one for one in around), also=tuple(middle + one for one in also))

    days = json.loads(dates_json(found, zone))
    told_more = replace(found, sessions=tuple(found.starts))
    assert dates_json(told_more, zone) == dates_json(found, zone)
    written = [spot["startTime"] for one in days for spot in one["spots"]]
    assert [datetime.fromisoformat(text).timestamp() // 60 for text in written] == sorted(
        found.starts, key=lambda start: (datetime.fromtimestamp(start * 60, ZoneInfo(zone)).date(), start)
    )
    assert all(spot["startTime"].startswith(one["date"]) for one in days for spot in one["spots"])
    dates = [one["date"] for one in days]
    assert dates == sorted(set(dates))
    for text in written:
        moment = datetime.fromisoformat(text)
        assert moment.utcoffset() == moment.astimezone(UTC).astimezone(ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([], []),
        ([0], [(0, 30)]),
        ([0, 30, 60], [(0, 90)]),
        ([0, 15], [(0, 45)]),
        ([0, 31], [(0, 30), (31, 61)]),
    ],
)
def test_a_timeframe_goes_on_while_the_next_start_is_not_after_the_end(
    starts: list[int], expected: list[tuple[int, int]]
) -> None:
    assert timeframes(listing(*starts)) == expected


def test_timeframes_are_written_in_utc() -> None:
    assert json.loads(timeframes_json(listing(minute("2031-03-03T23:30")), 60)) == [
        {"start": "2031-03-03T23:30:00.000Z", "end": "2031-03-04T00:30:00.000Z"}
    ]
