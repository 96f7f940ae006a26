"""A host moves our event in his calendar: its appointment follows, or the event is put right."""

from __future__ import annotations

import pytest

from tests import factories
from tests.conftest import Outbox
from tests.jobs.host_calendar import HostCalendar, half_hour
from tests.jobs.stage import NOW, TUESDAY

LATER = TUESDAY.add(hours=2)
SUNDAY = TUESDAY.subtract(hours=48)


async def test_an_event_moved_in_the_calendar_moves_its_appointment(calendar: HostCalendar) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.move(calendar.one(), *half_hour(LATER))

    assert await calendar.read() == "read"
    await stage.work()
    await calendar.read(minutes=1)

    assert await calendar.appointment(booked.appointment_id) == (LATER, False)
    assert [(one.start, one.end) for one in calendar.remote.shown()] == [half_hour(LATER)]
    assert await calendar.events() == []
    ((actor, kind),) = await stage.rows(
        "SELECT actor, kind FROM event WHERE appointment_id = %s ORDER BY id DESC LIMIT 1", booked.appointment_id
    )
    assert (actor["via"], kind) == ("calendar", "booking_rescheduled")


async def test_a_move_the_rules_do_not_allow_is_told_and_put_right(calendar: HostCalendar, outbox: Outbox) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.move(calendar.one(), *half_hour(SUNDAY))

    await calendar.read()
    await stage.work()
    await calendar.read(minutes=1)
    await stage.work()

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert (calendar.one().start, calendar.one().end) == half_hour(TUESDAY)
    assert [(one["reason"], one["code"], one["start"]) for one in await calendar.events()] == [
        ("moved", "outside-hours", SUNDAY.format_iso())
    ]
    assert calendar.mails(outbox.mails, "A booking could not be moved") == 1


async def test_a_move_onto_something_new_in_the_same_calendar_is_not_followed(calendar: HostCalendar) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    calendar.remote.move(calendar.one(), *half_hour(LATER))
    calendar.remote.add(*half_hour(LATER))

    await calendar.read()

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert [one["code"] for one in await calendar.events()] == ["slot-occupied"]


async def test_an_event_made_longer_is_put_right(calendar: HostCalendar, outbox: Outbox) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    calendar.remote.move(calendar.one(), TUESDAY, TUESDAY.add(hours=2))

    await calendar.read()
    await calendar.stage.work()

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert (calendar.one().start, calendar.one().end) == half_hour(TUESDAY)
    assert calendar.mails(outbox.mails, "A booking keeps its length") == 1


async def test_of_moves_on_both_sides_ours_stands(calendar: HostCalendar) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.move(calendar.one(), *half_hour(TUESDAY.add(hours=4)))
    await stage.move(booked.appointment_id, LATER)

    await calendar.read()
    await stage.work()
    await calendar.read(minutes=1)

    assert await calendar.appointment(booked.appointment_id) == (LATER, False)
    assert (calendar.one().start, calendar.one().end) == half_hour(LATER)


async def test_of_a_meeting_of_several_hosts_all_have_to_be_free(calendar: HostCalendar) -> None:
    stage = calendar.stage
    async with stage.app.transaction() as conn:
        second = (await factories.user(conn, stage.founded, now=NOW)).user
    both = await stage.book(hosts=(stage.founded.user_id, second.id))
    await stage.book(LATER, hosts=(second.id,))
    await stage.work()

    calendar.remote.move(calendar.one(), *half_hour(LATER))
    await calendar.read()
    await stage.work()
    refused = (await calendar.appointment(both.appointment_id), calendar.one().start)
    calendar.remote.move(calendar.one(), *half_hour(LATER.add(hours=1)))
    await calendar.read(minutes=1)

    assert refused == ((TUESDAY, False), TUESDAY)
    assert await calendar.appointment(both.appointment_id) == (LATER.add(hours=1), False)
    assert [one["code"] for one in await calendar.events()] == ["slot-occupied"]


@pytest.mark.parametrize("hours", [-9 * 24, -1500 * 24])
async def test_nothing_is_moved_into_the_past(following: HostCalendar, hours: int) -> None:
    stage = following.stage
    booked = await stage.book()
    await stage.work()
    following.remote.move(following.one(), *half_hour(TUESDAY.add(hours=hours)))

    await following.read()
    await stage.work()

    assert await following.appointment(booked.appointment_id) == (TUESDAY, False)
    assert following.one().start == TUESDAY


async def test_what_is_just_being_written_is_looked_at_later(calendar: HostCalendar) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.move(calendar.one(), *half_hour(LATER))
    await stage.rows(
        "INSERT INTO calendar_write (company_id, appointment_id, user_id, revision) VALUES (%s, %s, %s, 1) RETURNING 1",
        *(stage.founded.company_id, booked.appointment_id, stage.founded.user_id),
    )

    await calendar.read()
    first = await calendar.appointment(booked.appointment_id)
    due = (await calendar.connection()).due_at
    await stage.rows("DELETE FROM calendar_write WHERE appointment_id = %s RETURNING 1", booked.appointment_id)
    await calendar.read(seconds=30)

    assert first == (TUESDAY, False)
    assert due == NOW.add(seconds=20)
    assert await calendar.appointment(booked.appointment_id) == (LATER, False)
