"""All operations of the document, walked with another company's ids: nothing is found (design section 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from kalends.app import App
from tests import factories, ordering
from tests.api.conftest import Api, CompanyMaker
from tests.fakes import accounts
from tests.ordering import order

START = "2031-03-05T09:00:00Z"
CONNECTIONS = "/v4/calendar-connections/connections"
CALENDAR = {"provider": "caldav", "username": "ada", "password": accounts.PASSWORD}
INFO = {"name": "Talk", "description": "", "duration": 30, "channel": "phone"}


@pytest.fixture(autouse=True)
def _still(app: App) -> None:
    app.now = ordering.clock
    app.calendars = accounts.providers()


async def _ids(api: Api) -> dict[str, str]:
    """Make one of everything in a company; answer the ids by the names that paths, queries and bodies have for them."""
    async with api.app.transaction() as conn:
        wanted = order(api.company.meeting_type_id, ordering.START)
        appointment = await ordering.booked(conn, factories.actor(api.company), wanted)
        resource = await factories.user(conn, api.company, user_type="resource")
    away = {"available": False, "start": "2031-03-04", "end": "2031-03-04"}
    exception = (await api.post("/v4/availability-exception", away)).json()["id"]
    company = api.company
    held = {"meetingTypeId": str(company.meeting_type_id), "start": "2031-03-05T11:00:00Z"}
    hold = (await api.post("/v4/booking-hold", held)).json()["holdId"]
    with_queue = (await api.post("/v4/meeting-type", {"meetingInfo": INFO})).json()["id"]
    queue = (await api.patch(f"/v4/queue/meeting-type/{with_queue}", {"userId": str(company.user_id)})).json()["id"]
    group = (await api.post("/v4/queue-user-group", {"queueId": queue, "name": "Pair"})).json()["id"]
    link = (await api.post(f"/v4/one-time-booking-link/create/{company.meeting_type_id}")).json()["id"]
    approved = {"meetingInfo": INFO, "meetingOptions": {"requireHostConfirmation": "enabled"}}
    waiting = {
        "meetingTypeId": (await api.post("/v4/meeting-type", approved)).json()["id"],
        "start": "2031-03-05T13:00:00Z",
        "attendee": {"email": "ana@guests.test"},
    }
    provisional = (await api.post("/v4/booking", waiting)).json()["provisionalBookingId"]
    connection = (await api.post(CONNECTIONS, CALENDAR)).json()["id"]
    calendar = (await api.get(f"{CONNECTIONS}/{connection}/calendars")).json()["calendars"][0]["id"]
    return {
        "userId": str(company.user_id), "hostIds": str(company.user_id),
        "ownerId": str(company.user_id),
        "meetingTypeId": str(company.meeting_type_id), "meetingTypeOrder": str(company.meeting_type_id),
        "availabilityId": str(company.availability_id),
        "channelAvailabilities": str(company.availability_id), "exceptionId": str(exception),
        "id": str(appointment.id), "appointmentId": str(appointment.id), "existingAppointmentId": str(appointment.id),
        "attendeeId": str(appointment.attendees[0].id), "queueId": queue,
        "queueGroupId": group, "groupId": group, "mainGroupHostId": str(company.user_id),
        "workspaceId": str(company.company_id),
        "resourceId": str(resource.user.id), "resourceChannelIds": str(resource.user.id),
        "holdId": hold, "oneTimeLinkId": link, "provisionalId": provisional,
        "connectionId": connection, "calendarIds": calendar,
    }  # fmt: skip


def _document(api: Api) -> dict[str, Any]:
    transport = api.http._transport
    assert isinstance(api.http, AsyncClient)
    assert isinstance(transport, ASGITransport)
    return cast(FastAPI, transport.app).openapi()


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _example(operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return content["examples"]["usual"]["value"] if content else None


async def test_no_path_leads_to_another_company(api: Api, another_company: CompanyMaker) -> None:
    theirs = await _ids(await another_company())
    answers: dict[str, int] = {}

    for method, path, operation in _operations(_document(api)):
        names = [
            one["name"]
            for one in operation.get("parameters", ())
            if one["in"] == "path" and "enum" not in one["schema"]
        ]
        if names:
            address = path.format(**{name: theirs[name] for name in names})
            query = {"secret": "x" * 43} if path.startswith("/v4/booking/") and method == "GET" else {}
            answer = await api.call(method, address, params=query, json=_example(operation))
            answers[f"{method} {path}"] = answer.status_code

    assert len(answers) >= 26
    assert answers == dict.fromkeys(answers, 404)


def _fields(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Iterator[str]:
    """Name the fields that hold ids."""
    if "$ref" in schema:
        yield from _fields(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, name)
    if schema.get("format") == "uuid":
        yield name
    for branch in schema.get("anyOf", ()):
        yield from _fields(branch, schemas, name)
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from _fields(inner, schemas, name)
    for key, one in schema.get("properties", {}).items():
        yield from _fields(one, schemas, key)


def _id_fields(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Name every field of a query or a body that holds an id, below /v4."""
    schemas, found = document["components"]["schemas"], set()
    for method, path, operation in _operations(document):
        for one in operation.get("parameters", ()):
            if one["in"] == "query":
                found |= {(method, path, name) for name in _fields(one["schema"], schemas, one["name"])}
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        found |= {(method, path, name) for name in _fields(body, schemas)}
    return {one for one in found if one[1].startswith("/v4")}


