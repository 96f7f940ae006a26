"""Meeting types over HTTP once they are there: changed, listed, deleted, and by whom."""

from uuid import UUID

import pytest

from kalends.storage import meeting_types
from tests.api.conftest import Api
from tests.api.test_meeting_types import INFO, made

UNKNOWN = "00000000-0000-7000-8000-000000000000"


async def test_slugs_from_equal_names_get_numbers(api: Api) -> None:
    slugs = [(await made(api))["slug"] for _ in range(3)]

    assert slugs == ["first-talk", "first-talk-2", "first-talk-3"]


async def test_a_slug_is_used_once_per_user(api: Api) -> None:
    await made(api, slug="visit")
    other = await made(api)

    created = await api.post("/v4/meeting-type", {"meetingInfo": INFO, "slug": "Visit"})
    changed = await api.patch(f"/v4/meeting-type/{other['id']}", {"slug": "visit"})
    member = await made(await api.member(), slug="visit")

    for refused in (created, changed):
        assert (refused.status_code, refused.json()["errorCode"]) == (400, "meeting-type-slug-taken")
    assert member["slug"] == "visit"


async def test_a_patch_changes_what_it_names_and_nothing_else(api: Api) -> None:
    before = await made(
        api,
        meetingInfo={"bufferBefore": 10, "color": "#ffffff"},
        meetingOptions={"allowedDurations": [30, 45]},
        timeslotInterval=15,
        internalNotes="note",
        bookingLimits={"perDay": 3},
        ics={"title": "Talk"},
        metadata={"a": "1", "b": "2"},
    )

    after = (
        await api.patch(
            f"/v4/meeting-type/{before['id']}",
            {
                "meetingInfo": {"name": "Second talk", "duration": 30, "color": None, "bufferBefore": None},
                "meetingOptions": {"allowAddingGuests": False},
                "slug": "second-talk",
                "timeslotInterval": None,
                "metadata": {"a": "3"},
            },
        )
    ).json()

    info = {**before["meetingInfo"], "name": "Second talk", "duration": 30, "color": None}
    options = {**before["meetingOptions"], "allowAddingGuests": False}
    assert after.pop("updatedAt") > before.pop("updatedAt")
    assert after == {
        **before,
        "meetingInfo": info,
        "meetingOptions": options,
        "slug": "second-talk",
        "bookingUrl": before["bookingUrl"].replace("first-talk", "second-talk"),
        "timeslotInterval": 30,
        "metadata": {"a": "3"},
    }


async def test_null_forgets_limits_texts_notes_and_availability(api: Api) -> None:
    before = await made(
        api,
        bookingLimits={"perDay": 3},
        ics={"title": "Talk"},
        internalNotes="note",
        availability={"name": "Evenings", "timezone": "UTC"},
    )
    nothing = {"bookingLimits": None, "ics": None, "internalNotes": None, "availabilityId": None}

    after = (await api.patch(f"/v4/meeting-type/{before['id']}", nothing)).json()

    assert before["availabilityId"] != str(api.company.availability_id)
    assert {key: after[key] for key in nothing} == {
        **nothing,
        "bookingLimits": {"perDay": None, "perWeek": None, "perMonth": None},
        "availabilityId": str(api.company.availability_id),
    }


async def test_of_the_button_too_a_patch_changes_only_what_it_names(api: Api) -> None:
    button = {"useConfirmationButton": True, "text": "Pay", "color": "#0b5fff", "link": "https://pay.acme.test"}
    found = await made(api, meetingInfo={"confirmationButton": button})
    change = {"meetingInfo": {"confirmationButton": {"text": "Pay now", "color": None}}}

    changed = (await api.patch(f"/v4/meeting-type/{found['id']}", change)).json()
    cleared = (await api.patch(f"/v4/meeting-type/{found['id']}", {"meetingInfo": {"confirmationButton": None}})).json()

    assert changed["meetingInfo"]["confirmationButton"] == {**button, "text": "Pay now", "color": None}
    assert cleared["meetingInfo"]["confirmationButton"] is None


@pytest.mark.parametrize("duration", [30, 90, 480])
async def test_a_type_can_be_sent_back_as_it_was_answered(api: Api, duration: int) -> None:
    before = await made(
        api, meetingInfo={"duration": duration}, ics={"title": "Talk"}, availability={"name": "A", "timezone": "UTC"}
    )

    answer = await api.patch(f"/v4/meeting-type/{before['id']}", before)
    copied = await api.post("/v4/meeting-type", {**before, "slug": None})

    assert answer.json() == {**before, "updatedAt": answer.json()["updatedAt"]}
    assert copied.json()["timeslotInterval"] == duration


