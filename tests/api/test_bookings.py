"""POST /v4/booking and the guest's own routes (contract 2.5, 6.4)."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from whenever import Instant

from kalends.api.v4 import routers
from kalends.app import App
from kalends.edge import web
from kalends.storage.appointments import Appointment
from kalends.storage.buckets import RateLimit
from tests import factories, ordering, statements
from tests.api.conftest import Api, CompanyMaker
from tests.ordering import START, order

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/booking"


async def _post(api: Api, **fields: Any) -> Response:
    body = {
        "meetingTypeId": str(api.company.meeting_type_id),
        "start": START.format_iso(),
        "attendee": {"email": "ana@guests.test", "fullname": "Ana Roth", "receiveReminders": True, "notes": {}},
        **fields,
    }
    return await api.post(PATH, {name: value for name, value in body.items() if value is not ...})


async def test_a_booking_answers_its_id_and_the_first_attendees_secret(api: Api) -> None:
    answer = await _post(api)

    stored = await api.stored(answer)
    assert answer.json() == {"appointmentId": str(stored.id), "secret": stored.attendees[0].secret}


async def test_a_booking_takes_seven_statements_and_a_commit(api: Api) -> None:
    await _post(api)  # reads what is kept from then on

    with statements.counted() as sent:
        await api.stored(await _post(api, start=START.add(hours=1).format_iso()))

    words = [" ".join(one.removeprefix("b'").split()).split(" ", 1)[0] for one in sent]
    assert words == [
        "WITH",  # the credential
        "BEGIN",
        "INSERT",  # the request, in case it is repeated
        "SELECT",  # locks the host
        "SELECT",  # his claims
        "WITH",  # all that is written
        "UPDATE",  # the answer, in case the request is repeated
        "SELECT",  # this test
    ]


async def test_all_that_is_sent_is_kept(api: Api) -> None:
    answer = await _post(
        api,
        start="2031-03-05T10:00:00+01:00",
        hostIds=[str(api.company.user_id)],
        duration=30,
        channel="zoom",
        icsTitle="Plan",
        icsDescription="Line one\nLine two",
        skipNotifications=True,
        timezone="Europe/Kiev",
        notes="Ring twice",
        attendee={
            "email": "ana@guests.test",
            "firstname": "Ana",
            "lastname": "Roth",
            "phone": "+43 660 1234567",
            "language": "de",
            "notes": {"Topic": ["Plan"]},
            "bringalongEmails": ["one@guests.test"],
            "dataPolicyAccepted": True,
        },
        sourceChannel="dropped",
    )

    stored = await api.stored(answer)
    assert (stored.start_at, stored.channel, stored.skip_notifications) == (START, "zoom", True)
    assert (stored.ics_title, stored.ics_description) == ("Plan", "Line one\nLine two")
    booker = stored.attendees[0]
    assert (booker.full_name, booker.phone, booker.language, booker.timezone) == (
        "Ana Roth",
        "+436601234567",
        "de",
        "Europe/Kiev",
    )
    assert booker.notes == {"notes": "Ring twice", "Topic": ["Plan"]}
    assert (booker.receive_reminders, booker.data_policy_accepted) == (True, True)
    assert [one.email for one in stored.attendees] == ["ana@guests.test", "one@guests.test"]


async def test_a_refusal_says_what_stands_in_the_way(api: Api) -> None:
    """S04: the appointment itself, the buffer a neighbour took, or the buffer this one needs."""
    async with api.app.transaction() as conn:
        info = {"duration": 30, "bufferAfter": 30}
        kind = await factories.meeting_type(conn, api.company, meeting_info=info, timeslot_interval=30)
    await _post(api, meetingTypeId=str(kind.id))

    async def refused(meeting_type_id: UUID, minutes: int) -> tuple[str, str]:
        start = START.add(minutes=minutes).format_iso()
        found = (await _post(api, meetingTypeId=str(meeting_type_id), start=start)).json()
        return found["errorCode"], found["reason"]

    assert await refused(api.company.meeting_type_id, 0) == ("slot-occupied", "claimed")
    assert await refused(api.company.meeting_type_id, 30) == ("slot-occupied", "buffer")
    assert await refused(kind.id, 30) == ("slot-occupied", "buffer")
    assert await refused(kind.id, -30) == ("slot-occupied", "buffer")
    assert (await _post(api, start=START.subtract(minutes=30).format_iso())).status_code == 201


async def test_empty_texts_are_no_values(api: Api) -> None:
    fields = dict.fromkeys(
        ("queueId", "calculationMethod", "channel", "location", "icsTitle", "icsDescription", "timezone", "notes"), ""
    )
    names = ("phone", "fullname", "firstname", "lastname", "language", "timezone")

    answer = await _post(
        api, **fields, hostIds="", attendee={"email": " ana@guests.test ", **dict.fromkeys(names, ""), "lastname": " "}
    )

    stored = await api.stored(answer)
    booker = stored.attendees[0]
    assert (booker.email, booker.full_name, booker.first_name, booker.last_name) == (
        "ana@guests.test",
        "ana",
        None,
        None,
    )
    assert (booker.phone, booker.language, booker.timezone, booker.notes) == (None, None, None, {})
    assert (stored.channel, stored.location, stored.ics_title) == ("phone", None, None)


async def test_what_disregards_availability_begins_at_a_whole_second(api: Api) -> None:
    stored = await api.stored(await _post(api, start="2031-03-05T02:00:01.750Z", ignoreAvailability=True))

    assert stored.start_at == Instant("2031-03-05T02:00:01Z")


async def test_a_taken_slot_answers_as_the_contract_says(api: Api) -> None:
    """S16, the API's part."""
    await _post(api)

    answer = await _post(api, notes="Another request")

    assert answer.status_code == 400
    found = answer.json()
    assert found.pop("requestId")
    assert found == {
        "statusCode": 400,
        "error": "Bad Request",
        "errorCode": "slot-occupied",
        "message": "slot-occupied",
        "reason": "claimed",
    }


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"start": "2031-03-03T09:30:00Z"}, "too-soon"),
        ({"start": "2032-03-03T09:00:00Z"}, "too-far"),
        ({"start": "2031-03-05T05:00:00Z"}, "outside-hours"),
        ({"start": "2031-03-05T09:10:00Z"}, "not-a-slot"),
        ({"start": "2031-03-05T09:00:01Z"}, "not-a-slot"),
        ({"start": "2031-03-05T09:00:00.500Z"}, "not-a-slot"),
        ({"duration": 45}, "duration-not-allowed"),
        ({"requiredHosts": 2}, "host-not-allowed"),
        ({"phoneOnlyBooking": True}, "phone-only-not-allowed"),
    ],
)
async def test_each_rule_refuses_with_its_code_and_a_sentence(api: Api, fields: dict[str, Any], code: str) -> None:
    answer = await _post(api, **fields)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
    assert " " in answer.json()["message"]


