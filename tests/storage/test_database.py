"""The pool: how soon it is there again after the database was away, and what its connections remember."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from kalends.storage import database, embedded


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

    assert time.monotonic() - back < 1.5


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
