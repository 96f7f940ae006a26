"""Two things done to a host's calendars at once: none of them goes by what the other one has just changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

from kalends.domain.remote_events import Channel, Entry, Page, RemoteCalendar, RemoteEvent, Window, Written
from kalends.ports import Connected, CredentialRefused
from kalends.services import calendar_connections as connections
from kalends.services import calendar_entries, calendar_settings, calendar_sync, entry_plans, users
from kalends.services.calendar_settings import Changes
from kalends.services.found_accounts import Found
from kalends.storage import calendar_access, calendar_connections, calendar_readings, calendar_writes, locks
from kalends.storage.database import Connection
from tests import factories
from tests.fakes.memory_calendar import PERSONAL, WORK, MemoryCalendar
from tests.jobs.host_calendar import HostCalendar, half_hour, of_owner
from tests.jobs.stage import TUESDAY, Stage

LATER = TUESDAY.add(hours=2)


@dataclass
class _Gate:
    """Where the next one who is asked something waits, before he answers."""

    asked: str
    calendar: RemoteCalendar
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)


class _Gated(MemoryCalendar):
    """One whose answers to one question wait: what was asked is done, and nobody knows it yet."""

    gate: _Gate | None = None

    async def _pass(self, asked: str, calendar: RemoteCalendar) -> None:
        gate = self.gate
        if gate and (gate.asked, gate.calendar.remote_id) == (asked, calendar.remote_id):
            self.gate = None
            gate.arrived.set()
            await gate.go_on.wait()

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        async for page in super().changes(calendar, token=token, window=window, own=own):
            await self._pass("changes", calendar)
            yield page

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        found = await super().event(calendar, remote_id, window=window, own=own)
        await self._pass("event", calendar)
        return found

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        written = await super().put(calendar, entry, known)
        await self._pass("put", calendar)
        return written

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        await super().delete(calendar, known)
        await self._pass("delete", calendar)

    async def watch(self, calendar: RemoteCalendar, *, channel_id: str, secret: str, address: str) -> Channel | None:
        await self._pass("watch", calendar)
        return Channel(channel_id, "resource", TUESDAY)

    async def unwatch(self, channel: Channel) -> None:
        self.asked.append("unwatch")


async def _first(doing: asyncio.Future[Any], event: asyncio.Event) -> None:
    """Wait for an event, or until what was to bring it about is through without."""
    await asyncio.wait([doing, asyncio.ensure_future(event.wait())], return_when=asyncio.FIRST_COMPLETED)


async def _while_asked(
    calendar: HostCalendar,
    asked: str,
    doing: Awaitable[Any],
    meanwhile: Callable[[], Awaitable[object]],
    where: RemoteCalendar = PERSONAL,
) -> Any:
    """Do something, and something else while its provider has not answered a question yet."""
    calendar.remote.__class__ = _Gated
    assert isinstance(calendar.remote, _Gated)
    gate = calendar.remote.gate = _Gate(asked, where)
    task = asyncio.ensure_future(doing)
    await _first(task, gate.arrived)
    assert gate.arrived.is_set(), "it was never asked"
    await meanwhile()
    gate.go_on.set()
    return await task


async def _change(calendar: HostCalendar, **changes: Any) -> None:
    """Change what is set of the connection, as its owner does."""
    stage = calendar.stage
    async with stage.app.transaction() as conn:
        await calendar_settings.change(
            conn,
            actor=stage.actor,
            connection_id=calendar.connection_id,
            user_id=None,
            changes=Changes(**changes),
            clock=stage.clock,
        )


async def _move_to(stage: Stage, zone: str) -> None:
    async with stage.app.transaction() as conn:
        await users.update(
            conn, actor=stage.actor, user_id=stage.founded.user_id, changes={"timezone": zone}, now=stage.now
        )


async def _write(stage: Stage, appointment_id: UUID) -> None:
    """Start what is due, and do one of the jobs that write."""
    async with stage.app.transaction() as conn:
        await calendar_writes.start_due(conn, stage.now)
    await stage.rows("DELETE FROM procrastinate_jobs WHERE task_name = 'calendar.write' AND status = 'todo' "
                     "RETURNING 1")  # fmt: skip
    await stage.run(
        "calendar.write",
        company_id=str(stage.founded.company_id),
        appointment_id=str(appointment_id),
        user_id=str(stage.founded.user_id),
    )


async def _status(calendar: HostCalendar, status: str) -> None:
    await calendar.stage.rows(
        "UPDATE calendar_access SET status = %s WHERE connection_id = %s RETURNING 1", status, calendar.connection_id
    )


@pytest.fixture
async def calendar(stage: Stage) -> HostCalendar:
    return await of_owner(stage, unanswered_is_busy=False)


_BEGINNING = [
    (calendar_connections, "get"),
    (calendar_connections, "credential"),
    (calendar_readings, "host"),
    (calendar_connections, "calendars"),
    (calendar_readings, "of_connection"),
]


@pytest.mark.parametrize(("module", "name"), _BEGINNING)
async def test_a_reading_that_begins_while_its_settings_change_stores_nothing_by_the_old_ones(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
) -> None:
    shown_as_free = calendar.remote.add(*half_hour(TUESDAY))
    calendar.remote.move(replace(shown_as_free, transparent=True), *half_hour(TUESDAY))
    unanswered = calendar.remote.add(*half_hour(LATER))
    calendar.remote.move(replace(unanswered, answer="needs-action"), *half_hour(LATER))
    await calendar.read()
    plain, asked = getattr(module, name), 0

    async def after(*args: Any, **named: Any) -> Any:
        nonlocal asked
        found, asked = await plain(*args, **named), asked + 1
        if asked == 1:
            await _change(calendar, all_busy=[PERSONAL.remote_id], flags={"unanswered_is_busy": True})
        return found

    monkeypatch.setattr(module, name, after)
    before = await calendar.busy()

    await calendar.read(minutes=1)
    await calendar.read(minutes=1)

    assert before == []
    assert await calendar.busy() == [half_hour(TUESDAY), half_hour(LATER)]


async def test_a_first_reading_that_is_on_its_way_while_its_host_moves_is_begun_anew(calendar: HostCalendar) -> None:
    stage = calendar.stage
    await calendar.select(WORK)
    await stage.rows("UPDATE calendar SET zone = NULL WHERE remote_id = %s AND connection_id = %s RETURNING 1",
                     WORK.remote_id, calendar.connection_id)  # fmt: skip
    calendar.remote.zones.clear()

    await _while_asked(calendar, "changes", calendar.read(), lambda: _move_to(stage, "Asia/Tokyo"), WORK)

    read = list(zip(calendar.remote.zones, calendar.remote.tokens[-len(calendar.remote.zones) :], strict=True))
    assert [token for zone, token in read if zone == "Asia/Tokyo"] == [None]


async def test_a_calendar_that_is_chosen_while_an_appointment_is_written_to_the_old_one_gets_it(
    calendar: HostCalendar,
) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.rows("DELETE FROM procrastinate_jobs WHERE task_name = 'calendar.write' RETURNING 1")

    async def choose() -> None:
        await _change(calendar, primary=WORK.remote_id, keeps_primary=False)

    await _while_asked(calendar, "put", stage.work(), choose)
    await stage.later(seconds=10)

    shown = [one.uid for one in calendar.remote.shown(WORK)]
    assert (calendar.remote.shown(PERSONAL), shown) == ([], [f"{booked.appointment_id}@kalends"])
    assert await stage.rows("SELECT 1 FROM calendar_write WHERE appointment_id = %s", booked.appointment_id) == []


async def test_what_is_being_taken_to_another_calendar_is_not_taken_for_deleted_though_something_else_is_chosen(
    following: HostCalendar,
) -> None:
    stage = following.stage
    booked = await stage.book()
    await stage.work()
    await _change(following, primary=WORK.remote_id, keeps_primary=False)

    async def change_and_read() -> None:
        await _change(following, flags={"disable_attendee_notification": True})
        await following.read()

    await _while_asked(following, "delete", _write(stage, booked.appointment_id), change_and_read)
    await stage.later(seconds=10)
    await following.read()

    assert await following.appointment(booked.appointment_id) == (TUESDAY, False)
    shown = [one.uid for one in following.remote.shown(WORK)]
    assert (following.remote.shown(PERSONAL), shown) == ([], [f"{booked.appointment_id}@kalends"])


async def test_what_is_taken_to_another_calendar_once_the_connection_works_again_is_not_taken_for_deleted(
    following: HostCalendar,
) -> None:
    stage = following.stage
    booked = await stage.book()
    await stage.work()
    await _change(following, primary=WORK.remote_id, keeps_primary=False)
    await _status(following, "refused")
    await _write(stage, booked.appointment_id)
    waiting = await stage.rows("SELECT error FROM calendar_write WHERE appointment_id = %s", booked.appointment_id)
    await _status(following, "connected")
    async with stage.app.transaction() as conn:  # as connecting it again does
        await calendar_writes.hurry(
            conn, company_id=stage.founded.company_id, user_id=stage.founded.user_id, now=stage.now
        )

    await _while_asked(following, "delete", _write(stage, booked.appointment_id), following.read)

    assert waiting == [(calendar_writes.REFUSED,)]
    assert await following.appointment(booked.appointment_id) == (TUESDAY, False)
    assert (following.remote.shown(PERSONAL), len(following.remote.shown(WORK))) == ([], 1)


async def _disconnect(calendar: HostCalendar) -> None:
    stage = calendar.stage
    async with stage.app.transaction() as conn:
        await connections.delete(
            conn, actor=stage.actor, connection_id=calendar.connection_id, user_id=None, now=stage.now
        )


async def _connect_again(calendar: HostCalendar, conn: Connection) -> None:
    stage, account = calendar.stage, (await calendar.connection()).account
    found = Found("caldav", Connected(account, "ada@acme.test", {"new": "one"}), [PERSONAL, WORK])
    await connections.connect(
        conn, actor=stage.actor, user_id=stage.founded.user_id, found=found, as_sync=False, box=stage.app.box,
        clock=stage.clock,
    )  # fmt: skip


async def _deleted_there(calendar: HostCalendar) -> UUID:
    """Book, and let the host delete the event; nobody has read that yet."""
    booked = await calendar.stage.book()
    await calendar.stage.work()
    await calendar.read()
    calendar.remote.remove(calendar.one())
    return booked.appointment_id


async def test_a_deletion_cancels_nothing_where_its_host_does_not_want_that_any_more(following: HostCalendar) -> None:
    appointment_id = await _deleted_there(following)

    async def keep_them() -> None:
        await _change(following, flags={"cancel_if_declined_or_deleted": False})

    await _while_asked(following, "event", following.read(minutes=1), keep_them)

    assert await following.appointment(appointment_id) == (TUESDAY, False)
    assert await following.reasons() == ["deleted"]


async def test_a_deletion_cancels_nothing_once_its_host_has_disconnected_the_calendar(following: HostCalendar) -> None:
    appointment_id = await _deleted_there(following)

    await _while_asked(following, "event", following.read(minutes=1), partial(_disconnect, following))

    assert await following.appointment(appointment_id) == (TUESDAY, False)
    assert await following.reasons() == []


async def test_a_calendar_that_is_disconnected_while_a_channel_is_opened_tells_of_nothing_any_more(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar.stage.app, "base_url", "https://kalends.example")

    await _while_asked(calendar, "watch", calendar.read(), partial(_disconnect, calendar))

    assert calendar.remote.asked[-1] == "unwatch"


async def test_a_refusal_that_comes_while_its_owner_connects_again_is_not_told(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, waits, lock = calendar.stage, asyncio.Event(), locks.users
    calendar.remote.failure = CredentialRefused("no")

    async def waiting(*args: Any) -> None:
        waits.set()
        await lock(*args)

    async with stage.app.transaction() as conn:
        await _connect_again(calendar, conn)
        monkeypatch.setattr(locks, "users", waiting)
        reading = asyncio.create_task(calendar.read())
        await _first(reading, waits)
        calendar.remote.failure = None

    assert await reading == "read"
    assert await calendar.events("credential_error") == []


async def test_connecting_again_and_putting_off_what_was_refused_do_not_wait_for_each_other(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, call = calendar.stage, calendar_access.call_for_reading
    company_id, user_id = stage.founded.company_id, stage.founded.user_id
    connecting: list[asyncio.Task[None]] = []
    booked = await stage.book()
    async with stage.app.transaction() as conn:
        await calendar_writes.owe_coming(conn, company_id=company_id, user_id=user_id, now=stage.now)
        plan = await entry_plans.plan(
            conn, company_id=company_id, appointment_id=booked.appointment_id, user_id=user_id, now=stage.now
        )

    async def connect_again() -> None:
        async with stage.app.transaction() as conn:
            await _connect_again(calendar, conn)

    async def calling(conn: Connection, *args: Any, **named: Any) -> None:
        if not connecting:
            connecting.append(asyncio.create_task(connect_again()))
            await _until_it_waits(stage, connecting[0], conn)
        await call(conn, *args, **named)

    monkeypatch.setattr(calendar_access, "call_for_reading", calling)
    assert plan
    async with stage.app.transaction() as conn:
        await calendar_entries.failed(conn, plan, CredentialRefused("no"), now=stage.now)
    await connecting[0]

    due = "SELECT due_at FROM calendar_write WHERE appointment_id = %s"
    assert await stage.rows(due, booked.appointment_id) == [(stage.now,)]


async def test_what_a_live_look_has_seen_is_stored_though_who_asked_has_given_up(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar.remote.add(*half_hour(TUESDAY))
    given_up, lock = asyncio.Event(), locks.users

    async def waiting(*args: Any) -> None:
        await given_up.wait()
        await lock(*args)

    monkeypatch.setattr(locks, "users", waiting)
    monkeypatch.setattr(calendar_sync, "LOOK_S", 60)

    await calendar.refresh(within_s=0.1)
    given_up.set()
    await asyncio.gather(*calendar_sync._looks.values())

    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_of_a_great_many_live_looks_at_once_some_are_left_out(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar.remote.add(*half_hour(TUESDAY))
    looks = {uuid4(): asyncio.create_task(asyncio.sleep(0))}
    monkeypatch.setattr(calendar_sync, "_looks", looks)
    monkeypatch.setattr(calendar_sync, "MOST_LOOKS", 1)

    await calendar.refresh()
    left_out = await calendar.busy()
    looks.clear()
    await calendar.refresh()

    assert (left_out, await calendar.busy()) == ([], [half_hour(TUESDAY)])


async def test_starting_what_waits_for_a_connection_waits_for_nobody_who_changes_it(calendar: HostCalendar) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.rows("INSERT INTO calendar_write (company_id, appointment_id, user_id, revision, error) "
                     "VALUES (%s, %s, %s, 1, %s) RETURNING 1", stage.founded.company_id, booked.appointment_id,
                     stage.founded.user_id, calendar_writes.REFUSED)  # fmt: skip

    async with stage.app.transaction() as conn:
        await calendar_writes.hurry(
            conn, company_id=stage.founded.company_id, user_id=stage.founded.user_id, now=stage.now
        )
        async with stage.app.transaction() as other:
            await other.execute("SET LOCAL lock_timeout = '1ms'")
            await calendar_writes.start_due(other, stage.now)


async def test_what_is_moved_in_a_calendar_waits_for_the_rooms_of_its_type_before_it_is_locked_itself(
    calendar: HostCalendar,
) -> None:
    stage, rooms = calendar.stage, []
    async with stage.app.transaction() as conn:
        for name in ("First", "Second"):
            made = (await factories.user(conn, stage.founded, user_type="resource")).user
            rooms.append({"id": str(uuid4()), "name": name, "groupName": "Rooms", "groupMemberIndex": None,
                          "availabilityId": None, "resourceId": str(made.id)})  # fmt: skip
    await stage.meet_on("custom", resource_channels=rooms)
    booked = await stage.book()
    await stage.work()
    await calendar.read()
    calendar.remote.move(calendar.one(), *half_hour(LATER))
    ((room,),) = await stage.rows("SELECT resources->0->>'resourceId' FROM appointment WHERE id = %s",
                                  booked.appointment_id)  # fmt: skip
    (other,) = {UUID(one["resourceId"]) for one in rooms} - {UUID(str(room))}

    async with stage.app.transaction() as conn:  # as somebody does who books the other room
        await locks.users(conn, stage.founded.company_id, [other])
        reading = asyncio.create_task(calendar.read(minutes=1))
        await _until_it_waits(stage, reading, conn)
        await conn.execute("SELECT FROM appointment WHERE id = %s FOR NO KEY UPDATE NOWAIT", (booked.appointment_id,))
    await asyncio.wait([reading])
    await calendar.read(minutes=1)

    assert await calendar.appointment(booked.appointment_id) == (LATER, False)


async def _until_it_waits(stage: Stage, doing: asyncio.Task[Any], conn: Connection) -> None:
    """Go on once somebody waits for what a transaction has locked, or is through without."""
    waiting = "SELECT FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    for _ in range(3000):
        if doing.done() or await stage.rows(waiting, conn.info.backend_pid):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it neither waits nor ends")
