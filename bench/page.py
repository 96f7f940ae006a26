"""The booking page: its first byte against the API's answer for the same month, its weight, and what holds it up.

Bytes are counted as they come over the wire, heads included, for a browser that takes gzip and has nothing kept: the
page and all it links to that a browser fetches by itself.

    python -m bench.page [hosts in the database]
"""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from urllib.parse import urlsplit

from bench import asking, load, rounds, server, stage
from bench.results import Figure
from bench.rounds import Sample
from bench.stage import Process, Stage

COMMAND = "python -m bench.page"
SECONDS, ROUNDS = 1.2, 5
VISITS = 2000  # each from an address of its own, as pages are limited by address
MOST_BYTES = 40_000
FETCHED_LINKS = {"stylesheet", "icon", "manifest", "preload", "modulepreload"}
API = "API answer"


def measure(built: Stage) -> list[Figure]:
    """Measure all of it on a stage."""
    first = (datetime.now(UTC).date().replace(day=1) + timedelta(days=32)).replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    kind = urlsplit(built.company["bookingUrl"]).path.rpartition("/")[2]
    pages, answers = [], []
    for visit in range(VISITS):
        host = built.hosts[visit % min(server.ASKED, len(built.hosts))]
        headers = {"Accept-Encoding": "gzip", "X-Forwarded-For": f"10.0.{visit >> 8}.{visit & 255}"}
        path = f"/{host.slug}/{kind}?month={first:%Y-%m}&timezone={host.zone}"
        pages.append(load.request("GET", path, headers))
        target = asking.slots(host.type_id, str(first), str(last), host.zone)
        answers.append(load.request("GET", target, {**built.headers, **headers}))
    with load.elsewhere() as away:

        def side(process: Process, requests: list[bytes]) -> Sample:
            before = process.cpu_ms()
            told = away(load.run, partial(load.walk, requests), process.port, 1, SECONDS)
            told.milliseconds = told.first_ms
            return rounds.sample(told, process, before)

        turns = rounds.interleaved(partial(side, built.api, pages), partial(side, built.api, answers), ROUNDS)
    host = built.hosts[0]
    return [
        turns.at_most(2, "p50_ms", "first byte of the month page, 1 connection", API, COMMAND),
        *weight(built.api.port, f"/{host.slug}/{kind}?month={first:%Y-%m}&timezone={host.zone}"),
    ]


def weight(port: int, path: str) -> list[Figure]:
    """Fetch a page as a browser would for the first time, and say how much came and what it must wait for."""
    size, html = fetch(port, path, "identity")
    size, _ = fetch(port, path, "gzip")
    found = _Linked()
    found.feed(html)
    inside = re.findall(r"url\(|@import", html)
    sizes = {one: fetch(port, one, "gzip")[0] for one in found.fetched}
    total = size + sum(sizes.values())
    parts = ", ".join(f"{urlsplit(one).path.rpartition('/')[2]} {bytes_:,}" for one, bytes_ in sizes.items())
    waits = [*found.blocking, *inside]
    return [
        Figure(
            section="server",
            work="the whole page over the wire",
            ours=f"{total / 1000:.1f} KB: HTML {size:,}, {parts} bytes",
            against="",
            ratio="",
            goal="≤ 40 KB with all its assets",
            met=total <= MOST_BYTES,
            command=COMMAND,
        ),
        Figure(
            section="server",
            work="what the page waits for before it can be read",
            ours=f"{', '.join(waits) or 'nothing'} beside the HTML",
            against="",
            ratio="",
            goal="one round trip before something can be read",
            met=not waits,
            command=COMMAND,
        ),
    ]


class _Linked(HTMLParser):
    """What a page makes a browser fetch, and which of it stands in the way of the first picture."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.blocking: list[str] = []
        self._in_head = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element has a browser fetch."""
        has = dict(attrs)
        rel = set((has.get("rel") or "").split())
        address = has.get("href") if tag == "link" and rel & FETCHED_LINKS else has.get("src")
        if tag == "body":
            self._in_head = False
        if not address or address.startswith("data:"):
            return
        self.fetched.append(address)
        waited_for = tag == "script" and not {"defer", "async"} & set(has) and has.get("type") != "module"
        if "stylesheet" in rel or (waited_for and self._in_head):
            self.blocking.append(address)


def fetch(port: int, path: str, encoding: str) -> tuple[int, str]:
    """Get a path over a connection of its own; answers all bytes that came, and the body as text if it is such."""
    request = load.request("GET", path, {"Accept-Encoding": encoding, "Connection": "close"})
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        came = b"".join(iter(partial(connection.recv, 65536), b""))
    head, _, body = came.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise SystemExit(f"{path}: {head.decode()}")
    return len(came), body.decode(errors="replace")


if __name__ == "__main__":
    stage.show(measure)
