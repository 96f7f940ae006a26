"""Meeting types over HTTP."""

from typing import Any
from uuid import UUID

import pytest

from kalends.storage import meeting_types
from tests.api.conftest import Api

INFO = {"name": "First talk", "description": "", "duration": 45, "channel": "phone"}
UNKNOWN = "00000000-0000-7000-8000-000000000000"


async def made(api: Api, **body: Any) -> dict[str, Any]:
    """Make a type and answer it."""
    answer = await api.post("/v4/meeting-type", {**body, "meetingInfo": {**INFO, **body.get("meetingInfo", {})}})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_new_type_has_every_key_and_the_defaults(api: Api) -> None:
    found = await made(api)

    assert {key: found.pop(key) for key in ("id", "createdAt", "updatedAt")}.keys()
    assert found == {
        "slug": "first-talk",
        "userId": str(api.company.user_id),
        "companyId": str(api.company.company_id),
        "queueId": None,
        "workspaceId": None,
        "formId": None,
        "communicationSettingsId": None,
        "meetingInfo": {
            "name": "First talk",
            "description": "",
            "duration": 45,
            "channel": "phone",
            "enableRedirect": False,
            "redirect": None,
            "passEventDetailsToRedirect": False,
            "customChannelName": None,
            "customChannelLink": None,
            "connectChannelName": None,
            "groupBooking": False,
            "showAvailableSlots": False,
            "enrichInvitee": False,
            "confirmationButton": None,
            "bufferBefore": 0,
            "bufferAfter": 0,
            "bufferMustStayWithinWorkingHours": False,
            "color": None,
        },
        "meetingOptions": {
            "allowedDurations": [],
            "allowSelectChannel": False,
            "allowHostSelection": False,
            "forceHostSelection": False,
            "allowedChannels": [],
            "allowAddingGuests": True,
            "doubleOptIn": "useCompanySettings",
            "requireHostConfirmation": "useCompanySettings",
            "enableClusterMeeting": False,
            "enableBufferCarryOver": False,
            "maxBufferCarryOverDelay": None,
            "allowPhoneOnlyBooking": False,
            "confirmationPageCssSetting": None,
            "bookingPagePassword": None,
            "channelAvailabilities": None,
        },
        "enabled": True,
        "spots": 1,
        "timeslotInterval": 45,
        "bookingMinimum": 60,
        "daysIntoFuture": {"mode": "limit", "bookingLimit": 86400, "countMode": "calendar"},
        "bookingLimits": {"perDay": None, "perWeek": None, "perMonth": None},
        "locations": [],
        "availabilityId": None,
        "ics": None,
        "internalNotes": None,
        "metadata": {},
        "isGlobalQueue": False,
        "resourceChannelIds": [],
        "createdById": str(api.company.user_id),
        "bookingUrl": f"http://kalends.test/{api.company.user_slug}/first-talk",
        "deletedAt": None,
    }


async def test_everything_that_can_be_set_is_kept(api: Api) -> None:
    availability = (await api.get("/v4/availability")).json()[0]["id"]
    info = {
        "name": "Visit",
        "description": "Line one\nline two",
        "duration": 60,
        "channel": "custom",
        "enableRedirect": True,
        "redirect": "https://acme.test/thanks?x=1#top",
        "passEventDetailsToRedirect": True,
        "customChannelName": "Our room",
        "customChannelLink": "https://room.acme.test/1",
        "connectChannelName": "connect",
        "groupBooking": True,
        "showAvailableSlots": True,
        "enrichInvitee": True,
        "confirmationButton": {
            "useConfirmationButton": True,
            "text": "Next",
            "color": "#fff",
            "link": "http://acme.test",
        },
        "bufferBefore": 10,
        "bufferAfter": 120,
        "bufferMustStayWithinWorkingHours": True,
        "color": "rgb(1, 2, 3)",
    }
    body = {
        "meetingInfo": info,
        "slug": "Our Visit",
        "enabled": False,
        "spots": 4,
        "timeslotInterval": 15,
        "bookingMinimum": 0,
        "bookingLimits": {"perDay": 2, "perWeek": 5, "perMonth": 9},
        "locations": ["Vienna", "Graz"],
        "availabilityId": availability,
        "internalNotes": "only for us\nreally",
        "metadata": {"ticketId": "4711"},
        "isGlobalQueue": True,
    }

    found = await made(api, **body)

    assert {key: found[key] for key in body} == {**body, "slug": "our-visit"}
    assert (await api.get(f"/v4/meeting-type/{found['id']}")).json() == found


