"""Orders: one booking as it is asked for, and what a meeting type lets it be (contract 2.5)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

from whenever import Instant

from kalends.errors import FieldError, Invalid
from kalends.storage import ids
from kalends.storage.attendees import Attendee
from kalends.storage.meeting_types import MeetingType

Mode: TypeAlias = Literal["anyone", "everyone"]

SECRET_BYTES = 32


class PhoneOnlyNotAllowed(Invalid):
    """This meeting type takes no bookings without an e-mail address."""

    code = "phone-only-not-allowed"


class ChannelNotAllowed(Invalid):
    """This meeting type does not offer this channel."""

    code = "channel-not-allowed"


class LocationNotOffered(Invalid):
    """This meeting type does not offer this place."""

    code = "location-not-offered"


@dataclass(frozen=True, slots=True)
class NewAttendee:
    """Whoever books; without any name the e-mail's local part is shown, or the phone number."""

    email: str | None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    phone: str | None = None
    language: str | None = None
    timezone: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    receive_reminders: bool = True
    bringalong_emails: tuple[str, ...] = ()
    data_policy_accepted: bool | None = None


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The same local time again and again: `count` starts, the first one included.

    Attributes:
        interval: weeks or days between two of them, 1-52.
        count: 1-52.
        on_conflict: whether one start that cannot be booked lets all of them fail, or is left out.
    """

    frequency: Literal["weekly", "daily"]
    interval: int
    count: int
    on_conflict: Literal["fail", "skip"] = "fail"


@dataclass(frozen=True, slots=True)
class Order:
    """One booking as asked for.

    Attributes:
        host_ids: in order of preference; none: the meeting type's owner.
        context: what came along with the page's address; kept among the attendee's notes, which win.
        nonce: of the form; its second sending answers what the first one booked.
        ignore_availability: a host's own right (contract 2.5); only enabled, duration and hosts still count.
        resource_channel_ids: channels of the type, or users who are its resources: all are needed. None: every channel
            without a group, and one of each group.
        pending_attendee_id: who books, as stored before; what `attendee` says wins.
    """

    meeting_type_id: UUID
    start: Instant
    attendee: NewAttendee
    host_ids: tuple[UUID, ...] = ()
    mode: Mode | None = None
    required: int | None = None
    duration: int | None = None
    channel: str | None = None
    location: str | None = None
    ics_title: str | None = None
    ics_description: str | None = None
    skip_notifications: bool = False
    context: dict[str, Any] = field(default_factory=dict)
    nonce: UUID | None = None
    queue_id: UUID | None = None
    phone_only: bool = False
    ignore_availability: bool = False
    recurrence: Recurrence | None = None
    resource_channel_ids: tuple[UUID, ...] = ()
    hold_id: UUID | None = None
    one_time_link_id: UUID | None = None
    booking_password: str | None = None
    pending_attendee_id: int | None = None


def check_contact(order: Order, kind: MeetingType) -> None:
    """Refuse an order that does not say how its guest is reached: by e-mail, or by phone where the type allows that.

    Raises:
        PhoneOnlyNotAllowed: the type asks for an e-mail address.
        Invalid: naming what is missing.
    """
    if order.phone_only:
        if not kind.meeting_options.get("allowPhoneOnlyBooking"):
            raise PhoneOnlyNotAllowed
        if not order.attendee.phone:
            raise Invalid("Validation failed", errors=[FieldError("attendee.phone", "is required")])
    elif not order.attendee.email:
        raise Invalid("Validation failed", errors=[FieldError("attendee.email", "is required")])


def channel_of(order: Order, kind: MeetingType) -> str:
    """Choose the channel: the one asked for, else the type's.

    Raises:
        ChannelNotAllowed: the type names its channels, and this is none of them.
    """
    standard: str = kind.meeting_info["channel"]
    allowed = kind.meeting_options.get("allowedChannels") or ()
    if order.channel and allowed and order.channel not in (standard, *allowed):
        raise ChannelNotAllowed
    return order.channel or standard


def location_of(order: Order, kind: MeetingType, channel: str) -> str | None:
    """Choose the place (contract 2.5): one of the type's for `local`, the attendee's own for `local-attendee`.

    Raises:
        LocationNotOffered: the type names its places, and this is none of them.
    """
    if channel == "local" and kind.locations:
        if order.location and order.location not in kind.locations:
            raise LocationNotOffered
        return order.location or kind.locations[0]
    if channel == "local-attendee" and not order.location:
        address = order.attendee.notes.get("address")
        return address if isinstance(address, str) else None
    return order.location


def attendees_of(order: Order, company_id: UUID, now: Instant) -> list[Attendee]:
    """Make whoever books, first, and the guests he brings along; each with a secret of his own."""
    new = order.attendee
    names = " ".join(name for name in (new.first_name, new.last_name) if name)
    booked = Attendee(
        id=ids.new_id(company_id),
        position=0,
        email=new.email,
        first_name=new.first_name,
        last_name=new.last_name,
        full_name=new.full_name or names or _shown(new.email) or new.phone or "",
        phone=new.phone,
        timezone=new.timezone,
        language=new.language,
        notes={**order.context, **new.notes},
        receive_reminders=new.receive_reminders,
        data_policy_accepted=new.data_policy_accepted,
        brought_along=False,
        secret=secrets.token_urlsafe(SECRET_BYTES),
        cancelled_at=None,
        created_at=now,
    )
    others = [email for email in dict.fromkeys(new.bringalong_emails) if email != new.email]
    return [
        booked,
        *(guest(booked, email, position, company_id, now) for position, email in enumerate(others, start=1)),
    ]


def guest(by: Attendee, email: str, position: int, company_id: UUID, now: Instant) -> Attendee:
    """Make the attendee that somebody brings along; he gets the language and the zone of who invites him."""
    return Attendee(
        id=ids.new_id(company_id),
        position=position,
        email=email,
        first_name=None,
        last_name=None,
        full_name=_shown(email),
        phone=None,
        timezone=by.timezone,
        language=by.language,
        notes={},
        receive_reminders=by.receive_reminders,
        data_policy_accepted=None,
        brought_along=True,
        secret=secrets.token_urlsafe(SECRET_BYTES),
        cancelled_at=None,
        created_at=now,
    )


def _shown(email: str | None) -> str:
    return (email or "").partition("@")[0]
