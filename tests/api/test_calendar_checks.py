"""Calendars asked live: before a start is taken, and for a list of starts that wants it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.app import App, DatabaseBusy
from kalends.errors import Upstream
from kalends.ports import CredentialRefused
from kalends.services import calendar_checks, calendar_sync
from kalends.services.appointments import get
from kalends.storage.database import Connection
from tests import calendar_rows, factories, live_calendars, ordering, statements
from tests.api.conftest import Api
from tests.fakes.memory_calendar import MemoryCalendar
from tests.live_calendars import Several
from tests.ordering import NOW, START

pytestmark = pytest.mark.usefixtures("still")

# Half an hour that is free in what is stored of the calendar.
SPAN = (START, START.add(minutes=30))

Take: TypeAlias = Callable[[Api], Awaitable[Response]]


@pytest.fixture
def provider(app: App) -> Several:
    return live_calendars.provider(app)


@pytest.fixture
async def account(api: Api, provider: Several) -> MemoryCalendar:
    """Connect the owner's calendar, read two minutes ago."""
    return await live_calendars.read(
        api.app, provider, api.company.company_id, api.company.user_id, NOW.subtract(minutes=2)
    )


async def _book(api: Api, *, key: str | None = None, **fields: Any) -> Response:
    body = {
        "meetingTypeId": str(api.company.meeting_type_id),
        "start": START.format_iso(),
        "attendee": {"email": "ana@guests.test"},
        **fields,
    }
    return await api.call("POST", "/v4/booking", json=body, headers={"Idempotency-Key": key} if key else {})


async def _hold(api: Api) -> Response:
    body = {"meetingTypeId": str(api.company.meeting_type_id), "start": START.format_iso()}
    return await api.post("/v4/booking-hold", body)


async def _booked(api: Api) -> tuple[str, str]:
    """Book another start, of which nobody is asked."""
    async with api.app.transaction() as conn:
        wanted = ordering.order(api.company.meeting_type_id, START.add(hours=3))
        made = await ordering.booked(conn, factories.actor(api.company), wanted)
    return str(made.id), made.attendees[0].secret


async def _move(api: Api) -> Response:
    appointment_id, _ = await _booked(api)
    return await api.post(f"/v4/appointment/{appointment_id}/reschedule", {"start": START.format_iso()})


async def _move_as_guest(api: Api) -> Response:
    appointment_id, secret = await _booked(api)
    path = f"/v4/booking/{appointment_id}/reschedule"
    return await api.http.post(path, json={"secret": secret, "start": START.format_iso()})


async def _settings(api: Api, **settings: str) -> None:
    async with api.app.transaction() as conn:
        await conn.execute("UPDATE company SET settings = %s WHERE id = %s", (Jsonb(settings), api.company.company_id))


async def _listed(api: Api, **params: str) -> bool:
    """Tell whether START is listed."""
    asked = {"meetingTypeId": str(api.company.meeting_type_id), "start": "2031-03-05", "end": "2031-03-05"}
    found = await api.get("/v4/booking-availability", **asked, **params)
    assert found.status_code == 200, found.text
    return any(
        spot["startTime"] == "2031-03-05T09:00:00.000Z" for day in found.json()["dates"] for spot in day["spots"]
    )


@pytest.mark.parametrize("take", [_book, _hold, _move, _move_as_guest])
async def test_what_was_put_into_a_calendar_just_now_is_seen_before_a_start_is_taken(
    api: Api, provider: Several, account: MemoryCalendar, take: Take
) -> None:
    account.add(*SPAN)
    assert await _listed(api)

    refused = await take(api)

    assert (refused.status_code, refused.json()["errorCode"], refused.json()["reason"]) == (
        400,
        "slot-occupied",
        "busy",
    )
    assert provider.opened == [api.company.user_id]
    assert not await _listed(api)  # it is stored though nothing was booked


@pytest.mark.parametrize("take", [_book, _hold, _move, _move_as_guest])
async def test_what_is_free_is_taken_after_one_question(
    api: Api, provider: Several, account: MemoryCalendar, take: Take
) -> None:
    taken = await take(api)

    assert taken.status_code in (200, 201), taken.text
    assert provider.opened == [api.company.user_id]
    assert not await _listed(api)


