"""The worker: runs jobs until it is told to stop, and outlives a database that goes away for a while."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psycopg
import structlog
from procrastinate import App as Queue
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker

from kalends.app import App
from kalends.storage import jobs

from . import queue
from .patience import limited
from .upkeep import HEARTBEAT_S

log = structlog.get_logger("kalends.jobs")

CONCURRENCY = {jobs.DEFAULT: 8, jobs.REMOTE: 8}  # jobs that run side by side, of each queue
POLL_S = 1.0
FINISH_WITHIN_S = 30.0
RESTART_AFTER_S = 1.0


async def run(app: App, conninfo: str, *, stop: asyncio.Event, grace_s: float = FINISH_WITHIN_S) -> None:
    """Work through jobs until `stop` is set; jobs in hand then have `grace_s` to finish.

    A worker that loses the database begins anew as soon as it is back; what it had in hand counts as stalled.

    Args:
        conninfo: the database itself, never a pooler: workers listen (design section 7).
    """
    while not stop.is_set():
        try:
            await _work(app, conninfo, stop, grace_s)
        except (ConnectorException, psycopg.Error, OSError) as error:
            log.warning("worker.lost-database", error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RESTART_AFTER_S)


async def _work(app: App, conninfo: str, stop: asyncio.Event, grace_s: float) -> None:
    """Run a worker for each queue until they are to stop, or one breaks."""
    tasks = queue.create(app, conninfo)
    working = asyncio.create_task(_run_workers(tasks, stop, grace_s))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()  # asks it to finish what it has in hand
        try:
            with suppress(asyncio.CancelledError):
                await working
        finally:
            await tasks.close_async()


async def _run_workers(tasks: Queue, stop: asyncio.Event, grace_s: float) -> None:
    await tasks.open_async()
    if stop.is_set():  # before Python 3.12 a cancellation that meets the end of a wait is lost
        return
    workers = [_worker(tasks, name, grace_s) for name in CONCURRENCY]
    running = [asyncio.create_task(one.run()) for one in workers]
    try:
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for worker, its_run in zip(workers, running, strict=True):
            worker.stop()  # one that is still beginning may lose the cancellation, as above, and would work for ever
            its_run.cancel()
        ends = await asyncio.gather(*running, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


def _worker(tasks: Queue, name: str, grace_s: float) -> Worker:
    return Worker(
        tasks,
        name=f"kalends-{name}",
        queues=[name],
        concurrency=CONCURRENCY[name],
        fetch_job_polling_interval=POLL_S,
        shutdown_graceful_timeout=grace_s,
        delete_jobs="successful",
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_S,
        stalled_worker_timeout=jobs.SILENT_S,
        worker_middleware=[limited],
    )
