"""Availability exceptions: time that a company or a user opens or blocks besides the weekly hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain import exceptions as placed
from kalends.errors import NotFound
from kalends.storage import availabilities, availability_exceptions, users
from kalends.storage.availability_exceptions import AvailabilityException, OwnerType
from kalends.storage.database import Connection
from kalends.storage.users import User

from . import exception_rows, rights
from .actor import Actor
from .availabilities import AvailabilityNotFound
from .exception_rows import NewException

_FIRST, _LAST = "0001-01-03", "9999-12-29"


class ExceptionNotFound(NotFound):
    """Availability exception not found"""

    code = "availability-exception-not-found"


class ExceptionOwnerNotFound(NotFound):
    """Nobody in the company has this ownerId"""

    code = "exception-owner-not-found"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose exceptions they are.

    Attributes:
        user_id: the user who may change them besides administrators; None for the company.
        zone: where local times are read when they meet an instant.
    """

    kind: OwnerType
    id: UUID
    user_id: UUID | None
    zone: str


async def _find_owner(conn: Connection, *, actor: Actor, kind: OwnerType, owner_id: UUID | None) -> Owner:
    """Find whose exceptions are meant: by default the acting user's, his company's or his default availability's.

    Raises:
        ExceptionOwnerNotFound: the company has no such user or availability, or the id is not the company's.
        AvailabilityNotFound: the user has no default availability.
    """
    acting = await rights.acting_user(conn, actor)
    if kind == "company":
        if owner_id not in (None, actor.company_id):
            raise ExceptionOwnerNotFound
        return Owner(kind, actor.company_id, None, acting.timezone)
    if kind == "user":
        found = acting if owner_id is None else await users.get(conn, actor.company_id, owner_id)
        if found is None:
            raise ExceptionOwnerNotFound
        return Owner(kind, found.id, found.id, await _zone(conn, found))
    wanted = owner_id or acting.default_availability_id
    if wanted is None:
        raise AvailabilityNotFound
    availability = await availabilities.get(conn, actor.company_id, wanted)
    if availability is None:
        raise ExceptionOwnerNotFound
    return Owner(kind, availability.id, availability.user_id, availability.timezone)


async def list_(
    conn: Connection, *, actor: Actor, kind: OwnerType, owner_id: UUID | None, start: str | None, end: str | None
) -> Sequence[AvailabilityException]:
    """List an owner's exceptions that touch the window, by their beginning.

    Args:
        start: date, local time or instant, as an exception's own; a side left out is open.

    Raises:
        ExceptionInvalid: the window is malformed, or its end does not lie after its start.
        ExceptionOwnerNotFound: the company has no such user or availability.
    """
    owner = await _find_owner(conn, actor=actor, kind=kind, owner_id=owner_id)
    if start is None and end is None:
        return await availability_exceptions.of_owners(conn, actor.company_id, [owner.id])
    window = exception_rows.ends(start or _FIRST, end or _LAST, zone=owner.zone)
    rows = await availability_exceptions.of_owners(
        conn, actor.company_id, [owner.id], start=window["earliest"], end=window["latest"]
    )
    asked = _spans(window["starts"], window["ends"], owner.zone)
    return [
        row
        for row in rows
        if any(
            first < last_asked and first_asked < last
            for first, last in _spans(row.starts, row.ends, owner.zone)
            for first_asked, last_asked in asked
        )
    ]


async def create(
    conn: Connection, *, actor: Actor, kind: OwnerType, owner_id: UUID | None, new: NewException, now: Instant
) -> AvailabilityException:
    """Open or block time for a user, an availability or the company.

    Raises:
        ExceptionOwnerNotFound: the company has no such user or availability.
        AdminsOnly: it is the company's, and the actor is no administrator.
        NotYours: it is somebody else's, and the actor is no administrator.
        ExceptionInvalid: an end is malformed, or does not lie after its start.
    """
    owner = await _find_owner(conn, actor=actor, kind=kind, owner_id=owner_id)
    _require_own(actor, owner)
    row = exception_rows.row(new, actor.company_id, kind, owner.id, zone=owner.zone, now=now)
    return (await availability_exceptions.add(conn, [row]))[0]


async def update(
    conn: Connection, *, actor: Actor, exception_id: int, changes: Mapping[str, Any]
) -> AvailabilityException:
    """Change an exception.

    Args:
        changes: some of start, end, available, title, note.

    Raises:
        ExceptionNotFound: the company has none such.
        AdminsOnly, NotYours: the actor may not change it.
        ExceptionInvalid: an end is malformed, or does not lie after its start.
    """
    row, owner = await _changeable(conn, actor, exception_id)
    columns = {key: value for key, value in changes.items() if key in ("available", "title", "note")}
    if "start" in changes or "end" in changes:
        columns |= exception_rows.ends(changes.get("start", row.starts), changes.get("end", row.ends), zone=owner.zone)
    if columns:
        await availability_exceptions.update(conn, actor.company_id, exception_id, columns)
    latest = await availability_exceptions.get(conn, actor.company_id, exception_id)
    assert latest is not None
    return latest


async def delete(conn: Connection, *, actor: Actor, exception_id: int, now: Instant) -> None:
    """Take an exception away.

    Raises:
        ExceptionNotFound: the company has none such.
        AdminsOnly, NotYours: the actor may not change it.
    """
    await _changeable(conn, actor, exception_id)
    await availability_exceptions.update(conn, actor.company_id, exception_id, {"deleted_at": now})


async def _changeable(conn: Connection, actor: Actor, exception_id: int) -> tuple[AvailabilityException, Owner]:
    row = await availability_exceptions.get(conn, actor.company_id, exception_id, lock=True)
    if row is None:
        raise ExceptionNotFound
    try:
        owner = await _find_owner(conn, actor=actor, kind=row.owner_type, owner_id=row.owner_id)
    except NotFound as error:  # its user or availability is gone, and it with them
        raise ExceptionNotFound from error
    _require_own(actor, owner)
    return row, owner


def _require_own(actor: Actor, owner: Owner) -> None:
    if owner.user_id is None:
        rights.require_admin(actor)
    else:
        rights.require_own(actor, owner.user_id)


async def _zone(conn: Connection, user: User) -> str:
    if user.default_availability_id is None:
        return user.timezone
    availability = await availabilities.get(conn, user.company_id, user.default_availability_id)
    return availability.timezone if availability else user.timezone


def _spans(start: str, end: str, zone: str) -> list[tuple[int, int]]:
    return placed.real_spans(placed.AvailabilityException(False, start, end, "own"), zone)