async def test_what_has_gone_from_a_calendar_does_not_keep_a_start_from_being_booked(
    api: Api, provider: Several, account: MemoryCalendar
) -> None:
    event = account.add(*SPAN)
    assert (await _book(api)).status_code == 400
    account.remove(event)
    api.app.now = lambda: NOW.add(minutes=3)

    assert (await _book(api)).status_code == 201
    assert provider.opened == [api.company.user_id] * 2


@pytest.mark.parametrize(
    ("when", "age_s", "asked"),
    [("stale", 60, 0), ("stale", 61, 1), ("always", 0, 1), ("never", 3600, 0)],
)
async def test_the_company_says_when_calendars_are_asked(
    api: Api, provider: Several, when: str, age_s: int, asked: int
) -> None:
    await _settings(api, verifyAtBooking=when)
    company = api.company
    account = await live_calendars.read(
        api.app, provider, company.company_id, company.user_id, NOW.subtract(seconds=age_s)
    )
    account.add(*SPAN)

    answer = await _book(api)

    assert (answer.status_code, len(provider.opened)) == (400 if asked else 201, asked)


async def test_no_calendar_is_asked_for_what_is_refused_anyway_or_disregards_it(
    api: Api, provider: Several, account: MemoryCalendar
) -> None:
    account.add(*SPAN)
    async with api.app.transaction() as conn:
        await calendar_rows.reservation(conn, api.company, api.company.meeting_type_id, START.add(hours=2))

    refused = [await _book(api, start=one.format_iso()) for one in (START.add(hours=2), START.add(minutes=1))]
    over = await _book(api, ignoreAvailability=True)

    assert [one.json()["errorCode"] for one in refused] == ["slot-occupied", "not-a-slot"]
    assert over.status_code == 201
    assert provider.opened == []


async def test_who_has_connected_nothing_is_booked_as_before(api: Api, provider: Several) -> None:
    """Somebody else's calendars do not matter, and nothing more is asked of the database."""
    member = (await api.member()).user_id
    assert member
    taken = []
    for number in range(3):
        if number == 2:
            await live_calendars.read(api.app, provider, api.company.company_id, member, NOW.subtract(minutes=9))
            await _listed(api)  # reads what is kept from then on
        with statements.counted() as sent:
            assert (await _book(api, start=START.add(hours=number).format_iso())).status_code == 201
        taken.append(sent)

    assert len(taken[1]) == len(taken[2])
    assert not any("busy_event" in one for one in taken[2])
    assert provider.opened == []


async def test_a_booking_with_fresh_calendars_takes_no_more_statements(api: Api, provider: Several) -> None:
    await _book(api, start=START.add(hours=2).format_iso())
    with statements.counted() as without:
        await _book(api, start=START.add(hours=3).format_iso())
    await live_calendars.read(api.app, provider, api.company.company_id, api.company.user_id, NOW)
    await _book(api)

    with statements.counted() as sent:
        assert (await _book(api, start=START.add(hours=1).format_iso())).status_code == 201

    assert len(sent) == len(without)
    assert provider.opened == []


async def test_a_repeated_request_asks_no_calendar_again(api: Api, provider: Several, account: MemoryCalendar) -> None:
    await _settings(api, verifyAtBooking="always")
    key = uuid4().hex

    first, again = await _book(api, key=key), await _book(api, key=key)
    plain, plain_again = [await _book(api, start=START.add(hours=1).format_iso()) for _ in range(2)]

    assert (first.status_code, again.json()) == (201, first.json())
    assert (plain.status_code, plain_again.json()) == (201, plain.json())
    assert provider.opened == [api.company.user_id] * 2


