"""Readings of a host's calendar beside each other, and beside what is done meanwhile; calendars in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest

from kalends.domain.remote_events import Page, RemoteCalendar, Window
from kalends.storage import calendar_access, calendar_disconnections
from tests.fakes.memory_calendar import MemoryCalendar
from tests.jobs.held_calendar import Held, held, let_go
from tests.jobs.host_calendar import HostCalendar, half_hour
from tests.jobs.stage import NOW, TUESDAY

LATER = TUESDAY.add(hours=2)


async def test_of_two_readings_at_once_the_older_one_stores_nothing_over_the_newer(calendar: HostCalendar) -> None:
    event = calendar.remote.add(*half_hour(TUESDAY))
    await calendar.read()
    calendar.remote.move(event, *half_hour(LATER))
    calendar.remote.__class__ = Held
    older = await held(calendar)
    calendar.remote.move(event, *half_hour(LATER.add(hours=1)))
    await calendar.read()
    calendar.remote.asked.clear()

    assert await let_go(calendar, older) == "read"

    assert await calendar.busy() == [half_hour(LATER.add(hours=1))]
    assert calendar.remote.asked == ["changes"]  # it was begun anew


class _Gated(MemoryCalendar):
    """One whose first reading waits before its second page, and its second one after its last."""

    gates: list[tuple[asyncio.Event, asyncio.Event]]

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        gate, self.gates = self.gates[:1], self.gates[1:]
        is_first, pages = len(self.gates) == 1, 0
        async for page in super().changes(calendar, token=token, window=window, own=own):
            pages += 1
            if is_first and pages == 2:
                await _pass(*gate)
            yield page
        if not is_first:
            await _pass(*gate)


async def _pass(*gates: tuple[asyncio.Event, asyncio.Event]) -> None:
    for arrived, go_on in gates:
        arrived.set()
        await go_on.wait()


async def test_a_reading_that_began_between_two_stores_of_another_has_not_seen_the_second(
    calendar: HostCalendar,
) -> None:
    calendar.remote.add(*half_hour(TUESDAY))
    deleted = calendar.remote.add(*half_hour(LATER))
    calendar.remote.__class__ = _Gated
    assert isinstance(calendar.remote, _Gated)
    first, second = calendar.remote.gates = [(asyncio.Event(), asyncio.Event()) for _ in range(2)]
    older = asyncio.create_task(calendar.read())
    await first[0].wait()
    calendar.remote.remove(deleted)
    newer = asyncio.create_task(calendar.read())
    await second[0].wait()

    first[1].set()
    await older
    second[1].set()
    await newer
    await calendar.read()

    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_of_a_booking_and_an_event_at_once_the_booking_is_refused_or_the_conflict_told(
    calendar: HostCalendar,
) -> None:
    starts = [TUESDAY.add(minutes=30 * number) for number in range(10)]
    for start in starts:
        calendar.remote.add(*half_hour(start))
        await asyncio.gather(calendar.stage.book(start), calendar.read(), return_exceptions=True)

    taken = await calendar.stage.rows(
        "SELECT start_at FROM appointment WHERE company_id = %s ORDER BY 1", calendar.stage.founded.company_id
    )
    assert [one["appointmentStart"] for one in await calendar.events()] == [row[0].format_iso() for row in taken]
    assert await calendar.busy() == [half_hour(start) for start in starts]


async def test_what_is_disconnected_while_it_is_read_leaves_nothing(calendar: HostCalendar) -> None:
    stage = calendar.stage
    calendar.remote.__class__ = Held
    calendar.remote.add(*half_hour(TUESDAY))
    reading = await held(calendar)
    async with stage.app.transaction() as conn:
        await calendar_disconnections.disconnect(conn, stage.founded.company_id, [calendar.connection_id], stage.now)

    assert await let_go(calendar, reading) == "gone"

    assert await calendar.busy() == []


async def test_whoever_asks_for_a_reading_while_one_is_under_way_gets_it(calendar: HostCalendar) -> None:
    stage = calendar.stage
    calendar.remote.__class__ = Held
    reading = await held(calendar)
    async with stage.app.transaction() as conn:
        await calendar_access.call_for_reading(
            conn, stage.founded.company_id, calendar.connection_id, NOW.add(seconds=1)
        )

    await let_go(calendar, reading)

    assert (await calendar.connection()).due_at == NOW.add(seconds=1 + calendar_access.STARTED_S)


async def test_a_reading_that_is_overtaken_again_and_again_ends_in_time(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kalends.services.calendar_sync.LONGEST_S", 0.5)
    monkeypatch.setattr("kalends.services.calendar_sync.ROUNDS", 100)
    monkeypatch.setattr("kalends.services.calendar_walks.calendar_readings.take", _never)
    calendar.remote.add(*half_hour(TUESDAY))
    began = asyncio.get_running_loop().time()

    outcome = await calendar.read()

    assert outcome == "put-off"
    assert asyncio.get_running_loop().time() - began < 8  # all rounds take ten seconds


async def _never(*_: object, **__: object) -> bool:
    await asyncio.sleep(0.1)
    return False
