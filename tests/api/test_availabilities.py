"""Availabilities and holidays over HTTP, at both mounts."""

from typing import Any

import pytest

from kalends.domain.zones import canonical_zone
from tests.api.conftest import Api

UNKNOWN = "00000000-0000-7000-8000-000000000000"
CLOSED: dict[str, Any] = {"enabled": False, "hours": []}
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def week(**days: list[tuple[str, str]]) -> dict[str, Any]:
    """Write weekly hours as they are answered."""
    return {
        day: {"enabled": True, "hours": [{"start": start, "end": end} for start, end in days[day]]}
        if day in days
        else CLOSED
        for day in WEEK
    }


async def made(api: Api, mount: str = "/v4", **body: Any) -> dict[str, Any]:
    """Make an availability and answer it."""
    values = {"name": "Praxis", "timezone": "Europe/Vienna", "schedule": {}, **body}
    answer = await api.post(f"{mount}/availability", values)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("mount", ["/v4", ""])
async def test_an_availability_is_made_read_changed_and_deleted(api: Api, mount: str) -> None:
    created = await made(api, mount, schedule=week(monday=[("09:00", "17:00")]))
    path = f"{mount}/availability/{created['id']}"

    assert {key: created.pop(key) for key in ("createdAt", "updatedAt")}.keys()
    assert created == {
        "id": created["id"],
        "userId": str(api.company.user_id),
        "name": "Praxis",
        "timezone": "Europe/Vienna",
        "schedule": week(monday=[("09:00", "17:00")]),
        "availabilityExceptions": [],
        "isDefault": False,
        "useExplicitAvailability": False,
        "explicitAvailabilityEventTitle": None,
        "deletedAt": None,
    }
    changed = await api.patch(path, {"name": "Clinic", "schedule": week(friday=[("10:00", "11:00")])})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["timezone"]) == ("Clinic", "Europe/Vienna")
    assert changed.json()["schedule"] == week(friday=[("10:00", "11:00")])
    assert (await api.get(path)).json() == changed.json()
    assert [one["isDefault"] for one in (await api.get(f"{mount}/availability")).json()] == [True, False]
    deleted = await api.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await api.get(path)).status_code == 404
    assert (await api.delete(path)).status_code == 404


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ([{"dayOfWeek": "monday", "intervals": [{"from": "09:00", "to": "12:00"}, {"from": "11:00", "to": "13:00"}]}],
         week(monday=[("09:00", "13:00")])),
        # A closed day keeps its hours for when it opens again, if they are any; an open one may have none.
        ({"monday": {"enabled": False, "hours": [{"start": "09:00", "end": "13:00"}]},
          "tuesday": {"enabled": False, "hours": [{"start": "00:00", "end": "00:00"}]},
          "wednesday": {"enabled": True, "hours": []}},
         {**week(), "monday": {"enabled": False, "hours": [{"start": "09:00", "end": "13:00"}]},
          "wednesday": {"enabled": True, "hours": []}}),
        # T14: hours past 17:00 that cross midnight (there, and in UTC) are kept, and the next day is what it was.
        (week(monday=[("22:30", "02:00")], tuesday=[("08:00", "24:00")]),
         week(monday=[("22:30", "02:00")], tuesday=[("08:00", "24:00")])),
    ],
)  # fmt: skip
async def test_both_shapes_of_a_schedule_are_answered_as_the_object(api: Api, sent: Any, kept: Any) -> None:
    assert (await made(api, schedule=sent))["schedule"] == kept


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("Asia/Katmandu", "Asia/Kathmandu"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("CET", "Europe/Brussels"),
        ("Asia/Calcutta", "Asia/Kolkata"),
    ],
)
async def test_old_names_of_zones_are_taken_and_mean_the_same(api: Api, alias: str, name: str) -> None:
    found = await made(api, timezone=alias)

    assert canonical_zone(found["timezone"]) == canonical_zone(name)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "A\tB"}, "name"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"timezone": 1}, "timezone"),
        ({"schedule": None}, "schedule"),
        ({"schedule": "always"}, "schedule"),
        ({"schedule": {"monday": {"enabled": "yes"}}}, "schedule.monday.enabled"),
        ({"schedule": {"monday": {"hours": [{"start": "09:00", "end": "09:00"}]}}}, "schedule.monday.hours.0.end"),
        ({"schedule": {"monday": {"hours": [{"start": "25:00", "end": "09:00"}]}}}, "schedule.monday.hours.0.start"),
        ({"schedule": [{"dayOfWeek": "someday", "intervals": []}]}, "schedule.0.dayOfWeek"),
        (
            {"availabilityExceptions": [{"available": True, "start": "2031-03-05", "end": "2031-03-04"}]},
            "availabilityExceptions.0.end",
        ),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(api: Api, change: dict[str, Any], field: str) -> None:
    body = {"name": "Praxis", "timezone": "UTC", "schedule": {}, **change}

    answer = await api.post("/v4/availability", body)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_the_default_moves(api: Api) -> None:
    created = await made(api)

    answer = await api.patch(f"/v4/availability/{created['id']}", {"isDefault": True})

    assert answer.json()["isDefault"] is True
    assert [one["isDefault"] for one in (await api.get("/v4/availability")).json()] == [False, True]
    assert (await api.get("/v4/user/me")).json()["defaultAvailabilityId"] == created["id"]
    assert (await made(api, isDefault=True))["isDefault"] is True


