"""What stands in the way of one start: the claims and events that its padded span meets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from kalends.domain.board import Shape
from kalends.domain.rules import HostCalendar, Unit
from kalends.domain.spans import Span

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
    return not _touched(whose.claims, first, end) and not _touched(whose.events, first, end)


def _touched(spans: Sequence[Span], first: int, end: int) -> bool:
    return any(start < end and first < until and start < until for start, until in spans)


def met(whose: HostCalendar | Unit, shape: Shape, at: int) -> Iterator[Met]:
    """Find all the busy spans that the padded span of a start meets, claims first."""
    before, after = shape.reach()
    for spans, claim in ((whose.claims, True), (whose.events, False)):
        for start, end in spans:
            if _touched([(start, end)], at - before, at + after):
                within = _touched([(start, end)], at, at + shape.duration)
                yield Met(start, end, claim, ("claimed" if claim else "busy") if within else "buffer")


def reason(whose: HostCalendar | Unit, shape: Shape, at: int) -> Hindrance:
    """Say what stands in the way: a claim or an event in the appointment itself, or either in its buffers only."""
    return min((one.reason for one in met(whose, shape, at)), key=_WEIGHTIEST.index)


_WEIGHTIEST: tuple[Hindrance, ...] = ("claimed", "busy", "buffer")
