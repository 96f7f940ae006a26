"""The appointment routes of contract 2.7 and 6.4."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.ports import Conference
from kalends.storage import calendar_connections, calendar_entries, conferences
from kalends.storage.appointments import Appointment
from kalends.storage.calendar_entries import StoredEntry
from tests import factories, ordering, statements
from tests.api.conftest import Api, CompanyMaker
from tests.calendar_connections import connect
from tests.ordering import NOW, START, order

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/appointment"


async def _booked(api: Api, start: Instant = START, **fields: Any) -> Appointment:
    async with api.app.transaction() as conn:
        wanted = order(fields.pop("meeting_type_id", api.company.meeting_type_id), start, **fields)
        return await ordering.booked(conn, factories.actor(api.company), wanted)


@pytest.fixture
async def stored(api: Api) -> Appointment:
    return await _booked(api, full_name="Ana Roth", timezone="Europe/Vienna")


async def test_an_appointment_has_all_the_contract_names(api: Api, stored: Appointment) -> None:
    answer = await api.get(f"{PATH}/{stored.id}")

    assert answer.status_code == 200
    found = answer.json()
    ics, attendee, host = found.pop("ics"), stored.attendees[0], stored.hosts[0]
    assert f"UID:{stored.id}@kalends" in ics
    assert found == {
        "id": str(stored.id),
        "secret": attendee.secret,
        "start": "2031-03-05T09:00:00.000Z",
        "end": "2031-03-05T09:30:00.000Z",
        "isCancelled": False,
        "cancel": {"actionSource": None, "actionAt": None, "actionBy": None, "reason": None},
        "rescheduledAt": None,
        "rescheduleCount": 0,
        "meetingInfo": stored.meeting_info,
        "meetingTypeId": str(stored.meeting_type_id),
        "meetingType": {
            "id": str(stored.meeting_type_id),
            "slug": "30min-meeting",
            "meetingInfo": stored.meeting_info,
            "metadata": {},
        },
        "hostingInfo": {
            "mainHost": str(host.id),
            "meetingLink": None,
            "googleEventId": None,
            "googleConnectionSub": None,
            "calendarConnectionId": None,
            "zoomMeetingId": None,
            "connectChannelId": None,
            "wherebyMeetingId": None,
            "calendarSyncProviders": [],
        },
        "crmOptions": {},
        "attendees": [
            {
                "id": str(attendee.id),
                "email": "guest@guests.test",
                "firstname": None,
                "lastname": None,
                "fullname": "Ana Roth",
                "phone": None,
                "timezone": "Europe/Vienna",
                "language": None,
                "notes": {},
                "receiveReminders": True,
                "broughtAlong": False,
                "isCancelled": False,
                "cancelledAt": None,
                "answer": None,
            }
        ],
        "attendeeIds": [str(attendee.id)],
        "hosts": [
            {
                "id": str(host.id),
                "email": host.email,
                "givenName": "Ada",
                "familyName": host.family_name,
                "fullName": host.full_name,
                "slug": host.slug,
                "picture": None,
            }
        ],
        "hostIds": [str(host.id)],
        "companyId": str(api.company.company_id),
        "channel": "phone",
        "location": None,
        "icsTitle": None,
        "icsDescription": None,
        "note": None,
        "notes": None,
        "transcription": None,
        "summary": None,
        "seriesId": None,
        "resourceChannelIds": [],
        "ignoredAvailability": False,
        "queueId": None,
        "queueBookingInfo": None,
        "createdAt": "2031-03-03T09:00:00.000Z",
        "updatedAt": "2031-03-03T09:00:00.000Z",
    }


async def test_members_see_what_they_host(api: Api, stored: Appointment, another_company: CompanyMaker) -> None:
    member, foreign = await api.member(), await another_company()

    for nobody in (member, foreign):
        for method, path, body in (
            ("GET", "", None),
            ("POST", "/cancel", {}),
            ("POST", "/reschedule", {"start": START.format_iso()}),
            ("PATCH", "/notes", {"note": "x"}),
            ("PATCH", "/transcription", {"summary": "x"}),
            ("PATCH", "/guest", {"attendeeId": str(stored.attendees[0].id), "email": "x@guests.test"}),
            ("DELETE", "", None),
        ):
            answer = await nobody.call(method, f"{PATH}/{stored.id}{path}", **({"json": body} if body else {}))
            assert answer.status_code == 404, (method, path)
    assert (await api.get(f"{PATH}/{uuid4()}")).status_code == 404
    assert (await api.get(f"{PATH}/abc")).status_code == 404
    assert (await api.get(PATH)).status_code == 404


async def test_cancelling_answers_the_appointment_and_twice_the_same(api: Api, stored: Appointment) -> None:
    first = await api.post(f"{PATH}/{stored.id}/cancel", {"reason": "ill"})
    second = await api.post(f"{PATH}/{stored.id}/cancel", {"reason": "well"})

    assert first.status_code == 200
    assert first.json()["isCancelled"] is True
    assert first.json()["cancel"] == {
        "actionSource": "host",
        "actionAt": "2031-03-03T09:00:00.000Z",
        "actionBy": str(api.company.user_id),
        "reason": "ill",
    }
    assert (second.status_code, second.json()) == (200, first.json())


async def test_cancelling_needs_no_body(api: Api, stored: Appointment) -> None:
    answer = await api.call("POST", f"{PATH}/{stored.id}/cancel", headers={"content-type": "application/json"})

    assert answer.status_code == 200


async def test_empty_texts_name_nobody(api: Api, stored: Appointment) -> None:
    answer = await api.post(f"{PATH}/{stored.id}/cancel", {"attendeeId": "", "reason": "", "cancelAll": False})

    assert (answer.status_code, answer.json()["isCancelled"], answer.json()["cancel"]["reason"]) == (200, True, None)


async def test_delete_is_an_older_name_of_cancelling(api: Api, stored: Appointment) -> None:
    answer = await api.delete(f"{PATH}/{stored.id}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.get(f"{PATH}/{stored.id}")).json()["isCancelled"] is True


async def test_a_group_booking_is_cancelled_by_choice(api: Api) -> None:
    async with api.app.transaction() as conn:
        kind = await factories.meeting_type(conn, api.company, spots=5)
    stored = await _booked(api, meeting_type_id=kind.id)

    refused = await api.post(f"{PATH}/{stored.id}/cancel")
    unknown = await api.post(f"{PATH}/{stored.id}/cancel", {"attendeeId": str(uuid4())})
    done = await api.post(f"{PATH}/{stored.id}/cancel", {"cancelAll": True})

    assert (refused.status_code, refused.json()["errorCode"]) == (400, "attendee-or-all-needed")
    assert unknown.status_code == 404
    assert (done.status_code, done.json()["isCancelled"]) == (200, True)


async def test_rescheduling_answers_both_starts(api: Api, stored: Appointment) -> None:
    answer = await api.post(f"{PATH}/{stored.id}/reschedule", {"start": "2031-03-05T12:00:00+01:00"})

    assert answer.status_code == 200
    found = answer.json()
    assert (found["previousStart"], found["start"]) == ("2031-03-05T09:00:00.000Z", "2031-03-05T11:00:00.000Z")
    assert found["appointment"]["start"] == found["start"]
    assert found["appointment"]["rescheduleCount"] == 1
    assert found["appointment"]["rescheduledAt"] == "2031-03-03T09:00:00.000Z"


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2031-03-05T13:00:00Z", "slot-occupied"),
        ("2031-03-05T09:10:00Z", "not-a-slot"),
        ("2031-03-05T03:00:00Z", "outside-hours"),
        ("2031-03-03T09:30:00Z", "too-soon"),
        ("2033-03-03T09:30:00Z", "too-far"),
    ],
)
async def test_a_move_is_refused_by_the_same_rules(api: Api, stored: Appointment, start: str, code: str) -> None:
    await _booked(api, START.add(hours=4))

    answer = await api.post(f"{PATH}/{stored.id}/reschedule", {"start": start})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


@pytest.mark.parametrize(
    ("asked", "at", "staying"),
    [
        ({}, 2, (0, 1)),
        ({"calculationMethod": "everyone"}, 2, (0, 1)),
        ({"calculationMethod": "anyone"}, 2, (0,)),
        ({"calculationMethod": "anyone"}, 1, (1,)),
        ({"requiredHosts": 1}, 1, (1,)),
        ({"requiredHosts": 2, "calculationMethod": ""}, 2, (0, 1)),
    ],
)
async def test_a_move_goes_with_the_hosts_that_the_same_list_asks_for(
    api: Api, asked: dict[str, Any], at: int, staying: tuple[int, ...]
) -> None:
    """Contract 6.4: same values, same answer; the first host has something else an hour later."""
    member = await api.member()
    hosts = (member.user_id, api.company.user_id)
    stored = await _booked(api, host_ids=hosts, mode="everyone")
    await _booked(api, START.add(hours=1), host_ids=hosts[:1])
    start = START.add(hours=at)

    listed = await api.get(
        "/v4/booking-availability",
        meetingTypeId=str(stored.meeting_type_id),
        existingAppointmentId=str(stored.id),
        start=start.format_iso(),
        end=start.add(minutes=1).format_iso(),
        **asked,
    )
    answer = await api.post(f"{PATH}/{stored.id}/reschedule", {"start": start.format_iso(), **asked})

    assert len(listed.json()["dates"]) == 1
    assert answer.status_code == 200, answer.text
    assert answer.json()["appointment"]["hostIds"] == [str(hosts[place]) for place in staying]
    async with api.app.reading() as conn:
        cursor = await conn.execute("SELECT count(*), min(start_at) FROM claim WHERE appointment_id = %s", (stored.id,))
        assert await cursor.fetchone() == (len(staying), start)


async def test_a_host_may_move_his_appointment_anywhere(api: Api) -> None:
    member = await api.member()
    stored = await _booked(api, host_ids=(member.user_id,))
    anywhere = {"start": "2031-03-05T03:00:00Z", "ignoreAvailability": True}

    answer = await (await api.token(member.user_id)).post(f"{PATH}/{stored.id}/reschedule", anywhere)

    assert answer.status_code == 200


async def test_what_is_cancelled_or_over_is_not_moved(api: Api, stored: Appointment) -> None:
    other = await _booked(api, START.add(hours=1))
    await api.post(f"{PATH}/{other.id}/cancel")
    cancelled = await api.post(f"{PATH}/{other.id}/reschedule", {"start": START.add(hours=2).format_iso()})
    api.app.now = lambda: stored.end_at
    over = await api.post(f"{PATH}/{stored.id}/reschedule", {"start": START.add(hours=2).format_iso()})

    assert (cancelled.status_code, cancelled.json()["errorCode"]) == (400, "already-cancelled")
    assert (over.status_code, over.json()["errorCode"]) == (400, "already-over")


async def test_notes_are_replaced_and_cleared(api: Api, stored: Appointment) -> None:
    noted = await api.patch(f"{PATH}/{stored.id}/notes", {"note": "Bring the plan\nand a pen"})
    cleared = await api.patch(f"{PATH}/{stored.id}/notes", {"note": None})
    empty = await api.patch(f"{PATH}/{stored.id}/notes", {})

    assert (noted.status_code, noted.json()["notes"]) == (200, "Bring the plan\nand a pen")
    assert (cleared.status_code, cleared.json()["notes"]) == (200, None)
    assert empty.status_code == 400


async def test_a_transcription_keeps_what_is_left_out(api: Api, stored: Appointment) -> None:
    path = f"{PATH}/{stored.id}/transcription"

    await api.patch(path, {"transcription": "# Talk", "summary": "Short"})
    kept = (await api.patch(path, {"summary": "Shorter"})).json()
    cleared = (await api.patch(path, {"transcription": None})).json()

    assert (kept["transcription"], kept["summary"]) == ("# Talk", "Shorter")
    assert (cleared["transcription"], cleared["summary"]) == (None, "Shorter")


async def test_a_guest_is_added(api: Api, stored: Appointment) -> None:
    path, attendee = f"{PATH}/{stored.id}/guest", str(stored.attendees[0].id)

    added = await api.patch(path, {"attendeeId": attendee, "email": "friend@guests.test"})
    unknown = await api.patch(path, {"attendeeId": str(uuid4()), "email": "friend@guests.test"})
    wrong = await api.patch(path, {"attendeeId": attendee, "email": "friend"})

    assert added.status_code == 200
    assert [(one["email"], one["broughtAlong"]) for one in added.json()["attendees"]] == [
        ("guest@guests.test", False),
        ("friend@guests.test", True),
    ]
    assert (unknown.status_code, wrong.status_code) == (404, 400)


async def test_pages_are_counted_from_zero(api: Api) -> None:
    made = [await _booked(api, START.add(hours=hour)) for hour in range(3)]

    async def page(**params: Any) -> tuple[list[UUID], int]:
        answer = await api.get(f"{PATH}/paginated", **params)
        assert answer.status_code == 200, answer.text
        return [UUID(one["id"]) for one in answer.json()["appointments"]], answer.json()["total"]

    ids = [one.id for one in made]
    assert await page(page=0, pageSize=2) == (ids[:2], 3)
    assert await page(page=1, pageSize=2) == (ids[2:], 3)
    assert await page(page=7, pageSize=2) == ([], 3)
    assert (await page(page=0, pageSize=10, sortDirection="DESC"))[0] == ids[::-1]
    assert (await page(page=0, pageSize=10, sortBy="appointment.createdAt"))[0] == ids
    assert (await page(page=0, pageSize=10, start="2031-03-05T09:00:01Z"))[0] == ids[1:]
    assert (await page(page=0, pageSize=10, start="2031-03-05T09:00:01", end="2031-03-05T11:00:00"))[0] == ids[1:2]
    assert (await page(page=0, pageSize=10, end="2031-03-05"))[0] == ids
    assert (await page(page=0, pageSize=10, status="past", search=""))[0] == []
    assert (await page(page=0, pageSize=10, search="guest@"))[0] == ids
    assert (await page(page=0, pageSize=10, search=" guest@ "))[0] == ids
    assert (await page(page=0, pageSize=10, meetingTypeId=str(api.company.meeting_type_id)))[0] == ids


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"pageSize": 10}, "page"),
        ({"page": 0}, "pageSize"),
        ({"page": -1, "pageSize": 10}, "page"),
        ({"page": 0, "pageSize": 101}, "pageSize"),
        ({"page": 0, "pageSize": 0}, "pageSize"),
        ({"page": 0, "pageSize": 10, "status": "lost"}, "status"),
        ({"page": 0, "pageSize": 10, "start": "now"}, "start"),
        ({"page": 0, "pageSize": 10, "sortBy": "id"}, "sortBy"),
        ({"page": 0, "pageSize": 10, "userId": "me"}, "userId"),
    ],
)
async def test_pages_name_what_is_wrong(api: Api, params: dict[str, Any], field: str) -> None:
    answer = await api.get(f"{PATH}/paginated", **params)

    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]


async def test_other_users_lists_are_for_admins(api: Api, stored: Appointment) -> None:
    member = await api.member()
    params = {"page": 0, "pageSize": 10}

    refused = await member.get(f"{PATH}/paginated", **params, userId=str(api.company.user_id))
    own = await member.get(f"{PATH}/paginated", **params)
    by_admin = await api.get(f"{PATH}/paginated", **params, userId=str(member.user_id))
    unknown = await api.get(f"{PATH}/paginated", **params, userId=str(uuid4()))

    assert refused.status_code == 403
    assert own.json() == by_admin.json() == {"appointments": [], "total": 0}
    assert unknown.status_code == 404


async def test_today_and_current(api: Api, stored: Appointment) -> None:
    assert (await api.get(f"{PATH}/today")).json() == []
    assert (await api.get(f"{PATH}/current")).json() is None
    api.app.now = lambda: START.add(minutes=10)

    today, current = await api.get(f"{PATH}/today"), await api.get(f"{PATH}/current")

    assert (today.status_code, [one["id"] for one in today.json()]) == (200, [str(stored.id)])
    assert (current.status_code, current.json()["id"]) == (200, str(stored.id))


@pytest.mark.parametrize(("path", "params"), [("paginated", {"page": 0, "pageSize": 50}), ("today", {})])
async def test_three_take_as_many_statements_as_one(api: Api, path: str, params: dict[str, int]) -> None:
    taken = []
    for hour in (2, 3, 4):
        await _booked(api, NOW.add(hours=hour))
        if hour == 3:
            continue
        with statements.counted() as sent:
            assert (await api.get(f"{PATH}/{path}", **params)).status_code == 200
        taken.append(len(sent))

    assert taken[0] == taken[1]


async def test_everybody_needs_a_credential_with_its_scope(api: Api, stored: Appointment) -> None:
    assert (await api.holding("ak_live:wrong").get(f"{PATH}/today")).status_code == 401
    assert (await api.acting_as(None).get(f"{PATH}/today")).status_code == 400
    assert (await (await api.token(scopes=("forms",))).get(f"{PATH}/{stored.id}")).status_code == 403


async def test_a_host_sees_where_it_stands_in_his_calendar_and_a_guest_does_not(api: Api, stored: Appointment) -> None:
    company_id, host, now = stored.company_id, stored.hosts[0], stored.created_at
    connection_id = await connect(api.app, company_id, host.id, provider="google", now=now)
    async with api.app.transaction() as conn:
        calendars = (await calendar_connections.calendars(conn, company_id, [connection_id]))[connection_id]
        calendar = next(one for one in calendars if one.is_primary)
        entry = StoredEntry(
            company_id, stored.id, host.id, "event", connection_id, calendar.id, "uid", "event-7", None, 1,
            stored.start_at, stored.end_at, now,
        )  # fmt: skip
        await calendar_entries.keep(conn, entry)
        await conferences.want(
            conn, company_id=company_id, appointment_id=stored.id, channel="zoom", revision=1, now=now
        )
        await conferences.made(conn, company_id, stored.id, Conference("https://zoom.test/j/7", "7", 7), known=None)
        ((account,),) = await (await conn.execute(
            "SELECT account FROM calendar_connection WHERE id = %s", (connection_id,))).fetchall()  # fmt: skip

    seen = (await api.get(f"/v4/appointment/{stored.id}")).json()["hostingInfo"]
    (listed,) = (await api.get("/v4/appointment/paginated", page=0, pageSize=1)).json()["appointments"]
    shown = (await api.get(f"/v4/booking/{stored.id}", secret=stored.attendees[0].secret)).json()["hostingInfo"]

    assert seen == listed["hostingInfo"] == {
        "mainHost": str(host.id),
        "meetingLink": None,
        "googleEventId": "event-7",
        "googleConnectionSub": account,
        "calendarConnectionId": str(connection_id),
        "zoomMeetingId": 7,
        "connectChannelId": None,
        "wherebyMeetingId": None,
        "calendarSyncProviders": [
            {
                "id": str(connection_id),
                "type": "google",
                "hostId": str(host.id),
                "eventId": "event-7",
                "calendarId": calendar.remote_id,
            }
        ],
    }  # fmt: skip
    traces = ("googleEventId", "googleConnectionSub", "calendarConnectionId", "calendarSyncProviders")
    assert [shown[name] for name in traces] == [None, None, None, []]
