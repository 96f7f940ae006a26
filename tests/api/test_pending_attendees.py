"""Pending attendees over HTTP, and when a booking takes them."""

from typing import Any

import pytest

from kalends.app import App
from kalends.services import pending_attendees
from kalends.services.orders import NewAttendee
from kalends.services.pending_attendees import PendingAttendeeNotFound
from tests.api.conftest import Api, CompanyMaker

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/attendee/pending"
NOBODY = NewAttendee(None)


async def test_a_number_is_answered_and_the_form_is_kept(api: Api) -> None:
    form = {
        "email": "gil@guests.test", "phone": "0660 1234567", "firstname": "Gil", "lastname": "Moss", "language": "de",
        "timezone": "Europe/Vienna", "notes": {"Topic": "Contract"}, "bringalongEmails": ["pal@guests.test"],
        "receiveReminders": False, "dataPolicyAccepted": True,
    }  # fmt: skip

    answer = await api.post(PATH, {"attendee": form, "routingFormId": "ignored"})

    assert answer.status_code == 201
    number = answer.json()
    assert type(number) is int
    [found] = (await api.get(PATH)).json()
    assert found.pop("createdAt") == found.pop("updatedAt")
    kept: dict[str, Any] = {**form, "phone": "+436601234567", "fullname": None, "deletedAt": None}
    assert found == {**kept, "id": number, "companyId": str(api.company.company_id)}


async def test_a_name_is_enough(api: Api) -> None:
    numbers = [
        (await api.post(PATH, {"attendee": {key: "Gil"}})).json() for key in ("fullname", "firstname", "lastname")
    ]

    listed = (await api.get(PATH)).json()

    assert [one["id"] for one in listed] == numbers
    assert [one["email"] for one in listed] == [None] * 3
    assert {str(one["notes"]) for one in listed} == {"{}"}


@pytest.mark.parametrize(
    ("attendee", "field"),
    [
        ({"email": "gil@guests.test"}, "attendee.fullname"),
        ({"fullname": " ", "email": "gil@guests.test"}, "attendee.fullname"),
        ({"fullname": "Gil", "email": "gil"}, "attendee.email"),
        ({"fullname": "Gil", "phone": "0660 1234567"}, "attendee.phone"),
        ({"fullname": "Gil", "timezone": "Mars"}, "attendee.timezone"),
        (None, "attendee"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, attendee: Any, field: str) -> None:
    answer = await api.post(PATH, {"attendee": attendee})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert (await api.get(PATH)).json() == []


async def test_companies_do_not_see_each_others(api: Api, another_company: CompanyMaker, app: App) -> None:
    number = (await api.post(PATH, {"attendee": {"fullname": "Gil"}})).json()
    other = await another_company()

    assert (await other.get(PATH)).json() == []
    async with app.transaction() as conn:
        with pytest.raises(PendingAttendeeNotFound):
            await pending_attendees.completed(conn, other.company.company_id, number, NOBODY)
        with pytest.raises(PendingAttendeeNotFound):
            await pending_attendees.use(conn, other.company.company_id, number, app.now())


async def test_who_has_booked_is_pending_no_more(api: Api, app: App) -> None:
    company_id = api.company.company_id
    number, other = [(await api.post(PATH, {"attendee": {"fullname": name}})).json() for name in ("Gil", "Ida")]

    async with app.transaction() as conn:
        before = await pending_attendees.completed(conn, company_id, number, NOBODY)
        await pending_attendees.use(conn, company_id, number, app.now())

    assert before.full_name == "Gil"
    assert [one["id"] for one in (await api.get(PATH)).json()] == [other]
    async with app.transaction() as conn:
        with pytest.raises(PendingAttendeeNotFound):
            await pending_attendees.completed(conn, company_id, number, NOBODY)
        with pytest.raises(PendingAttendeeNotFound):
            await pending_attendees.use(conn, company_id, number, app.now())


async def test_a_booking_takes_what_was_filled_in_before(api: Api, another_company: CompanyMaker) -> None:
    form = {"fullname": "Gil Moss", "email": "gil@guests.test", "notes": {"Topic": "Contract"}}
    number = (await api.post(PATH, {"attendee": form})).json()
    foreign = (await (await another_company()).post(PATH, {"attendee": form})).json()
    booking = {"meetingTypeId": str(api.company.meeting_type_id), "start": "2031-03-05T09:00:00Z"}

    def order(pending: object) -> dict[str, Any]:
        return {**booking, "attendee": {"notes": {"Floor": "2"}}, "attendeePendingId": pending}

    refused = [await api.post("/v4/booking", order(pending)) for pending in (foreign, "x", number + 1000)]
    booked = await api.post("/v4/booking", order(number))

    assert [answer.status_code for answer in refused] == [404, 400, 404]
    assert refused[0].json()["errorCode"] == "pending-attendee-not-found"
    assert booked.status_code == 201, booked.text
    found = (await api.get(f"/v4/appointment/{booked.json()['appointmentId']}")).json()["attendees"][0]
    assert (found["email"], found["fullname"]) == ("gil@guests.test", "Gil Moss")
    assert found["notes"] == {"Topic": "Contract", "Floor": "2"}
    assert (await api.get(PATH)).json() == []
    again = await api.post("/v4/booking", {**order(number), "start": "2031-03-05T11:00:00Z"})
    assert again.status_code == 404
