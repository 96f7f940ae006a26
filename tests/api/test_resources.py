"""What holds for users, meeting types, availabilities and exceptions alike: tenancy, tokens, lists."""

from typing import Any

import pytest

from tests.api.conftest import Api, CompanyMaker
from tests.statements import counted

INFO = {"name": "Talk", "description": "", "duration": 30, "channel": "phone"}


async def test_nothing_of_another_company_can_be_reached(api: Api, another_company: CompanyMaker) -> None:
    theirs = await another_company()
    user, kind, hours = theirs.company.user_id, theirs.company.meeting_type_id, theirs.company.availability_id
    away = {"available": False, "start": "2031-03-04", "end": "2031-03-04"}
    exception = (await theirs.post("/v4/availability-exception", away)).json()["id"]
    mine = f"/v4/meeting-type/{api.company.meeting_type_id}"
    channels = {"channelAvailabilities": {"phone": str(hours)}}
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"/v4/user/{user}", None),
        ("PATCH", f"/v4/user/{user}", {"givenName": "Eve"}),
        ("DELETE", f"/v4/user/{user}", None),
        ("GET", f"/v4/meeting-type/{kind}", None),
        ("PATCH", f"/v4/meeting-type/{kind}", {"enabled": False}),
        ("DELETE", f"/v4/meeting-type/{kind}", None),
        ("PATCH", mine, {"availabilityId": str(hours)}),
        ("PATCH", mine, {"meetingOptions": channels}),
        ("POST", "/v4/meeting-type", {"meetingInfo": INFO, "availabilityId": str(hours)}),
        ("POST", "/v4/meeting-type", {"meetingInfo": INFO, "meetingOptions": channels}),
        ("POST", "/v4/meeting-type", {"meetingInfo": INFO, "userId": str(user)}),
        ("PATCH", f"/v4/availability-exception/{exception}", {"title": "x"}),
        ("DELETE", f"/v4/availability-exception/{exception}", None),
    ]
    for mount in ("/v4", ""):
        path = f"{mount}/availability/{hours}"
        calls += [
            ("GET", path, None),
            ("PATCH", path, {"name": "Mine"}),
            ("DELETE", path, None),
            ("PATCH", f"{path}/holiday-exceptions", {"year": 2026, "country": "DE"}),
        ]
    for owner_type, owner_id in (("user", user), ("availability", hours), ("company", theirs.company.company_id)):
        owner = {"ownerType": owner_type, "ownerId": str(owner_id)}
        calls += [
            ("POST", "/v4/availability-exception", {**away, **owner}),
            ("GET", f"/v4/availability-exception?ownerType={owner_type}&ownerId={owner_id}", None),
        ]
    before = await everything(theirs)

    answers = {f"{method} {path} {body}": (await api.call(method, path, json=body)) for method, path, body in calls}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 404)
    assert await everything(theirs) == before


async def everything(api: Api) -> list[Any]:
    """Read all that a company has."""
    paths = ("/v4/user", "/v4/meeting-type", "/v4/availability", "/v4/availability-exception", "/v4/company/me")
    return [(await api.get(path)).json() for path in paths]


async def test_a_user_of_another_company_cannot_be_acted_as(api: Api, another_company: CompanyMaker) -> None:
    theirs = await another_company()

    answer = await api.acting_as(theirs.company.user_id).get("/v4/meeting-type")

    assert answer.status_code == 403


async def test_a_token_cannot_touch_what_is_anothers(api: Api) -> None:
    token = await api.token((await api.member()).user_id)
    kind = f"/v4/meeting-type/{api.company.meeting_type_id}"
    hours = f"/v4/availability/{api.company.availability_id}"
    away = {"available": False, "start": "2031-03-04", "end": "2031-03-04", "ownerId": str(api.company.user_id)}

    answers = [
        await token.post("/v4/meeting-type", {"meetingInfo": INFO, "userId": str(api.company.user_id)}),
        await token.patch(kind, {"enabled": False}),
        await token.delete(kind),
        await token.patch(hours, {"name": "Mine"}),
        await token.delete(hours),
        await token.post("/v4/availability-exception", away),
        await token.acting_as(api.company.user_id).post("/v4/meeting-type", {"meetingInfo": INFO}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 7


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("scheduling", {"/v4/meeting-type", "/v4/availability"}),
        ("account", {"/v4/personal-page/me"}),
        ("forms", set()),
    ],
)
async def test_a_limited_token_reads_its_groups_only(api: Api, scope: str, allowed: set[str]) -> None:
    token = await api.token(scopes=(scope,))
    paths = ("/v4/meeting-type", "/v4/availability", "/v4/personal-page/me", "/v4/user/me")

    found = {path: (await token.get(path)).status_code for path in paths}

    assert found == {path: 200 if path in {*allowed, "/v4/user/me"} else 403 for path in paths}


