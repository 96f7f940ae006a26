"""Listing over HTTP against the floor: GET /v4/booking-availability for 30 days, of 1, 10 and 100 hosts.

The requests walk over hosts, zones and first days, so that no answer is the last one again.

    python -m bench.server [hosts in the database, 1,000 by default and more than 200]
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bench import asking, load, rounds, stage
from bench.results import Figure
from bench.rows import Host
from bench.stage import Process, Stage

COMMAND = "python -m bench.server"
DAYS = 30
ASKED = 200  # hosts that lists are asked of, in two zones each; the others wait for `_unasked`
GROUPS = 40  # different choices of hosts where several are asked at once
SECONDS, ROUNDS = 1.2, 5
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]+): ")


@dataclass(frozen=True)
class Asked:
    """A question as both sides take it; the floor's answer is as long as ours."""

    ours: list[bytes]
    floor: list[bytes]


def measure(built: Stage) -> list[Figure]:
    """Measure all of it on a stage."""
    chance = random.Random(4)
    with built.floor() as floor, load.elsewhere() as away:
        turns = partial(_turns, built, floor, away)
        one = ask(built, away, [[host] for host in built.hosts[:ASKED]], chance)
        ten, hundred = (
            ask(built, away, [chance.sample(built.hosts[:ASKED], size) for _ in range(GROUPS)], chance)
            for size in (10, 100)
        )
        single, crowd = turns(one, 1), turns(one, 16)
        tens, hundreds = turns(ten, 16), turns(hundred, 16)
        return [
            single.at_least(0.40, "1 host, 30 days, 1 connection", "floor", COMMAND),
            single.at_most(2.5, "p50_ms", "1 host, 30 days, 1 connection", "floor", COMMAND),
            crowd.at_least(0.30, "1 host, 30 days, 16 connections", "floor", COMMAND),
            crowd.at_most(5, "p99_ms", "1 host, 30 days, 16 connections", "floor", COMMAND),
            tens.at_least(0.25, "10 hosts (anyone), 16 connections", "floor", COMMAND),
            _as_many_statements(built, one, hundred),
            hundreds.at_least(None, "100 hosts (anyone), 16 connections", "floor", COMMAND),
            _unasked(built, floor, away, chance),
        ]


def ask(built: Stage, away: Callable[..., Any], groups: Sequence[list[Host]], chance: random.Random) -> Asked:
    """Write the questions for each group of hosts, in two zones, and ask each of ours once for its length.

    One host is asked through his own type, several by name through the first one's.
    """
    today, ours, paths = datetime.now(UTC).date(), [], []
    for hosts in groups:
        for zone in (hosts[0].zone, "Europe/Berlin"):
            first = today + timedelta(days=chance.randrange(3, 60))
            last = first + timedelta(days=DAYS - 1)
            several = hosts if len(hosts) > 1 else ()
            ours.append(built.get(asking.slots(hosts[0].type_id, str(first), str(last), zone, several)))
            numbers = ",".join(str(host.host_no) for host in hosts)
            paths.append(f"/{numbers}/{first}/{first + timedelta(days=DAYS)}")
    told = away(load.run, partial(load.once, ours), built.api.port)
    rounds.expect(told, 200)
    floor = [load.request("GET", f"{path}/{len(body)}", {}) for path, (_, body) in zip(paths, told.notes, strict=True)]
    return Asked(ours, floor)


def _turns(built: Stage, floor: Process, away: Callable[..., Any], asked: Asked, connections: int) -> rounds.Pair:
    def side(process: Process, requests: list[bytes]) -> rounds.Sample:
        before = process.cpu_ms()
        told = away(load.run, partial(load.walk, requests), process.port, connections, SECONDS)
        return rounds.sample(told, process, before)

    return rounds.interleaved(partial(side, built.api, asked.ours), partial(side, floor, asked.floor), ROUNDS)


def _unasked(built: Stage, floor: Process, away: Callable[..., Any], chance: random.Random) -> Figure:
    """Ask hosts for the first time in the server's life, one after the other: nothing can be kept of them."""
    asked, size = built.hosts[ASKED:], 23_000
    first = datetime.now(UTC).date() + timedelta(days=7)
    last = first + timedelta(days=DAYS - 1)
    ours = [built.get(asking.slots(host.type_id, str(first), str(last), host.zone)) for host in asked]
    bare = [load.request("GET", f"/{host.host_no}/{first}/{last + timedelta(days=1)}/{size}", {}) for host in asked]
    sides = []
    for process, requests in ((built.api, ours), (floor, bare)):
        before = process.cpu_ms()
        told = away(load.run, partial(load.once, requests), process.port)
        sides.append([rounds.sample(told, process, before)])
    return rounds.Pair(*sides).at_least(None, "1 host never asked before, 1 connection", "floor", COMMAND)


def _as_many_statements(built: Stage, one: Asked, hundred: Asked) -> Figure:
    few, many = (max(statements(built, request) for request in asked.ours[:5]) for asked in (one, hundred))
    work = "SQL statements of a list of 100 hosts"
    return Figure("server", work, f"{many}", f"1 host {few}", "", "at most as many as for 1 host", many <= few, COMMAND)


def statements(built: Stage, request: bytes) -> int:
    """Count the statements that PostgreSQL logs while one request is answered, BEGIN and COMMIT among them."""
    log = built.data / "postgres" / "postgres.log"
    with built.connect(user="postgres") as conn:
        conn.execute("ALTER SYSTEM SET log_statement = 'all'")
        conn.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)  # the sessions read it before their next statement
        before = log.stat().st_size
        rounds.expect(load.run(partial(load.once, [request]), built.api.port), 200)
        with log.open() as lines:
            lines.seek(before)
            found = sum(bool(_STATEMENT.search(line)) for line in lines)
        conn.execute("ALTER SYSTEM RESET log_statement")
        conn.execute("SELECT pg_reload_conf()")
    return found


if __name__ == "__main__":
    stage.show(measure)
