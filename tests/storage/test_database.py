"""The pool: how soon it is there again after the database was away, and what its connections remember."""

import asyncio
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.api.v4.booking_forms import DEEPEST_NOTES
from kalends.app import App, DatabaseBusy
from kalends.storage import database, embedded
from kalends.storage.database import Connection


async def test_after_a_long_absence_of_the_database_the_pool_is_soon_back(tmp_path: Path) -> None:
    with embedded.running(tmp_path / "data") as server:
        async with database.pool(server.conninfo, min_size=2) as pool:

            async def ask() -> None:
                async with pool.connection(timeout=30) as conn:
                    await conn.execute("SELECT 1")

            await pool.wait()
            os.kill(int((tmp_path / "data/postgres/cluster/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            await asyncio.sleep(0.3)  # its children go with it
            await pool.check()  # finds both connections lost
            asking = asyncio.create_task(ask())
            await asyncio.sleep(3.3)  # pauses that double would end 1, 3 and 7 s after the first failure

            await asyncio.to_thread(server.ensure_running)
            back = time.monotonic()
            await asking

    assert time.monotonic() - back < 2.5


async def test_statements_stay_prepared_after_a_rollback(conninfo: str) -> None:
    async with database.pool(conninfo, min_size=1) as pool, pool.connection() as conn:
        for number in range(6):
            await conn.execute("SELECT %s::int + 1", (number,))

        with suppress(ZeroDivisionError):
            async with conn.transaction():
                raise ZeroDivisionError
        await conn.rollback()
        await conn.execute("SELECT 1")  # whatever is owed is sent with it

        cursor = await conn.execute("SELECT count(*) FROM pg_prepared_statements")
        assert await cursor.fetchone() == (1,)


async def test_a_request_given_up_leaves_a_connection_that_works(app: App) -> None:
    async with app.reading() as conn:
        process = conn.info.backend_pid
        asking = asyncio.create_task(conn.often.execute("SELECT pg_sleep(60)"))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

        cursor = await conn.often.execute("SELECT pg_backend_pid(), $1::int", (7,))
        assert await cursor.fetchall() == [(process, 7)]


async def test_a_lost_connection_is_busy_and_the_next_one_works(app: App) -> None:
    with pytest.raises(DatabaseBusy):
        async with app.reading() as conn:
            await conn.often.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    async with app.reading() as conn:
        assert await (await conn.often.execute("SELECT 1")).fetchone() == (1,)


async def test_a_connection_that_the_server_ends_while_nobody_asks_keeps_nobody_busy(app: App) -> None:
    async with app.reading() as conn:
        await conn.execute("SELECT 1")
        async with app.reading() as other:
            await other.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
        await asyncio.sleep(0.1)
        used = time.process_time()
        await asyncio.sleep(0.3)
        used = time.process_time() - used
        with pytest.raises(psycopg.OperationalError):
            await conn.execute("SELECT 1")

    assert used < 0.1


@pytest.mark.parametrize("text", ["1999-12-31T23:59:59.999999Z", "2031-03-05T09:00:00.000001Z", "0002-01-01T00:00:00Z"])
async def test_an_instant_is_the_same_as_text_and_in_binary(conn: Connection, text: str) -> None:
    at = Instant(text)

    plain = await conn.execute("SELECT %s::timestamptz, NULL::timestamptz", (at,))
    binary = await conn.often.execute("SELECT $1::timestamptz, NULL::timestamptz", (at,))

    assert await plain.fetchall() == await binary.fetchall() == [(at, None)]


@pytest.mark.parametrize(
    "value",
    [{"ä": ["\U0001f642", {}, []], "": None}, [-0.5, 1.5e-7, 2**70, True], '"\\/\n', 0],
    ids=str,
)
async def test_json_comes_back_as_it_was_as_text_and_in_binary(conn: Connection, value: object) -> None:
    plain = await conn.execute("SELECT %s::jsonb, %s::json", (Jsonb(value), Jsonb(value)))
    binary = await conn.often.execute("SELECT $1::jsonb, $2::json", (Jsonb(value), Jsonb(value)))

    assert await plain.fetchall() == await binary.fetchall() == [(value, value)]


async def test_json_as_deep_as_anything_that_is_taken_in_can_be_read(conn: Connection) -> None:
    deep = "[" * 4 * DEEPEST_NOTES + "]" * 4 * DEEPEST_NOTES

    found = await conn.execute("SELECT %s::jsonb", (deep,))

    assert await found.fetchone() == (json.loads(deep),)


def test_names_are_numbered_in_their_order() -> None:
    assert database.numbered("%(a)s %(b)s::int %(a)s %(ab)s", "b", "a", "ab") == "$2 $1::int $2 $3"
