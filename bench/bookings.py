"""Bookings from 16 clients against a bare loop that inserts claims: spread over all hosts, and all on one host.

Ours is POST /v4/booking with an Idempotency-Key, as a careful client sends it. The bare loop is psycopg alone: 16
connections of one process, each insert committed for itself into the same table, through the same constraints. Every
201 is looked up afterwards. No worker runs meanwhile: what a booking sets going waits as jobs.

    python -m bench.bookings [hosts in the database]
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, islice, zip_longest
from typing import Any
from uuid import UUID

import psycopg
import uvloop
from psycopg.types.json import Jsonb

from bench import asking, load, rounds, rows, stage
from bench.load import Told
from bench.results import Figure
from bench.rounds import Sample
from bench.rows import Host
from bench.stage import Stage

COMMAND = "python -m bench.bookings"
CLIENTS = 16
SECONDS, ROUNDS = 2.0, 4
MOST = 5000  # bookings of one round
BARE = "bare loop"
_FAR = timedelta(days=300)  # behind everything booked: from there on the bare loop claims
_EVERY_DAY = rows.week("00:00", "24:00", rows.DAYS)
_INSERT = "INSERT INTO claim (company_id, host_no, start_at, end_at, appointment_id) VALUES (%s, %s, %s, %s, %s)"
_CLAIMS_OF = """
    SELECT count(*) FROM unnest(%s::uuid[]) AS booked(id) JOIN appointment a ON a.id = booked.id
    JOIN appointment_host h ON h.appointment_id = a.id JOIN user_account u ON u.id = h.user_id
    JOIN claim c ON c.company_id = a.company_id AND c.appointment_id = a.id AND c.host_no = u.host_no
    WHERE c.exclusive AND c.start_at = a.start_at AND c.end_at = a.end_at
