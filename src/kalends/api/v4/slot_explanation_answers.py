"""What the explanation of a start answers."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from kalends.domain.rules import Code

from .booking_availability import JoinedAppointment
from .schemas import Answer, Stamp


class OpenSpan(Answer):
    """Time in which somebody can be met."""

    start: Stamp
    end: Stamp


class MetException(Answer):
    """An availability exception that opens or blocks some of the time; its ends are as they were given."""

    id: int = Field(examples=[7])
    title: str | None = Field(examples=["Trade fair"])
    owner_type: Literal["company", "user"] = Field(
        examples=["user"], description="`user` also for those of his availability"
    )
    available: bool = Field(examples=[False])
    start: str = Field(examples=["2031-03-04"])
    end: str = Field(examples=["2031-03-05"])


class MetClaim(Answer):
    """Time that is taken, buffers included, or a busy event of a calendar."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    kind: Literal["appointment", "hold", "pending", "event", "calendar-unknown"] = Field(
        examples=["appointment"],
        description="`calendar-unknown`: a calendar was not read for too long, so all the time counts as taken",
    )
    reason: Literal["claimed", "busy", "buffer"] = Field(examples=["claimed"])
    start: Stamp
    end: Stamp
    appointment_id: UUID | None
    name: str | None = Field(examples=["Intro call"])
    connection_id: UUID | None = Field(None, description="Of a busy event, only for the host himself.")
    calendar_id: UUID | None = Field(None, description="Of a busy event, only for the host himself.")


class Counted(Answer):
    """A period with a cap: how much is booked in it."""

    period: Literal["day", "week", "month"] = Field(examples=["day"])
    start: Stamp
    end: Stamp
    booked: int = Field(examples=[4])
    most: int = Field(examples=[4])


class Facts(BaseModel):
    """What a rule rests on; only what belongs to that rule is there."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    earliest: Stamp | None = None
    before: Stamp | None = Field(None, description="Starts from here on are too far away")
    duration: int | None = Field(None, examples=[30])
    allowed_durations: list[int] = Field(default_factory=list, examples=[[30, 60]])
    timeslot_interval: int | None = Field(None, examples=[30])
    timezone: str | None = Field(None, examples=["Europe/Vienna"])
    open: list[OpenSpan] = Field(default_factory=list)
    exceptions: list[MetException] = Field(default_factory=list)
    claims: list[MetClaim] = Field(default_factory=list)
    caps: list[Counted] = Field(default_factory=list)
    ahead_in_queue: bool = Field(False, description="Not offered, since he is ahead of the others in the queue")


class Rule(Answer):
    """One rule in the order in which they are asked, and whether the start passes it."""

    code: Code = Field(examples=["slot-occupied"])
    passed: bool = Field(examples=[False])
    facts: Facts


class ExplainedHost(Answer):
    """One host with the rules asked of him."""

    host_id: UUID
    host_name: str = Field(examples=["Ada Roth"])
    bookable: bool
    rules: list[Rule]


class ExplainedResource(Answer):
    """A room or a thing with the rules asked of it; of those with the same name one is enough."""

    resource_channel_id: UUID
    resource_id: UUID
    name: str = Field(examples=["Room 1"])
    needed_for: str = Field(examples=["Rooms"])
    bookable: bool
    rules: list[Rule]


class SlotExplanation(Answer):
    """Why a start can be booked, or which rule refuses it first."""

    start: Stamp
    bookable: bool = Field(examples=[False])
    error_code: Code | None = Field(examples=["slot-occupied"])
    reason: Literal["buffer", "busy", "claimed", "lead"] | None = Field(examples=["claimed"])
    appointment: JoinedAppointment | None = Field(description="The group appointment one would join")
    rules: list[Rule] = Field(description="Those of the meeting type; the last one is its own cap")
    hosts: list[ExplainedHost]
    resources: list[ExplainedResource]
