"""Calendars whose answers get lost, or come late: what we did there ourselves is not taken for what a host did."""

from __future__ import annotations

from uuid import UUID

import pytest
from whenever import Instant

from kalends.domain.remote_events import Entry, RemoteCalendar, Written
from kalends.errors import Upstream
from kalends.services import calendar_settings, handoffs
from kalends.services.calendar_settings import Changes
from kalends.services.handoff_candidates import Target
from kalends.storage import calendar_writes
from tests import factories
from tests.calendar_connections import connect
from tests.fakes.memory_calendar import PERSONAL, WORK, MemoryCalendar
from tests.jobs.host_calendar import HostCalendar, half_hour, of_owner
from tests.jobs.stage import NOW, TUESDAY, Stage

LATER, LATEST = TUESDAY.add(hours=2), TUESDAY.add(hours=4)
LOST = "the answer was lost"


@pytest.fixture
async def calendar(stage: Stage) -> HostCalendar:
    """A calendar whose deletions and refusals cancel appointments."""
    return await of_owner(stage, cancel_if_declined_or_deleted=True)


async def _write_to(calendar: HostCalendar, other: RemoteCalendar) -> None:
    stage = calendar.stage
    async with stage.app.transaction() as conn:
        await calendar_settings.change(
            conn, actor=stage.actor, connection_id=calendar.connection_id, user_id=None,
            changes=Changes(primary=other.remote_id, keeps_primary=False), clock=stage.clock,
        )  # fmt: skip


async def _hand_over(stage: Stage, appointment_id: UUID, user_id: UUID) -> None:
    async with stage.app.transaction() as conn:
        await handoffs.hand_over(
            conn, actor=stage.actor, appointment_id=appointment_id, target=Target(user_id=user_id), clock=stage.clock
        )


async def _colleague(stage: Stage) -> UUID:
    """Hire somebody who is connected to the same calendars as the owner."""
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
    await connect(stage.app, stage.founded.company_id, ben.id, now=NOW, cancel_if_declined_or_deleted=True)
    return ben.id


@pytest.mark.parametrize("by_way_of", [[LATER], [LATER, LATEST]])
async def test_a_move_that_was_taken_back_stays_so_though_the_calendar_never_answered_to_it(
    calendar: HostCalendar, by_way_of: list[Instant]
) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    for start in by_way_of:
        calendar.remote.loses = [Upstream(LOST)]
        await stage.move(booked.appointment_id, start)
        await stage.work()
    await stage.move(booked.appointment_id, TUESDAY)

    await calendar.read()
    await stage.work()
    await calendar.read(minutes=2)
    await stage.later(minutes=2)

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert (calendar.one().start, await calendar.events()) == (TUESDAY, [])


async def test_what_a_host_moves_after_an_answer_was_lost_is_still_his_wish(calendar: HostCalendar) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.loses = [Upstream(LOST)]
    await stage.move(booked.appointment_id, LATER)
    await stage.work()
    await stage.later(seconds=11)
    calendar.remote.move(calendar.one(), *half_hour(TUESDAY))

    await calendar.read(minutes=1)

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)


async def test_what_was_taken_out_of_a_calendar_is_not_taken_for_deleted_though_it_never_answered(
    calendar: HostCalendar,
) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    await calendar.read()
    await _write_to(calendar, WORK)
    calendar.remote.loses = [Upstream(LOST)]
    await stage.later(seconds=1)

    await calendar.read(seconds=1)
    await stage.later(seconds=61)

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert (calendar.remote.shown(PERSONAL), len(calendar.remote.shown(WORK))) == ([], 1)


async def test_a_host_who_gets_an_appointment_back_gets_its_event_though_taking_it_away_was_never_answered(
    calendar: HostCalendar,
) -> None:
    stage = calendar.stage
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
    booked = await stage.book()
    await stage.work()
    await calendar.read()
    calendar.remote.loses = [Upstream(LOST)]
    await _hand_over(stage, booked.appointment_id, ben.id)
    await stage.work()
    gone = calendar.remote.shown()

    await _hand_over(stage, booked.appointment_id, stage.founded.user_id)
    await calendar.read()
    await stage.work()

    assert gone == []
    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert (calendar.one().start, await calendar.events()) == (TUESDAY, [])


async def test_a_colleague_who_is_handed_over_an_appointment_in_the_same_calendar_keeps_its_event(
    calendar: HostCalendar,
) -> None:
    stage = calendar.stage
    ben = await _colleague(stage)
    booked = await stage.book()
    await stage.work()

    await _hand_over(stage, booked.appointment_id, ben)
    await _follow(stage, booked.appointment_id, 2, ben, stage.founded.user_id)
    await stage.later(minutes=5)

    assert [one.start for one in calendar.remote.shown()] == [TUESDAY]


async def test_of_two_hosts_with_one_calendar_one_can_choose_another_and_the_event_stays(
    calendar: HostCalendar,
) -> None:
    stage = calendar.stage
    ben = await _colleague(stage)
    booked = await stage.book(hosts=(stage.founded.user_id, ben))
    await stage.work()

    await _write_to(calendar, WORK)
    await stage.later(seconds=1)
    both = len(calendar.remote.shown(PERSONAL)), len(calendar.remote.shown(WORK))
    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert both == (1, 1)
    assert (calendar.remote.shown(PERSONAL), calendar.remote.shown(WORK)) == ([], [])


async def test_what_is_written_late_of_an_older_revision_is_written_over(calendar: HostCalendar) -> None:
    """As of a job that was taken for lost, while its worker slept."""
    stage, put = calendar.stage, MemoryCalendar.put
    booked = await stage.book()

    class Slow(MemoryCalendar):
        async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
            self.__class__ = MemoryCalendar
            await stage.move(booked.appointment_id, LATER)
            await _follow(stage, booked.appointment_id, 2, stage.founded.user_id)
            return await put(self, calendar, entry, known)

    calendar.remote.__class__ = Slow
    await _follow(stage, booked.appointment_id, 1, stage.founded.user_id)
    wrong = calendar.one().start
    await stage.work()
    await calendar.read()

    assert wrong == TUESDAY
    assert await calendar.appointment(booked.appointment_id) == (LATER, False)
    assert (calendar.one().start, await calendar.events()) == (LATER, [])


async def _follow(stage: Stage, appointment_id: UUID, revision: int, *user_ids: UUID) -> None:
    """Have the calendars of hosts follow an appointment, one after the other."""
    company_id = stage.founded.company_id
    async with stage.app.transaction() as conn:
        await calendar_writes.owe(
            conn, company_id=company_id, appointment_id=appointment_id, user_ids=user_ids, revision=revision
        )
    await stage.rows("DELETE FROM procrastinate_jobs WHERE status = 'todo' RETURNING 1")
    for user_id in user_ids:
        ids = {"company_id": company_id, "appointment_id": appointment_id, "user_id": user_id}
        await stage.run("calendar.write", **{name: str(value) for name, value in ids.items()})
