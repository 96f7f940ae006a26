"""Accounts on a CalDAV server with habits: connected, opened and read."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from kalends.domain.remote_events import Page, RemoteCalendar
from kalends.integrations.caldav import CalDavProvider
from kalends.ports import CalendarAccount

from .conformance import OWNER, WINDOW
from .odd_caldav import USER, OddServer
from .scripted import scripted
from .servers import PASSWORD


@asynccontextmanager
async def odd(*habits: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[OddServer]:
    server = OddServer(habits=frozenset(habits))
    async with scripted(server.answer, tls=tls) as running:
        server.port, server.asked = running.port, running.asked
        yield server


def form(server: OddServer, path: str = "") -> dict[str, str]:
    return {"url": f"http://127.0.0.1:{server.port}{path}", "username": USER, "password": PASSWORD}


async def nobody(domain: str) -> Sequence[str]:
    return []


@asynccontextmanager
async def opened(provider: CalDavProvider, server: OddServer) -> AsyncIterator[tuple[CalendarAccount, RemoteCalendar]]:
    credential = (await provider.connect(form(server))).credential

    async def keep(_: object) -> None:
        raise AssertionError

    async with provider.open(credential, keep) as account:
        yield account, (await account.calendars())[0]


async def pages(account: CalendarAccount, calendar: RemoteCalendar, token: str | None = None) -> list[Page]:
    return [page async for page in account.changes(calendar, token=token, window=WINDOW, own=[OWNER])]
