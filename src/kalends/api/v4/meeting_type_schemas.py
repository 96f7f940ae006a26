"""Meeting types as they come in (contract 2.2)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from kalends.domain import slugs
from kalends.domain.exceptions import check_exception
from kalends.domain.week import ScheduleError
from kalends.services import exception_rows
from kalends.services.meeting_types import Fields

from .channels import Channel
from .languages import Language
from .limits import BookingLimitsBody
from .questions import Questions
from .resource_channels import ResourceChannels
from .schedules import MOMENT, AvailabilityBody
from .schemas import Body, Flag, Line, Link, Name, OrEmpty, Text, Whole, switch

YEARS_5 = 5 * 366 * 1440


def _slug(text: str) -> str:
    slug = slugs.normalise(text)
    if not slug:
        raise ValueError("must hold letters or digits")
    return slug


Slug = Annotated[str, StringConstraints(max_length=200), AfterValidator(_slug)]
Duration = Annotated[Whole, Field(ge=5, le=480)]
Buffer = Annotated[Whole, Field(ge=0, le=120)]
Color = Annotated[
    str,
    StringConstraints(pattern=r"^(#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})|rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\))$"),
    Field(examples=["rgb(11, 95, 255)", "#0b5fff"]),
]
Switch = Annotated[
    Literal["useCompanySettings", "enabled", "disabled"],
    BeforeValidator(switch),
    WithJsonSchema({"anyOf": [{"enum": ["useCompanySettings", "enabled", "disabled"]}, {"type": "boolean"}]}),
]
MetadataKey = Annotated[Line, StringConstraints(min_length=1, max_length=100)]
MetadataValue = Annotated[Text, StringConstraints(max_length=500)]


def _by_shape(text: Any, other: Any) -> WrapValidator:
    """Read a union of a text and something else, so that a refusal names the field and not the branches tried."""
    texts, others = TypeAdapter[Any](text), TypeAdapter[Any](other)
    return WrapValidator(
        lambda value, _: texts.validate_python(value) if isinstance(value, str) else others.validate_python(value)
    )


def _named(value: Any) -> Any:
    """Leave out channels that name nothing."""
    return {key: one for key, one in value.items() if one not in (None, "")} if isinstance(value, dict) else value


ChannelAvailability = Annotated[UUID | AvailabilityBody, _by_shape(UUID, AvailabilityBody)]


class ConfirmationButtonBody(Body):
    """A button on the confirmation page; in a PATCH, what is not sent stays."""

    keeps_null = frozenset({"text", "color", "link"})

    use_confirmation_button: Flag = False
    text: Line | None = None
    color: Annotated[Color | None, OrEmpty] = None
    link: Annotated[Link | None, OrEmpty] = None


class MeetingInfoPatch(Body):
    """What changes of the meeting itself; what is not sent stays, null forgets redirect, links, names and colour."""

    keeps_null = frozenset(
        {
            "redirect", "customChannelName", "customChannelLink", "connectChannelName", "confirmationButton", "color",
        }
    )  # fmt: skip

    name: Name | None = None
    description: Text | None = None
    duration: Duration | None = Field(default=None, description="Minutes.")
    channel: Channel | None = None
    enable_redirect: Flag | None = None
    redirect: Annotated[Link | None, OrEmpty] = None
    pass_event_details_to_redirect: Flag | None = None
    custom_channel_name: Line | None = None
    custom_channel_link: Annotated[Link | None, OrEmpty] = Field(
        default=None, description="Needed for the channel `custom`."
    )
    connect_channel_name: Line | None = None
    group_booking: Flag | None = None
    show_available_slots: Flag | None = None
    enrich_invitee: Flag | None = None
    confirmation_button: ConfirmationButtonBody | None = None
    buffer_before: Buffer | None = Field(default=None, description="Minutes kept free before.")
    buffer_after: Buffer | None = Field(default=None, description="Minutes kept free after.")
    buffer_must_stay_within_working_hours: Flag | None = None
    color: Annotated[Color | None, OrEmpty] = None


class MeetingInfoBody(MeetingInfoPatch):
    """The meeting itself."""

    name: Name
    description: Text
    duration: Duration = Field(description="Minutes.")
    channel: Channel


class PageStyleBody(Body):
    """How the confirmation page looks."""

    mode: Line | None = None


class PagePasswordBody(Body):
    """A password for the booking page: whoever books has to know it."""

    enable: Flag = False
    password: Annotated[Line | None, OrEmpty] = None

    @model_validator(mode="after")
    def _set(self) -> PagePasswordBody:
        if self.enable and not self.password:
            raise ValueError("password is needed")
        return self


class MeetingOptionsBody(Body):
    """How the meeting is booked; in a PATCH, what is not sent stays."""

    keeps_null = frozenset(
        {"maxBufferCarryOverDelay", "confirmationPageCssSetting", "channelAvailabilities", "calendarIds"}
    )

    allowed_durations: Annotated[list[Duration], Field(max_length=50)] | None = None
    allow_select_channel: Flag | None = None
    allow_host_selection: Flag | None = None
    force_host_selection: Flag | None = None
    allowed_channels: Annotated[list[Channel], Field(max_length=50)] | None = Field(
        default=None, description="More than one lets the guest choose."
    )
    allow_adding_guests: Flag | None = None
    double_opt_in: Switch | None = None
    require_host_confirmation: Switch | None = None
    enable_cluster_meeting: Flag | None = None
    enable_buffer_carry_over: Flag | None = None
    max_buffer_carry_over_delay: Annotated[Whole, Field(ge=0)] | None = None
    allow_phone_only_booking: Flag | None = None
    confirmation_page_css_setting: PageStyleBody | None = None
    booking_page_password: PagePasswordBody | None = None
    channel_availabilities: Annotated[dict[Channel, ChannelAvailability], BeforeValidator(_named)] | None = None
    calendar_ids: Annotated[list[UUID], Field(max_length=100)] | None = Field(
        default=None, description="Of calendar connections: those that block here. None of them: all that block."
    )

    def options(self) -> dict[str, Any]:
        """Name the options that are set, as they are stored; availabilities of channels come apart."""
        found = self.model_dump(mode="json", exclude_unset=True, by_alias=True)
        if "allowedDurations" in found:
            found["allowedDurations"] = sorted(set(found["allowedDurations"]))
        if "allowedChannels" in found:
            found["allowedChannels"] = list(dict.fromkeys(found["allowedChannels"]))
            if len(found["allowedChannels"]) > 1:
                found.setdefault("allowSelectChannel", True)
        if "calendarIds" in found:
            found["calendarIds"] = list(dict.fromkeys(found["calendarIds"] or ())) or None
        if found.get("channelAvailabilities") is not None:
            del found["channelAvailabilities"]
        return found


class DaysIntoFutureBody(Body):
    """How far ahead one may book (contract 6.6)."""

    mode: Literal["limit", "range", "unlimited"] | None = None
    booking_limit: Annotated[Whole, Field(ge=1, le=YEARS_5, description="`limit`: minutes from now.")] | None = None
    count_mode: Literal["calendar", "rolling"] | None = Field(
        default=None, description="`limit`: to the end of the local day (`calendar`), or exactly (`rolling`)."
    )
    range_min: Annotated[Line | None, OrEmpty] = Field(default=None, description=f"`range`: the first start. {MOMENT}")
    range_max: Annotated[Line | None, OrEmpty] = Field(default=None, description=f"`range`: where it ends. {MOMENT}")

    @model_validator(mode="after")
    def _complete(self) -> DaysIntoFutureBody:
        ranged = self.range_min is not None or self.range_max is not None
        self.mode = self.mode or ("range" if ranged else "limit")
        if self.mode == "range":
            if not ranged:
                raise ValueError("mode range needs rangeMin, rangeMax or both")
            try:
                check_exception(self.range_min or "0001-01-03", self.range_max or "9999-12-29", "UTC")
            except ScheduleError as error:
                side = {"start": "rangeMin", "end": "rangeMax"}[error.field]
                message = error.message.replace("start", "rangeMin")
                raise ValueError(f"{side} {message}") from error
        return self

    def stored(self) -> dict[str, Any]:
        """Write the one mode that is meant."""
        if self.mode == "limit":
            return {
                "mode": "limit",
                "bookingLimit": self.booking_limit or 86400,
                "countMode": self.count_mode or "calendar",
            }
        if self.mode == "range":
            return {
                "mode": "range",
                "rangeMin": exception_rows.kept(self.range_min) if self.range_min else None,
                "rangeMax": exception_rows.kept(self.range_max) if self.range_max else None,
            }
        return {"mode": "unlimited"}


class IcsBody(Body):
    """Texts of the invitation, with placeholders such as `{!M.Guest.Fullname}`; by language, or in the company's."""

    title: Annotated[Line | dict[Language, Line], _by_shape(Line, dict[Language, Line])] | None = None
    description: Annotated[Text | dict[Language, Text], _by_shape(Text, dict[Language, Text])] | None = None
    location: Annotated[Line | dict[Language, Line], _by_shape(Line, dict[Language, Line])] | None = None


