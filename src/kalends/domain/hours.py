"""A schedule over some days: the spans that are open, and each interval as it was written (design 3.1, 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .exceptions import real_spans
from .kept import kept
from .schedule import Schedule
from .spans import Span, merge, subtract
from .zones import DAY, steady_days, wall_spans

# The instants of one written interval: one span, or several where a clock change cuts it.
Written: TypeAlias = tuple[Span, ...]

_ROOM = 8 << 20  # bytes; two intervals a day take 13 KB a month, and 3 KB around one start


@dataclass(frozen=True, slots=True)
class Hours:
    """Open spans (tidy), and the intervals as written that carry the ladders of starts; epoch minutes."""

    open: tuple[Span, ...]
    written: tuple[Written, ...]

    def weight(self) -> int:
        """Say about how many bytes they take."""
        return 400 + 120 * (len(self.open) + len(self.written))


def hours_around(schedule: Schedule, start: int, end: int) -> Hours:
    """Expand a schedule so that every instant of [start, end) is judged rightly.

    Whole local dates from two before to one after are expanded; as zones differ from UTC by less than a day, that
    is done for one UTC date more on either side.
    """
    return _expand(schedule, start // DAY - 3, -(-end // DAY) + 2)


@kept(_ROOM, lambda hours, schedule, *_: hours.weight() + schedule.weight())
def _expand(schedule: Schedule, first_day: int, end_day: int) -> Hours:
    written = _weekly(schedule, first_day, end_day)
    opened = merge([span for spans in written for span in spans])
    for level in ("company", "own") if schedule.exceptions else ():
        blocks: list[Span] = []
        openings: list[Span] = []
        for exception in schedule.exceptions:
            if exception.level != level:
                continue
            spans = real_spans(exception, schedule.zone)
            if not exception.available:
                blocks += spans
            elif spans:
                openings += spans
                written.append(tuple(spans))
        opened = merge([*subtract(opened, merge(blocks)), *openings])
    return Hours(tuple(opened), tuple(written))


def _weekly(schedule: Schedule, first_day: int, end_day: int) -> list[Written]:
    """Place the weekly intervals on their dates: with the day's one offset, or with care around a clock change."""
    steady = steady_days(schedule.zone, first_day, end_day)
    written: list[Written] = []
    for day in range(first_day, end_day):
        midnight, offset = day * DAY, steady.get(day)
        for interval in schedule.week[(day + 3) % 7]:  # 1970-01-01 was a Thursday
            if offset is not None:
                written.append(((midnight + interval.start - offset, midnight + interval.end - offset),))
            elif spans := wall_spans(schedule.zone, midnight + interval.start, midnight + interval.end):
                written.append(tuple(spans))
    return written
