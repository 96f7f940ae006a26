"""Users: the people and resources of a company that can be booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain import slugs
from kalends.errors import FieldError, Invalid, NotFound
from kalends.storage import companies, ids, users
from kalends.storage.database import Connection
from kalends.storage.users import User, UserType

from . import availabilities, meeting_types
from .actor import Actor

_SLUGS_AT_ONCE = 20


class UserNotFound(NotFound):
    """User not found"""

    code = "user-not-found"


class EmailTaken(Invalid):
    """Another user of the company has this e-mail address."""

    code = "email-taken"


class UserSlugTaken(Invalid):
    """Another user has this slug."""

    code = "user-slug-taken"


@dataclass(frozen=True, slots=True)
class NewAvailability:
    """The first availability of a new user; None takes the default of contract 6.5."""

    name: str | None = None
    timezone: str | None = None
    schedule: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NewMeetingType:
    """The first meeting type of a new user; None takes the default of contract 6.6."""

    name: str | None = None
    duration: int | None = None
    slug: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user as he is asked for; values are checked, except that slug and e-mail may be taken."""

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
    availability: NewAvailability = NewAvailability()
    meeting_type: NewMeetingType = NewMeetingType()


@dataclass(frozen=True, slots=True)
class Created:
    """A new user who can be booked at once."""

    user: User
    availability_id: UUID
    meeting_type_id: UUID
    meeting_slug: str


async def create(conn: Connection, *, actor: Actor, new: NewUser, now: Instant) -> Created:
    """Add a user with an availability and a meeting type, so that he can be booked at once.

    Raises:
        EmailTaken: another live user of the company has the address.
        UserSlugTaken: the slug asked for is another user's, in whichever company.
    """
    return await add(conn, company_id=actor.company_id, created_by=actor.user_id, new=new, now=now)


async def add(conn: Connection, *, company_id: UUID, created_by: UUID | None, new: NewUser, now: Instant) -> Created:
    """Add a user to a company, as `create` does, whoever asks; a new company's owner is its own creator (None)."""
    company = await companies.get(conn, company_id)
    assert company is not None
    user_id = ids.new_id(company_id)
    slug = await _take_slug(conn, new, company_id, user_id)
    row: dict[str, Any] = {
        name: getattr(new, name)
        for name in (
            "email", "given_name", "family_name", "timezone", "user_type", "is_admin", "is_owner", "title",
            "phone_number", "picture", "booking_limits",
        )
    }  # fmt: skip
    row |= {"company_id": company_id, "id": user_id, "slug": slug, "created_at": now, "updated_at": now}
    row["language"] = new.language or company.language
    try:
        user = await users.add(conn, row)
    except users.EmailTaken as error:
        raise _email_taken() from error
    availability = await availabilities.add(
        conn,
        company_id=company_id,
        user_id=user_id,
        name=new.availability.name or availabilities.DEFAULT_NAME,
        timezone=new.availability.timezone or new.timezone,
        schedule=new.availability.schedule or availabilities.default_schedule(),
        now=now,
    )
    await users.update(conn, company_id, user_id, {"default_availability_id": availability.id})
    meeting_type = await meeting_types.add(
        conn,
        company_id=company_id,
        user_id=user_id,
        created_by=created_by or user_id,
        fields=_first_type(new.meeting_type),
        now=now,
    )
    return Created(user, availability.id, meeting_type.id, meeting_type.slug)


def _first_type(asked: NewMeetingType) -> Mapping[str, Any]:
    duration = asked.duration or meeting_types.DEFAULT_DURATION
    info = {
        "name": asked.name or f"{duration}min Meeting",
        "duration": duration,
        "channel": asked.channel or meeting_types.DEFAULT_CHANNEL,
    }
    return {"meeting_info": info, "slug": asked.slug} if asked.slug else {"meeting_info": info}


async def _take_slug(conn: Connection, new: NewUser, company_id: UUID, user_id: UUID) -> str:
    if new.slug:
        if await users.take_slug(conn, new.slug, company_id=company_id, user_id=user_id):
            return new.slug
        raise slug_taken()
    numbers = slugs.numbered(slugs.user_slug(f"{new.given_name} {new.family_name}"))
    while True:
        some: Sequence[str] = list(islice(numbers, _SLUGS_AT_ONCE))
        taken = await users.taken_slugs(conn, some)
        for slug in some:
            if slug not in taken and await users.take_slug(conn, slug, company_id=company_id, user_id=user_id):
                return slug


def slug_taken() -> UserSlugTaken:
    """Make the refusal of a slug that another user has."""
    return UserSlugTaken(errors=[FieldError("slug", "is taken")])


def _email_taken() -> EmailTaken:
    return EmailTaken(errors=[FieldError("email", "is used by another user of the company")])
