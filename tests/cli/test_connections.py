"""Heads of requests that are too large or never end, sent to a real server."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.responses import Response

from kalends.cli import connections
from kalends.cli.connections import LARGEST_HEAD_BYTES, PatientProtocol


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(
        Response("fine"), http=PatientProtocol, port=0, lifespan="off", log_config=None, loop="none", ws="none"
    )
    server = uvicorn.Server(config)
    server.config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await server.shutdown()


async def exchange(port: int, *pieces: bytes, pause_s: float = 0) -> bytes:
    """Send pieces one after the other; answer all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause_s)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_requests_of_usual_size_are_answered_one_after_the_other(port: int) -> None:
    large = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 30_000 + b"\r\n\r\n"
    body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    answer = await exchange(port, large, body, large, large[:9], large[9:], last, pause_s=0.05)

    assert answer.count(b"200 OK") == 5


async def test_a_head_without_end_is_refused(port: int) -> None:
    pieces = [b"x" * 8_000] * (LARGEST_HEAD_BYTES // 8_000 + 1)

    answer = await exchange(port, b"GET / HTTP/1.1\r\nHost: a\r\nX: ", *pieces, pause_s=0.005)

    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /"])
async def test_a_head_that_comes_too_slowly_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connections, "SLOWEST_HEAD_S", 1.0)

    answer = await exchange(port, begun)

    assert answer.count(b"200 OK") == (1 if b"\r\n\r\n" in begun else 0)
