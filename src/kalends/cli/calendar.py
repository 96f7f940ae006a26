"""`kalends calendar`: accounts of users at Google, Microsoft 365, CalDAV servers and feeds."""

from __future__ import annotations

import getpass
import json as jsons
import sys
from collections.abc import Sequence
from typing import Annotated, get_args

import typer

from kalends.app import App
from kalends.ports import CalendarKind
from kalends.services import calendar_authorizations, calendar_connections, found_accounts
from kalends.services.actor import Actor
from kalends.services.calendar_authorizations import Wanted
from kalends.services.calendar_connections import View
from kalends.storage.database import Connection

from . import working
from .failures import CommandFailed
from .key import Json
from .token import UserOption

commands = typer.Typer(help="Calendars of users: connect them, see how they are.", no_args_is_help=True)

# What each provider that is connected by typing asks for.
_ASKED: dict[CalendarKind, tuple[str, ...]] = {
    "caldav": ("url", "username", "password"),
    "icloud": ("username", "password"),
    "ics": ("url",),
}


@commands.command()
def connect(
    provider: Annotated[str, typer.Argument(help=f"One of {', '.join(get_args(CalendarKind))}.")],
    user: UserOption = None,
    url: Annotated[str | None, typer.Option(help="Of the CalDAV server or the feed.")] = None,
    username: Annotated[str | None, typer.Option(help="The name at the server.")] = None,
    as_sync: Annotated[
        bool,
        typer.Option("--set-as-calendar-sync", help="Write appointments there, unless they are written elsewhere."),
    ] = False,
    json: Json = False,
) -> None:
    """Connect a calendar; of Google and Microsoft 365, print the address that its user opens within ten minutes.

    The password is asked for, or read from the first line of what is piped in; it never stands in the command.
    """
    kind = next((one for one in get_args(CalendarKind) if one == provider), None)
    if kind is None:
        raise CommandFailed(f"There is no provider {provider}: take one of {', '.join(get_args(CalendarKind))}.")
    form = {name: _value(name, {"url": url, "username": username}.get(name)) for name in _ASKED.get(kind, ())}
    if form:
        _show(working.run(lambda app: _connected(app, kind, user, form, as_sync)), json=json)
        return
    address = working.run(lambda app: _begun(app, kind, user, as_sync))
    print(jsons.dumps({"authUrl": address, "provider": kind}) if json else address)
    if not json:
        print("Let the user open it in a browser within ten minutes; the server has to run meanwhile.")


@commands.command("list")
def list_(user: UserOption = None, json: Json = False) -> None:
    """List the calendars a user has connected."""

    async def work(app: App) -> Sequence[View]:
        async with app.reading() as conn:
            return await calendar_connections.of_user(conn, actor=await _acting(conn, user), user_id=None)

    _show(*working.run(work), json=json, many=True)


async def _connected(app: App, kind: CalendarKind, user: str | None, form: dict[str, str], as_sync: bool) -> View:
    provider = found_accounts.provider_of(app.calendars, kind)
    async with app.reading() as conn:
        actor = await _acting(conn, user)
        host = await calendar_connections.host(conn, actor=actor, user_id=None)
    found = await found_accounts.prove(provider, form)
    async with app.transaction() as conn:
        return await calendar_connections.connect(
            conn, actor=actor, user_id=host.id, found=found, as_sync=as_sync, box=app.box, clock=app.now
        )


async def _begun(app: App, kind: CalendarKind, user: str | None, as_sync: bool) -> str:
    provider = found_accounts.provider_of(app.calendars, kind)
    async with app.transaction() as conn:
        return await calendar_authorizations.begin(
            conn,
            actor=await _acting(conn, user),
            provider=provider,
            wanted=Wanted(None, None, as_sync),
            base_url=app.base_url,
            origins=(),
            box=app.box,
            now=app.now(),
        )


async def _acting(conn: Connection, email: str | None) -> Actor:
    user = await working.user(conn, email)
    return Actor(user.company_id, user.id, is_admin=False, via="cli")


def _value(name: str, given: str | None) -> str:
    """Take what was given, else ask for it, else read a line."""
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass("Password: ") if name == "password" else input(f"{name.capitalize()}: ").strip()


def _show(*views: View, json: bool, many: bool = False) -> None:
    rows = [
        {
            "id": str(view.connection.id),
            "provider": view.connection.provider,
            "email": view.connection.email,
            "status": view.connection.status,
            "isPrimary": view.connection.is_primary,
            "lastError": view.connection.error,
            "calendars": [
                {"id": str(one.id), "name": one.name, "selected": one.selected, "isPrimary": one.is_primary}
                for one in view.calendars
            ],
        }
        for view in views
    ]
    if json:
        print(jsons.dumps(rows if many else rows[0]))
        return
    for view in views:
        one = view.connection
        print(f"{one.id}  {one.provider:<7}  {one.status:<9}  {one.email}{f'  ({one.error})' if one.error else ''}")
        for calendar in view.calendars:
            states = {"blocks": calendar.selected, "written to": calendar.is_primary}
            marks = ", ".join(word for word, is_so in states.items() if is_so)
            print(f"    {calendar.name}{': ' + marks if marks else ''}")
