"""How the bookings of one day, week or month stand among the members of a queue; who is too far ahead (contract 2.10).

Whoever joined in the middle of a period is counted as if he had stood at the mean until then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from whenever import Instant

from .assignment import EXACT, QueueType, level_with, share
from .caps import PERIODS, Period, period_around
from .rules import Caps
from .spans import Span, merge
from .zones import DAY, wall_minute, wall_spans

_ONE: Mapping[Period, Caps] = {"day": Caps(per_day=1), "week": Caps(per_week=1), "month": Caps(per_month=1)}


class Turn(NamedTuple):
    """A live booking that a member was chosen for: its start in epoch minutes, and when he was chosen.

    One may stand for `times` of them, of one period and all made before or all after any member came.
    """

    start: int
    made: Instant
    times: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A rotating member with his turns; `joined` is when he came to rotate."""

    member_id: UUID
    capacity: int
    joined: Instant
    turns: Sequence[Turn] = ()

    @property
    def count(self) -> int:
        """Count his bookings."""
        return sum(turn.times for turn in self.turns)


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
    return sum(turn.times for turn in one.turns if turn.made < moment)


def around(period: Period, start: int, end: int) -> Span:
    """Widen [start, end), in epoch minutes, so that it holds all periods of any zone that it touches."""
    return period_around([_ONE[period]], start, end)


def period_of(period: Period, zone: str, start: int) -> Span:
    """Find the local days [first, after) of the period that an instant lies in, as days since 1970-01-01."""
    return PERIODS[period](wall_minute(zone, start) // DAY)


def spans(period: Period, zone: str, start: int) -> list[Span]:
    """Find the spans of the period that a start lies in, all in epoch minutes; several where a clock is set back."""
    first, after = period_of(period, zone, start)
    return wall_spans(zone, first * DAY, after * DAY)


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
    had = {one.member_id: one.count + extra[one.member_id] for one in standings}
    shares = {one.member_id: share(queue_type, one.capacity) for one in standings}
    least = min((had[member_id] / shares[member_id] for member_id in had), default=0.0)
    return {member_id for member_id in had if round(had[member_id] - least * shares[member_id], EXACT) >= threshold}
