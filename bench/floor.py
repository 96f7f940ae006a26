"""The floor under a listing: a bare ASGI app that makes one indexed read and answers a ready body.

The same uvicorn as `kalends serve` with the same settings, one process, and psycopg's pool; the read is of the rows a
listing needs, through the same index, in the leanest form found (two arrays of minutes per host). The path says which:
/<hosts, joined by commas>/<first>/<last>/<size of the body>.

    python -m bench.floor <port> <conninfo>
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import uvicorn
from psycopg_pool import AsyncConnectionPool

Message: TypeAlias = MutableMapping[str, Any]

READ = """
    SELECT host_no, array_agg(floor(date_part('epoch', start_at) / 60)::int),
        array_agg(ceil(date_part('epoch', end_at) / 60)::int)
    FROM claim WHERE host_no = ANY(%s) AND end_at > %s AND start_at < %s GROUP BY host_no
"""


class Floor:
    """The app; its pool is as large as a kalends process's."""

    def __init__(self, conninfo: str) -> None:
        self._pool = AsyncConnectionPool(
            conninfo, min_size=16, max_size=16, open=False, kwargs={"autocommit": True, "options": "-c timezone=UTC"}
        )

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request, or open and close the pool."""
        if scope["type"] == "lifespan":
            await receive()
            await self._pool.open(wait=True)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        _, hosts, first, last, size = scope["path"].split("/")
        async with self._pool.connection() as conn:
            cursor = await conn.execute(READ, (list(map(int, hosts.split(","))), first, last))
            await cursor.fetchall()
        headers = [(b"content-type", b"application/json"), (b"content-length", size.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(int(size))})


def main() -> None:
    """Serve until stopped."""
    uvicorn.run(
        Floor(sys.argv[2]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
