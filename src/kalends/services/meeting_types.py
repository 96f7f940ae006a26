"""Meeting types: what can be booked with a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain import slugs
from kalends.errors import FieldError, Forbidden, Invalid, NotFound
from kalends.storage import companies, ids, meeting_types, users
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.users import User

from . import availabilities, calendar_settings, meeting_type_defaults, resource_channels, rights
from .actor import Actor
from .availabilities import NewAvailability
from .resource_channels import NewChannel
from .rights import UserNotFound

LONGEST_INTERVAL = 60  # minutes between two starts, unless they follow the duration


class MeetingTypeNotFound(NotFound):
    """Meeting type not found"""

    code = "meeting-type-not-found"


class MeetingTypeNotYours(Forbidden):
    """Not authorized to change this meeting type"""

    code = "meeting-type-not-yours"


class MeetingTypeSlugTaken(Invalid):
    """The user has another meeting type with this slug."""

    code = "meeting-type-slug-taken"


class CustomLinkMissing(Invalid):
    """The channel "custom" needs a customChannelLink."""

    code = "custom-link-missing"


@dataclass(frozen=True, slots=True)
class Fields:
    """What somebody sets of a meeting type, checked by the caller.

    Attributes:
        columns: other columns of meeting_type as they are stored.
        info, options: keys of meetingInfo and meetingOptions; the others stay, or take their defaults.
        ics: title, description, location -> a text, or texts by language code; None forgets them.
        sets_ics: `ics` is meant.
        availability: a new availability to make for the type.
        channel_availabilities: channel -> an availability or one to make; None where nothing was said.
        resource_channels: all of them, in order; None where nothing was said.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    ics: Mapping[str, str | Mapping[str, str]] | None = None
    sets_ics: bool = False
    availability: NewAvailability | None = None
    channel_availabilities: Mapping[str, UUID | NewAvailability] | None = None
    resource_channels: Sequence[NewChannel] | None = None


async def create(
    conn: Connection, *, actor: Actor, user_id: UUID, fields: Fields, now: Instant
) -> tuple[MeetingType, User]:
    """Add a meeting type for a user; answer it and him.

    Raises:
        UserNotFound: the company has no such user.
        MeetingTypeNotYours: it is for somebody else, and the actor is no administrator.
        AvailabilityNotFound: the user has no such availability.
        ResourceNotFound: the company has no such resource.
        CalendarNotFound: nobody in the company has connected such a calendar.
        MeetingTypeSlugTaken: the slug asked for is another type's of the user.
        CustomLinkMissing: the custom channel has no link.
        Invalid: the interval is too long.
    """
    user = await users.get(conn, actor.company_id, user_id, lock="share")
    if user is None:
        raise UserNotFound
    require_own(actor, user_id, "create meeting types for this user")
    info = {**meeting_type_defaults.MEETING_INFO, **fields.info}
    _check_channel(info)
    row = await _columns(conn, user, fields, now)
    _follow_duration(row, [info["duration"]])
    row |= {"meeting_info": fields.info, "meeting_options": {**fields.options, **row.get("meeting_options", {})}}
    meeting_type = await add(
        conn, company_id=actor.company_id, user_id=user_id, created_by=actor.user_id, fields=row, now=now
    )
    return meeting_type, user


async def add(
    conn: Connection,
    *,
    company_id: UUID,
    user_id: UUID,
    created_by: UUID | None,
    fields: Mapping[str, Any],
    now: Instant,
) -> MeetingType:
    """Store a meeting type; what `fields` leaves out gets the defaults of contract 6.6.

    Without a slug one is made from the name, with a number when the user has it already.

    Args:
        fields: columns, checked by the caller; `meeting_info` and `meeting_options` may be partial.

    Raises:
        MeetingTypeSlugTaken: the slug in `fields` is another live type's of the user.
    """
    info = {**meeting_type_defaults.MEETING_INFO, **fields.get("meeting_info", {})}
    row = {
        "days_into_future": dict(meeting_type_defaults.DAYS_INTO_FUTURE),
        "created_by_id": created_by,
        **fields,
        "company_id": company_id,
        "id": ids.new_id(company_id),
        "user_id": user_id,
        "meeting_info": info,
        "meeting_options": {**meeting_type_defaults.MEETING_OPTIONS, **fields.get("meeting_options", {})},
        "created_at": now,
        "updated_at": now,
    }
    if fields.get("slug"):
        try:
            return await meeting_types.add(conn, row)
        except meeting_types.SlugTaken as error:
            raise _slug_taken() from error
    taken = await meeting_types.slugs_of_user(conn, company_id, user_id)
    for slug in slugs.numbered(slugs.normalise(info["name"]) or "meeting"):
        if slug in taken:
            continue
        try:
            async with conn.transaction():
                return await meeting_types.add(conn, row | {"slug": slug})
        except meeting_types.SlugTaken:  # somebody was faster; the next number is tried
            continue
    raise AssertionError("numbers do not end")


async def get(conn: Connection, *, actor: Actor, meeting_type_id: UUID) -> tuple[MeetingType, User]:
    """Find a live meeting type of the actor's company, and its owner.

    Raises:
        MeetingTypeNotFound: the company has none such.
    """
    found = await meeting_types.get(conn, actor.company_id, meeting_type_id)
    owner = await users.get(conn, actor.company_id, found.user_id) if found else None
    if found is None or owner is None:
        raise MeetingTypeNotFound
    return found, owner


async def of_user(conn: Connection, *, actor: Actor) -> tuple[Sequence[MeetingType], User]:
    """List the acting user's live meeting types, disabled ones too; in two statements."""
    owner = await rights.acting_user(conn, actor)
    return await meeting_types.of_user(conn, actor.company_id, owner.id), owner


