"""The pool and the connection type of all SQL: instants come back as `whenever.Instant`, jsonb as Python values."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Generic, TypeVar, cast

import psycopg
from psycopg import adapt, postgres
from psycopg._preparing import PrepareManager
from psycopg.abc import AdaptContext, PQGen
from psycopg.pq import Format
from psycopg.rows import TupleRow
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.json import set_json_loads
from psycopg.waiting import Ready, Wait
from psycopg_pool import AsyncConnectionPool
from psycopg_pool.pool_async import AddConnection, MaintenanceTask
from pydantic_core import from_json
from whenever import Instant

RECONNECT_EVERY_S = 0.5

_YEAR_2000_US = Instant.from_utc(2000, 1, 1).timestamp(unit="microsecond")

RV = TypeVar("RV")
AnyConnection = TypeVar("AnyConnection", bound=psycopg.AsyncConnection[Any])


class Connection(psycopg.AsyncConnection[TupleRow]):
    """One connection of the pool.

    Attributes:
        jobs_waiting: a job was enqueued in the open transaction; whoever commits wakes the workers.
    """

    jobs_waiting: bool = False
    _often: psycopg.AsyncRawCursor[TupleRow] | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._answers = _Listening()

    @property
    def often(self) -> psycopg.AsyncRawCursor[TupleRow]:
        """The cursor of statements that are asked very often: positional parameters, `numbered`; results in binary.

        Made once and without names to look up, which saves a quarter of the time of a small statement. The next
        execution forgets the result of the one before.
        """
        if self._often is None:
            self._often = psycopg.AsyncRawCursor(self)
            self._often.format = Format.BINARY
        return self._often

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Carry out what talks to the database, as psycopg's own does.

        That one tells the event loop before each wait that it listens, and after it that it does not, which is a third
        of what a small statement costs this process. Ours keeps listening, and leaves to it all that is not plain.
        """
        try:
            asked = next(gen)
            while asked == Wait.R and timeout is None:
                await self._answers.wait(self.pgconn.socket)
                asked = gen.send(Ready.R)
        except StopIteration as done:
            result: RV = done.value
            return result
        except BaseException as error:
            self._answers.stop()
            if isinstance(error, asyncio.CancelledError):  # psycopg stops the statement
                return await super().wait(cast("PQGen[RV]", _Cancelled(gen)))
            raise
        self._answers.stop()
        return await super().wait(gen, interval, timeout)

    async def close(self) -> None:
        """Close it; its socket may be another's afterwards."""
        self._answers.stop()
        await super().close()


class _Listening:
    """Waits until a socket can be read, and goes on listening between one wait and the next."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket = -1
        self._waiter: asyncio.Future[None] | None = None

    async def wait(self, socket: int) -> None:
        """Wait until there is something to read, all of which has to be read then."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._socket != socket:
            self.stop()
            loop.add_reader(socket, self._hear)
            self._loop, self._socket = loop, socket
        self._waiter = loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def stop(self) -> None:
        """Listen no longer: the socket is closed, or somebody else waits for it."""
        if self._loop and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
        self._loop = None

    def _hear(self) -> None:
        if self._waiter is None:  # nobody has asked anything: the server has left, or has some news
            self.stop()
        elif not self._waiter.done():
            self._waiter.set_result(None)


class _Cancelled(Generic[RV]):
    """What was begun before its task was cancelled: at first it says so, then it goes on."""

    def __init__(self, gen: PQGen[RV]) -> None:
        self._gen, self._told = gen, False

    def __next__(self) -> Wait:
        if not self._told:
            self._told = True
            raise asyncio.CancelledError
        return next(self._gen)

    def send(self, ready: Ready | int) -> Wait:
        return self._gen.send(ready)


class _Prepared(PrepareManager):
    """The prepared statements of a connection, which outlive a rollback as they do in PostgreSQL.

    psycopg drops them all, lest a table was made anew within the transaction; none is here. A booking refused would
    make its connection plan every statement anew, several times each.
    """

    def clear(self) -> bool:
        """Drop nothing."""
        return False


def numbered(query: str, *names: str) -> str:
    """Write a statement's `%(name)s` as `$1`, `$2`, … in the order of the names."""
    for number, name in enumerate(names, start=1):
        query = query.replace(f"%({name})s", f"${number}")
    return query


def bigints(numbers: Iterable[int]) -> str:
    """Write a bigint[] for `Connection.often`; a list takes psycopg longer than all else in a small statement."""
    return f"{{{','.join(map(str, numbers))}}}"


class Pool(AsyncConnectionPool[AnyConnection]):
    """A pool that looks every half second whether a lost database is back.

    psycopg's own doubles its pause each time, so that it would be away about twice as long as the database was.
    """

    async def schedule_task(self, task: MaintenanceTask, delay: float) -> None:
        """Do a chore of the pool in `delay` seconds, or sooner where it is to connect again."""
        await super().schedule_task(task, min(delay, RECONNECT_EVERY_S) if isinstance(task, AddConnection) else delay)


class _InstantLoader(adapt.Loader):
    """timestamptz as text -> Instant."""

    _inner: TimestamptzLoader | None = None

    def load(self, data: adapt.Buffer) -> Instant:
        # Made when first needed: a result makes a loader for each type in it, and its instants may all be NULL.
        if self._inner is None:
            self._inner = TimestamptzLoader(self.oid, self.connection)
        return Instant(self._inner.load(data))


class _InstantBinaryLoader(adapt.Loader):
    """timestamptz in binary, microseconds from 2000-01-01 on -> Instant."""

    format = Format.BINARY

    def load(self, data: adapt.Buffer) -> Instant:
        return Instant.from_timestamp(_YEAR_2000_US + int.from_bytes(data, signed=True), unit="microsecond")


class _InstantDumper(adapt.Dumper):
    """Instant -> timestamptz."""

    oid = postgres.types["timestamptz"].oid

    def dump(self, obj: Instant) -> bytes:
        return obj.format_iso().encode()


async def _configure(conn: psycopg.AsyncConnection[Any]) -> None:
    adapt_instants(conn)
    set_json_loads(from_json, conn)  # three times as fast as Python's own; it reads 200 levels, and 20 are taken in
    conn._prepared = _Prepared()
    await conn.set_autocommit(True)


def adapt_instants(context: AdaptContext) -> None:
    """Make a connection speak `Instant` for timestamptz, both ways."""
    context.adapters.register_loader("timestamptz", _InstantLoader)
    context.adapters.register_loader("timestamptz", _InstantBinaryLoader)
    context.adapters.register_dumper(Instant, _InstantDumper)


def pool(conninfo: str, *, min_size: int = 2, max_size: int = 16) -> Pool[Connection]:
    """Make a pool of autocommit connections, not yet open.

    Statements outside `conn.transaction()` commit by themselves. `lock_timeout` is 3 s, so that a wait for
    a lock ends in an answer (design section 4); the session zone is UTC. What is asked for is in memory, where an
    index costs little more than a table: PostgreSQL's own price is that of a disc, and it would read 200 users for one.
    """
    return Pool(
        conninfo,
        connection_class=Connection,
        kwargs={"options": "-c lock_timeout=3s -c timezone=UTC -c application_name=kalends -c random_page_cost=1.1"},
        configure=_configure,
        min_size=min_size,
        max_size=max_size,
        open=False,
        timeout=10,
    )
