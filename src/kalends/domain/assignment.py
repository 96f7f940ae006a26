"""Which member of a queue takes a booking, and why; who is so far ahead that he is not offered (contract 2.10).

A member is a user or a group. His *weight* is what he has had, per capacity where the queue's type counts so; who has
the least goes on. Whoever joins later starts at the mean weight of the others, not at nothing, so that he is not
flooded: `level_with` for all bookings there ever were, `head_starts` for those of one period.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from statistics import fmean
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from whenever import Instant

from kalends.domain.caps import PERIODS, Period, period_around
from kalends.domain.rules import Caps
from kalends.domain.spans import Span, merge
from kalends.domain.zones import DAY, wall_minute, wall_spans

QueueType: TypeAlias = Literal["simpleRoundRobin", "advancedRoundRobin", "equalDistribution"]
Reason: TypeAlias = Literal[
    "only-one", "highest-priority", "fewest-bookings", "longest-not-chosen", "position", "last", "lead"
]

_DECIDES: tuple[Reason, ...] = ("highest-priority", "fewest-bookings", "longest-not-chosen", "position")
_ONE: Mapping[Period, Caps] = {"day": Caps(per_day=1), "week": Caps(per_week=1), "month": Caps(per_month=1)}
_EXACT = 6  # decimals of a weight that count: means of means must not part what is equal


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a member who could take a booking.

    Attributes:
        count: his live bookings: all of them, or for equalDistribution those of the period of the start.
        baseline: what he is counted ahead of that, because he joined later.
        capacity: his share; advancedRoundRobin and equalDistribution count per capacity.
        priority: higher ones first; advancedRoundRobin only.
        last_chosen: when he was chosen last; None: never.
    """

    member_id: UUID
    count: int
    baseline: float = 0.0
    capacity: int = 1
    priority: int = 0
    position: int = 0
    last_chosen: Instant | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A member's place; `reason` is what puts him before the next one."""

    member_id: UUID
    reason: Reason


@dataclass(frozen=True, slots=True)
class Choice:
    """Who takes a booking, and why; `candidates` are the facts of all members as JSON values, best first."""

    member_id: UUID
    strategy: QueueType
    reason: Reason
    candidates: list[dict[str, Any]]


class Turn(NamedTuple):
    """A live booking that a member was chosen for: its start in epoch minutes, and when he was chosen."""

    start: int
    made: Instant


@dataclass(frozen=True, slots=True)
class Standing:
    """A rotating member with his turns; `joined` is when he came to rotate."""

    member_id: UUID
    capacity: int
    joined: Instant
    turns: Sequence[Turn] = ()


def share(queue_type: QueueType, capacity: int) -> int:
    """Say what a member's bookings are divided by."""
    return 1 if queue_type == "simpleRoundRobin" else capacity


def weight(queue_type: QueueType, candidate: Candidate) -> float:
    """Say how much a member has had; the least goes on."""
    return round((candidate.count + candidate.baseline) / share(queue_type, candidate.capacity), _EXACT)


def level_with(queue_type: QueueType, weights: Sequence[float], *, capacity: int, count: int) -> float:
    """Find the baseline that brings a member to the mean of these weights; without any, to nothing had yet."""
    return (fmean(weights) if weights else 0.0) * share(queue_type, capacity) - count


def rank(queue_type: QueueType, candidates: Sequence[Candidate]) -> list[Ranked]:
    """Order the candidates, best first, and say what puts each before the next.

    simpleRoundRobin: fewest bookings; advancedRoundRobin: highest priority, then fewest per capacity;
    equalDistribution: fewest of the period per capacity. Then the one not chosen for longest, then by position.
    """
    keyed = sorted((_key(queue_type, one), one.member_id) for one in candidates)
    if len(keyed) == 1:
        return [Ranked(keyed[0][1], "only-one")]
    ranked = [Ranked(member_id, _decisive(key, after)) for (key, member_id), (after, _) in pairwise(keyed)]
    return [*ranked, *(Ranked(member_id, "last") for _, member_id in keyed[-1:])]


def _key(queue_type: QueueType, one: Candidate) -> tuple[float, ...]:
    """Put what decides, in the order of `_DECIDES`, into numbers of which the smaller wins."""
    priority = one.priority if queue_type == "advancedRoundRobin" else 0
    chosen = one.last_chosen.timestamp(unit="nanosecond") if one.last_chosen else -inf
    return -priority, weight(queue_type, one), chosen, one.position


def _decisive(key: Sequence[float], after: Sequence[float]) -> Reason:
    differing = (reason for reason, mine, theirs in zip(_DECIDES, key, after, strict=True) if mine != theirs)
    return next(differing, "position")


