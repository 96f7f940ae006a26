"""Credentials that are renewed, refused and given back while somebody else uses them or gets another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from kalends.domain.remote_events import Page, RemoteCalendar, Window
from kalends.ports import Credential, CredentialRefused, Keep
from tests.fakes.memory_calendar import MemoryCalendar
from tests.jobs.host_calendar import HostCalendar, of_owner
from tests.jobs.stage import Stage


class _Renewing(MemoryCalendar):
    """One that hands out another credential each time."""

    @asynccontextmanager
    async def open(self, credential: Credential, keep: Keep) -> AsyncIterator[MemoryCalendar]:
        await keep({"token": str(uuid4())})
        yield self


@dataclass
class _Gate:
    """Where the next reading waits, after it has seen all there is."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)


class _Gated(MemoryCalendar):
    gate: _Gate | None = None

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        async for page in super().changes(calendar, token=token, window=window, own=own):
            yield page
        gate, self.gate = self.gate, None
        if gate:
            gate.arrived.set()
            await gate.go_on.wait()


@pytest.fixture
async def calendar(stage: Stage) -> HostCalendar:
    return await of_owner(stage)


async def test_an_account_that_renews_its_credential_and_lets_nobody_in_with_it_is_told(
    calendar: HostCalendar,
) -> None:
    calendar.remote.__class__ = _Renewing
    calendar.remote.failure = CredentialRefused("no")

    outcome = await calendar.read()

    assert (outcome, (await calendar.connection()).status) == ("refused", "refused")
    assert len(await calendar.events("credential_error")) == 1
    assert calendar.remote.asked == ["changes"]


async def test_a_refusal_is_told_once_though_a_look_that_began_before_it_ends_after_it(calendar: HostCalendar) -> None:
    calendar.remote.__class__ = _Gated
    assert isinstance(calendar.remote, _Gated)
    gate = calendar.remote.gate = _Gate()
    look = asyncio.create_task(calendar.refresh())
    await gate.arrived.wait()
    calendar.remote.failure = CredentialRefused("no")
    outcomes = [await calendar.read(seconds=1)]

    gate.go_on.set()
    await look
    between = (await calendar.connection()).status
    outcomes.append(await calendar.read(minutes=2))

    assert (outcomes, between) == (["refused", "refused"], "refused")
    assert len(await calendar.events("credential_error")) == 1
