"""A real server on a real port around the test App, and Debian's Chromium to look at it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal
from uuid import UUID

import pytest
import uvicorn
from httpx2 import AsyncClient
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from whenever import Instant

from kalends import pages
from kalends.app import App
from kalends.edge import web
from kalends.storage import appointments, users
from kalends.storage.appointments import Appointment
from kalends.storage.buckets import RateLimit
from kalends.storage.users import User
from tests import factories

_addresses = count(1)

# A Monday morning before any clock change of the year.
NOW = Instant("2026-03-02T08:00:00Z")

_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}


@dataclass
class Clock:
    """A clock that moves only when told to."""

    instant: Instant = NOW

    def __call__(self) -> Instant:
        return self.instant


@dataclass(frozen=True)
class Site:
    """A served installation with one host, whose meeting type takes 30 minutes."""

    app: App
    url: str
    clock: Clock
    host: User
    type_slug: str
    meeting_type_id: UUID

    @property
    def person(self) -> str:
        """Path of the host's page."""
        return f"/{self.host.slug}"

    @property
    def meeting(self) -> str:
        """Path of the meeting type's page."""
        return f"/{self.host.slug}/{self.type_slug}"

    def client(self, **headers: str) -> AsyncClient:
        """Make a client with an address of its own, so that limits of other tests do not count."""
        chosen = {"Accept": "text/html", "X-Forwarded-For": new_address(), **headers}
        return AsyncClient(base_url=self.url, headers=chosen, timeout=20)

    async def appointments(self) -> list[Appointment]:
        """Read all appointments of the host, in order of start."""
        async with self.app.reading() as conn:
            found, _ = await appointments.page(
                conn, self.host.company_id, appointments.Filter(host_id=self.host.id),
                sort="start", descending=False, limit=100, offset=0, now=self.clock(),
            )  # fmt: skip
        return found


def new_address() -> str:
    """Invent a client address nobody has used."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@pytest.fixture
async def site(app: App) -> AsyncIterator[Site]:
    """Serve a new company's pages on a free port; the clock stands at NOW."""
    app.now = clock = Clock()
    async with app.transaction() as conn:
        founded = await factories.company(conn, now=NOW)
        kind = await factories.meeting_type(
            conn,
            founded,
            now=NOW,
            meeting_info={"name": "Portfolio review", "description": "We look at your work.", "channel": "jitsi"},
        )
        host = await users.get(conn, founded.company_id, founded.user_id)
    assert host
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app.base_url = f"http://localhost:{listener.getsockname()[1]}"
        served = web.create(
            app, routers=pages.routers, limits=RateLimit(100, 200), trusted_proxies=["127.0.0.1"], express=pages.express
        )
        pages.mount(served)
        server = uvicorn.Server(uvicorn.Config(served, lifespan="off", log_level="warning"))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        async with AsyncClient(base_url=app.base_url, timeout=20) as client:
            await client.get("/healthz")  # waits in the listener's queue until the server takes it
        yield Site(app, app.base_url, clock, host, kind.slug, kind.id)
        server.should_exit = True
        await running


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start Debian's Chromium once."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_ARGUMENTS)
        yield browser
        await browser.close()


@dataclass
class Visitor:
    """One browser window, and what must not have happened in it."""

    page: Page
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Visit = Callable[..., Awaitable[Visitor]]

PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)  # its own 5 s are too few for a machine with much else to do


@pytest.fixture
async def visitor(site: Site, browser: Browser) -> AsyncIterator[Visit]:
    """Open windows; at the end none has asked another host for anything, nor complained on its console."""
    contexts: list[tuple[BrowserContext, Visitor]] = []

    async def open_window(
        size: Literal["phone", "desktop"] = "desktop",
        *,
        scheme: Literal["light", "dark"] = "light",
        zone: str = "Europe/Berlin",
        locale: str = "en-US",
        **options: Any,
    ) -> Visitor:
        phone = size == "phone"
        context = await browser.new_context(
            base_url=site.url, viewport=SIZES[size], is_mobile=phone, has_touch=phone, color_scheme=scheme,
            timezone_id=zone, locale=locale, extra_http_headers={"X-Forwarded-For": new_address()},
            reduced_motion="reduce", **options,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        seen = Visitor(await context.new_page())
        seen.page.on(
            "request", lambda asked: None if asked.url.startswith(site.url) else seen.foreign.append(asked.url)
        )
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        # The browser notes every answer that is a refusal (409, 422), which is what some tests are about.
        seen.page.on(
            "console",
            lambda note: (
                seen.complaints.append(note.text)
                if note.type in ("error", "warning") and "Failed to load resource" not in note.text
                else None
            ),
        )
        contexts.append((context, seen))
        return seen

    yield open_window
    for context, _ in contexts:
        await context.close()
    assert [seen.foreign for _, seen in contexts if seen.foreign] == []
    assert [seen.complaints for _, seen in contexts if seen.complaints] == []
