"""The appointment object of contract 2.7, for hosts and for guests."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from kalends.services import appointments
from kalends.services.guests import GuestView
from kalends.storage.appointments import Appointment
from kalends.storage.attendees import Attendee

from .schemas import Answer, Stamp

# What a secret looks like, for examples.
SECRET = "Jv1aQ0mZ8yq3TtqGQw2fJrT0c5d7xk9LhV4bN6sPe1U"
_INFO = {"name": "30min Meeting", "description": "", "duration": 30, "channel": "phone"}


class HostAnswer(Answer):
    """One host; the first of the list is the main host."""

    id: UUID
    email: str = Field(examples=["ada@acme.test"])
    given_name: str = Field(examples=["Ada"])
    family_name: str = Field(examples=["Roth"])
    full_name: str = Field(examples=["Ada Roth"])
    slug: str = Field(examples=["ada-roth"])
    picture: str | None


class AttendeeAnswer(Answer):
    """One attendee; `broughtAlong` marks the guests of whoever booked."""

    id: UUID
    email: str | None = Field(examples=["gil@guests.test"])
    firstname: str | None = Field(examples=["Gil"])
    lastname: str | None = Field(examples=["Moss"])
    fullname: str = Field(examples=["Gil Moss"])
    phone: str | None = Field(examples=["+436601234567"])
    timezone: str | None = Field(examples=["Europe/Vienna"])
    language: str | None = Field(examples=["en"])
    notes: dict[str, Any] = Field(examples=[{"Topic": "Contract"}])
    receive_reminders: bool = Field(examples=[True])
    brought_along: bool
    is_cancelled: bool
    cancelled_at: Stamp | None
    answer: str | None = Field(
        description="accepted, declined, tentative or needs-action, as a host's calendar shows it.", examples=[None]
    )


class CancelAnswer(Answer):
    """Who cancelled, when and why; all null on a live appointment."""

    action_source: str | None = Field(description="attendee or host")
    action_at: Stamp | None
    action_by: str | None
    reason: str | None


class CalendarSyncProvider(Answer):
    """One host's calendar that an appointment stands in."""

    id: UUID = Field(description="The calendar connection.")
    type: str = Field(description="Who keeps the calendar.", examples=["caldav"])
    host_id: UUID
    event_id: str = Field(description="What the calendar calls the event.")
    calendar_id: str | None = Field(description="What its keeper calls the calendar; null once that is gone.")


class HostingInfo(Answer):
    """Where the meeting takes place, and its traces in calendars."""

    main_host: UUID
    meeting_link: str | None = None
    google_event_id: str | None = None
    google_connection_sub: str | None = None
    calendar_connection_id: UUID | None = Field(default=None, description="The main host's.")
    zoom_meeting_id: int | None = None
    connect_channel_id: str | None = None
    whereby_meeting_id: str | None = None
    calendar_sync_providers: list[CalendarSyncProvider] = Field(
        default_factory=list, description="Where it stands in the hosts' calendars.", examples=[[]]
    )


class TypeAnswer(Answer):
    """The meeting type an appointment belongs to."""

    id: UUID
    slug: str = Field(examples=["30min-meeting"])
    meeting_info: dict[str, Any] = Field(examples=[_INFO])
    metadata: dict[str, Any] = Field(examples=[{}])


class QueueBookingInfo(Answer):
    """Whom the queue chose, and why."""

    user_ids: list[UUID]
    selection_reason: str = Field(examples=["fewest-bookings"])
    group_id: UUID | None


class AppointmentAnswer(Answer):
    """An appointment with hosts and attendees."""

    id: UUID
    secret: str = Field(description="The first attendee's; opens his page and the guest's routes.", examples=[SECRET])
    ics: str | None = Field(description="The appointment as iCalendar; null in lists.")
    start: Stamp
    end: Stamp = Field(examples=["2031-03-04T09:30:00.000Z"])
    is_cancelled: bool
    cancel: CancelAnswer
    rescheduled_at: Stamp | None
    reschedule_count: int
    meeting_info: dict[str, Any] = Field(description="The meeting type's, as it was when booked.", examples=[_INFO])
    meeting_type_id: UUID
    meeting_type: TypeAnswer
    hosting_info: HostingInfo
    crm_options: dict[str, Any] = Field(default_factory=dict)
    attendees: list[AttendeeAnswer]
    attendee_ids: list[UUID]
    hosts: list[HostAnswer]
    host_ids: list[UUID]
    company_id: UUID
    channel: str = Field(examples=["phone"])
    location: str | None
    ics_title: str | None
    ics_description: str | None
    note: str | None = Field(description="The hosts' note.", examples=["Bring the plan."])
    notes: str | None = Field(description="The same as `note`.", examples=["Bring the plan."])
    transcription: str | None
    summary: str | None
    series_id: UUID | None = Field(description="What all starts of one recurrence have in common; a guest's own.")
    resource_channel_ids: list[UUID] = Field(description="Its rooms and things.", examples=[[]])
    ignored_availability: bool | None = Field(description="It may overlap; null for guests.", examples=[False])
    queue_id: UUID | None = Field(description="The queue that chose its hosts; null for guests.")
    queue_booking_info: QueueBookingInfo | None = Field(description="How it chose; null for guests.")
    created_at: Stamp = Field(examples=["2031-02-20T12:00:00.000Z"])
    updated_at: Stamp = Field(examples=["2031-02-20T12:00:00.000Z"])


