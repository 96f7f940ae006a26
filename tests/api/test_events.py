"""The change feed: GET /v4/event."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from whenever import Instant

from kalends.app import App
from kalends.services import appointments, calendar_events, changes
from kalends.services.guests import GuestView
from kalends.storage import calendar_connections, events, locks, parts
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection
from tests import factories, ordering
from tests.api.conftest import Api, CompanyMaker
from tests.calendar_connections import connect
from tests.ordering import START, order
from tests.statements import counted

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/event"


async def _booked(api: Api, *, hours: float = 0, **fields: Any) -> Appointment:
    """Book as the key of the company, committed."""
    async with api.app.transaction() as conn:
        wanted = order(api.company.meeting_type_id, START.add(hours=hours), **fields)
        return await ordering.booked(conn, factories.actor(api.company), wanted)


async def _change(conn: Connection, appointment: Appointment, revision: int, *, now: Instant = ordering.NOW) -> None:
    """Record one more change, as whoever has the appointment locked."""
    snapshot = {**changes.snapshot(appointment), "revision": revision, "skipNotifications": True}
    event = events.recording(
        company_id=appointment.company_id,
        appointment_id=appointment.id,
        revision=revision,
        kind="booking_updated",
        actor={"via": "key", "userId": None, "credentialId": None, "attendeeId": None, "client": None},
        before=snapshot,
        after=snapshot,
        now=now,
    )
    await parts.write(conn, event)


async def _read(api: Api, **params: Any) -> dict[str, Any]:
    answer = await api.get(PATH, **params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _names(page: dict[str, Any]) -> list[tuple[str, int]]:
    return [(one["appointmentId"], one["revision"]) for one in page["events"]]


async def test_a_change_is_told_with_who_did_it_and_what_was_before(api: Api) -> None:
    booked = await api.post(
        "/v4/booking",
        {
            "meetingTypeId": str(api.company.meeting_type_id),
            "start": START.format_iso(),
            "attendee": {"email": "ana@guests.test"},
        },
    )
    appointment = booked.json()["appointmentId"]
    first = await _read(api)
    await api.post(f"/v4/appointment/{appointment}/cancel", {"reason": "I am ill."})

    page = await _read(api, after=first["next"])

    assert [one["kind"] for one in first["events"]] == ["booking_created"]
    (event,) = page["events"]
    credential = event["actor"].pop("credentialId")
    assert UUID(credential)
    assert event.pop("before")["isCancelled"] is False
    after = event.pop("after")
    assert (after["isCancelled"], after["cancelReason"], after["start"]) == (True, "I am ill.", START.format_iso())
    assert event == {
        "id": page["next"],
        "kind": "booking_cancelled",
        "appointmentId": appointment,
        "provisionalBookingId": None,
        "connectionId": None,
        "revision": 2,
        "actor": {"via": "key", "userId": str(api.company.user_id), "attendeeId": None},
        "createdAt": "2031-03-03T09:00:00.000Z",
    }


async def test_a_feed_without_news_answers_the_cursor_it_was_asked_with(api: Api) -> None:
    beginning = await _read(api)
    again = await _read(api, after=beginning["next"])
    await _booked(api)
    page = await _read(api, after=again["next"])

    end = await _read(api, after=page["next"])

    assert (beginning["events"], again) == ([], beginning)
    assert len(page["events"]) == 1
    assert end == {"events": [], "next": page["next"]}


async def test_pages_lead_through_all_events_while_more_are_written(api: Api) -> None:
    """Case A05: nothing is lost or doubled."""
    booked = [await _booked(api, hours=number / 2) for number in range(5)]
    found, page = [], await _read(api, limit=2)
    found += _names(page)
    booked.append(await _booked(api, hours=3))

    while page["events"]:
        page = await _read(api, limit=2, after=page["next"])
        found += _names(page)

    assert found == [(str(one.id), 1) for one in booked]


async def test_an_event_committed_late_stands_behind_the_cursors_given_before(app: App, api: Api) -> None:
    """Case A05: its number was drawn first, and another's transaction ended first."""
    slow, quick = await _booked(api), await _booked(api, hours=1)
    start = (await _read(api))["next"]
    async with app.transaction() as conn:
        await _change(conn, slow, 2)
        async with app.pool.connection() as other, other.transaction():
            await _change(other, quick, 2)
        meanwhile = await _read(api, after=start)

    afterwards = await _read(api, after=meanwhile["next"])

    assert _names(meanwhile) == [(str(quick.id), 2)]
    assert _names(afterwards) == [(str(slow.id), 2)]


async def test_readers_who_poll_while_others_write_get_everything_once_and_in_order(app: App, api: Api) -> None:
    """Case A05: commits out of the order of numbers, two writers for each appointment, three readers at once."""
    changed = [await _booked(api, hours=number / 2) for number in range(4)]
    start, rounds = (await _read(api))["next"], 12
    writing = asyncio.Event()

    async def write(number: int) -> None:
        for turn in range(rounds):
            async with app.transaction() as conn:
                one = changed[(number + turn) % len(changed)]
                await locks.appointment(conn, one.company_id, one.id)
                newest = (await events.newest(conn, one.company_id, [one.id]))[one.id]
                await _change(conn, one, newest.number + 1)
                await asyncio.sleep((number * 7 + turn * 3) % 5 / 500)  # each commits after some that began later

    async def read(limit: int) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        cursor, done = start, False
        while not done:
            done = writing.is_set()
            page = await _read(api, after=cursor, limit=limit)
            found, cursor, done = found + _names(page), page["next"], done and not page["events"]
            await asyncio.sleep(0.002)
        return found

    readers = [asyncio.create_task(read(limit)) for limit in (1, 3, 1000)]
    await asyncio.gather(*(write(number) for number in range(len(changed))))
    writing.set()
    seen = await asyncio.gather(*readers)

    everything = sorted((str(one.id), revision) for one in changed for revision in range(2, rounds + 2))
    assert [sorted(one) for one in seen] == [everything] * 3
    assert seen[0] == seen[1] == seen[2]
    for one in changed:
        assert [revision for name, revision in seen[0] if name == str(one.id)] == list(range(2, rounds + 2))