async def update(
    conn: Connection, *, actor: Actor, meeting_type_id: UUID, fields: Fields, now: Instant
) -> tuple[MeetingType, User]:
    """Change what `fields` names and leave the rest; answer the type and its owner.

    Raises:
        MeetingTypeNotFound: the company has none such.
        MeetingTypeNotYours: it is somebody else's, and the actor is no administrator.
        AvailabilityNotFound: its owner has no such availability.
        ResourceNotFound: the company has no such resource.
        CalendarNotFound: nobody in the company has connected such a calendar.
        MeetingTypeSlugTaken: the slug is another type's of the owner.
        CustomLinkMissing: the custom channel is left without a link.
        Invalid: the interval is too long.
    """
    _, owner = await get(conn, actor=actor, meeting_type_id=meeting_type_id)
    require_own(actor, owner.id, "change this meeting type")
    # Whoever locks more than one: types, then users, then availabilities.
    latest = await meeting_types.locked(conn, actor.company_id, meeting_type_id)
    if latest is None:
        raise MeetingTypeNotFound
    changes = await _columns(conn, owner, fields, now, latest.resource_channels)
    info = _changed(latest.meeting_info, fields.info)
    _check_channel(info)
    _follow_duration(changes, [latest.meeting_info["duration"], info["duration"]])
    options = {**latest.meeting_options, **fields.options, **changes.get("meeting_options", {})}
    changes |= {"meeting_info": info, "meeting_options": options, "updated_at": now}
    try:
        return await meeting_types.update(conn, actor.company_id, meeting_type_id, changes), owner
    except meeting_types.SlugTaken as error:
        raise _slug_taken() from error


async def delete(conn: Connection, *, actor: Actor, meeting_type_id: UUID, now: Instant) -> None:
    """Take a meeting type away: its page stops, its appointments stay.

    Raises:
        MeetingTypeNotFound: the company has none such.
        MeetingTypeNotYours: it is somebody else's, and the actor is no administrator.
    """
    found = await meeting_types.locked(conn, actor.company_id, meeting_type_id)
    if found is None:
        raise MeetingTypeNotFound
    require_own(actor, found.user_id, "delete this meeting type")
    await meeting_types.update(conn, actor.company_id, found.id, {"deleted_at": now, "updated_at": now})


async def _columns(
    conn: Connection, owner: User, fields: Fields, now: Instant, channels: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Turn fields into columns: make the availabilities asked for, check the ones named, sort texts by language.

    Args:
        channels: the resource channels the type has had.
    """
    row = dict(fields.columns)
    if fields.availability:
        made = await availabilities.add(
            conn, owner=owner, new=fields.availability, now=now, exceptions_at="availability.exceptions"
        )
        row["availability_id"] = made.id
    elif row.get("availability_id"):
        await availabilities.require(conn, owner, row["availability_id"])
    if fields.channel_availabilities is not None:
        chosen = {}
        for channel, one in sorted(fields.channel_availabilities.items()):
            if isinstance(one, UUID):
                await availabilities.require(conn, owner, one)
                chosen[channel] = str(one)
            else:
                at = f"meetingOptions.channelAvailabilities.{channel}.exceptions"
                made = await availabilities.add(conn, owner=owner, new=one, now=now, exceptions_at=at)
                chosen[channel] = str(made.id)
        row["meeting_options"] = {"channelAvailabilities": chosen}
    if calendar_ids := fields.options.get("calendarIds"):
        await calendar_settings.require(conn, owner.company_id, calendar_ids, "meetingOptions.calendarIds")
    if fields.resource_channels is not None:
        row["resource_channels"] = await resource_channels.stored(conn, owner, fields.resource_channels, channels)
    if fields.sets_ics:
        row["ics"] = await _by_language(conn, owner.company_id, fields.ics) if fields.ics else None
    return row


async def _by_language(
    conn: Connection, company_id: UUID, ics: Mapping[str, str | Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Sort the texts of an invitation by language; one that names none is in the company's."""
    company = await companies.get(conn, company_id)
    assert company is not None
    return {
        part: {company.language: text} if isinstance(text, str) else dict(text) for part, text in ics.items() if text
    }


def _changed(info: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Change the keys of meetingInfo that are sent, and of an object in it those of its own (contract 2.2)."""
    found = {**info, **sent}
    for key, old in info.items():
        if isinstance(old, Mapping) and isinstance(sent.get(key), Mapping):
            found[key] = {**old, **sent[key]}
    return found


def _follow_duration(row: dict[str, Any], durations: Sequence[int]) -> None:
    """Unset an interval that is the duration of a long meeting: a type without one answers so, and it is sent back.

    Raises:
        Invalid: it is longer than intervals may be, and none of the durations.
    """
    interval = row.get("timeslot_interval")
    if interval is None or interval <= LONGEST_INTERVAL:
        return
    if interval not in durations:
        message = f"must be at most {LONGEST_INTERVAL}, or the duration"
        raise Invalid.at("timeslotInterval", message)
    row["timeslot_interval"] = None


def _check_channel(info: Mapping[str, Any]) -> None:
    if info["channel"] == "custom" and not info["customChannelLink"]:
        raise CustomLinkMissing(errors=[FieldError("meetingInfo.customChannelLink", "is needed for this channel")])


def require_own(actor: Actor, user_id: UUID, what: str) -> None:
    """Refuse whoever neither owns the types nor administers the company.

    Raises:
        MeetingTypeNotYours: with a message that names what he may not do.
    """
    if not actor.is_admin and actor.user_id != user_id:
        raise MeetingTypeNotYours(f"Not authorized to {what}")


def _slug_taken() -> MeetingTypeSlugTaken:
    return MeetingTypeSlugTaken(errors=[FieldError("slug", "is the slug of another meeting type")])
