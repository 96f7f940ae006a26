"""A web server whose answers a test writes, with or without TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(frozen=True)
class Asked:
    """A request; names of headers in lower case.

    Attributes:
        to: the address of this machine it came to.
    """

    to: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        delay_s: before its first byte.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0


@dataclass
class Scripted:
    """A running server; `asked` holds what came in."""

    answer: Callable[[Asked], Reply | Awaitable[Reply]]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    asked = await _read(reader, writer.get_extra_info("sockname")[0])
                    self.asked.append(asked)
                    reply = self.answer(asked)
                    await _write(writer, reply if isinstance(reply, Reply) else await reply)
        finally:
            writer.close()


@asynccontextmanager
async def scripted(
    answer: Callable[[Asked], Reply | Awaitable[Reply]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Scripted]:
    """Run a server on all addresses of this machine."""
    made = Scripted(answer)
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(made.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, "0.0.0.0", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, to: str) -> Asked:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return Asked(to, method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    await asyncio.sleep(reply.delay_s)
    headers = {"Content-Length": str(len(reply.body)), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", *(f"{n}: {v}" for n, v in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
    await writer.drain()
