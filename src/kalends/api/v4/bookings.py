"""Bookings: a new one, and the guest's own routes, which need no credential but his secret (contract 2.5, 6.4)."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ConfigDict, Field, StringConstraints

from kalends.domain.provisional import BookingType
from kalends.edge import limits, problems
from kalends.edge.auth import SchedulingOrOwner
from kalends.edge.context import AppDep, trace_of
from kalends.errors import LimitReached, NotFound
from kalends.services import appointments, bookings, calendar_checks, guests, refusals
from kalends.services.appointments import AlreadyCancelled, AlreadyOver, NotTheOnlyAttendee, Rescheduled
from kalends.services.guests import GuestView
from kalends.services.new_provisional_bookings import TooManyUnconfirmed
from kalends.services.one_time_links import OneTimeLinkMismatch, OneTimeLinkUsed
from kalends.services.order_checks import ChannelNotAllowed, LocationNotOffered, PhoneOnlyNotAllowed
from kalends.services.outcomes import Booked, Pending
from kalends.services.page_passwords import BookingPasswordWrong
from kalends.services.placements import OverrideNotAllowed
from kalends.services.refusals import HoldExpired, HoldMismatch
from kalends.services.verification import Verified

from .appointment_answers import SECRET, AppointmentAnswer, for_guest
from .appointment_forms import Reason
from .appointments import RescheduleAnswer
from .booking_forms import BookingForm
from .schemas import Answer, Body, Stamp
from .windows import When

router = APIRouter(prefix="/v4", tags=["Booking V4"])

GUESTS_PER_MINUTE, GUESTS_BURST = 30, 60


class Outcome(Answer):
    """What a booking has come to; only the keys that apply are there."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)


class OccurrenceAnswer(Outcome):
    """One start of a series: its appointment, or why there is none."""

    start: Stamp
    appointment_id: UUID | None = None
    error_code: str | None = Field(None, description="As a single booking would be refused.")


class BookingAnswer(Outcome):
    """A confirmed booking; of a series the first start that was booked."""

    appointment_id: UUID
    secret: str = Field(description="Lets the attendee see, cancel and move it; shown in his links.", examples=[SECRET])
    series: list[OccurrenceAnswer] | None = Field(None, description="Every start; only with recurrence.")
    overlaps: Literal[True] | None = Field(
        None, description="Availability was ignored, and something else stands there; only then."
    )


class PendingAnswer(Outcome):
    """A booking that somebody still has to confirm; its time is kept meanwhile."""

    booking_type: BookingType
    provisional_booking_id: UUID
    series: list[OccurrenceAnswer] | None = Field(
        None, description="Every start, those kept without an appointment yet; only with recurrence."
    )


Secret = Annotated[str, StringConstraints(max_length=200)]


class GuestCancellation(Body):
    """The guest's secret, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"secret": SECRET, "reason": "I am ill."}]})

    secret: Secret
    reason: Reason = None


class GuestMove(Body):
    """The guest's secret, and a new start."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"secret": SECRET, "start": "2031-03-04T09:00:00Z"}]})

    secret: Secret
    start: When


@router.post(
    "/booking",
    status_code=201,
    response_model=BookingAnswer | PendingAnswer,
    responses=problems.document(
        NotFound,
        OverrideNotAllowed,
        PhoneOnlyNotAllowed,
        ChannelNotAllowed,
        LocationNotOffered,
        BookingPasswordWrong,
        OneTimeLinkUsed,
        OneTimeLinkMismatch,
        TooManyUnconfirmed,
        HoldExpired,
        HoldMismatch,
        bookings.SeriesConflict,
        *refusals.ALL,
    ),
)
async def create_booking(body: BookingForm, actor: SchedulingOrOwner, app: AppDep) -> Response:
    """Book a start that the list of starts offers; where the type wants it, somebody has to confirm it first."""
    order = body.order()

    async def book(verified: Verified) -> Booked | Pending:
        async with app.transaction() as conn:
            return await bookings.book(conn, actor=actor, order=order, clock=app.now, verified=verified)

    outcome = await calendar_checks.checked(app.calendar_reader, book)
    content = _answer(outcome).model_dump_json(by_alias=True, exclude_none=True)
    return Response(content, 201, media_type="application/json")


def _answer(outcome: Booked | Pending) -> BookingAnswer | PendingAnswer:
    series = None if outcome.series is None else [OccurrenceAnswer.model_validate(one) for one in outcome.series]
    if isinstance(outcome, Pending):
        return PendingAnswer(
            booking_type=outcome.booking_type,
            provisional_booking_id=outcome.provisional_booking_id,
            series=series,
        )
    return BookingAnswer(
        appointment_id=outcome.appointment_id,
        secret=outcome.secret,
        series=series,
        overlaps=outcome.overlaps or None,
    )


async def _guest_door(request: Request, app: AppDep) -> None:
    """Limit guessing per address, and keep secrets out of caches and referrers."""
    trace_of(request).headers.update({"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    await limits.take_address(app, request, "guest", GUESTS_PER_MINUTE, GUESTS_BURST)


_GUEST = [Depends(_guest_door)]


@router.get("/booking/{appointmentId}", dependencies=_GUEST, responses=problems.document(NotFound, LimitReached))
async def get_booking(
    appointmentId: UUID,  # noqa: N803
    secret: Annotated[str, Query(max_length=200)],
    app: AppDep,
) -> AppointmentAnswer:
    """Show a guest his appointment; of all who come he sees himself."""
    async with app.reading() as conn:
        view = await guests.opened_by(conn, appointmentId, secret, app.now())
    return for_guest(view)


@router.post(
    "/booking/{appointmentId}/cancel", dependencies=_GUEST, responses=problems.document(NotFound, LimitReached)
)
async def cancel_booking(
    appointmentId: UUID,  # noqa: N803
    body: GuestCancellation,
    request: Request,
    app: AppDep,
) -> AppointmentAnswer:
    """Cancel as a guest: the appointment where nobody else booked it, else just himself."""
    async with app.transaction() as conn:
        client = limits.client_of(request)
        view = await guests.opened_by(conn, appointmentId, body.secret, app.now(), client=client)
        await appointments.cancel(
            conn, actor=view.actor, appointment_id=appointmentId, reason=body.reason, clock=app.now
        )
        after = await guests.opened_by(conn, appointmentId, body.secret, app.now())
    return for_guest(after)


@router.post(
    "/booking/{appointmentId}/reschedule",
    dependencies=_GUEST,
    responses=problems.document(
        NotFound, LimitReached, AlreadyCancelled, AlreadyOver, NotTheOnlyAttendee, *refusals.ALL
    ),
)
async def reschedule_booking(
    appointmentId: UUID,  # noqa: N803
    body: GuestMove,
    request: Request,
    app: AppDep,
) -> RescheduleAnswer:
    """Move an appointment as the only guest who booked it."""

    async def move(verified: Verified) -> tuple[GuestView, Rescheduled]:
        async with app.transaction() as conn:
            client = limits.client_of(request)
            view = await guests.opened_by(conn, appointmentId, body.secret, app.now(), client=client)
            moved = await appointments.reschedule(
                conn,
                actor=view.actor,
                appointment_id=appointmentId,
                start=body.start,
                clock=app.now,
                verified=verified,
            )
            return view, moved

    view, moved = await calendar_checks.checked(app.calendar_reader, move)
    newest = next(one for one in moved.appointment.attendees if one.id == view.attendee.id)
    return RescheduleAnswer(
        appointment=for_guest(GuestView(moved.appointment, newest)),
        previous_start=moved.previous_start,
        start=moved.appointment.start_at,
    )
