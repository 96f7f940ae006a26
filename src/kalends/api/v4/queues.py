"""Routes of queues (contract 2.10 and 6.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from kalends.domain.assignment import QueueType
from kalends.domain.caps import Period
from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.services import queue_members, queues
from kalends.services.meeting_types import MeetingTypeNotFound
from kalends.services.queue_members import Changes, UserChange, UserNotEligible
from kalends.services.queues import QueueNotFound, WorkspaceNotFound
from kalends.services.rights import NotYours, UserNotFound

from .queue_answers import Ledger, NextHosts, Queue
from .schemas import MOST_IDS, Absent, Body, Flag, Link, OrEmpty, Whole

router = APIRouter(prefix="/v4", tags=["Queue V4"])

Capacity = Annotated[Whole, Field(ge=1, le=1000)]
_COLUMNS = {
    "type": "type",
    "max_lead_threshold": "max_lead_threshold",
    "distribution_period": "distribution_period",
    "prioritize_near_term_availability": "prioritize_near_term",
}


class UserShare(Body):
    """A user and his share; who is not in the queue comes in."""

    user_id: UUID
    weight: Capacity = 1


class UserCapacity(Body):
    """A user of the queue and his capacity."""

    user_id: UUID
    capacity: Capacity


class UserPriority(Body):
    """A user of the queue and his priority; higher ones first."""

    user_id: UUID
    priority: Annotated[Whole, Field(ge=-1000, le=1000)]


class UserLink(Body):
    """A user of the queue and where his guests are sent; empty: the type's own page."""

    keeps_null = frozenset({"link"})

    user_id: UUID
    link: Annotated[Link | None, OrEmpty] = None


class UserFixed(Body):
    """A user of the queue, and whether he hosts beside whoever is chosen."""

    user_id: UUID
    fixed: Flag


class QueuePatch(Body):
    """What changes of a queue; `userId` and `users` are carried out first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"userId": "01977b2e-4c4a-7a31-9f0e-0000e8b7be43", "type": "simpleRoundRobin"}]}
    )
    keeps_null = frozenset({"maxLeadThreshold"})

    user_id: UUID | None = Field(default=None, description="Comes in, or leaves if he is in.")
    users: Annotated[list[UserShare], Field(max_length=MOST_IDS)] = Field(
        default=[], description="The older shape of capacities; who is missing comes in."
    )
    user_capacities: Annotated[list[UserCapacity], Field(max_length=MOST_IDS)] = Field(default=[])
    user_priorities: Annotated[list[UserPriority], Field(max_length=MOST_IDS)] = Field(default=[])
    user_custom_links: Annotated[list[UserLink], Field(max_length=MOST_IDS)] = Field(default=[])
    user_fixed: Annotated[list[UserFixed], Field(max_length=MOST_IDS)] = Field(default=[])
    type: QueueType | None = None
    max_lead_threshold: Annotated[Whole, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="So many bookings ahead, a host is not offered any more; null: no such limit."
    )
    distribution_period: Period | None = None
    prioritize_near_term_availability: Flag | None = None

    def changes(self) -> Changes:
        """Say what changes, in the queue's own words."""
        given = self.model_dump(include=set(_COLUMNS), exclude_unset=True)
        return Changes(
            columns={_COLUMNS[name]: value for name, value in given.items()},
            toggled=self.user_id,
            shares=[(one.user_id, one.weight) for one in self.users],
            users=list(self._of_users()),
        )

    def _of_users(self) -> Iterator[UserChange]:
        values: list[tuple[str, list[tuple[UUID, dict[str, Any]]]]] = [
            ("userCapacities", [(one.user_id, {"capacity": one.capacity}) for one in self.user_capacities]),
            ("userPriorities", [(one.user_id, {"priority": one.priority}) for one in self.user_priorities]),
            ("userCustomLinks", [(one.user_id, {"custom_link": one.link}) for one in self.user_custom_links]),
            ("userFixed", [(one.user_id, {"fixed": one.fixed}) for one in self.user_fixed]),
        ]
        for name, given in values:
            for place, (user_id, value) in enumerate(given):
                yield UserChange(user_id, value, f"{name}.{place}.userId")


@router.patch(
    "/queue/meeting-type/{meeting_type_id}",
    responses=problems.document(MeetingTypeNotFound, UserNotFound, NotYours, UserNotEligible),
)
async def update_queue(meeting_type_id: UUID, body: QueuePatch, actor: Scheduling, app: AppDep) -> Queue:
    """Change the queue of a meeting type; the first call makes it.

    Its owner and administrators may. Whoever comes in starts where the others stand, so that he is not flooded.
    """
    async with app.transaction() as conn:
        view = await queue_members.update(
            conn, actor=actor, meeting_type_id=meeting_type_id, changes=body.changes(), now=app.now()
        )
    return Queue.of(view)


@router.get("/queue/workspace/{workspace_id}", responses=problems.document(WorkspaceNotFound))
async def list_queues(workspace_id: UUID, actor: Scheduling, app: AppDep) -> list[Queue]:
    """List the company's queues, oldest first; its own id stands for the workspace."""
    async with app.reading() as conn:
        views = await queues.of_workspace(conn, actor=actor, workspace_id=workspace_id)
    return [Queue.of(view) for view in views]


@router.get("/queue/{queue_id}", responses=problems.document(QueueNotFound))
async def get_queue(queue_id: UUID, actor: Scheduling, app: AppDep) -> Queue:
    """Get a queue of the company, with its users and groups in their order."""
    async with app.reading() as conn:
        view = await queues.get(conn, actor=actor, queue_id=queue_id)
    return Queue.of(view)


@router.get("/queue/{queue_id}/next", responses=problems.document(QueueNotFound))
async def get_next_hosts(queue_id: UUID, actor: Scheduling, app: AppDep) -> NextHosts:
    """Show who is next, were all free; who is too far ahead to be offered now comes last."""
    async with app.reading() as conn:
        order = await queues.next_(conn, actor=actor, queue_id=queue_id, now=app.now())
    return NextHosts.of(order)


@router.get("/queue/{queue_id}/ledger", responses=problems.document(QueueNotFound))
async def get_ledger(
    queue_id: UUID,
    actor: Scheduling,
    app: AppDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    before: Annotated[
        Annotated[int, Field(ge=1, le=2**63 - 1)] | None,
        Absent,
        Query(description="Choices before this one of an earlier page"),
    ] = None,
) -> Ledger:
    """List the choices of a queue, newest first: who was chosen, out of whom, and why."""
    async with app.reading() as conn:
        entries = await queues.ledger(conn, actor=actor, queue_id=queue_id, before=before, limit=limit, now=app.now())
    return Ledger.of(entries, limit)
