"""CalDAV against real servers: Radicale and xandikos pass the suite of all providers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from kalends.integrations.caldav import CalDavProvider
from kalends.integrations.expanding import Expander
from kalends.integrations.web import Web
from kalends.ports import Credential

from .caldav_client import Telephone
from .conformance import Bench, CalendarConformance
from .conftest import Desk
from .odd_caldav import USER, OddServer
from .relay import relayed
from .scripted import scripted
from .servers import PASSWORD


async def _bench(provider: CalDavProvider, desk: Desk, *, refuses: bool) -> Bench:
    credential = (await provider.connect(desk.form)).credential

    async def refused() -> Credential:
        return {**credential, "password": "wrong"}

    @asynccontextmanager
    async def outage() -> AsyncIterator[Credential]:
        async with desk.relay.cut():
            yield credential

    return Bench(provider, credential, desk.calendar, desk.telephone, outage, refused if refuses else None)


@asynccontextmanager
async def odd(*habits: str) -> AsyncIterator[OddServer]:
    server = OddServer(habits=frozenset(habits))
    async with scripted(server.answer) as running, relayed(running.port) as relay:
        server.port = relay.port
        server.relay = relay
        yield server


async def _odd_bench(provider: CalDavProvider, server: OddServer) -> Bench:
    auth = httpx2.DigestAuth if "digest" in server.habits else httpx2.BasicAuth
    telephone = Telephone(None, auth(USER, PASSWORD))
    form = {"url": f"http://127.0.0.1:{server.port}", "username": USER, "password": PASSWORD}
    return await _bench(provider, Desk(form["url"], form, "Wörk", telephone, server.relay), refuses=True)


@pytest.fixture
def provider(web: Web, expander: Expander) -> CalDavProvider:
    return CalDavProvider("caldav", web, expander)


class TestRadicale(CalendarConformance):
    @pytest.fixture
    async def bench(self, provider: CalDavProvider, radicale_desk: Desk) -> Bench:
        return await _bench(provider, radicale_desk, refuses=True)


class TestXandikos(CalendarConformance):
    @pytest.fixture
    async def bench(self, provider: CalDavProvider, xandikos_desk: Desk) -> Bench:
        return await _bench(provider, xandikos_desk, refuses=False)


class TestOddServer(CalendarConformance):
    @pytest.fixture(
        params=[
            "",
            "digest no-etag other-etags paged no-range no-multiget no-search one-uid teapot no-organizer",
            "moved-home one-uid scheduling teapot no-organizer vague no-search heedless sabre",
        ]
    )
    async def bench(self, request: pytest.FixtureRequest, provider: CalDavProvider) -> AsyncIterator[Bench]:
        async with odd(*request.param.split()) as server:
            yield await _odd_bench(provider, server)
