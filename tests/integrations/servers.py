"""Real CalDAV servers on this machine, each a program of its own: Radicale (with passwords) and xandikos (without)."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dulwich import porcelain

from tests import ports

PASSWORD = "pa ss:wörd"
_PATIENCE_S = 30


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: its root, with the slash.
        folder: where it keeps what it is told.
    """

    url: str
    folder: Path

    def fill(self, path: str, files: Mapping[str, str]) -> None:
        """Put resources into a calendar by the back door, which is quicker: path of the calendar, name -> text."""
        there = self.folder / path.strip("/")
        for name, text in files.items():
            (there / name).write_text(text, newline="")
        if (there / ".git").is_dir():
            porcelain.add(str(there), [str(there / name) for name in files])
            porcelain.commit(str(there), message=b"filled", author=b"t <t@t>", committer=b"t <t@t>", sign=False)


@contextmanager
def radicale(folder: Path) -> Iterator[Server]:
    """Run Radicale; every user of `host…@acme.test` has the password above."""
    users = folder / "users"
    users.write_text("".join(f"host{number}@acme.test:{PASSWORD}\n" for number in range(100)))
    port = ports.free()
    config = folder / "config"
    config.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {users}\nhtpasswd_encryption = plain\ndelay = 0\n"
        f"[storage]\nfilesystem_folder = {folder / 'collections'}\n"
        "[logging]\nlevel = error\n"
    )
    with _running([sys.executable, "-m", "radicale", "--config", str(config)], port, folder):
        yield Server(f"http://127.0.0.1:{port}/", folder / "collections" / "collection-root")


@contextmanager
def xandikos(folder: Path) -> Iterator[Server]:
    """Run xandikos with one user's home and calendar; it lets everybody in."""
    port = ports.free()
    command = [sys.executable, "-m", "xandikos", "serve", "-d", str(folder / "dav"), "--defaults"]
    command += ["--state-dir", str(folder / "state"), "-l", "127.0.0.1", "-p", str(port), "--no-detect-systemd"]
    with _running(command, port, folder):
        yield Server(f"http://127.0.0.1:{port}/", folder / "dav")


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait(process, port, folder)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"did not start: {(folder / 'log').read_text()}")
