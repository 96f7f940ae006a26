"""Availability exceptions over HTTP (contract 6.6)."""

from typing import Any

import pytest

from tests.api.conftest import Api

UNKNOWN = "00000000-0000-7000-8000-000000000000"
AWAY = {"available": False, "start": "2031-03-04", "end": "2031-03-06"}


async def made(api: Api, **body: Any) -> dict[str, Any]:
    """Make an exception and answer it."""
    answer = await api.post("/v4/availability-exception", {**AWAY, **body})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def listed(api: Api, **query: Any) -> list[int]:
    """List the ids of exceptions."""
    answer = await api.get("/v4/availability-exception", **query)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()]


async def test_an_exception_is_the_acting_users_unless_said(api: Api) -> None:
    found = await made(api, title="Away", note="a\nb")

    assert isinstance(found.pop("id"), int)
    assert found.pop("createdAt").endswith("Z")
    assert found == {
        "ownerType": "user",
        "ownerId": str(api.company.user_id),
        **AWAY,
        "title": "Away",
        "note": "a\nb",
        "deletedAt": None,
    }


async def test_company_and_availability_have_defaults_too(api: Api) -> None:
    company = await made(api, ownerType="company")
    availability = await made(api, ownerType="availability")

    assert company["ownerId"] == str(api.company.company_id)
    assert availability["ownerId"] == str(api.company.availability_id)
    assert await listed(api, ownerType="company") == [company["id"]]
    assert await listed(api, ownerType="availability", ownerId=availability["ownerId"]) == [availability["id"]]
    assert await listed(api) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2031-03-04T10:00:00+02:00", "2031-03-04T08:00:00Z"),
        ("2031-03-04T10:00:00.000Z", "2031-03-04T10:00:00Z"),
        ("2031-03-04T10:00", "2031-03-04T10:00"),
        ("2031-03-04T10:00:30", "2031-03-04T10:00:30"),
        ("2031-03-04", "2031-03-04"),
    ],
)
async def test_ends_are_answered_as_given_and_instants_in_utc(api: Api, sent: str, kept: str) -> None:
    assert (await made(api, start=sent))["start"] == kept


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"end": "2031-03-03"}, "end"),
        ({"start": "2031-03-04T10:00", "end": "2031-03-04T10:00"}, "end"),
        # In Berlin 10:00 is 09:00Z.
        ({"start": "2031-03-04T10:00", "end": "2031-03-04T09:00:00Z"}, "end"),
        ({"start": "2031-02-30"}, "start"),
        ({"start": "tomorrow"}, "start"),
        ({"start": "2031-03-04T10:00\n"}, "start"),
        ({"start": None}, "start"),
        ({"available": "no"}, "available"),
        ({"ownerType": "team"}, "ownerType"),
        ({"ownerId": "x"}, "ownerId"),
        ({"title": "a\nb"}, "title"),
        ({"title": "x" * 251}, "title"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(api: Api, change: dict[str, Any], field: str) -> None:
    answer = await api.post("/v4/availability-exception", {**AWAY, **change})

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_a_list_holds_what_touches_its_window(api: Api) -> None:
    days = (await made(api))["id"]  # 4 to 6 March, in Berlin
    noon = (await made(api, start="2031-03-08T12:00", end="2031-03-08T13:00"))["id"]
    instant = (await made(api, start="2031-03-10T12:00:00Z", end="2031-03-10T13:00:00Z"))["id"]

    assert await listed(api) == [days, noon, instant]
    assert await listed(api, start="2031-03-07") == [noon, instant]
    assert await listed(api, start="2031-03-06", end="2031-03-07") == [days]
    assert await listed(api, end="2031-03-03") == []
    assert await listed(api, start="2031-03-06T22:59:00Z", end="2031-03-06T23:00:00Z") == [days]
    assert await listed(api, start="2031-03-06T23:00:00Z", end="2031-03-07T00:00:00Z") == []
    assert await listed(api, start="2031-03-10T14:59:00+02:00", end="2031-03-10T15:00:00 02:00") == [instant]
    assert await listed(api, start="2031-03-10T14:00", end="") == []


@pytest.mark.parametrize(
    "query", [{"start": "x"}, {"start": "2031-03-05", "end": "2031-03-04"}, {"ownerType": "x"}, {"ownerId": "x"}]
)
async def test_a_window_that_cannot_be_is_refused(api: Api, query: dict[str, str]) -> None:
    assert (await api.get("/v4/availability-exception", **query)).status_code == 400


async def test_an_exception_is_changed(api: Api) -> None:
    found = await made(api, title="Away", note="n")
    path = f"/v4/availability-exception/{found['id']}"

    answer = await api.patch(path, {"end": "2031-03-07", "available": True, "title": None})
    refused = await api.patch(path, {"start": "2031-03-08"})

    assert answer.status_code == 200
    assert answer.json() == {**found, "end": "2031-03-07", "available": True, "title": None}
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "exception-invalid")
    assert (await api.get("/v4/availability-exception")).json() == [answer.json()]
    assert (await api.patch(path, {})).json() == answer.json()


