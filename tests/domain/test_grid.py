"""The grid wipes a lane as a plain look at every candidate would, before it has an index and with it."""

from itertools import accumulate

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from kalends.domain.grid import Grid
from kalends.domain.spans import Span

FIRST = 30_000_000  # some minute in 2027


@st.composite
def grids(draw: st.DrawFn) -> tuple[list[int], int]:
    """Candidates in order, all so many minutes apart or multiples of that."""
    step = draw(st.sampled_from([1, 5, 15, 30]))
    gaps = draw(st.lists(st.sampled_from([1, 1, 1, 2, 3, 40, 1000]), max_size=40))
    return [FIRST + step * place for place in accumulate(gaps)], step


@st.composite
def busy_spans(draw: st.DrawFn, starts: list[int]) -> list[Span]:
    """Spans sorted by start, around the candidates and beyond them; overlapping, long ones and empty ones too."""
    around = st.sampled_from(starts) if starts else st.just(FIRST)
    begins = st.builds(int.__add__, around, st.integers(-3000, 3000) | st.integers(-40, 40))
    lengths = st.sampled_from([0, 1, 15, 30, 45, 200, 5000])
    spans = draw(st.lists(st.tuples(begins, lengths), max_size=60))
    return sorted((start, start + length) for start, length in spans)


@given(st.data())
def test_busy_spans_clear_the_candidates_whose_padded_span_they_meet(data: st.DataObject) -> None:
    starts, step = data.draw(grids())
    grid = Grid(starts, step)
    for _ in range(4):  # the index is made as soon as it pays
        busy = data.draw(busy_spans(starts))
        before, after = data.draw(st.integers(0, 90)), data.draw(st.integers(1, 200))
        lane = bytearray(b"\1" * grid.size)

        grid.wipe_busy(lane, busy, before, after)

        assert list(lane) == [
            not any(max(at - before, first) < min(at + after, end) for first, end in busy) for at in starts
        ]
        event("with an index" if grid._marks else "without")
    assert grid.starts == starts


@pytest.mark.parametrize("sparse", [False, True])
def test_an_index_is_made_for_many_spans_and_not_for_starts_at_odd_minutes_far_apart(sparse: bool) -> None:
    starts = list(range(FIRST, FIRST + 3000, 300)) if sparse else list(range(FIRST, FIRST + 300, 30))
    grid, light = Grid(starts, 1 if sparse else 30), Grid(starts, 3000).weight()
    busy = [(at + 1, at + 2) for at in starts[::2]]
    for _ in range(4):
        lane = bytearray(b"\1" * grid.size)
        grid.wipe_busy(lane, busy, 0, 5)
        assert list(lane) == [0, 1] * 5

    assert bool(grid._marks) is not sparse
    assert (grid.weight() > light + 8) is not sparse


@given(st.data())
def test_spans_of_starts_are_wiped_and_marked_from_their_first_to_before_their_end(data: st.DataObject) -> None:
    starts, step = data.draw(grids())
    grid = Grid(starts, step)
    spans = data.draw(busy_spans(starts))
    wiped, marked = bytearray(b"\1" * grid.size), bytearray(grid.size)

    grid.wipe(wiped, spans)
    grid.mark(marked, spans)

    within = [any(first <= at < end for first, end in spans) for at in starts]
    assert list(marked) == within
    assert list(wiped) == [not one for one in within]
    assert grid.chosen(marked) == [at for at, one in zip(starts, within, strict=True) if one]
    assert grid.first(marked) == next(iter(grid.chosen(marked)), None)
