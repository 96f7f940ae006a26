"""Bookings: a new one, and the guest's own routes, which need no credential but his secret (contract 2.5, 6.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from kalends.edge import limits, problems
from kalends.edge.auth import SchedulingOrOwner
from kalends.edge.context import AppDep, trace_of
from kalends.errors import LimitReached, NotFound
from kalends.services import appointments, bookings, guests, orders, refusals
from kalends.services.appointments import AlreadyCancelled, AlreadyOver, NotTheOnlyAttendee
from kalends.services.orders import Order

from .appointment_answers import SECRET, AppointmentAnswer, for_guest
from .appointments import Reason, RescheduleAnswer
from .channels import Channel
from .languages import Language
from .schemas import Absent, Answer, Body, Email, Flag, IdList, Line, Phone, Text, Whole, Zone
from .windows import When, whole_second

router = APIRouter(prefix="/v4", tags=["Booking V4"])

GUESTS_PER_MINUTE, GUESTS_BURST = 30, 60
DEEPEST_NOTES = 20


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _shallow(notes: dict[str, Any]) -> dict[str, Any]:
    """Refuse answers nested so deep that nobody could be shown them any more.

    Raises:
        ValueError: they are.
    """
    level: list[Any] = [notes]
    for _ in range(DEEPEST_NOTES):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return notes
    raise ValueError(f"must not be nested deeper than {DEEPEST_NOTES} levels")


GuestName = Annotated[Line | None, Absent, BeforeValidator(_trimmed)]


class AttendeeForm(Body):
    """Whoever books; names may be missing."""

    email: Annotated[Email | None, Absent] = Field(
        None, description="Required unless phoneOnlyBooking", examples=["gil@guests.test"]
    )
    phone: Annotated[Phone | None, Absent, BeforeValidator(_trimmed)] = Field(None, examples=["+436601234567"])
    fullname: GuestName = Field(None, examples=["Gil Moss"])
    firstname: GuestName = None
    lastname: GuestName = None
    receive_reminders: Flag = True
    notes: Annotated[dict[str, Any], AfterValidator(_shallow)] = Field(
        {}, description="Answers by question", examples=[{"Topic": "Contract"}]
    )
    language: Annotated[Language | None, Absent] = Field(None, examples=["en"])
    timezone: Annotated[Zone | None, Absent] = Field(None, examples=["Europe/Vienna"])
    bringalong_emails: Annotated[list[Email], Field(max_length=5)] = Field(default_factory=list)
    data_policy_accepted: Flag | None = None

    def new(self) -> orders.NewAttendee:
        """Hand him to the services."""
        return orders.NewAttendee(
            email=self.email,
            first_name=self.firstname,
            last_name=self.lastname,
            full_name=self.fullname,
            phone=self.phone,
            language=self.language,
            timezone=self.timezone,
            notes=self.notes,
            receive_reminders=self.receive_reminders,
            bringalong_emails=tuple(self.bringalong_emails),
            data_policy_accepted=self.data_policy_accepted,
        )


_ORDER: dict[str, Any] = {
    "meetingTypeId": "01977b2e-4c4a-7a31-9f0e-00007e513f3a",
    "start": "2031-03-04T09:00:00.000+01:00",
    "attendee": {
        "email": "gil@guests.test",
        "fullname": "Gil Moss",
        "timezone": "Europe/Vienna",
        "receiveReminders": True,
        "notes": {"Topic": "Contract"},
    },
}


class BookingForm(Body):
    """One start to book; without hosts the meeting type's own takes it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ORDER]})

    meeting_type_id: UUID
    start: When
    attendee: AttendeeForm
    host_ids: IdList = Field(default_factory=list)
    queue_id: Annotated[UUID | None, Absent] = None
    calculation_method: Annotated[orders.Mode | None, Absent] = None
    required_hosts: Annotated[Whole, Field(ge=1)] | None = None
    duration: Annotated[Whole, Field(ge=1, le=1440)] | None = Field(None, description="Minutes; an allowed duration")
    channel: Annotated[Channel | None, Absent] = None
    location: Annotated[Line | None, Absent] = None
    ics_title: Annotated[Annotated[Line, StringConstraints(max_length=200)] | None, Absent] = None
    ics_description: Annotated[Annotated[Text, StringConstraints(max_length=2000)] | None, Absent] = None
    skip_notifications: Flag = False
    phone_only_booking: Flag = False
    ignore_availability: Flag = Field(False, description="A host's or an administrator's own right.")
    timezone: Annotated[Zone | None, Absent] = Field(None, description="Taken over into the attendee")
    notes: Text | None = Field(None, description="Taken over into the attendee's notes")

    def order(self) -> Order:
        """Turn the form into what the service books."""
        who = self.attendee.new()
        notes = {"notes": self.notes, **who.notes} if self.notes else who.notes
        return Order(
            meeting_type_id=self.meeting_type_id,
            start=whole_second(self.start) if self.ignore_availability else self.start,
            host_ids=tuple(self.host_ids),
            queue_id=self.queue_id,
            mode=self.calculation_method,
            required=self.required_hosts,
            duration=self.duration,
            channel=self.channel,
            location=self.location,
            ics_title=self.ics_title,
            ics_description=self.ics_description,
            skip_notifications=self.skip_notifications,
            phone_only=self.phone_only_booking,
            ignore_availability=self.ignore_availability,
            attendee=replace(who, timezone=who.timezone or self.timezone, notes=notes),
        )


class BookingAnswer(Answer):
    """A confirmed booking."""

    appointment_id: UUID
    secret: str = Field(description="Lets the attendee see, cancel and move it; shown in his links.", examples=[SECRET])


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
    responses=problems.document(
        NotFound,
        bookings.OverrideNotAllowed,
        orders.PhoneOnlyNotAllowed,
        orders.ChannelNotAllowed,
        orders.LocationNotOffered,
        *refusals.ALL,
    ),
)
async def create_booking(body: BookingForm, actor: SchedulingOrOwner, app: AppDep) -> BookingAnswer:
    """Book a start that the list of starts offers."""
    async with app.transaction() as conn:
        booked = await bookings.book(conn, actor=actor, order=body.order(), clock=app.now)
    return BookingAnswer(appointment_id=booked.appointment_id, secret=booked.secret)


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
    async with app.transaction() as conn:
        client = limits.client_of(request)
        view = await guests.opened_by(conn, appointmentId, body.secret, app.now(), client=client)
        moved = await appointments.reschedule(
            conn, actor=view.actor, appointment_id=appointmentId, start=body.start, clock=app.now
        )
    newest = next(one for one in moved.appointment.attendees if one.id == view.attendee.id)
    return RescheduleAnswer(
        appointment=for_guest(guests.GuestView(moved.appointment, newest)),
        previous_start=moved.previous_start,
        start=moved.appointment.start_at,
    )
