"""Users over HTTP: one created with five fields in the answer can be booked at once."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.conftest import Api, CompanyMaker


def ana(**more: Any) -> dict[str, Any]:
    """Make the body of the contract's quick example, with names that no other test takes the slug of."""
    return {
        "email": f"ana{uuid4().hex[:8]}@klinik.test",
        "givenName": "Ana",
        "familyName": f"Roth {uuid4().hex[:8]}",
        "timezone": "Europe/Vienna",
        **more,
    }


async def test_a_new_user_can_be_booked_at_once(api: Api) -> None:
    body = ana()

    answer = await api.holding(api.secret).post("/v4/user", body)

    assert answer.status_code == 201
    created = answer.json()
    slug = f"ana-{body['familyName'].lower().replace(' ', '-')}"
    assert set(created) == {"userId", "availabilityId", "meetingTypeId", "bookingUrl", "companyId"}
    assert created["companyId"] == str(api.company.company_id)
    assert created["bookingUrl"] == f"http://kalends.test/{slug}/30min-meeting"
    as_ana = api.acting_as(UUID(created["userId"]))
    [availability] = (await as_ana.get("/v4/availability")).json()
    assert (availability["id"], availability["timezone"]) == (created["availabilityId"], "Europe/Vienna")
    assert availability["schedule"]["friday"] == {"enabled": True, "hours": [{"start": "08:00", "end": "17:00"}]}
    assert availability["schedule"]["sunday"] == {"enabled": False, "hours": []}
    [meeting_type] = (await as_ana.get("/v4/meeting-type")).json()
    assert meeting_type["id"] == created["meetingTypeId"]
    assert (meeting_type["timeslotInterval"], meeting_type["bookingMinimum"]) == (30, 60)
    assert meeting_type["daysIntoFuture"] == {"mode": "limit", "bookingLimit": 86400, "countMode": "calendar"}


async def test_the_first_availability_and_meeting_type_are_as_asked_for(api: Api) -> None:
    hours = [{"dayOfWeek": "monday", "intervals": [{"from": "09:00", "to": "12:00"}]}]
    body = ana(
        slug="Dr. Ana " + uuid4().hex,
        userType="resource",
        bookingLimits={"perDay": 3},
        availability={"name": "Praxis", "timezone": "Europe/Zurich", "schedule": hours},
        meetingType={"name": "Erstgespräch", "duration": 45, "slug": "Erst Gespräch", "channel": "local"},
    )

    created = (await api.post("/v4/user", body)).json()

    slug = body["slug"].lower().replace(". ", "-").replace(" ", "-")
    assert created["bookingUrl"] == f"http://kalends.test/{slug}/erst-gespraech"
    user = (await api.get(f"/v4/user/{created['userId']}")).json()
    assert (user["userType"], user["defaultAvailabilityId"]) == ("resource", created["availabilityId"])
    assert user["bookingLimits"] == {"perDay": 3, "perWeek": None, "perMonth": None}
    availability = (await api.get(f"/v4/availability/{created['availabilityId']}")).json()
    assert (availability["name"], availability["timezone"]) == ("Praxis", "Europe/Zurich")
    assert availability["schedule"]["monday"] == {"enabled": True, "hours": [{"start": "09:00", "end": "12:00"}]}
    info = (await api.get(f"/v4/meeting-type/{created['meetingTypeId']}")).json()["meetingInfo"]
    assert (info["name"], info["duration"], info["channel"]) == ("Erstgespräch", 45, "local")


