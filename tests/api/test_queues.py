"""Queues and queue user groups over HTTP (contract 2.10 and 6.6)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from kalends.services import users
from tests import factories, ordering
from tests.api.conftest import Api
from tests.ordering import NOW, START, order
from tests.statements import counted

pytestmark = pytest.mark.usefixtures("still")


def _address(api: Api) -> str:
    return f"/v4/queue/meeting-type/{api.company.meeting_type_id}"


async def _queue(api: Api, **body: Any) -> dict[str, Any]:
    answer = await api.patch(_address(api), body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _group(api: Api, queue_id: str, *members: Api) -> dict[str, Any]:
    answer = await api.post("/v4/queue-user-group", {"queueId": queue_id, "name": "Pair"})
    assert answer.status_code == 201, answer.text
    group: dict[str, Any] = answer.json()
    for member in members:
        answer = await api.patch(f"/v4/queue-user-group/{group['id']}", {"userId": str(member.user_id)})
        assert answer.status_code == 200, answer.text
        group = answer.json()
    return group


async def test_the_first_change_makes_the_queue_and_the_type_shows_it(api: Api) -> None:
    made = await _queue(api, userId=str(api.user_id))

    kind = (await api.get(f"/v4/meeting-type/{api.company.meeting_type_id}")).json()
    assert made == {
        "id": made["id"],
        "meetingTypeId": str(api.company.meeting_type_id),
        "type": "simpleRoundRobin",
        "maxLeadThreshold": None,
        "distributionPeriod": "month",
        "prioritizeNearTermAvailability": False,
        "users": [
            {"userId": str(api.user_id), "capacity": 1, "priority": 0, "customLink": None, "fixed": False},
        ],
        "groups": [],
        "createdAt": "2031-03-03T09:00:00.000Z",
        "updatedAt": "2031-03-03T09:00:00.000Z",
    }
    assert kind["queueId"] == made["id"]
    assert (await api.get(f"/v4/queue/{made['id']}")).json() == made
    assert (await api.get(f"/v4/queue/workspace/{api.company.company_id}")).json() == [made]


async def test_a_user_is_toggled(api: Api) -> None:
    member = await api.member()

    both = [(await _queue(api, userId=str(one)))["users"] for one in (api.user_id, member.user_id, api.user_id)]

    assert [[user["userId"] for user in users] for users in both] == [
        [str(api.user_id)],
        [str(api.user_id), str(member.user_id)],
        [str(member.user_id)],
    ]


async def test_all_that_can_be_set_is_set_and_the_rest_stays(api: Api) -> None:
    one, two = await api.member(), await api.member()
    mine, his = str(one.user_id), str(two.user_id)
    await _queue(
        api,
        users=[{"userId": mine, "weight": 3}, {"userId": his}],
        type="advancedRoundRobin",
        maxLeadThreshold=4,
        distributionPeriod="week",
        prioritizeNearTermAvailability=True,
    )

    await _queue(api, userPriorities=[{"userId": his, "priority": 5}], userFixed=[{"userId": mine, "fixed": True}])
    await _queue(api, userCustomLinks=[{"userId": his, "link": "https://pages.test/two"}])
    changed = await _queue(api, userCapacities=[{"userId": his, "capacity": 2}], maxLeadThreshold=None)
    cleared = await _queue(api, userCustomLinks=[{"userId": his, "link": ""}], users=[{"userId": mine, "weight": 2}])

    assert [changed[key] for key in ("type", "maxLeadThreshold", "distributionPeriod")] == [
        "advancedRoundRobin", None, "week",
    ]  # fmt: skip
    assert changed["prioritizeNearTermAvailability"] is True
    assert changed["users"] == [
        {"userId": mine, "capacity": 3, "priority": 0, "customLink": None, "fixed": True},
        {"userId": his, "capacity": 2, "priority": 5, "customLink": "https://pages.test/two", "fixed": False},
    ]
    assert [(user["capacity"], user["customLink"]) for user in cleared["users"]] == [(2, None), (2, None)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"userCapacities": [{"userId": "", "capacity": 2}]}, "userCapacities.0.userId"),
        ({"userPriorities": [{"userId": "", "priority": 2}]}, "userPriorities.0.userId"),
        ({"userCustomLinks": [{"userId": "", "link": "https://a.test/"}]}, "userCustomLinks.0.userId"),
        ({"userFixed": [{"userId": "", "fixed": True}]}, "userFixed.0.userId"),
    ],
)
async def test_who_is_not_in_the_queue_cannot_be_given_values(api: Api, body: dict[str, Any], field: str) -> None:
    outside = await api.member()
    ((key, [named]),) = body.items()

    answer = await api.patch(_address(api), {key: [{**named, "userId": str(outside.user_id)}]})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "user-not-eligible")
    assert answer.json()["errors"] == [{"field": field, "message": "is not in the queue"}]
    assert (await api.get(f"/v4/queue/workspace/{api.company.company_id}")).json() == []


@pytest.mark.parametrize(
    "body",
    [
        {"type": "fastest"},
        {"maxLeadThreshold": 0},
        {"distributionPeriod": "year"},
        {"userCapacities": [{"userId": str(uuid4()), "capacity": 0}]},
        {"userCustomLinks": [{"userId": str(uuid4()), "link": "javascript:alert(1)"}]},
        {"userId": "nobody"},
    ],
)
async def test_what_cannot_be_meant_is_refused(api: Api, body: dict[str, Any]) -> None:
    answer = await api.patch(_address(api), body)

    assert (answer.status_code, answer.json()["message"]) == (400, "Validation failed")


async def test_resources_host_nothing(api: Api) -> None:
    room = await api.member(user_type="resource")
    queue = await _queue(api)
    group = await _group(api, queue["id"])

    answers = [
        await api.patch(_address(api), {"userId": str(room.user_id)}),
        await api.patch(_address(api), {"users": [{"userId": str(room.user_id), "weight": 1}]}),
        await api.patch(f"/v4/queue-user-group/{group['id']}", {"userId": str(room.user_id)}),
    ]

    assert [(answer.status_code, answer.json()["errorCode"]) for answer in answers] == [(400, "user-not-eligible")] * 3


async def test_only_the_owner_of_the_type_and_administrators_change_a_queue(api: Api) -> None:
    member = await api.member()
    queue = await _queue(api, userId=str(api.user_id))
    group = await _group(api, queue["id"])
    own = (await member.post("/v4/meeting-type", {"meetingInfo": _INFO})).json()["id"]

    refused = [
        await member.patch(_address(api), {"userId": str(member.user_id)}),
        await member.post("/v4/queue-user-group", {"queueId": queue["id"], "name": "Mine"}),
        await member.patch(f"/v4/queue-user-group/{group['id']}", {"name": "Mine"}),
        await member.delete(f"/v4/queue-user-group/{group['id']}"),
    ]

    assert [(one.status_code, one.json()["errorCode"]) for one in refused] == [(403, "not-yours")] * 4
    assert (await member.patch(f"/v4/queue/meeting-type/{own}", {})).status_code == 200
    assert (await api.patch(f"/v4/queue/meeting-type/{own}", {})).status_code == 200
    assert (await member.get(f"/v4/queue/{queue['id']}")).status_code == 200


_INFO = {"name": "Talk", "description": "", "duration": 30, "channel": "phone"}


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    queue = await _queue(api, userId=str(api.user_id))
    await api.delete(f"/v4/meeting-type/{api.company.meeting_type_id}")

    answers = [
        await api.patch(_address(api), {}),
        await api.get(f"/v4/queue/{queue['id']}"),
        await api.get(f"/v4/queue/{queue['id']}/next"),
        await api.get(f"/v4/queue/{queue['id']}/ledger"),
        await api.post("/v4/queue-user-group", {"queueId": queue["id"], "name": "Pair"}),
        await api.get(f"/v4/queue/workspace/{uuid4()}"),
        await api.patch(f"/v4/queue-user-group/{uuid4()}", {}),
        await api.get("/v4/queue/nothing"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 8
    assert (await api.get(f"/v4/queue/workspace/{api.company.company_id}")).json() == []


async def test_a_group_is_made_changed_and_deleted(api: Api) -> None:
    one, two = await api.member(given_name="Ida"), await api.member(given_name="Bo")
    queue = await _queue(api)
    group = await _group(api, queue["id"], one, two)

    address = f"/v4/queue-user-group/{group['id']}"
    renamed = (await api.patch(address, {"name": "Trio", "capacity": 3, "mainGroupHostId": str(two.user_id)})).json()
    kept = (await api.patch(address, {"userId": str(one.user_id)})).json()
    alone = (await api.patch(address, {"userId": str(two.user_id)})).json()
    shown = (await api.get(f"/v4/queue/{queue['id']}")).json()["groups"]
    deleted = await api.delete(address)

    assert [user["firstname"] for user in group["users"]] == ["Ida", "Bo"]
    assert (group["userIds"], group["mainGroupHostId"]) == ([str(one.user_id), str(two.user_id)], None)
    assert (renamed["name"], renamed["capacity"], renamed["mainGroupHostId"]) == ("Trio", 3, str(two.user_id))
    assert renamed["mainGroupHost"]["firstname"] == "Bo"
    assert (kept["userIds"], kept["mainGroupHostId"]) == ([str(two.user_id)], str(two.user_id))
    assert (alone["userIds"], alone["mainGroupHostId"], alone["mainGroupHost"]) == ([], None, None)
    assert shown == [alone]
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await api.get(f"/v4/queue/{queue['id']}")).json()["groups"] == []
    assert (await api.delete(address)).status_code == 404


async def test_the_main_host_of_a_group_is_one_of_its_users_or_null(api: Api) -> None:
    inside, outside = await api.member(), await api.member()
    group = await _group(api, (await _queue(api))["id"], inside)
    address = f"/v4/queue-user-group/{group['id']}"

    refused = await api.patch(address, {"mainGroupHostId": str(outside.user_id)})
    both = await api.patch(address, {"userId": str(outside.user_id), "mainGroupHostId": str(outside.user_id)})
    cleared = await api.patch(address, {"mainGroupHostId": None})

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "mainGroupHostId")
    assert both.json()["mainGroupHostId"] == str(outside.user_id)
    assert cleared.json()["mainGroupHostId"] is None


async def test_the_next_host_is_the_one_who_is_booked_and_the_ledger_says_why(api: Api) -> None:
    """The order shown is the order booked, and a group's users host together."""
    one, two, three = await api.member(), await api.member(), await api.member()
    queue = await _queue(api, users=[{"userId": str(one.user_id)}, {"userId": str(two.user_id)}])
    group = await _group(api, queue["id"], three, one)
    shown, booked = [], []

    for number in range(3):
        next_hosts = (await api.get(f"/v4/queue/{queue['id']}/next")).json()["nextHosts"]
        async with api.app.transaction() as conn:
            wanted = order(api.company.meeting_type_id, START.add(hours=number))
            appointment = await ordering.booked(conn, factories.actor(api.company), wanted)
        shown.append(next_hosts[0]["userIds"])
        booked.append([str(host.id) for host in appointment.hosts])

    assert booked == shown == [[str(one.user_id)], [str(two.user_id)], [str(three.user_id), str(one.user_id)]]
    assert (next_hosts[0]["id"], next_hosts[0]["groupId"]) == (str(three.user_id), group["id"])
    assert [(host["count"], host["weight"], host["reason"]) for host in next_hosts] == [
        (0, 0.0, "fewest-bookings"),
        (1, 1.0, "position"),
        (1, 1.0, "last"),
    ]
    first = (await api.get(f"/v4/queue/{queue['id']}/ledger", limit=2)).json()
    rest = (await api.get(f"/v4/queue/{queue['id']}/ledger", limit=2, before=first["before"])).json()
    assert [choice["memberId"] for choice in first["choices"] + rest["choices"]] == [
        group["id"], str(two.user_id), str(one.user_id),
    ]  # fmt: skip
    newest = first["choices"][0]
    assert (newest["appointmentId"], newest["live"]) == (str(appointment.id), True)
    assert (newest["strategy"], newest["reason"]) == ("simpleRoundRobin", "fewest-bookings")
    assert [(fact["memberId"], fact["count"], fact["free"]) for fact in newest["candidates"]] == [
        (group["id"], 0, True),
        (str(one.user_id), 1, True),
        (str(two.user_id), 1, True),
    ]
    assert rest["before"] is None


