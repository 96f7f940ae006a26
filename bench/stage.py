"""Where the server figures are measured: an embedded PostgreSQL full of appointments, and one process of kalends on it.

Everything runs as an operator would run it, in a data folder of its own that is gone afterwards.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench import load, rows
from bench.results import Figure, table
from bench.rows import Host
from kalends.storage import embedded

HOSTS = 1000
CHOICES = 1000  # of each queue
ENOUGH = "100000000"  # requests: the limit is kept and counted, and never reached
_FIRST_RUN = "init --company Bench --email ada@bench.test --given-name Ada --family-name Bench --json"
_START_S = 60  # longer than any start takes
_CLOCK_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass
class Process:
    """A server of ours that runs, and the port it answers on."""

    popen: subprocess.Popen[bytes]
    port: int

    def cpu_ms(self) -> float:
        """Read how much processor time it has used, in user and kernel mode."""
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _CLOCK_TICK_MS

    def memory_kb(self) -> int:
        """Read its resident memory."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


@dataclass
class Stage:
    """A filled database, and the kalends that serves it.

    Attributes:
        queues: types taken by a queue, one of each of `rows.QUEUE_TYPES`.
    """

    data: Path
    conninfo: str
    company: dict[str, str]
    hosts: list[Host]
    queues: list[UUID]
    env: dict[str, str]
    api: Process

    @cached_property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.company['apiKey']}"}

    def get(self, target: str) -> bytes:
        """Write a GET request."""
        return load.request("GET", target, self.headers)

    def connect(self, **more: Any) -> psycopg.Connection[Any]:
        """Open a connection that commits each statement."""
        return psycopg.connect(self.conninfo, autocommit=True, **more)

    @contextmanager
    def worker(self) -> Iterator[Process]:
        """Run a worker beside the server, in a process of its own; it listens on no port."""
        log = self.data / "worker.log"
        with _started([_kalends(), "serve", "--role", "worker"], self.env, log) as popen:
            _wait_until(popen, lambda: "The worker is running." in log.read_text(), log)
            yield Process(popen, 0)

    @contextmanager
    def floor(self) -> Iterator[Process]:
        """Run the floor on the same database."""
        port = _free_port()
        command = [sys.executable, "-m", "bench.floor", str(port), self.conninfo]
        with _started(command, self.env, self.data / "floor.log") as popen:
            _wait_until(popen, partial(_answers, port, "/1/2000-01-01/2000-01-02/1"), self.data / "floor.log")
            yield Process(popen, port)


@contextmanager
def standing(hosts: int = HOSTS, choices: int = CHOICES) -> Iterator[Stage]:
    """Make a stage, and clear it away afterwards.

    Args:
        hosts: each has `rows.CLAIMS` appointments in each of `rows.MONTHS` months.
        choices: turns that each queue has given.
    """
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kalends-bench-"))) / "data"
        database = stack.enter_context(embedded.running(data))
        port = _free_port()
        env = os.environ | {
            "KALENDS_DATA_DIR": str(data),
            "KALENDS_PORT": str(port),
            "KALENDS_RATE_LIMIT_BURST": ENOUGH,
            "KALENDS_RATE_LIMIT_PER_MINUTE": ENOUGH,
            "KALENDS_TRUSTED_PROXIES": "127.0.0.1",
            "KALENDS_OUTGOING_NETWORKS": "127.0.0.1",
        }
        words = [_kalends(), *_FIRST_RUN.split(), "--timezone", "America/New_York"]
        company = json.loads(subprocess.check_output(words, env=env))
        with psycopg.connect(database.conninfo, user="postgres", autocommit=True) as conn:
            made, queues = rows.fill(conn, UUID(company["companyId"]), hosts, choices)
        log = data / "api.log"
        popen = stack.enter_context(_started([_kalends(), "serve", "--role", "api"], env, log))
        _wait_until(popen, partial(_answers, port, "/readyz"), log)
        yield Stage(data, database.conninfo, company, made, queues, env, Process(popen, port))


def show(measure: Callable[[Stage], list[Figure]]) -> None:
    """Build a stage, with as many hosts as the command says, and print what is measured on it."""
    with standing(int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS) as built:
        print(table(measure(built)))


@contextmanager
def _started(command: list[str], env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        popen = subprocess.Popen(command, env=env, stdout=output, stderr=output)
    try:
        yield popen
    finally:
        popen.terminate()
        popen.wait()


def _kalends() -> str:
    return str(Path(sys.executable).with_name("kalends"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _wait_until(popen: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + _START_S
    while not ready():
        if popen.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"a server did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)
