"""Appointments: lists, single ones, and the changes hosts make (contract 2.7, 6.4)."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.errors import NotFound
from kalends.services import appointment_lists, appointments, calendar_checks, refusals
from kalends.services.appointments import AlreadyCancelled, AlreadyOver, Rescheduled
from kalends.services.cancellations import AttendeeOrAllNeeded
from kalends.services.placements import OverrideNotAllowed
from kalends.services.refusals import SlotTaken
from kalends.services.rights import AdminsOnly
from kalends.services.verification import Verified
from kalends.storage.appointments import Filter, Status

from .appointment_answers import AppointmentAnswer, for_hosts
from .appointment_forms import Cancellation, Guest, Move, Note, Transcription
from .schemas import INT32, Absent, Answer, Stamp
from .windows import side, whole_second

router = APIRouter(prefix="/v4", tags=["Appointment V4"])

AppointmentId = Annotated[UUID, Path(alias="id")]


class AppointmentPage(Answer):
    """One page of appointments, and how many there are in all."""

    appointments: list[AppointmentAnswer]
    total: int = Field(examples=[1])


class RescheduleAnswer(Answer):
    """The appointment after its move."""

    appointment: AppointmentAnswer
    previous_start: Stamp = Field(examples=["2031-03-03T09:00:00.000Z"])
    start: Stamp


@router.get("/appointment/paginated", response_model=AppointmentPage, responses=problems.document(NotFound, AdminsOnly))
async def get_paginated_appointments(
    actor: Scheduling,
    app: AppDep,
    page: Annotated[int, Query(ge=0, le=INT32, description="From 0")],
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=100)],
    start: Annotated[str | None, Absent, Query(description="Begins at or after: a date, or an instant; UTC")] = None,
    end: Annotated[str | None, Absent, Query(description="Begins before an instant, or by the end of a date")] = None,
    search: Annotated[Annotated[str, Field(max_length=250)] | None, Absent, Query()] = None,
    status: Annotated[Status | None, Absent, Query()] = None,
    meeting_type_id: Annotated[UUID | None, Absent, Query(alias="meetingTypeId")] = None,
    user_id: Annotated[UUID | None, Absent, Query(alias="userId", description="Another user's; admins only")] = None,
    sort_by: Annotated[
        Literal["appointment.start", "appointment.createdAt"] | None, Absent, Query(alias="sortBy")
    ] = None,
    sort_direction: Annotated[Literal["ASC", "DESC"] | None, Absent, Query(alias="sortDirection")] = None,
) -> Response:
    """List appointments page by page, the acting user's own unless another user is named."""
    assert actor.user_id is not None
    only = Filter(
        host_id=user_id or actor.user_id,
        begins_from=side(start, "UTC", field="start", is_end=False).to_instant() if start else None,
        begins_before=side(end, "UTC", field="end", is_end=True).to_instant() if end else None,
        meeting_type_id=meeting_type_id,
        status=status,
        search=search and search.strip(),
    )
    async with app.reading() as conn:
        found, total = await appointment_lists.page(
            conn,
            actor=actor,
            only=only,
            sort="created" if sort_by == "appointment.createdAt" else "start",
            descending=sort_direction == "DESC",
            number=page,
            size=page_size,
            now=app.now(),
        )
    answer = AppointmentPage(appointments=[for_hosts(one, ics=False) for one in found], total=total)
    # Written here: the framework would check all of it once more.
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


@router.get("/appointment/today")
async def get_todays_appointments(actor: Scheduling, app: AppDep) -> list[AppointmentAnswer]:
    """List the acting user's live appointments that begin today, in his own zone."""
    async with app.reading() as conn:
        found = await appointment_lists.today(conn, actor=actor, now=app.now())
    return [for_hosts(one, ics=False) for one in found]


@router.get("/appointment/current")
async def get_current_appointment(actor: Scheduling, app: AppDep) -> AppointmentAnswer | None:
    """Show the acting user's appointment that runs now; null when none does."""
    async with app.reading() as conn:
        found = await appointment_lists.current(conn, actor=actor, now=app.now())
    return for_hosts(found) if found else None


