"""Zones as pieces of constant offset, held against the standard library; names and their aliases."""

import itertools
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kalends.domain.zones import canonical_zone, pieces, wall_minute, wall_spans

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
