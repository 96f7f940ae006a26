"""A host deletes our event, or takes it to another of his calendars; calendars in memory."""

from __future__ import annotations

import pytest

from kalends.domain.remote_events import RemoteCalendar
from kalends.errors import Upstream
from tests.conftest import Outbox
from tests.fakes.memory_calendar import WORK
from tests.jobs.host_calendar import HostCalendar, half_hour
from tests.jobs.stage import TUESDAY

LATER = TUESDAY.add(hours=2)


async def test_a_deletion_cancels_where_the_host_wants_that(following: HostCalendar) -> None:
    booked = await following.stage.book()
    await following.stage.work()
    following.remote.remove(following.one())

    await following.read()
    await following.stage.work()

    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)
    assert following.remote.shown() == []


async def test_a_deletion_is_only_told_otherwise_and_not_written_again(calendar: HostCalendar, outbox: Outbox) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.remove(calendar.one())

    await calendar.read()
    calendar.remote.forget_tokens()
    await calendar.read(minutes=1)
    await stage.work()
    empty = calendar.remote.shown()
    await stage.move(booked.appointment_id, LATER)
    await stage.work()

    assert empty == []
    assert calendar.mails(outbox.mails, "A booking still takes place") == 1
    assert await calendar.appointment(booked.appointment_id) == (LATER, False)
    assert calendar.one().start == LATER


async def test_a_deletion_that_only_a_list_tells_of_cancels_nothing(following: HostCalendar) -> None:
    """K14"""
    booked = await following.stage.book()
    await following.stage.work()
    following.remote.phantoms.add(following.one().remote_id)

    await following.read()
    await following.read(minutes=20)

    assert await following.appointment(booked.appointment_id) == (TUESDAY, False)
    assert await following.events() == []


async def test_a_deletion_that_cannot_be_verified_now_is_looked_at_again(following: HostCalendar) -> None:
    booked = await following.stage.book()
    await following.stage.work()
    await following.read()
    following.remote.remove(following.one())
    whole, following.remote.event = following.remote.event, _broken

    outcome = await following.read(minutes=1)
    meanwhile = await following.appointment(booked.appointment_id)
    following.remote.event = whole
    await following.read(minutes=1)

    assert (outcome, meanwhile) == ("put-off", (TUESDAY, False))
    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)


async def _broken(*_: object, **__: object) -> None:
    raise Upstream("not now")


async def test_events_of_ours_that_vanish_all_at_once_cancel_nothing_before_they_did_so_twice(
    following: HostCalendar, outbox: Outbox
) -> None:
    stage = following.stage
    booked = [await stage.book(TUESDAY.add(hours=hour)) for hour in range(2)]
    await stage.work()
    await following.read()
    for event in following.remote.shown():
        following.remote.remove(event)

    states = []
    for minutes in (1, 5, 6):
        await following.read(minutes=minutes)
        states.append([(await following.appointment(one.appointment_id))[1] for one in booked])
    await stage.work()

    assert states == [[False, False], [False, False], [True, True]]
    assert following.mails(outbox.mails, "Your calendar seems to have been emptied") == 1


async def test_events_that_come_back_were_never_gone(following: HostCalendar) -> None:
    booked = [await following.stage.book(TUESDAY.add(hours=hour)) for hour in range(2)]
    await following.stage.work()
    await following.read()
    events, following.remote.events = following.remote.events, {}
    following.remote.forget_tokens()

    await following.read(minutes=1)
    following.remote.events = events
    await following.read(minutes=20)
    await following.read(minutes=20)

    assert [await following.appointment(one.appointment_id) for one in booked] == [
        (TUESDAY, False),
        (TUESDAY.add(hours=1), False),
    ]


async def test_what_was_moved_beside_what_vanished_keeps_nothing_from_being_looked_at_again(
    following: HostCalendar,
) -> None:
    """The deletions were once forgotten with the move."""
    stage = following.stage
    booked = [await stage.book(TUESDAY.add(hours=hour)) for hour in range(4)]
    await stage.work()
    await following.read()
    moved, *others = following.remote.shown()
    following.remote.move(moved, *half_hour(TUESDAY.add(hours=5)))
    for event in others:
        following.remote.remove(event)

    await following.read(minutes=1)
    first = [await following.appointment(one.appointment_id) for one in booked]
    await following.read(minutes=11)

    assert first[0] == (TUESDAY.add(hours=5), False)
    assert [cancelled for _, cancelled in first] == [False] * 4
    assert [(await following.appointment(one.appointment_id))[1] for one in booked] == [False, True, True, True]
    assert await following.reasons() == ["emptied"]


# To another calendar


# Given another time where nobody reads, it cannot be told from a deleted one.
@pytest.mark.parametrize(("selected", "hours"), [(True, 0), (True, 1), (False, 0)])
async def test_an_event_moved_to_another_calendar_of_its_host_is_not_deleted(
    following: HostCalendar, selected: bool, hours: int
) -> None:
    stage = following.stage
    booked = await stage.book()
    await stage.work()
    if selected:
        await following.select(WORK)
    await following.read()
    moved = following.one()
    following.remote.remove(moved)
    following.remote.move(moved, *half_hour(TUESDAY.add(hours=hours)), WORK)

    await following.read(minutes=1)
    await following.read(minutes=1)
    there = await following.appointment(booked.appointment_id)
    await stage.move(booked.appointment_id, LATER)
    await stage.work()

    assert there == (TUESDAY.add(hours=hours), False)
    assert [one.start for one in following.remote.shown()] == [LATER]  # what changes is written where all is
    assert following.remote.shown(WORK) == []
    assert await following.events() == []


async def test_an_event_moved_to_a_calendar_that_was_made_since_does_not_stay_there(following: HostCalendar) -> None:
    stage = following.stage
    booked = await stage.book()
    await stage.work()
    await following.read()
    made = RemoteCalendar("/ada/made/", "Made")
    following.remote.calendars_there.append(made)
    moved = following.one()
    following.remote.remove(moved)
    following.remote.move(moved, moved.start, moved.end, made)

    await following.read(minutes=1)
    await stage.move(booked.appointment_id, LATER)
    await stage.work()

    listed = await stage.rows("SELECT name, zone, selected, is_primary FROM calendar WHERE connection_id = %s "
                              "AND remote_id = '/ada/made/'", following.connection_id)  # fmt: skip
    assert [one.start for one in following.remote.shown()] == [LATER]
    assert following.remote.shown(made) == []
    assert listed == [("Made", None, False, False)]


async def test_an_event_moved_to_another_calendar_and_deleted_there_is_deleted(following: HostCalendar) -> None:
    booked = await following.stage.book()
    await following.stage.work()
    await following.select(WORK)
    moved = following.one()
    following.remote.remove(moved)
    moved = following.remote.move(moved, moved.start, moved.end, WORK)
    await following.read()

    following.remote.remove(moved, WORK)
    await following.read(minutes=1)

    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)