def choose(queue_type: QueueType, members: Sequence[Candidate], free: Collection[UUID]) -> Choice:
    """Choose among the members who are free, and keep the facts of all.

    Raises:
        ValueError: none of the members is free.
    """
    able = [one for one in members if one.member_id in free]
    if not able:
        raise ValueError("no member of the queue is free")
    best = rank(queue_type, able)[0]
    by_id = {one.member_id: one for one in members}
    ordered = [*rank(queue_type, able), *rank(queue_type, [one for one in members if one.member_id not in free])]
    facts = [
        _facts(queue_type, by_id[ranked.member_id], is_free=place < len(able)) for place, ranked in enumerate(ordered)
    ]
    return Choice(best.member_id, queue_type, best.reason, facts)


def _facts(queue_type: QueueType, one: Candidate, *, is_free: bool) -> dict[str, Any]:
    return {
        "memberId": str(one.member_id),
        "free": is_free,
        "count": one.count,
        "baseline": round(one.baseline, _EXACT),
        "capacity": one.capacity,
        "priority": one.priority,
        "weight": weight(queue_type, one),
        "lastChosen": one.last_chosen.format_iso() if one.last_chosen else None,
    }


def head_starts(queue_type: QueueType, standings: Sequence[Standing]) -> dict[UUID, float]:
    """Say what each member is counted ahead of his own turns, all of one period.

    Who joined after some of them were taken is counted as if he had stood at the mean of those who were there.
    """
    found: dict[UUID, float] = {}
    first = min((turn.made for one in standings for turn in one.turns), default=None)
    for newcomer in sorted(standings, key=lambda one: one.joined):
        earlier = [one for one in standings if one.joined < newcomer.joined]
        if first is None or first >= newcomer.joined or not earlier:
            found[newcomer.member_id] = 0.0
            continue
        weights = [
            (_taken_before(one, newcomer.joined) + found[one.member_id]) / share(queue_type, one.capacity)
            for one in earlier
        ]
        own = _taken_before(newcomer, newcomer.joined)
        found[newcomer.member_id] = level_with(queue_type, weights, capacity=newcomer.capacity, count=own)
    return found


def _taken_before(one: Standing, moment: Instant) -> int:
    return sum(turn.made < moment for turn in one.turns)


def around(period: Period, start: int, end: int) -> Span:
    """Widen [start, end), in epoch minutes, so that it holds all periods of any zone that it touches."""
    return period_around([_ONE[period]], start, end)


def period_of(period: Period, zone: str, start: int) -> Span:
    """Find the local days [first, after) of the period that an instant lies in, as days since 1970-01-01."""
    return PERIODS[period](wall_minute(zone, start) // DAY)


def within(period: Period, zone: str, start: int, standings: Sequence[Standing]) -> list[Standing]:
    """Keep of everybody's turns those in the same period as a start."""
    asked = period_of(period, zone, start)
    return [
        replace(one, turns=[turn for turn in one.turns if period_of(period, zone, turn.start) == asked])
        for one in standings
    ]


def ahead(
    queue_type: QueueType, threshold: int, period: Period, zone: str, standings: Sequence[Standing]
) -> dict[UUID, list[Span]]:
    """Find the starts that are not offered to members who are ahead by `threshold` bookings or more.

    In each period a member is compared with the one who has had least, times his own share.

    Args:
        standings: all rotating members; turns must be complete for each period that is looked at (`around`).

    Returns:
        The closed spans of those who have any, tidy, in epoch minutes.
    """
    taken: dict[Span, dict[UUID, list[Turn]]] = defaultdict(lambda: defaultdict(list))
    for one in standings:
        for turn in one.turns:
            taken[period_of(period, zone, turn.start)][one.member_id].append(turn)
    closed: dict[UUID, list[Span]] = defaultdict(list)
    for days, turns in taken.items():
        same = [replace(one, turns=turns.get(one.member_id, ())) for one in standings]
        for member_id in leaders(queue_type, threshold, same):
            closed[member_id] += wall_spans(zone, days[0] * DAY, days[1] * DAY)
    return {member_id: merge(spans) for member_id, spans in closed.items()}


def leaders(queue_type: QueueType, threshold: int, standings: Sequence[Standing]) -> set[UUID]:
    """Find the members who are ahead by `threshold` bookings or more, by the turns of one period."""
    extra = head_starts(queue_type, standings)
    had = {one.member_id: len(one.turns) + extra[one.member_id] for one in standings}
    shares = {one.member_id: share(queue_type, one.capacity) for one in standings}
    least = min((had[member_id] / shares[member_id] for member_id in had), default=0.0)
    return {member_id for member_id in had if round(had[member_id] - least * shares[member_id], _EXACT) >= threshold}