async def test_a_disabled_type_refuses(api: Api) -> None:
    async with api.app.transaction() as conn:
        kind = await factories.meeting_type(conn, api.company, enabled=False)

    answer = await _post(api, meetingTypeId=str(kind.id))

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "meeting-type-disabled")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start": ...}, "start"),
        ({"start": "2031-03-05T09:00:00"}, "start"),
        ({"start": 1930554000}, "start"),
        ({"meetingTypeId": "abc"}, "meetingTypeId"),
        ({"attendee": ...}, "attendee"),
        ({"attendee": {}}, "attendee.email"),
        ({"attendee": {"email": "ana"}}, "attendee.email"),
        ({"attendee": {"email": "ana@guests.test", "fullname": "Ana\nRoth"}}, "attendee.fullname"),
        ({"attendee": {"email": "ana@guests.test", "language": "xx"}}, "attendee.language"),
        ({"attendee": {"email": "ana@guests.test", "timezone": "Mars"}}, "attendee.timezone"),
        (
            {"attendee": {"email": "a@g.test", "bringalongEmails": [f"b{n}@g.test" for n in range(6)]}},
            "attendee.bringalongEmails",
        ),
        ({"channel": "pigeon"}, "channel"),
        ({"icsTitle": "x" * 201}, "icsTitle"),
        ({"duration": "30"}, "duration"),
    ],
)
async def test_what_cannot_be_read_is_named(api: Api, fields: dict[str, Any], field: str) -> None:
    answer = await _post(api, **fields)

    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]