async def test_options_are_read_in_every_form_the_clients_send(api: Api) -> None:
    found = await made(
        api,
        allowPhoneOnlyBooking=True,
        meetingOptions={
            "allowedDurations": [60, 30, 30],
            "allowedChannels": ["phone", "zoom", "skypeForBusiness"],
            "doubleOptIn": True,
            "requireHostConfirmation": "disabled",
            "bookingPagePassword": {"enable": False, "password": "x"},
            "unknown": 1,
        },
    )

    options = found["meetingOptions"]
    assert options["allowedDurations"] == [30, 60]
    assert (options["allowedChannels"], options["allowSelectChannel"]) == (["phone", "zoom", "skypeForBusiness"], True)
    assert (options["doubleOptIn"], options["requireHostConfirmation"]) == ("enabled", "disabled")
    assert (options["allowPhoneOnlyBooking"], options["bookingPagePassword"]) == (True, {"enable": False})
    assert "unknown" not in options


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"mode": "limit"}, {"mode": "limit", "bookingLimit": 86400, "countMode": "calendar"}),
        ({"bookingLimit": 60, "countMode": "rolling", "rangeMin": None},
         {"mode": "limit", "bookingLimit": 60, "countMode": "rolling"}),
        ({"mode": "range", "rangeMin": "2031-03-04", "rangeMax": "2031-03-04"},
         {"mode": "range", "rangeMin": "2031-03-04", "rangeMax": "2031-03-04"}),
        ({"mode": "range", "rangeMin": "2031-03-04T10:00:00+02:00", "rangeMax": "2031-03-05T10:00"},
         {"mode": "range", "rangeMin": "2031-03-04T08:00:00Z", "rangeMax": "2031-03-05T10:00"}),
        ({"mode": "unlimited", "bookingLimit": 5}, {"mode": "unlimited"}),
    ],
)  # fmt: skip
async def test_the_booking_window_has_three_modes(api: Api, sent: dict[str, Any], kept: dict[str, Any]) -> None:
    assert (await made(api, daysIntoFuture=sent))["daysIntoFuture"] == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Talk with {!M.Guest.Fullname}", {"title": {"en": "Talk with {!M.Guest.Fullname}"}}),
        ({"title": "Talk", "description": {"de": "Hallo", "en": "Hello"}, "location": ""},
         {"title": {"en": "Talk"}, "description": {"de": "Hallo", "en": "Hello"}}),
        (None, None),
    ],
)  # fmt: skip
async def test_texts_of_the_invitation_are_kept_by_language(api: Api, sent: Any, kept: Any) -> None:
    assert (await made(api, ics=sent))["ics"] == kept


async def test_an_availability_is_made_along_and_opens_by_exceptions_only(api: Api) -> None:
    found = await made(
        api,
        availability={
            "name": "Ticket 4711",
            "timezone": "Asia/Katmandu",
            "exceptions": [{"available": True, "start": "2031-03-04T10:00", "end": "2031-03-04T12:00"}],
        },
    )

    availability = (await api.get(f"/v4/availability/{found['availabilityId']}")).json()
    assert (availability["name"], availability["timezone"]) == ("Ticket 4711", "Asia/Katmandu")
    assert not any(day["enabled"] for day in availability["schedule"].values())
    [opening] = availability["availabilityExceptions"]
    assert (opening["ownerType"], opening["ownerId"], opening["available"]) == (
        "availability",
        availability["id"],
        True,
    )
    assert (opening["start"], opening["end"]) == ("2031-03-04T10:00", "2031-03-04T12:00")


