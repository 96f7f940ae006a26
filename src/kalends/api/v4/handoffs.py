"""Routes of handoffs (contract 2.9)."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, model_validator

from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.errors import NotFound
from kalends.services import handoff_candidates, handoffs
from kalends.services.appointments import AlreadyCancelled, AlreadyOver
from kalends.services.handoff_candidates import AlreadyHost, Candidate, Target
from kalends.services.queue_members import UserNotEligible
from kalends.services.queue_user_groups import QueueUserGroupNotFound
from kalends.services.queues import QueueNotFound
from kalends.services.refusals import HostNotAllowed, OutsideHours, SlotTaken
from kalends.services.rights import UserNotFound

from .appointment_answers import AppointmentAnswer, for_hosts
from .schemas import Absent, Answer, Body, Line

router = APIRouter(prefix="/v4", tags=["Handoff V4"])


class Handoff(Body):
    """Which appointment, and to whom: a user, whom a queue chooses, or a group."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "appointmentId": "01977b2e-4c4a-7a31-9f0e-0000d9f3f5a1",
                    "userId": "01977b2e-4c4a-7a31-9f0e-0000e8b7be43",
                }
            ]
        }
    )

    appointment_id: UUID
    user_id: Annotated[UUID | None, Absent] = None
    queue_id: Annotated[UUID | None, Absent] = None
    queue_group_id: Annotated[UUID | None, Absent] = None

    @model_validator(mode="after")
    def _one_target(self) -> Handoff:
        if sum(one is not None for one in (self.user_id, self.queue_id, self.queue_group_id)) != 1:
            raise ValueError("must name exactly one of userId, queueId and queueGroupId")
        return self


class PossibleHost(Answer):
    """A user, and what keeps him from taking the appointment over."""

    id: UUID
    firstname: str = Field(examples=["Ada"])
    lastname: str = Field(examples=["Roth"])
    picture: str | None
    blocked: Literal["not_available"] | None

    @classmethod
    def of(cls, candidate: Candidate) -> PossibleHost:
        """Show a user of the company."""
        user = candidate.user
        return cls(
            id=user.id,
            firstname=user.given_name,
            lastname=user.family_name,
            picture=user.picture,
            blocked=None if candidate.available else "not_available",
        )


class PossibleHosts(Answer):
    """The company's users, oldest first."""

    users: list[PossibleHost]


@router.post(
    "/handoff/appointment",
    responses=problems.document(
        NotFound,
        UserNotFound,
        QueueNotFound,
        QueueUserGroupNotFound,
        AlreadyCancelled,
        AlreadyOver,
        AlreadyHost,
        UserNotEligible,
        HostNotAllowed,
        OutsideHours,
        SlotTaken,
    ),
)
async def hand_over_appointment(body: Handoff, actor: Scheduling, app: AppDep) -> AppointmentAnswer:
    """Hand an appointment over: somebody else hosts it in the acting user's place, else in the main host's.

    Whoever takes it over has to be open and free then; notice and caps are not asked.
    """
    target = Target(user_id=body.user_id, queue_id=body.queue_id, group_id=body.queue_group_id)
    async with app.transaction() as conn:
        handed = await handoffs.hand_over(
            conn, actor=actor, appointment_id=body.appointment_id, target=target, clock=app.now
        )
    return for_hosts(handed)


@router.get("/handoff/available-handoffs", responses=problems.document(NotFound))
async def list_available_handoffs(
    actor: Scheduling,
    app: AppDep,
    is_online: Annotated[
        bool | None, Absent, Query(alias="isOnline", description="Nobody's presence is known here: changes nothing")
    ] = None,
    channel_id: Annotated[Line | None, Absent, Query(alias="channelId", description="Changes nothing")] = None,
    appointment_id: Annotated[
        UUID | None, Absent, Query(alias="appointmentId", description="Says who could take this one over")
    ] = None,
) -> PossibleHosts:
    """List the users an appointment can be handed over to."""
    async with app.reading() as conn:
        found = await handoff_candidates.available(conn, actor=actor, appointment_id=appointment_id, now=app.now())
    return PossibleHosts(users=[PossibleHost.of(one) for one in found])