async def test_answers_that_nobody_could_be_shown_any_more_are_refused(api: Api) -> None:
    def nested(levels: int) -> dict[str, Any]:
        notes: dict[str, Any] = {"a": 1}
        for place in range(levels - 1):
            notes = {"a": [notes]} if place % 2 else {"a": notes}
        return notes

    person = {"email": "ana@guests.test"}
    fits = await _post(api, attendee={**person, "notes": nested(10)})
    deep = await _post(api, attendee={**person, "notes": nested(300)})

    long = await _post(api, attendee={**person, "notes": {"Topic": "x" * 100_000}})

    assert fits.status_code == 201
    for refused in (deep, long):
        assert [error["field"] for error in refused.json()["errors"]] == ["attendee.notes"]


@pytest.mark.parametrize("name", ["meetingTypeId", "hostIds", "queueId"])
async def test_unknown_and_foreign_ids_are_not_found(api: Api, another_company: CompanyMaker, name: str) -> None:
    foreign = await another_company()
    theirs = {"meetingTypeId": foreign.company.meeting_type_id, "hostIds": foreign.company.user_id, "queueId": uuid4()}

    for unknown in (uuid4(), theirs[name]):
        value = [str(unknown)] if name == "hostIds" else str(unknown)
        assert (await _post(api, **{name: value})).status_code == 404


async def test_a_key_needs_no_user_header(api: Api) -> None:
    assert (await _post(api.acting_as(None))).status_code == 201


async def test_disregarding_availability_is_the_hosts_own_right(api: Api) -> None:
    """A08."""
    member = await api.member()
    night = {"start": "2031-03-05T02:00:00Z", "ignoreAvailability": True}

    refused = await _post(member, **night)
    own = await _post(await api.token(member.user_id), **night, hostIds=[str(member.user_id)])
    by_admin = await _post(api, **night)

    assert (refused.status_code, refused.json()["errorCode"]) == (403, "override-not-allowed")
    assert (own.status_code, by_admin.status_code) == (201, 201)


async def test_a_phone_is_enough_where_the_type_allows_it(api: Api) -> None:
    async with api.app.transaction() as conn:
        kind = await factories.meeting_type(conn, api.company, meeting_options={"allowPhoneOnlyBooking": True})
    caller = {"phone": " +436601234567 ", "fullname": "Ana Roth", "receiveReminders": True, "notes": {}}

    answer = await _post(api, meetingTypeId=str(kind.id), phoneOnlyBooking=True, attendee=caller)

    attendee = (await api.stored(answer)).attendees[0]
    assert (attendee.email, attendee.phone) == (None, "+436601234567")


# The guest's own routes


@pytest.fixture
async def stored(api: Api) -> Appointment:
    async with api.app.transaction() as conn:
        wanted = order(api.company.meeting_type_id, bringalong_emails=("friend@guests.test",))
        return await ordering.booked(conn, factories.actor(api.company), wanted)


async def test_a_guest_sees_himself_and_nobody_else(http: AsyncClient, api: Api, stored: Appointment) -> None:
    booker = stored.attendees[0]
    await api.patch(f"/v4/appointment/{stored.id}/notes", {"note": "between us"})

    answer = await http.get(f"{PATH}/{stored.id}", params={"secret": booker.secret})

    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    found = answer.json()
    assert [one["email"] for one in found["attendees"]] == ["guest@guests.test"]
    assert (found["secret"], found["notes"]) == (booker.secret, None)
    assert "friend" not in answer.text
    assert "between us" not in answer.text
    assert found["ics"].startswith("BEGIN:VCALENDAR")


