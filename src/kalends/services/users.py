"""Users: the people and resources of a company that can be booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain import slugs
from kalends.errors import FieldError, Invalid
from kalends.storage import availabilities as storage_availabilities
from kalends.storage import calendar_readings, companies, ids, locks, users
from kalends.storage import meeting_types as storage_types
from kalends.storage import resources as storage_resources
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.users import User, UserType

from . import availabilities, calendar_connections, meeting_type_defaults, meeting_types, resources, rights
from .actor import Actor
from .availabilities import NewAvailability
from .calendars import ChangedMeanwhile
from .meeting_types import CustomLinkMissing
from .rights import UserNotFound

_SLUGS_AT_ONCE = 20
_LOCK_ATTEMPTS = 5


class EmailTaken(Invalid):
    """Another user of the company has this e-mail address."""

    code = "email-taken"


class UserSlugTaken(Invalid):
    """Another user has this slug."""

    code = "user-slug-taken"


class OwnerStays(Invalid):
    """The owner of the company cannot be deleted."""

    code = "owner-cannot-be-deleted"


class _TypeMade(Exception):
    """A meeting type was made for the user while he was waited for."""


@dataclass(frozen=True, slots=True)
class FirstAvailability:
    """The first availability of a new user; None takes the default of contract 6.5."""

    name: str | None = None
    timezone: str | None = None
    schedule: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FirstMeetingType:
    """The first meeting type of a new user; None takes the default of contract 6.6."""

    name: str | None = None
    duration: int | None = None
    slug: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user as he is asked for; values are checked, except that slug and e-mail may be taken.

    Attributes:
        capacity, buffer_before, buffer_after: only resources may have others than these.
        meeting_type: None: the usual one, and for a resource none.
    """

    email: str
    given_name: str
    family_name: str
    timezone: str = "Europe/Berlin"
    slug: str | None = None
    user_type: UserType = "standard"
    is_admin: bool = False
    is_owner: bool = False
    language: str | None = None
    title: str | None = None
    phone_number: str | None = None
    picture: str | None = None
    booking_limits: dict[str, Any] = field(default_factory=dict)
    capacity: int = 1
    buffer_before: int = 0
    buffer_after: int = 0
    availability: FirstAvailability = FirstAvailability()
    meeting_type: FirstMeetingType | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """A new user; who has a meeting type can be booked at once, a resource by the types that need it."""

    user: User
    availability_id: UUID
    meeting_type: MeetingType | None

    @property
    def meeting_type_id(self) -> UUID | None:
        """The id of his meeting type, if he has one."""
        return self.meeting_type.id if self.meeting_type else None


@dataclass(frozen=True, slots=True)
class View:
    """A user as he is answered: with the ids of his live meeting types, oldest first."""

    user: User
    meeting_type_ids: Sequence[UUID]


async def create(conn: Connection, *, actor: Actor, new: NewUser, now: Instant) -> Created:
    """Add a user with an availability and a meeting type, so that he can be booked at once; a resource without one.

    Raises:
        EmailTaken: another live user of the company has the address.
        UserSlugTaken: the slug asked for is another user's, in whichever company.
        CustomLinkMissing: his meeting type is to have the custom channel.
        Invalid: it has a resource's capacity or buffers, and is none.
    """
    return await add(conn, company_id=actor.company_id, created_by=actor.user_id, new=new, now=now)


async def get(conn: Connection, *, actor: Actor, user_id: UUID) -> View:
    """Find a user of the actor's company.

    Raises:
        UserNotFound: the company has none such.
    """
    user = await users.get(conn, actor.company_id, user_id)
    if user is None:
        raise UserNotFound
    return (await _views(conn, [user]))[0]


async def page(
    conn: Connection, *, actor: Actor, user_type: UserType | None, limit: int, offset: int
) -> tuple[Sequence[View], int]:
    """List a page of the company's users, oldest first, and count them all; in three statements.

    Raises:
        AdminsOnly: the actor is no administrator.
    """
    rights.require_admin(actor)
    found, total = await users.page(conn, actor.company_id, user_type=user_type, limit=limit, offset=offset)
    return await _views(conn, found), total


async def update(conn: Connection, *, actor: Actor, user_id: UUID, changes: Mapping[str, Any], now: Instant) -> View:
    """Change columns of a user; his availabilities keep the zone they are in.

    Raises:
        UserNotFound: the company has none such.
        NotYours: he is somebody else, and the actor is no administrator.
        UserSlugTaken: the slug is another user's, in whichever company.
        Invalid: capacity or buffers change, and he is no resource.
    """
    user = await users.get(conn, actor.company_id, user_id, lock="change")
    if user is None:
        raise UserNotFound
    rights.require_own(actor, user_id)
    resources.check(user.user_type, {name: changes.get(name, getattr(user, name)) for name in resources.FIELDS})
    slug = changes.get("slug", user.slug)
    if slug != user.slug:
        if not await users.take_slug(conn, slug, company_id=user.company_id, user_id=user_id):
            raise _slug_taken()
        await users.free_slug(conn, user.slug, company_id=user.company_id, user_id=user_id)
    await users.update(conn, user.company_id, user_id, {**changes, "updated_at": now})
    if changes.get("timezone", user.timezone) != user.timezone:
        await calendar_readings.zone_changed(conn, user.company_id, user_id, now)
    if "capacity" in changes:
        await storage_resources.add_units(conn, user.company_id, user_id, changes["capacity"])
    return await get(conn, actor=actor, user_id=user_id)


