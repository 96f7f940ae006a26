"""Hosts who connected a calendar: how long a feed takes to be read, and what its events cost a list of starts.

The feeds are served here over HTTP and read by a worker in a process of its own, as an operator would have it. While
lists are measured it does not run.

    python -m bench.calendars [hosts in the database]
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench import load, rounds, server, stage
from bench.results import Figure
from bench.rounds import Sample
from bench.rows import Host
from bench.stage import Process, Stage

COMMAND = "python -m bench.calendars"
SECONDS, ROUNDS = 1.2, 7
HOSTS = 8  # with each kind of calendar
DAYS = 400  # over which a feed's events lie
FEEDS = {"200 events in the next 400 days": 200, "10,000 events in the next 400 days": 10_000}
MOST = 1.2  # times what a host without a calendar takes
_READ_S = 120  # longer than any reading takes


def measure(built: Stage) -> list[Figure]:
    """Measure all of it on a stage."""
    chance = random.Random(8)
    groups = [built.hosts[place * HOSTS : (place + 1) * HOSTS] for place in range(len(FEEDS) + 1)]
    with _serving() as feeds, built.worker() as worker:
        read = [
            _connected(built, feeds, worker, hosts, events, chance)
            for hosts, events in zip(groups[1:], FEEDS.values(), strict=True)
        ][-1]
    with load.elsewhere() as away:
        plain, *others = ([one for host in hosts for one in _lists(built, away, host, chance)] for hosts in groups)
        found = [_figure(built, away, name, own, plain) for name, own in zip(FEEDS, others, strict=True)]
    return [*read, *found]


class _Feeds:
    """The texts that are served, by path."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.texts: dict[str, bytes] = {}

    def put(self, name: str, text: bytes) -> str:
        """Serve a text; answers its address."""
        self.texts[f"/{name}.ics"] = text
        return f"http://127.0.0.1:{self.port}/{name}.ics"


@contextmanager
def _serving() -> Iterator[_Feeds]:
    """Serve feeds with a version of each, so that one that is as it was is not sent again."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer one reading."""
            text = feeds.texts[self.path]
            version = f'"{hash(text)}"'
            same = self.headers.get("If-None-Match") == version
            self.send_response(304 if same else 200)
            self.send_header("ETag", version)
            self.send_header("Content-Type", "text/calendar")
            self.send_header("Content-Length", "0" if same else str(len(text)))
            self.end_headers()
            if not same:
                self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        feeds = _Feeds(served.server_address[1])
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            yield feeds
        finally:
            served.shutdown()
            thread.join()


def _feed(events: int, chance: random.Random) -> bytes:
    """Write a feed of single events of 15 to 60 minutes, by day and night."""
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    parts = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bench//EN", "X-WR-CALNAME:Bench"]
    for number in range(events):
        start = first + timedelta(minutes=chance.randrange(DAYS * 96) * 15)
        end = start + timedelta(minutes=chance.choice((15, 30, 45, 60)))
        parts += [
            "BEGIN:VEVENT",
            f"UID:{number}@bench",
            f"DTSTAMP:{first:%Y%m%dT%H%M%SZ}",
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{end:%Y%m%dT%H%M%SZ}",
            f"SUMMARY:Event {number}",
            "END:VEVENT",
        ]
    return ("\r\n".join([*parts, "END:VCALENDAR"]) + "\r\n").encode()


def _connected(
    built: Stage, feeds: _Feeds, worker: Process, hosts: Sequence[Host], events: int, chance: random.Random
) -> list[Figure]:
    """Connect a feed to each host; of the last one say how long its readings took."""
    for host in hosts:
        text = _feed(events, chance)
        address = feeds.put(host.slug, text)
        before = worker.memory_kb()
        began = time.monotonic()
        made = _call(built, host, "POST", "", {"provider": "ics", "url": address})
        own = f"/{made['id']}"
        _until_read(built, host, own, None)
        first_s = time.monotonic() - began
    known = _call(built, host, "GET", own)["syncedAt"]
    feeds.put(host.slug, text.replace(b"UID:7@bench", b"UID:seven@bench"))
    began = time.monotonic()
    _call(built, host, "POST", f"{own}/sync")
    _until_read(built, host, own, known)
    again_s = time.monotonic() - began
    grown = (worker.memory_kb() - before) / 1024
    work = f"a feed of {events:,} events, {len(text) / 1e6:.1f} MB"
    return [
        _plain(f"{work}: connected until it blocks", f"{first_s:.1f} s"),
        _plain(f"{work}: one event changed, asked for until it blocks", f"{again_s:.1f} s"),
        _plain(f"{work}: memory of the worker", f"{grown:+.1f} MB, {worker.memory_kb() / 1024:.0f} MB in all"),
    ]


def _plain(work: str, ours: str) -> Figure:
    return Figure("calendars", work, ours, "", "", "", None, COMMAND)


def _until_read(built: Stage, host: Host, own: str, known: str | None) -> None:
    until = time.monotonic() + _READ_S
    while _call(built, host, "GET", own)["syncedAt"] in (None, known):
        if time.monotonic() > until:
            raise SystemExit("a feed was not read")
        time.sleep(0.02)


def _call(built: Stage, host: Host, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", built.api.port, timeout=60)
    try:
        connection.request(
            method,
            f"/v4/calendar-connections/connections{path}",
            None if body is None else json.dumps(body),
            {**built.headers, "x-meetergo-api-user-id": str(host.user_id), "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{method} {path}: {answer.status} {text.decode()}")
        found: dict[str, Any] = json.loads(text)
        return found
    finally:
        connection.close()


def _lists(built: Stage, away: Callable[..., Any], host: Host, chance: random.Random) -> list[bytes]:
    """Write questions for 30 days of one host, from several first days on."""
    return [one for _ in range(5) for one in server.ask(built, away, [[host]], chance).ours]


def _figure(built: Stage, away: Callable[..., Any], name: str, own: list[bytes], plain: list[bytes]) -> Figure:
    def side(requests: list[bytes]) -> Sample:
        before = built.api.cpu_ms()
        told = away(load.run, partial(load.walk, requests), built.api.port, 1, SECONDS)
        return rounds.sample(told, built.api, before)

    pair = rounds.interleaved(partial(side, own), partial(side, plain), ROUNDS)
    found = pair.ratio("p50_ms")
    ours, other = (f"p50 {rounds.middle(samples, 'p50_ms'):.2f} ms" for samples in (pair.ours, pair.other))
    return Figure(
        section="calendars",
        work=f"30 days of a host, {name}",
        ours=ours,
        against=f"no calendar {other}",
        ratio=f"{found:.2f} times",
        goal=f"≤ {MOST:g} times",
        met=found <= MOST,
        command=COMMAND,
    )


if __name__ == "__main__":
    stage.show(measure)
