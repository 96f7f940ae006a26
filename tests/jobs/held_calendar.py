"""A calendar in memory whose reading waits in its midst, until a test has done something else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

from kalends.domain.remote_events import Page, RemoteCalendar, Window
from tests.fakes.memory_calendar import MemoryCalendar
from tests.jobs.host_calendar import HostCalendar


class Held(MemoryCalendar):
    """One whose reading waits before its last page until it is let go."""

    arrived: asyncio.Event
    go_on: asyncio.Event

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        waits, self.waits = getattr(self, "waits", True), False
        async for page in super().changes(calendar, token=token, window=window, own=own):
            if waits and page.token:
                self.arrived.set()
                await self.go_on.wait()
            yield page


async def held(calendar: HostCalendar) -> asyncio.Task[str]:
    """Begin a reading that waits before its end."""
    assert isinstance(calendar.remote, Held)
    calendar.remote.arrived, calendar.remote.go_on = asyncio.Event(), asyncio.Event()
    task: asyncio.Task[str] = asyncio.create_task(calendar.read())
    arrived = asyncio.ensure_future(calendar.remote.arrived.wait())
    await asyncio.wait([task, arrived], return_when=asyncio.FIRST_COMPLETED)
    return task


async def let_go(calendar: HostCalendar, task: asyncio.Task[str]) -> str:
    assert isinstance(calendar.remote, Held)
    calendar.remote.go_on.set()
    return await task
