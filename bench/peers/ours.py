"""Our own engine, asked as the other sides are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from whenever import Instant

from bench.peers.work import CLOSES, DURATION, INTERVAL, NOTICE, OPENS, WEEKDAYS, ZONE, Work
from kalends.domain.listing import dates_json
from kalends.domain.rules import Ask, BookingWindow, HostCalendar, Resource, Rules
from kalends.domain.schedule import Schedule
from kalends.domain.slots import list_slots
from kalends.domain.week import parse_week

HOURS = {"start": OPENS.isoformat("minutes"), "end": CLOSES.isoformat("minutes")}
SCHEDULE = Schedule(ZONE.key, parse_week({day: {"enabled": True, "hours": [HOURS]} for day in WEEKDAYS}))
RULES = Rules(
    enabled=True,
    duration=DURATION,
    allowed_durations=(DURATION,),
    interval=INTERVAL,
    buffer_before=0,
    buffer_after=0,
    buffers_within_hours=False,
    notice=NOTICE,
    window=BookingWindow("unlimited"),
    zone=ZONE.key,
)


@dataclass(frozen=True)
class Asked:
    """A work as the engine is asked it: all that is ready before the clock runs."""

    hosts: list[HostCalendar]
    start: Instant
    end: Instant
    now: Instant  # four weeks before

    @classmethod
    def of(cls, work: Work) -> Asked:
        """Read a work."""
        hosts = [HostCalendar(number, SCHEDULE, ZONE.key, busy) for number, busy in enumerate(work.busy)]
        start, end = (Instant.from_timestamp(at.timestamp()) for at in work.window)
        return cls(hosts, start, end, start.subtract(hours=4 * 7 * 24))


def prepare(work: Work) -> Callable[[], bytes]:
    """Give the call to be timed."""
    return partial(answer, Asked.of(work), Ask("everyone" if work.everyone else "anyone"))


def answer(asked: Asked, ask: Ask, resources: Sequence[Resource] = ()) -> bytes:
    """List the days and write them as JSON."""
    found = list_slots(RULES, asked.hosts, ask, asked.start, asked.end, asked.now, resources)
    return dates_json(found, ZONE.key)
