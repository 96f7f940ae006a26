"""How long to wait after failures."""

from collections.abc import Callable
from itertools import takewhile

import pytest

from kalends.domain import retry


def test_a_mail_is_tried_for_about_a_day_and_each_wait_is_as_long_as_the_one_before_or_longer() -> None:
    waits = [wait for wait in takewhile(bool, map(retry.mail_delay, range(1, 100))) if wait]

    assert waits[:3] == [10, 60, 300]
    assert waits == sorted(waits)
    assert 20 * 3600 < sum(waits) < 28 * 3600


def test_a_broken_job_comes_back_ten_times_within_five_minutes_each() -> None:
    assert [retry.job_delay(n) for n in (1, 2, 5, 10, 11)] == [1, 4, 256, 300, None]


def test_a_calendar_is_never_given_up() -> None:
    assert [retry.calendar_delay(n) for n in (1, 2, 9, 10, 100)] == [10, 60, 8 * 3600, 8 * 3600, 8 * 3600]


@pytest.mark.parametrize("delay", [retry.mail_delay, retry.calendar_delay, retry.job_delay])
def test_nothing_failed_is_a_mistake(delay: Callable[[int], int | None]) -> None:
    with pytest.raises(ValueError):
        delay(0)
