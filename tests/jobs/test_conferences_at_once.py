"""Links to meet at, and what happens to their appointments while somebody makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from kalends.domain.remote_events import Entry, RemoteCalendar, Written
from kalends.ports import Conference, Meeting
from kalends.services import handoffs
from kalends.services.handoff_candidates import Target
from tests import factories
from tests.calendar_connections import connect
from tests.fakes.memory_calendar import MemoryCalendar
from tests.fakes.zoom import FakeZoom, running
from tests.jobs.stage import NOW, Stage


@pytest.fixture
def zoom(stage: Stage) -> Iterator[FakeZoom]:
    with running() as zoom:
        stage.app.conferences = {"zoom": zoom.provider(stage.clock)}
        yield zoom


async def _link(stage: Stage, appointment_id: UUID) -> object:
    ((found,),) = await stage.rows("SELECT meeting_info->>'meetingLink' FROM appointment WHERE id = %s", appointment_id)
    return found


async def _state(stage: Stage, appointment_id: UUID) -> object:
    ((found,),) = await stage.rows("SELECT state FROM conference WHERE appointment_id = %s", appointment_id)
    return found


async def test_a_meeting_whose_making_was_never_answered_goes_with_its_appointment(
    stage: Stage, zoom: FakeZoom
) -> None:
    await stage.meet_on("zoom")
    zoom.loses = 1
    booked = await stage.book()
    await stage.work()
    made = len(zoom.meetings)

    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert made == 1
    assert (zoom.meetings, await _state(stage, booked.appointment_id)) == ({}, "deleted")


async def test_of_two_runs_of_one_job_the_first_to_answer_counts_and_the_other_meeting_goes(
    stage: Stage, zoom: FakeZoom
) -> None:
    """As of a job that was taken for lost, while its worker slept."""
    await stage.meet_on("zoom")
    booked = await stage.book()
    await _happened(stage, booked.appointment_id)
    zoom.may_list = False  # or the second one would find what the first one made
    provider = stage.app.conferences["zoom"]

    class Sleeping:
        lacking = provider.lacking
        delete = staticmethod(provider.delete)

        async def put(self, meeting: Meeting, known: Conference | None) -> Conference:
            stage.app.conferences = {"zoom": provider}
            made = await provider.put(meeting, known)
            await _make(stage, booked.appointment_id)
            return made

    stage.app.conferences = {"zoom": Sleeping()}
    await _make(stage, booked.appointment_id)

    (meeting,) = zoom.meetings.values()
    told = await stage.rows("SELECT after->'meetingInfo'->>'meetingLink' FROM event WHERE appointment_id = %s "
                            "ORDER BY revision", booked.appointment_id)  # fmt: skip
    assert zoom.asked.count("POST /users/me/meetings") == 2
    assert told == [(None,), (meeting["join_url"],)]


@dataclass
class _Slow(MemoryCalendar):
    """Answers to what is written first when it is told to."""

    written: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        """Write it."""
        written = await super().put(calendar, entry, known)
        if not self.written.is_set():
            self.written.set()
            await self.go_on.wait()
        return written


async def test_the_link_of_a_host_who_left_is_not_taken_though_his_calendar_answers_last(stage: Stage) -> None:
    meet = _Slow("google", links=["https://meet.test/ada", "https://meet.test/ben"])
    stage.app.calendars = {"google": meet}
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
    for user_id in (stage.founded.user_id, ben.id):
        await connect(stage.app, stage.founded.company_id, user_id, provider="google", now=NOW)
    await stage.meet_on("google")
    booked = await stage.book()
    await _happened(stage, booked.appointment_id)
    late = asyncio.create_task(_write(stage, booked.appointment_id, stage.founded.user_id))
    await asyncio.wait_for(meet.written.wait(), 30)
    meet.events.clear()  # of the one account in memory the two hosts have one each

    async with stage.app.transaction() as conn:
        await handoffs.hand_over(
            conn, actor=stage.actor, appointment_id=booked.appointment_id, target=Target(user_id=ben.id),
            clock=stage.clock,
        )  # fmt: skip
    await _happened(stage, booked.appointment_id)
    await _write(stage, booked.appointment_id, ben.id)
    meet.go_on.set()
    await late

    assert await _link(stage, booked.appointment_id) == "https://meet.test/ben"


async def _happened(stage: Stage, appointment_id: UUID) -> None:
    """Have the newest change be followed by nothing but what the test does."""
    ((event_id,),) = await stage.rows("SELECT max(id) FROM event WHERE appointment_id = %s", appointment_id)
    await stage.run("event.happened", event_id=event_id)
    await stage.rows("DELETE FROM procrastinate_jobs WHERE status = 'todo' RETURNING 1")


async def _make(stage: Stage, appointment_id: UUID) -> None:
    ids = {"company_id": str(stage.founded.company_id), "appointment_id": str(appointment_id)}
    await stage.run("conference.make", **ids)


async def _write(stage: Stage, appointment_id: UUID, user_id: UUID) -> None:
    ids = {"company_id": stage.founded.company_id, "appointment_id": appointment_id, "user_id": user_id}
    await stage.run("calendar.write", **{name: str(value) for name, value in ids.items()})
