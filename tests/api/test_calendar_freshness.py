"""How old what is known of calendars is, and which of them stands in the way: told to the host himself alone."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response
from whenever import Instant

from tests import busy_rows
from tests.api.conftest import Api
from tests.busy_rows import Connected
from tests.ordering import NOW, START

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/booking-availability"


@pytest.fixture
async def connected(api: Api) -> Connected:
    """Connect two calendars of the owner, read half a minute ago; one is busy at START."""
    async with api.app.transaction() as conn:
        own = await busy_rows.connection(conn, api.company, calendars=2, synced_at=NOW.subtract(seconds=30))
        await busy_rows.busy(conn, own.calendars[1], [(START, START.add(minutes=30))])
    return own


async def _get(api: Api, path: str = PATH, *, tag: str | None = None, **params: Any) -> Response:
    asked = {"meetingTypeId": str(api.company.meeting_type_id), "start": "2031-03-05", "end": "2031-03-05"}
    headers = {"If-None-Match": tag} if tag else {}
    return await api.call("GET", path, params=asked | params, headers=headers)


async def _read(api: Api, connected: Connected, at: Instant | None, status: str = "connected") -> None:
    async with api.app.transaction() as conn:
        await busy_rows.read(conn, connected.id, at, status=status)


@pytest.mark.parametrize("more", [{}, {"troubleshoot": "true"}])
async def test_a_host_is_told_how_old_what_is_known_of_his_calendars_is(
    api: Api, connected: Connected, more: dict[str, str]
) -> None:
    member = await api.member()
    both = {"hostIds": f"{api.company.user_id},{member.user_id}"}
    owner_acts, token = api.acting_as(None), await api.token()

    told = [await _get(one, **both, **more) for one in (api, owner_acts, token)]
    others = [await _get(member, **both, **more), await _get(api, hostIds=str(member.user_id), **more)]

    his = [{"connectionId": str(connected.id), "status": "connected", "ageSeconds": 30}]
    assert [one.json()["calendars"] for one in told] == [his, his, his]
    assert all("calendars" not in one.json() for one in others)


@pytest.mark.parametrize(
    ("at", "status", "told"),
    [
        (NOW.subtract(hours=25), "connected", {"status": "stale", "ageSeconds": 90000}),
        (NOW, "refused", {"status": "refused", "ageSeconds": 0}),
        (None, "connected", {"status": "never", "ageSeconds": None}),
    ],
)
async def test_so_it_is_where_nothing_is_offered(
    api: Api, connected: Connected, at: Instant | None, status: str, told: dict[str, Any]
) -> None:
    await _read(api, connected, at, status)

    found = (await _get(api)).json()

    assert (found["dates"], found["calendars"]) == ([], [{"connectionId": str(connected.id), **told}])


@pytest.mark.parametrize("more", [{}, {"troubleshoot": "true"}, {"start": "2031-03-08", "end": "2031-03-08"}])
async def test_ages_stay_out_of_the_etag_but_nothing_else_does(
    api: Api, connected: Connected, more: dict[str, str]
) -> None:
    before = await _get(api, **more)
    await _read(api, connected, NOW.subtract(seconds=59))
    older = await _get(api, **more)
    same = await _get(api, tag=before.headers["ETag"], **more)
    await _read(api, connected, NOW.subtract(seconds=59), "refused")
    refused = await _get(api, tag=before.headers["ETag"], **more)
    async with api.app.transaction() as conn:
        await conn.execute("""UPDATE company SET settings = '{"staleCalendarPolicy": "open"}'
            WHERE id = %s""", (api.company.company_id,))  # fmt: skip
    as_before = await _get(api, tag=before.headers["ETag"], **more)

    assert before.headers["ETag"].startswith('W/"')
    assert older.headers["ETag"] == before.headers["ETag"]
    assert older.json()["calendars"] != before.json()["calendars"]
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", before.headers["ETag"])
    assert [one.status_code for one in (refused, as_before)] == [200, 200]  # the status alone is news
    assert as_before.json()["dates"] == before.json()["dates"]


async def test_an_explanation_names_the_calendar_to_the_host_himself(api: Api, connected: Connected) -> None:
    member = await api.member()
    path = f"{PATH}/explain"

    async def met(who: Api) -> list[dict[str, Any]]:
        found = (await _get(who, path, start="2031-03-05T09:00:00Z")).json()
        assert (found["errorCode"], found["reason"]) == ("slot-occupied", "busy")
        rule = next(one for one in found["hosts"][0]["rules"] if one["code"] == "slot-occupied")
        claims: list[dict[str, Any]] = rule["facts"]["claims"]
        return claims

    event = {
        "kind": "event", "reason": "busy", "start": "2031-03-05T09:00:00.000Z", "end": "2031-03-05T09:30:00.000Z",
        "appointmentId": None, "name": None,
    }  # fmt: skip
    ids = {"connectionId": str(connected.id), "calendarId": str(connected.calendars[1])}
    assert (await met(api), await met(member)) == ([event | ids], [event])

    await _read(api, connected, None)
    own, others = await met(api), await met(member)
    del ids["calendarId"]
    assert [(one["kind"], one["reason"]) for one in own] == [("calendar-unknown", "busy")]
    assert own == [others[0] | ids]


async def test_troubleshooting_says_that_a_calendar_is_not_known(api: Api, connected: Connected) -> None:
    await _read(api, connected, None)

    found = (await _get(api, troubleshoot="true")).json()

    lacking = [one for day in found["dates"] for spot in day["spots"] for one in spot["unavailabilityEvents"]]
    assert {(one["type"], one["code"]) for one in lacking} == {("calendar-unknown", "slot-occupied")}
