"""A grid of starts: candidates in order, quick to say which of them a span touches.

Beside a grid lies a *lane*, one byte per candidate: 1, or 0 where the start is ruled out. Grids are worked out once
and kept; a lane belongs to one question.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress, pairwise

from .spans import Span
from .zones import FOREVER

_MOST_MARKS = 16  # for each candidate; a grid with more, of starts at odd minutes far apart, is searched instead


class Grid:
    """Candidates in order (epoch minutes), and an index from time to them.

    The index says of each mark, every `step` minutes from the first candidate on, how many candidates lie before it.
    All candidates lie on marks, so one division finds the first one behind any minute. It is made once it pays: many
    grids are asked only one question.

    Args:
        starts: the candidates.
        step: divides the distance between any two of them, in minutes.
    """

    __slots__ = ("_asked", "_marks", "_times", "size", "step")

    def __init__(self, starts: Sequence[int], step: int = 1) -> None:
        self._times = [*starts, FOREVER]  # so that a walk along them ends
        self.size = len(starts)
        self.step = step
        self._asked = 0  # busy spans, so far
        self._marks: list[int] = []

    @property
    def starts(self) -> list[int]:
        """All candidates."""
        return self._times[: self.size]

    def chosen(self, lane: bytes | bytearray) -> list[int]:
        """Collect the candidates whose byte of the lane is 1, in order."""
        return list(compress(self._times, lane))

    def first(self, lane: bytes | bytearray) -> int | None:
        """Find the first candidate whose byte of the lane is 1."""
        at = lane.find(1)
        return None if at < 0 else self._times[at]

    def weight(self) -> int:
        """Say about how many bytes the grid takes, its index included."""
        return 300 + 40 * self.size + 8 * self._index_length()

    def wipe(self, lane: bytearray, spans: Iterable[Span]) -> None:
        """Clear the lane at the candidates that lie in one of the spans (of starts)."""
        for first, end in spans:
            i = bisect_left(self._times, first)
            if self._times[i] < end:
                j = bisect_left(self._times, end, i)
                lane[i:j] = bytes(j - i)

    def mark(self, lane: bytearray, spans: Iterable[Span]) -> None:
        """Set the lane at the candidates that lie in one of the spans (of starts)."""
        for first, end in spans:
            i = bisect_left(self._times, first)
            j = bisect_left(self._times, end, i)
            lane[i:j] = b"\x01" * (j - i)

    def wipe_busy(self, lane: bytearray, busy: Sequence[Span], before: int, after: int) -> None:
        """Clear the lane at the candidates s whose [s - before, s + after) meets one of the busy spans.

        Args:
            busy: sorted by start; they may overlap, and empty ones meet nothing.
            before, after: the reach of a padded span on either side of its start, in minutes.
        """
        if self._asked > self.size and not self._marks and self._index_length():
            self._marks = self._index()
        self._asked += len(busy)
        (self._wipe_found if self._marks else self._wipe_searched)(lane, busy, before, after)

    # Both walk along busy spans and candidates side by side. `due` is when the next padded span begins that is not
    # wiped yet: a busy span that ends before, in the night mostly, is passed by with one comparison.

    def _wipe_found(self, lane: bytearray, busy: Sequence[Span], before: int, after: int) -> None:
        times, marks, step = self._times, self._marks, self.step
        low = times[0] + after - step  # the first s > start - after is at or after the mark (start - low) // step
        due = times[0] - before
        try:
            for start, end in busy:
                if end > due and start < end:
                    mark = (start - low) // step
                    i = marks[mark] if mark > 0 else 0
                    due = times[i] - before
                    while end > due:
                        lane[i] = 0
                        i += 1
                        due = times[i] - before
        except IndexError:  # this span and all others begin behind the last mark
            return

    def _wipe_searched(self, lane: bytearray, busy: Sequence[Span], before: int, after: int) -> None:
        times, i = self._times, 0
        due = times[0] - before
        for start, end in busy:
            if end > due and start < end:
                i = bisect_left(times, start - after + 1, i)
                due = times[i] - before
                while end > due:
                    lane[i] = 0
                    i += 1
                    due = times[i] - before

    def _index(self) -> list[int]:
        marks: list[int] = []
        for i, (earlier, later) in enumerate(pairwise([self._times[0] - self.step, *self.starts])):
            marks += [i] * ((later - earlier) // self.step)
        return marks

    def _index_length(self) -> int:
        """Count the marks of the index; 0: there shall be none."""
        length = (self._times[self.size - 1] - self._times[0]) // self.step + 1
        return length if length <= _MOST_MARKS * self.size else 0