async def test_a_cancelled_booking_does_not_count_any_more(api: Api) -> None:
    queue = await _queue(api, userId=str(api.user_id))
    async with api.app.transaction() as conn:
        booked = await ordering.booked(conn, factories.actor(api.company), order(api.company.meeting_type_id))

    await api.post(f"/v4/appointment/{booked.id}/cancel")

    assert (await api.get(f"/v4/queue/{queue['id']}/next")).json()["nextHosts"][0]["count"] == 0
    assert (await api.get(f"/v4/queue/{queue['id']}/ledger")).json()["choices"][0]["live"] is False


async def test_a_deleted_user_is_in_no_queue(api: Api) -> None:
    member = await api.member()
    queue = await _queue(api, users=[{"userId": str(member.user_id)}])
    group = await _group(api, queue["id"], member)
    assert member.user_id
    async with api.app.transaction() as conn:
        await users.delete(conn, actor=factories.actor(api.company), user_id=member.user_id, now=NOW)

    shown = (await api.get(f"/v4/queue/{queue['id']}")).json()

    assert (shown["users"], [one["userIds"] for one in shown["groups"]]) == ([], [[]])
    assert shown["groups"][0]["id"] == group["id"]
    assert (await api.get(f"/v4/queue/{queue['id']}/next")).json() == {"nextHosts": []}


async def test_three_queues_are_listed_in_as_many_statements_as_one(api: Api) -> None:
    members = [await api.member() for _ in range(3)]
    counts = []
    for number, member in enumerate(members):
        kind = (await api.post("/v4/meeting-type", {"meetingInfo": _INFO, "userId": str(member.user_id)})).json()["id"]
        queue = (await api.patch(f"/v4/queue/meeting-type/{kind}", {"userId": str(member.user_id)})).json()
        await _group(api, queue["id"], member)
        with counted() as sent:
            listed = (await api.get(f"/v4/queue/workspace/{api.company.company_id}")).json()
        counts.append(len(sent))
        assert len(listed) == number + 1

    assert counts == [counts[0]] * 3