def for_hosts(appointment: Appointment, *, ics: bool = True) -> AppointmentAnswer:
    """Show a whole appointment to those who see it.

    Args:
        ics: add the iCalendar file; writing one takes its time, so lists go without.
    """
    calendar = appointments.calendar_file(appointment, appointment.hosts[0].id) if ics else None
    return _answer(
        appointment, appointment.attendees, secret=appointment.attendees[0].secret, ics=calendar, inside=True
    )


def for_guest(view: GuestView) -> AppointmentAnswer:
    """Show an appointment to one attendee: of all who come he sees himself, and nothing the hosts noted."""
    calendar = appointments.calendar_file(view.appointment, view.attendee.id)
    return _answer(view.shown, (view.attendee,), secret=view.attendee.secret, ics=calendar, inside=False)


def _answer(
    one: Appointment, shown: tuple[Attendee, ...], *, secret: str, ics: str | None, inside: bool
) -> AppointmentAnswer:
    return AppointmentAnswer(
        id=one.id,
        secret=secret,
        ics=ics,
        start=one.start_at,
        end=one.end_at,
        is_cancelled=one.cancelled_at is not None,
        cancel=CancelAnswer(
            action_source=one.cancel_source,
            action_at=one.cancelled_at,
            action_by=one.cancelled_by,
            reason=one.cancel_reason,
        ),
        rescheduled_at=one.rescheduled_at,
        reschedule_count=one.reschedule_count,
        meeting_info=one.meeting_info,
        meeting_type_id=one.meeting_type_id,
        meeting_type=TypeAnswer(
            id=one.meeting_type_id,
            slug=one.type_slug,
            meeting_info=one.meeting_info,
            metadata=one.type_metadata if inside else {},
        ),
        hosting_info=_hosting(one, inside=inside),
        attendees=[_attendee(attendee) for attendee in shown],
        attendee_ids=[attendee.id for attendee in shown],
        hosts=[HostAnswer.model_validate(host) for host in one.hosts],
        host_ids=[host.id for host in one.hosts],
        company_id=one.company_id,
        channel=one.channel,
        location=one.location,
        ics_title=one.ics_title,
        ics_description=one.ics_description,
        note=one.note if inside else None,
        notes=one.note if inside else None,
        transcription=one.transcription if inside else None,
        summary=one.summary if inside else None,
        series_id=one.series_id,
        resource_channel_ids=[UUID(room["channelId"]) for room in one.resources],
        ignored_availability=one.ignored_availability if inside else None,
        queue_id=one.queue_id if inside else None,
        queue_booking_info=QueueBookingInfo.model_validate(one.turn) if inside and one.turn else None,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _hosting(one: Appointment, *, inside: bool) -> HostingInfo:
    """Say where it takes place; guests do not see where it stands in the hosts' calendars."""
    main, entries = one.hosts[0].id, (one.entries or ()) if inside else ()
    own = next((entry for entry in entries if entry["userId"] == str(main)), {})
    is_google = own.get("provider") == "google"
    return HostingInfo(
        main_host=main,
        meeting_link=one.meeting_info.get("meetingLink"),
        google_event_id=own["remoteId"] if is_google else None,
        google_connection_sub=own["account"] if is_google else None,
        calendar_connection_id=own.get("connectionId"),
        zoom_meeting_id=one.meeting_number,
        calendar_sync_providers=[
            CalendarSyncProvider(
                id=entry["connectionId"],
                type=entry["provider"],
                host_id=entry["userId"],
                event_id=entry["remoteId"],
                calendar_id=entry["calendarId"],
            )
            for entry in entries
        ],
    )


def _attendee(attendee: Attendee) -> AttendeeAnswer:
    return AttendeeAnswer(
        id=attendee.id,
        email=attendee.email,
        firstname=attendee.first_name,
        lastname=attendee.last_name,
        fullname=attendee.full_name,
        phone=attendee.phone,
        timezone=attendee.timezone,
        language=attendee.language,
        notes=attendee.notes,
        receive_reminders=attendee.receive_reminders,
        brought_along=attendee.brought_along,
        is_cancelled=attendee.cancelled_at is not None,
        cancelled_at=attendee.cancelled_at,
        answer=attendee.answer,
    )
