"""Rooms and things: their own hours, buffers and units (design 3.6)."""

import pytest

from kalends.domain.resources import Place, assigned
from kalends.domain.rules import Bookable, Caps, Refusal
from kalends.domain.slots import first_start, reach

from .build import ANYONE, LONG_AGO, at, host, listed, minute, needs, room, rules, schedule, spans, verdict

MORNING = schedule("09:00-12:00")
ALWAYS = schedule("00:00-24:00")
MONDAY = "2027-03-01"
NINE, TEN, ELEVEN, NOON = (f"2027-03-01T{hour:02}:00" for hour in (9, 10, 11, 12))
HOST = host(MORNING)


def taken(*pairs: tuple[str, str]) -> list[tuple[int, int]]:
    return spans("UTC", *pairs)


def test_a_room_has_to_be_open_for_the_appointment_and_never_shapes_the_ladder() -> None:
    late = needs(room(schedule("09:20-11:50"), []))

    assert listed(rules(30), HOST, day=MONDAY, resources=(late,)) == ["09:30", "10:00", "10:30", "11:00"]
    assert verdict(rules(30), HOST, start="2027-03-01T11:30", resources=(late,)) == Refusal("outside-hours", resource=0)
    assert verdict(rules(30), HOST, start="2027-03-01T11:20:30", resources=(late,)) == Refusal(
        "outside-hours", resource=0
    )


def test_its_own_buffers_have_to_be_free_but_not_open() -> None:
    cleaned = needs(room(schedule("09:00-12:00"), taken((ELEVEN, "2027-03-01T11:30")), before=10, after=15))
    asked = rules(30, 15, buffers_within_hours=True)

    assert listed(asked, HOST, day=MONDAY, resources=(cleaned,)) == [
        "09:00",
        "09:15",
        "09:30",
        "09:45",
        "10:00",
        "10:15",
    ]
    assert verdict(asked, HOST, start="2027-03-01T10:30", resources=(cleaned,)) == Refusal(
        "slot-occupied", "buffer", resource=0
    )
    assert verdict(asked, HOST, start="2027-03-01T10:45", resources=(cleaned,)) == Refusal(
        "slot-occupied", "claimed", resource=0
    )


def test_the_hosts_buffers_do_not_matter_to_a_room() -> None:
    busy = needs(room(ALWAYS, taken((TEN, ELEVEN))))

    assert listed(rules(60, buffer_before=60, buffer_after=60), HOST, day=MONDAY, resources=(busy,)) == [
        "09:00",
        "11:00",
    ]


def test_the_lowest_free_unit_is_taken() -> None:
    chairs = needs(room(ALWAYS, taken((NINE, TEN)), taken((TEN, NOON)), []))

    assert verdict(rules(60), HOST, start=NINE, resources=(chairs,)) == Bookable((0,), (), ((0, 1),))
    assert verdict(rules(60), HOST, start=TEN, resources=(chairs,)) == Bookable((0,), (), ((0, 0),))
    assert listed(rules(120, 60), HOST, day=MONDAY, resources=(chairs,)) == ["09:00", "10:00"]


def test_of_a_group_of_rooms_the_first_free_one_is_taken() -> None:
    first, second = room(schedule("10:00-12:00"), taken((TEN, ELEVEN)), name="a"), room(ALWAYS, [], name="b")
    either, projector = needs(first, second), needs(room(ALWAYS, taken((ELEVEN, NOON)), name="p"))

    assert verdict(rules(60), HOST, start=TEN, resources=(projector, either)) == Bookable((0,), (), ((0, 0), (1, 0)))
    assert verdict(rules(60), HOST, start=ELEVEN, resources=(either,)) == Bookable((0,), (), ((0, 0),))
    assert verdict(rules(60), HOST, start=ELEVEN, resources=(either, projector)) == Refusal(
        "slot-occupied", "claimed", resource=1
    )


def test_two_resources_never_have_the_same_unit() -> None:
    shared, other = room(ALWAYS, [], name="shared"), room(ALWAYS, taken((TEN, ELEVEN)), name="other")
    any_room, that_room = needs(shared, other), needs(shared)

    assert verdict(rules(60), HOST, start=NINE, resources=(any_room, that_room)) == Bookable((0,), (), ((1, 0), (0, 0)))
    assert verdict(rules(60), HOST, start=TEN, resources=(any_room, that_room)) == Refusal(
        "slot-occupied", "claimed", resource=1
    )
    assert listed(rules(60), HOST, day=MONDAY, resources=(any_room, that_room)) == ["09:00", "11:00"]


def test_hosts_come_before_resources_in_each_rule_and_rules_in_their_order() -> None:
    shut, busy = needs(room(schedule("11:00-12:00"), [])), needs(room(ALWAYS, taken((NINE, NOON))))
    off, full = host(schedule("09:10-12:00")), host(MORNING, caps=Caps(per_day=0))

    assert verdict(rules(60), off, start=NINE, resources=(shut,)) == Refusal("outside-hours", host=0)
    assert verdict(rules(60), off, start=TEN, resources=(busy, shut)) == Refusal("outside-hours", resource=1)
    assert verdict(rules(60), off, start=TEN, resources=(busy,)) == Refusal("not-a-slot", host=0)
    assert verdict(rules(60), full, start=TEN, resources=(busy,)) == Refusal("slot-occupied", "claimed", resource=0)


def test_a_resource_without_a_choice_or_a_unit_is_never_to_be_had() -> None:
    for missing, code in ((needs(), "outside-hours"), (needs(room(ALWAYS)), "slot-occupied")):
        assert listed(rules(60), HOST, day=MONDAY, resources=(missing,)) == []
        refused = verdict(rules(60), HOST, start=TEN, resources=(missing,))
        assert isinstance(refused, Refusal)
        assert (refused.code, refused.resource) == (code, 0)


def test_the_earliest_start_waits_for_the_room() -> None:
    closed_for_weeks = needs(room(ALWAYS, taken(("2027-03-01T00:00", "2027-03-20T10:30"))))

    assert first_start(
        rules(60), [HOST], ANYONE, at(NINE), at("2027-05-01T00:00"), LONG_AGO, (closed_for_weeks,)
    ) == minute("2027-03-20T11:00")


def test_reach_covers_the_buffers_of_resources() -> None:
    window = at("2027-03-10T00:00"), at("2027-03-12T00:00")

    assert reach(rules(60, buffer_before=15, buffer_after=30), *window, buffers=[(5, 45), (20, 0)]) == (
        at("2027-03-09T23:40"),
        at("2027-03-12T01:45"),
    )


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ([], ""),
        (["ab", "ab"], "ab"),
        (["ab", "a"], "ba"),
        (["abc", "ab", "a"], "cba"),
        (["ab", "a", "b"], "ab"),
        (["a", "", "b"], "a"),
    ],
)
def test_units_are_given_so_that_as_many_resources_as_can_be_are_served(wanted: list[str], given: str) -> None:
    free = [[Place(0, number, host) for number, host in enumerate(hosts)] for hosts in wanted]

    assert len(assigned(free)) == len(given)
    assert {place.host for place in assigned(free)} == set(given)
    if len(given) == len(wanted):
        assert "".join(str(place.host) for place in assigned(free)) == given
