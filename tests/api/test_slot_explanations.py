"""GET /v4/booking-availability/explain, and what troubleshooting adds to the list of starts."""

from typing import Any
from uuid import UUID, uuid4

import jsonschema_rs
import pytest
from whenever import Instant

from kalends.storage.meeting_types import MeetingType
from tests import calendar_rows, factories, ordering, statements
from tests.api.conftest import Api, CompanyMaker
from tests.ordering import START, order

pytestmark = pytest.mark.usefixtures("still")

LIST = "/v4/booking-availability"
PATH = f"{LIST}/explain"
AT = "2031-03-05T09:00:00.000Z"


async def _explained(api: Api, start: str = AT, **params: Any) -> dict[str, Any]:
    asked = {"meetingTypeId": str(api.company.meeting_type_id), "start": start, **params}
    answer = await api.get(PATH, **asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _passed(rules: list[dict[str, Any]]) -> dict[str, bool]:
    return {rule["code"]: rule["passed"] for rule in rules}


def _facts(rules: list[dict[str, Any]], code: str) -> dict[str, Any]:
    (facts,) = [rule["facts"] for rule in rules if rule["code"] == code]
    assert isinstance(facts, dict)
    return facts


async def _kind(api: Api, **fields: Any) -> MeetingType:
    async with api.app.transaction() as conn:
        return await factories.meeting_type(conn, api.company, **fields)


async def _book(api: Api, start: Instant = START, **fields: Any) -> UUID:
    async with api.app.transaction() as conn:
        wanted = order(fields.pop("meeting_type_id", api.company.meeting_type_id), start, **fields)
        return (await ordering.book(conn, factories.actor(api.company), wanted)).appointment_id


async def test_a_free_start_passes_every_rule_in_their_order(api: Api) -> None:
    found = await _explained(api)

    assert (found["start"], found["bookable"], found["errorCode"], found["reason"]) == (AT, True, None, None)
    assert list(_passed(found["rules"])) == [
        "meeting-type-disabled",
        "duration-not-allowed",
        "host-not-allowed",
        "too-soon",
        "too-far",
        "cap-reached",
    ]
    (host,) = found["hosts"]
    assert (host["hostId"], host["bookable"]) == (str(api.company.user_id), True)
    assert host["hostName"].startswith("Ada Roth")
    assert list(_passed(host["rules"])) == ["outside-hours", "not-a-slot", "slot-occupied", "cap-reached"]
    assert all([*_passed(found["rules"]).values(), *_passed(host["rules"]).values()])
    assert _facts(host["rules"], "outside-hours") == {
        "timezone": "Europe/Berlin",
        "open": [{"start": "2031-03-05T07:00:00.000Z", "end": "2031-03-05T16:00:00.000Z"}],
        "exceptions": [],
    }
    assert (found["appointment"], found["resources"]) == (None, [])


async def test_a_claim_is_named_with_its_meeting(api: Api) -> None:
    kind = await _kind(api, meeting_info={"name": "Review", "bufferAfter": 15})
    appointment = await _book(api, meeting_type_id=kind.id)
    claim = {
        "kind": "appointment",
        "reason": "claimed",
        "start": AT,
        "end": "2031-03-05T09:45:00.000Z",
        "appointmentId": str(appointment),
        "name": "Review",
    }

    found, behind = await _explained(api), await _explained(api, "2031-03-05T09:30:00Z")
    moved = await _explained(api, meetingTypeId=str(kind.id), existingAppointmentId=str(appointment))

    assert (found["errorCode"], found["reason"]) == ("slot-occupied", "claimed")
    assert _facts(found["hosts"][0]["rules"], "slot-occupied")["claims"] == [claim]
    # His appointment is over by then, its buffer is not: the booking is told so, too.
    assert (behind["errorCode"], behind["reason"]) == ("slot-occupied", "buffer")
    assert _facts(behind["hosts"][0]["rules"], "slot-occupied")["claims"] == [claim | {"reason": "buffer"}]
    assert (moved["bookable"], _facts(moved["hosts"][0]["rules"], "slot-occupied")["claims"]) == (True, [])


@pytest.mark.parametrize("pending", [False, True])
async def test_kept_time_is_told_apart(api: Api, pending: bool) -> None:
    async with api.app.transaction() as conn:
        hold = await calendar_rows.reservation(conn, api.company, api.company.meeting_type_id, pending=pending)

    (claim,) = _facts((await _explained(api))["hosts"][0]["rules"], "slot-occupied")["claims"]

    assert (claim["kind"], claim["appointmentId"]) == ("pending" if pending else "hold", None)
    if not pending:
        assert (await _explained(api, holdId=str(hold)))["bookable"]


async def test_an_exception_is_named_with_its_title(api: Api) -> None:
    away = {"available": False, "start": "2031-03-05", "end": "2031-03-05", "title": "Trade fair"}
    number = (await api.post("/v4/availability-exception", away)).json()["id"]

    found = await _explained(api)

    assert found["errorCode"] == "outside-hours"
    assert _facts(found["hosts"][0]["rules"], "outside-hours") == {
        "timezone": "Europe/Berlin",
        "open": [],
        "exceptions": [
            {
                "id": int(number),
                "title": "Trade fair",
                "ownerType": "user",
                "available": False,
                "start": "2031-03-05",
                "end": "2031-03-05",
            }
        ],
    }


async def test_caps_are_counted(api: Api) -> None:
    kind = await _kind(api, booking_limits={"perDay": 1, "perWeek": 9})
    await _book(api, START.add(hours=2), meeting_type_id=kind.id)

    found = await _explained(api, meetingTypeId=str(kind.id))

    day = {"start": "2031-03-04T23:00:00.000Z", "end": "2031-03-05T23:00:00.000Z"}
    week = {"start": "2031-03-02T23:00:00.000Z", "end": "2031-03-09T23:00:00.000Z"}
    assert found["errorCode"] == "cap-reached"
    assert _facts(found["rules"], "cap-reached")["caps"] == [
        {"period": "day", **day, "booked": 1, "most": 1},
        {"period": "week", **week, "booked": 1, "most": 9},
    ]


async def test_every_rule_is_asked_behind_the_first_that_refuses(api: Api) -> None:
    kind = await _kind(api, enabled=False)

    found = await _explained(api, "2031-03-03T09:05:00Z", meetingTypeId=str(kind.id), meetingDuration=45)

    assert (found["errorCode"], found["bookable"]) == ("meeting-type-disabled", False)
    assert [code for code, passed in _passed(found["rules"]).items() if not passed] == [
        "meeting-type-disabled",
        "duration-not-allowed",
        "too-soon",
    ]
    assert _facts(found["rules"], "duration-not-allowed") == {"duration": 45, "allowedDurations": [30]}
    assert _facts(found["rules"], "too-soon") == {"earliest": "2031-03-03T10:00:00.000Z"}
    assert _passed(found["hosts"][0]["rules"])["not-a-slot"] is False


async def test_of_several_hosts_each_has_his_own_rules(api: Api) -> None:
    member = await api.member()
    await _book(api, host_ids=(api.company.user_id,))

    found = await _explained(api, hostIds=[str(api.company.user_id), str(member.user_id)])

    assert found["bookable"]
    assert [host["bookable"] for host in found["hosts"]] == [False, True]


async def test_a_group_appointment_to_join_is_named(api: Api) -> None:
    kind = await _kind(api, spots=3)
    appointment = await _book(api, meeting_type_id=kind.id)

    found = await _explained(api, meetingTypeId=str(kind.id))
    hidden = await _explained(api, meetingTypeId=str(kind.id), hideGroupAppointments="true")

    assert found["appointment"] == {"id": str(appointment), "totalSpots": 3, "takenSpots": 1}
    assert (hidden["bookable"], hidden["appointment"]) == (False, None)


async def _room(api: Api, name: str = "Room 1") -> dict[str, Any]:
    async with api.app.transaction() as conn:
        made = await factories.user(conn, api.company, user_type="resource")
    return {"id": str(uuid4()), "resourceId": str(made.user.id), "name": name, "groupName": None}


async def test_a_room_that_is_taken_is_explained(api: Api) -> None:
    room = await _room(api)
    kind = await _kind(api, resource_channels=[room])
    async with api.app.transaction() as conn:
        await calendar_rows.reservation(
            conn, api.company, api.company.meeting_type_id, host_ids=[UUID(room["resourceId"])]
        )

    found = await _explained(api, meetingTypeId=str(kind.id))

    (resource,) = found["resources"]
    assert (found["errorCode"], found["hosts"][0]["bookable"]) == ("slot-occupied", True)
    assert {key: resource[key] for key in ("resourceChannelId", "resourceId", "name", "neededFor", "bookable")} == {
        "resourceChannelId": room["id"],
        "resourceId": room["resourceId"],
        "name": "Room 1",
        "neededFor": "Room 1",
        "bookable": False,
    }
    (claim,) = _facts(resource["rules"], "slot-occupied")["claims"]
    assert claim["kind"] == "hold"


async def test_who_is_ahead_in_his_queue_is_said_to_be(api: Api) -> None:
    ben = await api.member()
    assert ben.user_id
    kind = await _kind(api)
    async with api.app.transaction() as conn:
        people = [ben.user_id, api.company.user_id]
        number = await calendar_rows.queue(conn, api.company, kind.id, people, max_lead_threshold=1)
        await calendar_rows.choice(conn, api.company, number, ben.user_id, START.add(hours=3))

    found = await _explained(api, meetingTypeId=str(kind.id), queueId=str(number))

    assert [host["bookable"] for host in found["hosts"]] == [False, True]
    assert _facts(found["hosts"][0]["rules"], "cap-reached")["aheadInQueue"] is True


async def test_three_hosts_are_explained_in_as_many_statements_as_one(api: Api) -> None:
    members = [(await api.member()).user_id for _ in range(2)]
    taken = []

    for hosts in ([api.company.user_id], [api.company.user_id, *members]):
        with statements.counted() as sent:
            await _explained(api, hostIds=[str(host) for host in hosts])
        taken.append(len(sent))

    assert taken == [4, 4]  # the credential, the type with its hosts, the claims, and what stands behind them


@pytest.mark.parametrize(
    "name", ["meetingTypeId", "hostIds", "queueId", "existingAppointmentId", "holdId", "resourceChannelIds"]
)
async def test_unknown_ids_are_not_found(api: Api, name: str) -> None:
    asked = {"meetingTypeId": str(api.company.meeting_type_id), "start": AT, name: str(uuid4())}

    assert (await api.get(PATH, **asked)).status_code == 404
    assert (await api.get(LIST, **(asked | {"start": "2031-03-05", "end": "2031-03-05"}))).status_code == 404


async def test_a_start_that_cannot_be_read_is_named(api: Api) -> None:
    answer = await api.get(PATH, meetingTypeId=str(api.company.meeting_type_id), start="2031-03-05")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "start")


