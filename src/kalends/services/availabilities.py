"""Availabilities: when a user can be met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.week import DAYS
from kalends.errors import Invalid, NotFound
from kalends.storage import availabilities, availability_exceptions, ids, users
from kalends.storage.availabilities import Availability
from kalends.storage.availability_exceptions import AvailabilityException
from kalends.storage.database import Connection
from kalends.storage.users import User

from . import exception_rows, rights
from .actor import Actor
from .exception_rows import NewException

DEFAULT_NAME = "Working hours"
# The hours of a new user on his working days (contract 6.5).
DEFAULT_START, DEFAULT_END = "08:00", "17:00"
WORKING_DAYS = 5


class AvailabilityNotFound(NotFound):
    """Availability not found"""

    code = "availability-not-found"


class AvailabilityInUse(Invalid):
    """This is the user's default availability, or a meeting type uses it; it cannot be deleted."""

    code = "availability-in-use"


@dataclass(frozen=True, slots=True)
class NewAvailability:
    """An availability to make; `schedule` is the contract's object with all seven days, None is closed all week."""

    name: str
    timezone: str
    schedule: dict[str, Any] | None = None
    exceptions: Sequence[NewException] = ()


@dataclass(frozen=True, slots=True)
class View:
    """An availability as it is answered: with its own exceptions, and whether it is its user's default."""

    row: Availability
    is_default: bool
    exceptions: Sequence[AvailabilityException]


def default_schedule() -> dict[str, Any]:
    """Make the weekly hours of a new user: Monday to Friday 08:00–17:00."""
    open_day = {"enabled": True, "hours": [{"start": DEFAULT_START, "end": DEFAULT_END}]}
    closed = {"enabled": False, "hours": list[Any]()}
    return {day: open_day if number < WORKING_DAYS else closed for number, day in enumerate(DAYS)}


def _closed_schedule() -> dict[str, Any]:
    return {day: {"enabled": False, "hours": list[Any]()} for day in DAYS}


async def add(
    conn: Connection, *, owner: User, new: NewAvailability, now: Instant, exceptions_at: str = "exceptions"
) -> Availability:
    """Store an availability of a user, with exceptions of its own.

    Args:
        exceptions_at: dotted path to the exceptions in what the caller sent, for refusals.

    Raises:
        ExceptionInvalid: an exception ends before it starts.
    """
    schedule = new.schedule or _closed_schedule()
    row = Availability(
        owner.company_id, ids.new_id(owner.company_id), owner.id, new.name, new.timezone, schedule, now, now, None
    )
    await availabilities.add(conn, row)
    rows = []
    for index, one in enumerate(new.exceptions):
        at = f"{exceptions_at}.{index}."
        rows.append(
            exception_rows.row(one, owner.company_id, "availability", row.id, zone=new.timezone, now=now, at=at)
        )
    await availability_exceptions.add(conn, rows)
    return row


async def create(conn: Connection, *, actor: Actor, new: NewAvailability, is_default: bool, now: Instant) -> View:
    """Add an availability to the acting user.

    Raises:
        ExceptionInvalid: an exception ends before it starts.
    """
    # An exclusive lock where the user changes as well: two sharers who both want to write would wait for each other.
    owner = await rights.acting_user(conn, actor, lock="change" if is_default else "share")
    row = await add(conn, owner=owner, new=new, now=now, exceptions_at="availabilityExceptions")
    if is_default:
        await users.update(conn, row.company_id, owner.id, {"default_availability_id": row.id, "updated_at": now})
    return (await _views(conn, [row]))[0]


async def of_user(conn: Connection, *, actor: Actor) -> Sequence[View]:
    """List the acting user's availabilities, oldest first, in three statements."""
    assert actor.user_id is not None
    return await _views(conn, await availabilities.of_user(conn, actor.company_id, actor.user_id))


async def get(conn: Connection, *, actor: Actor, availability_id: UUID) -> View:
    """Find an availability of the actor's company.

    Raises:
        AvailabilityNotFound: the company has none such.
    """
    row = await availabilities.get(conn, actor.company_id, availability_id)
    if row is None:
        raise AvailabilityNotFound
    return (await _views(conn, [row]))[0]


async def update(
    conn: Connection, *, actor: Actor, availability_id: UUID, changes: Mapping[str, Any], is_default: bool, now: Instant
) -> View:
    """Change name, timezone or schedule; `is_default` makes it its user's default.

    Raises:
        AvailabilityNotFound: the company has none such.
        NotYours: it is somebody else's, and the actor is no administrator.
    """
    row = await owned(conn, actor=actor, availability_id=availability_id, with_user=is_default)
    await availabilities.update(conn, row.company_id, row.id, {**changes, "updated_at": now})
    if is_default:
        await users.update(conn, row.company_id, row.user_id, {"default_availability_id": row.id, "updated_at": now})
    return await get(conn, actor=actor, availability_id=availability_id)


async def delete(conn: Connection, *, actor: Actor, availability_id: UUID, now: Instant) -> None:
    """Take an availability away.

    Raises:
        AvailabilityNotFound: the company has none such.
        NotYours: it is somebody else's, and the actor is no administrator.
        AvailabilityInUse: it is its user's default, or a meeting type uses it.
    """
    row = await owned(conn, actor=actor, availability_id=availability_id)
    view = (await _views(conn, [row]))[0]
    if view.is_default or await availabilities.is_used(conn, row):
        raise AvailabilityInUse
    await availabilities.update(conn, row.company_id, row.id, {"deleted_at": now, "updated_at": now})


async def owned(conn: Connection, *, actor: Actor, availability_id: UUID, with_user: bool = False) -> Availability:
    """Find and lock an availability that the actor may change.

    Args:
        with_user: lock the user it belongs to as well, before it (the order of all who lock both).

    Raises:
        AvailabilityNotFound: the company has none such.
        NotYours: it is somebody else's, and the actor is no administrator.
    """
    row = await availabilities.get(conn, actor.company_id, availability_id)
    if row is None:
        raise AvailabilityNotFound
    rights.require_own(actor, row.user_id)
    if with_user and await users.get(conn, actor.company_id, row.user_id, lock="change") is None:
        raise AvailabilityNotFound
    row = await availabilities.locked(conn, actor.company_id, availability_id)
    if row is None:
        raise AvailabilityNotFound
    return row


async def require(conn: Connection, owner: User, availability_id: UUID) -> None:
    """Make sure that an availability is the user's and stays until the transaction ends.

    Raises:
        AvailabilityNotFound: the user has none such.
    """
    row = await availabilities.locked(conn, owner.company_id, availability_id, shared=True)
    if row is None or row.user_id != owner.id:
        raise AvailabilityNotFound


async def _views(conn: Connection, rows: Sequence[Availability]) -> list[View]:
    if not rows:
        return []
    company_id = rows[0].company_id
    owners = await users.by_ids(conn, company_id, {row.user_id for row in rows})
    found = await availability_exceptions.of_owners(conn, company_id, [row.id for row in rows])
    return [
        View(
            row,
            row.user_id in owners and owners[row.user_id].default_availability_id == row.id,
            [one for one in found if one.owner_id == row.id],
        )
        for row in rows
    ]
