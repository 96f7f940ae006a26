"""Which member of a queue takes a booking, and why (contract 2.10).

A member is a user or a group. His *weight* is what he has had, per capacity where the queue's type counts so; who has
the least goes on. Whoever joins later starts at the mean weight of the others, not at nothing, so that he is not
flooded.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import fmean
from typing import Any, Literal, TypeAlias
from uuid import UUID

from whenever import Instant

QueueType: TypeAlias = Literal["simpleRoundRobin", "advancedRoundRobin", "equalDistribution"]
Reason: TypeAlias = Literal[
    "only-one", "highest-priority", "fewest-bookings", "longest-not-chosen", "position", "last", "lead"
]

_DECIDES: tuple[Reason, ...] = ("highest-priority", "fewest-bookings", "longest-not-chosen", "position")
EXACT = 6  # decimals of a weight that count: means of means must not part what is equal


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


def share(queue_type: QueueType, capacity: int) -> int:
    """Say what a member's bookings are divided by."""
    return 1 if queue_type == "simpleRoundRobin" else capacity


def weight(queue_type: QueueType, candidate: Candidate) -> float:
    """Say how much a member has had; the least goes on."""
    return round((candidate.count + candidate.baseline) / share(queue_type, candidate.capacity), EXACT)


def level_with(queue_type: QueueType, weights: Sequence[float], *, capacity: int, count: int) -> float:
    """Find the baseline that brings a member to the mean of these weights; without any, to nothing had yet."""
    return (fmean(weights) if weights else 0.0) * share(queue_type, capacity) - count


def levelled(
    type_before: QueueType, before: Sequence[Candidate], type_after: QueueType, after: Sequence[Candidate]
) -> dict[UUID, float]:
    """Find the new baselines after a change of a queue's members or of its type; who keeps his is left out.

    Newcomers start at the mean of those who were there, of the same priority if there are any; so does who changes
    his priority. Who changes his capacity keeps his weight. With another type all start level.
    """
    weights = {one.member_id: weight(type_before, one) for one in before}
    earlier = {one.member_id: one for one in before}
    kept = [one for one in after if one.member_id in earlier]
    found: dict[UUID, float] = {}
    for one in after:
        was = earlier.get(one.member_id)
        peers = [
            weights[other.member_id]
            for other in kept
            if type_after == "advancedRoundRobin"
            and other.priority == earlier[other.member_id].priority == one.priority
        ]
        if was is None:
            found[one.member_id] = _baseline(type_after, one, peers or [weights[other.member_id] for other in kept])
        elif type_after != type_before:
            found[one.member_id] = _baseline(type_after, one, [weights[other.member_id] for other in kept])
        elif type_after == "advancedRoundRobin" and was.priority != one.priority and peers:
            found[one.member_id] = _baseline(type_after, one, peers)
        elif share(type_after, was.capacity) != share(type_after, one.capacity):
            found[one.member_id] = _baseline(type_after, one, [weights[one.member_id]])
    return found


def _baseline(queue_type: QueueType, one: Candidate, weights: Sequence[float]) -> float:
    return level_with(queue_type, weights, capacity=one.capacity, count=one.count)


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
        "baseline": round(one.baseline, EXACT),
        "capacity": one.capacity,
        "priority": one.priority,
        "weight": weight(queue_type, one),
        "lastChosen": one.last_chosen.format_iso() if one.last_chosen else None,
    }
