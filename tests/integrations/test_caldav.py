"""CalDAV against real servers: Radicale and xandikos pass the suite of all providers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kalends.integrations.caldav import CalDavProvider
from kalends.integrations.web import Web
from kalends.ports import Credential

from .conformance import Bench, CalendarConformance
from .conftest import Desk
from .plain import PlainExpander


async def _bench(provider: CalDavProvider, desk: Desk, *, refuses: bool) -> Bench:
    credential = (await provider.connect(desk.form)).credential

    async def refused() -> Credential:
        return {**credential, "password": "wrong"}

    @asynccontextmanager
    async def outage() -> AsyncIterator[Credential]:
        async with desk.relay.cut():
            yield credential

    return Bench(provider, credential, desk.calendar, desk.telephone, outage, refused if refuses else None)


@pytest.fixture
def provider(web: Web) -> CalDavProvider:
    return CalDavProvider("caldav", web, PlainExpander())


class TestRadicale(CalendarConformance):
    @pytest.fixture
    async def bench(self, provider: CalDavProvider, radicale_desk: Desk) -> Bench:
        return await _bench(provider, radicale_desk, refuses=True)


class TestXandikos(CalendarConformance):
    @pytest.fixture
    async def bench(self, provider: CalDavProvider, xandikos_desk: Desk) -> Bench:
        return await _bench(provider, xandikos_desk, refuses=False)
