"""The slot list with the interval sets of the PyPI package `portion`, over epoch minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial, reduce
from importlib import import_module
from operator import and_
from typing import Any

from bench.peers.work import DURATION, INTERVAL, ZONE, Work, written


def prepare(work: Work) -> Callable[[], bytes]:
    """Give the call to be timed.

    Raises:
        ImportError: the package is not installed.
    """
    return partial(answer, import_module("portion"), work)


def answer(portion: Any, work: Work) -> bytes:
    """Take the busy spans out of the opening hours, and write the starts that fit into what is left."""
    hours = portion.Interval(
        *(portion.closedopen(opens.timestamp() // 60, closes.timestamp() // 60) for opens, closes in work.hours())
    )
    frees = [hours - portion.Interval(*(portion.closedopen(*span) for span in spans)) for spans in work.busy]
    if work.everyone:
        frees = [reduce(and_, frees)]
    starts: set[int] = set()
    for free in frees:
        for span in free:
            # Nine o'clock in New York is a whole half hour of the epoch, so the ladder needs no look at the day.
            first = -(-int(span.lower) // INTERVAL) * INTERVAL
            starts.update(range(first, int(span.upper) - DURATION + 1, INTERVAL))
    return written([datetime.fromtimestamp(start * 60, ZONE) for start in sorted(starts)])