async def test_channels_have_availabilities_of_their_own(api: Api) -> None:
    known = (await api.get("/v4/availability")).json()[0]["id"]

    found = await made(
        api,
        meetingOptions={"channelAvailabilities": {"phone": known, "zoom": {"name": "Zoom", "timezone": "UTC"}}},
    )

    chosen = found["meetingOptions"]["channelAvailabilities"]
    assert chosen["phone"] == known
    assert (await api.get(f"/v4/availability/{chosen['zoom']}")).json()["name"] == "Zoom"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"meetingInfo": {"duration": 4}}, "meetingInfo.duration"),
        ({"meetingInfo": {"duration": 481}}, "meetingInfo.duration"),
        ({"meetingInfo": {"duration": "45"}}, "meetingInfo.duration"),
        ({"meetingInfo": {"name": "Two\nlines"}}, "meetingInfo.name"),
        ({"meetingInfo": {"name": ""}}, "meetingInfo.name"),
        ({"meetingInfo": {"name": None}}, "meetingInfo.name"),
        ({"meetingInfo": {"description": None}}, "meetingInfo.description"),
        ({"meetingInfo": {"description": "A\x00"}}, "meetingInfo.description"),
        ({"meetingInfo": {"channel": "google_meet"}}, "meetingInfo.channel"),
        ({"meetingInfo": {"channel": "custom"}}, "meetingInfo.customChannelLink"),
        ({"meetingInfo": {"bufferBefore": -1}}, "meetingInfo.bufferBefore"),
        ({"meetingInfo": {"bufferAfter": 121}}, "meetingInfo.bufferAfter"),
        ({"meetingInfo": {"color": "red;}"}}, "meetingInfo.color"),
        ({"meetingInfo": {"redirect": "javascript:alert(1)"}}, "meetingInfo.redirect"),
        ({"meetingInfo": {"redirect": "https://"}}, "meetingInfo.redirect"),
        ({"meetingInfo": {"customChannelLink": "data:text/html,x"}}, "meetingInfo.customChannelLink"),
        ({"meetingInfo": {"confirmationButton": {"link": "file:///etc"}}}, "meetingInfo.confirmationButton.link"),
        ({"meetingOptions": {"allowedDurations": [3]}}, "meetingOptions.allowedDurations.0"),
        ({"meetingOptions": {"doubleOptIn": "yes"}}, "meetingOptions.doubleOptIn"),
        ({"meetingOptions": {"bookingPagePassword": {"enable": True}}}, "meetingOptions.bookingPagePassword.enable"),
        ({"slug": "!!!"}, "slug"),
        ({"slug": "30min-meeting"}, "slug"),
        ({"spots": 0}, "spots"),
        ({"spots": 101}, "spots"),
        ({"timeslotInterval": 4}, "timeslotInterval"),
        ({"timeslotInterval": 61}, "timeslotInterval"),
        ({"bookingMinimum": -1}, "bookingMinimum"),
        ({"bookingMinimum": 2**31}, "bookingMinimum"),
        ({"daysIntoFuture": {"mode": "never"}}, "daysIntoFuture.mode"),
        ({"daysIntoFuture": {"mode": "range"}}, "daysIntoFuture"),
        ({"daysIntoFuture": {"mode": "range", "rangeMin": "2031-02-30"}}, "daysIntoFuture"),
        ({"daysIntoFuture": {"rangeMin": "2031-03-04", "rangeMax": "2031-03-03"}}, "daysIntoFuture"),
        ({"daysIntoFuture": {"bookingLimit": 0}}, "daysIntoFuture.bookingLimit"),
        ({"bookingLimits": {"perMonth": 0}}, "bookingLimits.perMonth"),
        ({"locations": [1]}, "locations.0"),
        ({"metadata": {str(key): "x" for key in range(21)}}, "metadata"),
        ({"metadata": {"a": "x" * 501}}, "metadata.a"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"ics": {"title": {"xx": "Talk"}}}, "ics.title"),
        ({"availability": {"name": "Hours"}}, "availability.timezone"),
        ({"availability": {"name": "Hours", "timezone": "UTC", "exceptions": [
            {"available": True, "start": "2031-03-04T10:00", "end": "2031-03-04T10:00"}]}},
         "availability.exceptions.0.end"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_by_its_field(api: Api, change: dict[str, Any], field: str) -> None:
    answer = await api.post("/v4/meeting-type", {**change, "meetingInfo": {**INFO, **change.get("meetingInfo", {})}})

    assert answer.status_code == 400
    assert {one["field"][: len(field)] for one in answer.json()["errors"]} == {field}


async def test_an_availability_is_named_or_made_but_not_both(api: Api) -> None:
    both = {"availabilityId": str(api.company.availability_id), "availability": {"name": "Hours", "timezone": "UTC"}}

    answer = await api.post("/v4/meeting-type", {"meetingInfo": INFO, **both})

    assert answer.status_code == 400
    assert "exclude each other" in answer.json()["errors"][0]["message"]


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
        availabilityId=str(api.company.availability_id),
    )
    nothing = {"bookingLimits": None, "ics": None, "internalNotes": None, "availabilityId": None}

    after = (await api.patch(f"/v4/meeting-type/{before['id']}", nothing)).json()

    assert {key: after[key] for key in nothing} == {
        **nothing,
        "bookingLimits": {"perDay": None, "perWeek": None, "perMonth": None},
    }


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
