"""The slot list as one writes it without a library: a loop over the candidates, and `any()` over the datetimes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from bench.peers.work import DURATION, INTERVAL, ZONE, Work, written


def prepare(work: Work) -> Callable[[], bytes]:
    """Give the call to be timed; the busy spans are datetimes before it begins, in UTC: comparing zones is slower."""
    busy = [
        [(datetime.fromtimestamp(start * 60, UTC), datetime.fromtimestamp(end * 60, UTC)) for start, end in spans]
        for spans in work.busy
    ]
    return partial(answer, work, busy)


def answer(work: Work, busy: list[list[tuple[datetime, datetime]]]) -> bytes:
    """List the starts at which the hosts are free, and write them."""
    enough = all if work.everyone else any
    starts = []
    for opens, closes in work.hours():
        start, latest = opens.astimezone(UTC), closes.astimezone(UTC) - timedelta(minutes=DURATION)
        while start <= latest:
            end = start + timedelta(minutes=DURATION)
            if enough(not any(begins < end and start < ends for begins, ends in spans) for spans in busy):
                starts.append(start.astimezone(ZONE))
            start += timedelta(minutes=INTERVAL)
    return written(starts)