@pytest.mark.parametrize("path", ["/v4/user", "/v4/meeting-type", "/v4/availability"])
async def test_a_list_takes_the_same_statements_for_one_row_and_for_three(api: Api, path: str) -> None:
    with counted() as one:
        first = (await api.get(path)).json()
    for _ in range(2):
        await api.member()
        await api.post("/v4/meeting-type", {"meetingInfo": INFO})
        await api.post("/v4/availability", {"name": "Hours", "timezone": "UTC", "schedule": {}})

    with counted() as three:
        second = (await api.get(path)).json()

    rows = [len(found["users"] if path == "/v4/user" else found) for found in (first, second)]
    assert rows == [1, 3]
    assert len(three) == len(one)


async def test_pages_lose_and_double_nobody_while_users_are_added(api: Api) -> None:
    there = [str(api.company.user_id), *[str((await api.member()).user_id) for _ in range(4)]]

    read: list[str] = []
    for offset in range(0, 5, 2):
        read += [user["id"] for user in (await api.get("/v4/user", limit=2, offset=offset)).json()["users"]]
        await api.member()

    assert read[:5] == there
    assert len(set(read)) == len(read)


async def booked(api: Api) -> dict[str, Any]:
    """Book the last start of the coming week with the acting user's first type; answer the appointment."""
    kind = (await api.get("/v4/meeting-type")).json()[0]["id"]
    start = (await starts(api, kind))[-1]
    attendee = {"email": "guest@acme.test", "fullname": "Guest", "receiveReminders": True, "notes": {}}
    body = {"meetingTypeId": kind, "start": start, "attendee": attendee}
    answer = await api.post("/v4/booking", body)
    assert answer.status_code == 201, answer.text
    return dict((await api.get(f"/v4/appointment/{answer.json()['appointmentId']}")).json())


async def starts(api: Api, kind: str) -> list[str]:
    """List the starts of the coming week."""
    today = api.app.now().to_tz("UTC").date()
    window = {"start": today.add(days=1).format_iso(), "end": today.add(days=7).format_iso()}
    answer = await api.get("/v4/booking-availability", meetingTypeId=kind, **window)
    assert answer.status_code == 200, answer.text
    return [spot["startTime"] for day in answer.json()["dates"] for spot in day["spots"]]


async def test_an_appointment_keeps_its_instant_when_its_host_changes_zone(api: Api) -> None:
    before = await booked(api)
    path = f"/v4/appointment/{before['id']}"

    await api.patch(f"/v4/user/{api.company.user_id}", {"timezone": "America/Los_Angeles"})
    await api.patch(f"/v4/availability/{api.company.availability_id}", {"timezone": "America/Los_Angeles"})

    after = (await api.get(path)).json()
    assert (after["start"], after["end"]) == (before["start"], before["end"])
    start = (await starts(api, str(api.company.meeting_type_id)))[0]
    moved = await api.post(f"{path}/reschedule", {"start": start})
    assert (moved.status_code, moved.json()["start"]) == (200, start)


async def test_an_appointment_stays_when_its_type_is_deleted(api: Api) -> None:
    before = await booked(api)

    assert (await api.delete(f"/v4/meeting-type/{api.company.meeting_type_id}")).status_code == 200

    after = await api.get(f"/v4/appointment/{before['id']}")
    assert (after.status_code, after.json()["start"], after.json()["isCancelled"]) == (200, before["start"], False)


async def test_an_appointment_of_a_deleted_user_stays_until_it_is_cancelled(api: Api) -> None:
    member = await api.member()
    before = await booked(member)
    path = f"/v4/appointment/{before['id']}"

    assert (await api.delete(f"/v4/user/{member.user_id}")).status_code == 204

    after = await api.get(path)
    assert (after.status_code, after.json()["start"], after.json()["isCancelled"]) == (200, before["start"], False)
    cancelled = await api.post(f"{path}/cancel", {"reason": "gone"})
    assert (cancelled.status_code, cancelled.json()["isCancelled"]) == (200, True)


async def test_blocked_days_and_closed_hours_offer_no_start(api: Api) -> None:
    kind = str(api.company.meeting_type_id)
    week = {start[:10] for start in await starts(api, kind)}
    day = min(week)

    await api.post("/v4/availability-exception", {"available": False, "start": day, "end": day})

    assert {start[:10] for start in await starts(api, kind)} == week - {day}
    await api.patch(f"/v4/availability/{api.company.availability_id}", {"schedule": {}})
    assert await starts(api, kind) == []
