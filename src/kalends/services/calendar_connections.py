"""Calendar connections: users' accounts at providers, which of their calendars block, and which is written to.

What a provider is asked, it is asked outside any transaction: `found_accounts` finds what `connect` then stores.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.remote_events import RemoteCalendar
from kalends.errors import NotFound
from kalends.ports import Clock, ConnectionRefused
from kalends.storage import (
    calendar_access,
    calendar_authorizations,
    calendar_choices,
    calendar_disconnections,
    calendar_writes,
    ids,
    locks,
    users,
)
from kalends.storage import calendar_connections as stored
from kalends.storage.calendar_connections import Calendar, CalendarConnection
from kalends.storage.database import Connection
from kalends.storage.secret_box import SecretBox
from kalends.storage.users import User

from . import calendar_events, rights
from .actor import Actor
from .found_accounts import Found
from .rights import UserNotFound

MOST = 20  # of one user
LONGEST_NAME = 250


class CalendarConnectionNotFound(NotFound):
    """Calendar connection not found"""

    code = "calendar-connection-not-found"


@dataclass(frozen=True, slots=True)
class View:
    """A connection as it is answered: with its calendars, the provider's default first."""

    connection: CalendarConnection
    calendars: Sequence[Calendar]


async def owner(conn: Connection, *, actor: Actor, user_id: UUID | None) -> User:
    """Find whose connections are meant: the acting user's own, or for administrators another user's.

    Raises:
        UserNotFound: the company has none such.
        NotYours: he is somebody else, and the actor is no administrator.
    """
    if user_id is None:
        return await rights.acting_user(conn, actor)
    found = await users.get(conn, actor.company_id, user_id)
    if found is None:
        raise UserNotFound
    rights.require_own(actor, user_id)
    return found


async def host(conn: Connection, *, actor: Actor, user_id: UUID | None) -> User:
    """Find who may have calendars connected; see `owner`.

    Raises:
        ConnectionRefused: it is a resource.
        UserNotFound, NotYours: as of `owner`.
    """
    found = await owner(conn, actor=actor, user_id=user_id)
    if found.user_type == "resource":
        raise ConnectionRefused("A resource has no calendars of its own")
    return found


async def of_user(conn: Connection, *, actor: Actor, user_id: UUID | None) -> Sequence[View]:
    """List a user's connections, oldest first, in three statements; see `owner`."""
    found = await owner(conn, actor=actor, user_id=user_id)
    connections = await stored.of_users(conn, actor.company_id, [found.id])
    calendars = await stored.calendars(conn, actor.company_id, [one.id for one in connections])
    return [View(one, calendars[one.id]) for one in connections]


async def get(conn: Connection, *, actor: Actor, connection_id: UUID, user_id: UUID | None = None) -> View:
    """Find a connection of the actor's; administrators find those of all users.

    Args:
        user_id: whose it is to be.

    Raises:
        CalendarConnectionNotFound: there is none such.
        NotYours: it is somebody else's, and the actor is no administrator.
    """
    found = await stored.get(conn, actor.company_id, connection_id)
    if found is None or user_id not in (None, found.user_id):
        raise CalendarConnectionNotFound
    rights.require_own(actor, found.user_id)
    return await view(conn, found)


async def locked(conn: Connection, *, actor: Actor, connection_id: UUID, user_id: UUID | None = None) -> View:
    """Find a connection as `get` does, and lock its user, then it: what blocks him is changed by one at a time."""
    found = await get(conn, actor=actor, connection_id=connection_id, user_id=user_id)
    await locks.users(conn, actor.company_id, [found.connection.user_id])
    connection = await stored.get(conn, actor.company_id, connection_id, lock=True)
    if connection is None:
        raise CalendarConnectionNotFound
    return await view(conn, connection)


async def view(conn: Connection, connection: CalendarConnection) -> View:
    """Add its calendars to a connection."""
    calendars = await stored.calendars(conn, connection.company_id, [connection.id])
    return View(connection, calendars[connection.id])


async def connect(
    conn: Connection, *, actor: Actor, user_id: UUID, found: Found, as_sync: bool, box: SecretBox, clock: Clock
) -> View:
    """Store an account of a user: a new connection, or a new credential of the one he has to it.

    A new one blocks with its default calendar. Appointments are written there where it is the user's first, or where
    that is asked for and they are written nowhere yet. The user is told by mail, whoever it was.

    Raises:
        UserNotFound: he was deleted meanwhile.
        ConnectionRefused: he has too many.
    """
    await locks.users(conn, actor.company_id, [user_id])
    if await users.get(conn, actor.company_id, user_id) is None:
        raise UserNotFound
    now, account = clock(), found.connected.account
    sealed = box.seal(json.dumps(dict(found.connected.credential)).encode())
    same = await stored.by_account(conn, actor.company_id, user_id, found.provider, account)
    if same:
        # First, as whoever puts off writing and then calls for a reading does, or both would wait for each other.
        await calendar_writes.hurry(conn, company_id=actor.company_id, user_id=user_id, now=now)
        await stored.renew(conn, actor.company_id, same.id, credential=sealed, now=now)
        await stored.update(conn, actor.company_id, same.id, {"email": found.connected.email, "updated_at": now})
        await list_calendars(conn, same, found.calendars)
        connection_id = same.id
    else:
        connection_id = await _add(conn, actor.company_id, user_id, found, sealed, as_sync=as_sync, now=now)
    await calendar_access.call_for_reading(conn, actor.company_id, connection_id, now)
    connection = await stored.get(conn, actor.company_id, connection_id)
    assert connection is not None
    await calendar_events.connected(conn, connection, found.connected.server, actor=actor, now=now)
    return await view(conn, connection)


