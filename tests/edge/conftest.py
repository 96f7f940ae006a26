"""A client for any router, mounted as the real application mounts them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from fastapi import APIRouter
from httpx2 import ASGITransport, AsyncClient

from kalends.app import App
from kalends.edge import web
from kalends.edge.limits import RateLimit

ClientFor = Callable[..., Awaitable[AsyncClient]]


@pytest.fixture
async def client_for(app: App) -> AsyncIterator[ClientFor]:
    """Make clients of the application with the given routers; they talk to it without a network."""
    async with AsyncExitStack() as stack:

        async def make(*routers: APIRouter, limits: RateLimit | None = None, on: App = app) -> AsyncClient:
            made = web.create(on, routers=routers, limits=limits or RateLimit(100, 0), trusted_proxies=())
            transport = ASGITransport(app=made)
            return await stack.enter_async_context(AsyncClient(transport=transport, base_url="http://kalends.test"))

        yield make
