"""Queues: who takes his turn in a meeting type, who is next, and the ledger of choices (contract 2.10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from whenever import Instant

from kalends.domain import assignment, leads
from kalends.domain.assignment import Candidate, Choice
from kalends.domain.leads import Standing, Turn
from kalends.domain.spans import Span
from kalends.storage import queues
from kalends.storage.database import Connection
from kalends.storage.queues import QueueState


def ahead(state: QueueState, turns: Mapping[UUID, Sequence[Turn]], zone: str) -> dict[UUID, list[Span]]:
    """Find the starts not offered to members who are too far ahead; tidy spans of epoch minutes, by member.

    Args:
        turns: as `storage.queues.starts` reads them for `turns_around` of the window.
        zone: of the type's schedule.
    """
    if state.max_lead_threshold is None:
        return {}
    return leads.ahead(state.type, state.max_lead_threshold, state.distribution_period, zone, standings(state, turns))


def turns_around(state: QueueState, first: Instant, last: Instant) -> tuple[Instant, Instant]:
    """Say for which starts turns must be read to look at [first, last): whole periods of any zone."""
    start, end = leads.around(state.distribution_period, first.timestamp() // 60, -(-last.timestamp() // 60))
    return Instant.from_timestamp(start * 60), Instant.from_timestamp(end * 60)


def standings(state: QueueState, turns: Mapping[UUID, Sequence[Turn]]) -> list[Standing]:
    """Put each rotating member beside his turns."""
    return [Standing(one.id, one.capacity, one.joined, turns.get(one.id, ())) for one in state.members]


async def choose(
    conn: Connection,
    *,
    company_id: UUID,
    state: QueueState,
    free: Sequence[UUID],
    start: Instant,
    zone: str,
    now: Instant,
) -> Choice:
    """Choose which of the free members takes a start; the queue is locked.

    Args:
        free: ids of members who could take it, at least one.
        zone: of the type's schedule.
    """
    return assignment.choose(state.type, await candidates(conn, company_id, state, start, zone, now), free)


async def candidates(
    conn: Connection, company_id: UUID, state: QueueState, start: Instant, zone: str, now: Instant
) -> list[Candidate]:
    """Read what counts when a start is given to one of the rotating members."""
    had = await queues.had(conn, company_id, state.id, now=now)
    counts = {one.id: (had[one.id].count if one.id in had else 0, one.baseline) for one in state.members}
    if state.type == "equalDistribution":
        first, last = turns_around(state, start, start.add(minutes=1))
        turns = await queues.starts(conn, company_id, state.id, first=first, last=last, now=now)
        at = start.timestamp() // 60
        same = leads.within(state.distribution_period, zone, at, standings(state, turns))
        extra = leads.head_starts(state.type, same)
        counts = {one.member_id: (len(one.turns), extra[one.member_id]) for one in same}
    return [
        Candidate(
            one.id,
            *counts[one.id],
            capacity=one.capacity,
            priority=one.priority,
            position=one.position,
            last_chosen=had[one.id].last_chosen if one.id in had else None,
        )
        for one in state.members
    ]
