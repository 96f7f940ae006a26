"""Random lives of a host and his calendar: both sides change, the provider fails and lies; in the end both agree."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from whenever import Instant

from kalends.app import App
from kalends.domain.uids import appointment_named
from kalends.errors import DomainError, Upstream
from kalends.jobs import queue
from kalends.ports import CredentialRefused
from kalends.services import appointments, bookings, calendar_sync
from kalends.services.actor import Actor
from kalends.services.orders import NewAttendee, Order
from kalends.services.outcomes import Booked
from kalends.storage import calendar_writes, database
from kalends.storage.secret_box import SecretBox
from tests import factories
from tests.calendar_connections import connect
from tests.conftest import Outbox
from tests.fakes.memory_calendar import Stored
from tests.fakes.wild_calendar import WildCalendar

BEGIN = Instant("2031-03-03T08:00:00Z")  # a Monday
DAY = Instant("2031-03-11T08:00:00Z")
HALF_HOURS = 10
STARTS = st.sampled_from([DAY.add(minutes=30 * number) for number in range(HALF_HOURS)])
# Some of them outside the host's hours, or off the ladder.
ANYWHERE = st.one_of(STARTS, st.sampled_from([DAY.subtract(hours=60), DAY.add(minutes=50)]))
PICK = st.integers(0, 20)
FAULTS = st.sampled_from(["down", "refused", "breaks", "etagless", "blank", "phantoms", "lost answers", "dead tokens"])


class Life(RuleBasedStateMachine):
    """One host whose calendar blocks him and is written to."""

    conninfo: str

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.remote = WildCalendar()
        self.runner = asyncio.Runner()
        self.app = App(
            pool=database.pool(self.conninfo, min_size=1, max_size=2),
            mailer=Outbox(),
            base_url="http://kalends.test",
            mail_from="kalends <no-reply@kalends.test>",
            box=SecretBox(lambda: b"known to all tests"),
            calendars={"caldav": self.remote},
            now=lambda: self.now,
        )
        self.tasks = queue.create(self.app, self.conninfo).tasks
        # Where each appointment may stand, and which may be cancelled: what either side wanted of it.
        self.starts: dict[UUID, set[Instant]] = {}
        self.may_be_cancelled: set[UUID] = set()
        self.deleted_there: set[UUID] = set()

    def teardown(self) -> None:
        try:
            if hasattr(self, "connection_id"):
                self.runner.run(self._heal())
        finally:
            self.runner.run(self.app.aclose())
            self.runner.close()

    @initialize(cancels=st.booleans(), page_size=st.integers(1, 4))
    def begin(self, cancels: bool, page_size: int) -> None:
        self.cancels, self.remote.page_size = cancels, page_size
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        await self.app.open()
        await self._execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
        async with self.app.transaction() as conn:
            founded = await factories.company(conn, now=BEGIN)
            self.kind = (await factories.meeting_type(conn, founded, now=BEGIN)).id
        self.company_id, self.user_id = founded.company_id, founded.user_id
        self.actor = Actor(founded.company_id, founded.user_id, True, "key")
        self.connection_id = await connect(
            self.app,
            self.company_id,
            self.user_id,
            now=BEGIN,
            validate_availability=True,
            cancel_if_declined_or_deleted=self.cancels,
        )
        await self._read()
        for start in (DAY, DAY.add(minutes=60)):
            order = Order(self.kind, start, NewAttendee("jo@guests.test"))
            async with self.app.transaction() as conn:
                booked = await bookings.book(conn, actor=self.actor, clock=lambda: self.now, order=order)
            assert isinstance(booked, Booked)
            self.starts[booked.appointment_id] = {start}
        await self._work()

    # What happens here

    @rule(start=STARTS, at_once=st.booleans())
    def book(self, start: Instant, at_once: bool) -> None:
        order = Order(self.kind, start, NewAttendee("jo@guests.test"))
        booked = self._tried(bookings.book, order=order)
        if isinstance(booked, Booked):
            self.starts[booked.appointment_id] = {start}
        if at_once:
            self.work()

    @rule(pick=PICK, start=STARTS)
    def move(self, pick: int, start: Instant) -> None:
        appointment_id = self._picked(pick)
        moved = appointment_id and self._tried(appointments.reschedule, appointment_id=appointment_id, start=start)
        if appointment_id and moved and moved.previous_start != start:
            self.starts[appointment_id].add(start)
            self.deleted_there.discard(appointment_id)

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        appointment_id = self._picked(pick)
        if appointment_id and self._tried(appointments.cancel, appointment_id=appointment_id, cancel_all=True):
            self.may_be_cancelled.add(appointment_id)

    # What happens there

    @rule(start=STARTS, minutes=st.sampled_from([15, 45, 90]))
    def make_there(self, start: Instant, minutes: int) -> None:
        self.remote.add(start, start.add(minutes=minutes))

    @rule(pick=PICK)
    def delete_theirs(self, pick: int) -> None:
        theirs = [one for one in self.remote.shown() if not _ours(one)]
        if theirs:
            self.remote.remove(theirs[pick % len(theirs)])

    @rule(pick=PICK, start=ANYWHERE, at_once=st.booleans())
    def move_there(self, pick: int, start: Instant, at_once: bool) -> None:
        event = self._event(pick)
        if event:
            self.remote.move(event, start, start + (event.end - event.start))
            self.starts.get(_ours(event), set()).add(start)
        if at_once:
            self.sync()

    @rule(pick=PICK)
    def stretch_there(self, pick: int) -> None:
        event = self._event(pick)
        if event:
            self.remote.move(event, event.start, event.end.add(minutes=15))

    @rule(pick=PICK)
    def delete_there(self, pick: int) -> None:
        event = self._event(pick)
        if event:
            self.remote.remove(event)
            self._given_up(event)

    @rule(pick=PICK)
    def decline_there(self, pick: int) -> None:
        event = self._event(pick)
        if event:
            self.remote.move(replace(event, answer="declined"), event.start, event.end)
            self._given_up(event)

    # What the provider does, and time

    @rule(fault=FAULTS)
    def fail(self, fault: str) -> None:
        remote = self.remote
        match fault:
            case "down":
                remote.failure = Upstream("it is down", retry_after_s=30)
            case "refused":
                remote.failure = CredentialRefused("no")
            case "breaks":
                remote.breaks_after = 1
            case "etagless":
                remote.etagless = True
            case "blank":
                remote.blank = True
            case "phantoms":
                remote.phantoms |= {one.remote_id for one in remote.shown()[:2]}
            case "lost answers":
                remote.loses.append(Upstream("the answer got lost"))
            case "dead tokens":
                remote.forget_tokens()

    @rule()
    def recover(self) -> None:
        self.remote.heal()
        self.wait(3)
        self.sync()
        self.work()

    @rule(minutes=st.sampled_from([1, 3, 12]))
    def wait(self, minutes: int) -> None:
        self.now = self.now.add(minutes=minutes)

    @rule()
    def sync(self) -> None:
        self.runner.run(self._read())

    @rule()
    def look_live(self) -> None:
        self.runner.run(
            calendar_sync.refresh(self.app.calendar_reader, self.company_id, [self.connection_id], within_s=2)
        )

    @rule()
    def work(self) -> None:
        self.runner.run(self._work())

    # What must be true after each

    @invariant()
    def nothing_is_lost_or_cancelled_or_moved_by_itself(self) -> None:
        if not hasattr(self, "connection_id"):
            return
        found = self.runner.run(self._appointments())
        assert found.keys() == self.starts.keys()
        for appointment_id, (start, cancelled) in found.items():
            assert start in self.starts[appointment_id]
            assert not cancelled or appointment_id in self.may_be_cancelled
        live = sorted(start for start, cancelled in found.values() if not cancelled)
        assert all(first.add(minutes=30) <= second for first, second in pairwise(live))

    # In the end

    async def _heal(self) -> None:
        """Let all be well for a while: then both sides are the same."""
        self.remote.heal()
        for _ in range(6):
            self.now = self.now.add(minutes=16)
            await self._read()
            await self._work()
        await self._both_sides_are_equal()

    async def _both_sides_are_equal(self) -> None:
        theirs = [one for one in self.remote.shown() if _ours(one) is None]
        assert await self._rows(
            "SELECT b.start_at, b.end_at FROM busy_event b JOIN calendar k ON k.no = b.calendar_no "
            "WHERE k.connection_id = %s ORDER BY 1, 2",
            self.connection_id,
        ) == sorted((one.start, one.end) for one in theirs if one.answer != "declined")
        shown = {_ours(one): (one.start, one.end) for one in self.remote.shown() if _ours(one)}
        live = {
            one: (start, start.add(minutes=30))
            for one, (start, cancelled) in (await self._appointments()).items()
            if not cancelled
        }
        missing = {one for one in live if one not in shown}
        assert missing <= self.deleted_there
        assert shown == {one: span for one, span in live.items() if one not in missing}
        owed = "SELECT count(*) FROM calendar_write WHERE company_id = %s"
        assert await self._rows(owed, self.company_id) == [(0,)]
        status = "SELECT status, failures FROM calendar_access WHERE connection_id = %s"
        assert await self._rows(status, self.connection_id) == [("connected", 0)]

    # How

    async def _read(self) -> None:
        await calendar_sync.read_now(self.app.calendar_reader, self.company_id, self.connection_id)

    async def _work(self) -> None:
        """Do all jobs there are, and those they bring; not those that send mails."""
        async with self.app.transaction() as conn:
            await calendar_writes.start_due(conn, self.now)
        while True:
            todo = await self._rows(
                "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY priority DESC, id"
            )
            if not todo:
                return
            for job_id, task, args in todo:
                await self._execute("DELETE FROM procrastinate_jobs WHERE id = %s", job_id)
                if task != "effect.mail":
                    await self.tasks[task].func(**args)

    async def _appointments(self) -> dict[UUID, tuple[Instant, bool]]:
        rows = await self._rows(
            "SELECT id, start_at, cancelled_at IS NOT NULL FROM appointment WHERE company_id = %s", self.company_id
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.app.reading() as conn:
            return [tuple(row) for row in await (await conn.execute(statement, values)).fetchall()]

    async def _execute(self, statement: str, *values: object) -> None:
        async with self.app.reading() as conn:
            await conn.execute(statement, values)

    def _tried(self, change: Any, **asked: Any) -> Any:
        """Carry out a change of ours; None: it is refused."""

        async def within() -> Any:
            async with self.app.transaction() as conn:
                return await change(conn, actor=self.actor, clock=lambda: self.now, **asked)

        try:
            return self.runner.run(within())
        except DomainError:
            return None

    def _picked(self, pick: int) -> UUID | None:
        ids = sorted(self.starts)
        return ids[pick % len(ids)] if ids else None

    def _event(self, pick: int) -> Stored | None:
        """Pick an event there, one of ours where there are any."""
        shown = [one for one in self.remote.shown() if _ours(one)] or self.remote.shown()
        return shown[pick % len(shown)] if shown else None

    def _given_up(self, event: Stored) -> None:
        """Take note that the host deleted or declined an event of ours."""
        appointment_id = _ours(event)
        if appointment_id and self.cancels:
            self.may_be_cancelled.add(appointment_id)
        elif appointment_id:
            self.deleted_there.add(appointment_id)


def _ours(event: Stored) -> UUID | None:
    return appointment_named(event.uid)


def test_a_host_and_his_calendar_agree_in_the_end(conninfo: str) -> None:
    machine = type("LifeHere", (Life,), {"conninfo": conninfo})
    bounded = settings(
        max_examples=int(os.environ.get("KALENDS_LIFE_EXAMPLES", "8")),
        stateful_step_count=30,
        deadline=None,
        phases=[Phase.generate],
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(machine, settings=bounded)
