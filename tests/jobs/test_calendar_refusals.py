"""What a host and his guests answer to our event in his calendar; calendars in memory."""

from __future__ import annotations

import pytest

from tests import factories
from tests.conftest import Outbox
from tests.jobs.host_calendar import HostCalendar, half_hour, of_owner
from tests.jobs.stage import NOW, TUESDAY, Stage

LATER = TUESDAY.add(hours=2)


async def test_the_hosts_own_refusal_cancels_where_he_wants_that(following: HostCalendar) -> None:
    booked = await following.stage.book()
    await following.stage.work()
    following.answer("declined")

    await following.read()

    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)


async def test_the_hosts_own_refusal_is_told_once_otherwise(calendar: HostCalendar, outbox: Outbox) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    calendar.answer("declined")

    await calendar.read()
    calendar.remote.forget_tokens()
    await calendar.read(minutes=1)
    await calendar.stage.work()

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert calendar.mails(outbox.mails, "A booking still takes place") == 1


@pytest.mark.parametrize(("cancels", "is_cancelled"), [(False, False), (True, True)])
async def test_what_a_guest_answers_is_kept_and_may_cancel(stage: Stage, cancels: bool, is_cancelled: bool) -> None:
    calendar = await of_owner(stage, cancel_if_declined_or_deleted=cancels)
    booked = await stage.book()
    await stage.work()
    calendar.answer(None, (stage.guest, "declined"))

    await calendar.read()
    await stage.work()
    await calendar.read(minutes=1)

    assert await stage.rows("SELECT answer FROM attendee WHERE appointment_id = %s", booked.appointment_id) == [
        ("declined",)
    ]
    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, is_cancelled)
    kinds = await stage.rows("SELECT kind FROM event WHERE appointment_id = %s ORDER BY id", booked.appointment_id)
    assert kinds == [("booking_created",), ("booking_updated",), *([("booking_cancelled",)] if cancels else [])]


async def test_of_a_group_only_the_guest_who_declines_leaves(following: HostCalendar) -> None:
    stage = following.stage
    async with stage.app.transaction() as conn:
        kind = await factories.meeting_type(conn, stage.founded, now=NOW, spots=5)
    stage.meeting_type_id = kind.id
    booked = await stage.book()
    await stage.book(guest="eva@guest.test")
    await stage.work()
    following.answer(None, (stage.guest, "declined"), ("eva@guest.test", "accepted"))

    await following.read()

    coming = await stage.rows(
        "SELECT email FROM attendee WHERE appointment_id = %s AND cancelled_at IS NULL", booked.appointment_id
    )
    assert coming == [("eva@guest.test",)]


async def test_a_group_whose_guests_all_decline_is_cancelled_and_not_said_to_have_been_moved(
    following: HostCalendar,
) -> None:
    stage = following.stage
    async with stage.app.transaction() as conn:
        kind = await factories.meeting_type(conn, stage.founded, now=NOW, spots=5)
    stage.meeting_type_id = kind.id
    booked = await stage.book()
    await stage.book(guest="eva@guest.test")
    await stage.work()
    event = following.answer(None, (stage.guest, "declined"), ("eva@guest.test", "declined"))
    following.remote.move(event, *half_hour(LATER))

    await following.read()

    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)
    assert await following.events() == []
