"""What ten times the rows cost: two stages, each with its own database and server, take turns at the same work.

Building the large one (10,000 hosts with 5 million appointments, queues with ten times the turns) takes minutes.

    python -m bench.growth [hosts of the small one, 1,000 by default; the large one has ten times as many]
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import repeat
from typing import Any

from bench import asking, bookings, load, results, rounds, rows, server, stage
from bench.load import Script
from bench.results import Figure
from bench.rounds import Sample
from bench.stage import Stage

COMMAND = "python -m bench.growth"
TIMES = 10
MOST = 1.3
SECONDS, ROUNDS = 1.5, 5
CLIENTS = 16

# Makes, for a stage, what the clients send in each round.
Work = Callable[[Stage, Callable[..., Any]], Iterator[list[bytes]]]


def measure(small: Stage, large: Stage) -> list[Figure]:
    """Let both stages do each work in turns."""
    queues = [(place, f"a queue of 10 hosts, {kind}") for place, kind in enumerate(rows.QUEUE_TYPES)]
    reads: list[tuple[str, Work]] = [
        ("1 host, 30 days", partial(_lists, size=1)),
        ("10 hosts (anyone), 30 days", partial(_lists, size=10)),
        *((f"30 days of {name}", partial(_queue_lists, place=place)) for place, name in queues),
        ("a page of appointments", _appointments),
    ]
    writes: list[tuple[str, Work]] = [
        ("bookings over all hosts", _bookings),
        *((f"bookings of {name}", partial(_queue_bookings, place=place)) for place, name in queues),
    ]
    with load.elsewhere() as away:
        turns = partial(_turns, small, large, away)
        compared = [(name, turns(work, load.walk, 200)) for name, work in reads]
        compared += [(name, turns(work, partial(load.once, clients=CLIENTS), 201)) for name, work in writes]
    return [_figure(name, pair) for name, pair in compared]


def _turns(
    small: Stage, large: Stage, away: Callable[..., Any], work: Work, script: Callable[..., Script], status: int
) -> rounds.Pair:
    def side(built: Stage, requests: Iterator[list[bytes]]) -> Sample:
        before = built.api.cpu_ms()
        told = away(load.run, partial(script, next(requests)), built.api.port, CLIENTS, SECONDS)
        return rounds.sample(told, built.api, before, status)

    ours, other = (partial(side, built, work(built, away)) for built in (large, small))
    return rounds.interleaved(ours, other, ROUNDS)


def _lists(built: Stage, away: Callable[..., Any], size: int) -> Iterator[list[bytes]]:
    chance = random.Random(6)
    groups = [chance.sample(built.hosts, size) for _ in range(server.ASKED)]
    return repeat(server.ask(built, away, groups, chance).ours)


def _queue_lists(built: Stage, away: Callable[..., Any], place: int) -> Iterator[list[bytes]]:
    today = datetime.now(UTC).date()
    days = [(today + timedelta(days=after), today + timedelta(days=after + 29)) for after in range(3, 60)]
    return repeat([built.get(asking.slots(built.queues[place], str(first), str(last), "UTC")) for first, last in days])


def _appointments(built: Stage, away: Callable[..., Any]) -> Iterator[list[bytes]]:
    hosts = random.Random(7).sample(built.hosts, server.ASKED)
    return repeat([asking.appointments(built.headers, host) for host in hosts])


def _bookings(built: Stage, away: Callable[..., Any]) -> Iterator[list[bytes]]:
    return bookings.spread(built, away, random.Random(8).sample(built.hosts, min(1000, len(built.hosts))))


def _queue_bookings(built: Stage, away: Callable[..., Any], place: int) -> Iterator[list[bytes]]:
    """Write the orders of a queue for all rounds, each start once."""
    queue = built.queues[place]
    free = [start for after in (3, 63) for [found] in [asking.free(built, away, [queue], 60, after)] for start in found]
    orders = [asking.booking(built.headers, queue, start) for start in free]
    share = len(orders) // (ROUNDS + 1)
    return (orders[turn * share :][:share] for turn in range(ROUNDS + 1))


def _figure(name: str, pair: rounds.Pair) -> Figure:
    large, small = (
        f"{rounds.middle(side, 'per_s'):,.0f}/s, p50 {rounds.middle(side, 'p50_ms'):.2f} ms"
        for side in (pair.ours, pair.other)
    )
    found = 1 / pair.ratio("per_s")
    return Figure(
        section="growth",
        work=f"{name}, {CLIENTS} clients",
        ours=f"{large} with {TIMES} times the rows",
        against=small,
        ratio=f"{found:.2f} times as long",
        goal=f"within {MOST} times",
        met=found <= MOST,
        command=COMMAND,
    )


def main() -> None:
    """Build both stages, measure, print, and write the section."""
    began = time.monotonic()
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else stage.HOSTS
    with stage.standing(hosts) as small, stage.standing(hosts * TIMES, stage.CHOICES * TIMES) as large:
        print(f"both databases are built after {time.monotonic() - began:.0f} s", flush=True)
        found = measure(small, large)
    print(results.table(found))
    if hosts == stage.HOSTS:
        results.write(found)


if __name__ == "__main__":
    main()
