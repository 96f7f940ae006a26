"""Calendar sync: connections read now, and what became of that stored, whatever happens.

A network is waited for outside any transaction. Two readings of one connection at once do no harm: the first to store
something is the one that counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from uuid import UUID

import psycopg
from whenever import Instant

from kalends.domain import sync_times
from kalends.errors import DomainError, Upstream
from kalends.ports import CalendarAccount, CalendarTooLarge, CredentialRefused
from kalends.storage import calendar_access, calendar_connections, calendar_readings, locks
from kalends.storage.calendar_connections import CalendarConnection
from kalends.storage.calendar_readings import Reading

from . import calendar_events, calendar_walks, calendar_watches, remote_changes, slot_rules
from .calendar_accounts import Accounts
from .calendar_sources import Reader as Reader
from .calendar_sources import Source
from .calendar_walks import Ended, Overtaken

# "read": all that blocks was read to its end; "put-off": not all could be, and it is tried again;
# "refused": the provider does not let us in; "gone": there is no such connection any more.
Outcome: TypeAlias = Literal["read", "put-off", "refused", "gone"]

LONGEST_S = 100  # of one reading, however often it is begun anew
LOOK_S = 5  # of a live look; nobody waits so long, but what it has seen by then is not thrown away
MOST_LOOKS = 200  # live ones at a time, of a process: each keeps a connection open to somebody who may be silent
_SOON_S = 20  # until what has to be looked at once more is
ROUNDS = 3  # so often it is begun anew where somebody else stored something meanwhile


@dataclass(frozen=True, slots=True)
class _Task:
    """A connection as a reading begins.

    Attributes:
        sealed: its credential.
        accounts: opens it, and knows what else was stored as its credential on the way.
    """

    connection: CalendarConnection
    sealed: bytes
    sources: Sequence[Source]
    began: Instant
    accounts: Accounts


@dataclass(frozen=True, slots=True)
class _Read:
    """What became of the calendars of a connection.

    Attributes:
        whole: all that block were read to their end.
        waiting: something is to be looked at once more, soon.
        failure: of one of them.
    """

    whole: bool = True
    waiting: bool = False
    failure: Upstream | None = None


async def read_now(reader: Reader, company_id: UUID, connection_id: UUID) -> Outcome:
    """Read all calendars of a connection that count, do what follows, and note how it went.

    Raises:
        Unavailable: the database could not be had; what was not noted is read again.
    """
    deadline = asyncio.get_running_loop().time() + LONGEST_S
    for _ in range(ROUNDS):
        task = await _task(reader, company_id, connection_id)
        if task is None:
            return "gone"
        try:
            async with asyncio.timeout_at(deadline):
                done = await _read(reader, task)
        except Overtaken:
            continue
        except CredentialRefused as refusal:
            if await _refused(reader, task, refusal):
                return "refused"
            continue
        except TimeoutError:
            done = _Read(whole=False, failure=CalendarTooLarge("The calendar takes too long to read"))
        except Upstream as failure:
            done = _Read(whole=False, failure=failure)
        await _note(reader, task, done)
        return "put-off" if done.failure else "read"
    return "put-off"


async def refresh(reader: Reader, company_id: UUID, connection_ids: Collection[UUID], *, within_s: float) -> None:
    """Read connections side by side for somebody who waits, `within_s` in all; what is answered later is stored then.

    Only what blocks is looked at. What hosts did to our events is left to a job, and so are calendars that were never
    read. Who asks while somebody else does waits for his answer; where a great many are asked, nobody else is. Nothing
    is raised, whatever goes wrong with calendars; an error nobody thought of is logged by the event loop, and breaks
    the job as well.
    """
    looks = [look for one in connection_ids if (look := _look_of(reader, company_id, one))]
    if looks:
        await asyncio.wait(looks, timeout=within_s)


# Those on their way in this process: of many who want the same start each would ask the host's provider.
_looks: dict[UUID, asyncio.Task[None]] = {}


def _look_of(reader: Reader, company_id: UUID, connection_id: UUID) -> asyncio.Task[None] | None:
    """Find the look at a connection that is on its way, or begin one, which goes on where its first asker gives up;
    None: too many are on their way."""
    look = _looks.get(connection_id)
    if look is None or look.get_loop() is not asyncio.get_running_loop():
        if len(_looks) >= MOST_LOOKS:
            return None
        look = _looks[connection_id] = asyncio.create_task(_refresh(reader, company_id, connection_id))
        look.add_done_callback(lambda _: _looks.pop(connection_id, None))
    return look


async def _refresh(reader: Reader, company_id: UUID, connection_id: UUID) -> None:
    # Its job finds out what is wrong, of the calendar or of a database that is busy or takes no writes.
    with suppress(DomainError, psycopg.errors.ReadOnlySqlTransaction, TimeoutError):
        try:
            async with asyncio.timeout(LOOK_S):
                await _look_until_stored(reader, company_id, connection_id)
        except CredentialRefused:
            async with reader.transaction() as conn:  # its job tells the owner
                await calendar_access.start(conn, company_id, connection_id, reader.clock())


async def _look_until_stored(reader: Reader, company_id: UUID, connection_id: UUID) -> None:
    for _ in range(ROUNDS):
        task = await _task(reader, company_id, connection_id)
        if task is None or not _can_be_asked(task):
            return
        with suppress(Overtaken):
            await _look(reader, task)
            return


def _can_be_asked(task: _Task) -> bool:
    """Tell whether a connection was read before, and is not left alone for a while because that failed."""
    one = task.connection
    is_left_alone = one.failures > 0 and one.due_at is not None and task.began < one.due_at
    return not is_left_alone and all(source.last.synced_at for source in task.sources)


async def _look(reader: Reader, task: _Task) -> None:
    """Read what blocks, and leave the rest to a job.

    Raises:
        Overtaken, CredentialRefused, Upstream
    """
    async with _opened(task) as account:
        ended = [await calendar_walks.through(one, account, in_haste=True) for one in task.sources]
    await _note(reader, task, _Read(waiting=any(one.suspects for one in ended)))


async def _task(reader: Reader, company_id: UUID, connection_id: UUID) -> _Task | None:
    async with reader.reading() as conn:
        # First of all: whoever changes something of what follows takes these readings over.
        readings = await calendar_readings.of_connection(conn, company_id, connection_id)
        connection = await calendar_connections.get(conn, company_id, connection_id)
        sealed = await calendar_connections.credential(conn, company_id, connection_id)
        host = await calendar_readings.host(conn, company_id, connection.user_id) if connection else None
        if connection is None or sealed is None or host is None:
            return None
        calendars = (await calendar_connections.calendars(conn, company_id, [connection_id]))[connection_id]
    began = reader.clock()
    days = sync_times.days_ahead(map(slot_rules.booking_window, host.windows), began)
    sources = [
        Source(reader, connection, one, host, days, readings.get(one.id, Reading(one.id)))
        for one in calendars
        if (one.selected and connection.validate_availability) or one.is_primary
    ]
    return _Task(connection, sealed, sources, began, reader.accounts)


def _opened(task: _Task) -> AbstractAsyncContextManager[CalendarAccount]:
    one = task.connection
    return task.accounts.opened(one.company_id, one.id, one.provider, task.sealed)


async def _read(reader: Reader, task: _Task) -> _Read:
    """Read all calendars; one that cannot be read keeps no other from it.

    Raises:
        Overtaken, CredentialRefused, Upstream
    """
    done = _Read()
    async with _opened(task) as account:
        for source in task.sources:
            done = await _read_one(source, account, done)
        if not done.failure:
            one = task.connection
            await calendar_watches.keep(reader, one.company_id, one.id, task.sources, account)
    return done


async def _read_one(source: Source, account: CalendarAccount, done: _Read) -> _Read:
    ended: Ended | None = None
    try:
        ended = await calendar_walks.through(source, account)
        if ended.suspects:
            if not await remote_changes.settle(source, account, ended.suspects):
                return replace(done, waiting=True)
            if not ended.emptied:
                await ended.walk.settled()
    except CredentialRefused:
        raise
    except Upstream as failure:
        missing = ended is None and source.rules.blocks
        return replace(done, whole=done.whole and not missing, failure=done.failure or failure)
    return done


async def _refused(reader: Reader, task: _Task, refusal: CredentialRefused) -> bool:
    """Note that we are not let in; False: somebody else has stored another credential by now, and a provider takes the
    one before no more."""
    connection = task.connection
    async with reader.transaction() as conn:
        await locks.users(conn, connection.company_id, [connection.user_id])
        stored = await calendar_connections.credential(conn, connection.company_id, connection.id, lock=True)
        if stored not in (task.sealed, *task.accounts.kept):
            return False
        now = reader.clock()
        due = sync_times.due_after_refusal(now, spread=reader.spread())
        if await calendar_access.refuse(conn, connection.id, error=refusal.code, due=due, now=now):
            await calendar_events.credential_error(conn, connection, now=now)
    return True


async def _note(reader: Reader, task: _Task, done: _Read) -> None:
    """Note how a reading went, and when the next one is due."""
    one, now, spread = task.connection, reader.clock(), reader.spread()
    async with reader.transaction() as conn:
        if done.failure:
            due = sync_times.due_after_failure(
                now, failures=one.failures + 1, retry_after_s=done.failure.retry_after_s, spread=spread
            )
            await calendar_access.put_off(
                conn,
                one.id,
                error=done.failure.code,
                began=task.began,
                due=due,
                last_due=one.due_at,
                whole=done.whole,
            )
            return
        due = now.add(seconds=_SOON_S) if done.waiting else sync_times.next_due(now, used_at=one.used_at, spread=spread)
        await calendar_access.read_through(
            conn,
            one.id,
            began=task.began,
            due=due,
            last_due=one.due_at,
            whole=done.whole,
            renewed=bool(task.accounts.kept),
        )
