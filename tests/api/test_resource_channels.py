"""Resources, and the meeting types that need them, over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.rows import scalar_row

from kalends.app import App
from tests.api.conftest import Api, CompanyMaker
from tests.api.test_meeting_types import INFO, made

UNKNOWN = "00000000-0000-7000-8000-000000000000"


def room(**more: Any) -> dict[str, Any]:
    """Ask for a resource."""
    names = {"givenName": "Room", "familyName": uuid4().hex[:12]}
    return {"email": f"{uuid4().hex}@acme.test", **names, "timezone": "Europe/Vienna", "userType": "resource", **more}


async def added(api: Api, **more: Any) -> dict[str, Any]:
    """Make a resource and answer what POST says."""
    answer = await api.post("/v4/user", room(**more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def units(app: App, user_id: str) -> list[int]:
    """List the host numbers of a resource's units but the first."""
    async with app.reading() as conn, conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute("SELECT host_no FROM resource_unit WHERE user_id = %s ORDER BY unit", (UUID(user_id),))
        return await cur.fetchall()


async def test_a_resource_has_units_and_buffers_and_no_type_of_its_own(api: Api, app: App) -> None:
    created = await added(api, capacity=3, bufferBefore=5, bufferAfter=10)

    user = (await api.get(f"/v4/user/{created['userId']}")).json()
    assert (user["capacity"], user["bufferBefore"], user["bufferAfter"]) == (3, 5, 10)
    assert len(await units(app, created["userId"])) == 2
    assert created["meetingTypeId"] is None
    assert created["bookingUrl"] == f"http://kalends.test/{user['slug']}"
    assert user["meetingTypeIds"] == []
    assert user["defaultAvailabilityId"] == created["availabilityId"]


async def test_units_follow_the_capacity_and_none_is_lost(api: Api, app: App) -> None:
    created = await added(api)
    path = f"/v4/user/{created['userId']}"
    seen = []

    for capacity in (4, 2, 3, 5):
        answer = await api.patch(path, {"capacity": capacity, "bufferAfter": 15})
        assert (answer.json()["capacity"], answer.json()["bufferAfter"]) == (capacity, 15)
        seen.append(await units(app, created["userId"]))

    assert [len(numbers) for numbers in seen] == [3, 3, 3, 4]
    assert seen[0] == seen[1] == seen[2] == seen[3][:3]


@pytest.mark.parametrize("change", [{"capacity": 2}, {"bufferBefore": 5}, {"bufferAfter": 5}])
async def test_only_resources_have_units_and_buffers(api: Api, change: dict[str, int]) -> None:
    [field] = change

    created = await api.post("/v4/user", room(userType="standard", **change))
    changed = await api.patch(f"/v4/user/{api.company.user_id}", change)
    unchanged = await api.patch(f"/v4/user/{api.company.user_id}", {"capacity": 1, "bufferBefore": 0, "bufferAfter": 0})

    refusals = [{"field": field, "message": "can be set for resources only"}]
    for answer in (created, changed):
        assert (answer.status_code, answer.json()["errors"]) == (400, refusals)
    assert unchanged.status_code == 200


@pytest.mark.parametrize(
    "change", [{"capacity": 0}, {"capacity": 101}, {"capacity": "2"}, {"bufferBefore": -1}, {"bufferAfter": 481}]
)
async def test_units_and_buffers_have_bounds(api: Api, change: dict[str, Any]) -> None:
    created = await added(api)

    answers = [await api.post("/v4/user", room(**change)), await api.patch(f"/v4/user/{created['userId']}", change)]

    assert [answer.status_code for answer in answers] == [400, 400]


async def test_a_type_names_the_resources_it_needs(api: Api) -> None:
    hall, small, large = [await added(api, givenName=name, familyName="Room") for name in ("Hall", "Small", "Large")]
    own = str(api.company.availability_id)
    wanted = [
        {"resourceId": hall["userId"], "name": "The hall", "availabilityId": hall["availabilityId"]},
        {"resourceId": small["userId"], "groupName": "rooms", "availabilityId": own},
        {"resourceId": large["userId"], "groupName": "rooms", "name": "", "availabilityId": ""},
    ]

    kind = await made(api, resourceChannels=wanted)

    found = kind["resourceChannels"]
    assert [channel["id"] for channel in found] == kind["resourceChannelIds"]
    assert len(set(kind["resourceChannelIds"])) == 3
    keys = ("resourceId", "name", "availabilityId", "groupName", "groupMemberIndex")
    assert [tuple(channel[key] for key in keys) for channel in found] == [
        (hall["userId"], "The hall", hall["availabilityId"], None, None),
        (small["userId"], "Small Room", own, "rooms", 0),
        (large["userId"], "Large Room", None, "rooms", 1),
    ]
    assert (await api.get(f"/v4/meeting-type/{kind['id']}")).json() == kind


