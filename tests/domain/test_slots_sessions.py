"""Group appointments with free seats stay offered (design 3.7, case G04)."""

from typing import Any

import pytest

from kalends.domain.rules import Ask, BookingWindow, Caps, Joinable, Refusal
from kalends.domain.slots import check, first_start, horizon, list_slots

from .build import ANYONE, LONG_AGO, at, block, host, listed, minute, needs, room, rules, schedule, verdict

MORNING = schedule("09:00-12:00")
MONDAY = "2027-03-01"
TEN, ODD, NIGHT = "2027-03-01T10:00", "2027-03-01T10:20", "2027-03-01T23:10"
SESSIONS = [minute(NIGHT), minute(ODD), minute(TEN)]


def test_a_session_is_offered_off_ladder_hours_and_caps_and_while_its_own_time_is_taken() -> None:
    """G04: its own claim and calendar event stand there."""
    taken = (("2027-03-01T10:00", "2027-03-01T11:20"),)
    one = host(schedule("09:00-12:00", "UTC", block("2027-03-01T09:00", "2027-03-01T12:00")), *taken, events=taken)
    asked = rules(60, caps=Caps(per_day=0), sessions=SESSIONS)

    assert listed(asked, one, day=MONDAY) == ["10:00", "10:20", "23:10"]
    for start in (TEN, ODD, NIGHT):
        assert verdict(asked, one, start=start) == Joinable()
    assert verdict(asked, one, start="2027-03-01T10:20:30") == Refusal("outside-hours", host=0)
    assert verdict(asked, one, start="2027-03-01T10:40") == Refusal("outside-hours", host=0)


def test_other_starts_are_offered_beside_it() -> None:
    assert listed(rules(60, sessions=SESSIONS), host(MORNING, (TEN, "2027-03-01T11:00")), day=MONDAY) == [
        "09:00",
        "10:00",
        "10:20",
        "11:00",
        "23:10",
    ]


def test_a_window_ends_before_the_session_at_its_end() -> None:
    found = list_slots(rules(60, sessions=SESSIONS), [host(schedule(""))], ANYONE, at(TEN), at(ODD), LONG_AGO)

    assert found.starts == [minute(TEN)]


def test_a_session_needs_no_room() -> None:
    full = needs(room(schedule("09:00-10:00"), [(minute("2027-03-01T00:00"), minute("2027-03-02T00:00"))]))

    assert listed(rules(60, sessions=SESSIONS), host(MORNING), day=MONDAY, resources=(full,)) == [
        "10:00",
        "10:20",
        "23:10",
    ]
    assert verdict(rules(60, sessions=SESSIONS), host(MORNING), start=TEN, resources=(full,)) == Joinable()


@pytest.mark.parametrize(
    ("more", "ask", "code"),
    [
        ({"enabled": False}, ANYONE, "meeting-type-disabled"),
        ({"allowed_durations": (30,)}, ANYONE, "duration-not-allowed"),
        ({}, Ask(required=2), "host-not-allowed"),
        ({"notice": 48 * 60}, ANYONE, "too-soon"),
        ({"window": BookingWindow("limit", 60, "rolling")}, ANYONE, "too-far"),
    ],
)
def test_the_rules_before_hours_hold_for_sessions_too(more: dict[str, Any], ask: Ask, code: str) -> None:
    asked, now = rules(60, sessions=SESSIONS, **more), at("2027-02-28T12:00")

    assert listed(asked, host(MORNING), day=MONDAY, ask=ask, now=now) == []
    refused = verdict(asked, host(MORNING), start=TEN, ask=ask, now=now)
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_the_earliest_start_may_be_a_session() -> None:
    asked = rules(60, sessions=[minute("2027-06-01T03:00")])
    closed = host(schedule(""))

    assert first_start(asked, [closed], ANYONE, at(TEN), horizon(asked, at(TEN), LONG_AGO), LONG_AGO) == minute(
        "2027-06-01T03:00"
    )
    assert first_start(asked, [closed], ANYONE, at("2027-06-01T03:01"), at("2027-07-01T03:00"), LONG_AGO) is None


def test_a_listed_session_can_be_joined_five_minutes_longer() -> None:
    asked = rules(60, sessions=SESSIONS, notice=60)
    now = at("2027-03-01T09:00:30")

    assert listed(asked, host(schedule("")), day=MONDAY, now=now) == ["10:20", "23:10"]
    assert check(asked, [host(schedule(""))], ANYONE, at(TEN), now) == Joinable()
    assert check(asked, [host(schedule(""))], ANYONE, at(TEN), now, grace_minutes=0) == Refusal("too-soon")
