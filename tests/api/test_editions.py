"""Editions over HTTP: what may change a list of starts changes the company's, and what only takes time does not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response

from kalends.storage import editions
from tests.api.conftest import Api
from tests.ordering import START

pytestmark = pytest.mark.usefixtures("still")

INFO = {"name": "Talk", "description": "", "duration": 30, "channel": "phone"}
AWAY = {"available": False, "start": "2031-03-04", "end": "2031-03-06"}
GUEST = {"email": "ana@guests.test", "firstName": "Ana"}


async def _edition(api: Api) -> UUID:
    async with api.app.reading() as conn:
        found = await conn.execute(f"SELECT {editions.SEEN}", {"company": api.company.company_id})
        row = await found.fetchone()
    assert row
    assert row[0]
    return UUID(str(row[0]))


async def _done(api: Api, method: str, path: str, body: Any = None) -> tuple[bool, Any]:
    """Do it; answer whether there is a new edition, and the answer's JSON."""
    before = await _edition(api)
    answer: Response = await api.call(method, f"/v4/{path}", **({} if body is None else {"json": body}))
    assert answer.is_success, answer.text
    return await _edition(api) != before, answer.json() if answer.content else None


async def test_users_and_their_hours(api: Api) -> None:
    begun, user = await _done(api, "POST", "user", {"email": "bo@acme.test", "givenName": "Bo", "familyName": "Ek"})
    assert begun
    for method, path, body in (
        ("PATCH", f"user/{user['userId']}", {"timezone": "Asia/Tokyo"}),
        ("PATCH", f"user/{user['userId']}", {"bookingLimits": {"perDay": 3}}),
        ("DELETE", f"user/{user['userId']}", None),
        ("PATCH", f"availability/{api.company.availability_id}", {"timezone": "Asia/Tokyo"}),
        ("PATCH", f"availability/{api.company.availability_id}", {"schedule": {}}),
        ("PATCH", "company/me", {"settings": {"holdMinutes": 7}}),
    ):
        assert (await _done(api, method, path, body))[0], path


async def test_availabilities_and_exceptions(api: Api) -> None:
    begun, hours = await _done(api, "POST", "availability", {"name": "X", "timezone": "UTC", "schedule": {}})
    assert begun
    assert (await _done(api, "PATCH", f"availability/{api.company.availability_id}", {"isDefault": True}))[0]
    assert (await _done(api, "DELETE", f"availability/{hours['id']}"))[0]
    for owner in ("user", "company", "availability"):
        begun, away = await _done(api, "POST", "availability-exception", {**AWAY, "ownerType": owner})
        assert begun
        assert (await _done(api, "PATCH", f"availability-exception/{away['id']}", {"end": "2031-03-09"}))[0]
        assert (await _done(api, "DELETE", f"availability-exception/{away['id']}"))[0]


async def test_meeting_types(api: Api) -> None:
    begun, kind = await _done(api, "POST", "meeting-type", {"meetingInfo": INFO})
    assert begun
    assert (await _done(api, "PATCH", f"meeting-type/{kind['id']}", {"enabled": False}))[0]
    assert (await _done(api, "DELETE", f"meeting-type/{kind['id']}"))[0]


async def test_queues_and_their_groups(api: Api) -> None:
    member = await api.member()
    address = f"queue/meeting-type/{api.company.meeting_type_id}"
    begun, queue = await _done(api, "PATCH", address, {"userId": str(member.user_id)})
    assert begun
    assert (await _done(api, "PATCH", address, {"maxLeadThreshold": 2}))[0]
    assert (await _done(api, "PATCH", address, {"users": [{"userId": str(member.user_id), "capacity": 4}]}))[0]
    begun, group = await _done(api, "POST", "queue-user-group", {"queueId": queue["id"], "name": "Pair"})
    assert begun
    assert (await _done(api, "PATCH", f"queue-user-group/{group['id']}", {"userId": str(api.user_id)}))[0]
    assert (await _done(api, "PATCH", f"queue-user-group/{group['id']}", {"capacity": 2}))[0]
    assert (await _done(api, "DELETE", f"queue-user-group/{group['id']}"))[0]


async def test_rooms(api: Api) -> None:
    body = {"email": "hall@acme.test", "givenName": "Hall", "familyName": "Big", "userType": "resource"}
    begun, room = await _done(api, "POST", "user", body)
    assert begun
    assert (await _done(api, "PATCH", f"user/{room['userId']}", {"capacity": 3}))[0]
    kind = f"meeting-type/{api.company.meeting_type_id}"
    assert (await _done(api, "PATCH", kind, {"resourceChannels": [{"resourceId": room["userId"], "name": "Hall"}]}))[0]


@pytest.mark.parametrize("queued", [False, True])
async def test_what_takes_time_or_gives_it_back_begins_no_edition(api: Api, queued: bool) -> None:
    kind = str(api.company.meeting_type_id)
    if queued:
        await _done(api, "PATCH", f"queue/meeting-type/{kind}", {"userId": str(api.user_id)})
    wanted = {"meetingTypeId": kind, "start": START.format_iso()}
    begun = []

    async def done(method: str, path: str, body: Any = None) -> Any:
        new, answer = await _done(api, method, path, body)
        begun.append(new)
        return answer

    hold = await done("POST", "booking-hold", wanted)
    await done("PATCH", f"booking-hold/{hold['holdId']}")
    await done("DELETE", f"booking-hold/{hold['holdId']}")
    booked = await done("POST", "booking", {**wanted, "attendee": GUEST})
    path = f"appointment/{booked['appointmentId']}"
    await done("POST", f"{path}/reschedule", {"start": START.add(hours=1).format_iso()})
    await done("PATCH", f"{path}/notes", {"note": "x"})
    await done("POST", f"{path}/cancel")
    options = {"meetingOptions": {"requireHostConfirmation": "enabled"}}
    await _done(api, "PATCH", f"meeting-type/{kind}", options)
    waiting = await done("POST", "booking", {**wanted, "attendee": GUEST})
    await done("POST", f"provisional-booking/{waiting['provisionalBookingId']}/confirm")

    assert begun == [False] * len(begun)
