"""Several hosts, the order of refusals, and what has to be loaded (design 3.6, contract 6.6)."""

from typing import Any

import pytest

from kalends.domain.rules import Ask, Bookable, BookingWindow, Caps, HostCalendar, Refusal, Rules
from kalends.domain.slots import check, first_start, horizon, list_slots, reach

from .build import (
    ANYONE,
    EVERYONE,
    LONG_AGO,
    at,
    host,
    listed,
    minute,
    opening,
    rules,
    schedule,
    verdict,
)

NINE_TO_FIVE = schedule("09:00-17:00")
MONDAY = "2027-03-01"


# --- several hosts


def test_anyone_offers_the_union_of_the_hosts_own_ladders() -> None:
    early, late = host(schedule("09:00-11:00")), host(schedule("09:20-11:00"))

    assert listed(rules(60, 30), early, late, day=MONDAY) == ["09:00", "09:20", "09:30", "09:50", "10:00"]
    assert verdict(rules(60, 30), early, late, start="2027-03-01T09:20") == Bookable((1,))
    assert verdict(rules(60, 30), late, early, start="2027-03-01T09:30") == Bookable((1,))


def test_the_first_bookable_host_in_the_order_given_takes_the_start() -> None:
    busy, free = host(NINE_TO_FIVE, ("2027-03-01T09:00", "2027-03-01T10:00")), host(NINE_TO_FIVE)

    assert verdict(rules(60), busy, free, start="2027-03-01T09:00") == Bookable((1,))
    assert verdict(rules(60), busy, free, start="2027-03-01T10:00") == Bookable((0,))


def test_a_host_free_for_half_of_a_slot_is_not_chosen() -> None:
    """S14."""
    half, whole = host(NINE_TO_FIVE, ("2027-03-01T10:00", "2027-03-01T11:00")), host(NINE_TO_FIVE)

    assert verdict(rules(120), half, whole, start="2027-03-01T09:00") == Bookable((1,))


@pytest.mark.parametrize(
    ("required", "expected"), [(255, ["09:00", "10:00", "11:00"]), (256, ["09:00", "10:00"]), (257, ["09:00"])]
)
def test_more_hosts_than_a_byte_counts_can_be_required(required: int, expected: list[str]) -> None:
    """Of 301 hosts 301 are free at nine, 256 at ten, 255 at eleven and 45 at twelve."""
    hours, hosts = schedule("09:00-13:00"), []
    for number in range(301):
        begins = min(at for at, free in ((10, 256), (11, 255), (12, 45), (13, 0)) if number >= free)
        hosts.append(host(hours, (f"{MONDAY}T{begins}:00", f"{MONDAY}T14:00")))

    assert listed(rules(60), *hosts, day=MONDAY, ask=Ask("anyone", required=required)) == expected


def test_everyone_meets_on_the_ladder_of_the_joint_hours() -> None:
    one = host(schedule("09:00-12:00"), ("2027-03-01T10:30", "2027-03-01T10:40"))
    other = host(schedule("09:10-11:40"))
    asked = rules(30)

    assert listed(asked, one, other, day=MONDAY, ask=EVERYONE) == ["09:10", "09:40", "10:40", "11:10"]
    assert verdict(asked, one, other, start="2027-03-01T09:40", ask=EVERYONE) == Bookable((0, 1))
    assert verdict(asked, one, other, start="2027-03-01T10:10", ask=EVERYONE) == Refusal("slot-occupied", "claimed", 0)
    assert verdict(asked, one, other, start="2027-03-01T09:00", ask=EVERYONE) == Refusal("outside-hours", host=1)


def test_n_of_m_needs_so_many_free_for_the_whole_span() -> None:
    hosts = [
        host(schedule("09:00-12:00")),
        host(schedule("09:00-12:00"), ("2027-03-01T09:00", "2027-03-01T10:00")),
        host(schedule("09:30-12:00"), ("2027-03-01T11:00", "2027-03-01T12:00")),
    ]
    two, all_three = Ask("anyone", required=2), Ask("anyone", required=3)

    assert listed(rules(60), *hosts, day=MONDAY, ask=two) == ["09:30", "10:00", "10:30", "11:00"]
    assert listed(rules(60), *hosts, day=MONDAY, ask=all_three) == ["10:00"]
    assert verdict(rules(60), *hosts, start="2027-03-01T09:30", ask=two) == Bookable((0, 2))
    assert verdict(rules(60), *hosts, start="2027-03-01T10:00", ask=two) == Bookable((0, 1))
    assert verdict(rules(60), *hosts, start="2027-03-01T09:00", ask=two) == Refusal("slot-occupied", "claimed", 1)


