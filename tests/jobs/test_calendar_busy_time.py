"""What stands in a host's calendar blocks him, and overlaps are told; calendars in memory."""

from __future__ import annotations

from kalends.services import handoffs
from kalends.services.handoff_candidates import Target
from tests import factories
from tests.conftest import Outbox
from tests.jobs.host_calendar import HostCalendar, half_hour, of_owner
from tests.jobs.stage import NOW, TUESDAY, Stage

LATER = TUESDAY.add(hours=2)


async def test_what_is_made_moved_and_deleted_in_a_calendar_blocks_moves_and_is_free(calendar: HostCalendar) -> None:
    event = calendar.remote.add(*half_hour(TUESDAY))
    assert await calendar.read() == "read"
    assert await calendar.busy() == [half_hour(TUESDAY)]

    event = calendar.remote.move(event, *half_hour(LATER))
    await calendar.read(minutes=1)
    assert await calendar.busy() == [half_hour(LATER)]

    calendar.remote.remove(event)
    await calendar.read(minutes=1)
    assert await calendar.busy() == []


async def test_a_calendar_that_is_only_written_to_tells_of_nothing_but_our_own(stage: Stage) -> None:
    calendar = await of_owner(stage, validate_availability=False)
    calendar.remote.add(*half_hour(LATER))
    await stage.book()
    await stage.work()

    await calendar.read()

    assert await calendar.busy() == []
    (known,) = await stage.rows("SELECT uid FROM calendar_event e JOIN calendar k ON k.id = e.calendar_id "
                                "WHERE k.connection_id = %s", calendar.connection_id)  # fmt: skip
    assert known == (calendar.one().uid,) if len(calendar.remote.shown()) == 1 else known[0].endswith("@kalends")


async def test_our_own_event_never_blocks_wherever_a_mailbox_put_it(calendar: HostCalendar) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    calendar.remote.add(*half_hour(TUESDAY), uid=f"{booked.appointment_id}-before@kalends")

    await calendar.read()

    assert (await calendar.busy(), await calendar.events()) == ([], [])


async def test_what_he_handed_over_does_not_block_him_though_his_mailbox_still_shows_it(
    calendar: HostCalendar,
) -> None:
    stage = calendar.stage
    booked = await stage.book()
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
        target = Target(user_id=ben.id)
        await handoffs.hand_over(
            conn, actor=stage.actor, appointment_id=booked.appointment_id, target=target, clock=stage.clock
        )
    calendar.remote.add(*half_hour(TUESDAY), uid=f"{booked.appointment_id}@kalends")

    await calendar.read()

    assert await calendar.busy() == []


async def test_who_is_only_a_guest_of_a_colleague_is_blocked_by_it(calendar: HostCalendar) -> None:
    stage = calendar.stage
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
        kind = await factories.meeting_type(conn, ben, now=NOW)
    stage.meeting_type_id = kind.id
    booked = await stage.book()
    calendar.remote.add(*half_hour(TUESDAY), uid=f"{booked.appointment_id}@kalends")

    await calendar.read()

    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_an_event_that_is_said_to_be_gone_and_is_there_goes_on_blocking(calendar: HostCalendar) -> None:
    """K14"""
    event = calendar.remote.add(*half_hour(TUESDAY))
    await calendar.read()
    calendar.remote.phantoms.add(event.remote_id)

    await calendar.read(minutes=1)

    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_a_calendar_that_seems_empty_all_at_once_frees_nothing_at_first(calendar: HostCalendar) -> None:
    events = [calendar.remote.add(*half_hour(TUESDAY.add(hours=hour))) for hour in range(3)]
    await calendar.read()
    for event in events:
        calendar.remote.remove(event)
    calendar.remote.forget_tokens()

    await calendar.read(minutes=1)
    first = await calendar.busy()
    await calendar.read(minutes=9)
    second = await calendar.busy()
    await calendar.read(minutes=2)

    assert (len(first), len(second), await calendar.busy()) == (3, 3, [])
    assert await calendar.reasons() == ["emptied"]


async def test_what_overlaps_an_appointment_is_recorded_and_told_once_and_cancels_nothing(
    calendar: HostCalendar, outbox: Outbox
) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    await calendar.read()
    event = calendar.remote.add(*half_hour(TUESDAY.add(minutes=15)))

    await calendar.read(minutes=1)
    calendar.remote.move(event, *half_hour(TUESDAY.add(minutes=20)))
    await calendar.read(minutes=1)
    calendar.remote.forget_tokens()
    await calendar.read(minutes=1)
    await stage.work()

    (found,) = await calendar.events()
    assert found == {
        "revision": 1,
        "connectionId": str(calendar.connection_id),
        "userId": str(stage.founded.user_id),
        "provider": "caldav",
        "email": "ada@acme.test",
        "calendarId": found["calendarId"],
        "reason": "overlap",
        "code": None,
        "appointmentId": str(booked.appointment_id),
        "start": "2031-03-11T09:15:00Z",
        "end": "2031-03-11T09:45:00Z",
        "appointmentStart": "2031-03-11T09:00:00Z",
        "appointmentEnd": "2031-03-11T09:30:00Z",
    }
    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert calendar.mails(outbox.mails, "An event overlaps a booking") == 1


async def test_what_one_reading_finds_is_one_mail(calendar: HostCalendar, outbox: Outbox) -> None:
    await calendar.stage.book()
    await calendar.stage.book(LATER)
    calendar.remote.add(TUESDAY, LATER.add(hours=1))

    await calendar.read()
    await calendar.stage.work()

    assert await calendar.reasons() == ["overlap", "overlap"]
    assert calendar.mails(outbox.mails, "An event overlaps a booking") == 1
