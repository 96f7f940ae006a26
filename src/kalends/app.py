"""What a running kalends holds: the pool, whoever is remote, the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from whenever import Instant

from .errors import DomainError, Unavailable
from .ports import Mailer
from .storage import jobs
from .storage.database import Connection

WAKE_EVERY_S = 0.05  # at most 20 notifications a second (design section 5)


class OutcomeUnknown(DomainError):
    """The connection was lost while the change was being stored; look before you try again."""

    code = "outcome-unknown"


class DatabaseBusy(Unavailable):
    """Somebody else holds what this needs, or the database is away; nothing was applied."""

    code = "busy"


@dataclass
class App:
    """Everything a request, a job or a command works with; made by bootstrap, closed by `aclose`."""

    pool: AsyncConnectionPool[Connection]
    mailer: Mailer
    base_url: str
    mail_from: str
    now: Callable[[], Instant] = Instant.now
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _waker: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the pool and start the task that wakes the workers."""
        await self.pool.open(wait=True)
        self._waker = asyncio.create_task(self._wake_workers(), name="wake-workers")

    async def aclose(self) -> None:
        """Send a wake-up still owed, then close the pool."""
        if self._waker:
            self._waker.cancel()
            with suppress(asyncio.CancelledError):
                await self._waker
        if self._wake.is_set():
            with suppress(psycopg.Error, PoolTimeout):
                await self._notify()
        await self.pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Open one READ COMMITTED transaction; it is committed when the block ends, before the answer is built.

        Raises:
            DatabaseBusy: a lock could not be had within 3 s, a deadlock was broken, or no connection could be had.
            OutcomeUnknown: the connection was lost during COMMIT.
        """
        async with self._connection() as conn:
            conn.jobs_waiting = False
            committing = False
            try:
                async with conn.transaction():
                    yield conn
                    committing = True
            except psycopg.OperationalError as error:  # a lock not had in time and a deadlock are of this kind
                if committing:
                    raise OutcomeUnknown from error
                raise DatabaseBusy(retry_after_s=1) from error
            waiting = conn.jobs_waiting
        if waiting:
            self._wake.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Lend a connection whose statements each commit by themselves; for reads.

        Raises:
            DatabaseBusy: no connection could be had, or it was lost.
        """
        async with self._connection() as conn:
            try:
                yield conn
            except psycopg.OperationalError as error:
                raise DatabaseBusy(retry_after_s=1) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            conn = await self.pool.getconn()
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise DatabaseBusy(retry_after_s=1) from error
        try:
            yield conn
        finally:
            await self.pool.putconn(conn)

    async def _wake_workers(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            with suppress(psycopg.Error, PoolTimeout):  # workers poll as well
                await self._notify()
            await asyncio.sleep(WAKE_EVERY_S)

    async def _notify(self) -> None:
        async with self.pool.connection() as conn:
            await jobs.wake_workers(conn)