async def test_nothing_of_another_company_is_explained(api: Api, another_company: CompanyMaker) -> None:
    foreign = await another_company()
    await _book(foreign)

    answer = await api.get(PATH, meetingTypeId=str(foreign.company.meeting_type_id), start=AT)

    assert answer.status_code == 404


async def test_what_is_answered_is_what_the_document_says(api: Api) -> None:
    kind = await _kind(api, spots=3, booking_limits={"perDay": 9}, resource_channels=[await _room(api)])
    await _book(api, meeting_type_id=kind.id)
    document = (await api.http.get("/openapi.json")).json()
    asked = {"meetingTypeId": str(kind.id), "start": AT}
    window = asked | {"start": "2031-03-05", "end": "2031-03-05", "troubleshoot": "true"}

    for path, params in (
        (PATH, asked),
        (LIST, window),
        (LIST, window | {"meetingTypeId": api.company.meeting_type_id}),
    ):
        answer = (await api.get(path, **params)).json()
        body = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        schema = {**body["schema"], "components": document["components"]}

        assert [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(answer)] == []


async def test_seats_stand_in_the_spots(api: Api) -> None:
    kind = await _kind(api, spots=2)
    appointment = await _book(api, meeting_type_id=kind.id)

    async def spot() -> list[Any]:
        asked = {"meetingTypeId": str(kind.id), "start": "2031-03-05", "end": "2031-03-05"}
        days = (await api.get(LIST, **asked)).json()["dates"]
        return [one.get("appointment") for day in days for one in day["spots"] if one["startTime"] == AT]

    assert await spot() == [{"id": str(appointment), "totalSpots": 2, "takenSpots": 1}]
    await _book(api, meeting_type_id=kind.id, email="ben@guests.test")
    assert await spot() == []