async def test_exceptions_come_along(api: Api) -> None:
    sent = {"available": True, "start": "2031-03-04", "end": "2031-03-04", "title": "Open day", "note": "a\nb"}

    created = await made(api, availabilityExceptions=[sent])

    [kept] = created["availabilityExceptions"]
    assert {key: kept[key] for key in sent} == sent
    assert (kept["ownerType"], kept["ownerId"]) == ("availability", created["id"])
    assert (await api.get("/availability")).json()[1]["availabilityExceptions"] == [kept]


async def test_an_availability_in_use_cannot_be_deleted(api: Api) -> None:
    created = await made(api)
    kind = f"/v4/meeting-type/{api.company.meeting_type_id}"
    await api.patch(kind, {"availabilityId": created["id"]})

    used = await api.delete(f"/v4/availability/{created['id']}")
    await api.patch(
        kind, {"availabilityId": None, "meetingOptions": {"channelAvailabilities": {"zoom": created["id"]}}}
    )
    used_for_a_channel = await api.delete(f"/v4/availability/{created['id']}")
    default = await api.delete(f"/v4/availability/{api.company.availability_id}")
    await api.patch(kind, {"meetingOptions": {"channelAvailabilities": None}})
    unused = await api.delete(f"/v4/availability/{created['id']}")

    for refused in (used, used_for_a_channel, default):
        assert (refused.status_code, refused.json()["errorCode"]) == (400, "availability-in-use")
    assert unused.status_code == 204


async def test_a_member_reads_others_availabilities_and_changes_only_his_own(api: Api) -> None:
    member = await api.member()
    path = f"/v4/availability/{api.company.availability_id}"
    own = (await member.get("/v4/availability")).json()[0]["id"]

    refused = [
        await member.patch(path, {"name": "Mine"}),
        await member.delete(path),
        await member.patch(f"{path}/holiday-exceptions", {"year": 2026, "country": "DE"}),
    ]

    assert (await member.get(path)).status_code == 200
    assert [(one.status_code, one.json()["errorCode"]) for one in refused] == [(403, "not-yours")] * 3
    assert (await member.patch(f"/v4/availability/{own}", {"name": "Mine"})).status_code == 200
    assert (await api.patch(f"/v4/availability/{own}", {"name": "Ours"})).json()["name"] == "Ours"


@pytest.mark.parametrize(
    ("method", "ending"), [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("PATCH", "/holiday-exceptions")]
)
@pytest.mark.parametrize("availability_id", [UNKNOWN, "not-an-id"])
async def test_an_unknown_availability_is_404(api: Api, method: str, ending: str, availability_id: str) -> None:
    body = {"year": 2026, "country": "DE"}

    answer = await api.call(method, f"/v4/availability/{availability_id}{ending}", json=body)

    assert answer.status_code == 404


@pytest.mark.parametrize("mount", ["/v4", ""])
async def test_public_holidays_close_all_of_a_users_availabilities(api: Api, mount: str) -> None:
    second = await made(api)
    path = f"{mount}/availability/{second['id']}/holiday-exceptions"

    answer = await api.patch(path, {"year": 2026, "country": "DE", "germanState": "BY"})
    again = await api.patch(path, {"year": 2026, "country": "DE", "germanState": "BY"})

    assert answer.status_code == 200
    found = answer.json()
    assert {(one["ownerType"], one["ownerId"], one["available"]) for one in found} == {
        ("user", str(api.company.user_id), False)
    }
    days = {one["start"]: one["title"] for one in found}
    assert all(one["start"] == one["end"] for one in found)
    assert days["2026-01-06"] == "Epiphany"  # Bavaria's own
    assert days["2026-12-25"] == "Christmas Day"
    assert len(found) == len(days)
    assert (again.status_code, again.json()) == (200, found)
    assert len((await api.get("/v4/availability-exception")).json()) == len(found)


async def test_holidays_are_named_in_the_users_language(api: Api) -> None:
    await api.patch(f"/v4/user/{api.company.user_id}", {"language": "de"})

    found = await api.patch(
        f"/v4/availability/{api.company.availability_id}/holiday-exceptions", {"year": 2027, "country": "AT"}
    )

    assert "Christtag" in [one["title"] for one in found.json()]


@pytest.mark.parametrize(
    "country", ["DE", "AT", "BE", "CA", "DK", "NL", "EE", "FI", "FR", "IT", "NZ", "ES", "SE", "CH", "US"]
)
async def test_every_country_has_holidays(api: Api, country: str) -> None:
    path = f"/v4/availability/{api.company.availability_id}/holiday-exceptions"

    found = (await api.patch(path, {"year": 2025, "country": country, "germanState": "BE"})).json()

    assert len(found) >= 4
    assert all(one["start"].startswith("2025-") for one in found)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"year": 2024, "country": "DE"}, "year"),
        ({"year": 2028, "country": "DE"}, "year"),
        ({"country": "DE"}, "year"),
        ({"year": 2026, "country": "UK"}, "country"),
        ({"year": 2026, "country": "DE", "germanState": "XX"}, "germanState"),
    ],
)
async def test_unknown_holidays_are_refused(api: Api, body: dict[str, Any], field: str) -> None:
    answer = await api.patch(f"/v4/availability/{api.company.availability_id}/holiday-exceptions", body)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
