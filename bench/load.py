"""The load generator: many keep-alive connections driven from one loop over epoll, in a process of its own.

What a client sends is a generator: it yields a kind and the bytes of a request, and is sent the status and the body of
the answer. The loop does next to nothing beside, so that it takes little of a machine that it shares with the server.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from statistics import quantiles
from typing import Any, TypeAlias

Answer: TypeAlias = tuple[int, bytes]
Script: TypeAlias = Generator[tuple[str, bytes], Answer, None]

_AT_ONCE = 1 << 16  # bytes of one read; larger buffers are mapped anew each time
_SILENT_S = 30  # an answer that takes longer is none


@dataclass
class Told:
    """What one load brought.

    Attributes:
        seconds: from the first request to the last answer.
        milliseconds: per kind, from the first byte sent to the last byte read, in the order of the answers.
        first_ms: the same, to the first byte read.
        statuses: how many answers of each kind had which status.
        notes: whatever the scripts wrote down.
    """

    seconds: float = 0.0
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    first_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    notes: list[Any] = field(default_factory=list)

    def p99(self, kind: str) -> float:
        """Give the 99th percentile of a kind, in milliseconds."""
        return quantiles(self.milliseconds[kind], n=100)[98]


class _Client:
    def __init__(self, script: Script, port: int) -> None:
        self.script, self.kind = script, ""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = self.first = 0.0
        self._left, self._status, self._parts = -1, 0, [b""]

    def send(self, answer: Answer | None) -> bool:
        """Send what the script wants next; False: nothing more."""
        try:
            # A generator that has not begun takes nothing but None.
            self.kind, request = self.script.send(answer) if answer else next(self.script)
        except StopIteration:
            return False
        self.sent, self.first = time.perf_counter(), 0.0
        self.socket.sendall(request)
        return True

    def read(self) -> Answer | None:
        """Take what came; answers the whole answer once it is there."""
        data = self.socket.recv(_AT_ONCE)
        if not data:
            raise SystemExit("the server closed a connection")
        self.first = self.first or time.perf_counter()
        if self._left < 0:
            data = self._begin(data)
        self._left -= len(data)
        self._parts.append(data)
        if self._left:
            return None
        body, self._parts, self._left = b"".join(self._parts), [], -1
        return self._status, body

    def _begin(self, data: bytes) -> bytes:
        head, found, body = data.partition(b"\r\n\r\n")
        if not found:
            raise SystemExit("the head of an answer came in pieces")
        self._status = int(head[9:12])
        _, _, length = head.lower().partition(b"content-length:")
        self._left = int(length.partition(b"\r\n")[0] or 0)
        return body


def run(make: Callable[[int, Told], Script], port: int, connections: int = 1, seconds: float = 3600.0) -> Told:
    """Let the clients send until the time is over or their scripts end, and wait for every answer.

    Args:
        make: makes the script of the client of a number from 0 on, given where it may write notes.
    """
    told, poll = Told(), select.epoll()
    clients = {client.socket.fileno(): client for client in (_Client(make(n, told), port) for n in range(connections))}
    clock = time.perf_counter
    began = clock()
    until, sending = began + seconds, 0
    for descriptor, client in clients.items():
        poll.register(descriptor, select.EPOLLIN)
        sending += client.send(None)
    while sending:
        events = poll.poll(_SILENT_S)
        if not events:
            raise SystemExit(f"no answer for {_SILENT_S} s")
        for descriptor, _ in events:
            client = clients[descriptor]
            if (answer := client.read()) is None:
                continue
            now = clock()
            told.milliseconds[client.kind].append((now - client.sent) * 1000)
            told.first_ms[client.kind].append((client.first - client.sent) * 1000)
            told.statuses[client.kind, answer[0]] += 1
            if now >= until or not client.send(answer):
                sending -= 1
    told.seconds = clock() - began
    for client in clients.values():
        client.socket.close()
    return told


@contextmanager
def elsewhere() -> Iterator[Callable[..., Any]]:
    """Give a caller that runs a function of a module in a process of its own, and waits for what it answers."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        yield lambda work, *rest, **more: process.submit(work, *rest, **more).result()


def request(method: str, target: str, headers: dict[str, str], body: object = None) -> bytes:
    """Write a request; a body becomes JSON."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def walk(requests: Sequence[bytes], number: int, told: Told) -> Script:
    """Send the requests in turn, again and again; each client begins elsewhere."""
    place = number * 97
    while True:
        yield "all", requests[place % len(requests)]
        place += 1


def once(requests: Sequence[bytes], number: int, told: Told, *, clients: int = 1) -> Script:
    """Send each request once, dealt to so many clients; the bodies of the answers go into the notes."""
    for one in requests[number::clients]:
        told.notes.append((yield "all", one))