async def _spots(api: Api, **params: Any) -> dict[str, list[dict[str, Any]]]:
    asked = {"meetingTypeId": str(api.company.meeting_type_id), "start": "2031-03-05", "end": "2031-03-05", **params}
    answer = await api.get(LIST, **asked)
    assert answer.status_code == 200, answer.text
    return {spot["startTime"]: spot["unavailabilityEvents"] for day in answer.json()["dates"] for spot in day["spots"]}


async def test_troubleshooting_adds_what_something_forbids(api: Api) -> None:
    await _book(api)
    plain = await _spots(api)

    found = await _spots(api, troubleshoot="true")

    assert AT not in plain
    assert {start: events for start, events in found.items() if not events} == plain
    ((start, (event,)),) = [(start, events) for start, events in found.items() if events]
    assert start == AT
    assert event["hostName"].startswith("Ada Roth")
    assert event | {"hostName": "Ada"} == {
        "hostId": str(api.company.user_id),
        "hostName": "Ada",
        "type": "claimed",
        "picture": None,
        "code": "slot-occupied",
    }


@pytest.mark.parametrize(
    ("fields", "start", "type_"),
    [
        ({"booking_minimum": 3 * 1440}, AT, "too-soon"),
        ({"days_into_future": {"mode": "range", "rangeMax": "2031-03-04"}}, AT, "too-far"),
        ({"booking_limits": {"perDay": 0}}, "2031-03-05T10:00:00.000Z", "cap-reached"),
        ({"meeting_info": {"bufferBefore": 30}}, "2031-03-05T09:30:00.000Z", "buffer"),
    ],
)
async def test_each_rule_has_its_type(api: Api, fields: dict[str, Any], start: str, type_: str) -> None:
    kind = await _kind(api, **fields)
    await _book(api)

    events = (await _spots(api, meetingTypeId=str(kind.id), troubleshoot="true"))[start]

    assert [event["type"] for event in events] == [type_]


