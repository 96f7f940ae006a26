"""The sides of the comparison: each times a work, and shows that it answers the starts that we answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from bench.peers import fetch, loop_slots, ours, portion_slots
from bench.peers.calcom import CalCom
from bench.peers.work import Work

Call = Callable[[], object]
CALCOM, PATCHED = "Cal.com, stock dayjs", "Cal.com, dayjs patched as in its repository"
PORTION, LOOP = "portion", "any() over datetimes"
ROUND_S = 0.1


@dataclass(frozen=True)
class Side:
    """One who answers.

    Attributes:
        time: gives the median time of a call in one round, in seconds.
        days: gives the starts of each date.
    """

    time: Callable[[Work], float]
    days: Callable[[Work], dict[str, list[datetime]]]


@contextmanager
def everyone() -> Iterator[dict[str, Side | None]]:
    """Fetch and start the others; one who cannot be had is None, and stderr says why."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        found: dict[str, Side | None] = dict.fromkeys((CALCOM, PATCHED, PORTION, LOOP))
        found[LOOP] = in_process(loop_slots.prepare)
        try:
            fetch.portion(folder / "portion")
            found[PORTION] = in_process(portion_slots.prepare)
        except fetch.NotAvailable as reason:
            print(f"portion is left out: {reason}", file=sys.stderr)
        try:
            fetch.calcom(folder / "calcom")
            for side, mode in ((CALCOM, ()), (PATCHED, ("keep-formatters",))):
                process = stack.enter_context(CalCom(folder / "calcom", *mode))
                process.days(Work(date(2027, 3, 1), 1, [[]]))  # shows that it runs
                found[side] = Side(partial(_time_there, process), process.days)
        except fetch.NotAvailable as reason:
            print(f"Cal.com's engine is left out: {reason}", file=sys.stderr)
        yield found


def in_process(prepare: Callable[[Work], Callable[[], bytes]]) -> Side:
    """Make a side of a function that makes calls of works."""
    return Side(lambda work: timed(prepare(work)), lambda work: _days(prepare(work)()))


OURS = in_process(ours.prepare)


def timed(call: Call, before: Call | None = None, seconds: float = ROUND_S) -> float:
    """Give the median time of a call over about so many seconds, and of three calls at least.

    It is the processor's time, so that nobody pays for what else the machine has to do.
    """
    taken: list[float] = []
    until = perf_counter() + seconds
    while len(taken) < 3 or perf_counter() < until:
        if before:
            before()
        began = process_time()
        call()
        taken.append(process_time() - began)
    return median(taken)


def _time_there(process: CalCom, work: Work) -> float:
    # About as long a round as ours where a call takes 20 ms or less.
    return process.time(work, calls=1 + 20 // len(work.busy))


def _days(answer: bytes) -> dict[str, list[datetime]]:
    days = json.loads(answer)
    return {day["date"]: [datetime.fromisoformat(spot["startTime"]) for spot in day["spots"]] for day in days}