def _ics(value: Any) -> Any:
    """Read a bare text as the title."""
    return {"title": value} if isinstance(value, str) else value


Ics = Annotated[IcsBody, BeforeValidator(_ics)]


class MeetingTypePatch(Body):
    """What changes of a meeting type; null forgets interval, limits, texts, notes and availability."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"enabled": True, "meetingInfo": {"name": "First talk", "bufferAfter": 10}}]}
    )
    keeps_null = frozenset({"timeslotInterval", "bookingLimits", "availabilityId", "ics", "internalNotes"})

    meeting_info: MeetingInfoPatch | None = None
    meeting_options: MeetingOptionsBody | None = None
    slug: Slug | None = None
    enabled: Flag | None = None
    spots: Annotated[Whole, Field(ge=1, le=100)] | None = None
    timeslot_interval: Annotated[Whole, Field(ge=5, le=480)] | None = Field(
        default=None,
        description="Minutes between two starts, 5 to 60; null, or more than 60 that are the duration, follows it.",
    )
    booking_minimum: Annotated[Whole, Field(ge=0, le=YEARS_5)] | None = Field(
        default=None, description="Minutes of notice."
    )
    days_into_future: DaysIntoFutureBody | None = None
    booking_limits: BookingLimitsBody | None = None
    locations: Annotated[list[Line], Field(max_length=50)] | None = Field(
        default=None, description="More than one: the guest picks."
    )
    availability_id: Annotated[UUID | None, OrEmpty] = None
    availability: AvailabilityBody | None = Field(
        default=None, description="Instead of `availabilityId`: an availability to make."
    )
    ics: Ics | None = None
    internal_notes: Text | None = None
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=20)] | None = None
    is_global_queue: Flag | None = None
    resource_channels: ResourceChannels | None = Field(
        default=None, description="Rooms and things; replaced whole, a resource keeps the id of its channel."
    )
    questions: Questions | None = Field(default=None, description="What guests are asked; replaced whole.")
    allow_phone_only_booking: Flag | None = Field(default=None, description="The same as in `meetingOptions`.")

    @model_validator(mode="after")
    def _one_availability(self) -> MeetingTypePatch:
        if self.availability is not None and self.availability_id is not None:
            raise ValueError("availabilityId and availability exclude each other")
        return self

    def fields(self) -> Fields:
        """Hand what was sent to the services."""
        sent = self.model_fields_set
        plain = ("slug", "enabled", "spots", "timeslot_interval", "booking_minimum", "locations", "availability_id",
                 "internal_notes", "metadata", "is_global_queue")  # fmt: skip
        columns = {name: getattr(self, name) for name in plain if name in sent}
        if self.days_into_future is not None:
            columns["days_into_future"] = self.days_into_future.stored()
        if "booking_limits" in sent:
            columns["booking_limits"] = self.booking_limits.given() if self.booking_limits else {}
        if self.questions is not None:
            columns["questions"] = [one.stored() for one in self.questions]
        options = self.meeting_options.options() if self.meeting_options else {}
        if self.allow_phone_only_booking is not None:
            options.setdefault("allowPhoneOnlyBooking", self.allow_phone_only_booking)
        chosen = self.meeting_options.channel_availabilities if self.meeting_options else None
        return Fields(
            columns=columns,
            info=self.meeting_info.given() if self.meeting_info else {},
            options=options,
            ics=self.ics.model_dump(exclude_none=True) if self.ics else None,
            sets_ics="ics" in sent,
            availability=self.availability.new() if self.availability else None,
            channel_availabilities=None
            if chosen is None
            else {channel: one if isinstance(one, UUID) else one.new() for channel, one in chosen.items()},
            resource_channels=None
            if self.resource_channels is None
            else [channel.new() for channel in self.resource_channels],
        )


class CreateOptionsBody(Body):
    """What else is made with a new meeting type."""

    create_one_time_link: Flag = False


class MeetingTypeBody(MeetingTypePatch):
    """A new meeting type; what is left out takes its default."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "meetingInfo": {"name": "First talk", "description": "", "duration": 45, "channel": "phone"},
                    "daysIntoFuture": {"mode": "limit", "bookingLimit": 43200, "countMode": "calendar"},
                    "metadata": {"ticketId": "4711"},
                }
            ]
        }
    )

    meeting_info: MeetingInfoBody
    slug: Annotated[Slug | None, OrEmpty] = None
    user_id: Annotated[UUID | None, OrEmpty] = Field(
        default=None, description="Whose type it is; the acting user's unless said."
    )
    options: CreateOptionsBody = CreateOptionsBody()
