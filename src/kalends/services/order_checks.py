"""Orders held against their meeting type: what it lets a booking be (contract 2.5)."""

from __future__ import annotations

from dataclasses import replace

from kalends.domain import phones, questions
from kalends.errors import FieldError, Invalid
from kalends.storage.meeting_types import MeetingType

from . import page_passwords
from .orders import NewAttendee, Order


class PhoneOnlyNotAllowed(Invalid):
    """This meeting type takes no bookings without an e-mail address."""

    code = "phone-only-not-allowed"


class ChannelNotAllowed(Invalid):
    """This meeting type does not offer this channel."""

    code = "channel-not-allowed"


class LocationNotOffered(Invalid):
    """This meeting type does not offer this place."""

    code = "location-not-offered"


def checked(order: Order, kind: MeetingType) -> Order:
    """Hold an order against its type; answer it with channel, place and phone number as they are kept.

    Who ignores availability (a right `placements.place` asks for) need not know the password nor answer questions.

    Raises:
        PhoneOnlyNotAllowed, ChannelNotAllowed, LocationNotOffered, BookingPasswordWrong
        Invalid: naming each field that is missing or wrong.
    """
    _check_contact(order, kind)
    who = order.attendee
    phone = phone_of(who)
    if not order.ignore_availability:
        page_passwords.check(kind, order.booking_password)
        _check_answers(order, kind)
    channel = _channel_of(order, kind)
    return replace(
        order,
        channel=channel,
        location=_location_of(order, kind, channel),
        attendee=replace(who, phone=phone),
    )


def phone_of(attendee: NewAttendee) -> str | None:
    """Write an attendee's phone number as it is kept (E.164); None: he gave none.

    Raises:
        Invalid: it is no phone number.
    """
    try:
        return phones.e164(attendee.phone, timezone=attendee.timezone) if attendee.phone else None
    except ValueError as error:
        raise Invalid.at("attendee.phone", str(error)) from error


def _check_answers(order: Order, kind: MeetingType) -> None:
    who = order.attendee
    wrong = questions.wrong(kind.questions, {**order.context, **who.notes}, timezone=who.timezone)
    if wrong:
        raise Invalid("Validation failed", errors=[FieldError(f"attendee.notes.{label}", why) for label, why in wrong])


def _check_contact(order: Order, kind: MeetingType) -> None:
    """Refuse an order that does not say how its guest is reached: by e-mail, or by phone where the type allows that.

    Raises:
        PhoneOnlyNotAllowed: the type asks for an e-mail address.
        Invalid: naming what is missing.
    """
    if order.phone_only:
        if not kind.meeting_options.get("allowPhoneOnlyBooking"):
            raise PhoneOnlyNotAllowed
        if not order.attendee.phone:
            raise Invalid.at("attendee.phone", "is required")
    elif not order.attendee.email:
        raise Invalid.at("attendee.email", "is required")


def _channel_of(order: Order, kind: MeetingType) -> str:
    """Choose the channel: the one asked for, else the type's.

    Raises:
        ChannelNotAllowed: the type names its channels, and this is none of them.
    """
    check_channel(order.channel, kind)
    return order.channel or str(kind.meeting_info["channel"])


def check_channel(channel: str | None, kind: MeetingType) -> None:
    """Refuse a channel that the type does not offer; none asked for is its own.

    Raises:
        ChannelNotAllowed: the type names its channels, and this is none of them.
    """
    allowed = kind.meeting_options.get("allowedChannels") or ()
    if channel and allowed and channel not in (kind.meeting_info["channel"], *allowed):
        raise ChannelNotAllowed


def _location_of(order: Order, kind: MeetingType, channel: str) -> str | None:
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
