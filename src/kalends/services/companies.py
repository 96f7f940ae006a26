"""Companies: founding one, and what all its users share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.emails import checked_email
from kalends.domain.zones import canonical_zone
from kalends.errors import Conflict, FieldError, Invalid, NotFound
from kalends.storage import companies, ids
from kalends.storage.companies import Company
from kalends.storage.database import Connection

from . import rights, users
from .actor import Actor
from .company_settings import CompanySettings
from .users import NewUser


class AlreadyFounded(Conflict):
    """This installation has its first company already."""

    code = "already-founded"


class FounderInvalid(Invalid):
    """The company cannot be founded with these values."""

    code = "founder-invalid"


class CompanyNotFound(NotFound):
    """Company not found"""

    code = "company-not-found"


@dataclass(frozen=True, slots=True)
class Founded:
    """A new company with its owner, who can be booked at once."""

    company_id: UUID
    user_id: UUID
    availability_id: UUID
    meeting_type_id: UUID
    user_slug: str
    meeting_type_slug: str


async def found(
    conn: Connection, *, company: str, email: str, given_name: str, family_name: str, timezone: str, now: Instant
) -> Founded:
    """Make the first company of this installation; of two at once the second waits and is refused (case C17).

    Raises:
        AlreadyFounded: there is one.
        FounderInvalid: a name is empty, the address is none, or the zone is unknown.
    """
    founded = await create(
        conn, company=company, email=email, given_name=given_name, family_name=family_name, timezone=timezone, now=now
    )
    if not await companies.mark_founded(conn, founded.company_id):
        raise AlreadyFounded
    return founded


async def create(
    conn: Connection, *, company: str, email: str, given_name: str, family_name: str, timezone: str, now: Instant
) -> Founded:
    """Make a company with its owner, who administers it and can be booked at once.

    Raises:
        FounderInvalid: a name is empty, the address is none, or the zone is unknown.
    """
    email = _checked(company=company, email=email, given_name=given_name, family_name=family_name, timezone=timezone)
    row = Company(ids.company_id(), company.strip(), "en", now, now)
    await companies.add(conn, row)
    new = NewUser(
        email=email,
        given_name=given_name.strip(),
        family_name=family_name.strip(),
        timezone=timezone,
        is_admin=True,
        is_owner=True,
    )
    owner = await users.add(conn, company_id=row.id, created_by=None, new=new, now=now)
    first = owner.meeting_type
    assert first is not None
    return Founded(row.id, owner.user.id, owner.availability_id, first.id, owner.user.slug, first.slug)


async def get(conn: Connection, *, actor: Actor) -> Company:
    """Read the actor's company.

    Raises:
        CompanyNotFound: it is gone.
    """
    company = await companies.get(conn, actor.company_id)
    if company is None:
        raise CompanyNotFound
    return company


async def settings(conn: Connection, company_id: UUID) -> CompanySettings:
    """Read a company's settings, in one statement.

    Raises:
        CompanyNotFound: it is gone.
    """
    company = await companies.get(conn, company_id)
    if company is None:
        raise CompanyNotFound
    return CompanySettings.of(company.settings)


async def update(
    conn: Connection, *, actor: Actor, columns: Mapping[str, Any], settings: Mapping[str, Any], now: Instant
) -> Company:
    """Change name or language (columns) and settings of the actor's company; what is not named stays.

    Raises:
        AdminsOnly: the actor is no administrator.
        CompanyNotFound: it is gone.
    """
    rights.require_admin(actor)
    await companies.update(conn, actor.company_id, columns, settings, now)
    return await get(conn, actor=actor)


def _checked(*, email: str, timezone: str, **names: str) -> str:
    wrong = [FieldError(name, "must not be empty") for name, value in names.items() if not value.strip()]
    try:
        email = checked_email(email.strip())
    except ValueError as error:
        wrong.append(FieldError("email", str(error)))
    try:
        canonical_zone(timezone)
    except ValueError as error:
        wrong.append(FieldError("timezone", str(error)))
    if wrong:
        raise FounderInvalid(
            "The company cannot be founded: " + ", ".join(f"{one.field} {one.message}" for one in wrong), errors=wrong
        )
    return email
