"""POST /v4/booking-hold, its extension and its release."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response

from tests.api.conftest import Api
from tests.ordering import NOW, START

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/booking-hold"


async def _hold(api: Api, **fields: Any) -> Response:
    body = {"meetingTypeId": str(api.company.meeting_type_id), "start": START.format_iso(), **fields}
    return await api.post(PATH, {key: value for key, value in body.items() if value is not None})


async def _book(api: Api, **fields: Any) -> Response:
    body = {"meetingTypeId": str(api.company.meeting_type_id), "start": START.format_iso()}
    return await api.post("/v4/booking", {**body, "attendee": {"email": "ana@guests.test"}, **fields})


async def _listed(api: Api, **query: Any) -> list[str]:
    wanted = {"meetingTypeId": str(api.company.meeting_type_id), "start": "2031-03-05", "end": "2031-03-05"}
    days = (await api.get("/v4/booking-availability", **wanted, **query)).json()["dates"]
    return [spot["startTime"] for day in days for spot in day["spots"]]


async def test_a_hold_is_answered_extended_and_released(api: Api) -> None:
    made = await _hold(api)

    assert made.status_code == 201
    hold = made.json()
    assert hold == {"holdId": hold["holdId"], "expiresAt": "2031-03-03T09:05:00.000Z"}
    api.app.now = lambda: NOW.add(minutes=3)
    extended = await api.patch(f"{PATH}/{hold['holdId']}", {})
    assert (extended.status_code, extended.json()) == (200, {**hold, "expiresAt": "2031-03-03T09:08:00.000Z"})
    released = await api.delete(f"{PATH}/{hold['holdId']}")
    assert (released.status_code, released.content) == (204, b"")
    assert (await api.delete(f"{PATH}/{hold['holdId']}")).status_code == 204
    assert (await api.patch(f"{PATH}/{hold['holdId']}", {})).json()["errorCode"] == "hold-expired"


async def test_its_owner_sees_the_start_and_books_it(api: Api) -> None:
    """Case C14, through the API."""
    at = "2031-03-05T09:00:00.000Z"
    hold = (await _hold(api)).json()["holdId"]

    assert at not in await _listed(api)
    assert at in await _listed(api, holdId=hold)
    assert (await _book(api)).json()["errorCode"] == "slot-occupied"
    assert (await _book(api, holdId=hold)).status_code == 201
    assert (await _book(api, holdId=hold, notes="Once more")).json()["errorCode"] == "hold-expired"


async def test_hosts_and_length_are_asked_as_in_a_booking(api: Api) -> None:
    member = await api.member()
    hosts = [str(member.user_id), str(api.company.user_id)]

    both = await _hold(api, hostIds=hosts, calculationMethod="everyone")

    assert both.status_code == 201
    assert (await _hold(api, hostIds=[hosts[0]])).json()["errorCode"] == "slot-occupied"
    assert (await _hold(api, duration=45)).json()["errorCode"] == "duration-not-allowed"
    assert (await _hold(api, start="2031-03-05T05:00:00Z")).json()["errorCode"] == "outside-hours"
    assert (await _hold(api, hostIds=[str(uuid4())])).status_code == 404
    assert (await _hold(api, meetingTypeId=None)).status_code == 400


async def test_unknown_holds_are_not_found(api: Api) -> None:
    for answer in (
        await api.patch(f"{PATH}/{uuid4()}", {}),
        await api.delete(f"{PATH}/{uuid4()}"),
        await api.patch(f"{PATH}/nonsense", {}),
        await _book(api, holdId=str(uuid4())),
    ):
        assert answer.status_code == 404


async def test_a_hold_of_another_start_is_not_this_one(api: Api) -> None:
    hold = (await _hold(api)).json()["holdId"]

    answer = await _book(api, holdId=hold, start="2031-03-05T10:00:00Z")

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "hold-mismatch")
