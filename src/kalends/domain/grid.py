"""A grid of starts: candidates in order, quick to say which of them a span touches.

Beside a grid lies a *lane*, one byte per candidate: zero where the start is ruled out. Grids are worked out once and
kept; a lane belongs to one question.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import gcd

from kalends.domain.spans import Span
from kalends.domain.zones import DAY

_MARGIN = DAY  # how far beyond its candidates a grid's index reaches, in minutes
_LONGEST_INDEX = 1 << 16  # marks; a wider or finer grid is searched instead


class Grid:
    """Candidates in order (epoch minutes), and an index from time to them.

    The index has a mark every `step` minutes from `base` on, saying how many candidates lie before it. As all
    candidates lie on marks, the first candidate at or after any minute is found by one division.
    """

    __slots__ = ("_base", "_marks", "_step", "starts")

    def __init__(self, starts: Sequence[int]) -> None:
        self.starts = array("q", starts)
        self._step = gcd(*(later - start for start, later in pairwise(starts))) or DAY
        self._base = 0
        self._marks = array("i")
        if not starts:
            return
        lead = _MARGIN // self._step + 1
        self._base = starts[0] - lead * self._step
        length = (starts[-1] - self._base) // self._step + lead
        if length <= _LONGEST_INDEX:
            taken = bytearray(length)
            for start in starts:
                taken[(start - self._base) // self._step] = 1
            self._marks = array("i", accumulate(taken, initial=0))

    def wipe(self, lane: bytearray, spans: Iterable[Span]) -> None:
        """Clear the lane at the candidates that lie in one of the spans (of starts)."""
        for first, end in spans:
            i = bisect_left(self.starts, first)
            j = bisect_left(self.starts, end, i)
            if i < j:
                lane[i:j] = bytes(j - i)

    def mark(self, lane: bytearray, spans: Iterable[Span]) -> None:
        """Set the lane at the candidates that lie in one of the spans (of starts)."""
        for first, end in spans:
            i = bisect_left(self.starts, first)
            j = bisect_left(self.starts, end, i)
            lane[i:j] = b"\x01" * (j - i)

    def wipe_busy(self, lane: bytearray, busy: Sequence[Span], before: int, after: int) -> None:
        """Clear the lane at the candidates s whose [s - before, s + after) meets one of the busy spans.

        Args:
            busy: sorted by start; they may overlap.
            before, after: the reach of a padded span on either side of its start, in minutes.
        """
        marks, step = self._marks, self._step
        # s is forbidden while start - after < s < end + before; both bounds go up to the next mark.
        low = self._base + after - step
        high = before - self._base + step - 1
        unmarked = bisect_left(busy, (low + step,)) if marks else len(busy)
        self.wipe(lane, [(start - after + 1, end + before) for start, end in busy[:unmarked] if start < end])
        for start, end in busy[unmarked:]:
            try:
                i, j = marks[(start - low) // step], marks[(end + high) // step]
            except IndexError:
                if start < end:
                    self.wipe(lane, [(start - after + 1, end + before)])
            else:
                if i < j and start < end:
                    lane[i:j] = bytes(j - i)
