"""Zones as pieces of constant offset, held against the standard library; names and their aliases."""

import itertools
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kalends.domain.zones import canonical_zone, pieces, steady_days, wall_minute, wall_spans

from .build import minute


@pytest.mark.parametrize(
    ("alias", "canonical"),
    [
        ("Asia/Katmandu", "Asia/Kathmandu"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("CET", "Europe/Brussels"),
        ("US/Eastern", "America/New_York"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("UTC", "Etc/UTC"),
    ],
)
def test_an_alias_is_accepted_and_equals_its_canonical_zone(alias: str, canonical: str) -> None:
    """T16."""
    assert canonical_zone(alias) == canonical
    assert canonical_zone(canonical) == canonical


@pytest.mark.parametrize(
    "name", ["", "Mars/Base", "europe/berlin", "../etc/passwd", "+02:00", "localtime", "posix/UTC", "Factory"]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        canonical_zone(name)


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Pacific/Apia",
        "America/Caracas",
        "Asia/Kathmandu",
        "Antarctica/Troll",
        "America/Santiago",
        "UTC",
    ],
)
def test_pieces_cover_time_without_gaps_and_have_the_offsets_of_the_zone(zone: str) -> None:
    start, end = minute("1993-01-01T00:00"), minute("2040-01-01T00:00")

    found = pieces(zone, start, end)

    assert found[0].start <= start
    assert found[-1].end >= end
    assert all(before.end == after.start for before, after in itertools.pairwise(found))
    assert all(before.offset != after.offset for before, after in itertools.pairwise(found))
    for piece in found:
        for at in (piece.start, piece.end - 1):
            local = datetime.fromtimestamp(at * 60, ZoneInfo(zone))
            assert local.utcoffset() == timedelta(minutes=piece.offset)


def test_dates_before_offsets_were_whole_minutes_do_not_crash() -> None:
    assert wall_minute("Africa/Monrovia", minute("1960-01-01T12:00")) == minute("1960-01-01T11:15")
    assert wall_spans("Europe/Amsterdam", minute("1900-01-01T00:00"), minute("1900-01-02T00:00"))
    assert wall_spans("Asia/Kolkata", minute("0001-01-01T00:00"), minute("9999-12-31T00:00"))


def test_a_gap_yields_nothing_and_a_fold_comes_twice() -> None:
    zone = "Europe/Berlin"

    assert wall_spans(zone, minute("2027-03-28T02:00"), minute("2027-03-28T03:00")) == []
    assert wall_spans(zone, minute("2027-10-31T02:15"), minute("2027-10-31T02:30")) == [
        (minute("2027-10-31T00:15"), minute("2027-10-31T00:30")),
        (minute("2027-10-31T01:15"), minute("2027-10-31T01:30")),
    ]


def test_a_day_that_was_skipped_holds_nothing() -> None:
    day = minute("2011-12-30T00:00")

    assert wall_spans("Pacific/Apia", day, day + 1440) == []


@pytest.mark.parametrize(
    ("zone", "first_day"),
    [
        ("Europe/Berlin", "2026-12-31"),
        ("Australia/Lord_Howe", "2027-01-01"),
        ("Antarctica/Troll", "2027-01-01"),
        ("Africa/Casablanca", "2027-01-01"),
        ("Pacific/Apia", "2011-06-01"),
        ("Pacific/Kwajalein", "1993-01-01"),
        ("Africa/Freetown", "1939-01-01"),  # two changes within four days
        ("Asia/Kathmandu", "1985-06-01"),
    ],
)
def test_wall_times_of_a_steady_day_and_the_next_are_the_instants_less_its_offset(zone: str, first_day: str) -> None:
    first = minute(f"{first_day}T00:00") // 1440
    for shift in range(0, 700, 70):  # windows may begin and end anywhere, near changes too
        days = range(first + shift, first + shift + 70)
        steady = steady_days(zone, days.start, days.stop)

        spans = {day: wall_spans(zone, day * 1440, (day + 2) * 1440) for day in days}
        even = {day: found[0] for day, found in spans.items() if len(found) == 1}

        assert {day: (day * 1440 - offset, (day + 2) * 1440 - offset) for day, offset in steady.items()} == {
            day: span for day, span in even.items() if day in steady
        }
        # A day left out has a change in reach: the clock shows another offset at its end than at its start.
        changed = [day for day in days if wall_offset(zone, day * 1440) != wall_offset(zone, (day + 2) * 1440)]
        assert len(set(days) - steady.keys()) <= 2 * len(changed) + 2


def wall_offset(zone: str, at: int) -> timedelta | None:
    """The offset the clock shows about then."""
    return datetime.fromtimestamp(at * 60, ZoneInfo(zone)).utcoffset()
