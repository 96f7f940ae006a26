"""Booking forms: what a new booking is asked for with (contract 2.5, 6.4)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from kalends.domain.recurrence import Recurrence
from kalends.domain.rules import Mode
from kalends.errors import Invalid
from kalends.services.orders import NewAttendee, Order

from .channels import Channel
from .languages import Language
from .schemas import Absent, Body, Email, Flag, IdList, Line, Phone, Text, Whole, Zone
from .slot_scope import CHANNEL, HOSTS, METHOD, QUEUE, REQUIRED, RESOURCES
from .windows import When, whole_second

DEEPEST_NOTES, LONGEST_NOTES = 20, 100_000


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _within_bounds(notes: dict[str, Any]) -> dict[str, Any]:
    """Refuse answers nested so deep that nobody could be shown them, or longer than anybody answers.

    Raises:
        ValueError: they are.
    """
    level: list[Any] = [notes]
    for _ in range(DEEPEST_NOTES):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            break
    else:
        raise ValueError(f"must not be nested deeper than {DEEPEST_NOTES} levels")
    if len(json.dumps(notes)) > LONGEST_NOTES:
        raise ValueError(f"must not be longer than {LONGEST_NOTES} characters")
    return notes


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
    notes: Annotated[dict[str, Any], AfterValidator(_within_bounds)] = Field(
        {}, description="Answers by question", examples=[{"Topic": "Contract"}]
    )
    language: Annotated[Language | None, Absent] = Field(None, examples=["en"])
    timezone: Annotated[Zone | None, Absent] = Field(None, examples=["Europe/Vienna"])
    bringalong_emails: Annotated[list[Email], Field(max_length=5)] = Field(default_factory=list)
    data_policy_accepted: Flag | None = None

    def new(self) -> NewAttendee:
        """Hand him to the services."""
        return NewAttendee(
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


class RecurrenceForm(Body):
    """How often, and what becomes of the series when one of its starts cannot be booked."""

    frequency: Literal["weekly", "daily"]
    interval: Annotated[Whole, Field(ge=1, le=52, description="Weeks or days between two of them")] = 1
    count: Annotated[Whole, Field(ge=1, le=52, description="How many starts, the first one included")]
    on_conflict: Literal["fail", "skip"] = Field(
        "fail", description="fail: all or none; skip: those that cannot be booked are left out"
    )

    def new(self) -> Recurrence:
        """Hand it to the services."""
        return Recurrence(self.frequency, self.interval, self.count, self.on_conflict)


class StartForm(Body):
    """One start, and who hosts it with what, as a booking and a hold ask for it."""

    meeting_type_id: UUID
    start: When
    host_ids: IdList = Field(default_factory=list, description=HOSTS)
    queue_id: Annotated[UUID | None, Absent] = Field(None, description=QUEUE)
    calculation_method: Annotated[Mode | None, Absent] = Field(None, description=METHOD)
    required_hosts: Annotated[Whole, Field(ge=1)] | None = Field(None, description=REQUIRED)
    duration: Annotated[Whole, Field(ge=1, le=1440)] | None = Field(None, description="Minutes; an allowed duration")
    channel: Annotated[Channel | None, Absent] = Field(None, description=CHANNEL)
    resource_channel_ids: IdList = Field(default_factory=list, description=RESOURCES)


class BookingForm(StartForm):
    """One start to book; without hosts the meeting type's own takes it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ORDER]})

    attendee: AttendeeForm | None = Field(None, description="May be left out with attendeePendingId")
    location: Annotated[Line | None, Absent] = Field(None, description="One of the type's places, or the guest's own")
    ics_title: Annotated[Annotated[Line, StringConstraints(max_length=200)] | None, Absent] = None
    ics_description: Annotated[Annotated[Text, StringConstraints(max_length=2000)] | None, Absent] = None
    skip_notifications: Flag = Field(False, description="No mails about it but the one that asks a guest to confirm")
    phone_only_booking: Flag = Field(
        False, description="The guest has a phone number and no e-mail address; where the type allows it"
    )
    ignore_availability: Flag = Field(False, description="A host's or an administrator's own right.")
    recurrence: RecurrenceForm | None = Field(None, description="The same local time again and again")
    hold_id: Annotated[UUID | None, Absent] = Field(None, description="A hold of this start, which it takes over")
    one_time_link_id: Annotated[UUID | None, Absent] = Field(None, description="The link it is booked with, once")
    attendee_pending_id: Annotated[Whole, Field(ge=1)] | None = Field(
        None, description="Who books, as stored before; what attendee says wins"
    )
    booking_password: Annotated[Annotated[str, StringConstraints(max_length=200)] | None, Absent] = Field(
        None, description="The type's password, where it has one"
    )
    timezone: Annotated[Zone | None, Absent] = Field(None, description="Taken over into the attendee")
    notes: Text | None = Field(None, description="Taken over into the attendee's notes")

    def order(self) -> Order:
        """Turn the form into what the service books.

        Raises:
            Invalid: it does not say who books.
        """
        if self.attendee is None and self.attendee_pending_id is None:
            raise Invalid.at("attendee", "Field required")
        who = self.attendee.new() if self.attendee else NewAttendee(None)
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
            recurrence=self.recurrence.new() if self.recurrence else None,
            resource_channel_ids=tuple(self.resource_channel_ids),
            hold_id=self.hold_id,
            one_time_link_id=self.one_time_link_id,
            booking_password=self.booking_password,
            pending_attendee_id=self.attendee_pending_id,
            attendee=replace(who, timezone=who.timezone or self.timezone, notes=notes),
        )