@router.get("/appointment/{id}", responses=problems.document(NotFound))
async def get_appointment(appointment_id: AppointmentId, actor: Scheduling, app: AppDep) -> AppointmentAnswer:
    """Show one appointment.

    Members see the ones they host, administrators all of the company.
    """
    async with app.reading() as conn:
        found = await appointments.get(conn, actor=actor, appointment_id=appointment_id)
    return for_hosts(found)


@router.post("/appointment/{id}/cancel", responses=problems.document(NotFound, AttendeeOrAllNeeded))
async def cancel_appointment(
    appointment_id: AppointmentId,
    actor: Scheduling,
    app: AppDep,
    body: Cancellation | None = None,
) -> AppointmentAnswer:
    """Cancel an appointment, or take one attendee off it; a cancelled one stays as it is."""
    body = body or Cancellation()
    async with app.transaction() as conn:
        cancelled = await appointments.cancel(
            conn,
            actor=actor,
            appointment_id=appointment_id,
            attendee_id=body.attendee_id,
            cancel_all=body.cancel_all,
            entire_series=body.cancel_entire_series,
            reason=body.reason,
            clock=app.now,
        )
    return for_hosts(cancelled)


@router.delete("/appointment/{id}", status_code=204, responses=problems.document(NotFound))
async def delete_appointment(appointment_id: AppointmentId, actor: Scheduling, app: AppDep) -> Response:
    """Cancel a whole appointment for all who booked it; the answer is empty."""
    async with app.transaction() as conn:
        await appointments.cancel(conn, actor=actor, appointment_id=appointment_id, cancel_all=True, clock=app.now)
    return Response(status_code=204)


@router.post(
    "/appointment/{id}/reschedule",
    responses=problems.document(NotFound, AlreadyCancelled, AlreadyOver, OverrideNotAllowed, *refusals.ALL),
)
async def reschedule_appointment(
    appointment_id: AppointmentId,
    body: Move,
    actor: Scheduling,
    app: AppDep,
) -> RescheduleAnswer:
    """Move an appointment to another start; its own time does not block it."""

    async def move(verified: Verified) -> Rescheduled:
        async with app.transaction() as conn:
            return await appointments.reschedule(
                conn,
                actor=actor,
                appointment_id=appointment_id,
                start=whole_second(body.start) if body.ignore_availability else body.start,
                ignore_availability=body.ignore_availability,
                mode=body.calculation_method,
                required=body.required_hosts,
                clock=app.now,
                verified=verified,
            )

    moved = await calendar_checks.checked(app.calendar_reader, move)
    return RescheduleAnswer(
        appointment=for_hosts(moved.appointment),
        previous_start=moved.previous_start,
        start=moved.appointment.start_at,
    )


@router.patch("/appointment/{id}/notes", responses=problems.document(NotFound))
async def update_appointment_notes(
    appointment_id: AppointmentId,
    body: Note,
    actor: Scheduling,
    app: AppDep,
) -> AppointmentAnswer:
    """Replace the hosts' note."""
    async with app.transaction() as conn:
        changed = await appointments.annotate(
            conn, actor=actor, appointment_id=appointment_id, fields={"note": body.note}, clock=app.now
        )
    return for_hosts(changed)


@router.patch("/appointment/{id}/transcription", responses=problems.document(NotFound))
async def update_appointment_transcription(
    appointment_id: AppointmentId,
    body: Transcription,
    actor: Scheduling,
    app: AppDep,
) -> AppointmentAnswer:
    """Set transcription and summary."""
    async with app.transaction() as conn:
        changed = await appointments.annotate(
            conn, actor=actor, appointment_id=appointment_id, fields=body.model_dump(exclude_unset=True), clock=app.now
        )
    return for_hosts(changed)


@router.patch(
    "/appointment/{id}/guest", responses=problems.document(NotFound, AlreadyCancelled, AlreadyOver, SlotTaken)
)
async def add_appointment_guest(
    appointment_id: AppointmentId,
    body: Guest,
    actor: Scheduling,
    app: AppDep,
) -> AppointmentAnswer:
    """Let an attendee bring one more guest."""
    async with app.transaction() as conn:
        changed = await appointments.add_guest(
            conn,
            actor=actor,
            appointment_id=appointment_id,
            attendee_id=body.attendee_id,
            email=body.email,
            clock=app.now,
        )
    return for_hosts(changed)
