"""The algebra of spans: it behaves like sets of minutes."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kalends.domain.grid import Grid
from kalends.domain.spans import Span, contains, intersect, merge, subtract

ANY = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)
TIDY = ANY.map(merge)


def minutes(spans: list[Span]) -> set[int]:
    return {t for start, end in spans for t in range(start, end)}


def is_tidy(spans: list[Span]) -> bool:
    return all(start < end for start, end in spans) and all(
        before[1] < after[0] for before, after in itertools.pairwise(spans)
    )


@given(ANY)
def test_merging_keeps_every_minute_and_leaves_no_neighbours(spans: list[Span]) -> None:
    merged = merge(spans)

    assert minutes(merged) == minutes(spans)
    assert is_tidy(merged)
    assert merge(merged) == merged


@given(TIDY, TIDY)
def test_subtracting_and_intersecting_are_those_of_sets(one: list[Span], other: list[Span]) -> None:
    left, both = subtract(one, other), intersect(one, other)

    assert minutes(left) == minutes(one) - minutes(other)
    assert minutes(both) == minutes(one) & minutes(other)
    assert is_tidy(left)
    assert merge(left + both) == one


@given(TIDY, st.integers(0, 60), st.integers(1, 20))
def test_a_tidy_list_contains_a_span_when_it_contains_its_minutes(spans: list[Span], start: int, length: int) -> None:
    assert contains(spans, start, start + length) == minutes(spans).issuperset(range(start, start + length))


def test_touching_spans_become_one() -> None:
    assert merge([(10, 20), (0, 10), (20, 20)]) == [(0, 20)]


@given(
    st.sets(st.integers(-5, 400)).flatmap(lambda some: st.sampled_from([some, {30 * n for n in some}])),
    st.lists(st.tuples(st.integers(-4000, 14000), st.integers(0, 300)), max_size=6),
    st.integers(0, 90),
    st.integers(1, 2000),
)
def test_a_grid_wipes_exactly_the_starts_that_would_meet_a_busy_span(
    starts: set[int], busy: list[tuple[int, int]], before: int, after: int
) -> None:
    grid = Grid(sorted(starts))
    lane = bytearray(b"\1" * len(starts))
    spans = sorted((start, start + length) for start, length in busy)

    grid.wipe_busy(lane, spans, before, after)

    assert list(lane) == [
        not any(start < end and s - before < end and start < s + after for start, end in spans) for s in sorted(starts)
    ]
