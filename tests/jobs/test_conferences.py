"""From a booking to the link it is met at, and to the mails that wait for it, with the real services and queue."""

import asyncio
from collections.abc import Iterator
from unittest.mock import AsyncMock
from uuid import UUID

import pytest

from kalends.app import DatabaseBusy
from kalends.domain.recurrence import Recurrence
from kalends.errors import Upstream
from kalends.integrations.jitsi import JitsiRooms
from kalends.jobs import patience
from kalends.ports import Conference, Meeting, OutgoingMail
from kalends.services import bookings, handoffs
from kalends.services import conferences as conference_service
from kalends.services.handoff_candidates import Target
from kalends.services.orders import NewAttendee, Order
from kalends.storage import conferences
from tests import factories
from tests.calendar_connections import connect
from tests.conftest import Outbox
from tests.fakes.memory_calendar import MemoryCalendar
from tests.fakes.zoom import FakeZoom, running
from tests.jobs.stage import NOW, TUESDAY, Stage, to
from tests.mail.snapshots import calendar, part

FOLLOWS = "The link to join follows."
FOLLOWS_FOR_HOSTS = "The link to join could not be made yet. It follows as soon as that works."


@pytest.fixture
def zoom(stage: Stage) -> Iterator[FakeZoom]:
    with running() as zoom:
        stage.app.conferences = {"zoom": zoom.provider(stage.clock)}
        yield zoom


async def link(stage: Stage, appointment_id: UUID) -> object:
    ((found,),) = await stage.rows("SELECT meeting_info->>'meetingLink' FROM appointment WHERE id = %s", appointment_id)
    return found


async def state(stage: Stage, appointment_id: UUID) -> list[tuple[object, ...]]:
    return await stage.rows("SELECT state, failures FROM conference WHERE appointment_id = %s", appointment_id)


async def owners(stage: Stage, outbox: Outbox) -> list[OutgoingMail]:
    ((email,),) = await stage.rows("SELECT email FROM user_account WHERE id = %s", stage.founded.user_id)
    return to(outbox.mails, str(email))


async def test_everybody_gets_one_mail_and_it_has_the_link(stage: Stage, zoom: FakeZoom, outbox: Outbox) -> None:
    await stage.meet_on("zoom")
    booked = await stage.book()

    await stage.work()
    await stage.later(seconds=40)

    (meeting,) = zoom.meetings.values()
    (to_guest,), (to_host,) = to(outbox.mails, stage.guest), await owners(stage, outbox)
    assert await link(stage, booked.appointment_id) == meeting["join_url"]
    for mail in (to_guest, to_host):
        assert f"Where: Zoom\n  {meeting['join_url']}\n" in part(mail, "plain")
        assert calendar(mail)[1]["LOCATION"] == meeting["join_url"]
    assert FOLLOWS not in part(to_guest, "plain")


async def test_all_who_come_to_a_group_have_the_same_link_and_one_mail_each(
    stage: Stage, zoom: FakeZoom, outbox: Outbox
) -> None:
    await stage.meet_on("zoom", spots=3)
    await stage.book()
    await stage.work()
    await stage.book(guest="mia@guest.test")
    await stage.work()
    await stage.later(seconds=40)

    (meeting,) = zoom.meetings.values()
    mails = [to(outbox.mails, stage.guest), to(outbox.mails, "mia@guest.test")]
    assert [[meeting["join_url"] in part(mail, "plain") for mail in one] for one in mails] == [[True], [True]]


async def test_without_a_provider_nothing_waits_and_nothing_is_said(stage: Stage, outbox: Outbox) -> None:
    await stage.meet_on("zoom")
    booked = await stage.book()

    await stage.work()

    (mail,) = to(outbox.mails, stage.guest)
    assert FOLLOWS not in part(mail, "plain")
    assert await state(stage, booked.appointment_id) == []


