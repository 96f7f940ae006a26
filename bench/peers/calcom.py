"""Cal.com's own engine, in a Node process that stays warm; `calcom.cjs` is its other side."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

from bench.peers import fetch
from bench.peers.work import CLOSES, DURATION, INTERVAL, NOTICE, OPENS, WEEKDAYS, ZONE, Work


class CalCom:
    """A process that answers with Cal.com's functions, one question after the other.

    Asking it raises NotAvailable when it has ended.

    Args:
        folder: where `fetch.calcom` put them.
        mode: "keep-formatters" for dayjs with kept formatters, see `calcom.cjs`.
    """

    def __init__(self, folder: Path, *mode: str) -> None:
        self._process = subprocess.Popen(
            [fetch.tool("node"), str(Path(__file__).with_suffix(".cjs")), str(folder), *mode],
            # A server's zone; and nothing in the environment that could change what their code does.
            env={"PATH": fetch.PATH, "TZ": "UTC"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> CalCom:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def time(self, work: Work, calls: int) -> float:
        """Give the median of so many calls, in seconds, by the process's own clocks."""
        return float(median(self._ask(work, calls)["taken"])) / 1e9

    def days(self, work: Work) -> dict[str, list[datetime]]:
        """Give the starts of each date."""
        slots = json.loads(self._ask(work, 1)["answered"])["slots"]
        return {day: [datetime.fromisoformat(slot["time"]) for slot in on_it] for day, on_it in slots.items()}

    def _ask(self, work: Work, calls: int) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"calls": calls, **_question(work)}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise fetch.NotAvailable(f"its process ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _question(work: Work) -> dict[str, object]:
    team = "collective" if work.everyone else "roundRobin"
    return {
        "zone": ZONE.key,
        "window": [at.isoformat() for at in work.window],
        "days": list(range(1, len(WEEKDAYS) + 1)),  # theirs are counted from Sunday
        "hours": [OPENS.isoformat("minutes"), CLOSES.isoformat("minutes")],
        "duration": DURATION,
        "interval": INTERVAL,
        "notice": NOTICE,
        "schedulingType": team if len(work.busy) > 1 else None,
        "busy": [[(start * 60_000, end * 60_000) for start, end in spans] for spans in work.busy],
    }