async def list_calendars(conn: Connection, connection: CalendarConnection, calendars: Sequence[RemoteCalendar]) -> None:
    """Store which calendars an account has now; new ones block nothing, chosen ones stay.

    One whose days are those of another zone now is read anew.
    """
    zones = {one.remote_id: one.zone for one in calendars}
    known = (await stored.calendars(conn, connection.company_id, [connection.id]))[connection.id]
    moved = [one.id for one in known if zones.get(one.remote_id, one.zone) != one.zone]
    await calendar_choices.add(
        conn, connection.company_id, connection.id, [_row(one, selected=False) for one in calendars]
    )
    if moved:
        await calendar_choices.read_anew(conn, connection.company_id, moved)
    await calendar_choices.drop_unused(
        conn, connection.company_id, connection.id, but=[one.remote_id for one in calendars]
    )


async def list_one(conn: Connection, company_id: UUID, connection_id: UUID, calendar: RemoteCalendar) -> UUID:
    """Store one calendar that an account has, as `list_calendars` does; answers its id."""
    await calendar_choices.add(conn, company_id, connection_id, [_row(calendar, selected=False)])
    known = (await stored.calendars(conn, company_id, [connection_id]))[connection_id]
    return next(one.id for one in known if one.remote_id == calendar.remote_id)


async def sync(conn: Connection, *, actor: Actor, connection_id: UUID, user_id: UUID | None, now: Instant) -> View:
    """Have a connection read as soon as a worker is free, the list of its calendars too.

    Raises:
        CalendarConnectionNotFound, NotYours: as of `get`.
    """
    found = await get(conn, actor=actor, connection_id=connection_id, user_id=user_id)
    await calendar_access.enqueue(conn, "calendar.list", actor.company_id, connection_id)
    await calendar_access.call_for_reading(conn, actor.company_id, connection_id, now)
    return found


async def delete(conn: Connection, *, actor: Actor, connection_id: UUID, user_id: UUID | None, now: Instant) -> None:
    """Disconnect: what its calendars block is free at once; what was written into them stays there.

    Raises:
        CalendarConnectionNotFound, NotYours: as of `get`.
    """
    await locked(conn, actor=actor, connection_id=connection_id, user_id=user_id)
    await calendar_disconnections.disconnect(conn, actor.company_id, [connection_id], now)


async def delete_of_user(conn: Connection, company_id: UUID, user_id: UUID, now: Instant) -> None:
    """Disconnect all that a user has connected; he is locked."""
    found = await stored.of_users(conn, company_id, [user_id])
    await calendar_disconnections.disconnect(conn, company_id, [one.id for one in found], now)
    await calendar_authorizations.delete_of_user(conn, company_id, user_id)


async def _add(
    conn: Connection,
    company_id: UUID,
    user_id: UUID,
    found: Found,
    sealed: bytes,
    *,
    as_sync: bool,
    now: Instant,
) -> UUID:
    others = await stored.of_users(conn, company_id, [user_id])
    if len(others) >= MOST:
        raise ConnectionRefused(f"A user has {MOST} calendar connections at most")
    connection_id = ids.new_id(company_id)
    row = {
        "company_id": company_id,
        "id": connection_id,
        "user_id": user_id,
        "provider": found.provider,
        "account": found.connected.account,
        "email": found.connected.email,
        "created_at": now,
        "updated_at": now,
    }
    await stored.add(conn, row, credential=sealed, now=now)
    first = _default(found.calendars)
    calendars = [_row(one, selected=one is first) for one in found.calendars]
    await calendar_choices.add(conn, company_id, connection_id, calendars)
    if first.writable and not any(one.is_primary for one in others) and (as_sync or not others):
        added = (await stored.calendars(conn, company_id, [connection_id]))[connection_id]
        chosen = next(one.id for one in added if one.remote_id == first.remote_id)
        await calendar_choices.write_to(conn, company_id, user_id, chosen)
        await calendar_writes.owe_coming(conn, company_id=company_id, user_id=user_id, now=now)
    return connection_id


def _default(calendars: Sequence[RemoteCalendar]) -> RemoteCalendar:
    """Choose what blocks, and is written to, as long as the user says nothing else."""
    return max(calendars, key=lambda one: (one.is_default, one.writable))  # the first of equal ones


def _row(calendar: RemoteCalendar, *, selected: bool) -> dict[str, Any]:
    return {
        "remote_id": calendar.remote_id,
        "name": calendar.name[:LONGEST_NAME],
        "color": calendar.color,
        "zone": calendar.zone,
        "is_default": calendar.is_default,
        "writable": calendar.writable,
        "selected": selected,
    }