async def test_a_provider_that_is_away_holds_mails_back_for_half_a_minute_and_the_link_follows(
    stage: Stage, zoom: FakeZoom, outbox: Outbox
) -> None:
    await stage.meet_on("zoom")
    zoom.answers = [(503, {}, {})] * 2
    booked = await stage.book()
    stage.now = NOW.add(seconds=1)
    await stage.work()
    before_that = list(outbox.mails)

    await stage.later(seconds=30)
    (first,), (host_first,) = to(outbox.mails, stage.guest), await owners(stage, outbox)
    await stage.later(seconds=60)

    _, second = to(outbox.mails, stage.guest)
    _, host_second = await owners(stage, outbox)
    assert before_that == []
    assert f"Where: Zoom\n  {FOLLOWS}\n" in part(first, "plain")
    assert f"Where: Zoom\n  {FOLLOWS_FOR_HOSTS}\n" in part(host_first, "plain")
    (meeting,) = zoom.meetings.values()
    for mail in (second, host_second):
        assert part(mail, "plain").startswith("The meeting has changed\n")
        assert meeting["join_url"] in part(mail, "plain")
    assert calendar(second)[1]["SEQUENCE"] > calendar(first)[1]["SEQUENCE"]
    await stage.later(seconds=600)
    assert (len(to(outbox.mails, stage.guest)), len(zoom.meetings)) == (2, 1)
    assert await state(stage, booked.appointment_id) == [("made", 0)]


