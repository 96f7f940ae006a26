"""A host is booked, moved and read at the same time: nobody waits for each other in a ring, and nothing is lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from uuid import uuid4

import pytest

from kalends.app import App
from kalends.errors import DomainError
from tests.fakes.memory_calendar import MemoryCalendar, Stored
from tests.jobs.host_calendar import half_hour, of_owner
from tests.jobs.stage import TUESDAY, Stage, staged

CLIENTS = 8
STARTS = [TUESDAY.add(minutes=30 * number) for number in range(14)]


@pytest.fixture
async def stage(crowd: App, conninfo: str) -> Stage:
    return await staged(crowd, conninfo)


async def test_bookings_moves_and_readings_of_one_host_at_once(stage: Stage) -> None:
    calendar = await of_owner(stage)
    for start in STARTS[:4]:
        await stage.book(start)
    await stage.work()
    await calendar.read()
    ends: Counter[str] = Counter()
    busy = asyncio.Event()

    async def clients(number: int) -> None:
        chance = random.Random(number)
        for _ in range(6):
            try:
                await stage.book(chance.choice(STARTS), guest=f"{uuid4().hex}@guest.test")
                ends["booked"] += 1
            except DomainError as refusal:
                ends[refusal.code] += 1

    async def host() -> None:
        chance = random.Random(99)
        theirs: list[Stored] = []
        while not busy.is_set():
            _do_something(calendar.remote, chance, theirs)
            await asyncio.sleep(0.005)

    async def readings() -> None:
        while not busy.is_set():
            await asyncio.gather(calendar.read(), calendar.refresh(), calendar.refresh())

    others = [asyncio.create_task(one) for one in (host(), readings())]
    await asyncio.gather(*(clients(number) for number in range(CLIENTS)))
    busy.set()
    await asyncio.gather(*others)
    assert await calendar.read(minutes=1) == "read"

    print(dict(ends))
    foreign = [(one.start, one.end) for one in calendar.remote.shown() if one.entry is None]
    assert await calendar.busy() == foreign
    assert ends.keys() <= {"booked", "slot-occupied"}
    assert ends["booked"] > 0
    taken = await stage.rows(
        """
        SELECT a.id, b.start_at FROM appointment a
        JOIN busy_event b ON b.start_at < a.end_at AND b.end_at > a.start_at
        WHERE a.company_id = %s AND b.company_id = a.company_id AND a.cancelled_at IS NULL
        """,
        stage.founded.company_id,
    )
    told = {one["appointmentId"] for one in await calendar.events()}
    assert {str(row[0]) for row in taken} <= told
    double = await stage.rows(
        """
        SELECT 1 FROM appointment a
        JOIN appointment b ON a.id < b.id AND a.start_at < b.end_at AND b.start_at < a.end_at
        WHERE a.company_id = %s AND b.company_id = a.company_id AND a.cancelled_at IS NULL AND b.cancelled_at IS NULL
        """,
        stage.founded.company_id,
    )
    assert double == []


def _do_something(remote: MemoryCalendar, chance: random.Random, theirs: list[Stored]) -> None:
    """Make, move or remove an event of somebody else's, or move one of ours."""
    ours = [one for one in remote.shown() if one.entry]
    what = chance.choice(("add", "add", "move", "remove", "ours"))
    if what == "add" or not theirs:
        theirs.append(remote.add(*half_hour(chance.choice(STARTS))))
    elif what == "ours" and ours:
        event = chance.choice(ours)
        remote.move(event, *half_hour(chance.choice(STARTS)))
    elif what == "move":
        theirs.append(remote.move(theirs.pop(0), *half_hour(chance.choice(STARTS))))
    else:
        remote.remove(theirs.pop(0))
