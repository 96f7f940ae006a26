"""Queues: who takes a booking, why, and who is not offered because he is ahead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant, ZonedDateTime

from kalends.domain import assignment, leads
from kalends.domain.assignment import Candidate, QueueType, Ranked, choose, levelled, rank
from kalends.domain.caps import Period
from kalends.domain.leads import Standing, Turn, ahead
from kalends.domain.zones import wall_spans

A, B, C, D = (UUID(int=n) for n in range(1, 5))
FOUNDED = Instant("2031-01-01T00:00:00Z")
SOON = FOUNDED.add(hours=1)
EQUAL_CASES: list[tuple[QueueType, str]] = [
    ("simpleRoundRobin", "count"),
    ("advancedRoundRobin", "weight"),
    ("equalDistribution", "weight"),
]


def at(local: str, zone: str = "Europe/Berlin") -> int:
    """Read a local time as epoch minutes."""
    return ZonedDateTime(f"{local}[{zone}]").timestamp() // 60


def turns(*local: str, made: Instant = SOON) -> list[Turn]:
    return [Turn(at(one), made) for one in local]


def book(queue_type: QueueType, members: Sequence[Candidate], bookings: int) -> list[Candidate]:
    """Give one booking after the other to whoever is first, everybody being free."""
    standing = {one.member_id: one for one in members}
    for number in range(bookings):
        best = standing[rank(queue_type, list(standing.values()))[0].member_id]
        chosen = FOUNDED.add(minutes=number)
        standing[best.member_id] = replace(best, count=best.count + 1, last_chosen=chosen)
    return list(standing.values())


@pytest.mark.parametrize(
    ("queue_type", "candidates", "expected"),
    [
        ("simpleRoundRobin", [Candidate(A, 7)], [(A, "only-one")]),
        ("simpleRoundRobin", [Candidate(A, 2), Candidate(B, 1)], [(B, "fewest-bookings"), (A, "last")]),
        (
            "simpleRoundRobin",
            [Candidate(A, 1, baseline=1.5), Candidate(B, 2)],
            [(B, "fewest-bookings"), (A, "last")],
        ),
        (
            "simpleRoundRobin",
            [Candidate(A, 1, last_chosen=FOUNDED.add(hours=1)), Candidate(B, 1, last_chosen=FOUNDED)],
            [(B, "longest-not-chosen"), (A, "last")],
        ),
        (
            "simpleRoundRobin",
            [Candidate(A, 1, last_chosen=FOUNDED), Candidate(B, 0, baseline=1.0)],
            [(B, "longest-not-chosen"), (A, "last")],
        ),
        (
            "simpleRoundRobin",
            [Candidate(A, 0, position=2), Candidate(B, 0, position=1)],
            [(B, "position"), (A, "last")],
        ),
        (
            "simpleRoundRobin",
            [Candidate(A, 2, capacity=9, priority=9), Candidate(B, 1)],
            [(B, "fewest-bookings"), (A, "last")],
        ),
        (
            "advancedRoundRobin",
            [Candidate(A, 0), Candidate(B, 9, priority=1), Candidate(C, 8, priority=1)],
            [(C, "fewest-bookings"), (B, "highest-priority"), (A, "last")],
        ),
        (
            "advancedRoundRobin",
            [Candidate(A, 3), Candidate(B, 5, capacity=2)],
            [(B, "fewest-bookings"), (A, "last")],
        ),
        (
            "equalDistribution",
            [Candidate(A, 3, priority=9), Candidate(B, 5, capacity=2)],
            [(B, "fewest-bookings"), (A, "last")],
        ),
    ],
)
def test_members_are_ranked_and_each_place_says_why(
    queue_type: QueueType, candidates: list[Candidate], expected: list[tuple[UUID, assignment.Reason]]
) -> None:
    assert rank(queue_type, candidates) == [Ranked(*one) for one in expected]


@given(st.sampled_from(EQUAL_CASES), st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 60))
def test_with_everybody_free_bookings_are_spread_evenly(
    case: tuple[QueueType, str], capacities: list[int], bookings: int
) -> None:
    queue_type, by = case
    members = [Candidate(UUID(int=n), 0, capacity=size, position=n) for n, size in enumerate(capacities)]

    after = book(queue_type, members, bookings)

    assert sum(one.count for one in after) == bookings
    shares = {one.member_id: 1 if by == "count" else one.capacity for one in after}
    least = min(one.count / shares[one.member_id] for one in after)
    assert all(one.count <= least * shares[one.member_id] + 1 for one in after)


@given(st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=3, unique=True), st.integers(0, 4), st.integers(0, 4))
def test_the_best_of_the_free_is_chosen_and_the_facts_of_all_are_kept(free: list[UUID], had: int, other: int) -> None:
    members = [Candidate(A, had), Candidate(B, other, position=1), Candidate(C, 2, position=2)]

    choice = choose("simpleRoundRobin", members, free)

    assert choice.member_id == rank("simpleRoundRobin", [one for one in members if one.member_id in free])[0].member_id
    assert next(fact["memberId"] for fact in choice.candidates if fact["free"]) == str(choice.member_id)
    assert {UUID(fact["memberId"]): fact["count"] for fact in choice.candidates} == {A: had, B: other, C: 2}
    assert {UUID(fact["memberId"]) for fact in choice.candidates if fact["free"]} == set(free)


def test_nobody_free_is_misuse() -> None:
    with pytest.raises(ValueError, match="free"):
        choose("simpleRoundRobin", [Candidate(A, 0)], [])


@pytest.mark.parametrize("queue_type", ["simpleRoundRobin", "advancedRoundRobin", "equalDistribution"])
@pytest.mark.parametrize("capacity", [1, 2])
def test_a_newcomer_is_not_flooded(queue_type: QueueType, capacity: int) -> None:
    """Case G07: after 500 bookings the newcomer takes his share of what comes, no more and not less."""
    settled = book(queue_type, [Candidate(one, 0, position=n) for n, one in enumerate((A, B, C))], 500)
    newcomer = Candidate(D, 0, capacity=capacity, position=9)
    baselines = levelled(queue_type, settled, queue_type, [*settled, newcomer])

    after = book(queue_type, [*settled, replace(newcomer, baseline=baselines[D])], 60)

    assert set(baselines) == {D}
    takes = 60 * capacity / (3 + capacity) if queue_type != "simpleRoundRobin" else 15
    assert abs(next(one.count for one in after if one.member_id == D) - takes) <= 2


@pytest.mark.parametrize(
    ("type_before", "type_after", "changed", "expected"),
    [
        # Who comes back: his old bookings are no head start, and no penalty.
        ("simpleRoundRobin", "simpleRoundRobin", [Candidate(A, 10), Candidate(B, 20), Candidate(C, 40)], {C: -25.0}),
        ("simpleRoundRobin", "simpleRoundRobin", [Candidate(C, 4)], {C: -4.0}),
        (
            "advancedRoundRobin",
            "advancedRoundRobin",
            [Candidate(A, 10), Candidate(B, 20), Candidate(C, 0, capacity=2)],
            {C: 30.0},
        ),
        # A newcomer stands beside those of his priority, where there are any.
        (
            "advancedRoundRobin",
            "advancedRoundRobin",
            [Candidate(A, 10), Candidate(B, 20), Candidate(C, 100, priority=3), Candidate(D, 0)],
            {D: 15.0},
        ),
        # So does who is given another priority.
        (
            "advancedRoundRobin",
            "advancedRoundRobin",
            [Candidate(A, 10), Candidate(B, 20, priority=3), Candidate(C, 100, priority=3)],
            {B: 80.0},
        ),
        ("advancedRoundRobin", "advancedRoundRobin", [Candidate(A, 10), Candidate(B, 20, priority=5)], {}),
        ("simpleRoundRobin", "simpleRoundRobin", [Candidate(A, 10), Candidate(B, 20, priority=3)], {}),
        # Another capacity keeps the weight, where capacities are counted.
        ("advancedRoundRobin", "advancedRoundRobin", [Candidate(A, 10), Candidate(B, 20, capacity=3)], {B: 40.0}),
        ("simpleRoundRobin", "simpleRoundRobin", [Candidate(A, 10), Candidate(B, 20, capacity=3)], {}),
        # Another type: all start level.
        (
            "simpleRoundRobin",
            "equalDistribution",
            [Candidate(A, 10), Candidate(B, 20, capacity=2)],
            {A: 5.0, B: 10.0},
        ),
    ],
)
def test_after_a_change_nobody_is_flooded_and_nobody_starves(
    type_before: QueueType, type_after: QueueType, changed: list[Candidate], expected: dict[UUID, float]
) -> None:
    before = [Candidate(A, 10), Candidate(B, 20), Candidate(C, 100, priority=3)]
    known = {(one.member_id, one.count) for one in before} & {(one.member_id, one.count) for one in changed}

    found = levelled(type_before, [one for one in before if (one.member_id, one.count) in known], type_after, changed)

    assert found == expected


def test_a_newcomer_in_the_middle_of_a_period_is_counted_at_the_mean() -> None:
    """Case G07, for what is counted by the period: equalDistribution and maxLeadThreshold."""
    joined = FOUNDED.add(hours=24 * 10)
    before, later = FOUNDED.add(hours=1), joined.add(hours=1)
    early = [
        Standing(A, 1, FOUNDED, turns(*["2031-01-20T10:00"] * 6, made=before)),
        Standing(B, 2, FOUNDED, turns(*["2031-01-20T10:00"] * 4, made=before) + turns("2031-01-21T10:00", made=later)),
    ]
    newcomer = Standing(C, 2, joined, turns("2031-01-22T10:00", made=later))

    simple = leads.head_starts("simpleRoundRobin", [*early, newcomer])
    per_capacity = leads.head_starts("equalDistribution", [newcomer, *early])

    assert simple == {A: 0.0, B: 0.0, C: 5.0}
    assert per_capacity == {A: 0.0, B: 0.0, C: 8.0}
    assert leads.leaders("simpleRoundRobin", 3, [*early, newcomer]) == set()
    assert leads.leaders("simpleRoundRobin", 3, [*early, replace(newcomer, joined=FOUNDED)]) == {A, B}


def test_newcomers_who_came_one_after_the_other_all_start_at_the_mean() -> None:
    made = FOUNDED.add(hours=1)
    standings = [
        Standing(C, 1, FOUNDED.add(hours=3)),
        Standing(B, 1, FOUNDED.add(hours=2)),
        Standing(A, 1, FOUNDED, turns(*["2031-01-20T10:00"] * 6, made=made)),
    ]

    assert leads.head_starts("simpleRoundRobin", standings) == {A: 0.0, B: 6.0, C: 6.0}


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        ("day", "2031-03-30T00:00", "2031-03-31T00:00"),  # 23 hours long
        ("week", "2031-03-24T00:00", "2031-03-31T00:00"),
        ("month", "2031-03-01T00:00", "2031-04-01T00:00"),
    ],
)
def test_who_is_ahead_is_closed_for_the_whole_local_period_and_no_longer(
    period: Period, first: str, after: str
) -> None:
    standings = [
        Standing(A, 1, FOUNDED, turns("2031-03-30T10:00", "2031-03-30T23:30")),
        Standing(B, 1, FOUNDED, turns("2031-04-10T10:00")),
    ]

    closed = ahead("simpleRoundRobin", 2, period, "Europe/Berlin", standings)

    assert closed == {A: [(at(first), at(after))]}


def test_a_lead_below_the_threshold_closes_nothing() -> None:
    standings = [
        Standing(A, 1, FOUNDED, turns("2031-03-03T10:00", "2031-03-04T10:00", "2031-03-05T10:00")),
        Standing(B, 1, FOUNDED, turns("2031-03-05T12:00")),
        Standing(C, 1, FOUNDED, turns("2031-03-05T12:00", "2031-03-06T12:00")),
    ]

    assert set(ahead("simpleRoundRobin", 3, "month", "Europe/Berlin", standings)) == set()
    assert set(ahead("simpleRoundRobin", 2, "month", "Europe/Berlin", standings)) == {A}
    assert set(ahead("simpleRoundRobin", 1, "month", "Europe/Berlin", standings)) == {A, C}
    assert set(ahead("simpleRoundRobin", 1, "month", "Europe/Berlin", standings[:1])) == set()


def test_a_lead_is_measured_by_the_share_where_the_type_counts_so() -> None:
    standings = [
        Standing(A, 3, FOUNDED, turns(*["2031-03-03T10:00"] * 4)),
        Standing(B, 1, FOUNDED, turns("2031-03-05T12:00")),
    ]

    assert set(ahead("simpleRoundRobin", 2, "month", "Europe/Berlin", standings)) == {A}
    assert set(ahead("equalDistribution", 2, "month", "Europe/Berlin", standings)) == set()
    assert set(ahead("equalDistribution", 1, "month", "Europe/Berlin", standings)) == {A}


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(0, 24 * 60)), max_size=25), st.integers(1, 3))
def test_with_a_threshold_nobody_gets_further_ahead_than_that(drawn: list[tuple[UUID, int]], most: int) -> None:
    """Whoever is asked for and not closed is booked: within a day the counts never part by more than the threshold."""
    had: dict[UUID, list[Turn]] = {A: [], B: [], C: []}
    for member, hour in drawn:
        start = at("2031-03-03T00:00") + hour
        standings = [Standing(one, 1, FOUNDED, own) for one, own in had.items()]
        closed = ahead("simpleRoundRobin", most, "day", "Europe/Berlin", standings).get(member, [])
        if not any(first <= start < last for first, last in closed):
            had[member].append(Turn(start, FOUNDED.add(minutes=1)))

    days = {
        leads.period_of("day", "Europe/Berlin", at("2031-03-03T00:00")),
        leads.period_of("day", "Europe/Berlin", at("2031-03-04T00:00")),
    }
    for day in days:
        counts = Counter(
            member
            for member, own in had.items()
            for turn in own
            if leads.period_of("day", "Europe/Berlin", turn.start) == day
        )
        assert max(counts.values(), default=0) - min(counts[one] for one in had) <= most


def test_the_period_of_a_start_is_a_month_of_the_zones_own_days() -> None:
    month = leads.spans("month", "Europe/Berlin", at("2031-04-15T12:00"))

    assert month == [(at("2031-04-01T00:00"), at("2031-05-01T00:00"))]


def test_turns_counted_together_say_the_same_as_each_by_itself() -> None:
    joined = FOUNDED.add(minutes=10)
    single = [Turn(0, FOUNDED.add(minutes=number)) for number in range(15)]
    together = [Turn(0, FOUNDED, times=10), Turn(0, joined, times=5)]

    def standing(had: Sequence[Turn]) -> list[Standing]:
        return [Standing(A, 1, FOUNDED, had), Standing(B, 1, joined)]

    assert [one.count for one in standing(together)] == [15, 0]
    assert leads.head_starts("equalDistribution", standing(together)) == {A: 0.0, B: 10.0}
    assert leads.head_starts("equalDistribution", standing(single)) == {A: 0.0, B: 10.0}


@pytest.mark.parametrize("period", ["day", "week", "month"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"])
def test_the_turns_to_read_hold_the_whole_periods_of_any_zone(period: Period, zone: str) -> None:
    start = at("2031-03-31T23:30", zone)

    first, last = leads.around(period, start, start + 1)

    days = leads.period_of(period, zone, start)
    (span,) = wall_spans(zone, days[0] * 1440, days[1] * 1440)
    assert first <= span[0]
    assert span[1] <= last
