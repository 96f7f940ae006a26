"""Clients of the real application, each acting for a fresh company of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from kalends.api.v4 import express, routers
from kalends.app import App
from kalends.edge import web
from kalends.services import appointments, credentials
from kalends.services.companies import Founded
from kalends.storage.appointments import Appointment
from kalends.storage.buckets import RateLimit
from tests import factories, ordering


@dataclass(frozen=True)
class Api:
    """One credential at work; `user_id` goes into the user header of every call, None leaves the header out."""

    app: App
    http: AsyncClient
    company: Founded
    secret: str
    user_id: UUID | None

    def acting_as(self, user_id: UUID | None) -> Api:
        """Make a client with the same credential that acts as somebody else."""
        return Api(self.app, self.http, self.company, self.secret, user_id)

    def holding(self, secret: str) -> Api:
        """Make a client with another credential and no user header."""
        return Api(self.app, self.http, self.company, secret, None)

    async def member(self, **fields: Any) -> Api:
        """Add a user who is no administrator, committed; answer a client acting as him."""
        async with self.app.transaction() as conn:
            created = await factories.user(conn, self.company, now=self.app.now(), **fields)
        return self.acting_as(created.user.id)

    async def token(self, user_id: UUID | None = None, *, scopes: tuple[str, ...] = ()) -> Api:
        """Make a personal token of the user (the owner by default), committed; answer a client that holds it."""
        async with self.app.transaction() as conn:
            _, plain = await credentials.create_token(
                conn,
                company_id=self.company.company_id,
                user_id=user_id or self.company.user_id,
                name="laptop",
                scopes=scopes,
                expires_at=None,
                now=self.app.now(),
            )
        return self.holding(plain)

    async def stored(self, booked: Response) -> Appointment:
        """Find the appointment that a booking has answered."""
        assert booked.status_code == 201, booked.text
        async with self.app.reading() as conn:
            return await appointments.get(
                conn, actor=factories.actor(self.company), appointment_id=UUID(booked.json()["appointmentId"])
            )

    async def call(self, method: str, path: str, **more: Any) -> Response:
        """Send one request with credential and user header; `more` goes to the HTTP client (json, params, headers)."""
        headers = {"Authorization": f"Bearer {self.secret}", **more.pop("headers", {})}
        if self.user_id is not None:
            headers["x-meetergo-api-user-id"] = str(self.user_id)
        return await self.http.request(method, path, headers=headers, **more)

    async def get(self, path: str, **params: Any) -> Response:
        """Send a GET with these query values."""
        return await self.call("GET", path, params=params)

    async def post(self, path: str, body: Any = None) -> Response:
        """Send a POST with a JSON body."""
        return await self.call("POST", path, json={} if body is None else body)

    async def patch(self, path: str, body: Any) -> Response:
        """Send a PATCH with a JSON body."""
        return await self.call("PATCH", path, json=body)

    async def delete(self, path: str) -> Response:
        """Send a DELETE."""
        return await self.call("DELETE", path)


CompanyMaker = Callable[[], Awaitable[Api]]


_served: list[FastAPI] = []


@pytest.fixture
def still(app: App) -> None:
    """Let every request of a test come at the same moment, `ordering.NOW`."""
    app.now = ordering.clock


@pytest.fixture
async def http(app: App) -> AsyncIterator[AsyncClient]:
    """Serve the whole API, without a rate limit; made once, for all its routes take longer than most tests."""
    if not _served:
        _served.append(web.create(app, routers=routers, limits=RateLimit(100, 0), express=express))
    [served] = _served
    served.state.kalends = app
    async with AsyncClient(transport=ASGITransport(app=served), base_url="http://kalends.test") as client:
        yield client


@pytest.fixture
def another_company(app: App, http: AsyncClient) -> CompanyMaker:
    """Make companies, committed: each answers a client with its platform key, acting as the owner."""

    async def make() -> Api:
        now = app.now()
        async with app.transaction() as conn:
            founded = await factories.company(conn, now=now)
            _, plain = await credentials.create_key(conn, company_id=founded.company_id, name=None, days=30, now=now)
        return Api(app, http, founded, plain, founded.user_id)

    return make


@pytest.fixture
async def api(another_company: CompanyMaker) -> Api:
    """Make a fresh company, committed, and a client with its platform key, acting as its owner."""
    return await another_company()