def test_of_several_hosts_the_one_who_got_furthest_decides() -> None:
    closed, off = host(schedule("10:00-12:00")), host(schedule("08:30-12:00"))
    busy, full = host(NINE_TO_FIVE, ("2027-03-01T09:00", "2027-03-01T10:00")), host(NINE_TO_FIVE, caps=Caps(per_day=0))

    def refusal(*hosts: HostCalendar, ask: Ask = ANYONE) -> object:
        return verdict(rules(60), *hosts, start="2027-03-01T09:00", ask=ask)

    assert refusal(closed, off) == Refusal("not-a-slot", host=1)
    assert refusal(busy, busy) == Refusal("slot-occupied", "claimed", 0)  # of two who got equally far, the first
    assert refusal(closed, busy, off) == Refusal("slot-occupied", "claimed", 1)
    assert refusal(full, closed, busy, off) == Refusal("cap-reached", host=0)
    assert refusal(full, closed, busy, off, ask=EVERYONE) == Refusal("outside-hours", host=1)


# --- refusals and their order


@pytest.mark.parametrize(
    ("more", "start", "code"),
    [
        ({"enabled": False, "allowed_durations": (15,)}, "2027-03-01T09:00", "meeting-type-disabled"),
        ({"allowed_durations": (15, 30)}, "1999-03-01T09:00", "duration-not-allowed"),
        ({"notice": 60}, "2027-02-28T12:30", "too-soon"),
        ({"window": BookingWindow("limit", 60)}, "2027-03-01T03:00", "too-far"),
        ({}, "2027-03-01T03:07", "outside-hours"),
        ({}, "2027-03-01T16:00:01", "outside-hours"),
        ({}, "2027-03-01T10:10", "not-a-slot"),
        ({}, "2027-03-01T11:00:30", "not-a-slot"),
        ({"buffer_after": 10, "caps": Caps(per_day=0)}, "2027-03-01T11:00", "slot-occupied"),
        ({"caps": Caps(per_day=0)}, "2027-03-01T11:00", "cap-reached"),
    ],
)
def test_the_first_rule_broken_decides(more: dict[str, Any], start: str, code: str) -> None:
    """S04: a client that skips the list gets the precise code."""
    one = host(NINE_TO_FIVE, ("2027-03-01T12:00", "2027-03-01T13:00"))
    asked = rules(60, **more)

    refused = verdict(asked, one, start=start, now=at("2027-02-28T12:00"))

    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_without_enough_hosts_nothing_is_offered() -> None:
    one = host(NINE_TO_FIVE)

    for hosts, ask in (([], ANYONE), ([], EVERYONE), ([one], Ask("anyone", required=2))):
        assert check(rules(60), hosts, ask, at("2027-03-01T09:00"), LONG_AGO) == Refusal("host-not-allowed")
        window = at("2027-03-01T00:00"), at("2027-03-02T00:00")
        assert list_slots(rules(60), hosts, ask, *window, LONG_AGO).starts == []


def test_a_disabled_type_lists_nothing() -> None:
    assert listed(rules(60, enabled=False), host(NINE_TO_FIVE), day=MONDAY) == []


@pytest.mark.parametrize("wrong", [{"duration": 0}, {"interval": -5}, {"buffer_before": -1}, {"notice": -1}])
def test_lengths_that_make_no_sense_are_a_mistake(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must be positive|cannot be negative"):
        rules(**({"duration": 60} | wrong))


# --- what has to be loaded, and the earliest start


def test_reach_covers_padding_and_whole_periods_in_any_zone() -> None:
    start, end = at("2027-03-10T00:00"), at("2027-03-12T00:00")

    assert reach(rules(60, buffer_before=15, buffer_after=30), start, end) == (
        at("2027-03-09T23:45"),
        at("2027-03-12T01:30"),
    )
    by_month = reach(rules(60, caps=Caps(per_month=3)), start, end)
    assert by_month[0] <= at("2027-03-01T00:00", "Pacific/Kiritimati")
    assert by_month[1] >= at("2027-04-01T00:00", "Pacific/Pago_Pago")
    by_week = reach(rules(60), start, end, caps=[Caps(), Caps(per_week=1)])
    assert by_week[0] <= at("2027-03-08T00:00", "Pacific/Kiritimati")
    assert by_week[1] >= at("2027-03-15T00:00", "Pacific/Pago_Pago")


def test_the_earliest_start_is_found_however_far_it_lies() -> None:
    one = host(schedule("", "Europe/Berlin", opening("2027-12-24T09:00", "2027-12-24T10:00")))
    now = at("2027-01-01T12:00")
    asked = rules(30, zone="Europe/Berlin")

    def earliest(asked: Rules) -> int | None:
        return first_start(asked, [one], ANYONE, now, horizon(asked, now, now), now)

    assert earliest(asked) == minute("2027-12-24T09:00", "Europe/Berlin")
    assert earliest(rules(30, window=BookingWindow("limit", 86400))) is None
    assert horizon(asked, now, now) == at("2028-01-02T12:00")
