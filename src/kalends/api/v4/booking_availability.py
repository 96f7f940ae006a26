"""Booking availability: the starts that can be booked (contract 2.4, 6.4, 6.6)."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from kalends.domain.listing import dates_json, local_date, timeframes_json
from kalends.domain.zones import DAY, wall_minute
from kalends.edge import problems
from kalends.edge.auth import SchedulingOrOwner
from kalends.edge.context import AppDep
from kalends.errors import FieldError, Invalid, NotFound
from kalends.services import calendars
from kalends.services.calendars import Listed, SlotQuery
from kalends.services.orders import Mode
from kalends.services.refusals import DurationNotAllowed

from .channels import Channel
from .schemas import Absent, Answer, IdList, Zone
from .windows import window

router = APIRouter(prefix="/v4", tags=["Booking Availability V4"])


class JoinedAppointment(Answer):
    """A group appointment that still has seats."""

    id: UUID
    total_spots: int = Field(examples=[10])
    taken_spots: int = Field(examples=[3])


class Spot(Answer):
    """One start that can be booked."""

    start_time: str = Field(examples=["2031-03-04T09:00:00.000+01:00"])
    unavailability_events: list[dict[str, Any]] = Field(default_factory=list, examples=[[]])
    appointment: JoinedAppointment | None = Field(None, description="Only where a group appointment has seats.")


class BookableDay(Answer):
    """A local date with at least one start."""

    date: str = Field(examples=["2031-03-04"])
    spots: list[Spot]


class Timeframe(Answer):
    """A bookable span in UTC: from a first start to the end of the last appointment of its run."""

    start: str = Field(examples=["2031-03-04T08:00:00.000Z"])
    end: str = Field(examples=["2031-03-04T16:00:00.000Z"])


class BookingAvailability(Answer):
    """The starts of a window by local date."""

    timezone: str = Field(examples=["Europe/Vienna"])
    timeframes: list[Timeframe]
    dates: list[BookableDay]
    earliest_available_date: str | None = Field(examples=["2031-03-04"])
    earliest_month_availability: str | None = Field(examples=["2031-03"])


async def _no_other_names(request: Request) -> None:
    wrong = [name for name in ("from", "to") if name in request.query_params]
    if wrong:
        message = "Use start and end instead of from and to"
        raise Invalid(message, errors=[FieldError(name, message) for name in ("start", "end")])


@router.get(
    "/booking-availability",
    response_model=BookingAvailability,
    responses=problems.document(NotFound, DurationNotAllowed),
    dependencies=[Depends(_no_other_names)],
)
async def get_booking_availability(
    actor: SchedulingOrOwner,
    app: AppDep,
    meeting_type_id: Annotated[UUID, Query(alias="meetingTypeId")],
    start: Annotated[str, Query(description="A date, a local time, or an instant", examples=["2031-03-04"])],
    end: Annotated[
        str, Query(description="A date (included), or a local time or an instant (exclusive)", examples=["2031-03-10"])
    ],
    host_ids: Annotated[
        IdList, Query(alias="hostIds", description="Repeated, or joined by commas; without: the type's host")
    ] = [],  # noqa: B006
    queue_id: Annotated[UUID | None, Absent, Query(alias="queueId")] = None,
    calculation_method: Annotated[Mode | None, Absent, Query(alias="calculationMethod")] = None,
    required_hosts: Annotated[Annotated[int, Field(ge=1, le=1000)] | None, Absent, Query(alias="requiredHosts")] = None,
    meeting_duration: Annotated[
        Annotated[int, Field(ge=1, le=1440)] | None, Absent, Query(alias="meetingDuration")
    ] = None,
    timezone: Annotated[Zone | None, Absent, Query(description="IANA name")] = None,
    channel: Annotated[Channel | None, Absent, Query()] = None,
    existing_appointment_id: Annotated[
        UUID | None, Absent, Query(alias="existingAppointmentId", description="Moved: its own time does not block it")
    ] = None,
    troubleshoot: Annotated[bool | None, Absent, Query()] = None,
    refresh_cache: Annotated[bool | None, Absent, Query(alias="refreshCache")] = None,
    skip_earliest: Annotated[bool | None, Absent, Query(alias="skipEarliestBookingCalculation")] = None,
) -> Response:
    """List the starts that can be booked.

    A disabled meeting type has none; a duration it does not offer is refused. With existingAppointmentId the hosts
    and the duration are those of that appointment.

    Days without a start are left out. With a timezone the starts are local times with their offset, without
    one they are in UTC.
    """
    first, last = window(start, end, timezone or "UTC")
    query = SlotQuery(
        meeting_type_id=meeting_type_id,
        start=first,
        end=last,
        host_ids=tuple(host_ids),
        queue_id=queue_id,
        mode=calculation_method,
        required=required_hosts,
        duration=meeting_duration,
        existing_appointment_id=existing_appointment_id,
    )
    async with app.reading() as conn:
        listed = await calendars.listing(conn, actor.company_id, query, app.now(), earliest=not skip_earliest)
    rules = listed.loaded.rules
    if rules.enabled and rules.duration not in rules.allowed_durations:
        raise DurationNotAllowed
    return Response(_encode(listed, timezone), media_type="application/json")


def _encode(listed: Listed, zone: str | None) -> bytes:
    earliest = None
    if listed.earliest is not None:
        earliest = local_date((wall_minute(zone, listed.earliest) if zone else listed.earliest) // DAY)
    return (b'{"timezone":%b,"timeframes":%b,"dates":%b,"earliestAvailableDate":%b,"earliestMonthAvailability":%b}') % (
        json.dumps(zone or "UTC").encode(),
        timeframes_json(listed.listing, listed.loaded.rules.duration),
        dates_json(listed.listing, zone),
        json.dumps(earliest).encode(),
        json.dumps(earliest and earliest[:7]).encode(),
    )