async def delete(conn: Connection, *, actor: Actor, user_id: UUID, now: Instant) -> None:
    """Take a user out of the company: his types, tokens and calendars stop, his appointments stay.

    His e-mail address is free again.

    Raises:
        UserNotFound: the company has none such.
        AdminsOnly: the actor is no administrator.
        OwnerStays: he owns the company.
        ChangedMeanwhile: meeting types were made for him at the same moment.
    """
    if await users.get(conn, actor.company_id, user_id) is None:
        raise UserNotFound
    rights.require_admin(actor)
    user = await _lock_with_types(conn, actor.company_id, user_id)
    if user.is_owner:
        raise OwnerStays
    await users.update(conn, user.company_id, user_id, {"deleted_at": now, "updated_at": now})
    await users.free_slug(conn, user.slug, company_id=user.company_id, user_id=user_id)
    await storage_types.delete_of_user(conn, actor.company_id, user_id, now)
    await storage_availabilities.delete_of_user(conn, actor.company_id, user_id, now)
    await calendar_connections.delete_of_user(conn, actor.company_id, user_id, now)


async def _lock_with_types(conn: Connection, company_id: UUID, user_id: UUID) -> User:
    """Lock a user's types, then him: the order in which bookings do.

    Raises:
        UserNotFound: he was deleted meanwhile.
        ChangedMeanwhile: types were made for him each time.
    """
    for _ in range(_LOCK_ATTEMPTS):
        with suppress(_TypeMade):
            async with conn.transaction():  # giving up this part gives the locks back
                locked = await locks.meeting_types_of(conn, company_id, user_id)
                user = await users.get(conn, company_id, user_id, lock="change")
                if user is None:
                    raise UserNotFound
                types = await storage_types.ids_of_users(conn, company_id, [user_id])
                if not locked.issuperset(types.get(user_id, ())):
                    raise _TypeMade
                return user
    raise ChangedMeanwhile(retry_after_s=1)


async def add(conn: Connection, *, company_id: UUID, created_by: UUID | None, new: NewUser, now: Instant) -> Created:
    """Add a user to a company, as `create` does, whoever asks; a new company's owner is its own creator (None)."""
    resources.check(new.user_type, {name: getattr(new, name) for name in resources.FIELDS})
    company = await companies.get(conn, company_id)
    assert company is not None
    user_id = ids.new_id(company_id)
    slug = await _take_slug(conn, new, company_id, user_id)
    row: dict[str, Any] = {
        name: getattr(new, name)
        for name in (
            "email", "given_name", "family_name", "timezone", "user_type", "is_admin", "is_owner", "title",
            "phone_number", "picture", "booking_limits", *resources.FIELDS,
        )
    }  # fmt: skip
    row |= {"company_id": company_id, "id": user_id, "slug": slug, "created_at": now, "updated_at": now}
    row["language"] = new.language or company.language
    try:
        user = await users.add(conn, row)
    except users.EmailTaken as error:
        raise _email_taken() from error
    await storage_resources.add_units(conn, company_id, user_id, new.capacity)
    first = NewAvailability(
        new.availability.name or availabilities.DEFAULT_NAME,
        new.availability.timezone or new.timezone,
        new.availability.schedule or availabilities.default_schedule(),
    )
    availability = await availabilities.add(conn, owner=user, new=first, now=now)
    await users.update(conn, company_id, user_id, {"default_availability_id": availability.id})
    user = replace(user, default_availability_id=availability.id)
    asked = new.meeting_type or (None if new.user_type == "resource" else FirstMeetingType())
    if asked is None:
        return Created(user, availability.id, None)
    meeting_type = await meeting_types.add(
        conn,
        company_id=company_id,
        user_id=user_id,
        created_by=created_by or user_id,
        fields=_first_type(asked),
        now=now,
    )
    return Created(user, availability.id, meeting_type)


def _first_type(asked: FirstMeetingType) -> Mapping[str, Any]:
    if asked.channel == "custom":  # its link cannot be said here
        raise CustomLinkMissing(errors=[FieldError("meetingType.channel", "needs a link; make the type by itself")])
    duration = asked.duration or meeting_type_defaults.DURATION
    info = {
        "name": asked.name or f"{duration}min Meeting",
        "duration": duration,
        "channel": asked.channel or meeting_type_defaults.CHANNEL,
    }
    return {"meeting_info": info, "slug": asked.slug} if asked.slug else {"meeting_info": info}


async def _take_slug(conn: Connection, new: NewUser, company_id: UUID, user_id: UUID) -> str:
    if new.slug:
        if await users.take_slug(conn, new.slug, company_id=company_id, user_id=user_id):
            return new.slug
        raise _slug_taken()
    numbers = slugs.numbered(slugs.user_slug(f"{new.given_name} {new.family_name}"))
    while True:
        some: Sequence[str] = list(islice(numbers, _SLUGS_AT_ONCE))
        taken = await users.taken_slugs(conn, some)
        for slug in some:
            if slug not in taken and await users.take_slug(conn, slug, company_id=company_id, user_id=user_id):
                return slug


async def _views(conn: Connection, found: Sequence[User]) -> list[View]:
    if not found:
        return []
    types = await storage_types.ids_of_users(conn, found[0].company_id, [user.id for user in found])
    return [View(user, types.get(user.id, [])) for user in found]


def _slug_taken() -> UserSlugTaken:
    return UserSlugTaken(errors=[FieldError("slug", "is taken")])


def _email_taken() -> EmailTaken:
    return EmailTaken(errors=[FieldError("email", "is used by another user of the company")])
