"""Routes of queue user groups (contract 2.10)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.services import queue_user_groups
from kalends.services.queue_members import UserNotEligible
from kalends.services.queue_user_groups import QueueUserGroupNotFound
from kalends.services.queues import QueueNotFound
from kalends.services.rights import NotYours, UserNotFound

from .queue_answers import QueueUserGroup
from .schemas import Body, Name, Whole

router = APIRouter(prefix="/v4", tags=["Queue User Group V4"])


class GroupNew(Body):
    """A new group of a queue."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"queueId": "01977b2e-4c4a-7a31-9f0e-00001a7ee6b0", "name": "Sales pair"}]}
    )

    queue_id: UUID
    name: Name


class GroupPatch(Body):
    """What changes of a group; `userId` is carried out first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"userId": "01977b2e-4c4a-7a31-9f0e-0000e8b7be43", "capacity": 2}]}
    )
    keeps_null = frozenset({"mainGroupHostId"})

    name: Name | None = None
    capacity: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    user_id: UUID | None = Field(default=None, description="Comes in, or leaves if he is in.")
    main_group_host_id: UUID | None = Field(
        default=None, description="The main host of what the group hosts; null: the first of its users."
    )

    def columns(self) -> dict[str, Any]:
        """Name the columns that change."""
        return self.model_dump(exclude_unset=True, exclude={"user_id"})


@router.post(
    "/queue-user-group",
    status_code=201,
    responses=problems.document(QueueNotFound, NotYours),
)
async def create_queue_user_group(body: GroupNew, actor: Scheduling, app: AppDep) -> QueueUserGroup:
    """Make a group of a queue; it takes its turn as soon as somebody is in it."""
    async with app.transaction() as conn:
        group = await queue_user_groups.create(conn, actor=actor, queue_id=body.queue_id, name=body.name, now=app.now())
    return QueueUserGroup.of(group)


@router.patch(
    "/queue-user-group/{group_id}",
    responses=problems.document(QueueUserGroupNotFound, UserNotFound, NotYours, UserNotEligible),
)
async def update_queue_user_group(group_id: UUID, body: GroupPatch, actor: Scheduling, app: AppDep) -> QueueUserGroup:
    """Change a group: its name, its capacity, its main host, and who is in it."""
    async with app.transaction() as conn:
        group = await queue_user_groups.update(
            conn, actor=actor, group_id=group_id, columns=body.columns(), toggled=body.user_id, now=app.now()
        )
    return QueueUserGroup.of(group)


@router.delete(
    "/queue-user-group/{group_id}",
    status_code=204,
    responses=problems.document(QueueUserGroupNotFound, NotYours),
)
async def delete_queue_user_group(group_id: UUID, actor: Scheduling, app: AppDep) -> None:
    """Delete a group; its users stay in the company, and what they host stays theirs."""
    async with app.transaction() as conn:
        await queue_user_groups.delete(conn, actor=actor, group_id=group_id, now=app.now())