async def _queue(api: Api, provider: Several, busy: int) -> tuple[str, list[UUID]]:
    """Make a queue of five whose calendars were read an hour ago; the first so many have become busy since."""
    async with api.app.transaction() as conn:
        kind = (await factories.meeting_type(conn, api.company)).id
        members = [(await factories.user(conn, api.company, now=NOW)).user.id for _ in range(5)]
        await calendar_rows.queue(conn, api.company, kind, members)
    for number, member in enumerate(members):
        account = await live_calendars.read(api.app, provider, api.company.company_id, member, NOW.subtract(minutes=60))
        if number < busy:
            account.add(*SPAN)
    return str(kind), members


@pytest.mark.parametrize(("busy", "asked", "chosen"), [(0, 1, 0), (2, 3, 2), (3, 3, 3)])
async def test_of_a_queue_those_are_asked_whose_turn_it_is_and_three_at_most(
    api: Api, provider: Several, busy: int, asked: int, chosen: int
) -> None:
    kind, members = await _queue(api, provider, busy)

    answer = await _book(api, meetingTypeId=kind)

    assert answer.status_code == 201, answer.text
    assert provider.opened == members[:asked]
    async with api.app.reading() as conn:
        made = await get(conn, actor=factories.actor(api.company), appointment_id=UUID(answer.json()["appointmentId"]))
    assert [host.id for host in made.hosts] == [members[chosen]]


async def test_of_several_hosts_only_who_would_take_it_is_asked(api: Api, provider: Several) -> None:
    company, others = api.company, [(await api.member()).user_id for _ in range(2)]
    everybody = [company.user_id, *(one for one in others if one)]
    for user_id in everybody:
        await live_calendars.read(api.app, provider, company.company_id, user_id, NOW.subtract(minutes=5))
    hosts = [str(one) for one in everybody]

    anyone = await _book(api, hostIds=hosts)
    first = provider.opened[:]
    everyone = await _book(api, hostIds=hosts, calculationMethod="everyone", start=START.add(hours=1).format_iso())

    assert (anyone.status_code, everyone.status_code) == (201, 201)
    assert first == everybody[:1]
    assert sorted(provider.opened[1:]) == sorted(everybody[1:])  # the first one's is fresh by now


@pytest.mark.parametrize("failure", [Upstream("away"), CredentialRefused("no more")])
async def test_what_cannot_be_reached_counts_by_its_age(
    api: Api, provider: Several, account: MemoryCalendar, failure: Exception
) -> None:
    """K17: neither an error nor a start that is free by mistake, as far as is known."""
    account.failure = failure
    young = await _book(api)
    async with api.app.transaction() as conn:
        await conn.execute("UPDATE calendar_access SET synced_at = %s WHERE company_id = %s",
                           (NOW.subtract(hours=25), api.company.company_id))  # fmt: skip

    old = await _book(api, start=START.add(hours=1).format_iso())

    assert young.status_code == 201
    assert (old.status_code, old.json()["errorCode"]) == (400, "slot-occupied")


async def test_a_provider_that_hangs_delays_a_booking_by_the_limit_and_no_more(
    api: Api, provider: Several, account: MemoryCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar_checks, "WITHIN_S", 0.2)
    provider.delay_s = 60
    began = time.monotonic()

    booked, listed = await _book(api), await _listed(api, verify="true")

    assert (booked.status_code, listed) == (201, False)
    assert 0.4 <= time.monotonic() - began < 30


