"""Calendar connections over HTTP (contract 2.14 and 6.5): what is stored, chosen and given up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from httpx2 import ASGITransport, AsyncClient
from psycopg.rows import dict_row
from whenever import Instant

from kalends.api.v4 import calendar_connections as routes
from kalends.app import App
from kalends.domain.remote_events import RemoteCalendar
from kalends.edge import web
from kalends.storage.buckets import RateLimit
from tests import factories
from tests.api.conftest import Api
from tests.fakes.accounts import HOLIDAYS, HOME, PASSWORD, WORK, Provider, providers

PATH = "/v4/calendar-connections/connections"
NOW = Instant("2031-03-03T08:00:00Z")
CALDAV = {"provider": "caldav", "url": "https://cloud.test/dav", "username": "ada", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _providers(app: App) -> None:
    app.now = lambda: NOW
    app.calendars = providers()


async def _connected(api: Api, **more: Any) -> dict[str, Any]:
    answer = await api.post(PATH, CALDAV | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _calendars(api: Api, connection_id: str) -> dict[str, dict[str, Any]]:
    answer = await api.get(f"{PATH}/{connection_id}/calendars")
    return {one["name"]: one for one in answer.json()["calendars"]}


async def _rows(app: App, query: str, *values: Any) -> list[dict[str, Any]]:
    async with app.reading() as conn, conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(query, values)
        return await cur.fetchall()


async def _jobs(app: App, connection_id: str) -> list[str]:
    found = await _rows(
        app, "SELECT task_name FROM procrastinate_jobs WHERE lock = %s ORDER BY id", f"calendar {connection_id}"
    )
    return [one["task_name"] for one in found]


async def _read(app: App, connection_id: str) -> None:
    """Do as if all calendars of a connection had been read, with an event in each."""
    async with app.transaction() as conn:
        await conn.execute(
            "UPDATE calendar_access SET synced_at = %s, due_at = NULL WHERE connection_id = %s", (NOW, connection_id)
        )
        await conn.execute(
            """
            INSERT INTO calendar_reading (company_id, calendar_id, sync_token, synced_at)
            SELECT company_id, id, 'token', %s FROM calendar WHERE connection_id = %s
            ON CONFLICT (calendar_id) DO UPDATE SET sync_token = 'token', synced_at = excluded.synced_at
            """,
            (NOW, connection_id),
        )
        await conn.execute(
            """
            WITH event AS (
                INSERT INTO calendar_event (company_id, calendar_id, remote_id)
                SELECT company_id, id, 'one' FROM calendar WHERE connection_id = %s
                ON CONFLICT (calendar_id, remote_id) DO UPDATE SET remote_id = 'one' RETURNING *)
            INSERT INTO busy_event (company_id, event_id, calendar_no, host_no, start_at, end_at)
            SELECT k.company_id, e.id, k.no, u.host_no, %s, %s FROM event e JOIN calendar k ON k.id = e.calendar_id
            JOIN calendar_connection c ON c.id = k.connection_id JOIN user_account u ON u.id = c.user_id
            """,
            (connection_id, NOW, NOW.add(hours=1)),
        )


async def _blocking(app: App, connection_id: str) -> list[str]:
    found = await _rows(
        app,
        """SELECT k.name FROM busy_event b JOIN calendar k ON k.no = b.calendar_no WHERE k.connection_id = %s
        ORDER BY name""",
        connection_id,
    )
    return [one["name"] for one in found]


async def test_the_first_connection_blocks_with_its_default_calendar_and_is_written_to(app: App, api: Api) -> None:
    made = await _connected(api)

    calendars = await _calendars(api, made["id"])
    work = calendars["Work"]["id"]
    assert made == {
        "id": made["id"],
        "userId": str(api.user_id),
        "provider": "caldav",
        "email": "ada@calendars.test",
        "isPrimary": True,
        "isConnected": True,
        "status": "connected",
        "lastError": None,
        "syncedAt": None,
        "ageSeconds": None,
        "selectedCalendars": [work],
        "primaryCalendar": work,
        "treatAllAsBusy": [],
        "validateAvailability": True,
        "unansweredIsBusy": True,
        "cancelIfDeclinedOrDeleted": False,
        "disableAttendeeNotification": False,
        "syncBuffersToCalendar": False,
        "createdAt": "2031-03-03T08:00:00.000Z",
        "updatedAt": "2031-03-03T08:00:00.000Z",
    }
    assert calendars["Work"] == {
        "id": work,
        "remoteId": WORK.remote_id,
        "name": "Work",
        "color": "#0082c9",
        "timezone": "Europe/Vienna",
        "isDefault": True,
        "writable": True,
        "selected": True,
        "isPrimary": True,
        "treatAllAsBusy": False,
        "syncedAt": None,
        "unreadableEvents": 0,
    }
    assert [name for name, one in calendars.items() if one["selected"]] == ["Work"]
    assert list(calendars) == ["Work", "Holidays", "Home"]
    assert await _jobs(app, made["id"]) == ["calendar.sync"]


async def test_the_list_has_connections_twice_and_says_what_else_could_be_connected(api: Api) -> None:
    made = await _connected(api)

    listed = (await api.get(PATH)).json()

    assert listed["connections"] == listed["items"] == [made]
    assert listed["total"] == 1
    assert listed["providers"] == [
        {"provider": "google", "configured": True, "missing": []},
        {"provider": "outlook", "configured": False, "missing": ["KALENDS_MICROSOFT_CLIENT_ID"]},
        {"provider": "caldav", "configured": True, "missing": []},
        {"provider": "icloud", "configured": True, "missing": []},
        {"provider": "ics", "configured": True, "missing": []},
    ]
    assert (await api.get(f"{PATH}/{made['id']}")).json() == made


async def test_a_feed_blocks_and_is_never_written_to(api: Api) -> None:
    made = await _connected(api, provider="ics", url="webcal://cloud.test/feed.ics", setAsCalendarSync=True)

    assert (made["isPrimary"], made["primaryCalendar"], len(made["selectedCalendars"])) == (False, None, 1)
    refused = await api.patch(f"{PATH}/{made['id']}", {"primaryCalendar": made["selectedCalendars"][0]})
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "calendar-not-writable")


async def test_a_second_connection_is_written_to_only_if_asked_and_nothing_else_is(api: Api) -> None:
    feed = await _connected(api, provider="ics")
    unasked = await _connected(api, username="ben")
    asked = await _connected(api, username="cleo", setAsCalendarSync=True)
    late = await _connected(api, username="dora", setAsCalendarSync=True)

    assert [one["isPrimary"] for one in (feed, unasked, asked, late)] == [False, False, True, False]


async def test_connecting_the_same_account_again_renews_it_and_keeps_what_was_set(app: App, api: Api) -> None:
    made = await _connected(api)
    home = (await _calendars(api, made["id"]))["Home"]["id"]
    await api.patch(f"{PATH}/{made['id']}", {"selectedCalendars": [home], "cancelIfDeclinedOrDeleted": True})
    async with app.transaction() as conn:
        await conn.execute(
            """UPDATE calendar_access SET status = 'refused', failures = 3, error = 'no', told_at = now()
            WHERE connection_id = %s""",
            (made["id"],),
        )
    refused = (await api.get(f"{PATH}/{made['id']}")).json()
    app.calendars = providers(Provider("caldav", calendars=[WORK, HOME, RemoteCalendar("/new/", "New")]))

    again = await _connected(api)

    assert (refused["isConnected"], refused["status"], refused["lastError"]) == (False, "refused", "no")
    assert (again["isConnected"], again["status"], again["lastError"]) == (True, "connected", None)
    assert (again["id"], again["selectedCalendars"], again["cancelIfDeclinedOrDeleted"]) == (made["id"], [home], True)
    assert list(await _calendars(api, made["id"])) == ["Work", "Home", "New"]
    assert (await api.get(PATH)).json()["total"] == 1


async def test_a_credential_is_stored_as_it_was_renewed_and_only_sealed(app: App, api: Api) -> None:
    app.calendars = providers(Provider("caldav", renews={"token": "the-second-one"}))

    made = await _connected(api)

    [row] = await _rows(app, "SELECT credential FROM calendar_access WHERE connection_id = %s", made["id"])
    assert app.box.open(row["credential"]) == b'{"token": "the-second-one"}'
    assert b"second" not in row["credential"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**CALDAV, "password": "wrong"}, "calendar-not-connected"),
        ({**CALDAV, "provider": "outlook"}, "calendar-provider-not-configured"),
        ({**CALDAV, "provider": "exchange"}, "calendar-not-connected"),
        ({**CALDAV, "provider": "smart-we"}, "calendar-not-connected"),
        ({**CALDAV, "provider": "other"}, None),
        ({"url": "https://cloud.test"}, None),
    ],
)
async def test_what_cannot_be_connected_is_refused_and_not_stored(api: Api, body: Any, code: str | None) -> None:
    answer = await api.post(PATH, body)

    assert (answer.status_code, answer.json().get("errorCode")) == (400, code)
    assert PASSWORD not in answer.text
    assert (await api.get(PATH)).json()["total"] == 0


async def test_an_account_without_calendars_or_that_refuses_us_at_once_is_not_connected(app: App, api: Api) -> None:
    app.calendars = providers(Provider("caldav", calendars=[]), Provider("icloud", refuses=True))

    answers = [await api.post(PATH, {**CALDAV, "provider": kind}) for kind in ("caldav", "icloud")]

    assert [(one.status_code, one.json()["errorCode"]) for one in answers] == [(400, "calendar-not-connected")] * 2


async def test_a_server_that_cannot_be_reached_is_most_often_a_slip_of_the_pen(app: App, api: Api) -> None:
    app.calendars = providers(Provider("caldav", away=True))

    answer = await api.post(PATH, CALDAV)

    told = answer.json()
    assert (answer.status_code, told["errorCode"], told["reason"], told["message"]) == (
        400,
        "calendar-not-connected",
        "unreachable",
        "The server could not be reached",
    )


async def test_a_user_has_twenty_connections_at_most(api: Api) -> None:
    for number in range(20):
        await _connected(api, provider="ics", username=f"feed{number}")

    answer = await api.post(PATH, {**CALDAV, "provider": "ics", "username": "one-more"})

    assert (answer.status_code, answer.json()["message"]) == (400, "A user has 20 calendar connections at most")


async def test_a_user_has_servers_tried_twenty_times_and_then_slowly_whoever_asks(app: App, api: Api) -> None:
    app.calendars = providers(away := Provider("caldav", away=True))
    ben = await api.member()
    served = web.create(app, routers=[routes.router], limits=RateLimit(1000, 1000))
    async with AsyncClient(transport=ASGITransport(app=served), base_url="http://kalends.test") as http:
        owner, member = (replace(one, http=http) for one in (api, ben))
        answers = [await member.post(PATH, CALDAV) for _ in range(20)]
        by_admin = await owner.post(f"{PATH}?userId={ben.user_id}", CALDAV)
        of_admin = await owner.post(PATH, CALDAV)
        app.now = lambda: NOW.add(seconds=10)
        later = [await member.post(PATH, CALDAV) for _ in range(2)]

    assert [one.status_code for one in (*answers, by_admin, of_admin)] == [400] * 20 + [429, 400]
    assert [one.status_code for one in later] == [400, 429]
    assert away.tried == 22


async def test_what_is_selected_blocks_and_is_read_anew(app: App, api: Api) -> None:
    made = await _connected(api)
    calendars = await _calendars(api, made["id"])
    await _read(app, made["id"])

    answer = await api.patch(f"{PATH}/{made['id']}", {"selectedCalendars": [calendars["Home"]["id"], "/ada/work/"]})

    assert answer.status_code == 200
    assert set(answer.json()["selectedCalendars"]) == {calendars["Home"]["id"], calendars["Work"]["id"]}
    assert (answer.json()["syncedAt"], answer.json()["ageSeconds"]) == (None, None)  # not all of it was read yet
    tokens = await _rows(
        app,
        """SELECT k.name, r.sync_token FROM calendar_reading r JOIN calendar k ON k.id = r.calendar_id
        WHERE k.connection_id = %s""",
        made["id"],
    )
    assert {one["name"]: one["sync_token"] for one in tokens} == {"Work": "token", "Home": None, "Holidays": "token"}
    assert await _jobs(app, made["id"]) == ["calendar.sync"]  # one that waits will do


@pytest.mark.parametrize(
    ("body", "blocking", "known"),
    [
        ({"selectedCalendars": []}, ["Holidays", "Home"], True),
        ({"validateAvailability": False}, ["Holidays", "Home"], True),
        ({"unansweredIsBusy": False}, ["Holidays", "Home", "Work"], False),
        ({"treatAllAsBusy": ["/ada/work/"]}, ["Holidays", "Home", "Work"], False),
        ({"treatAllAsBusy": ["/ada/home/"]}, ["Holidays", "Home", "Work"], True),
        ({"syncBuffersToCalendar": True}, ["Holidays", "Home", "Work"], True),
    ],
)
async def test_what_blocks_no_more_is_free_at_once_and_what_blocks_otherwise_is_unknown_until_read(
    app: App, api: Api, body: dict[str, Any], blocking: list[str], known: bool
) -> None:
    made = await _connected(api)
    await _read(app, made["id"])  # with an event in calendars that are not selected too: nothing may touch those

    answer = (await api.patch(f"{PATH}/{made['id']}", body)).json()

    assert await _blocking(app, made["id"]) == blocking
    assert (answer["syncedAt"] is not None) is known


async def test_one_calendar_of_a_user_is_written_to(api: Api) -> None:
    first, second = await _connected(api), await _connected(api, username="ben")
    home = (await _calendars(api, second["id"]))["Home"]["id"]

    moved = (await api.patch(f"{PATH}/{second['id']}", {"primaryCalendar": home})).json()
    before = (await api.get(f"{PATH}/{first['id']}")).json()
    none = (await api.patch(f"{PATH}/{second['id']}", {"primaryCalendar": None})).json()
    kept = (await api.patch(f"{PATH}/{first['id']}", {"primaryCalendar": None})).json()

    assert (moved["isPrimary"], moved["primaryCalendar"]) == (True, home)
    assert (before["isPrimary"], before["primaryCalendar"]) == (False, None)
    assert (none["isPrimary"], none["primaryCalendar"]) == (False, None)
    assert kept == before


async def test_unknown_calendars_and_read_only_ones_are_refused_and_change_nothing(api: Api) -> None:
    made, other = await _connected(api), await _connected(api, username="ben")
    foreign = (await _calendars(api, other["id"]))["Work"]["id"]
    bodies = [
        {"selectedCalendars": [foreign], "validateAvailability": False},
        {"primaryCalendar": foreign},
        {"treatAllAsBusy": ["no-such"]},
        {"primaryCalendar": HOLIDAYS.remote_id},
    ]

    answers = [await api.patch(f"{PATH}/{made['id']}", body) for body in bodies]

    assert [(one.status_code, one.json()["errorCode"]) for one in answers] == [
        *[(404, "calendar-not-found")] * 3,
        (400, "calendar-not-writable"),
    ]
    assert (await api.get(f"{PATH}/{made['id']}")).json() == made


async def test_disconnecting_frees_what_was_blocked_and_wipes_the_credential(app: App, api: Api) -> None:
    made = await _connected(api)
    await _read(app, made["id"])

    answer = await api.delete(f"{PATH}/{made['id']}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert await _blocking(app, made["id"]) == []
    for table in ("calendar_access", "calendar"):
        assert await _rows(app, f"SELECT FROM {table} WHERE connection_id = %s", made["id"]) == []
    assert (await api.get(PATH)).json()["total"] == 0
    assert (await api.get(f"{PATH}/{made['id']}")).status_code == 404
    assert (await _connected(api))["isPrimary"] is True


async def test_a_connection_that_is_told_of_changes_is_wiped_once_that_is_called_off(app: App, api: Api) -> None:
    made = await _connected(api)
    await _read(app, made["id"])
    async with app.transaction() as conn:
        await conn.execute(
            """UPDATE calendar_reading SET channel_id = %s WHERE calendar_id =
            (SELECT id FROM calendar WHERE connection_id = %s AND is_primary)""",
            (made["id"], made["id"]),
        )

    await api.delete(f"{PATH}/{made['id']}")

    assert await _blocking(app, made["id"]) == []
    assert await _jobs(app, made["id"]) == ["calendar.sync", "calendar.disconnect"]
    assert (await api.post(f"{PATH}/{made['id']}/sync")).status_code == 404


async def test_a_deleted_users_connections_go_with_him(app: App, api: Api) -> None:
    member = await api.member()
    made = await _connected(member)
    await _read(app, made["id"])

    await api.delete(f"/v4/user/{member.user_id}")

    assert await _blocking(app, made["id"]) == []
    assert await _rows(app, "SELECT FROM calendar_access WHERE connection_id = %s", made["id"]) == []
    assert (await api.get(f"{PATH}/{made['id']}")).status_code == 404


async def test_a_synchronization_by_hand_is_one_job_however_often_it_is_asked_for(app: App, api: Api) -> None:
    made = await _connected(api)
    await _read(app, made["id"])
    async with app.transaction() as conn:
        await conn.execute("DELETE FROM procrastinate_jobs WHERE lock = %s", (f"calendar {made['id']}",))

    answers = [await api.post(f"{PATH}/{made['id']}/sync") for _ in range(3)]

    assert [(one.status_code, one.json()["ageSeconds"]) for one in answers] == [(200, 0)] * 3
    assert await _jobs(app, made["id"]) == ["calendar.list", "calendar.sync"]


async def test_administrators_connect_for_others_and_nobody_else_does(app: App, api: Api) -> None:
    ben, cleo = await api.member(), await api.member()
    path = f"{PATH}?userId={ben.user_id}"
    made = (await api.post(path, CALDAV)).json()
    one = f"{PATH}/{made['id']}"

    answers = {
        "own": await ben.get(one),
        "named": await api.get(one, userId=str(ben.user_id)),
        "listed": await api.get(PATH, userId=str(ben.user_id)),
        "wrong user": await api.get(one, userId=str(cleo.user_id)),
        "colleague": await cleo.get(one),
        "colleague's list": await cleo.get(PATH, userId=str(ben.user_id)),
        "colleague's change": await cleo.patch(one, {"validateAvailability": False}),
        "colleague's sync": await cleo.post(f"{one}/sync"),
        "colleague's delete": await cleo.delete(one),
        "colleague's connection": await cleo.post(path, CALDAV),
        "nobody": await api.get(PATH, userId="00000000-0000-7000-8000-000000000000"),
    }

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "own": 200,
        "named": 200,
        "listed": 200,
        "wrong user": 404,
        "colleague": 403,
        "colleague's list": 403,
        "colleague's change": 403,
        "colleague's sync": 403,
        "colleague's delete": 403,
        "colleague's connection": 403,
        "nobody": 404,
    }
    assert made["userId"] == str(ben.user_id)
    assert (await api.get(PATH)).json()["total"] == 0


async def test_a_resource_has_no_calendars(app: App, api: Api) -> None:
    async with app.transaction() as conn:
        room = await factories.user(conn, api.company, user_type="resource")

    answer = await api.post(f"{PATH}?userId={room.user.id}", CALDAV)

    assert (answer.status_code, answer.json()["message"]) == (400, "A resource has no calendars of its own")


async def test_the_same_request_connects_once_and_what_is_kept_of_it_hides_the_password(app: App, api: Api) -> None:
    key = {"Idempotency-Key": "once"}
    first = await api.call("POST", PATH, json=CALDAV, headers=key)
    app.calendars = providers(Provider("caldav", away=True))

    answers = [first, await api.call("POST", PATH, json=CALDAV, headers=key)]

    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(await _jobs(app, answers[0].json()["id"])) == 1
    rows = await _rows(app, "SELECT k::text AS kept FROM idempotency_key k WHERE company_id = %s",
                       api.company.company_id)  # fmt: skip
    assert PASSWORD not in str(rows)


async def test_malformed_ids_name_nothing_and_unknown_keys_are_dropped(api: Api) -> None:
    made = await _connected(api)

    malformed = await api.get(f"{PATH}/not-an-id/calendars")
    encoded = await api.get(f"{PATH}/{made['id'].replace('-', '%2D')}")
    unchanged = await api.patch(f"{PATH}/{made['id']}", {"isPrimary": False, "status": "refused", "other": 1})

    assert malformed.status_code == 404
    assert encoded.json() == made
    assert unchanged.json() == made
    assert UUID(made["id"]).version == 7
