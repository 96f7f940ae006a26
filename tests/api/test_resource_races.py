"""Users, meeting types and availabilities changed by several callers at once."""

import asyncio
from uuid import uuid4

from kalends.services import companies
from kalends.services.companies import AlreadyFounded, Founded
from tests.api.conftest import Api

INFO = {"name": "Talk", "description": "", "duration": 30, "channel": "phone"}


async def test_namesakes_created_at_once_get_different_slugs(api: Api) -> None:
    name = f"Twin {uuid4().hex}"

    answers = await asyncio.gather(
        *(
            api.post("/v4/user", {"email": f"twin{number}@acme.test", "givenName": "A", "familyName": name})
            for number in range(8)
        )
    )

    assert [one.status_code for one in answers] == [201] * 8
    assert len({one.json()["bookingUrl"] for one in answers}) == 8


async def test_one_address_at_once_makes_one_user(api: Api) -> None:
    answers = await asyncio.gather(
        *(
            api.post("/v4/user", {"email": "same@acme.test", "givenName": "A", "familyName": uuid4().hex})
            for _ in range(6)
        )
    )

    assert sorted(one.status_code for one in answers) == [201] + [400] * 5


async def test_types_of_one_name_at_once_get_different_slugs(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/v4/meeting-type", {"meetingInfo": INFO}) for _ in range(6)))

    assert [one.status_code for one in answers] == [201] * 6
    assert len({one.json()["slug"] for one in answers}) == 6


async def test_an_availability_is_never_deleted_under_a_type_that_begins_to_use_it(api: Api) -> None:
    kind = f"/v4/meeting-type/{api.company.meeting_type_id}"
    for _ in range(8):
        hours = (await api.post("/v4/availability", {"name": "A", "timezone": "UTC", "schedule": {}})).json()["id"]

        used, deleted = await asyncio.gather(
            api.patch(kind, {"availabilityId": hours}), api.delete(f"/v4/availability/{hours}")
        )

        assert (used.status_code, deleted.status_code) in [(200, 400), (404, 204)]


async def test_holidays_asked_for_twice_at_once_are_made_once(api: Api) -> None:
    path = f"/v4/availability/{api.company.availability_id}/holiday-exceptions"

    answers = await asyncio.gather(*(api.patch(path, {"year": 2026, "country": "FR"}) for _ in range(4)))

    assert [one.status_code for one in answers] == [200] * 4
    assert len({day["id"] for one in answers for day in one.json()}) == 11
    assert len({day["start"] for day in (await api.get("/v4/availability-exception")).json()}) == 11


async def test_two_first_runs_at_once_make_one_company(api: Api) -> None:
    async def run() -> Founded:
        async with api.app.transaction() as conn:
            return await companies.found(
                conn,
                company="First",
                email="ada@first.test",
                given_name="Ada",
                family_name=f"Roth {uuid4().hex}",
                timezone="UTC",
                now=api.app.now(),
            )

    try:
        results = await asyncio.gather(run(), run(), run(), return_exceptions=True)

        assert sorted(type(one).__name__ for one in results) == ["AlreadyFounded", "AlreadyFounded", "Founded"]
        assert AlreadyFounded.code == "already-founded"
    finally:
        async with api.app.transaction() as conn:
            await conn.execute("DELETE FROM founding")


async def test_a_user_deleted_while_types_are_made_for_him_leaves_none(api: Api) -> None:
    for _ in range(5):
        member = await api.member()
        body = {"meetingInfo": INFO, "userId": str(member.user_id), "availability": {"name": "A", "timezone": "UTC"}}
        kind = (await member.get("/v4/meeting-type")).json()[0]["id"]

        deleted, *others = await asyncio.gather(
            api.delete(f"/v4/user/{member.user_id}"),
            api.post("/v4/meeting-type", body),
            api.patch(f"/v4/meeting-type/{kind}", {"availability": {"name": "B", "timezone": "UTC"}}),
            api.post("/v4/meeting-type", body),
        )

        assert deleted.status_code == 204
        assert {one.status_code for one in others} <= {200, 201, 404}
        async with api.app.reading() as conn:
            cur = await conn.execute(
                """SELECT count(*) FROM meeting_type t FULL JOIN availability a ON false
                WHERE coalesce(t.user_id, a.user_id) = %s AND coalesce(t.deleted_at, a.deleted_at) IS NULL""",
                (member.user_id,),
            )
            assert await cur.fetchone() == (0,)