"""
_OVERLAPS = """
    SELECT count(*) FROM (SELECT start_at < max(end_at) OVER (
        PARTITION BY host_no ORDER BY start_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS wrong FROM claim
    ) one WHERE wrong
"""

Claim = tuple[UUID, int, datetime, datetime, UUID]


def measure(built: Stage) -> list[Figure]:
    """Measure all of it on a stage."""
    with load.elsewhere() as away:
        answers: list[load.Answer] = []
        turns = partial(_turns, built, away, answers)
        alone = built.hosts[-1 - ROUNDS :]  # one for each round, as each has only so much time
        _open_all_day(built, alone)
        everywhere = turns(spread(built, away, built.hosts[: -1 - ROUNDS]), _bare(built, built.hosts))
        one = turns((_all_of(built, away, host) for host in alone), _bare(built, alone[:1]))
        return [
            everywhere.at_least(0.30, "bookings over all hosts, 16 clients", BARE, COMMAND),
            everywhere.at_most(5, "p99_ms", "bookings over all hosts, 16 clients", BARE, COMMAND),
            one.at_least(0.30, "bookings of one host, 16 clients", BARE, COMMAND),
            one.at_most(5, "p99_ms", "bookings of one host, 16 clients", BARE, COMMAND),
            looked_up(built, [body for _, body in answers], COMMAND),
        ]


def looked_up(built: Stage, bodies: list[bytes], command: str) -> Figure:
    """Look for the claim of each booking answered with 201, and for claims of one host that overlap."""
    ids = [json.loads(body)["appointmentId"] for body in bodies]
    with built.connect() as conn:
        [claims], [overlaps] = conn.execute(_CLAIMS_OF, [ids]).fetchall() + conn.execute(_OVERLAPS).fetchall()
    found = f"{len(ids):,} bookings, {claims:,} claims, {overlaps} overlaps"
    met = len(ids) == len(set(ids)) == claims and not overlaps
    return Figure(
        "server", "every 201 of these, looked up by SQL", found, "", "", "claims = bookings, no overlap", met, command
    )


def _turns(
    built: Stage,
    away: Callable[..., Any],
    answers: list[load.Answer],
    ours: Iterator[list[bytes]],
    bare: Iterator[list[Claim]],
) -> rounds.Pair:
    def book() -> Sample:
        before, requests = built.api.cpu_ms(), next(ours)
        told = away(load.run, partial(load.once, requests, clients=CLIENTS), built.api.port, CLIENTS, SECONDS)
        answers.extend(told.notes)
        return rounds.sample(told, built.api, before, 201)

    def insert() -> Sample:
        told = away(insert_all, built.conninfo, next(bare))
        with built.connect() as conn:
            conn.execute("DELETE FROM claim WHERE start_at > %s", [datetime.now(UTC) + _FAR - timedelta(days=1)])
        return rounds.sample(told, None)

    return rounds.interleaved(book, insert, ROUNDS)


def spread(built: Stage, away: Callable[..., Any], hosts: list[Host]) -> Iterator[list[bytes]]:
    """Write orders for each round that go round the hosts: each one's first free start, then each one's second."""
    lists = asking.free(built, away, [host.type_id for host in hosts], 60)
    orders = (
        asking.booking(built.headers, host.type_id, start)
        for nth in zip_longest(*lists)
        for host, start in zip(hosts, nth, strict=True)
        if start
    )
    while True:
        yield list(islice(orders, MOST))


def _all_of(built: Stage, away: Callable[..., Any], host: Host) -> list[bytes]:
    [free] = asking.free(built, away, [host.type_id], 60)
    return [asking.booking(built.headers, host.type_id, start) for start in free[:MOST]]


def _open_all_day(built: Stage, hosts: list[Host]) -> None:
    """Give hosts hours around the clock and types of 15 minutes, so that each has starts for one round."""
    who = [host.user_id for host in hosts]
    with built.connect() as conn:
        conn.execute("UPDATE availability SET schedule = %s WHERE user_id = ANY(%s)", [Jsonb(_EVERY_DAY), who])
        conn.execute(
            """UPDATE meeting_type SET meeting_info = meeting_info || '{"duration": 15}' WHERE user_id = ANY(%s)""",
            [who],
        )


def _bare(built: Stage, hosts: list[Host]) -> Iterator[list[Claim]]:
    """Make claims for each round of the bare loop, going round the hosts; each belongs to an appointment of its own."""
    length = timedelta(minutes=15)
    with built.connect() as conn:
        known = conn.execute("SELECT company_id, id FROM appointment LIMIT %s", [MOST * 2]).fetchall()
    for turn in count(1):
        claims = []
        for number, (company, appointment) in enumerate(known):
            # Later each turn: what the last one deleted still stands in the indexes.
            start = datetime.now(UTC).replace(microsecond=0) + turn * _FAR + number // len(hosts) * length
            claims.append((company, hosts[number % len(hosts)].host_no, start, start + length, appointment))
        yield claims


def insert_all(conninfo: str, claims: list[Claim]) -> Told:
    """Insert claims from as many connections as there are clients, until the time is over; runs its own event loop."""
    told, left = Told(), iter(claims)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_insert_all(conninfo, left, told))
    return told


async def _insert_all(conninfo: str, left: Iterator[Claim], told: Told) -> None:
    clock = time.perf_counter
    connections = [await psycopg.AsyncConnection.connect(conninfo, autocommit=True) for _ in range(CLIENTS)]
    began = clock()

    async def client(conn: psycopg.AsyncConnection[Any]) -> None:
        for claim in left:
            sent = clock()
            await conn.execute(_INSERT, claim)
            now = clock()
            told.milliseconds["all"].append((now - sent) * 1000)
            if now - began >= SECONDS:
                break

    async with asyncio.TaskGroup() as clients:
        for conn in connections:
            clients.create_task(client(conn))
    told.seconds = clock() - began
    for conn in connections:
        await conn.close()


if __name__ == "__main__":
    stage.show(measure)
