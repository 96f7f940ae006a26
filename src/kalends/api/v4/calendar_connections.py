"""Routes of calendar connections (contract 2.14 and 6.5)."""

from __future__ import annotations

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Query, Request

from kalends.app import App
from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.edge.limits import take_user
from kalends.ports import CalendarKind, CalendarProvider, ConnectionRefused, ProviderNotConfigured
from kalends.services import calendar_connections, calendar_settings, found_accounts
from kalends.services.actor import Actor
from kalends.services.calendar_connections import CalendarConnectionNotFound, View
from kalends.services.calendar_settings import CalendarNotFound, CalendarNotWritable
from kalends.services.found_accounts import Found
from kalends.services.rights import NotYours, UserNotFound

from .calendar_connection_schemas import (
    CalendarConnection,
    CalendarConnections,
    ConnectedCalendars,
    ConnectionNew,
    ConnectionPatch,
    Provider,
)
from .schemas import Absent

router = APIRouter(prefix="/v4/calendar-connections", tags=["calendar connection"])

UserId = Annotated[
    UUID | None, Absent, Query(alias="userId", description="Whose; another user's only for administrators.")
]
_ONE = "/connections/{connection_id}"
# Attempts to connect something to one user: else this server could be had to try other machines' ports and passwords.
PER_MINUTE, BURST = 6, 20


@router.get("/connections", responses=problems.document(UserNotFound, NotYours))
async def list_connections(actor: Scheduling, app: AppDep, user_id: UserId = None) -> CalendarConnections:
    """List the calendar connections of a user, and which providers this server can connect."""
    async with app.reading() as conn:
        views = await calendar_connections.of_user(conn, actor=actor, user_id=user_id)
    return CalendarConnections.of(views, app.calendars, app.now())


@router.post(
    "/connections",
    status_code=201,
    responses=problems.document(ConnectionRefused, ProviderNotConfigured, UserNotFound, NotYours),
)
async def create_connection(
    body: ConnectionNew, request: Request, actor: Scheduling, app: AppDep, user_id: UserId = None
) -> CalendarConnection:
    """Connect a CalDAV or iCloud account, or an ICS feed.

    `caldav` takes `url`, `username` and `password`, `icloud` `username` and an app-specific `password`, `ics` `url`.
    They are tried before anything is stored, and the user is told by mail. Its default calendar blocks from then on;
    until that was read, in some seconds, the user counts as one whose calendar is not known. The same account
    connected again keeps its settings and has its credential renewed. For each user this can be tried 20 times at
    once, then six times a minute (429).
    """
    await app.look_back()
    provider = usable(app, body.provider)
    async with app.reading() as conn:
        user = await calendar_connections.host(conn, actor=actor, user_id=user_id)
    await take_user(app, request, "calendar-connect", user.id, PER_MINUTE, BURST)
    found = await found_accounts.prove(provider, body.form())
    view = await connect(app, actor=actor, user_id=user.id, found=found, as_sync=body.set_as_calendar_sync)
    return CalendarConnection.of(view, app.now())


@router.get(_ONE, responses=problems.document(CalendarConnectionNotFound, NotYours))
async def get_connection(
    connection_id: UUID, actor: Scheduling, app: AppDep, user_id: UserId = None
) -> CalendarConnection:
    """Get a calendar connection."""
    async with app.reading() as conn:
        view = await calendar_connections.get(conn, actor=actor, connection_id=connection_id, user_id=user_id)
    return CalendarConnection.of(view, app.now())


@router.patch(
    _ONE, responses=problems.document(CalendarConnectionNotFound, NotYours, CalendarNotFound, CalendarNotWritable)
)
async def update_connection(
    connection_id: UUID, body: ConnectionPatch, actor: Scheduling, app: AppDep, user_id: UserId = None
) -> CalendarConnection:
    """Change which calendars of a connection block, and which one appointments are written to.

    Where something else blocks than before, the calendars are read anew at once; until they are, the user counts as
    one whose calendar is not known. A calendar that becomes the primary one gets the appointments still to come.
    """
    async with app.transaction() as conn:
        view = await calendar_settings.change(
            conn,
            actor=actor,
            connection_id=connection_id,
            user_id=user_id,
            changes=body.changes(),
            clock=app.now,
        )
    return CalendarConnection.of(view, app.now())


@router.delete(_ONE, status_code=204, responses=problems.document(CalendarConnectionNotFound, NotYours))
async def delete_connection(connection_id: UUID, actor: Scheduling, app: AppDep, user_id: UserId = None) -> None:
    """Disconnect an account: its credential is wiped, its events block nothing any more.

    Appointments that were written into its calendars stay there, and nothing becomes primary in its place.
    """
    async with app.transaction() as conn:
        await calendar_connections.delete(
            conn, actor=actor, connection_id=connection_id, user_id=user_id, now=app.now()
        )


@router.get(f"{_ONE}/calendars", responses=problems.document(CalendarConnectionNotFound, NotYours))
async def list_calendars(
    connection_id: UUID, actor: Scheduling, app: AppDep, user_id: UserId = None
) -> ConnectedCalendars:
    """List the calendars of a connection, as they were when it was connected or synchronized by hand last."""
    async with app.reading() as conn:
        view = await calendar_connections.get(conn, actor=actor, connection_id=connection_id, user_id=user_id)
    return ConnectedCalendars.of(view.calendars)


@router.post(f"{_ONE}/sync", responses=problems.document(CalendarConnectionNotFound, NotYours))
async def sync_connection(
    connection_id: UUID, actor: Scheduling, app: AppDep, user_id: UserId = None
) -> CalendarConnection:
    """Have the calendars of a connection read now, and their list too; `syncedAt` tells when that is done."""
    async with app.transaction() as conn:
        view = await calendar_connections.sync(
            conn, actor=actor, connection_id=connection_id, user_id=user_id, now=app.now()
        )
    return CalendarConnection.of(view, app.now())


async def connect(app: App, *, actor: Actor, user_id: UUID, found: Found, as_sync: bool) -> View:
    """Store an account of a user as it was found just now, in one transaction.

    Raises:
        UserNotFound, ConnectionRefused: as `calendar_connections.connect`.
    """
    async with app.transaction() as conn:
        return await calendar_connections.connect(
            conn, actor=actor, user_id=user_id, found=found, as_sync=as_sync, box=app.box, clock=app.now
        )


def usable(app: App, provider: Provider) -> CalendarProvider:
    """Find a provider that calendars can be connected of.

    Raises:
        ConnectionRefused: the contract names it, and it is not supported.
        ProviderNotConfigured: a setting is missing.
    """
    if provider in ("exchange", "smart-we"):
        raise ConnectionRefused(f"'{provider}' is not supported; an ICS feed or CalDAV may do")
    return found_accounts.provider_of(app.calendars, cast(CalendarKind, provider))
