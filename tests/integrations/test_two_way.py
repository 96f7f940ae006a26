"""A host's real calendar and his bookings, both ways: Radicale for real, Google and Microsoft as servers of our own."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from httpx2 import ASGITransport, AsyncClient
from whenever import Instant, hours

from kalends.api import calendar_hooks
from kalends.app import App
from kalends.domain.remote_events import RemoteCalendar
from kalends.edge import web as edge
from kalends.integrations.caldav import CalDavProvider
from kalends.integrations.expanding import Expander
from kalends.integrations.web import Web
from kalends.ports import Connected
from kalends.services import calendar_connections, calendar_sync, found_accounts
from kalends.services.calendar_sync import Outcome
from kalends.storage import calendar_access, calendar_writes
from kalends.storage import calendar_connections as stored
from kalends.storage.buckets import RateLimit
from kalends.storage.calendar_connections import CalendarConnection
from tests.fakes.google import FakeAccount, FakeGoogle, GoogleOther
from tests.fakes.graph import FakeGraph
from tests.jobs.stage import Stage, staged

from .conformance import OWNER, Bench
from .conftest import Desk
from .microsoft_bench import bench_of
from .test_caldav import _bench as caldav_bench

HALF_HOUR = hours(0.5)


@dataclass
class House:
    """A host who can be booked and whose calendar is connected.

    Attributes:
        ten: ten o'clock of a working day to come, and what is there an hour each after.
    """

    stage: Stage
    bench: Bench
    connection_id: UUID
    calendar: RemoteCalendar
    ten: Instant

    async def read(self, **later: int) -> Outcome:
        self.stage.now = self.stage.now.add(**later)
        return await calendar_sync.read_now(
            self.stage.app.calendar_reader, self.stage.founded.company_id, self.connection_id
        )

    async def busy(self) -> list[tuple[Instant, Instant]]:
        found = await self.stage.rows(
            "SELECT b.start_at, b.end_at FROM busy_event b JOIN calendar k ON k.no = b.calendar_no "
            "WHERE k.connection_id = %s ORDER BY 1, 2",
            self.connection_id,
        )
        return [cast("tuple[Instant, Instant]", row) for row in found]

    async def connection(self) -> CalendarConnection:
        async with self.stage.app.reading() as conn:
            found = await stored.get(conn, self.stage.founded.company_id, self.connection_id)
        assert found
        return found

    async def appointment(self, appointment_id: UUID) -> tuple[Instant, bool]:
        ((start, cancelled_at),) = await self.stage.rows(
            "SELECT start_at, cancelled_at FROM appointment WHERE id = %s", appointment_id
        )
        return cast("Instant", start), cancelled_at is not None

    async def make(self, start: Instant, end: Instant) -> str:
        """Let the host make an event; answers its UID."""
        uid = f"{uuid4()}@elsewhere"
        await self.bench.other.make_event(self.calendar, uid, start, end)
        return uid


async def house(app: App, conninfo: str, bench: Bench) -> House:
    """Let a host move in."""
    now = Instant.now()
    stage = await staged(app, conninfo, now)
    founded, app.calendars = stage.founded, {bench.provider.kind: bench.provider}
    found = await found_accounts.look(bench.provider, Connected("host", OWNER, bench.credential))
    async with app.transaction() as conn:
        view = await calendar_connections.connect(
            conn, actor=stage.actor, user_id=founded.user_id, found=found, as_sync=True, box=app.box, clock=stage.clock
        )
        await stored.update(conn, founded.company_id, view.connection.id, {"cancel_if_declined_or_deleted": True})
    (calendar,) = [one for one in view.calendars if one.name == bench.calendar]
    day = now.timestamp() // 86400
    monday = day + 7 - (day + 3) % 7  # the first of January 1970 was a Thursday
    ten = Instant.from_timestamp(monday * 86400 + 9 * 3600)  # or eleven, in summer
    made = House(stage, bench, view.connection.id, calendar.remote, ten)
    await made.read()
    return made


class BothWays:
    """What every provider has to carry."""

    async def test_bookings_and_the_calendar_follow_each_other(self, app: App, conninfo: str, bench: Bench) -> None:
        host = await house(app, conninfo, bench)
        ten, other = host.ten, bench.other
        await host.make(ten.add(hours=1), ten.add(hours=2))
        assert await host.read(minutes=1) == "read"
        assert await host.busy() == [(ten.add(hours=1), ten.add(hours=2))]

        booked = await host.stage.book(ten)
        await host.stage.work()
        uid = f"{booked.appointment_id}@kalends"
        await host.read(minutes=1)
        assert await other.count(host.calendar, uid) == 1
        assert await host.busy() == [(ten.add(hours=1), ten.add(hours=2))]

        await other.move(host.calendar, uid, ten.add(hours=3), ten.add(hours=3) + HALF_HOUR)
        await host.read(minutes=1)
        assert await host.appointment(booked.appointment_id) == (ten.add(hours=3), False)
        await host.stage.work()

        await host.stage.move(booked.appointment_id, ten.add(hours=4))
        await host.stage.work()
        await host.read(minutes=1)
        assert await host.appointment(booked.appointment_id) == (ten.add(hours=4), False)

        await other.remove(host.calendar, uid)
        await host.read(minutes=1)
        assert await host.appointment(booked.appointment_id) == (ten.add(hours=4), True)
        await host.stage.work()
        rows = await host.stage.rows(
            "SELECT after FROM event WHERE connection_id = %s AND kind = 'conflict'", host.connection_id
        )
        assert rows == []

    async def test_a_token_that_died_loses_nothing(self, app: App, conninfo: str, bench: Bench) -> None:
        host = await house(app, conninfo, bench)
        first = await host.make(host.ten, host.ten.add(hours=1))
        await host.read(minutes=1)
        await bench.other.remove(host.calendar, first)
        await host.make(host.ten.add(hours=2), host.ten.add(hours=3))
        ((token,),) = await host.stage.rows(
            "SELECT r.sync_token FROM calendar_reading r JOIN calendar k ON k.id = r.calendar_id "
            "WHERE k.connection_id = %s AND k.selected",
            host.connection_id,
        )
        dead = await bench.other.dead_token(host.calendar, str(token))
        await host.stage.rows(
            "UPDATE calendar_reading SET sync_token = %s WHERE sync_token = %s RETURNING 1", dead, token
        )

        assert await host.read(minutes=1) == "read"

        assert await host.busy() == [(host.ten.add(hours=2), host.ten.add(hours=3))]

    async def test_an_outage_loses_nothing_and_cancels_nothing(self, app: App, conninfo: str, bench: Bench) -> None:
        host = await house(app, conninfo, bench)
        booked = await host.stage.book(host.ten)
        await host.stage.work()
        await host.make(host.ten.add(hours=1), host.ten.add(hours=2))
        await host.read(minutes=1)
        async with bench.outage():
            outcomes = [await host.read(seconds=15) for _ in range(2)]
            late = await host.stage.book(host.ten.add(hours=2))
            await host.stage.work()

        outcomes.append(await host.read(seconds=15))
        await host.stage.rows("UPDATE calendar_write SET due_at = %s RETURNING 1", host.stage.now)
        async with app.transaction() as conn:
            await calendar_writes.start_due(conn, host.stage.now)
        await host.stage.work()
        outcomes.append(await host.read(seconds=15))

        assert outcomes == ["put-off", "put-off", "read", "read"]
        assert await host.busy() == [(host.ten.add(hours=1), host.ten.add(hours=2))]
        for one in (booked, late):
            assert not (await host.appointment(one.appointment_id))[1]
            assert await bench.other.count(host.calendar, f"{one.appointment_id}@kalends") == 1

    async def test_a_credential_that_dies_is_noticed(self, app: App, conninfo: str, bench: Bench) -> None:
        host = await house(app, conninfo, bench)
        assert bench.refused
        refused = await bench.refused()
        async with app.transaction() as conn:
            sealed = app.box.seal(json.dumps(dict(refused)).encode())
            await stored.keep_credential(conn, host.stage.founded.company_id, host.connection_id, sealed)

        assert await host.read(minutes=1) == "refused"

        assert (await host.connection()).status == "refused"


class TestRadicale(BothWays):
    @pytest.fixture
    async def bench(self, web: Web, expander: Expander, radicale_desk: Desk) -> Bench:
        return await caldav_bench(CalDavProvider("caldav", web, expander), radicale_desk, refuses=True)


async def google_bench(google: FakeGoogle, host: FakeAccount) -> Bench:
    provider = google.provider(clock=Instant.now)
    connected = await google.connect(provider, host)

    @asynccontextmanager
    async def outage() -> Any:
        with google.outage():
            yield connected.credential

    async def refused() -> Any:
        google.revoke(host)
        return connected.credential

    return Bench(provider, connected.credential, host.calendars[0].summary, GoogleOther(google, host), outage, refused)


class TestGoogle(BothWays):
    @pytest.fixture
    async def bench(self, google: FakeGoogle) -> Bench:
        return await google_bench(google, google.account(OWNER))

    async def test_a_token_that_expires_half_way_is_renewed(
        self, app: App, conninfo: str, google: FakeGoogle, bench: Bench
    ) -> None:
        host = await house(app, conninfo, bench)
        await host.make(host.ten, host.ten.add(hours=1))
        google.expire_tokens()
        google.rotates = True

        outcomes = [await host.read(minutes=1), await host.read(minutes=1)]

        assert (outcomes, google.refreshes) == (["read", "read"], 1)
        assert await host.busy() == [(host.ten, host.ten.add(hours=1))]

    async def test_google_is_left_alone_as_long_as_it_wants(
        self, app: App, conninfo: str, google: FakeGoogle, bench: Bench
    ) -> None:
        host = await house(app, conninfo, bench)
        google.fail(429, times=9, reason="rateLimitExceeded", headers={"Retry-After": "900"})

        assert await host.read(minutes=1) == "put-off"

        due = (await host.connection()).due_at
        assert due
        assert due >= host.stage.now.add(seconds=900)

    async def test_a_channel_tells_of_changes_until_it_is_renewed_and_called_off(
        self, app: App, conninfo: str, google: FakeGoogle, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kalends.domain.links.is_reachable", lambda _: True)
        app.base_url = "http://127.0.0.1:9"  # nobody is there: what Google tells is carried by hand
        host = await house(app, conninfo, bench)
        (first,) = google.channels
        await host.stage.work()  # what connecting has started

        def told() -> tuple[str, dict[str, str]]:
            address, headers, _ = google.told[-1]
            return address, headers

        google.wait_told(1)
        async with client(app) as http:
            began = (await post(http, *told())).status_code, await jobs(host)
            google.notify(first.calendar)
            google.wait_told(2)
            address, headers = told()
            changed = (await post(http, address, headers)).status_code, await jobs(host)
            forged = await post(http, address, {**headers, "X-Goog-Channel-Token": "guessed"})
            unknown = await post(http, address[:-3] + "abc", headers)
        await host.stage.work()
        await host.read(hours=24 * 6)
        (second,) = google.channels
        await host.stage.rows("UPDATE calendar SET selected = false, is_primary = false WHERE connection_id = %s "
                              "RETURNING 1", host.connection_id)  # fmt: skip
        await host.read(minutes=1)

        assert (began, changed) == ((204, 0), (204, 1))
        assert (forged.status_code, unknown.status_code) == (404, 404)
        assert second.body["id"] != first.body["id"]
        assert google.channels == []


class TestMicrosoft(BothWays):
    @pytest.fixture
    def bench(self, graph: FakeGraph) -> Bench:
        return bench_of(graph)

    async def test_a_token_that_expires_half_way_is_renewed(
        self, app: App, conninfo: str, graph: FakeGraph, bench: Bench
    ) -> None:
        host = await house(app, conninfo, bench)
        await host.make(host.ten, host.ten.add(hours=1))
        graph.login.end_access()

        assert await host.read(minutes=1) == "read"
        assert await host.busy() == [(host.ten, host.ten.add(hours=1))]

    async def test_microsoft_is_left_alone_as_long_as_it_wants(
        self, app: App, conninfo: str, graph: FakeGraph, bench: Bench
    ) -> None:
        host = await house(app, conninfo, bench)
        graph.throttle(9, after_s=700)

        assert await host.read(minutes=1) == "put-off"

        due = (await host.connection()).due_at
        assert due
        assert due >= host.stage.now.add(seconds=700)

    async def test_a_subscription_tells_of_changes_and_is_made_anew_once_it_ended(
        self, app: App, conninfo: str, graph: FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kalends.domain.links.is_reachable", lambda _: True)
        app.base_url = "http://kalends.test"
        async with client(app) as http:

            async def carry(address: str, body: Any) -> tuple[int, str]:
                answer = await http.post(address, json=body) if body else await http.post(address)
                return answer.status_code, answer.text

            graph.deliver_by(carry)
            host = await house(app, conninfo, bench)
            (first,) = graph.subscriptions.known.values()
            await host.stage.work()
            await host.make(host.ten, host.ten.add(hours=1))
            await graph.settled()
            started = await jobs(host)
            forged = await http.post(first["notificationUrl"], json={"value": [{"clientState": "guessed"}]})
            nonsense = await http.post(first["notificationUrl"], content=b"[")
            await host.stage.work()
            busy = await host.busy()
            graph.expire_subscriptions()
            await host.read(hours=24 * 6)

        (second,) = graph.subscriptions.known.values()
        assert (started, busy) == (1, [(host.ten, host.ten.add(hours=1))])
        assert (forged.status_code, nonsense.status_code) == (404, 404)
        assert second["notificationUrl"] != first["notificationUrl"]


def client(app: App) -> AsyncClient:
    """Make a client of the hooks."""
    made = edge.create(app, routers=[calendar_hooks.router], limits=RateLimit(100, 200))
    return AsyncClient(transport=ASGITransport(app=made), base_url="http://kalends.test")


async def post(http: AsyncClient, address: str, headers: dict[str, str]) -> Any:
    return await http.post("/hooks" + address.partition("/hooks")[2], headers=headers)


async def jobs(host: House) -> int:
    """Count the readings that wait."""
    ((count,),) = await host.stage.rows(
        "SELECT count(*) FROM procrastinate_jobs WHERE lock = %s AND task_name = %s AND status = 'todo'",
        f"calendar {host.connection_id}",
        calendar_access.TASK,
    )
    return cast("int", count)
