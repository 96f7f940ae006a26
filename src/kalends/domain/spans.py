"""Half-open spans of whole minutes, and the few things one does with them.

The engine counts in epoch minutes (minutes since 1970-01-01T00:00Z). A list of spans is *tidy* when it is
sorted and no two of its spans overlap or touch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]


def merge(spans: Iterable[Span]) -> list[Span]:
    """Bring spans into order and join those that overlap or touch; empty ones vanish."""
    tidy: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if tidy and start <= tidy[-1][1]:
            if end > tidy[-1][1]:
                tidy[-1] = (tidy[-1][0], end)
        else:
            tidy.append((start, end))
    return tidy


def subtract(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """Take the holes out of the spans; both tidy, and so is the answer."""
    left: list[Span] = []
    first = 0
    for start, end in spans:
        while first < len(holes) and holes[first][1] <= start:
            first += 1
        at = first
        while at < len(holes) and holes[at][0] < end:
            if start < holes[at][0]:
                left.append((start, holes[at][0]))
            start = max(start, holes[at][1])
            at += 1
        if start < end:
            left.append((start, end))
    return left


def intersect(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """Keep what lies in both; both tidy, and so is the answer."""
    common: list[Span] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            common.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return common


def contains(spans: Iterable[Span], start: int, end: int) -> bool:
    """Tell whether one of the spans holds [start, end) whole."""
    return any(first <= start and end <= last for first, last in spans)