async def test_the_zone_is_berlin_unless_said(api: Api) -> None:
    body = ana()
    del body["timezone"]

    created = (await api.post("/v4/user", body)).json()

    assert (await api.get(f"/v4/user/{created['userId']}")).json()["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timezone": "Europe/Bonn"}, "timezone"),
        ({"email": "ana@"}, "email"),
        ({"email": "ana@klinik.test\nBcc: x@y.test"}, "email"),
        ({"givenName": " "}, "givenName"),
        ({"givenName": "A\x00na"}, "givenName"),
        ({"familyName": "R" * 121}, "familyName"),
        ({"slug": "an"}, "slug"),
        ({"slug": "webhooks"}, "slug"),
        ({"userType": "robot"}, "userType"),
        ({"picture": "javascript:alert(1)"}, "picture"),
        ({"bookingLimits": {"perDay": 0}}, "bookingLimits.perDay"),
        ({"bookingLimits": {"perDay": 2**40}}, "bookingLimits.perDay"),
        ({"meetingType": {"duration": 4}}, "meetingType.duration"),
        ({"meetingType": {"duration": True}}, "meetingType.duration"),
        ({"availability": {"schedule": {"monday": {"hours": [{"start": "9", "end": "10:00"}]}}}},
         "availability.schedule.monday.hours.0.start"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_by_its_field(api: Api, change: dict[str, Any], field: str) -> None:
    answer = await api.post("/v4/user", ana(**change))

    assert answer.status_code == 400
    assert answer.json()["message"] == "Validation failed"
    assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_a_channel_that_needs_a_link_cannot_be_the_first(api: Api) -> None:
    answer = await api.post("/v4/user", ana(meetingType={"channel": "custom"}))

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "custom-link-missing")
    assert [one["field"] for one in answer.json()["errors"]] == ["meetingType.channel"]
    assert (await api.get("/v4/user")).json()["total"] == 1


async def test_half_a_surrogate_pair_is_refused(api: Api) -> None:
    raw = b'{"email": "ana@klinik.test", "givenName": "\\ud800", "familyName": "Roth"}'

    answer = await api.call("POST", "/v4/user", content=raw, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == ["givenName"]


async def test_an_address_is_used_once_per_company(api: Api, another_company: CompanyMaker) -> None:
    body = ana()
    await api.post("/v4/user", body)

    again = await api.post("/v4/user", ana(email=body["email"].upper()))
    elsewhere = await (await another_company()).post("/v4/user", ana(email=body["email"]))

    assert again.status_code == 400
    assert [one["field"] for one in again.json()["errors"]] == ["email"]
    assert elsewhere.status_code == 201


async def test_a_slug_is_used_once_everywhere(api: Api, another_company: CompanyMaker) -> None:
    body = ana(slug=f"ana-{uuid4()}")
    await api.post("/v4/user", body)

    answer = await (await another_company()).post("/v4/user", ana(slug=body["slug"]))

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "user-slug-taken")


async def test_a_personal_token_never_creates_changes_or_deletes_users(api: Api) -> None:
    token = await api.token()
    mine = f"/v4/user/{api.company.user_id}"

    answers = [
        await token.post("/v4/user", ana()),
        await token.patch(mine, {"givenName": "Eve"}),
        await token.delete(mine),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_users_are_listed_page_by_page(api: Api) -> None:
    resource = await api.member(user_type="resource")
    await api.member()

    first = (await api.holding(api.secret).get("/v4/user", limit=2)).json()
    second = (await api.get("/v4/user", limit=2, offset=2)).json()
    resources = (await api.get("/v4/user", userType="resource", limit="", offset="")).json()

    assert (first["total"], first["limit"], first["offset"], len(first["users"])) == (3, 2, 0, 2)
    assert first["users"][0]["id"] == str(api.company.user_id)
    assert (second["total"], second["offset"], len(second["users"])) == (3, 2, 1)
    assert [user["id"] for user in resources["users"]] == [str(resource.user_id)]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"offset": -1}, {"offset": 2**63}, {"userType": "x"}])
async def test_a_list_beyond_its_bounds_is_refused(api: Api, query: dict[str, Any]) -> None:
    assert (await api.get("/v4/user", **query)).status_code == 400


async def test_only_administrators_list_users(api: Api) -> None:
    answer = await (await api.member()).get("/v4/user")

    assert (answer.status_code, answer.json()["errorCode"]) == (403, "admins-only")


async def test_me_is_the_acting_user_with_his_company(api: Api) -> None:
    member = await api.member(given_name="Ben", title="Nurse")

    me = (await member.get("/v4/user/me")).json()
    owner = (await api.holding(api.secret).get("/v4/user/me")).json()

    assert me["id"] == str(member.user_id)
    assert (me["firstName"], me["givenName"], me["title"], me["isAdmin"]) == ("Ben", "Ben", "Nurse", False)
    assert me["fullName"] == f"{me['givenName']} {me['familyName']}"
    assert me["company"] == {
        "id": str(api.company.company_id),
        "name": "Acme",
        "tier": "enterprise",
        "effectiveTier": "enterprise",
        "isInTrial": False,
        "featureAccess": {},
    }
    assert "hostNo" not in me
    assert (owner["id"], owner["isAdmin"]) == (str(api.company.user_id), True)
    assert owner["meetingTypeIds"] == [str(api.company.meeting_type_id)]