async def test_a_guest_moves_and_cancels_with_his_secret(http: AsyncClient, app: App, stored: Appointment) -> None:
    secret, later = stored.attendees[0].secret, START.add(hours=1)

    moved = await http.post(f"{PATH}/{stored.id}/reschedule", json={"secret": secret, "start": later.format_iso()})
    done = await http.post(f"{PATH}/{stored.id}/cancel", json={"secret": secret, "reason": "ill"})
    again = await http.post(f"{PATH}/{stored.id}/reschedule", json={"secret": secret, "start": START.format_iso()})

    assert moved.status_code == 200
    assert (moved.json()["previousStart"], moved.json()["start"]) == (
        "2031-03-05T09:00:00.000Z",
        "2031-03-05T10:00:00.000Z",
    )
    assert done.status_code == 200
    assert done.json()["cancel"] == {
        "actionSource": "attendee",
        "actionAt": "2031-03-03T09:00:00.000Z",
        "actionBy": str(stored.attendees[0].id),
        "reason": "ill",
    }
    assert (again.status_code, again.json()["errorCode"]) == (400, "already-cancelled")
    async with app.reading() as conn:
        cursor = await conn.execute(
            "SELECT actor->>'via', actor->>'client' FROM event WHERE appointment_id = %s ORDER BY id", (stored.id,)
        )
        assert await cursor.fetchall() == [("key", None), ("guest", "127.0.0.1"), ("guest", "127.0.0.1")]


async def test_whoever_is_brought_along_cannot_move_the_meeting(http: AsyncClient, stored: Appointment) -> None:
    body = {"secret": stored.attendees[1].secret, "start": START.add(hours=1).format_iso()}

    refused = await http.post(f"{PATH}/{stored.id}/reschedule", json=body)
    left = await http.post(f"{PATH}/{stored.id}/cancel", json={"secret": body["secret"]})

    assert (refused.status_code, refused.json()["errorCode"]) == (403, "not-the-only-attendee")
    assert (left.status_code, left.json()["isCancelled"]) == (200, False)
    assert left.json()["attendees"][0]["isCancelled"] is True


async def test_a_guest_is_refused_by_the_same_rules(http: AsyncClient, api: Api, stored: Appointment) -> None:
    await _post(api, start=START.add(hours=1).format_iso())
    secret = stored.attendees[0].secret

    async def move(start: Instant) -> tuple[int, str]:
        body = {"secret": secret, "start": start.format_iso(), "ignoreAvailability": True}
        answer = await http.post(f"{PATH}/{stored.id}/reschedule", json=body)
        return answer.status_code, answer.json()["errorCode"]

    assert await move(START.add(hours=1)) == (400, "slot-occupied")
    assert await move(START.add(hours=12)) == (400, "outside-hours")


async def test_wrong_secrets_and_unknown_appointments_look_the_same(http: AsyncClient, stored: Appointment) -> None:
    for appointment_id, secret in ((stored.id, "wrong"), (uuid4(), stored.attendees[0].secret), ("abc", "x")):
        path, body = f"{PATH}/{appointment_id}", {"secret": secret, "start": START.format_iso()}
        answers = [
            await http.get(path, params={"secret": secret}),
            await http.post(f"{path}/cancel", json=body),
            await http.post(f"{path}/reschedule", json=body),
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404]


async def test_guessing_is_limited_per_address(http: AsyncClient, app: App, stored: Appointment) -> None:
    async with app.transaction() as conn:
        await conn.execute(
            "INSERT INTO bucket (name, tokens, filled_at) VALUES ('guest:127.0.0.1', 0.5, %s) "
            "ON CONFLICT (name) DO UPDATE SET tokens = 0.5, filled_at = excluded.filled_at",
            (app.now(),),
        )

    limited = web.create(app, routers=routers, limits=RateLimit(100, 200))
    async with AsyncClient(transport=ASGITransport(app=limited), base_url="http://kalends.test") as client:
        answer = await client.get(f"{PATH}/{stored.id}", params={"secret": "wrong"})
    unlimited = await http.get(f"{PATH}/{stored.id}", params={"secret": "wrong"})

    async with app.transaction() as conn:
        await conn.execute("DELETE FROM bucket WHERE name = 'guest:127.0.0.1'")
    assert (answer.status_code, unlimited.status_code) == (429, 404)
    assert int(answer.headers["retry-after"]) >= 1
