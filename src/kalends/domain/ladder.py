"""The ladders of starts that written intervals carry (design 3.3, 3.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from kalends.domain.hours import Written
from kalends.domain.spans import intersect

# The starts of some ladders, one range for each.
Rungs: TypeAlias = tuple[range, ...]


def ladder(written: Iterable[Written], interval: int, start: int, end: int) -> Rungs:
    """Collect the starts s, start ≤ s < end, on the ladder of any interval.

    A ladder stands on the interval's first instant and goes on in elapsed time while s lies before its end.
    """
    rungs: list[range] = []
    for spans in written:
        first, last = spans[0][0], min(spans[-1][1], end)
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
        common = list(
            dict.fromkeys(
                tuple(both)
                for one in common
                for other in others
                if other[0][0] < one[-1][1] and one[0][0] < other[-1][1] and (both := intersect(one, other))
            )
        )
    return common