async def test_an_interval_that_follows_the_duration_goes_on_when_both_are_sent_back(api: Api) -> None:
    before = await made(api, meetingInfo={"duration": 90})
    path, info = f"/v4/meeting-type/{before['id']}", before["meetingInfo"]

    longer = await api.patch(path, {**before, "meetingInfo": {**info, "duration": 120}})
    refused = await api.patch(path, {"timeslotInterval": 90})

    assert (longer.status_code, longer.json()["timeslotInterval"]) == (200, 120)
    assert [one["field"] for one in refused.json()["errors"]] == ["timeslotInterval"]


async def test_a_channel_that_needs_a_link_cannot_lose_it(api: Api) -> None:
    info = {"channel": "custom", "customChannelLink": "https://room.acme.test"}
    found = await made(api, meetingInfo=info)

    answer = await api.patch(f"/v4/meeting-type/{found['id']}", {"meetingInfo": {"customChannelLink": None}})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "custom-link-missing")


async def test_the_list_holds_the_acting_users_types_oldest_first(api: Api) -> None:
    member = await api.member()
    first, second = await made(api), await made(api, enabled=False)

    found = (await api.get("/v4/meeting-type")).json()

    assert [one["id"] for one in found] == [str(api.company.meeting_type_id), first["id"], second["id"]]
    assert len((await member.get("/v4/meeting-type")).json()) == 1


async def test_a_deleted_type_is_gone_and_its_slug_is_free(api: Api) -> None:
    found = await made(api)

    answer = await api.delete(f"/v4/meeting-type/{found['id']}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert found["id"] not in [one["id"] for one in (await api.get("/v4/meeting-type")).json()]
    again = await api.delete(f"/v4/meeting-type/{found['id']}")
    assert (again.status_code, again.json()["message"]) == (404, "Meeting type not found")
    async with api.app.reading() as conn:
        kept = await meeting_types.get(conn, api.company.company_id, UUID(found["id"]), deleted=True)
    assert kept
    assert kept.deleted_at
    assert (await made(api))["slug"] == "first-talk"


async def test_a_member_reads_others_types_and_changes_only_his_own(api: Api) -> None:
    member = await api.member()
    path = f"/v4/meeting-type/{api.company.meeting_type_id}"

    read = await member.get(path)
    changed = await member.patch(path, {"enabled": False})
    deleted = await member.delete(path)
    created = await member.post("/v4/meeting-type", {"meetingInfo": INFO, "userId": str(api.company.user_id)})

    assert read.status_code == 200
    assert [one.status_code for one in (changed, deleted, created)] == [403, 403, 403]
    assert deleted.json()["message"] == "Not authorized to delete this meeting type"
    assert (await api.get(path)).json()["enabled"] is True


async def test_an_administrator_creates_and_changes_types_of_others(api: Api) -> None:
    member = await api.member()
    found = await made(api, userId=str(member.user_id))

    changed = await api.patch(f"/v4/meeting-type/{found['id']}", {"spots": 3})
    deleted = await api.delete(f"/v4/meeting-type/{found['id']}")

    assert (found["userId"], found["createdById"]) == (str(member.user_id), str(api.company.user_id))
    assert (changed.json()["spots"], changed.json()["bookingUrl"]) == (3, found["bookingUrl"])
    assert deleted.status_code == 200


async def test_an_availability_of_another_user_is_not_found(api: Api) -> None:
    member = await api.member()
    theirs = (await member.get("/v4/availability")).json()[0]["id"]
    mine = f"/v4/meeting-type/{api.company.meeting_type_id}"

    answers = [
        await api.patch(mine, {"availabilityId": theirs}),
        await api.patch(mine, {"meetingOptions": {"channelAvailabilities": {"phone": theirs}}}),
        await api.post("/v4/meeting-type", {"meetingInfo": INFO, "availabilityId": theirs}),
        await api.post("/v4/meeting-type", {"meetingInfo": INFO, "userId": UNKNOWN}),
    ]

    assert [one.status_code for one in answers] == [404, 404, 404, 404]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("type_id", [UNKNOWN, "not-an-id"])
async def test_an_unknown_type_is_404(api: Api, method: str, type_id: str) -> None:
    answer = await api.call(method, f"/v4/meeting-type/{type_id}", json={})

    assert answer.status_code == 404
