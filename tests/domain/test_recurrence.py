"""Recurrences: local times over clock changes."""

import pytest
from whenever import Instant

from kalends.domain.recurrence import Recurrence, Start, latest, starts


def weekly(count: int, interval: int = 1) -> Recurrence:
    """Recur every so many weeks."""
    return Recurrence("weekly", interval, count)


def test_wall_time_is_kept_over_clock_changes() -> None:
    """Case T02: Berlin turns its clocks on 30 March and 26 October 2031."""
    first = Instant("2031-03-23T09:00:00Z")

    found = starts(first, weekly(3), "Europe/Berlin")

    assert found == [
        Start(first, True),
        Start(Instant("2031-03-30T08:00:00Z"), True),
        Start(Instant("2031-04-06T08:00:00Z"), True),
    ]


def test_a_wall_time_that_clocks_skip_does_not_exist() -> None:
    found = starts(Instant("2031-03-29T01:30:00Z"), Recurrence("daily", 1, 3), "Europe/Berlin")

    assert found == [
        Start(Instant("2031-03-29T01:30:00Z"), True),
        Start(Instant("2031-03-30T01:30:00Z"), False),
        Start(Instant("2031-03-31T00:30:00Z"), True),
    ]


def test_of_a_wall_time_that_comes_twice_the_first_is_meant() -> None:
    found = starts(Instant("2031-10-25T00:30:00Z"), Recurrence("daily", 1, 2), "Europe/Berlin")

    assert found[1] == Start(Instant("2031-10-26T00:30:00Z"), True)


@pytest.mark.parametrize("zone", ["Pacific/Apia", "America/St_Johns", "UTC"])
def test_no_start_lies_behind_the_latest(zone: str) -> None:
    first = Instant("2011-12-01T10:00:00Z")  # Apia left a day out that month
    for again in (weekly(52, interval=52), Recurrence("daily", 1, 52), weekly(1)):
        assert starts(first, again, zone)[-1].at < latest(first, again)