async def test_mails_wait_for_a_link_that_was_made_and_that_the_appointment_does_not_know_yet(
    stage: Stage, zoom: FakeZoom, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.meet_on("zoom")
    with monkeypatch.context() as patched:
        patched.setattr(conference_service, "tell", AsyncMock(side_effect=DatabaseBusy))
        booked = await stage.book()
        await stage.work()
        made = await state(stage, booked.appointment_id)
        for (effect_id,) in await stage.rows(
            "SELECT f.id FROM effect f JOIN event e ON e.id = event_id WHERE appointment_id = %s", booked.appointment_id
        ):
            await stage.run("effect.mail", effect_id=effect_id)
    before_that = list(outbox.mails)
    stage.now = NOW.add(seconds=20)
    await stage.run(
        "conference.make", company_id=str(stage.founded.company_id), appointment_id=str(booked.appointment_id)
    )

    await stage.work()

    (meeting,), (mail,) = zoom.meetings.values(), to(outbox.mails, stage.guest)
    assert (made, before_that) == ([("made", 0)], [])
    assert meeting["join_url"] in part(mail, "plain")


async def test_a_link_that_failed_once_is_tried_again_after_all_mails(stage: Stage) -> None:
    await stage.meet_on("zoom")
    stage.app.conferences = {"zoom": _Broken()}
    await stage.book()
    await stage.work()
    async with stage.app.transaction() as conn:
        await conferences.start_due(conn, stage.now.add(hours=1))
        cursor = await conn.execute("SELECT priority FROM procrastinate_jobs WHERE task_name = 'conference.make'")
        priorities = await cursor.fetchall()
        await conn.execute("DELETE FROM procrastinate_jobs")

    assert priorities == [(-1,)]


async def test_a_provider_that_takes_too_long_in_all_is_tried_again_later(
    stage: Stage, zoom: FakeZoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LONGEST_REMOTE_S", 0.05)
    monkeypatch.setattr(stage.app.conferences["zoom"], "put", lambda *_: asyncio.sleep(60))
    await stage.meet_on("zoom")
    booked = await stage.book()

    await stage.work()

    assert await state(stage, booked.appointment_id) == [("wanted", 1)]


async def test_a_provider_that_never_comes_back_is_given_up_after_a_day(stage: Stage, outbox: Outbox) -> None:
    await stage.meet_on("zoom")
    stage.app.conferences = {"zoom": _Broken()}
    booked = await stage.book()
    await stage.work()
    for _ in range(12):
        await stage.later(hours=9)
        if await state(stage, booked.appointment_id) == [("given-up", 10)]:
            break

    assert await state(stage, booked.appointment_id) == [("given-up", 10)]
    assert len(to(outbox.mails, stage.guest)) == 1


class _Broken:
    """A provider that fails for good."""

    lacking = ()

    async def put(self, meeting: Meeting, known: Conference | None) -> Conference:
        raise Upstream("never")

    async def delete(self, meeting: Meeting, known: Conference | None) -> None:
        raise Upstream("never")


async def test_a_meeting_follows_its_appointment_and_nobody_is_told_twice(
    stage: Stage, zoom: FakeZoom, outbox: Outbox
) -> None:
    await stage.meet_on("zoom")
    booked = await stage.book()
    await stage.work()
    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()
    starts = [one["start_time"] for one in zoom.meetings.values()]

    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert starts == ["2031-03-11T11:00:00Z"]
    assert (zoom.meetings, await state(stage, booked.appointment_id)) == ({}, [("deleted", 0)])
    assert [calendar(mail)[0] for mail in to(outbox.mails, stage.guest)] == ["REQUEST", "REQUEST", "CANCEL"]


async def test_booked_and_cancelled_at_once_leaves_no_meeting_behind(stage: Stage, zoom: FakeZoom) -> None:
    await stage.meet_on("zoom")
    booked = await stage.book()
    await stage.cancel(booked.appointment_id)

    await stage.work()

    assert zoom.meetings == {}


async def test_a_job_that_runs_twice_makes_one_meeting_and_one_revision(stage: Stage, zoom: FakeZoom) -> None:
    await stage.meet_on("zoom")
    booked = await stage.book()
    await stage.work()

    await stage.run(
        "conference.make", company_id=str(stage.founded.company_id), appointment_id=str(booked.appointment_id)
    )

    ((revision,),) = await stage.rows("SELECT revision FROM appointment WHERE id = %s", booked.appointment_id)
    assert (len(zoom.meetings), revision) == (1, 2)


async def test_mails_that_a_link_brings_about_count_as_those_of_the_guest_who_booked(
    stage: Stage, zoom: FakeZoom
) -> None:
    await stage.meet_on("zoom")
    booked = await stage.book(client="203.0.113.7")
    await stage.work()

    actors = await stage.rows(
        "SELECT kind, actor->>'via', actor->>'client' FROM event WHERE appointment_id = %s ORDER BY id",
        booked.appointment_id,
    )
    assert actors == [
        ("booking_created", "page", "203.0.113.7"), ("booking_updated", "system", "203.0.113.7"),
    ]  # fmt: skip


async def test_a_jitsi_room_stays_the_same_when_the_meeting_moves(stage: Stage) -> None:
    stage.app.conferences = {"jitsi": JitsiRooms("https://meet.acme.test")}
    await stage.meet_on("jitsi")
    booked = await stage.book()
    await stage.work()
    room = await link(stage, booked.appointment_id)

    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()

    assert str(room).startswith("https://meet.acme.test/kalends-")
    assert await link(stage, booked.appointment_id) == room


@pytest.mark.parametrize(("channel", "provider"), [("google", "google"), ("teamsForBusiness2", "outlook")])
async def test_meet_and_teams_links_come_with_the_event_in_the_host_s_calendar(
    stage: Stage, outbox: Outbox, channel: str, provider: str
) -> None:
    meet = MemoryCalendar(links=["https://meet.test/abc", "https://meet.test/second"])
    stage.app.calendars = {"google": meet, "outlook": meet}
    await connect(
        stage.app, stage.founded.company_id, stage.founded.user_id,
        provider="google" if provider == "google" else "outlook", now=NOW,
    )  # fmt: skip
    await stage.meet_on(channel)
    booked = await stage.book()

    await stage.work()
    await stage.later(seconds=40)

    (mail,) = to(outbox.mails, stage.guest)
    (event,) = meet.shown()
    assert await link(stage, booked.appointment_id) == "https://meet.test/abc"
    assert "https://meet.test/abc" in part(mail, "plain")
    assert event.entry
    assert (event.entry.location, event.entry.meeting) == ("https://meet.test/abc", True)
    assert meet.asked == ["put", "put"]


async def test_a_calendar_that_makes_its_link_late_or_fails_lets_the_mail_go_with_a_note(
    stage: Stage, outbox: Outbox
) -> None:
    meet = MemoryCalendar("google", failure=Upstream("away"))
    stage.app.calendars = {"google": meet}
    await connect(stage.app, stage.founded.company_id, stage.founded.user_id, provider="google", now=NOW)
    await stage.meet_on("google")
    booked = await stage.book()
    await stage.work()
    await stage.later(seconds=30)
    meet.failure = None
    await stage.later(seconds=60)
    meet.links = ["https://meet.test/abc"]

    await stage.later(seconds=300)

    first, second = (part(mail, "plain") for mail in to(outbox.mails, stage.guest))
    assert f"Where: Google Meet\n  {FOLLOWS}\n" in first
    assert "https://meet.test/abc" in second
    assert len(meet.shown()) == 1
    assert await state(stage, booked.appointment_id) == [("made", 0)]


async def test_a_calendar_that_never_makes_its_link_is_asked_no_more_after_a_day(stage: Stage) -> None:
    meet = MemoryCalendar("google")
    stage.app.calendars = {"google": meet}
    await connect(stage.app, stage.founded.company_id, stage.founded.user_id, provider="google", now=NOW)
    await stage.meet_on("google")
    booked = await stage.book()
    await stage.work()
    for _ in range(11):
        await stage.later(hours=9)
    tries = meet.asked.count("put")

    await stage.later(hours=9)

    owed = await stage.rows("SELECT 1 FROM calendar_write WHERE appointment_id = %s", booked.appointment_id)
    assert (await state(stage, booked.appointment_id), owed) == ([("given-up", 10)], [])
    assert (meet.asked.count("put"), len(meet.shown())) == (tries, 1)


async def test_a_host_whose_calendar_makes_no_such_links_is_not_waited_for(stage: Stage, outbox: Outbox) -> None:
    stage.app.calendars = {"caldav": MemoryCalendar()}
    await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW)
    await stage.meet_on("google")
    booked = await stage.book()

    await stage.work()

    (mail,) = to(outbox.mails, stage.guest)
    assert FOLLOWS not in part(mail, "plain")
    assert await state(stage, booked.appointment_id) == []


async def test_a_handover_has_the_new_host_s_calendar_make_the_link(stage: Stage, outbox: Outbox) -> None:
    meet = MemoryCalendar("google", links=["https://meet.test/ada", "https://meet.test/ben"])
    stage.app.calendars = {"google": meet}
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
    for user_id in (stage.founded.user_id, ben.id):
        await connect(stage.app, stage.founded.company_id, user_id, provider="google", now=NOW)
    await stage.meet_on("google")
    booked = await stage.book()
    await stage.work()
    meet.events.clear()  # of the one account in memory the two hosts have one each

    async with stage.app.transaction() as conn:
        await handoffs.hand_over(
            conn, actor=stage.actor, appointment_id=booked.appointment_id, target=Target(user_id=ben.id),
            clock=stage.clock,
        )  # fmt: skip
    await stage.work()
    await stage.later(seconds=40)

    told = [part(mail, "plain") for mail in to(outbox.mails, stage.guest)]
    assert ["https://meet.test/ada" in one for one in told] == [True, False]
    assert ["https://meet.test/ben" in one for one in told] == [False, True]


async def test_dates_of_a_series_have_a_link_each_and_are_told_in_one_mail(
    stage: Stage, zoom: FakeZoom, outbox: Outbox
) -> None:
    await stage.meet_on("zoom", days_into_future={"mode": "unlimited"})
    guest = NewAttendee(stage.guest, full_name="Jo Lee", language="en", timezone="Europe/London")
    order = Order(stage.meeting_type_id, TUESDAY, guest, recurrence=Recurrence("weekly", 1, 3))
    async with stage.app.transaction() as conn:
        await bookings.book(conn, actor=stage.actor, order=order, clock=stage.clock)

    await stage.work()
    for _ in range(5):
        await stage.later(seconds=11)

    (mail,) = to(outbox.mails, stage.guest)
    text = part(mail, "plain")
    assert len(zoom.meetings) == 3
    assert all(meeting["join_url"] in text for meeting in zoom.meetings.values())
