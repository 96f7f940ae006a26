"""From a change to the hosts' calendars, with the real services and queue; calendars in memory (design section 5)."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.domain.remote_events import Guest
from kalends.errors import Upstream
from kalends.jobs import patience
from kalends.ports import CalendarKind, Connected, CredentialRefused
from kalends.services import appointments, calendar_connections, calendar_settings, handoffs
from kalends.services.calendar_settings import Changes
from kalends.services.found_accounts import Found
from kalends.services.handoff_candidates import Target
from kalends.storage import calendar_writes
from tests import factories, statements
from tests.calendar_connections import connect, write_to
from tests.fakes.memory_calendar import PERSONAL, WORK, MemoryCalendar, Stored
from tests.jobs.host_calendar import half_hour
from tests.jobs.stage import NOW, TUESDAY, Stage

Time = tuple[Instant, Instant]


@pytest.fixture
def calendar(stage: Stage) -> MemoryCalendar:
    calendar = MemoryCalendar()
    stage.app.calendars = {"caldav": calendar}
    return calendar


@pytest.fixture
async def connection_id(stage: Stage, calendar: MemoryCalendar) -> UUID:
    return await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW)


def times(events: list[Stored]) -> list[Time]:
    return [(one.start, one.end) for one in events]


def written(calendar: MemoryCalendar) -> list[str]:
    return [asked for asked in calendar.asked if asked in ("put", "delete")]


async def owed(stage: Stage, appointment_id: UUID) -> list[tuple[object, ...]]:
    return await stage.rows(
        "SELECT failures, due_at, error FROM calendar_write WHERE appointment_id = %s ORDER BY user_id", appointment_id
    )


async def entries(stage: Stage, appointment_id: UUID) -> list[tuple[object, ...]]:
    return await stage.rows(
        "SELECT part, start_at FROM calendar_entry WHERE appointment_id = %s ORDER BY part", appointment_id
    )


async def with_buffer(stage: Stage, *, shown: bool = True) -> UUID:
    """Connect a calendar, and let bookings from now on take 15 minutes before them; answers the connection."""
    async with stage.app.transaction() as conn:
        kind = await factories.meeting_type(conn, stage.founded, meeting_info={"bufferBefore": 15}, now=NOW)
    stage.meeting_type_id = kind.id
    return await connect(
        stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW, sync_buffers_to_calendar=shown
    )


@pytest.mark.usefixtures("connection_id")
async def test_a_booking_is_one_event_however_often_its_jobs_run(stage: Stage, calendar: MemoryCalendar) -> None:
    booked = await stage.book()

    await stage.work()
    await stage.run(
        "calendar.write",
        company_id=str(stage.founded.company_id),
        appointment_id=str(booked.appointment_id),
        user_id=str(stage.founded.user_id),
    )

    (event,) = calendar.shown()
    assert (event.uid, event.start, event.end) == (f"{booked.appointment_id}@kalends", *half_hour(TUESDAY))
    assert written(calendar) == ["put"]
    assert await owed(stage, booked.appointment_id) == []


@pytest.mark.usefixtures("connection_id")
async def test_the_event_says_to_the_host_who_comes_and_never_how_a_guest_gets_to_his_page(
    stage: Stage, calendar: MemoryCalendar
) -> None:
    booked = await stage.book(bringing=("kim@guest.test",))

    await stage.work()

    (event,) = calendar.shown()
    assert event.entry is not None
    ((owner, email),) = await stage.rows(
        "SELECT given_name || ' ' || family_name, email FROM user_account WHERE id = %s", stage.founded.user_id
    )
    assert event.entry.summary == "Talk with Jo Lee, kim"
    assert event.entry.description == f"Jo Lee, {stage.guest}\nkim, kim@guest.test"
    assert (event.entry.organizer, event.entry.zone) == (Guest(str(owner), str(email)), "Europe/Berlin")
    assert event.entry.guests == (
        Guest("Jo Lee", stage.guest), Guest("kim", "kim@guest.test", "needs-action"),
    )  # fmt: skip
    assert (event.entry.appointment_id, event.entry.sequence, event.entry.meeting) == (booked.appointment_id, 0, False)
    assert booked.secret not in repr(event.entry)


async def test_guests_are_not_named_where_the_host_does_not_want_it(stage: Stage, calendar: MemoryCalendar) -> None:
    await connect(
        stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW, disable_attendee_notification=True
    )
    await stage.book()

    await stage.work()

    (event,) = calendar.shown()
    assert event.entry is not None
    assert (event.entry.guests, event.entry.description) == ((), f"Jo Lee, {stage.guest}")


@pytest.mark.parametrize(
    ("provider", "bringing", "named"),
    [("google", (), ["Jo Lee"]), ("google", ("kim@guest.test",), []), ("outlook", (), [])],
)
async def test_guests_are_named_only_where_nobody_writes_to_them_or_shows_them_each_other(
    stage: Stage, provider: CalendarKind, bringing: tuple[str, ...], named: list[str]
) -> None:
    calendar = MemoryCalendar(provider)
    stage.app.calendars = {provider: calendar}
    await connect(stage.app, stage.founded.company_id, stage.founded.user_id, provider=provider, now=NOW)
    await stage.book(bringing=bringing)

    await stage.work()

    (event,) = calendar.shown()
    assert event.entry is not None
    assert [guest.name for guest in event.entry.guests] == named


@pytest.mark.usefixtures("connection_id")
async def test_moves_and_cancellations_follow(stage: Stage, calendar: MemoryCalendar) -> None:
    booked = await stage.book()
    await stage.work()

    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()
    moved = times(calendar.shown())
    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert moved == [half_hour(TUESDAY.add(hours=2))]
    assert (calendar.shown(), await entries(stage, booked.appointment_id)) == ([], [])


@pytest.mark.usefixtures("connection_id")
async def test_changes_in_a_row_are_written_once_as_the_newest_says(stage: Stage, calendar: MemoryCalendar) -> None:
    booked = await stage.book()
    await stage.work()
    for hours in (1, 2, 3):
        await stage.move(booked.appointment_id, TUESDAY.add(hours=hours))

    await stage.work()

    assert times(calendar.shown()) == [half_hour(TUESDAY.add(hours=3))]
    assert written(calendar) == ["put", "put"]


@pytest.mark.usefixtures("connection_id")
async def test_booked_and_cancelled_before_anything_was_written_is_never_written(
    stage: Stage, calendar: MemoryCalendar
) -> None:
    booked = await stage.book()
    await stage.cancel(booked.appointment_id)

    await stage.work()

    assert (written(calendar), await owed(stage, booked.appointment_id)) == ([], [])


async def test_hosts_without_a_calendar_cost_one_statement_and_no_job(stage: Stage) -> None:
    booked = await stage.book()
    ((event_id,),) = await stage.rows("SELECT id FROM event WHERE appointment_id = %s", booked.appointment_id)

    with statements.counted() as sent:
        await stage.run("event.happened", event_id=event_id)

    jobs = await stage.rows(
        "SELECT task_name FROM procrastinate_jobs WHERE args->>'appointment_id' = %s", str(booked.appointment_id)
    )
    assert len([one for one in sent if "calendar" in one or "conference" in one]) == 1
    assert (jobs, await owed(stage, booked.appointment_id)) == ([], [])


async def test_a_handover_takes_the_event_from_one_calendar_to_the_other_and_keeps_the_organizer(
    stage: Stage, calendar: MemoryCalendar
) -> None:
    theirs = MemoryCalendar(kind="icloud")
    stage.app.calendars = {"caldav": calendar, "icloud": theirs}
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
    company_id = stage.founded.company_id
    await connect(stage.app, company_id, stage.founded.user_id, now=NOW)
    await connect(stage.app, company_id, ben.id, provider="icloud", now=NOW)
    booked = await stage.book()
    await stage.work()
    (before,) = calendar.shown()

    async with stage.app.transaction() as conn:
        await handoffs.hand_over(
            conn, actor=stage.actor, appointment_id=booked.appointment_id, target=Target(user_id=ben.id),
            clock=stage.clock,
        )  # fmt: skip
    await stage.work()
    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()

    (after,) = theirs.shown()
    assert before.entry
    assert after.entry
    assert calendar.shown() == []
    assert (after.uid, after.start) == (before.uid, TUESDAY.add(hours=2))
    assert after.entry.organizer == before.entry.organizer
    assert after.entry.guests[0] == Guest(ben.full_name, ben.email)


async def test_a_group_is_one_event_whose_guests_come_and_go(stage: Stage, calendar: MemoryCalendar) -> None:
    await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW)
    async with stage.app.transaction() as conn:
        group = await factories.meeting_type(conn, stage.founded, spots=3, now=NOW)
    stage.meeting_type_id = group.id
    await stage.book()
    await stage.work()

    booked = await stage.book(guest="mia@guest.test")
    await stage.work()
    (joined,) = calendar.shown()
    ((mia,),) = await stage.rows("SELECT id FROM attendee WHERE email = 'mia@guest.test' AND appointment_id = %s",
                                 booked.appointment_id)  # fmt: skip
    await stage.cancel(booked.appointment_id, UUID(str(mia)))
    await stage.work()

    (left,) = calendar.shown()
    assert joined.entry
    assert left.entry
    assert [guest.email for guest in joined.entry.guests] == [stage.guest, "mia@guest.test"]
    assert [guest.email for guest in left.entry.guests] == [stage.guest]


async def test_the_event_of_a_group_that_is_read_back_leaves_its_seats_open(
    stage: Stage, calendar: MemoryCalendar
) -> None:
    connection_id = await connect(
        stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW, validate_availability=True
    )
    async with stage.app.transaction() as conn:
        group = await factories.meeting_type(conn, stage.founded, spots=3, now=NOW)
    stage.meeting_type_id = group.id
    reading = {"company_id": str(stage.founded.company_id), "connection_id": str(connection_id)}
    await stage.run("calendar.sync", **reading)
    first = await stage.book()
    await stage.work()
    await stage.run("calendar.sync", **reading)

    second = await stage.book(guest="mia@guest.test")

    known = await stage.rows(
        "SELECT appointment_id FROM calendar_event v JOIN calendar k ON k.id = v.calendar_id WHERE connection_id = %s",
        connection_id,
    )
    assert known == [(first.appointment_id,)]
    assert second.appointment_id == first.appointment_id


async def test_buffers_are_events_of_their_own_where_wanted(stage: Stage, calendar: MemoryCalendar) -> None:
    await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW, sync_buffers_to_calendar=True)
    async with stage.app.transaction() as conn:
        kind = await factories.meeting_type(
            conn, stage.founded, meeting_info={"bufferBefore": 15, "bufferAfter": 5}, now=NOW
        )
    stage.meeting_type_id = kind.id
    booked = await stage.book()
    await stage.work()
    start, end = half_hour(TUESDAY)
    written = [(one.uid, one.start, one.end) for one in calendar.shown()]

    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert written == [
        (f"{booked.appointment_id}-before@kalends", start.subtract(minutes=15), start),
        (f"{booked.appointment_id}@kalends", start, end),
        (f"{booked.appointment_id}-after@kalends", end, end.add(minutes=5)),
    ]
    assert calendar.shown() == []


@pytest.mark.usefixtures("connection_id")
async def test_an_outage_is_outlasted_and_leaves_no_second_event(stage: Stage, calendar: MemoryCalendar) -> None:
    calendar.failure = Upstream("away")
    booked = await stage.book()
    await stage.work()
    waiting = await owed(stage, booked.appointment_id)
    await stage.later(seconds=11)
    calendar.failure, calendar.loses = None, [Upstream("the answer was lost")]
    await stage.later(seconds=61)

    await stage.later(seconds=301)

    assert waiting == [(1, NOW.add(seconds=10), "away")]
    assert times(calendar.shown()) == [half_hour(TUESDAY)]
    assert await owed(stage, booked.appointment_id) == []


@pytest.mark.parametrize("buffers", [True, False])
async def test_an_event_whose_answer_was_lost_goes_with_its_appointment(
    stage: Stage, calendar: MemoryCalendar, buffers: bool
) -> None:
    await with_buffer(stage, shown=buffers)
    calendar.loses = [Upstream("the answer was lost")]
    booked = await stage.book()
    await stage.work()
    before = times(calendar.shown())

    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert before == [half_hour(TUESDAY)]
    assert (calendar.shown(), await owed(stage, booked.appointment_id)) == ([], [])


async def test_an_event_whose_answer_was_lost_is_not_left_in_the_calendar_that_is_written_to_no_more(
    stage: Stage, calendar: MemoryCalendar, connection_id: UUID
) -> None:
    calendar.loses = [Upstream("the answer was lost")]
    await stage.book()
    await stage.work()
    await write_to(stage.app, connection_id, WORK)

    await stage.later(seconds=11)

    assert (calendar.shown(PERSONAL), times(calendar.shown(WORK))) == ([], [half_hour(TUESDAY)])


@pytest.mark.usefixtures("connection_id")
async def test_an_event_whose_answer_was_lost_stays_once_its_time_is_over(
    stage: Stage, calendar: MemoryCalendar
) -> None:
    calendar.loses = [Upstream("the answer was lost")]
    booked = await stage.book()
    await stage.work()

    await stage.later(hours=24 * 9)

    assert times(calendar.shown()) == [half_hour(TUESDAY)]
    assert await owed(stage, booked.appointment_id) == []


@pytest.mark.usefixtures("connection_id")
async def test_a_calendar_that_takes_too_long_in_all_is_tried_again_later(
    stage: Stage, calendar: MemoryCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LONGEST_REMOTE_S", 0.05)
    monkeypatch.setattr(calendar, "put", lambda *_: asyncio.sleep(60))
    booked = await stage.book()

    await stage.work()

    assert await owed(stage, booked.appointment_id) == [(1, NOW.add(seconds=10), "it takes too long in all")]


async def test_what_is_due_is_started_little_by_little_and_after_all_that_was_never_tried(stage: Stage) -> None:
    booked = await stage.book()
    key = (stage.founded.company_id, booked.appointment_id)
    owe = (
        "INSERT INTO calendar_write (company_id, appointment_id, user_id, revision, due_at) VALUES (%s, %s, %s, 1, %s)"
    )
    started = []
    async with stage.app.transaction() as conn:
        for _ in range(40):
            await conn.execute(owe, (*key, uuid4(), NOW))
        for _ in range(2):
            await calendar_writes.start_due(conn, NOW)
            cursor = await conn.execute("SELECT DISTINCT priority, count(*) OVER () FROM procrastinate_jobs "
                                        "WHERE task_name = 'calendar.write'")  # fmt: skip
            started += await cursor.fetchall()
        await conn.execute("DELETE FROM procrastinate_jobs")
        await conn.execute("DELETE FROM calendar_write")

    assert started == [(-2, 30), (-2, 30)]


async def test_a_host_to_whom_much_is_owed_lets_others_have_their_turn(stage: Stage) -> None:
    ids = [(await stage.book(TUESDAY.add(minutes=30 * number))).appointment_id for number in range(11)]
    owe = (
        "INSERT INTO calendar_write (company_id, appointment_id, user_id, revision, due_at) VALUES (%s, %s, %s, 1, %s)"
    )
    ada, ben = stage.founded.user_id, uuid4()
    async with stage.app.transaction() as conn:
        await conn.execute("DELETE FROM procrastinate_jobs")
        for appointment_id in ids:
            await conn.execute(owe, (stage.founded.company_id, appointment_id, ada, NOW))
        await conn.execute(owe, (stage.founded.company_id, ids[0], ben, NOW.add(seconds=1)))

        await calendar_writes.start_due(conn, NOW.add(seconds=1))

        cursor = await conn.execute("SELECT args->>'user_id', count(*) FROM procrastinate_jobs GROUP BY 1")
        started = dict(await cursor.fetchall())
        await conn.execute("DELETE FROM procrastinate_jobs")
        await conn.execute("DELETE FROM calendar_write")

    assert started == {str(ada): 10, str(ben): 1}


async def test_what_waited_for_a_connection_that_is_deleted_is_let_go(
    stage: Stage, calendar: MemoryCalendar, connection_id: UUID
) -> None:
    calendar.failure = CredentialRefused("no")
    booked = await stage.book()
    await stage.work()
    await stage.later(seconds=11)
    waiting = await owed(stage, booked.appointment_id)
    async with stage.app.transaction() as conn:
        await conn.execute(
            "UPDATE calendar_connection SET deleted_at = %s, is_primary = false WHERE id = %s", (NOW, connection_id)
        )

    await stage.later(seconds=10)

    assert waiting == [(1, None, calendar_writes.REFUSED)]
    assert await owed(stage, booked.appointment_id) == []


@pytest.mark.usefixtures("connection_id")
async def test_a_move_whose_answer_was_lost_is_not_taken_for_a_move_in_the_calendar(
    stage: Stage, calendar: MemoryCalendar
) -> None:
    booked = await stage.book()
    await stage.work()
    calendar.loses = [Upstream("the answer was lost")]
    await stage.move(booked.appointment_id, TUESDAY.add(hours=1))
    await stage.work()

    await stage.later(seconds=11)

    assert times(calendar.shown()) == [half_hour(TUESDAY.add(hours=1))]
    assert await owed(stage, booked.appointment_id) == []


async def test_what_is_owed_waits_for_a_connection_that_lets_us_in_again(
    stage: Stage, calendar: MemoryCalendar, connection_id: UUID
) -> None:
    calendar.failure = CredentialRefused("no")
    booked = await stage.book()
    await stage.work()
    ((status,),) = await stage.rows("SELECT status FROM calendar_access WHERE connection_id = %s", connection_id)
    await stage.later(seconds=11)
    await stage.later(hours=3)
    waiting = await owed(stage, booked.appointment_id)
    calendar.failure, tries = None, calendar.asked.count("put")
    async with stage.app.transaction() as conn:  # as connecting it again does
        await conn.execute("UPDATE calendar_access SET status = 'connected' WHERE connection_id = %s", (connection_id,))

    await stage.later(seconds=10)

    assert status == "refused"  # its reading was called for at once
    assert (waiting, tries) == ([(1, None, calendar_writes.REFUSED)], 1)
    assert times(calendar.shown()) == [half_hour(TUESDAY)]


@pytest.mark.usefixtures("connection_id")
async def test_what_else_was_changed_in_the_calendar_is_written_over(stage: Stage, calendar: MemoryCalendar) -> None:
    booked = await stage.book()
    await stage.work()
    (event,) = calendar.shown()
    calendar.move(replace(event, transparent=True), event.start, event.end)  # another etag, the same time

    await stage.move(booked.appointment_id, TUESDAY.add(hours=1))
    await stage.work()

    assert times(calendar.shown()) == [half_hour(TUESDAY.add(hours=1))]


@pytest.mark.usefixtures("connection_id")
async def test_a_move_in_the_calendar_is_left_to_its_reading_however_long_that_takes(
    stage: Stage, calendar: MemoryCalendar, connection_id: UUID
) -> None:
    booked = await stage.book()
    await stage.work()
    (event,) = calendar.shown()
    dragged = calendar.move(event, *half_hour(TUESDAY.add(hours=5)))
    key = {"company_id": stage.founded.company_id, "appointment_id": booked.appointment_id}
    async with stage.app.transaction() as conn:
        await appointments.annotate(
            conn, actor=stage.actor, appointment_id=booked.appointment_id, fields={"note": "x"}, clock=stage.clock
        )
        await calendar_writes.owe(conn, **key, user_ids=[stage.founded.user_id], revision=2)
    job = {name: str(value) for name, value in {**key, "user_id": stage.founded.user_id}.items()}

    await stage.run("calendar.write", **job)
    waiting = await owed(stage, booked.appointment_id)
    await stage.run("calendar.write", **job)
    left = calendar.shown()
    await stage.run("calendar.sync", company_id=job["company_id"], connection_id=str(connection_id))
    await stage.work()

    ((start,),) = await stage.rows("SELECT start_at FROM appointment WHERE id = %s", booked.appointment_id)
    assert (left, waiting) == ([dragged], [(1, NOW.add(seconds=90), calendar_writes.DECIDED)])
    assert (times(calendar.shown()), start) == ([half_hour(TUESDAY.add(hours=5))], TUESDAY.add(hours=5))
    assert await owed(stage, booked.appointment_id) == []


@pytest.mark.parametrize("is_read", [True, False])
async def test_a_buffer_that_was_moved_is_written_over_once_it_was_read_or_was_waited_for_in_vain(
    stage: Stage, calendar: MemoryCalendar, is_read: bool
) -> None:
    connection_id = await with_buffer(stage)
    booked = await stage.book()
    await stage.work()
    buffer, event = calendar.shown()
    dragged = calendar.move(buffer, *half_hour(TUESDAY.add(hours=5)))
    company_id = stage.founded.company_id
    async with stage.app.transaction() as conn:
        await calendar_writes.owe_decided(
            conn, company_id=company_id, appointment_id=booked.appointment_id, user_id=stage.founded.user_id
        )
        await conn.execute("UPDATE calendar_write SET failures = %s", (0 if is_read else 20,))
    if is_read:
        await stage.run("calendar.sync", company_id=str(company_id), connection_id=str(connection_id))
    before = calendar.shown()

    await stage.work()

    assert before == [event, dragged]
    assert times(calendar.shown()) == [(TUESDAY.subtract(minutes=15), TUESDAY), half_hour(TUESDAY)]


@pytest.mark.usefixtures("connection_id")
async def test_a_cancelled_appointment_goes_wherever_it_was_moved(stage: Stage, calendar: MemoryCalendar) -> None:
    booked = await stage.book()
    await stage.work()
    (event,) = calendar.shown()
    calendar.move(event, *half_hour(TUESDAY.add(hours=5)))

    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert calendar.shown() == []


async def test_another_calendar_to_write_to_gets_the_event_and_the_old_one_loses_it(
    stage: Stage, calendar: MemoryCalendar, connection_id: UUID
) -> None:
    booked = await stage.book()
    await stage.work()
    await write_to(stage.app, connection_id, WORK)

    await stage.move(booked.appointment_id, TUESDAY.add(hours=1))
    await stage.work()

    assert calendar.shown(PERSONAL) == []
    assert times(calendar.shown(WORK)) == [half_hour(TUESDAY.add(hours=1))]


async def test_a_first_calendar_gets_what_is_still_to_come_and_moves_it_when_another_is_chosen(
    stage: Stage, calendar: MemoryCalendar
) -> None:
    coming, over = await stage.book(TUESDAY), await stage.book(Instant.parse_iso("2031-03-04T09:00:00Z"))
    await stage.work()
    stage.now = Instant.parse_iso("2031-03-05T09:00:00Z")
    connected = Connected("ada", "ada@acme.test", {})

    async with stage.app.transaction() as conn:
        view = await calendar_connections.connect(
            conn, actor=stage.actor, user_id=stage.founded.user_id, as_sync=False, box=stage.app.box, clock=stage.clock,
            found=Found("caldav", connected, calendar.calendars_there),
        )  # fmt: skip
    await stage.later(seconds=10)
    first = [one.uid for one in calendar.shown(PERSONAL)]
    async with stage.app.transaction() as conn:
        await calendar_settings.change(
            conn, actor=stage.actor, connection_id=view.connection.id, user_id=None, clock=stage.clock,
            changes=Changes(primary=WORK.remote_id, keeps_primary=False),
        )  # fmt: skip
    await stage.later(seconds=10)

    assert first == [f"{coming.appointment_id}@kalends"]
    assert calendar.shown(PERSONAL) == []
    assert [one.uid for one in calendar.shown(WORK)] == first
    assert await owed(stage, over.appointment_id) == []


async def test_connecting_again_tries_at_once_what_could_not_be_written(
    stage: Stage, calendar: MemoryCalendar, connection_id: UUID
) -> None:
    calendar.failure = Upstream("away")
    booked = await stage.book()
    await stage.work()
    for _ in range(5):
        await stage.later(hours=3)
    ((account,),) = await stage.rows("SELECT account FROM calendar_connection WHERE id = %s", connection_id)
    calendar.failure = None

    async with stage.app.transaction() as conn:
        await calendar_connections.connect(
            conn, actor=stage.actor, user_id=stage.founded.user_id, as_sync=False, box=stage.app.box, clock=stage.clock,
            found=Found("caldav", Connected(str(account), "ada@acme.test", {}), calendar.calendars_there),
        )  # fmt: skip
    await stage.later(seconds=1)

    assert times(calendar.shown()) == [half_hour(TUESDAY)]
    assert await owed(stage, booked.appointment_id) == []


@pytest.mark.usefixtures("connection_id")
async def test_what_is_over_is_not_written_anew(stage: Stage, calendar: MemoryCalendar) -> None:
    calendar.failure = Upstream("away")
    booked = await stage.book()
    await stage.work()
    calendar.failure = None

    await stage.later(hours=24 * 9)

    assert calendar.shown() == []
    assert await owed(stage, booked.appointment_id) == []


async def test_entries_of_a_calendar_that_was_disconnected_are_forgotten(
    stage: Stage, calendar: MemoryCalendar, connection_id: UUID
) -> None:
    booked = await stage.book()
    await stage.work()
    async with stage.app.transaction() as conn:
        await conn.execute(
            "UPDATE calendar_connection SET deleted_at = %s, is_primary = false WHERE id = %s", (NOW, connection_id)
        )

    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert (await entries(stage, booked.appointment_id), await owed(stage, booked.appointment_id)) == ([], [])
    assert written(calendar) == ["put"]
