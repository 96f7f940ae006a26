"""Who and what a list of starts is asked for: the parameters of booking availability and of its explanation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field

from kalends.domain.rules import Mode
from kalends.services.slot_queries import SlotQuery

from .channels import Channel
from .schemas import Absent, IdList

# What a list of starts, a hold and a booking are asked with alike.
HOSTS = "In order of preference; without: all of the type's queue, else its host"
QUEUE = "The type's queue: all its members are considered"
METHOD = "anyone: the first host who is free; everyone: all of them"
REQUIRED = "So many of the hosts, whatever the method"
CHANNEL = "One the type allows; without: the type's own"
RESOURCES = "Resources that are all needed; without: each of the type's, and one of each group"


async def _scope(
    meeting_type_id: Annotated[UUID, Query(alias="meetingTypeId")],
    host_ids: Annotated[
        IdList,
        Query(alias="hostIds", description=f"Repeated, or joined by commas. {HOSTS}"),
    ] = [],  # noqa: B006
    queue_id: Annotated[UUID | None, Absent, Query(alias="queueId", description=QUEUE)] = None,
    calculation_method: Annotated[Mode | None, Absent, Query(alias="calculationMethod", description=METHOD)] = None,
    required_hosts: Annotated[
        Annotated[int, Field(ge=1, le=1000)] | None, Absent, Query(alias="requiredHosts", description=REQUIRED)
    ] = None,
    meeting_duration: Annotated[
        Annotated[int, Field(ge=1, le=1440)] | None, Absent, Query(alias="meetingDuration")
    ] = None,
    channel: Annotated[
        Channel | None, Absent, Query(description="Its hours are asked; without: those of the type's own channel")
    ] = None,
    existing_appointment_id: Annotated[
        UUID | None, Absent, Query(alias="existingAppointmentId", description="Moved: its own time does not block it")
    ] = None,
    resource_channel_ids: Annotated[
        IdList,
        Query(alias="resourceChannelIds", description=RESOURCES),
    ] = [],  # noqa: B006
    hold_id: Annotated[
        UUID | None, Absent, Query(alias="holdId", description="The caller's own hold: its time is free for him")
    ] = None,
    hide_group_appointments: Annotated[
        bool | None,
        Absent,
        Query(alias="hideGroupAppointments", description="Group appointments with free seats are not offered"),
    ] = None,
) -> Callable[..., SlotQuery]:
    return partial(
        SlotQuery,
        meeting_type_id=meeting_type_id,
        host_ids=tuple(host_ids),
        queue_id=queue_id,
        mode=calculation_method,
        required=required_hosts,
        duration=meeting_duration,
        existing_appointment_id=existing_appointment_id,
        channel=channel,
        resource_channel_ids=tuple(resource_channel_ids),
        hold_id=hold_id,
        hide_group_appointments=bool(hide_group_appointments),
    )


# Makes the query for a window, given its start and end.
SlotScope: TypeAlias = Annotated[Callable[..., SlotQuery], Depends(_scope)]
