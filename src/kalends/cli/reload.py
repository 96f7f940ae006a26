"""`kalends serve --reload`: start the server again whenever a file of the package changes; for development."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import kalends

from .process import stop_signals

LOOK_EVERY_S = 0.5
PACKAGE = Path(kalends.__path__[0])


def run(arguments: Sequence[str]) -> None:
    """Run `kalends` with these arguments, again after each change, until SIGTERM or SIGINT."""
    stop = threading.Event()

    def on_signal(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for one in stop_signals():
        signal.signal(one, on_signal)
    while not stop.is_set():
        seen = _state()
        # A session of its own: Ctrl-C reaches it through us, once.
        child = subprocess.Popen([sys.executable, "-m", "kalends.cli", *arguments], start_new_session=True)
        while not stop.wait(LOOK_EVERY_S) and _state() == seen:
            pass
        child.terminate()
        child.wait()
        if not stop.is_set():
            print("A file has changed: starting again.", flush=True)


def _state() -> dict[str, int]:
    found: dict[str, int] = {}
    for folder, folders, names in os.walk(PACKAGE):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = os.path.join(folder, name)
            try:
                found[path] = os.stat(path).st_mtime_ns
            except FileNotFoundError:  # an editor's temporary file
                continue
    return found
