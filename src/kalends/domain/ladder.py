"""The ladders of starts that written intervals carry (design 3.3, 3.6)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeAlias

from .hours import Written
from .spans import intersect

# The starts of some ladders, one range for each.
Rungs: TypeAlias = tuple[range, ...]


def ladder(written: Iterable[Written], interval: int, start: int, end: int) -> Rungs:
    """Collect the starts s, start ≤ s < end, on the ladder of any interval.

    A ladder stands on the interval's first instant and goes on in elapsed time while s lies before its end.
    """
    rungs: list[range] = []
    for spans in written:
        first, last = spans[0][0], spans[-1][1]
        if last > end:
            last = end
        if first < start:
            first += -(-(start - first) // interval) * interval
        if first < last:
            rungs.append(range(first, last, interval))
    return tuple(rungs)


def joint(written: Sequence[Sequence[Written]]) -> list[Written]:
    """Intersect the written intervals of several hosts, one of each: what a collective meeting's ladders stand on."""
    common = list(dict.fromkeys(written[0]))
    met = [written[0]]
    for others in written[1:]:
        # Uncut intervals met with themselves give no new ladder: an intersection begins where one of the two does.
        if any(others is one for one in met) and all(len(spans) == 1 for spans in others):
            continue
        met.append(others)
        near = _Near(others)
        common = list(
            dict.fromkeys(tuple(both) for one in common for other in near.to(one) if (both := intersect(one, other)))
        )
    return common


class _Near:
    """Intervals in order, to find those that reach another one without looking at all."""

    def __init__(self, intervals: Iterable[Written]) -> None:
        self._intervals = sorted(intervals)
        self._firsts = [one[0][0] for one in self._intervals]
        self._latest = list(accumulate((one[-1][1] for one in self._intervals), max))  # ends, of all up to each

    def to(self, one: Written) -> list[Written]:
        """Leave out those that begin behind this one, and at the front those that ended before it begins."""
        return self._intervals[bisect_right(self._latest, one[0][0]) : bisect_left(self._firsts, one[-1][1])]
