"""Provisional bookings over HTTP: lists with all filters, confirming, declining (contract 2.6, 6.4)."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from whenever import Instant

from kalends.app import App
from kalends.services import appointments
from tests import factories
from tests.api.conftest import Api, CompanyMaker
from tests.ordering import NOW, START
from tests.statements import counted

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/provisional-booking"
LIST = f"{PATH}/paginated"


@pytest.fixture
async def kind(api: Api) -> str:
    """Make a type whose hosts have to approve."""
    return await approved_type(api)


async def approved_type(api: Api) -> str:
    async with api.app.transaction() as conn:
        options = {"requireHostConfirmation": "enabled"}
        return str((await factories.meeting_type(conn, api.company, now=NOW, meeting_options=options)).id)


async def book(api: Api, kind: str, hours: int = 0, **fields: Any) -> str:
    attendee = {
        "email": "gil@guests.test",
        "fullname": "Gil Moss",
        "receiveReminders": True,
        "notes": {"Topic": "Roof"},
    }
    start = START.add(hours=hours).format_iso()
    answer = await api.post("/v4/booking", {"meetingTypeId": kind, "start": start, "attendee": attendee, **fields})
    assert answer.status_code == 201, answer.text
    assert answer.json()["bookingType"] in ("requireHostConfirmation", "doubleOptIn")
    return str(answer.json()["provisionalBookingId"])


async def listed(api: Api, **query: Any) -> list[str]:
    answer = await api.get(LIST, page=0, pageSize=100, **query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["provisionalBookings"])
    return [one["id"] for one in answer.json()["provisionalBookings"]]


def later(app: App, minutes: int) -> None:
    app.now = lambda: NOW.add(minutes=minutes)


async def test_a_booking_that_waits_is_shown_whole(api: Api, kind: str) -> None:
    made = await book(api, kind)

    answer = await api.get(LIST, page=0, pageSize=1)

    (one,) = answer.json()["provisionalBookings"]
    (host,) = one.pop("hosts")
    dto = one.pop("dto")
    assert one == {
        "id": made, "type": "requireHostConfirmation", "status": "pending", "meetingTypeId": kind,
        "queueBookingInfo": None, "start": "2031-03-05T09:00:00.000Z", "expiresAt": "2031-03-04T09:00:00.000Z",
        "provedAt": "2031-03-03T09:00:00.000Z", "reason": None, "appointmentId": None,
        "createdAt": "2031-03-03T09:00:00.000Z", "updatedAt": "2031-03-03T09:00:00.000Z", "deletedAt": None,
    }  # fmt: skip
    assert (host["id"], host["givenName"], host["userType"], host["picture"]) == (
        str(api.company.user_id), "Ada", "standard", None,
    )  # fmt: skip
    assert set(host) == {"id", "givenName", "familyName", "slug", "userType", "picture"}
    assert (dto["meetingTypeId"], Instant.parse_iso(dto["start"]), dto["attendee"]["notes"]) == (
        kind, START, {"Topic": "Roof"},
    )  # fmt: skip
    assert (await api.get(f"{PATH}/{made}")).json() == {**one, "hosts": [host], "dto": dto}


async def test_the_page_asked_for_is_answered_the_newest_first(api: Api, kind: str) -> None:
    made = [await book(api, kind, hours) for hours in range(3)]

    pages = [(await api.get(LIST, page=number, pageSize=2)).json() for number in range(3)]

    assert [[one["id"] for one in page["provisionalBookings"]] for page in pages] == [
        [made[2], made[1]], [made[0]], [],
    ]  # fmt: skip
    assert {page["total"] for page in pages} == {3}


@pytest.mark.parametrize(
    "query", [{}, {"page": 0}, {"pageSize": 5}, {"page": -1, "pageSize": 5}, {"page": 0, "pageSize": 101},
              {"page": 0, "pageSize": 5, "status": "gone"}],
)  # fmt: skip
async def test_page_and_size_are_required(api: Api, query: dict[str, Any]) -> None:
    assert (await api.get(LIST, **query)).status_code == 400


async def test_members_list_their_own_and_administrators_whose_they_like(api: Api, kind: str) -> None:
    ben, other = await api.member(), await approved_type(api)
    mine = await book(api, kind)
    his = await book(api, kind, 1, hostIds=[str(ben.user_id)])
    ours = await book(api, other, 2, hostIds=[str(api.user_id), str(ben.user_id)], calculationMethod="everyone")

    assert await listed(ben) == [ours, his]
    assert await listed(ben, userId=str(ben.user_id)) == [ours, his]
    assert await listed(api) == [ours, mine]
    assert await listed(api, userId=str(ben.user_id)) == [ours, his]
    assert await listed(api, fetchAll="true") == [ours, his, mine]
    assert await listed(api, fetchAll="true", userId=str(ben.user_id)) == [ours, his]
    assert await listed(api, meetingTypeId=kind) == [his, mine]
    assert await listed(api, meetingTypeId=kind, userId=str(ben.user_id)) == [his]
    for query in ({"fetchAll": "true"}, {"userId": str(api.user_id)}, {"meetingTypeId": kind}):
        answer = await ben.get(LIST, page=0, pageSize=5, **query)
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "admins-only")


async def test_a_status_filters(api: Api, app: App, kind: str) -> None:
    no, yes, over = [await book(api, kind, hours) for hours in range(3)]
    await api.post(f"{PATH}/{no}/decline")
    await api.post(f"{PATH}/{yes}/confirm")
    later(app, 24 * 60)
    waits = await book(api, kind, 3)

    found = {
        status: await listed(api, status=status) for status in ("pending", "confirmed", "expired", "declined_by_host")
    }

    assert found == {"pending": [waits], "confirmed": [yes], "expired": [over], "declined_by_host": [no]}
    assert await listed(api, status="") == [waits, over, yes, no]
    ended = (await api.get(f"{PATH}/{over}")).json()
    assert (ended["status"], ended["deletedAt"]) == ("expired", "2031-03-04T09:00:00.000Z")


async def test_confirming_answers_the_booking_with_its_appointment(api: Api, kind: str) -> None:
    made = await book(api, kind)

    answer, again = [await api.post(f"{PATH}/{made}/confirm") for _ in range(2)]

    assert (answer.status_code, again.status_code, again.json()) == (200, 200, answer.json())
    found = answer.json()
    async with api.app.reading() as conn:
        stored = await appointments.get(conn, actor=factories.actor(api.company), appointment_id=found["appointmentId"])
    assert (found["id"], found["status"], found["secret"]) == (made, "confirmed", stored.attendees[0].secret)
    refused = await api.post(f"{PATH}/{made}/decline")
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "already-confirmed")


async def test_declining_answers_the_booking_with_its_reason(api: Api, kind: str) -> None:
    made = await book(api, kind)

    answer = await api.post(f"{PATH}/{made}/decline", {"reason": "We are full."})

    found = answer.json()
    assert (answer.status_code, found["status"], found["reason"], found["deletedAt"]) == (
        200, "declined_by_host", "We are full.", "2031-03-03T09:00:00.000Z",
    )  # fmt: skip
    refused = await api.post(f"{PATH}/{made}/confirm")
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "already-declined")


async def test_what_has_expired_is_refused(api: Api, app: App, kind: str) -> None:
    made = await book(api, kind)
    later(app, 24 * 60)

    answers = [await api.post(f"{PATH}/{made}/{verb}") for verb in ("confirm", "decline")]

    assert [(one.status_code, one.json()["errorCode"]) for one in answers] == [(400, "hold-expired")] * 2


async def test_nobody_else_sees_or_decides(api: Api, another_company: CompanyMaker, kind: str) -> None:
    made, eve, stranger = await book(api, kind), await api.member(), await another_company()

    async def answers(caller: Api, id_: str) -> list[Response]:
        path = f"{PATH}/{id_}"
        return [await caller.get(path), await caller.post(f"{path}/confirm"), await caller.post(f"{path}/decline")]

    found = [*await answers(eve, made), *await answers(stranger, made), *await answers(api, str(uuid4()))]

    assert [one.status_code for one in found] == [404] * 9
    assert (await api.get(f"{PATH}/{made}")).json()["status"] == "pending"


async def test_a_password_is_not_kept(api: Api, kind: str) -> None:
    password = {"bookingPagePassword": {"enable": True, "password": "open sesame"}}
    await api.patch(f"/v4/meeting-type/{kind}", {"meetingOptions": password})

    made = await book(api, kind, bookingPassword="open sesame")

    assert "open sesame" not in (await api.get(f"{PATH}/{made}")).text


async def test_a_list_takes_as_many_statements_for_three_as_for_one(api: Api, kind: str) -> None:
    await book(api, kind)
    with counted() as one:
        await listed(api)
    for hours in (1, 2):
        await book(api, kind, hours)

    with counted() as three:
        await listed(api)

    assert len(one) == len(three)
