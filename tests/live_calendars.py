"""Hosts whose calendars can be asked live: an account in memory for each connection, at a provider that notes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from whenever import Instant

from kalends.app import App
from kalends.ports import CalendarKind, Connected, Credential, Keep
from kalends.services import calendar_sync
from tests.calendar_connections import connect
from tests.fakes.memory_calendar import MemoryCalendar


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class Several:
    """A provider with an account of each user.

    Attributes:
        opened: whose accounts were opened, in order.
        delay_s: so long it lets everybody wait.
        lets_go: nobody gets further before this is set, which it is.
    """

    kind: CalendarKind = "caldav"
    lacking: Sequence[str] = ()
    accounts: dict[str, MemoryCalendar] = field(default_factory=dict)
    opened: list[UUID] = field(default_factory=list)
    delay_s: float = 0
    lets_go: asyncio.Event = field(default_factory=_set)

    @asynccontextmanager
    async def open(self, credential: Credential, keep: Keep) -> AsyncIterator[MemoryCalendar]:
        """Open the account the credential names."""
        self.opened.append(UUID(credential["user"]))
        await asyncio.sleep(self.delay_s)
        await self.lets_go.wait()
        yield self.accounts[credential["user"]]

    async def connect(self, form: dict[str, str]) -> Connected:
        """Connect nobody: tests write rows."""
        raise NotImplementedError


def provider(app: App) -> Several:
    """Give the App this provider for caldav."""
    made = Several()
    app.calendars = {"caldav": made}
    return made


async def read(app: App, at: Several, company_id: UUID, user_id: UUID, now: Instant) -> MemoryCalendar:
    """Connect a user's calendar that blocks him, and read it, empty, at an instant."""
    account = at.accounts[str(user_id)] = MemoryCalendar()
    connection_id = await connect(app, company_id, user_id, now=now, primary=None, validate_availability=True)
    sealed = app.box.seal(json.dumps({"user": str(user_id)}).encode())
    async with app.transaction() as conn:
        await conn.execute(
            "UPDATE calendar_access SET credential = %s WHERE connection_id = %s", (sealed, connection_id)
        )
    before, app.now = app.now, lambda: now
    assert await calendar_sync.read_now(app.calendar_reader, company_id, connection_id) == "read"
    app.now = before
    at.opened.clear()
    return account
