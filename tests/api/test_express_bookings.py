"""A booking is answered the same by the express lane and by the framework, whatever is sent."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from kalends.api.v4 import express, routers
from kalends.app import App
from kalends.edge import web
from kalends.storage.buckets import RateLimit
from tests import factories, ordering
from tests.api.conftest import Api

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/booking"
# What differs from one request to the next, and from one booking to the other.
OWN = re.compile(rb'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<="secret":")[^"]+')

# {type}, {host}, ... stand for ids that the test fills in.
PLAIN: dict[str, list[Any]] = {
    "meetingTypeId": ["{type}"],
    "start": [f"2031-03-05T{hour:02}:00:00Z" for hour in range(8, 15)],
    "attendee": [{"email": "ana@guests.test", "fullname": "Ana Roth", "timezone": "Europe/Vienna"}],
}
FURTHER: dict[str, list[Any]] = {
    "hostIds": [["{host}"], [], ["{nobody}"]],
    "duration": [30, 45, "30", 30.0],
    "channel": ["phone", "webex", ""],
    "location": ["Room 1", "x\ny"],
    "icsTitle": ["Plan \u00fc", ""],
    "notes": ["Ring twice"],
    "timezone": ["Europe/Kiev", "Mars"],
    "recurrence": [{"frequency": "weekly", "count": 2}, {"frequency": "weekly", "count": 0}],
    "holdId": ["{nobody}"],
    "oneTimeLinkId": ["{nobody}"],
    "attendeePendingId": [1, 0],
    "ignoreAvailability": [True, "yes"],
    "phoneOnlyBooking": [True],
    "sourceChannel": ["dropped"],
    "attendee": [{}, {"email": "x"}, {"email": "a@b.test", "notes": {"x": [1.5, None, {}]}}, []],
}
ODD: list[Any] = [None, "", "x", 0, -1, 1e400, True, [], {}, "\0", "\ud800", "2031-02-30T08:00:00Z", "{nobody}"]
BODIES = [b"", b"{", b"[]", b"null", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"start":1,"start":2}', b"1" * 5000]
TYPES = ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;", "text/plain", "application/x+json"]
HEADERS = [
    {"authorization": "Bearer x"}, {"authorization": ""}, {"x-meetergo-api-user-id": "x"},
    {"idempotency-key": "{host}"}, {"idempotency-key": ""}, {"accept": "application/problem+json"},
    {"content-length": "2000000"}, {"content-type": ""}, *({"content-type": one} for one in TYPES),
]  # fmt: skip


class Sent(NamedTuple):
    """One request; in body and headers stand names of ids instead of ids."""

    body: bytes
    query: bytes
    headers: dict[str, str]
    pieces: int


@st.composite
def _sent(draw: st.DrawFn) -> Sent:
    """Book plainly, then change one thing or none."""
    order = {name: draw(st.sampled_from(values)) for name, values in PLAIN.items()}
    for name in draw(st.lists(st.sampled_from(sorted(FURTHER)), max_size=2)):
        order[name] = draw(st.sampled_from(FURTHER[name]))
    changed = draw(st.sampled_from(["nothing"] * 3 + ["left out", "odd", "all"]))
    if changed != "nothing":
        name = draw(st.sampled_from(sorted(order)))
        order.pop(name)
        if changed == "odd":
            order[name] = draw(st.sampled_from(ODD))
    body = draw(st.sampled_from(BODIES)) if changed == "all" else json.dumps(order).encode()
    return Sent(
        body,
        draw(st.sampled_from([b""] * 8 + [b"a=b", b"&", b"%ff"])),
        draw(st.sampled_from([{}] * 8 + HEADERS)),
        draw(st.sampled_from([1, 1, 2, 3])),
    )


async def _answer(served: FastAPI, asked: Sent, ids: dict[str, str]) -> tuple[Any, ...]:
    sent: list[Message] = []
    headers = {"host": "kalends.test", "authorization": "Bearer {key}", "content-type": "application/json"}
    headers, body = headers | asked.headers, asked.body
    for name, one in ids.items():
        headers = {header: value.replace(f"{{{name}}}", one) for header, value in headers.items()}
        body = body.replace(f"{{{name}}}".encode(), one.encode())
    size = -(-len(body) // asked.pieces) or 1
    pieces = [body[first : first + size] for first in range(0, len(body), size)] or [b""]
    received = [
        {"type": "http.request", "body": piece, "more_body": place < len(pieces)}
        for place, piece in enumerate(pieces, start=1)
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": asked.query,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
    }

    async def receive() -> Message:
        return received.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await served(scope, receive, send)
    start, *rest = sent
    told = [(name, b"" if b"ratelimit" in name else OWN.sub(b"", value)) for name, value in start["headers"]]
    return start["status"], told, OWN.sub(b"", b"".join(one["body"] for one in rest))


@pytest.fixture
async def served(api: Api, app: App) -> list[tuple[FastAPI, dict[str, str]]]:
    """Serve the API with the lane, and without; each books a host of its own."""
    limits = RateLimit(6000, 10**6)
    found = []
    for lanes in (express, []):
        async with app.transaction() as conn:
            host = await factories.user(conn, api.company, now=ordering.NOW)
        assert host.meeting_type
        own = {"type": host.meeting_type.id, "host": host.user.id, "nobody": uuid4()}
        ids = {"key": api.secret, **{name: str(one) for name, one in own.items()}}
        found.append((web.create(app, routers=routers, limits=limits, express=lanes), ids))
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=_sent())
async def test_the_lane_books_as_the_framework_does(served: list[tuple[FastAPI, dict[str, str]]], asked: Sent) -> None:
    lane, framework = [await _answer(one, asked, ids) for one, ids in served]

    assert lane == framework
    event(f"status {lane[0]}")
