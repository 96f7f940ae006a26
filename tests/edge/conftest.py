"""Clients of the real application around routers of the tests, companies with credentials, a clock that stands."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest
from fastapi import APIRouter
from httpx2 import ASGITransport, AsyncClient
from whenever import Instant

from kalends.app import App
from kalends.edge import web
from kalends.services import credentials
from kalends.storage.buckets import RateLimit
from tests import factories

ClientFor = Callable[..., Awaitable[AsyncClient]]


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.instant = Instant("2026-03-02T09:00:00Z")

    def __call__(self) -> Instant:
        return self.instant

    def forward(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move on."""
        self.instant = self.instant.add(hours=hours, minutes=minutes, seconds=seconds)


@dataclass(frozen=True)
class Acme:
    """A company with one key, one unlimited token of its owner, and a second user who is no admin."""

    company_id: UUID
    owner_id: UUID
    member_id: UUID
    key_id: UUID
    key: str
    token: str


@pytest.fixture
def clock(app: App) -> Clock:
    """Make the App's clock stand."""
    app.now = clock = Clock()
    return clock


@pytest.fixture
async def client_for(app: App) -> AsyncIterator[ClientFor]:
    """Make clients of the application around the given routers; the rate limit is off unless given."""
    async with AsyncExitStack() as stack:

        async def make(
            *routers: APIRouter,
            limits: RateLimit | None = None,
            on: App = app,
            trusted_proxies: tuple[str, ...] = (),
            address: str = "127.0.0.1",
        ) -> AsyncClient:
            limits = limits or RateLimit(100, 0)
            made = web.create(on, routers=routers, limits=limits, trusted_proxies=trusted_proxies)
            transport = ASGITransport(app=made, client=(address, 50000))
            return await stack.enter_async_context(AsyncClient(transport=transport, base_url="http://kalends.test"))

        yield make


@pytest.fixture
async def acme(app: App, clock: Clock) -> Acme:
    """Make a company with credentials, committed."""
    return await company(app)


async def company(app: App) -> Acme:
    """Make a company with credentials, committed."""
    now = app.now()
    async with app.transaction() as conn:
        founded = await factories.company(conn, now=now)
        member = await factories.user(conn, founded, now=now)
        key, plain_key = await credentials.create_key(conn, company_id=founded.company_id, name=None, days=30, now=now)
        _, token = await credentials.create_token(
            conn,
            company_id=founded.company_id,
            user_id=founded.user_id,
            name="laptop",
            scopes=(),
            expires_at=None,
            now=now,
        )
    return Acme(founded.company_id, founded.user_id, member.user.id, key.id, plain_key, token)


def bearer(secret: str, user: object = None) -> dict[str, str]:
    """Make the headers of a call with this credential, maybe as a user."""
    headers = {"Authorization": f"Bearer {secret}"}
    return headers if user is None else headers | {"x-meetergo-api-user-id": str(user)}
