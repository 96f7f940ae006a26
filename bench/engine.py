"""Time the slot engine alone: from busy spans in memory to the JSON bytes of the answer's days.

Work: Monday to Friday 9–17 in America/New_York, a 30-minute type every 30 minutes, 30 days from 2027-03-01, and per
host 100 busy spans of 15–60 minutes at random (seeded). Warm: zones and hours are kept from earlier calls, as in
a running server; cold: nothing is kept.

    python bench/engine.py
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from statistics import median
from time import perf_counter

from whenever import Instant

from kalends.domain import board, exceptions, hours, listing, teams, zones
from kalends.domain.explain import explain
from kalends.domain.listing import Seats, dates_json
from kalends.domain.rules import Ask, BookingWindow, HostCalendar, Resource, ResourceCalendar, Rules, Unit
from kalends.domain.schedule import Schedule
from kalends.domain.slots import check, list_slots
from kalends.domain.week import parse_week

ZONE = "America/New_York"
START = Instant.from_utc(2027, 3, 1, 5)
NOW = Instant.from_utc(2027, 2, 1)
BUSY = 100
RULES = Rules(
    enabled=True,
    duration=30,
    allowed_durations=(30,),
    interval=30,
    buffer_before=0,
    buffer_after=0,
    buffers_within_hours=False,
    notice=60,
    window=BookingWindow("unlimited"),
    zone=ZONE,
)
SCHEDULE = Schedule(
    ZONE,
    parse_week(
        {
            day: {"enabled": True, "hours": [{"start": "09:00", "end": "17:00"}]}
            for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
        }
    ),
)


def host(random: Random, days: int) -> HostCalendar:
    """Make a host with BUSY spans for every 30 days."""
    first = START.timestamp() // 60
    starts = [first + random.randrange(days * 1440) for _ in range(BUSY * days // 30)]
    return HostCalendar("host", SCHEDULE, ZONE, sorted((at, at + random.randint(15, 60)) for at in starts))


def answer(hosts: list[HostCalendar], ask: Ask, days: int) -> bytes:
    """List the days and write them as JSON."""
    return dates_json(list_slots(RULES, hosts, ask, START, START.add(hours=24 * days), NOW), ZONE)


def with_rooms(hosts: list[HostCalendar], rooms: list[Resource]) -> bytes:
    """List the days on which a host and every resource are free."""
    return dates_json(list_slots(RULES, hosts, Ask("anyone"), START, START.add(hours=720), NOW, rooms), ZONE)


def with_sessions(hosts: list[HostCalendar]) -> bytes:
    """List the days with five group appointments a day, at odd times."""
    first = START.timestamp() // 60
    seats = {first + day * 1440 + at: Seats("0" * 36, 10, 3) for day in range(30) for at in range(605, 900, 60)}
    found = list_slots(replace(RULES, sessions=list(seats)), hosts, Ask("anyone"), START, START.add(hours=720), NOW)
    return dates_json(found, ZONE, seats)


def forget() -> None:
    """Empty every cache of the engine."""
    for kept in (
        board._board,
        exceptions._minutes,
        hours._expand,
        listing._runs,
        listing._spot,
        listing.local_date,
        teams.teams_of,
        zones._stretch,
    ):
        kept.cache_clear()


def timed(work: Callable[[], object], before: Callable[[], object] | None = None, seconds: float = 1.0) -> float:
    """Give the median time of one call, in microseconds, over about so many seconds."""
    taken = []
    work()
    gc.disable()
    until = perf_counter() + seconds
    while perf_counter() < until:
        if before:
            before()
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    gc.enable()
    return median(taken) * 1e6


def main() -> None:
    """Print the median of each work."""
    random = Random(20270301)
    one, ten, hundred = ([host(random, 30) for _ in range(count)] for count in (1, 10, 100))
    anyone, everyone = Ask("anyone"), Ask("everyone")
    year = [host(random, 365)]
    singles = Ask(teams=tuple((place,) for place in range(100)))
    fixed = Ask(teams=tuple((place, 99) for place in range(99)))
    rooms = [
        Resource(name, (ResourceCalendar(SCHEDULE, 0, 15, tuple(Unit((name, one), busy.claims) for one in range(3))),))
        for name, busy in enumerate(ten[:2])
    ]
    works: list[tuple[str, Callable[[], object], Callable[[], object] | None]] = [
        ("1 host, 30 days", partial(answer, one, anyone, 30), None),
        ("1 host, 30 days, nothing kept", partial(answer, one, anyone, 30), forget),
        ("1 host, 365 days", partial(answer, year, anyone, 365), None),
        ("10 hosts, anyone", partial(answer, ten, anyone, 30), None),
        ("10 hosts, everyone", partial(answer, ten, everyone, 30), None),
        ("100 hosts, anyone", partial(answer, hundred, anyone, 30), None),
        ("queue of 100", partial(answer, hundred, singles, 30), None),
        ("queue of 99 and a fixed host", partial(answer, hundred, fixed, 30), None),
        ("1 host, 2 resources of 3 units", partial(with_rooms, one, rooms), None),
        ("1 host, 150 group appointments", partial(with_sessions, one), None),
        ("check of one start", partial(check, RULES, one, anyone, START.add(hours=9), NOW), None),
        ("explanation of one start", partial(explain, RULES, one, anyone, START.add(hours=9), NOW), None),
    ]
    for name, work, before in works:
        print(f"{name:32} {timed(work, before):10.1f} µs")


if __name__ == "__main__":
    main()
