"""Meeting types over HTTP."""

from typing import Any

import pytest

from tests import busy_rows
from tests.api.conftest import Api

INFO = {"name": "First talk", "description": "", "duration": 45, "channel": "phone"}


async def made(api: Api, **body: Any) -> dict[str, Any]:
    """Make a type and answer it."""
    answer = await api.post("/v4/meeting-type", {**body, "meetingInfo": {**INFO, **body.get("meetingInfo", {})}})
    assert answer.status_code == 201, answer.text
    found = dict(answer.json())
    assert found.pop("oneTimeLink") is None
    return found


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
            "calendarIds": None,
        },
        "enabled": True,
        "spots": 1,
        "timeslotInterval": 45,
        "bookingMinimum": 60,
        "daysIntoFuture": {"mode": "limit", "bookingLimit": 86400, "countMode": "calendar"},
        "bookingLimits": {"perDay": None, "perWeek": None, "perMonth": None},
        "locations": [],
        "availabilityId": str(api.company.availability_id),
        "ics": None,
        "internalNotes": None,
        "metadata": {},
        "isGlobalQueue": False,
        "resourceChannels": [],
        "resourceChannelIds": [],
        "questions": [],
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


async def test_a_whole_number_may_be_written_with_a_point(api: Api) -> None:
    options = {"allowedDurations": [30.0, 45.0]}

    found = await made(api, meetingInfo={"duration": 30.0}, meetingOptions=options, bookingMinimum=1e3)
    refused = await api.patch(f"/v4/meeting-type/{found['id']}", {"meetingInfo": {"duration": 30.5}})

    numbers = (found["meetingInfo"]["duration"], found["meetingOptions"]["allowedDurations"], found["bookingMinimum"])
    assert str(numbers) == "(30, [30, 45], 1000)"
    assert [one["field"] for one in refused.json()["errors"]] == ["meetingInfo.duration"]


async def test_a_list_of_lists_without_end_is_refused_where_it_stands(api: Api) -> None:
    found = await made(api)
    deep: list[object] = []
    for _ in range(700):
        deep = [deep]

    dropped = await api.patch(f"/v4/meeting-type/{found['id']}", {"unheardOf": deep})
    refused = await api.patch(f"/v4/meeting-type/{found['id']}", {"slug": deep})

    assert (dropped.status_code, refused.status_code) == (200, 400)
    assert [one["field"] for one in refused.json()["errors"]] == ["slug"]


async def test_what_clients_leave_empty_is_not_set(api: Api) -> None:
    button = {"useConfirmationButton": False, "text": "", "color": "", "link": ""}
    info = {"redirect": "", "customChannelName": "", "customChannelLink": "", "color": "", "confirmationButton": button}

    found = await made(api, meetingInfo={**INFO, **info}, slug="", availabilityId="", userId="")
    kept = {"redirect": "https://acme.test/", "color": "#fff"}
    await api.patch(f"/v4/meeting-type/{found['id']}", {"meetingInfo": kept})
    forgotten = await api.patch(f"/v4/meeting-type/{found['id']}", {"meetingInfo": info})

    assert (found["slug"], found["availabilityId"], found["userId"]) == (
        "first-talk",
        str(api.company.availability_id),
        str(api.company.user_id),
    )
    answered = found["meetingInfo"]
    assert [answered[key] for key in ("redirect", "customChannelLink", "color")] == [None, None, None]
    assert answered["confirmationButton"] == {**button, "color": None, "link": None}
    assert forgotten.json()["meetingInfo"] == answered


async def test_options_are_read_in_every_form_the_clients_send(api: Api) -> None:
    found = await made(
        api,
        allowPhoneOnlyBooking=True,
        meetingOptions={
            "allowedDurations": [60, 30, 30],
            "allowedChannels": ["phone", "zoom", "skypeForBusiness"],
            "doubleOptIn": True,
            "requireHostConfirmation": "disabled",
            "bookingPagePassword": {"enable": True, "password": "open sesame"},
            "channelAvailabilities": {"phone": None, "zoom": ""},
            "unknown": 1,
        },
    )

    options = found["meetingOptions"]
    assert options["allowedDurations"] == [30, 60]
    assert (options["allowedChannels"], options["allowSelectChannel"]) == (["phone", "zoom", "skypeForBusiness"], True)
    assert (options["doubleOptIn"], options["requireHostConfirmation"]) == ("enabled", "disabled")
    assert options["allowPhoneOnlyBooking"] is True
    assert options["bookingPagePassword"] == {"enable": True, "password": "open sesame"}
    assert options["channelAvailabilities"] == {}
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


