"""Time the slot engine alone: from busy spans in memory to the JSON bytes of the answer's days.

Work: Monday to Friday 9–17 in America/New_York, a 30-minute type every 30 minutes, 30 days from 2027-03-01 (over the
clock change of March 14), and per host 100 busy spans of 15–60 minutes at random (seeded). Warm: zones and hours are
kept from earlier calls, as in a running server. On the other sides stand Cal.com's own engine functions, the interval
sets of `portion`, and a plain loop; they are asked the same and have to answer the same starts, or the run fails.
Each side has the busy spans in memory in the form it likes. After one of them Cal.com's ladder begins anew at the next
half hour of the clock, where ours goes on counting from the opening; for hours that open at nine both are the same.

    python -m bench.engine [--ours]      --ours: without the others, which are fetched for each run
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import median

from bench.peers import ours
from bench.peers.alone import more_works
from bench.peers.sides import CALCOM, LOOP, OURS, PORTION, Call, Side, everyone, timed
from bench.peers.work import Work
from bench.results import Figure, table
from kalends.domain import kept

FIRST = date(2027, 3, 1)  # a Monday
BUSY = 100  # per host and 30 days
ROUNDS = 7
ONE, TEN, TOGETHER, HUNDRED = "1 host", "10 hosts, round robin", "10 hosts, collective", "100 hosts, round robin"
GOALS = {
    (ONE, CALCOM): 250,
    (TEN, CALCOM): 1_000,
    (TOGETHER, CALCOM): 1_000,
    (HUNDRED, CALCOM): 3_000,
    **{(work, side): 25 for work in (ONE, TEN, TOGETHER, HUNDRED) for side in (PORTION, LOOP)},
}
AIMS = {(ONE, CALCOM): "; aim for 400"}
MEMORY_MB = {ONE: 1, TEN: 1, TOGETHER: 1, HUNDRED: 8}


def figures(*, alone: bool = False) -> list[Figure]:
    """Measure everything; alone leaves the others out.

    Raises:
        AssertionError: a side answers other starts than we do.
    """
    if first_day() != FIRST:
        print(f"{FIRST} is over: the 30 days begin on {first_day()}", file=sys.stderr)
    random = Random(20270301)
    one, ten, hundred = ([busy(random, 30) for _ in range(hosts)] for hosts in (1, 10, 100))
    works = {
        ONE: Work(first_day(), 30, one),
        TEN: Work(first_day(), 30, ten),
        TOGETHER: Work(first_day(), 30, ten, everyone=True),
        HUNDRED: Work(first_day(), 30, hundred),
    }
    year = Work(first_day(), 365, [busy(random, 365)])
    if alone:
        compared = [_figure(name, _time(OURS.time(work))) for name, work in works.items()]
    else:
        with everyone() as sides:
            compared = [figure for name, work in works.items() for figure in beside(name, work, sides)]
    return [
        *compared,
        against_warm("1 host, 365 days", ours.prepare(year), ours.prepare(works[ONE]), most=15),
        against_warm("1 host, nothing kept", ours.prepare(works[ONE]), ours.prepare(works[ONE]), most=6, cold=True),
        *(memory(name, ours.prepare(work), MEMORY_MB[name]) for name, work in works.items()),
        *(_figure(name, _time(timed(call))) for name, call in more_works(works[ONE], works[HUNDRED]).items()),
    ]


def first_day() -> date:
    """Give 2027-03-01, or the next Monday once that is over: Cal.com's functions look at the clock."""
    day = FIRST
    while day <= datetime.now(UTC).date():
        day += timedelta(days=7)
    return day


def busy(random: Random, days: int) -> list[tuple[int, int]]:
    """Make the busy spans of a host, in epoch minutes, anywhere in so many days."""
    first = int(Work(first_day(), days, []).window[0].timestamp()) // 60
    starts = [first + random.randrange(days * 1440) for _ in range(BUSY * days // 30)]
    return sorted((at, at + random.randint(15, 60)) for at in starts)


def beside(name: str, work: Work, sides: Mapping[str, Side | None]) -> list[Figure]:
    """Time a work on all sides in turns, after all have shown that they answer the same starts."""
    expected = OURS.days(work)
    present = {side: found for side, found in sides.items() if found}
    for side, found in present.items():
        answered = found.days(work)
        assert answered == expected, f"{side} answers other starts for {name}: {_difference(answered, expected)}"
        found.time(work)  # warm
    rounds = [
        {"": OURS.time(work), **{side: found.time(work) for side, found in present.items()}} for _ in range(ROUNDS)
    ]
    mine = _time(median(times[""] for times in rounds))
    starts = sum(map(len, expected.values()))
    made = []
    for side in sides:
        least = GOALS.get((name, side))
        goal = f"≥ {least:,} times as fast{AIMS.get((name, side), '')}" if least else ""
        if side not in present:
            made.append(_figure(name, mine, "peer not available: " + side, "", goal))
            continue
        ratio = median(times[side] / times[""] for times in rounds)
        theirs = f"{side}: {_time(median(times[side] for times in rounds))}, the same {starts} starts"
        made.append(_figure(name, mine, theirs, f"{ratio:,.0f} times", goal, ratio >= least if least else None))
    return made


def against_warm(name: str, call: Call, warm: Call, most: int, *, cold: bool = False) -> Figure:
    """Time a call in turns with the warm one of 1 host and 30 days; cold empties every cache before each."""
    call(), warm()
    before = kept.forget if cold else None
    rounds = []
    for _ in range(ROUNDS):
        taken = timed(call, before)
        warm()
        rounds.append((taken, timed(warm)))
    ratio = median(taken / least for taken, least in rounds)
    own = f"our own warm 30 days: {_time(median(least for _, least in rounds))}"
    mine = _time(median(taken for taken, _ in rounds))
    return _figure(name, mine, own, f"{ratio:.1f} times", f"≤ {most} times our own", ratio <= most)


def memory(name: str, call: Call, most_mb: int) -> Figure:
    """Measure what one call takes at its peak: with nothing kept (all that it keeps counts), and warm."""
    call()
    kept.forget()
    cold, warm = _peak_mb(call), _peak_mb(call)
    mine = f"{cold:.2f} MB with nothing kept, {warm:.2f} MB warm"
    return _figure(f"memory of one call, {name}", mine, "", "", f"≤ {most_mb} MB", max(cold, warm) <= most_mb)


def _peak_mb(call: Call) -> float:
    gc.collect()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _difference(some: Mapping[str, list[datetime]], others: Mapping[str, list[datetime]]) -> str:
    one, two = ({at for on_it in days.values() for at in on_it} for days in (some, others))
    return f"{len(one - two)} that we do not, {len(two - one)} of ours missing, first at {min(one ^ two, default=None)}"


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:,.1f} ms"


def _figure(
    work: str, mine: str, against: str = "", ratio: str = "", goal: str = "", met: bool | None = None
) -> Figure:
    return Figure("engine", work, mine, against, ratio, goal, met, "python -m bench.engine")


if __name__ == "__main__":
    print(table(figures(alone="--ours" in sys.argv[1:])))
