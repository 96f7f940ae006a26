"""One process of `kalends serve`: the web application, the worker, or both, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
import uvicorn
import uvloop

from kalends import bootstrap
from kalends.settings import Settings
from kalends.storage.embedded import EmbeddedServerError

from .connections import PatientProtocol
from .database import Database
from .failures import CommandFailed, sentences

GRACE_S = 30  # what requests and jobs in hand get to finish
CHECK_EVERY_S = 1.0
WORKER_CONNECTIONS = 8
COLLECT_AFTER = 50_000  # objects more than there were
WORKER_NICENESS = 10  # of a worker in a process of its own: who waits for an answer goes before who waits for a mail
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one process does.

    Attributes:
        listener: a bound socket to answer requests on; None: no web application here.
        worker: jobs are done here.
        alone: no supervisor stands above: this process looks after the database server itself.
        ready: called once, when requests are answered (without a listener: when the worker begins).
    """

    listener: socket.socket | None
    worker: bool
    alone: bool
    ready: Callable[[], None] = lambda: None


class _Server(uvicorn.Server):
    """uvicorn, with the signals left to the process: it would end the process before the database is let go."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the application and take connections, then say so."""
        await super().startup(sockets)
        gc.freeze()  # what is loaded by now stays: no collection walks it again, nor does the end of the process
        # A request leaves nothing behind that needs a collection. Yet sixteen at once make more than Python's 700
        # objects, and every few seconds all that is kept was walked too: 10 to 50 ms, while everybody waited.
        gc.set_threshold(COLLECT_AFTER)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(settings: Settings, database: Database, plan: Plan) -> None:
    """Serve until SIGTERM or SIGINT; requests and jobs in hand finish first.

    Raises:
        ExceptionGroup: a part could not start, or ended.
    """
    if plan.listener is None:
        os.nice(WORKER_NICENESS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, database, plan))


def stop_signals() -> list[signal.Signals]:
    """List the signals that end us; not a hang-up that whoever started us wants ignored (nohup)."""
    return [one for one in STOP_SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]


async def _run(settings: Settings, database: Database, plan: Plan) -> None:
    stop = asyncio.Event()
    for one in stop_signals():
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    keeper = asyncio.create_task(_guard(database) if plan.alone else _follow_parent(os.getppid(), stop))
    try:
        async with asyncio.TaskGroup() as parts:
            if plan.listener is not None:
                parts.create_task(_answer(settings, database, plan.listener, stop, plan.ready))
            if plan.worker:
                parts.create_task(_work(settings, database, stop))
            if plan.listener is None:
                plan.ready()
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])


async def _answer(
    settings: Settings, database: Database, listener: socket.socket, stop: asyncio.Event, ready: Callable[[], None]
) -> None:
    app = bootstrap.build(settings, database.conninfo)
    server = _Server(
        uvicorn.Config(
            bootstrap.web(app, settings),
            loop="none",
            http=PatientProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,  # edge/limits.py knows whom to believe
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        ),
        ready,
    )
    follower = asyncio.create_task(_stop_with(server, stop))
    try:
        await server.serve(sockets=[listener])
    except SystemExit as error:  # how uvicorn says that the application did not start
        raise CommandFailed("The web application did not start; the log above says why.") from error
    finally:
        follower.cancel()


async def _stop_with(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


async def _work(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    # A pool of its own: jobs go on while the web application closes, and never wait for its requests.
    app = bootstrap.build(settings, database.conninfo, connections=WORKER_CONNECTIONS)
    await app.open()
    try:
        await bootstrap.work(app, database.conninfo, stop, grace_s=GRACE_S)
    finally:
        await app.aclose()


async def _guard(database: Database) -> None:
    while True:
        await asyncio.sleep(CHECK_EVERY_S)
        try:
            await asyncio.to_thread(database.ensure_running)
        except (EmbeddedServerError, CommandFailed, OSError) as error:
            log.error("database-down", reason=sentences(error)[0])


async def _follow_parent(parent: int, stop: asyncio.Event) -> None:
    """Stop when the supervisor is gone: nobody else would ever stop this process."""
    while not stop.is_set():
        await asyncio.sleep(CHECK_EVERY_S)
        if os.getppid() != parent:
            stop.set()
