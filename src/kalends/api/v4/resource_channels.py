"""Resource channels of a meeting type as they come in and go out (contract 2.2)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from kalends.services.resource_channels import NewChannel

from .schemas import Absent, Answer, Body, Line, OrEmpty, Whole

MOST = 50


class ResourceChannelBody(Body):
    """A resource the meeting needs; of those with the same group name it needs one, the first that is free."""

    resource_id: UUID = Field(description="A user of type `resource`.")
    name: Annotated[Line | None, Absent] = Field(default=None, description="The resource's name unless said.")
    availability_id: Annotated[UUID | None, OrEmpty] = Field(
        default=None, description="The resource's default one unless said."
    )
    group_name: Annotated[Line | None, Absent] = None
    group_member_index: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None, description="Its turn in the group, lowest first; its place in the list unless said."
    )

    def new(self) -> NewChannel:
        """Hand it to the services."""
        return NewChannel(**self.model_dump())


ResourceChannels = Annotated[list[ResourceChannelBody], Field(max_length=MOST)]


class ResourceChannel(Answer):
    """A resource the meeting needs."""

    id: UUID
    resource_id: UUID
    name: str = Field(examples=["Room 2"])
    availability_id: UUID | None
    group_name: str | None
    group_member_index: int | None