async def test_a_resource_keeps_its_channels_id(api: Api) -> None:
    first, second, third = [(await added(api))["userId"] for _ in range(3)]
    kind = await made(api, resourceChannels=[{"resourceId": first}, {"resourceId": second}])
    path = f"/v4/meeting-type/{kind['id']}"

    untouched = (await api.patch(path, {"spots": 2})).json()
    channels = [{"resourceId": third}, {"resourceId": second, "groupName": "rooms", "groupMemberIndex": 7}]
    changed = (await api.patch(path, {"resourceChannels": channels})).json()
    emptied = (await api.patch(path, {"resourceChannels": []})).json()

    assert untouched["resourceChannels"] == kind["resourceChannels"]
    new, kept = changed["resourceChannels"]
    assert (kept["id"], kept["groupMemberIndex"]) == (kind["resourceChannelIds"][1], 7)
    assert new["id"] not in kind["resourceChannelIds"]
    assert (emptied["resourceChannels"], emptied["resourceChannelIds"]) == ([], [])


async def test_only_live_resources_of_the_company_can_be_named(api: Api, another_company: CompanyMaker) -> None:
    theirs = (await added(await another_company()))["userId"]
    gone = (await added(api))["userId"]
    await api.delete(f"/v4/user/{gone}")
    kind = await made(api)

    for resource_id in (UNKNOWN, theirs, gone, str(api.company.user_id)):
        body = {"resourceChannels": [{"resourceId": resource_id}]}
        answers = [
            await api.post("/v4/meeting-type", {"meetingInfo": INFO, **body}),
            await api.patch(f"/v4/meeting-type/{kind['id']}", body),
        ]
        assert [(one.status_code, one.json()["errorCode"]) for one in answers] == [(404, "resource-not-found")] * 2


async def test_hours_are_the_resources_or_the_owners(api: Api) -> None:
    hall, other = await added(api), await added(api)

    refused = [
        await api.post(
            "/v4/meeting-type",
            {"meetingInfo": INFO, "resourceChannels": [{"resourceId": hall["userId"], "availabilityId": hours}]},
        )
        for hours in (other["availabilityId"], UNKNOWN)
    ]

    assert [(one.status_code, one.json()["errorCode"]) for one in refused] == [(404, "availability-not-found")] * 2


async def test_a_resource_is_named_once(api: Api) -> None:
    hall = (await added(api))["userId"]
    channels = [{"resourceId": hall}, {"resourceId": hall, "groupName": "rooms"}]

    answer = await api.post("/v4/meeting-type", {"meetingInfo": INFO, "resourceChannels": channels})

    assert answer.status_code == 400
    fields = [one["field"] for one in answer.json()["errors"]]
    assert fields == ["resourceChannels.0.resourceId", "resourceChannels.1.resourceId"]


async def test_hours_a_channel_uses_cannot_be_deleted(api: Api) -> None:
    hall = await added(api)
    as_hall = api.acting_as(UUID(hall["userId"]))
    week = (await as_hall.get(f"/v4/availability/{hall['availabilityId']}")).json()["schedule"]
    body = {"name": "Evenings", "timezone": "Europe/Vienna", "schedule": week}
    hours = (await as_hall.post("/v4/availability", body)).json()["id"]
    kind = await made(api, resourceChannels=[{"resourceId": hall["userId"], "availabilityId": hours}])

    used = await as_hall.delete(f"/v4/availability/{hours}")
    await api.patch(f"/v4/meeting-type/{kind['id']}", {"resourceChannels": []})
    free = await as_hall.delete(f"/v4/availability/{hours}")

    assert (used.status_code, used.json()["errorCode"]) == (400, "availability-in-use")
    assert free.status_code == 204
