"""The one engine behind listing, booking and rescheduling (design section 3).

A start is bookable when no rule refuses it. `list_slots` asks that for a whole window, `check` for one start and says
which rule refuses; both ask the same rules of the same spans. The rules, in the order of contract 6.6: enabled,
duration, hosts, notice and booking window, hours, ladder, busy spans, caps. A group appointment with free seats is
subject to those before hours only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from whenever import Instant

from . import lanes
from .board import Board, board
from .caps import full_spans, period_around
from .listing import Listing
from .resources import wipe_unserved
from .rules import Ask, Caps, HostCalendar, Resource, Rules, Verdict
from .spans import Span
from .steps import decide, outright, question
from .teams import simplest
from .window import GRACE_MINUTES, limits, minute_down, minute_up
from .zones import DAY, FOREVER

LONGEST_SEARCH_DAYS = 366  # for the earliest start of a type that may be booked without limit


def list_slots(
    rules: Rules,
    hosts: Sequence[HostCalendar],
    ask: Ask,
    window_start: Instant,
    window_end: Instant,
    now: Instant,
    resources: Sequence[Resource] = (),
) -> Listing:
    """List every start s with window_start ≤ s < window_end that `check` would accept.

    Busy spans and booked starts must be complete for `reach(rules, window_start, window_end)`.
    """
    allowed = limits(rules, now)
    first = max(minute_up(window_start), allowed.first)
    end = min(minute_up(window_end), allowed.end)
    if first >= end or not all(passed for _, passed in outright(rules, len(hosts), ask)):
        return Listing.empty()
    hosts, laid = _laid(rules, hosts, ask, (first, end))
    lane = lanes.free(laid, hosts, rules, (first, end))
    if resources:
        wipe_unserved(lane, laid.grid, resources, rules)
    outside = [(-FOREVER, first), (end, FOREVER)]
    laid.grid.wipe(lane, [*outside, *full_spans(rules.caps, rules.zone, rules.booked, first, end)])
    sessions = tuple(sorted({at for at in rules.sessions if first <= at < end})) if rules.sessions else ()
    return Listing(laid.grid, lane, sessions)


def candidates(
    rules: Rules, hosts: Sequence[HostCalendar], ask: Ask, window_start: Instant, window_end: Instant
) -> list[int]:
    """List every start s (epoch minutes), window_start ≤ s < window_end, that the hosts' hours and ladders permit.

    Whatever else forbids them: `explain` says what it is.
    """
    first, end = minute_up(window_start), minute_up(window_end)
    if first >= end or not 1 <= ask.needed(len(hosts)) <= len(hosts):
        return []
    _, laid = _laid(rules, hosts, ask, (first, end))
    lane = lanes.possible(laid)
    laid.grid.wipe(lane, [(-FOREVER, first), (end, FOREVER)])
    return Listing(laid.grid, lane).starts


def _laid(rules: Rules, hosts: Sequence[HostCalendar], ask: Ask, window: Span) -> tuple[Sequence[HostCalendar], Board]:
    hosts, ask = simplest(hosts, ask)
    return hosts, board(hosts, ask, rules, window[0] // DAY * DAY, -(-window[1] // DAY) * DAY)


def check(
    rules: Rules,
    hosts: Sequence[HostCalendar],
    ask: Ask,
    start: Instant,
    now: Instant,
    grace_minutes: int = GRACE_MINUTES,
    resources: Sequence[Resource] = (),
) -> Verdict:
    """Decide whether one start can be booked: with whom and what, or by which rule it is refused.

    Each rule keeps the teams of hosts that pass it; the first one that leaves too few is the refusal. So with
    `anyone` it is the rule that stopped the host who got furthest, with `everyone` the first that any host breaks. The
    hosts answered are the first bookable ones in the order given. Resources are asked for after the hosts, rule by
    rule.

    Args:
        grace_minutes: a start listed so long ago is still taken, never one already past.
    """
    return decide(question(rules, hosts, ask, start, now, grace_minutes, resources))


def padded(rules: Rules, start: Instant) -> tuple[Instant, Instant]:
    """Give the span to claim for a booking at a start: the appointment with its buffers."""
    return (
        start.subtract(minutes=rules.buffer_before),
        start.add(minutes=rules.duration + rules.buffer_after),
    )


def reach(
    rules: Rules,
    window_start: Instant,
    window_end: Instant,
    *,
    caps: Iterable[Caps] = (),
    buffers: Iterable[tuple[int, int]] = (),
) -> tuple[Instant, Instant]:
    """Say how far around a window busy spans and booked starts must be loaded.

    That is the padding of the outermost starts, and the whole days, weeks or months that the type's caps (and
    the hosts', given as `caps`) count. What only touches the span may be left out.

    Args:
        buffers: those of the resources, before and after, in minutes.
    """
    paddings = [(rules.buffer_before, rules.buffer_after), *buffers]
    before = max(one for one, _ in paddings)
    after = rules.duration + max(one for _, one in paddings)
    start, end = minute_down(window_start), minute_up(window_end)
    first, last = period_around((rules.caps, *caps), start, end)
    return (
        Instant.from_timestamp(min(first, start - before) * 60),
        Instant.from_timestamp(max(last, end + after) * 60),
    )


def horizon(rules: Rules, window_start: Instant, now: Instant) -> Instant:
    """Say until when the earliest start is looked for: the booking window's end, at most a year and a day on.

    Not before `window_start`.
    """
    start = minute_up(window_start)
    longest = max(minute_up(now), start) + LONGEST_SEARCH_DAYS * DAY
    return Instant.from_timestamp(max(start, min(limits(rules, now).end, longest)) * 60)


def first_start(
    rules: Rules,
    hosts: Sequence[HostCalendar],
    ask: Ask,
    from_: Instant,
    to: Instant,
    now: Instant,
    resources: Sequence[Resource] = (),
) -> int | None:
    """Find the first bookable start s with from_ ≤ s < to, in epoch minutes; None when there is none.

    Looks through a week, then stretches of growing length, and stops at the first start. Calendars must be complete
    for the whole span.
    """
    days = 7
    while from_ < to:
        until = min(from_.add(hours=24 * days), to)
        found = list_slots(rules, hosts, ask, from_, until, now, resources).first
        if found is not None:
            return found
        from_, days = until, days * 2
    return None
