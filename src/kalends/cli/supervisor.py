"""Several processes on one socket: started, replaced when they die, stopped together."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

import structlog

from kalends.storage.embedded import EmbeddedServerError

from .database import Database
from .failures import CommandFailed, sentences
from .process import CHECK_EVERY_S, GRACE_S, stop_signals

QUICK_DEATH_S = 5.0  # a child that dies sooner is started again only after a pause
PAUSE_S = 2.0
KILL_AFTER_S = GRACE_S + 10

log = structlog.get_logger(__name__)


class Supervisor:
    """Keeps one child running for each job until it is told to stop."""

    def __init__(self, database: Database, jobs: Sequence[Callable[[], None]]) -> None:
        """Take the jobs; each runs in a child of its own and returns when the child is told to stop."""
        self._database = database
        self._jobs = jobs
        self._children: dict[int, int] = {}  # process id -> number of its job
        self._due = dict.fromkeys(range(len(jobs)), 0.0)  # job without a child -> when to start it
        self._started: dict[int, float] = {}
        self._stop = threading.Event()

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then stop the children and wait for them."""
        for one in stop_signals():
            signal.signal(one, self._on_signal)
        # Loaded once and shared by all children: they start at once and need less memory.
        importlib.import_module("kalends.pages")
        importlib.import_module("kalends.api.v4")
        importlib.import_module("kalends.jobs.worker")
        gc.freeze()
        checked = time.monotonic()
        while not self._stop.wait(0.1):
            self._reap()
            self._start_due()
            if time.monotonic() - checked >= CHECK_EVERY_S:
                self._check_database()
                checked = time.monotonic()
        self._stop_children()

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _start_due(self) -> None:
        for job in [job for job, when in self._due.items() if when <= time.monotonic()]:
            del self._due[job]
            pid = os.fork()
            if pid == 0:
                self._be_child(self._jobs[job])
            self._children[pid] = job
            self._started[job] = time.monotonic()

    def _be_child(self, job: Callable[[], None]) -> None:
        # os._exit: what the parent holds (the database, its lock) is the parent's to let go.
        code = 1
        try:
            for one in stop_signals():
                signal.signal(one, signal.SIG_DFL)
            job()
            code = 0
        except Exception as error:
            for sentence in sentences(error):
                print(sentence, file=sys.stderr, flush=True)
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            job = self._children.pop(pid, None)
            if job is None:
                continue
            quick = time.monotonic() - self._started[job] < QUICK_DEATH_S
            self._due[job] = time.monotonic() + (PAUSE_S if quick else 0.0)
            if not self._stop.is_set():
                log.warning("process-died", pid=pid, code=os.waitstatus_to_exitcode(status))

    def _check_database(self) -> None:
        try:
            self._database.ensure_running()
        except (EmbeddedServerError, CommandFailed, OSError) as error:
            log.error("database-down", reason=sentences(error)[0])

    def _stop_children(self) -> None:
        self._tell(signal.SIGTERM)
        deadline = time.monotonic() + KILL_AFTER_S
        while self._children and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.05)
        self._tell(signal.SIGKILL)
        while self._children:
            self._reap()
            time.sleep(0.01)

    def _tell(self, what: signal.Signals) -> None:
        for pid in list(self._children):
            os.kill(pid, what)
