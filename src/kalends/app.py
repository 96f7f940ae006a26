"""What a running kalends holds: the pool, whoever is remote, the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial

import psycopg
from psycopg_pool import AsyncConnectionPool
from whenever import Instant

from .errors import DomainError, Unavailable
from .ports import CalendarKind, CalendarProvider, ConferenceProvider, Mailer
from .services.calendar_sources import Reader
from .storage import jobs
from .storage.database import Connection
from .storage.secret_box import SecretBox

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
    box: SecretBox
    calendars: Mapping[CalendarKind, CalendarProvider] = field(default_factory=dict)
    conferences: Mapping[str, ConferenceProvider] = field(default_factory=dict)  # by channel (contract 2.2)
    closing: Callable[[], Awaitable[None]] | None = None  # lets go of what the providers hold
    redirect_origins: Sequence[str] = ()  # where browsers may be sent back to, beside our own
    now: Callable[[], Instant] = Instant.now
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _waker: asyncio.Task[None] | None = None

    @property
    def calendar_reader(self) -> Reader:
        """What reading the calendars of hosts takes."""
        return Reader(
            partial(_apart, self.transaction),
            partial(_apart, self.reading),
            self.calendars,
            self.box,
            self.now,
            self.base_url,
        )

    async def open(self) -> None:
        """Open the pool and start the task that wakes the workers."""
        try:
            await self.pool.open(wait=True)
        except BaseException:  # cancelled too: another part did not start. The pool's tasks would go on without end.
            await self.pool.close()
            raise
        self._waker = asyncio.create_task(self._keep_waking(), name="wake-workers")

    async def aclose(self) -> None:
        """Send a wake-up still owed, then close the pool and what the providers hold."""
        if self._waker:
            # Once may not be enough: before Python 3.12 a cancellation that meets the end of a wait is lost.
            while not self._waker.done():
                self._waker.cancel()
                await asyncio.wait([self._waker], timeout=WAKE_EVERY_S)
        if self._wake.is_set():
            with suppress(psycopg.Error):
                await self._notify()
        await self.pool.close()
        if self.closing:
            await self.closing()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Open one READ COMMITTED transaction; it is committed when the block ends, before the answer is built.

        Inside `enclosed` it is a part of the transaction there.

        Raises:
            DatabaseBusy: a lock could not be had within 3 s, a deadlock was broken, or no connection could be had;
                nothing was applied.
            OutcomeUnknown: the connection was lost during COMMIT.
        """
        enclosing = _enclosing_now()
        if enclosing is not None:
            async with enclosing.part() as conn:
                yield conn
            return
        async with self.connection() as conn:
            conn.jobs_waiting = False
            committing = False
            try:
                async with conn.transaction():
                    yield conn
                    committing = True
            except psycopg.OperationalError as error:  # a lock not had in time and a deadlock are of this kind
                raise _failed(error, conn, committing=committing) from error
            waiting = conn.jobs_waiting
        if waiting:
            self.wake_workers()

    @asynccontextmanager
    async def enclosed(self, opening: Callable[[Connection], Awaitable[None]]) -> AsyncIterator[Enclosing]:
        """Make one transaction of all that this task writes in the block; without a `commit` it is rolled back.

        Args:
            opening: its first statements. The first `transaction()` begins it, and raises what they raise.
        """
        enclosing = Enclosing(self, opening)
        token = _enclosing.set(enclosing)
        try:
            yield enclosing
        finally:
            _enclosing.reset(token)
            await enclosing.close()

    async def look_back(self) -> None:
        """Inside `enclosed`, raise what its first statements raise, and undo them; else nothing.

        For whoever waits for a network before he writes: a request that was answered before is not carried out again.
        """
        enclosing = _enclosing_now()
        if enclosing is not None and not enclosing.begun:
            await enclosing.look_back()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Lend a connection whose statements each commit by themselves; for reads.

        Inside `enclosed`, once something was written there, it is that connection, which sees it.

        Raises:
            DatabaseBusy: no connection could be had, or it was lost.
        """
        enclosing = _enclosing_now()
        if enclosing is not None and enclosing.begun:
            async with enclosing.part() as conn:
                yield conn
            return
        async with self.connection() as conn:
            with _busy():
                yield conn

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection of the pool as it is.

        Raises:
            DatabaseBusy: none could be had.
        """
        with _busy():
            conn = await self.pool.getconn()
        try:
            yield conn
        finally:
            await self.pool.putconn(conn)

    def wake_workers(self) -> None:
        """Tell the workers, soon, that jobs are waiting."""
        self._wake.set()

    async def _keep_waking(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            with suppress(psycopg.Error):  # workers poll as well
                await self._notify()
            await asyncio.sleep(WAKE_EVERY_S)

    async def _notify(self) -> None:
        async with self.pool.connection() as conn:
            await jobs.wake_workers(conn)


class Enclosing:
    """One transaction around several, made by `App.enclosed`; nobody sees any of it before `commit`."""

    def __init__(self, app: App, opening: Callable[[Connection], Awaitable[None]]) -> None:
        self._app, self._opening = app, opening
        self._held = AsyncExitStack()
        self._conn: Connection | None = None
        self.over = False

    @property
    def begun(self) -> bool:
        """Whether there is something to commit."""
        return self._conn is not None

    @asynccontextmanager
    async def part(self) -> AsyncIterator[Connection]:
        """Begin the transaction, or a savepoint in it; what raises is rolled back, what was before it stays.

        Raises:
            DatabaseBusy: as `App.transaction`.
        """
        with _busy():
            if self._conn is not None:
                async with self._conn.transaction():
                    yield self._conn
                return
            try:
                yield await self._begin()
            except BaseException:
                await self._leave()
                raise

    async def look_back(self) -> None:
        """Carry out the first statements, and undo them.

        Raises:
            DatabaseBusy: as `App.transaction`.
        """
        try:
            with _busy():
                await self._begin()
        finally:
            await self._leave()

    async def commit(self, closing: Callable[[Connection], Awaitable[None]]) -> None:
        """Run `closing` as the last statements, then commit.

        Raises:
            DatabaseBusy: nothing was applied.
            OutcomeUnknown: the connection was lost during COMMIT.
        """
        assert self._conn is not None
        committing = False
        try:
            await closing(self._conn)
            committing = True
            await self._conn.commit()
        except psycopg.OperationalError as error:
            raise _failed(error, self._conn, committing=committing) from error
        if self._conn.jobs_waiting:
            self._app.wake_workers()
        await self._leave()

    async def close(self) -> None:
        """Roll back what was not committed; whatever this task still starts is on its own again."""
        self.over = True
        await self._leave()

    async def _begin(self) -> Connection:
        self._conn = await self._held.enter_async_context(self._app.connection())
        self._conn.jobs_waiting = False
        await self._conn.execute("BEGIN")
        await self._opening(self._conn)
        return self._conn

    async def _leave(self) -> None:
        try:
            if self._conn is not None:
                with suppress(psycopg.Error):  # a lost connection is rolled back by the server
                    await self._conn.rollback()
        finally:  # also where this task is cancelled while it waits for that
            self._conn = None
            await self._held.aclose()


@contextmanager
def _busy() -> Iterator[None]:
    """Say of a connection that could not be had, or was lost, that whoever asked is to try again."""
    try:
        yield
    except psycopg.OperationalError as error:  # PoolTimeout is of this kind
        raise DatabaseBusy(retry_after_s=1) from error


def _failed(error: psycopg.OperationalError, conn: Connection, *, committing: bool) -> DomainError:
    """Say what a transaction came to that ended with an error.

    COMMIT itself may fail too, since it locks (migration 0004). As long as the server says so, and lives on to be asked
    again, nothing was applied.
    """
    if committing and (error.sqlstate is None or conn.closed):
        return OutcomeUnknown()
    return DatabaseBusy(retry_after_s=1)


_enclosing: ContextVar[Enclosing | None] = ContextVar("enclosing", default=None)


@asynccontextmanager
async def _apart(lend: Callable[[], AbstractAsyncContextManager[Connection]]) -> AsyncIterator[Connection]:
    """Lend a connection that is no part of what encloses this task: what is written there is stored in any case."""
    token = _enclosing.set(None)
    try:
        async with lend() as conn:
            yield conn
    finally:
        _enclosing.reset(token)


def _enclosing_now() -> Enclosing | None:
    enclosing = _enclosing.get()
    return None if enclosing is None or enclosing.over else enclosing