async def test_a_missing_room_is_told_beside_no_host(api: Api) -> None:
    room = await _room(api)
    kind = await _kind(api, resource_channels=[room])
    async with api.app.transaction() as conn:
        await calendar_rows.reservation(
            conn, api.company, api.company.meeting_type_id, host_ids=[UUID(room["resourceId"])]
        )

    (event,) = (await _spots(api, meetingTypeId=str(kind.id), troubleshoot="true"))[AT]

    assert (event["hostId"], event["hostName"], event["type"]) == (room["resourceId"], "Room 1", "claimed")


async def test_too_few_of_several_hosts_are_told(api: Api) -> None:
    members = [(await api.member()).user_id for _ in range(2)]
    hosts = [str(api.company.user_id), *map(str, members)]
    await _book(api, host_ids=(api.company.user_id,))

    found = await _spots(api, hostIds=hosts, requiredHosts=3, troubleshoot="true")

    assert [event["hostId"] for event in found[AT]] == [hosts[0]]


async def test_a_month_is_the_longest_to_troubleshoot(api: Api) -> None:
    asked = {"meetingTypeId": str(api.company.meeting_type_id), "start": "2031-03-05", "troubleshoot": "true"}

    assert (await api.get(LIST, **asked, end="2031-04-04")).status_code == 200
    refused = await api.get(LIST, **asked, end="2031-04-05")

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "end")


async def test_with_many_hosts_fewer_days_can_be_troubleshot(api: Api) -> None:
    members = [str((await api.member()).user_id) for _ in range(6)]
    asked = {"meetingTypeId": str(api.company.meeting_type_id), "start": "2031-03-05", "troubleshoot": "true"}

    assert (await api.get(LIST, **asked, end="2031-03-29", hostIds=members)).status_code == 200
    assert (await api.get(LIST, **asked, end="2031-03-30", hostIds=members)).status_code == 400
