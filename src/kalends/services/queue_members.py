"""Queues: how they begin and change, and who is in them (contract 2.10, 6.6).

Whatever changes a queue locks its meeting type and then the queue, as bookings do; so no booking is given to somebody
who has just left, and whoever comes is levelled with what is counted at that moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain import assignment
from kalends.domain.assignment import Candidate
from kalends.errors import FieldError, Invalid
from kalends.storage import ids, locks, meeting_types, queue_members, queue_turns, queues, users
from kalends.storage.database import Connection
from kalends.storage.queue_members import Queue, QueueUser
from kalends.storage.queue_turns import Had
from kalends.storage.queues import QueueState
from kalends.storage.users import User

from . import queues as queue_service
from . import rights
from .actor import Actor
from .meeting_types import MeetingTypeNotFound
from .queues import View
from .rights import UserNotFound


class UserNotEligible(Invalid):
    """This user cannot be named here; `errors` says why."""

    code = "user-not-eligible"


@dataclass(frozen=True, slots=True)
class UserChange:
    """One value of one user of the queue; `field` is where the caller named him."""

    user_id: UUID
    values: Mapping[str, Any]
    field: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What somebody changes of a queue, carried out in this order.

    Attributes:
        columns: columns of queue.
        toggled: the user who comes in, or leaves if he is in.
        shares: users with their capacities; those who are not in the queue come in.
        users: values of users who are in the queue by then.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    toggled: UUID | None = None
    shares: Sequence[tuple[UUID, int]] = ()
    users: Sequence[UserChange] = ()


async def update(conn: Connection, *, actor: Actor, meeting_type_id: UUID, changes: Changes, now: Instant) -> View:
    """Change the queue of a meeting type, which begins with the first call.

    Raises:
        MeetingTypeNotFound: the company has none such.
        NotYours: it is somebody else's, and the actor is no administrator.
        UserNotFound: a user who is named is not the company's.
        UserNotEligible: a resource is to come in, or somebody is named who is not in the queue.
    """
    kind = await meeting_types.get(conn, actor.company_id, meeting_type_id)
    if kind is None:
        raise MeetingTypeNotFound
    rights.require_own(actor, kind.user_id)
    if await meeting_types.locked(conn, actor.company_id, meeting_type_id) is None:
        raise MeetingTypeNotFound
    queue = await _begun(conn, actor.company_id, meeting_type_id, now)
    people = await _people(conn, actor.company_id, changes)
    async with levelling(conn, queue, now):
        await _write(conn, queue, people, changes, now)
    return await queue_service.get(conn, actor=actor, queue_id=queue.id)


async def _begun(conn: Connection, company_id: UUID, meeting_type_id: UUID, now: Instant) -> Queue:
    """Find the queue of a locked type, or make it."""
    found = await queue_members.find(conn, company_id, meeting_type_id=meeting_type_id)
    if not found:
        row = {"company_id": company_id, "id": ids.new_id(company_id), "meeting_type_id": meeting_type_id}
        await queue_members.create(conn, row | {"created_at": now, "updated_at": now})
        found = await queue_members.find(conn, company_id, meeting_type_id=meeting_type_id)
    return found[0]


async def _people(conn: Connection, company_id: UUID, changes: Changes) -> dict[UUID, User]:
    named = {*(user_id for user_id, _ in changes.shares), *(one.user_id for one in changes.users)}
    named |= {changes.toggled} if changes.toggled else set()
    people = await users.by_ids(conn, company_id, named) if named else {}
    if named - people.keys():
        raise UserNotFound
    return people


async def _write(conn: Connection, queue: Queue, people: Mapping[UUID, User], changes: Changes, now: Instant) -> None:
    await queue_members.change(conn, queue.company_id, queue.id, {**changes.columns, "updated_at": now})
    inside = {one.user_id: one for one in await queue_members.users(conn, queue.company_id, [queue.id])}

    async def enter(user_id: UUID, capacity: int, named_at: str) -> None:
        if people[user_id].user_type == "resource":
            raise invalid_user(named_at, "is a resource; resources host nothing")
        await queue_members.add_user(conn, queue.company_id, queue.id, user_id, capacity=capacity, now=now)
        inside[user_id] = QueueUser(queue.id, user_id, capacity, 0, None, False)

    if changes.toggled in inside:
        await queue_members.remove_user(conn, queue.company_id, queue.id, changes.toggled)
        del inside[changes.toggled]
    elif changes.toggled:
        await enter(changes.toggled, 1, "userId")
    for place, (user_id, capacity) in enumerate(changes.shares):
        if user_id not in inside:
            await enter(user_id, capacity, f"users.{place}.userId")
    before = dict(inside)
    for user_id, capacity in changes.shares:
        inside[user_id] = replace(inside[user_id], capacity=capacity)
    for one in changes.users:
        if one.user_id not in inside:
            raise invalid_user(one.field, "is not in the queue")
        inside[one.user_id] = replace(inside[one.user_id], **one.values)
    for user_id, changed in inside.items():
        if changed != before[user_id]:
            await queue_members.change_user(conn, queue.company_id, changed)


@asynccontextmanager
async def levelling(conn: Connection, queue: Queue, now: Instant) -> AsyncIterator[None]:
    """Lock a queue, whose meeting type is locked, for a change of its members or its type, and level them after it.

    Nobody is flooded or starves because of it (`domain.assignment.levelled`).
    """
    await locks.queue(conn, queue.company_id, queue.id)
    had = await queue_turns.had(conn, queue.company_id, queue.id, now=now)
    before = await _state(conn, queue)
    yield
    after = await _state(conn, queue)
    baselines = assignment.levelled(before.type, _candidates(before, had), after.type, _candidates(after, had))
    earlier = {one.id for one in before.members}
    for one in after.members:
        if one.id in baselines:
            joined = one.joined if one.id in earlier else now
            await queue_members.settle_member(
                conn, queue.company_id, queue.id, one.id, baseline=baselines[one.id], joined=joined
            )


def _candidates(state: QueueState, had: Mapping[UUID, Had]) -> list[Candidate]:
    return [
        Candidate(
            one.id,
            had[one.id].count if one.id in had else 0,
            one.baseline,
            capacity=one.capacity,
            priority=one.priority,
        )
        for one in state.members
    ]


async def _state(conn: Connection, queue: Queue) -> QueueState:
    state = await queues.state(conn, queue.company_id, queue.id)
    assert state is not None
    return state


def invalid_user(named_at: str, why: str) -> UserNotEligible:
    """Make the error that says what is wrong with a user, and where he is named."""
    return UserNotEligible(errors=[FieldError(named_at, why)])
