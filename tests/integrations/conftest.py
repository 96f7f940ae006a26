"""The CalDAV servers of these tests, one of each for a worker."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest

from kalends.integrations.caldav import CalDavProvider
from kalends.integrations.expanding import Expander
from kalends.integrations.web import Web

from . import servers
from .caldav_accounts import nobody
from .caldav_client import Telephone
from .relay import Relay, relayed
from .servers import Server

_numbers = itertools.count()


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="session")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.xandikos(tmp_path_factory.mktemp("xandikos")) as server:
        yield server


@pytest.fixture
def web() -> Web:
    """Make a client that may reach this machine."""
    return Web([ip_network("127.0.0.0/8")])


@pytest.fixture(scope="session")
async def expander() -> AsyncIterator[Expander]:
    made = Expander()
    yield made
    await made.aclose()


@pytest.fixture
def provider(web: Web, expander: Expander) -> CalDavProvider:
    """Make the provider for CalDAV servers that no domain names; tests of another provider make their own."""
    return CalDavProvider("caldav", web, expander, services=nobody)


@dataclass
class Desk:
    """One account of a server with one empty calendar, behind a wire that can be cut.

    Attributes:
        url: the server's root through the wire.
        calendar: the calendar's name.
    """

    url: str
    form: dict[str, str]
    calendar: str
    telephone: Telephone
    relay: Relay


@asynccontextmanager
async def desk(server: Server, home: str, *, password: bool) -> AsyncIterator[Desk]:
    """Make a calendar in a home of a server; `{}` in it is a number nobody else has."""
    number = next(_numbers)
    name = f"host{number}@acme.test"
    form = {"username": name, "password": servers.PASSWORD}
    telephone = Telephone(server, (name, servers.PASSWORD) if password else None)
    async with relayed(urlsplit(server.url).port or 0) as relay:
        url = f"http://127.0.0.1:{relay.port}/"
        await telephone.make_calendar(f"{url}{home.format(name)}/work-{number}/", f"Work {number}")
        yield Desk(url, {"url": url, **form}, f"Work {number}", telephone, relay)
        await telephone.aclose()


@pytest.fixture
async def radicale_desk(radicale: Server) -> AsyncIterator[Desk]:
    async with desk(radicale, "{}", password=True) as made:
        yield made


@pytest.fixture
async def xandikos_desk(xandikos: Server) -> AsyncIterator[Desk]:
    async with desk(xandikos, "user/calendars", password=False) as made:
        yield made
