"""Live looks into a host's calendar, while somebody waits for the answer; calendars in memory."""

from __future__ import annotations

import asyncio

from kalends.errors import Upstream
from kalends.ports import CredentialRefused
from tests.jobs.held_calendar import Held
from tests.jobs.host_calendar import HostCalendar, half_hour
from tests.jobs.stage import NOW, TUESDAY

LATER = TUESDAY.add(hours=2)


async def test_a_live_look_stores_what_it_sees(calendar: HostCalendar) -> None:
    await calendar.read()
    calendar.remote.add(*half_hour(TUESDAY))
    calendar.stage.now = NOW.add(minutes=3)

    await calendar.refresh()

    found = await calendar.connection()
    assert (await calendar.busy(), found.synced_at) == ([half_hour(TUESDAY)], NOW.add(minutes=3))


async def test_a_live_look_leaves_moves_of_our_events_to_a_job(calendar: HostCalendar) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    await calendar.read()
    calendar.remote.move(calendar.one(), *half_hour(LATER))

    await calendar.refresh()
    first = await calendar.appointment(booked.appointment_id)
    due = (await calendar.connection()).due_at
    await calendar.read(seconds=20)

    assert (first, due) == ((TUESDAY, False), NOW.add(seconds=20))
    assert await calendar.appointment(booked.appointment_id) == (LATER, False)


async def test_a_live_look_that_fails_raises_nothing_and_changes_nothing(calendar: HostCalendar) -> None:
    """K17"""
    calendar.remote.add(*half_hour(TUESDAY))
    await calendar.read()
    before = await calendar.connection()
    calendar.remote.failure = Upstream("down")

    await calendar.refresh()

    assert (await calendar.connection(), await calendar.busy()) == (before, [half_hour(TUESDAY)])


async def test_a_live_look_that_is_refused_has_a_job_tell_the_owner(calendar: HostCalendar) -> None:
    calendar.remote.failure = CredentialRefused("no")

    await calendar.refresh()
    first = (await calendar.connection()).status
    await calendar.stage.work()

    assert (first, (await calendar.connection()).status) == ("connected", "refused")


async def test_of_many_who_look_at_once_one_asks(calendar: HostCalendar) -> None:
    await calendar.read()
    calendar.remote.add(*half_hour(TUESDAY))
    calendar.remote.asked.clear()

    await asyncio.gather(*(calendar.refresh() for _ in range(8)))

    assert calendar.remote.asked == ["changes"]
    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_who_wants_to_be_left_alone_is_not_looked_at_live(calendar: HostCalendar) -> None:
    calendar.remote.failure = Upstream("slow down", retry_after_s=600)
    await calendar.read()
    calendar.remote.asked.clear()

    for minutes in (5, 10):
        calendar.stage.now = calendar.stage.now.add(minutes=minutes)
        await calendar.refresh()

    assert calendar.remote.asked == ["changes"]


async def test_a_live_look_waits_no_longer_than_it_may(calendar: HostCalendar) -> None:
    await calendar.read()
    calendar.remote.__class__ = Held
    assert isinstance(calendar.remote, Held)
    calendar.remote.arrived, calendar.remote.go_on = asyncio.Event(), asyncio.Event()
    began = asyncio.get_running_loop().time()

    await calendar.refresh(within_s=0.2)

    assert asyncio.get_running_loop().time() - began < 10
    assert (await calendar.connection()).synced_at == NOW
