"""Where providers say that a calendar has changed: what strangers send there is refused, cheaply."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from httpx2 import ASGITransport, AsyncClient

from kalends.api import calendar_hooks
from kalends.app import App
from kalends.edge import web
from kalends.storage.buckets import RateLimit
from tests.statements import counted


@pytest.fixture
async def hooks(app: App) -> AsyncIterator[AsyncClient]:
    served = web.create(app, routers=[calendar_hooks.router], limits=RateLimit(100, 200))
    async with AsyncClient(transport=ASGITransport(app=served), base_url="http://kalends.test") as client:
        yield client


def _states(count: int) -> bytes:
    return json.dumps({"value": [{"clientState": f"guess {number}"} for number in range(count)]}).encode()


_NONSENSE = [
    b"",
    b"[]",
    b"NaN",
    b"\xff",
    b"[" * 10_000,
    b'{"value": 5}',
    b'{"value": true}',
    b'{"value": "no list"}',
    b'{"value": {"clientState": "x"}}',
    b'{"value": [null, 5, {}, {"clientState": 5}]}',
    _states(1) + b" " * calendar_hooks.LONGEST_BODY,
]


@pytest.mark.parametrize("body", _NONSENSE, ids=lambda body: repr(body[:30]))
async def test_what_microsoft_would_not_send_is_of_no_channel(hooks: AsyncClient, body: bytes) -> None:
    answer = await hooks.post(f"/hooks/calendars/outlook/{uuid4()}", content=body)

    assert (answer.status_code, answer.json()["errorCode"]) == (404, "calendar-channel-unknown")


async def test_a_hundred_guesses_at_once_are_looked_up_as_one(hooks: AsyncClient) -> None:
    address, asked, answers = f"/hooks/calendars/outlook/{uuid4()}", [], []
    for count in (1, 100):
        with counted() as sent:
            answers.append((await hooks.post(address, content=_states(count))).status_code)
        asked.append(len(sent))

    assert answers == [404, 404]
    assert asked[0] == asked[1]
