"""One-time booking links over HTTP."""

import pytest

from tests.api.conftest import Api
from tests.api.test_meeting_types import INFO, made

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/one-time-booking-link/create"
START = "2031-03-05T09:00:00Z"
UNKNOWN = "00000000-0000-7000-8000-000000000000"


async def test_a_link_leads_to_the_types_page(api: Api) -> None:
    kind = await made(api)

    answer = await api.call("POST", f"{PATH}/{kind['id']}")

    assert answer.status_code == 201
    found = answer.json()
    url = f"{kind['bookingUrl']}?oneTimeLinkId={found['id']}"
    assert found.pop("createdAt").endswith("Z")
    assert found == {
        "id": found["id"], "url": url, "link": url, "token": found["id"], "meetingTypeId": kind["id"], "used": False,
    }  # fmt: skip
    again = (await api.post(f"{PATH}/{kind['id']}")).json()
    assert again["id"] != found["id"]


async def test_a_new_type_brings_one_when_asked(api: Api) -> None:
    asked = await api.post("/v4/meeting-type", {"meetingInfo": INFO, "options": {"createOneTimeLink": True}})
    not_asked = await api.post("/v4/meeting-type", {"meetingInfo": INFO, "options": {"createOneTimeLink": False}})

    kind = asked.json()
    link = kind["oneTimeLink"]
    assert (asked.status_code, link["meetingTypeId"]) == (201, kind["id"])
    assert link["url"] == f"{kind['bookingUrl']}?oneTimeLinkId={link['id']}"
    assert (not_asked.status_code, not_asked.json()["oneTimeLink"]) == (201, None)


async def test_owners_and_administrators_make_links(api: Api) -> None:
    member, other = await api.member(), await api.member()
    kind = await made(member)

    answers = [await who.post(f"{PATH}/{kind['id']}") for who in (member, api, other)]
    unknown = await api.post(f"{PATH}/{UNKNOWN}")

    assert [answer.status_code for answer in answers] == [201, 201, 403]
    assert answers[2].json()["errorCode"] == "meeting-type-not-yours"
    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, "meeting-type-not-found")


async def test_a_link_books_its_own_type_once(api: Api) -> None:
    link = (await api.post(f"{PATH}/{api.company.meeting_type_id}")).json()["id"]
    other = await made(api)
    booking = {"meetingTypeId": str(api.company.meeting_type_id), "attendee": {"email": "gil@guests.test"}}

    mismatch = await api.post(
        "/v4/booking", {**booking, "meetingTypeId": other["id"], "start": START, "oneTimeLinkId": link}
    )
    booked = await api.post("/v4/booking", {**booking, "start": START, "oneTimeLinkId": link})
    await api.post(f"/v4/appointment/{booked.json()['appointmentId']}/cancel")
    again = await api.post("/v4/booking", {**booking, "start": "2031-03-05T11:00:00Z", "oneTimeLinkId": link})

    assert booked.status_code == 201
    assert [(one.status_code, one.json()["errorCode"]) for one in (mismatch, again)] == [
        (400, "one-time-link-mismatch"),
        (400, "one-time-link-used"),
    ]
