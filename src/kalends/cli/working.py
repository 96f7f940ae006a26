"""Run the asynchronous part of a command on a migrated database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from kalends import bootstrap, settings
from kalends.app import App
from kalends.storage import companies, users
from kalends.storage.database import Connection
from kalends.storage.users import User

from . import database
from .failures import CommandFailed

T = TypeVar("T")


def run(work: Callable[[App], Awaitable[T]]) -> T:
    """Start and migrate the database as needed, do the work with an open App, and leave again."""
    configured = settings.load()
    with database.running(configured) as server:
        database.migrate(server.conninfo)
        return asyncio.run(_with_app(configured, server.conninfo, work))


async def company_id(conn: Connection) -> UUID:
    """Name the company of this install.

    Raises:
        CommandFailed: there is none yet.
    """
    found = await companies.founded(conn)
    if found is None:
        raise CommandFailed("There is no company yet: make it with `kalends init`.")
    return found


async def user(conn: Connection, email: str | None) -> User:
    """Find a user of the company by his e-mail address; None: its owner.

    Raises:
        CommandFailed: there is none such.
    """
    company = await company_id(conn)
    found = await (users.by_email(conn, company, email) if email else users.owner(conn, company))
    if found is None:
        raise CommandFailed(f"The company has no user {email}." if email else "The company has no owner.")
    return found


async def _with_app(configured: settings.Settings, conninfo: str, work: Callable[[App], Awaitable[T]]) -> T:
    app = bootstrap.build(configured, conninfo, connections=1)
    await app.open()
    try:
        return await work(app)
    finally:
        await app.aclose()