async def test_a_type_names_the_calendars_that_block_in_it(api: Api) -> None:
    member = await api.member()
    assert member.user_id
    async with api.app.transaction() as conn:
        own = await busy_rows.connection(conn, api.company, calendars=2)
        theirs = await busy_rows.connection(conn, api.company, member.user_id)
        left = await busy_rows.connection(conn, api.company, deleted_at=api.app.now())
    named = [str(own.calendars[1]), str(theirs.calendars[0])]

    found = await made(api, meetingOptions={"calendarIds": [*named, named[0]]})
    address = f"/v4/meeting-type/{found['id']}"
    wrong = await api.patch(address, {"meetingOptions": {"calendarIds": [named[0], str(left.calendars[0])]}})
    other = await api.patch(address, {"meetingOptions": {"allowSelectChannel": True}})
    none = [await api.patch(address, {"meetingOptions": {"calendarIds": sent}}) for sent in (None, [])]

    assert found["meetingOptions"]["calendarIds"] == other.json()["meetingOptions"]["calendarIds"] == named
    assert (wrong.status_code, wrong.json()["errorCode"]) == (404, "calendar-not-found")
    assert [one["field"] for one in wrong.json()["errors"]] == ["meetingOptions.calendarIds"]
    assert [one.json()["meetingOptions"]["calendarIds"] for one in none] == [None, None]


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
        ({"meetingInfo": {"redirect": "https://[half"}}, "meetingInfo.redirect"),
        ({"meetingInfo": {"redirect": "https://a.test:99999/"}}, "meetingInfo.redirect"),
        ({"meetingInfo": {"customChannelLink": "https://\u2100.test"}}, "meetingInfo.customChannelLink"),
        ({"meetingInfo": {"redirect": "https://"}}, "meetingInfo.redirect"),
        ({"meetingInfo": {"customChannelLink": "data:text/html,x"}}, "meetingInfo.customChannelLink"),
        ({"meetingInfo": {"confirmationButton": {"link": "file:///etc"}}}, "meetingInfo.confirmationButton.link"),
        ({"meetingOptions": {"allowedDurations": [3]}}, "meetingOptions.allowedDurations.0"),
        ({"meetingOptions": {"doubleOptIn": "yes"}}, "meetingOptions.doubleOptIn"),
        ({"meetingOptions": {"bookingPagePassword": {"enable": 1}}}, "meetingOptions.bookingPagePassword.enable"),
        ({"meetingOptions": {"channelAvailabilities": {"phone": 5}}}, "meetingOptions.channelAvailabilities.phone"),
        ({"meetingOptions": {"channelAvailabilities": {"phone": "x"}}}, "meetingOptions.channelAvailabilities.phone"),
        ({"meetingOptions": {"channelAvailabilities": {"phone": {"name": "A"}}}},
         "meetingOptions.channelAvailabilities.phone.timezone"),
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
        ({"ics": {"title": {"xx": "Talk"}}}, "ics.title.xx"),
        ({"ics": {"title": {"de": 5}}}, "ics.title.de"),
        ({"ics": {"location": 5}}, "ics.location"),
        ({"availability": {"name": "Hours"}}, "availability.timezone"),
        ({"availability": {"name": "Hours", "timezone": "UTC", "exceptions": [
            {"available": True, "start": "2031-03-04T10:00", "end": "2031-03-04T10:00"}]}},
         "availability.exceptions.0.end"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_by_its_field(api: Api, change: dict[str, Any], field: str) -> None:
    answer = await api.post("/v4/meeting-type", {**change, "meetingInfo": {**INFO, **change.get("meetingInfo", {})}})

    assert answer.status_code == 400
    assert {one["field"] for one in answer.json()["errors"]} == {field}


async def test_an_availability_is_named_or_made_but_not_both(api: Api) -> None:
    both = {"availabilityId": str(api.company.availability_id), "availability": {"name": "Hours", "timezone": "UTC"}}

    answer = await api.post("/v4/meeting-type", {"meetingInfo": INFO, **both})

    assert answer.status_code == 400
    assert "exclude each other" in answer.json()["errors"][0]["message"]
