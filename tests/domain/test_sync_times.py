"""When calendars are read again, and how far ahead."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from kalends.domain import sync_times
from kalends.domain.rules import BookingWindow

DAY = Instant.from_utc(2031, 3, 4)


def test_a_calendar_is_read_often_while_its_host_is_looked_at() -> None:
    used = DAY.subtract(minutes=9)

    due = [sync_times.next_due(DAY, used_at=at, spread=0.5) for at in (used, used.subtract(minutes=2), None)]

    assert due == [DAY.add(minutes=2), DAY.add(minutes=15), DAY.add(minutes=15)]


def test_failures_make_it_wait_longer_and_longer_but_no_longer_than_an_hour() -> None:
    waits = [
        (sync_times.due_after_failure(DAY, failures=n, retry_after_s=None, spread=0.5) - DAY).total("seconds")
        for n in (1, 2, 3, 7, 8, 100)
    ]

    assert waits == [30, 60, 120, 1920, 3600, 3600]


@given(st.integers(1, 50), st.floats(0, 1), st.integers(0, 100_000))
def test_nobody_is_asked_before_he_wants_to_be(failures: int, spread: float, retry_after_s: int) -> None:
    due = sync_times.due_after_failure(DAY, failures=failures, retry_after_s=retry_after_s, spread=spread)

    assert due >= DAY.add(seconds=retry_after_s)


@given(st.floats(0, 1000), st.integers(0, 30 * 86400))
def test_a_window_reaches_as_far_as_starts_are_offered_until_it_is_read_anew(days: float, later_s: int) -> None:
    window = sync_times.window(DAY.add(seconds=3), days)
    later = DAY.add(seconds=later_s)

    assert window.start <= DAY.subtract(hours=24)
    assert not sync_times.is_short(window.end, DAY, days)
    if not sync_times.is_short(window.end, later, days):
        assert window.end >= later.add(hours=24 * min(max(days, 60), 400))


@given(st.integers(0, 95), st.floats(0, 1))
def test_what_is_read_in_full_each_day_has_its_time_of_day(first: int, spread: float) -> None:
    looks = [DAY.add(minutes=15 * one) for one in range(first, first + 5 * 96)]
    full = looks[:1]
    for now in looks:
        if sync_times.is_a_day_ago(sync_times.window(full[-1], 60), now, spread=spread):
            full.append(now)

    after = [(later - before).total("hours") for before, later in pairwise(full)]
    assert 0 < after[0] < 48
    assert after[1:] == [24] * len(after[1:])
    assert len(after) >= 3


@pytest.mark.parametrize(
    ("windows", "days"),
    [
        ([], 0),
        ([BookingWindow("limit", limit_minutes=86400)], 61),
        ([BookingWindow("limit", limit_minutes=1440), BookingWindow("limit", limit_minutes=14400)], 11),
        ([BookingWindow("unlimited")], 400),
        ([BookingWindow("range", range_min="2031-03-01")], 400),
        ([BookingWindow("range", range_max="2031-03-13")], 11),
    ],
)
def test_how_far_ahead_starts_are_offered(windows: list[BookingWindow], days: float) -> None:
    assert sync_times.days_ahead(windows, DAY) == days


def test_a_channel_is_renewed_after_four_fifths_of_its_life() -> None:
    assert sync_times.renewal(DAY, DAY.add(hours=100)) == DAY.add(hours=80)
