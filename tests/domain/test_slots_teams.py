"""Queues: teams of hosts, of whom one whole team is needed, and starts closed to a host (design 3.6, case G10)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.domain.rules import Ask, Bookable, Caps, HostCalendar, Refusal
from kalends.domain.slots import candidates, check, list_slots

from .build import ANYONE, LONG_AGO, at, host, listed, minute, rules, schedule, spans, verdict

NINE_TO_FIVE = schedule("09:00-17:00")
MORNING = schedule("09:00-12:00")
MONDAY = "2027-03-01"
NINE, TEN, ELEVEN, NOON = (f"2027-03-01T{hour:02}:00" for hour in (9, 10, 11, 12))


def test_one_whole_team_has_to_be_free() -> None:
    ada, bob, cy = host(MORNING, (NINE, TEN)), host(MORNING, (TEN, ELEVEN)), host(MORNING, (ELEVEN, NOON))
    pair_or_cy = Ask(teams=((0, 1), (2,)))

    assert listed(rules(60), ada, bob, cy, day=MONDAY, ask=pair_or_cy) == ["09:00", "10:00", "11:00"]
    assert verdict(rules(60), ada, bob, cy, start=NINE, ask=pair_or_cy) == Bookable((2,), (1,))
    assert verdict(rules(60), ada, bob, cy, start=ELEVEN, ask=pair_or_cy) == Bookable((0, 1), (0,))
    assert listed(rules(60), ada, bob, day=MONDAY, ask=Ask(teams=((0, 1),))) == ["11:00"]
    away = host(MORNING, (NINE, NOON))
    assert listed(rules(60), ada, bob, away, day=MONDAY, ask=pair_or_cy) == ["11:00"]


def test_all_free_teams_are_answered_and_the_hosts_of_the_first() -> None:
    three = [host(MORNING), host(MORNING, (NINE, TEN)), host(MORNING)]
    ask = Ask(teams=((2,), (1,), (0,)))

    assert verdict(rules(60), *three, start=NINE, ask=ask) == Bookable((2,), (0, 2))
    assert verdict(rules(60), *three, start=TEN, ask=ask) == Bookable((2,), (0, 1, 2))


def test_a_fixed_host_stands_beside_whoever_is_chosen() -> None:
    """G10: the main host first, the fixed one with him; without the fixed one nobody."""
    ada, bob, fixed = host(MORNING), host(MORNING, (NINE, TEN)), host(MORNING, (TEN, ELEVEN))
    ask = Ask(teams=((0, 2), (1, 2)))

    assert listed(rules(60), ada, bob, fixed, day=MONDAY, ask=ask) == ["09:00", "11:00"]
    assert verdict(rules(60), ada, bob, fixed, start=ELEVEN, ask=ask) == Bookable((0, 2), (0, 1))
    assert verdict(rules(60), ada, bob, fixed, start=TEN, ask=ask) == Refusal("slot-occupied", "claimed", 2)


def test_a_teams_ladder_stands_on_the_joint_hours_of_its_hosts() -> None:
    early, late, own = host(schedule("09:00-11:00")), host(schedule("09:20-11:00")), host(schedule("09:30-10:30"))
    ask = Ask(teams=((0, 1), (2,)))

    assert listed(rules(30), early, late, own, day=MONDAY, ask=ask) == ["09:20", "09:30", "09:50", "10:00", "10:20"]
    assert verdict(rules(30), early, late, own, start="2027-03-01T10:30", ask=ask) == Refusal("not-a-slot", host=0)


def test_the_team_that_got_furthest_is_to_blame() -> None:
    off, busy, full = host(schedule("10:00-12:00")), host(MORNING, (NINE, TEN)), host(MORNING, caps=Caps(per_day=0))

    def refusal(*teams: tuple[int, ...]) -> object:
        return verdict(rules(60), off, busy, full, start=NINE, ask=Ask(teams=teams))

    assert refusal((0,), (0, 1)) == Refusal("outside-hours", host=0)
    assert refusal((0, 2), (2, 1)) == Refusal("slot-occupied", "claimed", 1)
    assert refusal((1,), (0,), (2,)) == Refusal("cap-reached", host=2)


def test_a_host_is_not_offered_while_he_is_ahead_of_the_others() -> None:
    closed = spans("UTC", (TEN, NOON))
    ada, bob = host(MORNING, closed=closed), host(MORNING, (NINE, ELEVEN))

    assert listed(rules(60), ada, day=MONDAY) == ["09:00"]
    assert verdict(rules(60), ada, start=TEN) == Refusal("cap-reached", "lead", 0)
    assert verdict(rules(60), ada, bob, start=ELEVEN, ask=Ask(teams=((0,), (1,)))) == Bookable((1,), (1,))
    full_too = host(MORNING, closed=closed, caps=Caps(per_day=0))
    assert verdict(rules(60), full_too, start=TEN) == Refusal("cap-reached", None, 0)


def test_a_team_without_anybody_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one host"):
        Ask(teams=((0,), ()))


def test_with_teams_neither_mode_nor_a_number_of_hosts_counts() -> None:
    early, late = host(schedule("09:00-11:00")), host(schedule("09:20-11:00"))
    ask = Ask("everyone", required=2, teams=((0, 1), (1,)))

    assert listed(rules(60, 30), early, late, day=MONDAY, ask=ask) == ["09:20", "09:50"]
    assert verdict(rules(60, 30), early, late, start="2027-03-01T09:20", ask=ask) == Bookable((0, 1), (0, 1))
    assert verdict(rules(60, 30), early, late, start="2027-03-01T09:30", ask=ask) == Refusal("not-a-slot", host=0)


@given(
    order=st.permutations(range(3)),
    busy=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 300), st.integers(1, 120)), max_size=8),
)
def test_teams_of_one_are_the_same_question_as_anyone(order: list[int], busy: list[tuple[int, int, int]]) -> None:
    nine = minute(NINE)
    taken: list[list[Any]] = [[], [], []]
    for place, start, length in busy:
        taken[place].append((nine + start, nine + start + length))
    hosts = [HostCalendar(place, NINE_TO_FIVE, "UTC", sorted(taken[place])) for place in range(3)]
    ask = Ask(teams=tuple((place,) for place in order))
    window = at(NINE), at("2027-03-01T17:00")

    found = list_slots(rules(60, 30), hosts, ask, *window, LONG_AGO).starts

    ordered = [hosts[place] for place in order]
    assert found == list_slots(rules(60, 30), ordered, ANYONE, *window, LONG_AGO).starts
    for start in found:
        either = check(rules(60, 30), ordered, ANYONE, at("1970-01-01T00:00").add(minutes=start), LONG_AGO)
        chosen = check(rules(60, 30), hosts, ask, at("1970-01-01T00:00").add(minutes=start), LONG_AGO)
        assert isinstance(chosen, Bookable)
        assert isinstance(either, Bookable)
        assert chosen.hosts == tuple(order[place] for place in either.hosts)


def test_candidates_are_what_hours_and_ladders_permit() -> None:
    full = host(schedule("09:00-12:00"), (NINE, NOON), caps=Caps(per_day=0))
    window = at("2027-03-01T10:00"), at("2027-03-02T10:00")

    assert candidates(rules(60, notice=10**6), [full], ANYONE, *window) == [
        minute(TEN),
        minute(ELEVEN),
        minute("2027-03-02T09:00"),
    ]
    assert candidates(rules(60), [full], Ask(required=2), *window) == []
    assert candidates(rules(60), [full, host(schedule("11:00-12:00"))], Ask(required=2), *window) == [minute(ELEVEN)]
