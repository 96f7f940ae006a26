"""A wire between a client and a server of the tests that can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Carries bytes between its own port and a server's.

    Attributes:
        is_cut: connections are closed as soon as they are made.
        requests: the first line of each request, as far as it came in one piece.
    """

    to: int
    port: int = 0
    is_cut: bool = False
    requests: list[str] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def cut(self) -> AsyncIterator[None]:
        """Cut the wire for a while."""
        self.is_cut = True
        self.hang_up()
        yield
        self.is_cut = False

    def hang_up(self) -> None:
        """Close all connections."""
        for writer in self._open:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        there, back = await asyncio.open_connection("127.0.0.1", self.to)
        self._open |= {writer, back}
        await asyncio.gather(self._carry(reader, back, note=True), self._carry(there, writer))
        self._open -= {writer, back}
        self.tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool = False) -> None:
        with suppress(OSError):
            while piece := await reader.read(65_536):
                if note and b" HTTP/1.1\r\n" in piece:
                    self.requests.append(piece.split(b" HTTP/1.1\r\n", 1)[0].decode())
                writer.write(piece)
                await writer.drain()
        with suppress(OSError):
            writer.close()


@asynccontextmanager
async def relayed(port: int) -> AsyncIterator[Relay]:
    """Open a relay to a server on this machine."""
    relay = Relay(port)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.hang_up()
        await asyncio.gather(*relay.tasks)