async def test_a_cursor_of_a_history_that_was_lost_is_refused(app: App, api: Api) -> None:
    """As after a restore from an older backup, also once as many events have been written anew."""
    appointment = await _booked(api)
    kept = await _read(api)
    async with app.transaction() as conn:
        await _change(conn, appointment, 2)
    lost = await _read(api, after=kept["next"])
    async with app.transaction() as conn:
        await conn.execute("DELETE FROM event WHERE appointment_id = %s AND revision = 2", (appointment.id,))
        await _change(conn, appointment, 2, now=ordering.NOW.add(seconds=1))

    answer = await api.get(PATH, after=lost["next"])

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "cursor-unknown")
    assert len((await _read(api, after=kept["next"]))["events"]) == 1


@pytest.mark.parametrize("cursor", ["7", "%%%", "ü", "B" + "A" * 37, "A" * 1000, "-1", "null"])
async def test_a_malformed_cursor_is_refused(api: Api, cursor: str) -> None:
    answer = await api.get(PATH, after=cursor)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "cursor-unknown")


async def test_a_cursor_of_another_company_is_refused(api: Api, another_company: CompanyMaker) -> None:
    other = await another_company()
    await _booked(other)
    theirs = await _read(other)

    answer = await api.get(PATH, after=theirs["next"])

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "cursor-unknown")
    assert (await _read(api))["events"] == []


async def _member_with_meeting(api: Api) -> tuple[Api, Appointment]:
    member = await api.member()
    assert member.user_id
    async with api.app.transaction() as conn:
        actor = factories.actor(api.company, member.user_id)
        wanted = order(api.company.meeting_type_id, START.add(hours=2), host_ids=(member.user_id,))
        return await api.token(member.user_id), await ordering.booked(conn, actor, wanted)


async def test_members_see_what_they_host_and_administrators_everything(api: Api) -> None:
    await _booked(api)
    member, hosted = await _member_with_meeting(api)

    theirs, owners, keys = await _read(member), await _read(await api.token()), await _read(api)

    assert _names(theirs) == [(str(hosted.id), 1)]
    assert len(owners["events"]) == 2
    assert keys == owners


async def test_the_events_of_one_appointment_are_read_by_its_id(api: Api) -> None:
    one, member_and_hosted = await _booked(api), await _member_with_meeting(api)
    member, hosted = member_and_hosted

    found = await _read(api, appointmentId=str(one.id))
    own = await _read(member, appointmentId=str(hosted.id))
    others = await member.get(PATH, appointmentId=str(one.id))

    assert (_names(found), _names(own)) == ([(str(one.id), 1)], [(str(hosted.id), 1)])
    assert others.status_code == 404


async def test_where_a_guest_came_from_is_never_answered(app: App, api: Api) -> None:
    appointment = await _booked(api)
    guest = GuestView(appointment, appointment.attendees[0], client="203.0.113.9")
    async with app.transaction() as conn:
        await appointments.cancel(conn, actor=guest.actor, appointment_id=appointment.id, clock=app.now)

    answer = await api.get(PATH)

    event = answer.json()["events"][1]
    assert event["actor"] == {
        "via": "guest",
        "userId": None,
        "credentialId": None,
        "attendeeId": str(appointment.attendees[0].id),
    }
    assert "203.0.113.9" not in answer.text
    assert appointment.attendees[0].secret not in answer.text


async def test_a_members_calendar_is_his_own_affair_and_that_of_administrators(app: App, api: Api) -> None:
    member, other = await api.member(), await api.member()
    assert member.user_id
    connection_id = await connect(app, api.company.company_id, member.user_id, now=ordering.NOW)
    async with app.transaction() as conn:
        connection = await calendar_connections.get(conn, api.company.company_id, connection_id)
        assert connection
        for _ in range(2):  # of one instant
            await calendar_events.credential_error(conn, connection, now=ordering.NOW)

    tokens = [await api.token(one.user_id) for one in (member, other)]
    theirs, others = [await _read(one) for one in tokens]
    rest = await _read(api, after=theirs["events"][0]["id"])

    assert [(one["kind"], one["connectionId"], one["appointmentId"], one["after"]) for one in theirs["events"]] == [
        (
            "credential_error",
            str(connection_id),
            None,
            {
                "revision": revision,
                "connectionId": str(connection_id),
                "userId": str(member.user_id),
                "provider": "caldav",
                "email": "ada@acme.test",
            },
        )
        for revision in (1, 2)
    ]
    assert others["events"] == []
    assert rest["events"] == theirs["events"][1:]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 1001}, {"appointmentId": "x"}])
async def test_what_cannot_be_asked_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    assert (await api.get(PATH, **wrong)).status_code == 400


async def test_who_polls_without_news_costs_three_statements_and_the_credential(api: Api) -> None:
    await _booked(api)
    cursor = (await _read(api))["next"]

    with counted() as sent:
        await _read(api, after=cursor)

    assert len(sent) == 4
