"""The `kalends` command as its users run it: a process of its own, a data folder of its own, a free port."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

KALENDS = (sys.executable, "-m", "kalends.cli")
INIT = (
    *("init", "--company", "Acme", "--email", "owner@acme.test", "--given-name", "Ada", "--family-name", "Roth"),
    *("--timezone", "Europe/Berlin", "--json"),
)
START_WITHIN_S = 60.0
STOP_WITHIN_S = 40.0
PATIENCE_S = 40.0


@dataclass(frozen=True)
class Service:
    """A running `kalends serve`.

    Attributes:
        said: what it printed when it was ready.
    """

    process: subprocess.Popen[str]
    said: str

    @property
    def url(self) -> str:
        found = re.search(r"(?m)^  API +(\S+)/v4$", self.said)
        assert found
        return found[1]

    def stop(self) -> int:
        """Ask it to stop and wait; answer its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_WITHIN_S)


@dataclass(frozen=True)
class Install:
    """One data folder, and the environment that commands on it get."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def environment(self, **settings: str) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("KALENDS_")}
        own = {"KALENDS_DATA_DIR": str(self.data), "KALENDS_PORT": "0"}
        return others | own | dict(self.settings) | settings

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [*KALENDS, *arguments],
            cwd=self.folder,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        """Run a command that succeeds, and read the JSON it prints."""
        done = self.run(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    @contextmanager
    def serving(self, *arguments: str, **settings: str) -> Iterator[Service]:
        """Run `kalends serve` for the length of the block; killed at its end if it still runs."""
        log = self.folder / f"serve-{time.monotonic_ns()}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*KALENDS, "serve", *arguments],
                cwd=self.folder,
                env=self.environment(**settings),
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        try:
            deadline = time.monotonic() + START_WITHIN_S
            while not re.search(r"(?m)^  Mails .*\n(.*\n)*\n", said := log.read_text()):
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.05)
            yield Service(process, said)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(STOP_WITHIN_S)


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """Name an empty data folder."""
    with tempfile.TemporaryDirectory() as own:  # what a killed process leaves there goes with it
        yield Install(tmp_path, {"TMPDIR": own})


def line(service: Service, begin: str) -> str:
    """Answer the rest of the line that begins with these words, of what was said at the start."""
    found = re.search(rf"(?m)^  {begin} *(.*)$", service.said)
    assert found
    return found[1]


def until(met: Callable[[], bool]) -> None:
    """Wait for something that has to become true."""
    deadline = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Check that a command failed with exactly one line on stderr, and answer it."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Install:
    """Found one company for the tests of one file."""
    install = Install(tmp_path_factory.mktemp("acme"))
    assert install.run(*INIT).returncode == 0
    return install
