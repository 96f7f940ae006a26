"""What else the engine is asked for, timed alone: queues, resources, group appointments, single starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bench.peers.ours import RULES, SCHEDULE, Asked, answer
from bench.peers.work import ZONE, Work
from kalends.domain.explain import explain
from kalends.domain.listing import Seats, dates_json
from kalends.domain.rules import Ask, Resource, ResourceCalendar, Unit
from kalends.domain.slots import check, list_slots

ANYONE = Ask("anyone")


def more_works(one_host: Work, hundred_hosts: Work) -> dict[str, Callable[[], object]]:
    """Name the calls."""
    one, hundred = Asked.of(one_host), Asked.of(hundred_hosts)
    nine = one.start.add(hours=9)
    singles = Ask(teams=tuple((place,) for place in range(100)))
    fixed = Ask(teams=tuple((place, 99) for place in range(99)))
    rooms = [
        Resource(name, (ResourceCalendar(SCHEDULE, 0, 15, tuple(Unit((name, unit), spans) for unit in range(3))),))
        for name, spans in enumerate(hundred_hosts.busy[:2])
    ]
    return {
        "queue of 100": partial(answer, hundred, singles),
        "queue of 99 and a fixed host": partial(answer, hundred, fixed),
        "1 host, 2 resources of 3 units": partial(answer, one, ANYONE, rooms),
        "1 host, 150 group appointments": partial(with_sessions, one),
        "check of one start": partial(check, RULES, one.hosts, ANYONE, nine, one.now),
        "explanation of one start": partial(explain, RULES, one.hosts, ANYONE, nine, one.now),
    }


def with_sessions(asked: Asked) -> bytes:
    """List the days with five group appointments a day, at odd times."""
    first = asked.start.timestamp() // 60
    seats = {first + day * 1440 + at: Seats("0" * 36, 10, 3) for day in range(30) for at in range(605, 900, 60)}
    rules = replace(RULES, sessions=list(seats))
    return dates_json(list_slots(rules, asked.hosts, ANYONE, asked.start, asked.end, asked.now), ZONE.key, seats)
