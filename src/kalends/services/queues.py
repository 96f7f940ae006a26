"""Queues: who takes his turn in a meeting type, who is next, and the ledger of choices (contract 2.10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.domain import assignment, leads
from kalends.domain.assignment import Candidate, Choice
from kalends.domain.leads import Standing, Turn
from kalends.domain.spans import Span
from kalends.errors import NotFound
from kalends.storage import queue_ledger, queue_members, queue_turns, queue_user_groups, queues, users
from kalends.storage.database import Connection
from kalends.storage.queue_ledger import LedgerEntry
from kalends.storage.queue_members import Queue, QueueUser
from kalends.storage.queue_user_groups import QueueUserGroup
from kalends.storage.queues import Member, QueueState
from kalends.storage.users import User

from .actor import Actor


class QueueNotFound(NotFound):
    """Queue not found"""

    code = "queue-not-found"


class WorkspaceNotFound(NotFound):
    """There are no workspaces; the company's own id stands for all of it."""

    code = "workspace-not-found"


@dataclass(frozen=True, slots=True)
class View:
    """A queue with everybody in it, in their order."""

    queue: Queue
    users: tuple[QueueUser, ...]
    groups: tuple[QueueUserGroup, ...]


@dataclass(frozen=True, slots=True)
class Next:
    """A member in his place, the next one to be chosen first; his users, the main host first."""

    member: Member
    users: tuple[User, ...]
    candidate: Candidate
    weight: float
    reason: assignment.Reason


def ahead(state: QueueState, turns: Mapping[UUID, Sequence[Turn]], zone: str) -> dict[UUID, list[Span]]:
    """Find the starts not offered to members who are too far ahead; tidy spans of epoch minutes, by member.

    Args:
        turns: as `turns` reads them for the window.
        zone: of the type's schedule.
    """
    if state.max_lead_threshold is None:
        return {}
    return leads.ahead(state.type, state.max_lead_threshold, state.distribution_period, zone, _standings(state, turns))


async def turns(
    conn: Connection,
    company_id: UUID,
    state: QueueState,
    *,
    first: Instant,
    last: Instant,
    now: Instant,
    leaving: UUID | None = None,
) -> dict[UUID, list[Turn]]:
    """Read, by member, the turns that count for starts of [first, last): those of its whole periods, in any zone.

    Args:
        leaving: a reservation that is not counted.
    """
    start, end = leads.around(state.distribution_period, first.timestamp() // 60, -(-last.timestamp() // 60))
    begin, until = Instant.from_timestamp(start * 60), Instant.from_timestamp(end * 60)
    return await queue_turns.turns(conn, company_id, state.id, first=begin, last=until, now=now, leaving=leaving)


def _standings(state: QueueState, turns: Mapping[UUID, Sequence[Turn]]) -> list[Standing]:
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
    return assignment.choose(state.type, await _candidates(conn, company_id, state, start, zone, now), free)


async def _candidates(
    conn: Connection, company_id: UUID, state: QueueState, start: Instant, zone: str, now: Instant
) -> list[Candidate]:
    """Read what counts when a start is given to one of the rotating members."""
    had = await queue_turns.had(conn, company_id, state.id, now=now)
    counts = {one.id: (had[one.id].count if one.id in had else 0, one.baseline) for one in state.members}
    if state.type == "equalDistribution":
        same = await _in_period(conn, company_id, state, zone, start, now)
        extra = leads.head_starts(state.type, same)
        counts = {one.member_id: (one.count, extra[one.member_id]) for one in same}
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


async def _in_period(
    conn: Connection, company_id: UUID, state: QueueState, zone: str, start: Instant, now: Instant
) -> list[Standing]:
    """Count how the members stand in the period that a start falls into."""
    known = await queue_turns.tally(
        conn,
        company_id,
        state.id,
        spans=leads.spans(state.distribution_period, zone, start.timestamp() // 60),
        moments=sorted({one.joined for one in state.members}),
        now=now,
    )
    return _standings(state, known)


async def get(conn: Connection, *, actor: Actor, queue_id: UUID) -> View:
    """Find a queue of the actor's company.

    Raises:
        QueueNotFound: the company has none such.
    """
    return (await _views(conn, [await _require(conn, actor, queue_id)]))[0]


async def of_workspace(conn: Connection, *, actor: Actor, workspace_id: UUID) -> list[View]:
    """List the company's queues, oldest first, in four statements.

    Raises:
        WorkspaceNotFound: the id is not the company's own.
    """
    if workspace_id != actor.company_id:
        raise WorkspaceNotFound
    return await _views(conn, await queue_members.find(conn, actor.company_id))


async def next_(conn: Connection, *, actor: Actor, queue_id: UUID, now: Instant) -> list[Next]:
    """Order the rotating members as a booking of now would choose them; who is too far ahead comes last.

    Raises:
        QueueNotFound: the company has none such.
    """
    queue = await _require(conn, actor, queue_id)
    state = await queues.state(conn, actor.company_id, queue_id)
    assert state is not None
    members = {one.id: one for one in state.members}
    standing = {one.member_id: one for one in await _candidates(conn, actor.company_id, state, now, queue.zone, now)}
    closed = await _leaders(conn, actor.company_id, state, queue.zone, now)
    order: list[tuple[UUID, assignment.Reason]] = [
        (one.member_id, one.reason)
        for one in assignment.rank(state.type, [one for one in standing.values() if one.member_id not in closed])
    ]
    behind = assignment.rank(state.type, [one for one in standing.values() if one.member_id in closed])
    order += [(one.member_id, "lead") for one in behind]
    people = await users.by_ids(conn, actor.company_id, {user for one in state.members for user in one.user_ids})
    return [
        Next(
            members[member_id],
            tuple(people[user_id] for user_id in members[member_id].user_ids),
            standing[member_id],
            assignment.weight(state.type, standing[member_id]),
            reason,
        )
        for member_id, reason in order
    ]


async def ledger(
    conn: Connection, *, actor: Actor, queue_id: UUID, before: int | None, limit: int, now: Instant
) -> list[LedgerEntry]:
    """Read the choices of a queue, newest first.

    Raises:
        QueueNotFound: the company has none such.
    """
    await _require(conn, actor, queue_id)
    return await queue_ledger.page(conn, actor.company_id, queue_id, before=before, limit=limit, now=now)


async def _leaders(conn: Connection, company_id: UUID, state: QueueState, zone: str, now: Instant) -> set[UUID]:
    if state.max_lead_threshold is None:
        return set()
    same = await _in_period(conn, company_id, state, zone, now, now)
    return leads.leaders(state.type, state.max_lead_threshold, same)


async def _require(conn: Connection, actor: Actor, queue_id: UUID) -> Queue:
    found = await queue_members.find(conn, actor.company_id, queue_id=queue_id)
    if not found:
        raise QueueNotFound
    return found[0]


async def _views(conn: Connection, found: Sequence[Queue]) -> list[View]:
    if not found:
        return []
    company_id, queue_ids = found[0].company_id, [queue.id for queue in found]
    people = await queue_members.users(conn, company_id, queue_ids)
    groups = await queue_user_groups.find(conn, company_id, queue_ids=queue_ids)
    return [
        View(
            queue,
            tuple(one for one in people if one.queue_id == queue.id),
            tuple(one for one in groups if one.queue_id == queue.id),
        )
        for queue in found
    ]
