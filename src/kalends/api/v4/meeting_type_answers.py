"""Meeting types as they go out (contract 2.2)."""

from __future__ import annotations

from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from kalends.services import meeting_type_defaults
from kalends.storage.meeting_types import MeetingType as Row
from kalends.storage.users import User

from .channels import Channel
from .limits import BookingLimits
from .one_time_links import OneTimeLink
from .questions import Question
from .resource_channels import ResourceChannel
from .schemas import Answer, Stamp

Switch = Literal["useCompanySettings", "enabled", "disabled"]


class ConfirmationButton(Answer):
    """A button on the confirmation page."""

    use_confirmation_button: bool = False
    text: str | None = None
    color: str | None = None
    link: str | None = None


class MeetingInfo(Answer):
    """The meeting itself; lengths in minutes."""

    name: str = Field(examples=["First talk"])
    description: str = Field(examples=[""])
    duration: int = Field(examples=[45])
    channel: Channel = Field(examples=["phone"])
    enable_redirect: bool
    redirect: str | None
    pass_event_details_to_redirect: bool
    custom_channel_name: str | None
    custom_channel_link: str | None
    connect_channel_name: str | None
    group_booking: bool
    show_available_slots: bool
    enrich_invitee: bool
    confirmation_button: ConfirmationButton | None
    buffer_before: int
    buffer_after: int
    buffer_must_stay_within_working_hours: bool
    color: str | None = Field(examples=["rgb(11, 95, 255)"])


class PageStyle(Answer):
    """How the confirmation page looks."""

    mode: str | None = None


class PagePassword(Answer):
    """Whether guests need a password, and which."""

    enable: bool = False
    password: str | None = None


class MeetingOptions(Answer):
    """How the meeting is booked."""

    allowed_durations: list[int] = Field(examples=[[30, 45]])
    allow_select_channel: bool
    allow_host_selection: bool
    force_host_selection: bool
    allowed_channels: list[Channel] = Field(examples=[[]])
    allow_adding_guests: bool = Field(examples=[True])
    double_opt_in: Switch
    require_host_confirmation: Switch
    enable_cluster_meeting: bool
    enable_buffer_carry_over: bool
    max_buffer_carry_over_delay: int | None
    allow_phone_only_booking: bool
    confirmation_page_css_setting: PageStyle | None
    booking_page_password: PagePassword | None
    channel_availabilities: dict[str, UUID] | None
    calendar_ids: list[UUID] | None = Field(
        description="The connected calendars that block here; null, and for hosts who have none of them: all of theirs."
    )


class MeetingType(Answer):
    """What can be booked with a user. Forms and workspaces are null until the server has them."""

    id: UUID
    slug: str = Field(examples=["first-talk"])
    user_id: UUID
    company_id: UUID
    queue_id: UUID | None = Field(description="The queue that chooses who hosts.")
    workspace_id: UUID | None = None
    form_id: UUID | None = None
    communication_settings_id: int | None = None
    meeting_info: MeetingInfo
    meeting_options: MeetingOptions
    enabled: bool = Field(examples=[True])
    spots: int = Field(examples=[1])
    timeslot_interval: int = Field(examples=[45], description="Minutes between two starts.")
    booking_minimum: int = Field(examples=[60], description="Minutes of notice.")
    days_into_future: dict[str, Any] = Field(examples=[dict(meeting_type_defaults.DAYS_INTO_FUTURE)])
    booking_limits: BookingLimits
    locations: list[str] = Field(examples=[[]])
    availability_id: UUID | None = Field(description="Its hours: its own availability, else its owner's default one.")
    ics: dict[str, dict[str, str]] | None
    internal_notes: str | None
    metadata: dict[str, str] = Field(examples=[{"ticketId": "4711"}])
    is_global_queue: bool
    resource_channels: list[ResourceChannel] = Field(examples=[[]])
    resource_channel_ids: list[str] = Field(examples=[[]])
    questions: list[Question] = Field(examples=[[]])
    created_by_id: UUID | None
    booking_url: str = Field(examples=["https://kalends.test/ana-roth/first-talk"])
    created_at: Stamp
    updated_at: Stamp
    deleted_at: Stamp | None

    @classmethod
    def of(cls, row: Row, owner: User, base_url: str) -> Self:
        """Show a meeting type of its owner."""
        shown = (
            "id", "slug", "user_id", "company_id", "enabled", "spots", "booking_minimum", "days_into_future",
            "booking_limits", "locations", "ics", "internal_notes", "metadata", "is_global_queue",
            "queue_id", "resource_channels", "questions", "created_by_id", "created_at", "updated_at", "deleted_at",
        )  # fmt: skip
        info = {**meeting_type_defaults.MEETING_INFO, **row.meeting_info}
        return cls.model_validate(
            {name: getattr(row, name) for name in shown}
            | {
                "resource_channel_ids": [channel["id"] for channel in row.resource_channels],
                "meeting_info": info,
                "meeting_options": {**meeting_type_defaults.MEETING_OPTIONS, **row.meeting_options},
                "availability_id": row.availability_id or owner.default_availability_id,
                "timeslot_interval": row.timeslot_interval or info["duration"],
                "booking_url": f"{base_url}/{owner.slug}/{row.slug}",
            }
        )


class MeetingTypeCreated(MeetingType):
    """A new meeting type, and the one-time link made with it where one was asked for."""

    one_time_link: OneTimeLink | None = None
