"""A program connects a real calendar over the API: what another client puts there closes slots."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from whenever import Instant

from kalends.api.v4 import express, routers
from kalends.app import App
from kalends.domain.remote_events import RemoteCalendar
from kalends.edge import web as edge
from kalends.integrations.caldav import CalDavProvider
from kalends.integrations.expanding import Expander
from kalends.integrations.web import Web
from kalends.services import credentials
from kalends.storage.buckets import RateLimit
from tests.conftest import Outbox
from tests.jobs.stage import Stage, staged, to

from .conftest import Desk

PATH = "/v4/calendar-connections/connections"
NOW = Instant("2031-03-03T08:00:00Z")  # a Monday
NINE = Instant("2031-03-05T09:00:00Z")


@dataclass
class Program:
    """Holds a platform key of a company whose owner can be booked."""

    stage: Stage
    http: AsyncClient

    async def call(self, method: str, path: str, body: Any = None) -> Response:
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer

    async def offers(self, start: Instant) -> bool:
        """Tell whether a start is offered to guests."""
        day = start.to_tz("UTC").date().format_iso()
        query = f"meetingTypeId={self.stage.meeting_type_id}&start={day}&end={day}"
        found = (await self.call("GET", f"/v4/booking-availability?{query}")).json()
        starts = {Instant.parse_iso(spot["startTime"]) for one in found["dates"] for spot in one["spots"]}
        return start in starts


@pytest.fixture
async def program(app: App, conninfo: str, web: Web, expander: Expander) -> AsyncIterator[Program]:
    app.calendars = {"caldav": CalDavProvider("caldav", web, expander)}
    stage = await staged(app, conninfo)
    founded = stage.founded
    async with app.transaction() as conn:
        _, key = await credentials.create_key(conn, company_id=founded.company_id, name=None, days=30, now=NOW)
    served = edge.create(app, routers=routers, limits=RateLimit(1000, 1000), express=express)
    headers = {"Authorization": f"Bearer {key}", "x-meetergo-api-user-id": str(founded.user_id)}
    client = AsyncClient(transport=ASGITransport(app=served), base_url="http://kalends.test", headers=headers)
    async with client as http:
        yield Program(stage, http)


async def test_a_calendar_that_was_connected_closes_slots_until_it_is_given_up(
    program: Program, radicale_desk: Desk, outbox: Outbox
) -> None:
    free = await program.offers(NINE)
    made = (await program.call("POST", PATH, {"provider": "caldav", **radicale_desk.form})).json()
    one = f"{PATH}/{made['id']}"
    unread = await program.offers(NINE)
    await program.stage.work()
    [calendar] = (await program.call("GET", f"{one}/calendars")).json()["calendars"]
    read = await program.offers(NINE)

    there = RemoteCalendar(calendar["remoteId"], calendar["name"])
    await radicale_desk.telephone.make_event(there, "dentist@elsewhere", NINE, NINE.add(hours=1))
    await program.call("POST", f"{one}/sync")
    await program.stage.work()
    [shown] = (await program.call("GET", PATH)).json()["items"]
    beside = [await program.offers(NINE), await program.offers(NINE.add(hours=1))]
    await program.call("PATCH", one, {"selectedCalendars": []})
    unselected = await program.offers(NINE)
    await program.call("PATCH", one, {"selectedCalendars": [calendar["remoteId"]]})
    await program.stage.work()
    selected = await program.offers(NINE)
    await program.call("DELETE", one)

    assert (free, unread, read) == (True, False, True)  # not known is not free
    assert beside == [False, True]
    assert (unselected, selected) == (True, False)
    assert await program.offers(NINE)
    assert (made["isPrimary"], made["selectedCalendars"], made["syncedAt"]) == (True, [calendar["id"]], None)
    assert (shown["id"], shown["isConnected"], shown["lastError"], shown["ageSeconds"]) == (made["id"], True, None, 0)
    [mail] = to(outbox.mails, await _address(program))
    assert (
        "At: CalDAV (127.0.0.1)" in message_from_bytes(mail.content, policy=default).get_body(("plain",)).get_content()
    )


async def _address(program: Program) -> str:
    return str((await program.call("GET", "/v4/user/me")).json()["email"])