async def test_all_questions_of_a_booking_have_that_limit_together(
    api: Api, provider: Several, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh, now_s, limits = calendar_sync.refresh, [0.0], []

    async def late(*args: Any, within_s: float) -> None:
        limits.append(within_s)
        now_s[0] += 1.5
        await refresh(*args, within_s=30)

    monkeypatch.setattr(calendar_sync, "refresh", late)
    monkeypatch.setattr(calendar_checks, "monotonic", lambda: now_s[0])
    kind, members = await _queue(api, provider, busy=5)

    assert (await _book(api, meetingTypeId=kind)).status_code == 201
    assert (limits, provider.opened) == ([2.0, 0.5], members[:2])


async def test_a_list_of_starts_asks_where_that_is_wanted(api: Api, provider: Several, account: MemoryCalendar) -> None:
    """However fresh what is stored is."""
    event = account.add(*SPAN)

    seen = [
        await _listed(api),
        await _listed(api, verify="false"),
        await _listed(api, verify="true"),
        await _listed(api),
    ]
    account.remove(event)
    seen += [await _listed(api), await _listed(api, verify="true")]

    assert seen == [True, True, False, False, False, True]
    assert provider.opened == [api.company.user_id] * 2
    unknown = await api.get(
        "/v4/booking-availability", meetingTypeId=str(uuid4()), start="2031-03-05", end="2031-03-05", verify="true"
    )
    assert unknown.status_code == 404


async def test_a_calendar_connected_elsewhere_is_asked_too(api: Api, provider: Several) -> None:
    """Another process keeps what was read before."""
    assert await _listed(api)
    account = await live_calendars.read(api.app, provider, api.company.company_id, api.company.user_id, NOW)
    account.add(*SPAN)

    assert not await _listed(api, verify="true")


async def test_calendars_whose_starts_are_listed_are_noted_as_used_once_a_minute(
    api: Api, provider: Several, account: MemoryCalendar
) -> None:
    used: list[Instant] = []
    sent_for = []
    for seconds in (0, 1, 59, 61, 62):
        api.app.now = lambda: NOW.add(seconds=seconds)  # noqa: B023
        with statements.counted() as sent:
            await _listed(api)
        sent_for.append(any("UPDATE calendar_access" in one for one in sent))
        async with api.app.reading() as conn:
            found = await conn.execute(
                "SELECT used_at FROM calendar_access WHERE company_id = %s", (api.company.company_id,)
            )
            used += [row[0] for row in await found.fetchall()]

    assert sent_for == [True, False, False, True, False]
    assert used == [NOW, NOW, NOW, NOW.add(seconds=61), NOW.add(seconds=61)]


async def test_whoever_waits_for_a_calendar_keeps_no_connection_of_the_database(
    api: Api, provider: Several, account: MemoryCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More bookings wait at once, for one look, than there are connections; who asks for starts meanwhile does not."""
    await api.app.pool.resize(2, 2)
    provider.lets_go.clear()
    monkeypatch.setattr(calendar_checks, "WITHIN_S", 60)
    monkeypatch.setattr(calendar_sync, "LOOK_S", 60)
    starts = [START.add(minutes=30 * number).format_iso() for number in range(6)]

    bookings = [asyncio.create_task(_book(api, key=uuid4().hex, start=start)) for start in starts]
    await asyncio.sleep(0.4)
    listed = await _listed(api)
    ended = [one for one in bookings if one.done()]
    provider.lets_go.set()

    assert listed
    assert ended == []
    assert [(await one).status_code for one in bookings] == [201] * 6
    assert len(provider.opened) == 1


@pytest.mark.parametrize("failing", ["transaction", "reading"])
async def test_a_database_that_is_busy_meanwhile_does_not_refuse_a_start(
    api: Api, provider: Several, account: MemoryCalendar, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be noted of a calendar is noted by its job."""
    account.failure = CredentialRefused("no more")
    reader = api.app.calendar_reader

    @asynccontextmanager
    async def busy() -> AsyncIterator[Connection]:
        raise DatabaseBusy
        yield

    setattr(reader, failing, busy)
    monkeypatch.setattr(App, "calendar_reader", reader)

    assert (await _book(api)).status_code == 201


async def test_a_database_that_takes_no_writes_lists_what_it_has(
    api: Api, account: MemoryCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.add(*SPAN)
    reader = api.app.calendar_reader

    @asynccontextmanager
    async def read_only() -> AsyncIterator[Connection]:
        async with api.app.transaction() as conn:
            await conn.execute("SET TRANSACTION READ ONLY")
            yield conn

    reader.transaction = read_only
    monkeypatch.setattr(App, "calendar_reader", reader)

    assert await _listed(api, verify="true")


async def test_a_list_of_starts_waits_for_nobody_who_changes_a_connection(api: Api, account: MemoryCalendar) -> None:
    async with api.app.transaction() as conn:
        await conn.execute("SELECT FROM calendar_access WHERE company_id = %s FOR UPDATE", (api.company.company_id,))
        async with asyncio.timeout(2):
            assert await _listed(api)