async def test_a_user_is_changed(api: Api) -> None:
    member = await api.member(title="Nurse", phone_number="+43 1 234")
    slug = f"John Doe {uuid4()}"

    answer = await api.patch(
        f"/v4/user/{member.user_id}",
        {"givenName": "John", "slug": slug, "timezone": "Asia/Tokyo", "language": "de", "title": None,
         "bookingLimits": {"perWeek": 9}, "email": "other@acme.test"},
    )  # fmt: skip

    assert answer.status_code == 200
    user = answer.json()
    assert (user["givenName"], user["slug"]) == ("John", slug.lower().replace(" ", "-"))
    assert (user["timezone"], user["language"], user["title"], user["phoneNumber"]) == (
        "Asia/Tokyo",
        "de",
        None,
        "+43 1 234",
    )
    assert user["bookingLimits"] == {"perDay": None, "perWeek": 9, "perMonth": None}
    assert user["email"] != "other@acme.test"
    assert user == (await api.get(f"/v4/user/{member.user_id}")).json()


async def test_an_old_slug_is_free_again(api: Api) -> None:
    member = await api.member()
    old = (await member.get("/v4/user/me")).json()["slug"]
    await member.patch(f"/v4/user/{member.user_id}", {"slug": f"moved-{uuid4()}"})

    answer = await api.patch(f"/v4/user/{api.company.user_id}", {"slug": old})

    assert (answer.status_code, answer.json()["slug"]) == (200, old)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "nothing-to-change"),
        ({"email": "x@y.test"}, "nothing-to-change"),
        ({"slug": "ab"}, None),
        ({"slug": "healthz"}, None),
    ],
)
async def test_a_change_that_cannot_be_is_refused(api: Api, body: dict[str, Any], code: str | None) -> None:
    answer = await api.patch(f"/v4/user/{api.company.user_id}", body)

    assert (answer.status_code, answer.json().get("errorCode")) == (400, code)


async def test_a_slug_of_somebody_else_is_refused(api: Api) -> None:
    member = await api.member()

    answer = await member.patch(f"/v4/user/{member.user_id}", {"slug": api.company.user_slug})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "user-slug-taken")


async def test_a_member_changes_himself_only(api: Api) -> None:
    member = await api.member()

    himself = await member.patch(f"/v4/user/{member.user_id}", {"title": "Nurse"})
    another = await member.patch(f"/v4/user/{api.company.user_id}", {"title": "Nurse"})

    assert (himself.status_code, himself.json()["title"]) == (200, "Nurse")
    assert (another.status_code, another.json()["errorCode"]) == (403, "not-yours")


async def test_a_deleted_user_is_gone_and_his_address_is_free(api: Api) -> None:
    body = ana(slug=f"ana-{uuid4()}")
    created = (await api.post("/v4/user", body)).json()
    token = await api.token(UUID(created["userId"]))

    answer = await api.delete(f"/v4/user/{created['userId']}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.get(f"/v4/user/{created['userId']}")).status_code == 404
    assert (await api.delete(f"/v4/user/{created['userId']}")).status_code == 404
    assert (await api.get(f"/v4/meeting-type/{created['meetingTypeId']}")).status_code == 404
    assert (await api.get(f"/v4/availability/{created['availabilityId']}")).status_code == 404
    assert (await token.get("/v4/user/me")).status_code == 401
    assert (await api.post("/v4/user", body)).status_code == 201


async def test_the_owner_stays(api: Api) -> None:
    answer = await api.delete(f"/v4/user/{api.company.user_id}")

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "owner-cannot-be-deleted")
    assert (await api.get("/v4/meeting-type")).json() != []


async def test_a_member_deletes_nobody(api: Api) -> None:
    member = await api.member()

    answer = await member.delete(f"/v4/user/{member.user_id}")

    assert (answer.status_code, answer.json()["errorCode"]) == (403, "admins-only")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("user_id", ["00000000-0000-7000-8000-000000000000", "not-an-id", "1%00"])
async def test_an_unknown_user_is_404(api: Api, method: str, user_id: str) -> None:
    answer = await api.call(method, f"/v4/user/{user_id}", json={"givenName": "Eve"})

    assert answer.status_code == 404