async def test_no_id_in_a_query_or_a_body_leads_to_another_company(api: Api, another_company: CompanyMaker) -> None:
    theirs, ours = await _ids(await another_company()), await _ids(api)
    kind, appointment = f"/v4/meeting-type/{ours['meetingTypeId']}", f"/v4/appointment/{ours['id']}"
    channels = {"meetingOptions": {"channelAvailabilities": {"phone": theirs["channelAvailabilities"]}}}
    slots = {"meetingTypeId": ours["meetingTypeId"], "start": "2031-03-05", "end": "2031-03-06"}
    booking = {"meetingTypeId": ours["meetingTypeId"], "start": START, "attendee": {"email": "ana@guests.test"}}
    listed = {"page": "0", "pageSize": "10"}
    away = {"available": False, "start": "2031-03-04", "end": "2031-03-04", "ownerType": "user"}
    page, exceptions = "/v4/personal-page/me", "/v4/availability-exception"
    calls: dict[tuple[str, str, str], tuple[str, dict[str, Any]]] = {
        ("GET", exceptions, "ownerId"): (exceptions, {"ownerType": "user", "ownerId": theirs["ownerId"]}),
        ("POST", exceptions, "ownerId"): (exceptions, {**away, "ownerId": theirs["ownerId"]}),
        ("PATCH", page, "meetingTypeOrder"): (page, {"meetingTypeOrder": [theirs["meetingTypeOrder"]]}),
        ("GET", "/v4/event", "appointmentId"): ("/v4/event", {"appointmentId": theirs["appointmentId"]}),
        ("POST", "/v4/appointment/{id}/cancel", "attendeeId"): (
            f"{appointment}/cancel", {"attendeeId": theirs["attendeeId"]},
        ),
        ("PATCH", "/v4/appointment/{id}/guest", "attendeeId"): (
            f"{appointment}/guest", {"attendeeId": theirs["attendeeId"], "email": "pal@guests.test"},
        ),
    }  # fmt: skip
    for method, path, address in (
        ("POST", "/v4/meeting-type", "/v4/meeting-type"),
        ("PATCH", "/v4/meeting-type/{meetingTypeId}", kind),
    ):
        info = {"meetingInfo": INFO} if method == "POST" else {}
        calls[method, path, "availabilityId"] = (address, {**info, "availabilityId": theirs["availabilityId"]})
        calls[method, path, "channelAvailabilities"] = (address, info | channels)
        needed = {"resourceChannels": [{"resourceId": theirs["resourceId"]}]}
        calls[method, path, "resourceId"] = (address, info | needed)
        blocking = {"meetingOptions": {"calendarIds": [theirs["calendarIds"]]}}
        calls[method, path, "calendarIds"] = (address, info | blocking)
    calls["POST", "/v4/meeting-type", "userId"] = (
        "/v4/meeting-type", {"meetingInfo": INFO, "userId": theirs["userId"]},
    )  # fmt: skip
    availability = "/v4/booking-availability"
    for name in ("meetingTypeId", "hostIds", "queueId", "existingAppointmentId", "resourceChannelIds", "holdId"):
        calls["GET", availability, name] = (availability, slots | {name: theirs[name]})
        explained = slots | {"start": START, name: theirs[name]}
        calls["GET", f"{availability}/explain", name] = (f"{availability}/explain", explained)
    for name in ("meetingTypeId", "hostIds", "queueId", "resourceChannelIds", "holdId", "oneTimeLinkId"):
        calls["POST", "/v4/booking", name] = ("/v4/booking", booking | {name: theirs[name]})
    for name in ("meetingTypeId", "hostIds", "queueId", "resourceChannelIds"):
        calls["POST", "/v4/booking-hold", name] = ("/v4/booking-hold", booking | {name: theirs[name]})
    for name in ("appointmentId", "userId", "queueId", "queueGroupId"):
        target = {"userId": ours["resourceId"]} if name == "appointmentId" else {}
        calls["POST", "/v4/handoff/appointment", name] = (
            "/v4/handoff/appointment", {"appointmentId": ours["appointmentId"], **target, name: theirs[name]},
        )  # fmt: skip
    calls["GET", "/v4/handoff/available-handoffs", "appointmentId"] = (
        "/v4/handoff/available-handoffs", {"appointmentId": theirs["appointmentId"]},
    )  # fmt: skip
    calls["PATCH", "/v4/queue/meeting-type/{meetingTypeId}", "userId"] = (
        f"/v4/queue/meeting-type/{ours['meetingTypeId']}", {"userId": theirs["userId"]},
    )  # fmt: skip
    calls["POST", "/v4/queue-user-group", "queueId"] = (
        "/v4/queue-user-group", {"queueId": theirs["queueId"], "name": "Pair"},
    )  # fmt: skip
    for name in ("userId", "mainGroupHostId"):
        calls["PATCH", "/v4/queue-user-group/{groupId}", name] = (
            f"/v4/queue-user-group/{ours['groupId']}", {name: theirs[name]},
        )  # fmt: skip
    for name in ("meetingTypeId", "userId"):
        calls["GET", "/v4/appointment/paginated", name] = (
            "/v4/appointment/paginated", listed | {name: theirs[name]},
        )  # fmt: skip
        calls["GET", "/v4/provisional-booking/paginated", name] = (
            "/v4/provisional-booking/paginated", listed | {name: theirs[name]},
        )  # fmt: skip
    one, whose = f"{CONNECTIONS}/{ours['connectionId']}", f"?userId={theirs['userId']}"
    for method, template, address, sent in (
        ("POST", CONNECTIONS, CONNECTIONS, CALENDAR),
        ("PATCH", f"{CONNECTIONS}/{{connectionId}}", one, {"validateAvailability": False}),
        ("DELETE", f"{CONNECTIONS}/{{connectionId}}", one, {}),
        ("POST", f"{CONNECTIONS}/{{connectionId}}/sync", f"{one}/sync", {}),
    ):
        calls[method, template, "userId"] = (address + whose, sent)
    for template, address in (
        (CONNECTIONS, CONNECTIONS),
        (f"{CONNECTIONS}/{{connectionId}}", one),
        (f"{CONNECTIONS}/{{connectionId}}/calendars", f"{one}/calendars"),
        ("/v4/calendar-connections/auth/{provider}/url", "/v4/calendar-connections/auth/google/url"),
    ):
        calls["GET", template, "userId"] = (address, {"userId": theirs["userId"]})
    mail = {"title": "Hello", "content": "Text", "attendeeId": theirs["attendeeId"]}
    calls["POST", "/v4/attendee/quick-mail", "attendeeId"] = ("/v4/attendee/quick-mail", mail)

    answers = {
        field: (await api.call(field[0], path, **{"params" if field[0] == "GET" else "json": sent})).status_code
        for field, (path, sent) in calls.items()
    }

    assert set(calls) == _id_fields(_document(api))
    assert answers == dict.fromkeys(answers, 404)
