"""Credentials that are renewed, refused and given back while somebody else uses them or gets another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4
from weakref import WeakValueDictionary

import pytest

from kalends.domain.remote_events import Page, RemoteCalendar, Window
from kalends.integrations.oauth import account as account_of
from kalends.ports import CalendarAccount, Credential, CredentialRefused, Keep
from kalends.services import calendar_connections, found_accounts
from kalends.services.calendar_connections import View
from kalends.storage import calendar_connections as stored
from tests.fakes.google import FakeGoogle
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
    await asyncio.wait([look, asyncio.ensure_future(gate.arrived.wait())], return_when=asyncio.FIRST_COMPLETED)
    calendar.remote.failure = CredentialRefused("no")
    outcomes = [await calendar.read(seconds=1)]

    gate.go_on.set()
    await look
    between = (await calendar.connection()).status
    outcomes.append(await calendar.read(minutes=2))

    assert (outcomes, between) == (["refused", "refused"], "refused")
    assert len(await calendar.events("credential_error")) == 1


async def _at_google(stage: Stage, google: FakeGoogle) -> View:
    """Connect the owner's account at Google."""
    google.account("ada@gmail.test")
    provider = google.provider(clock=stage.clock)
    stage.app.now, stage.app.calendars = stage.clock, {"google": provider}
    found = await found_accounts.look(provider, await google.connect(provider))
    async with stage.app.transaction() as conn:
        return await calendar_connections.connect(
            conn,
            actor=stage.actor,
            user_id=stage.founded.user_id,
            found=found,
            as_sync=False,
            box=stage.app.box,
            clock=stage.clock,
        )


async def _opened(stage: Stage, view: View) -> AbstractAsyncContextManager[CalendarAccount]:
    """Open an account with what is stored of it now."""
    one = view.connection
    async with stage.app.reading() as conn:
        sealed = await stored.credential(conn, one.company_id, one.id)
    assert sealed
    return stage.app.calendar_reader.accounts.opened(one.company_id, one.id, one.provider, sealed)


async def test_of_two_who_use_an_account_at_once_whatever_either_renews_is_kept(
    stage: Stage, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, google.rotates = await _at_google(stage, google), True

    async with await _opened(stage, view) as first, await _opened(stage, view) as second:
        for account in (first, second):
            google.expire_tokens()
            await account.calendars()
    google.expire_tokens()
    monkeypatch.setattr(account_of, "_open", WeakValueDictionary())  # as in another process

    async with await _opened(stage, view) as again:
        assert len(await again.calendars()) == 1
