"""What stands in the way of one start: the claims and events that its padded span meets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from .board import Shape
from .rules import HostCalendar, Unit
from .spans import Span

Hindrance: TypeAlias = Literal["claimed", "busy", "buffer"]


class Met(NamedTuple):
    """A busy span that a start meets (epoch minutes), a claim or else an event of a calendar.

    The reason is `buffer` where it meets only the buffers around the appointment.
    """

    start: int
    end: int
    claim: bool
    reason: Hindrance


def is_free(whose: HostCalendar | Unit, shape: Shape, at: int) -> bool:
    """Tell whether the padded span of a start meets no busy span."""
    before, after = shape.reach()
    first, end = at - before, at + after
    return not _meeting(whose.claims, first, end) and not _meeting(whose.events, first, end)


def _meeting(spans: Sequence[Span], first: int, end: int) -> list[Span]:
    """Find the spans, sorted by start, that meet [first, end)."""
    sooner = spans[: bisect_left(spans, (end,))]
    return [span for span in sooner if first < span[1] and span[0] < span[1]]


def met(whose: HostCalendar | Unit, shape: Shape, at: int) -> Iterator[Met]:
    """Find all the busy spans that the padded span of a start meets, claims first."""
    before, after = shape.reach()
    for spans, claim in ((whose.claims, True), (whose.events, False)):
        for span in _meeting(spans, at - before, at + after):
            within = _meeting([span], at, at + shape.duration)
            yield Met(*span, claim, ("claimed" if claim else "busy") if within else "buffer")


def reason(whose: HostCalendar | Unit, shape: Shape, at: int) -> Hindrance:
    """Say what stands in the way: a claim or an event in the appointment itself, or either in its buffers only."""
    return min((one.reason for one in met(whose, shape, at)), key=_WEIGHTIEST.index)


_WEIGHTIEST: tuple[Hindrance, ...] = ("claimed", "busy", "buffer")