async def test_a_changed_exception_is_found_where_it_is_now(api: Api) -> None:
    found = await made(api)
    await api.patch(f"/v4/availability-exception/{found['id']}", {"start": "2031-06-04", "end": "2031-06-06"})

    assert await listed(api, start="2031-06-05", end="2031-06-06") == [found["id"]]
    assert await listed(api, start="2031-03-05", end="2031-03-06") == []


async def test_a_deleted_exception_is_gone(api: Api) -> None:
    path = f"/v4/availability-exception/{(await made(api))['id']}"

    answer = await api.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert await listed(api) == []
    assert (await api.delete(path)).status_code == 404
    assert (await api.patch(path, {})).status_code == 404


async def test_only_administrators_speak_for_the_company(api: Api) -> None:
    member = await api.member()
    company = f"/v4/availability-exception/{(await made(api, ownerType='company'))['id']}"

    refused = [
        await member.post("/v4/availability-exception", {**AWAY, "ownerType": "company"}),
        await member.patch(company, {"title": "x"}),
        await member.delete(company),
    ]

    assert [(one.status_code, one.json()["errorCode"]) for one in refused] == [(403, "admins-only")] * 3
    assert (await member.get("/v4/availability-exception", ownerType="company")).status_code == 200


async def test_a_member_speaks_for_himself_only(api: Api) -> None:
    member = await api.member()
    theirs = f"/v4/availability-exception/{(await made(api))['id']}"
    own = (await made(member))["id"]

    refused = [
        await member.post("/v4/availability-exception", {**AWAY, "ownerId": str(api.company.user_id)}),
        await member.post(
            "/v4/availability-exception",
            {**AWAY, "ownerType": "availability", "ownerId": str(api.company.availability_id)},
        ),
        await member.patch(theirs, {"title": "x"}),
        await member.delete(theirs),
    ]

    assert [(one.status_code, one.json()["errorCode"]) for one in refused] == [(403, "not-yours")] * 4
    assert (await api.patch(f"/v4/availability-exception/{own}", {"title": "x"})).status_code == 200
    assert await listed(api, ownerId=str(member.user_id)) == [own]


@pytest.mark.parametrize("kind", ["user", "company", "availability"])
async def test_an_unknown_owner_is_404(api: Api, kind: str) -> None:
    unknown = {"ownerType": kind, "ownerId": UNKNOWN}

    assert (await api.post("/v4/availability-exception", {**AWAY, **unknown})).status_code == 404
    assert (await api.get("/v4/availability-exception", **unknown)).status_code == 404


@pytest.mark.parametrize("exception_id", ["0", "-1", "x", "1.5", str(2**63 - 1), str(2**63), UNKNOWN])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_an_unknown_exception_is_404(api: Api, method: str, exception_id: str) -> None:
    answer = await api.call(method, f"/v4/availability-exception/{exception_id}", json={})

    assert answer.status_code == 404
