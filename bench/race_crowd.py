"""Several processes that do things at the same moment, each over connections of its own, through the services.

Nothing stands between them but the database, as between the processes and machines of a real installation.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.app import App
from kalends.errors import DomainError
from kalends.ports import OutgoingMail
from kalends.services import appointments, booking_holds, bookings, handoffs, provisional_bookings
from kalends.services.actor import Actor
from kalends.services.handoff_candidates import Target
from kalends.services.orders import Order
from kalends.services.outcomes import Booked
from kalends.services.slot_queries import SlotQuery
from kalends.storage import database
from kalends.storage.database import Connection
from kalends.storage.secret_box import SecretBox

NOW = Instant("2031-03-03T09:00:00Z")
PROCESSES = 4
BROKEN = "broken: "


@dataclass(frozen=True)
class Call:
    """One thing somebody does; `at` is what his clock shows."""

    what: str
    actor: Actor
    order: Order | None = None
    target: UUID | None = None
    start: Instant | None = None
    user_id: UUID | None = None
    at: Instant = NOW


@dataclass(frozen=True)
class Outcome:
    """What came of a call: `won`, or the code of the refusal; ids of what was made."""

    call: Call
    code: str
    made: UUID | None = None

    @property
    def won(self) -> bool:
        return self.code == "won"


class _Silence:
    """A Mailer for crowds: no job runs here, so nothing is sent."""

    async def send(self, mail: OutgoingMail) -> None:
        raise AssertionError("no job runs here")


def app_on(conninfo: str, connections: int) -> App:
    """Make an App that is not yet open."""
    return App(
        pool=database.pool(conninfo, min_size=connections, max_size=connections),
        mailer=_Silence(),
        base_url="http://kalends.test",
        mail_from="kalends <no-reply@kalends.test>",
        box=SecretBox(lambda: b"nothing is sealed here"),
    )


async def perform(conn: Connection, call: Call) -> UUID | None:
    """Do one thing in the caller's transaction; answer the id of what it made."""

    def clock() -> Instant:
        return call.at

    if call.what == "book":
        assert call.order
        done = await bookings.book(conn, actor=call.actor, order=call.order, clock=clock)
        return done.appointment_id if isinstance(done, Booked) else done.provisional_booking_id
    if call.what == "hold":
        assert call.order
        start = call.order.start
        query = SlotQuery(call.order.meeting_type_id, start, start.add(minutes=1), call.order.host_ids)
        return (await booking_holds.create(conn, actor=call.actor, query=query, clock=clock)).id
    assert call.target
    if call.what == "cancel":
        await appointments.cancel(conn, actor=call.actor, appointment_id=call.target, cancel_all=True, clock=clock)
    elif call.what == "move":
        assert call.start
        await appointments.reschedule(conn, actor=call.actor, appointment_id=call.target, start=call.start, clock=clock)
    elif call.what == "confirm":
        await provisional_bookings.confirm(conn, actor=call.actor, provisional_id=call.target, clock=clock)
    elif call.what == "hand over":
        target = Target(user_id=call.user_id)
        await handoffs.hand_over(conn, actor=call.actor, appointment_id=call.target, target=target, clock=clock)
    else:
        raise AssertionError(call.what)
    return call.target


async def attempt(app: App, call: Call) -> Outcome:
    """Do one thing in a transaction of its own, and tell what came of it."""
    try:
        async with app.transaction() as conn:
            made = await perform(conn, call)
    except DomainError as error:
        return Outcome(call, error.code)
    except Exception:
        return Outcome(call, BROKEN + traceback.format_exc())
    return Outcome(call, "won", made)


class Crowd:
    """Processes that wait for calls. Use as a context; `at_once` spreads calls over them and waits for all."""

    def __init__(self, conninfo: str, processes: int = PROCESSES, connections: int = 6) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._barrier = spawn.Barrier(processes)
        self._pipes: list[Pipe] = []
        self._workers = []
        for _ in range(processes):
            ours, theirs = spawn.Pipe()
            worker = spawn.Process(target=_work, args=(conninfo, connections, self._barrier, theirs), daemon=True)
            worker.start()
            self._pipes.append(ours)
            self._workers.append(worker)

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            pipe.send(None)
        for worker in self._workers:
            worker.join(timeout=20)

    def at_once(self, calls: Sequence[Call]) -> list[Outcome]:
        """Let all calls run at the same moment, dealt out to the processes like cards."""
        size = len(self._pipes)
        for place, pipe in enumerate(self._pipes):
            pipe.send(calls[place::size])
        found: list[Outcome] = []
        for pipe in self._pipes:
            found += pipe.recv()
        return found


def _work(conninfo: str, connections: int, barrier: Barrier, pipe: Pipe) -> None:
    asyncio.run(_serve(conninfo, connections, barrier, pipe))


async def _serve(conninfo: str, connections: int, barrier: Barrier, pipe: Pipe) -> None:
    app = app_on(conninfo, connections)
    await app.pool.open(wait=True)
    loop = asyncio.get_running_loop()
    while (calls := await loop.run_in_executor(None, pipe.recv)) is not None:
        barrier.wait()  # nothing else runs in this loop now
        ends: list[Any] = await asyncio.gather(*(attempt(app, call) for call in calls))
        pipe.send(ends)
    await app.pool.close()
