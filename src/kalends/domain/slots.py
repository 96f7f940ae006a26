"""The one engine behind listing, booking and rescheduling (design section 3).

A start is bookable when no rule refuses it. `list_slots` asks that for a whole window, `check` for one start and says
which rule refuses; both go through the same steps on the same spans. The steps, in the order of contract 6.6:
enabled, duration, hosts, notice and booking window, hours, ladder, busy spans, caps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import add, and_
from typing import Literal

from whenever import Instant

from kalends.domain.board import Board, Shape, board, fitting, forbidden, ladders
from kalends.domain.caps import full_spans, period_around
from kalends.domain.grid import Grid
from kalends.domain.hours import hours_around
from kalends.domain.listing import Listing
from kalends.domain.rules import Ask, Bookable, Caps, Code, HostCalendar, Refusal, Rules, Verdict
from kalends.domain.spans import Span, contains
from kalends.domain.window import GRACE_MINUTES, limits, minute_down, minute_up
from kalends.domain.zones import DAY, FOREVER

LONGEST_SEARCH_DAYS = 366  # for the earliest start of a type that may be booked without limit


def list_slots(
    rules: Rules,
    hosts: Sequence[HostCalendar],
    ask: Ask,
    window_start: Instant,
    window_end: Instant,
    now: Instant,
) -> Listing:
    """List every start s with window_start ≤ s < window_end that `check` would accept.

    Busy spans and booked starts must be complete for `reach(rules, window_start, window_end)`.
    """
    allowed = limits(rules, now)
    first = max(minute_up(window_start), allowed.first)
    end = min(minute_up(window_end), allowed.end)
    needed = ask.needed(len(hosts))
    if _refused_outright(rules, len(hosts), needed) or first >= end:
        return Listing.empty()
    laid = board(hosts, ask, rules, first // DAY * DAY, -(-end // DAY) * DAY)
    if needed == len(hosts):
        lane = _all_free(laid, hosts, rules, (first, end))
    elif needed == 1:
        lane = _one_free(laid, hosts, rules, (first, end))
    else:
        lane = _some_free(laid, hosts, rules, (first, end), needed)
    outside = [(-FOREVER, first), (end, FOREVER)]
    laid.grid.wipe(lane, [*outside, *full_spans(rules.caps, rules.zone, rules.booked, first, end)])
    return Listing(laid.grid, lane)


def check(
    rules: Rules,
    hosts: Sequence[HostCalendar],
    ask: Ask,
    start: Instant,
    now: Instant,
    grace_minutes: int = GRACE_MINUTES,
) -> Verdict:
    """Decide whether one start can be booked: with whom, or by which rule it is refused.

    Each rule keeps the hosts that pass it; the first one that leaves too few is the refusal. So with `anyone` it
    is the rule that stopped the host who got furthest, with `everyone` the first that any host breaks. The hosts
    answered are the first bookable ones in the order given.

    Args:
        grace_minutes: a start listed so long ago is still taken, never one already past.
    """
    needed = ask.needed(len(hosts))
    if outright := _refused_outright(rules, len(hosts), needed):
        return outright
    at, allowed = minute_down(start), limits(rules, now, grace_minutes)
    if at < allowed.first:
        return Refusal("too-soon")
    if at >= allowed.end:
        return Refusal("too-far")
    left = list(range(len(hosts)))
    for code, passed in _steps(rules, hosts, ask, at, on_minute=at == minute_up(start)):
        stopped = [place for place in left if not passed[place]]
        left = [place for place in left if passed[place]]
        if len(left) < needed:
            blamed = stopped[0]
            occupied = code == "slot-occupied"
            return Refusal(code, _reason(hosts[blamed], rules, at) if occupied else None, blamed)
    if contains(full_spans(rules.caps, rules.zone, rules.booked, at, at + 1), at, at + 1):
        return Refusal("cap-reached")
    return Bookable(tuple(left[:needed]))


def _refused_outright(rules: Rules, hosts: int, needed: int) -> Refusal | None:
    if not rules.enabled:
        return Refusal("meeting-type-disabled")
    if rules.allowed_durations and rules.duration not in rules.allowed_durations:
        return Refusal("duration-not-allowed")
    if not 1 <= needed <= hosts:
        return Refusal("host-not-allowed")
    return None


def _steps(
    rules: Rules, hosts: Sequence[HostCalendar], ask: Ask, at: int, *, on_minute: bool
) -> Iterator[tuple[Code, list[bool]]]:
    """Walk through the rules that each host has to pass at one start, in their order."""
    shape = Shape.of(rules)
    before, after = shape.reach()
    around = [hours_around(host.schedule, at - before, at + after + 1) for host in hosts]
    # A start with seconds lies between two minutes: hours hold it when they hold both.
    last = at + (not on_minute)
    yield "outside-hours", [contains(fitting(hours, shape), at, last + 1) for hours in around]
    rungs = ladders(around, ask, rules.interval, at, at + 1)
    yield "not-a-slot", [on_minute and at in own for own in rungs]
    yield (
        "slot-occupied",
        [
            not contains(forbidden(host.claims, shape), at, at + 1)
            and not contains(forbidden(host.events, shape), at, at + 1)
            for host in hosts
        ],
    )
    yield (
        "cap-reached",
        [not contains(full_spans(host.caps, host.zone, host.booked, at, at + 1), at, at + 1) for host in hosts],
    )


def _reason(host: HostCalendar, rules: Rules, at: int) -> Literal["claimed", "busy", "buffer"]:
    """Say what stands in the way: a claim or an event in the appointment itself, or either in its buffers only."""
    end = at + rules.duration
    if any(first < end and at < last for first, last in host.claims):
        return "claimed"
    if any(first < end and at < last for first, last in host.events):
        return "busy"
    return "buffer"


def _wipe_host(lane: bytearray, grid: Grid, host: HostCalendar, rules: Rules, window: Span) -> None:
    """Clear the starts that a host's busy spans and caps forbid."""
    before, after = Shape.of(rules).reach()
    grid.wipe_busy(lane, host.claims, before, after)
    grid.wipe_busy(lane, host.events, before, after)
    grid.wipe(lane, full_spans(host.caps, host.zone, host.booked, *window))


def _all_free(laid: Board, hosts: Sequence[HostCalendar], rules: Rules, window: Span) -> bytearray:
    lane = bytearray(laid.masks[0])
    for mask in set(laid.masks[1:]) - {laid.masks[0]}:
        lane = bytearray(map(and_, lane, mask))
    for host in hosts:
        _wipe_host(lane, laid.grid, host, rules, window)
    return lane


def _one_free(laid: Board, hosts: Sequence[HostCalendar], rules: Rules, window: Span) -> bytearray:
    free, size = 0, len(laid.grid.starts)
    possible = 0
    for mask in set(laid.masks):
        possible |= int.from_bytes(mask, "big")
    for mask, host in zip(laid.masks, hosts, strict=True):
        lane = bytearray(mask)
        _wipe_host(lane, laid.grid, host, rules, window)
        free |= int.from_bytes(lane, "big")
        if free == possible:  # whoever comes after cannot add a start
            break
    return bytearray(free.to_bytes(size, "big"))


def _some_free(laid: Board, hosts: Sequence[HostCalendar], rules: Rules, window: Span, needed: int) -> bytearray:
    counts: Iterable[int] = bytes(len(laid.grid.starts))
    for mask, host in zip(laid.masks, hosts, strict=True):
        lane = bytearray(mask)
        _wipe_host(lane, laid.grid, host, rules, window)
        counts = list(map(add, counts, lane))
    return bytearray(count >= needed for count in counts)


def padded(rules: Rules, start: Instant) -> tuple[Instant, Instant]:
    """Give the span to claim for a booking at a start: the appointment with its buffers."""
    return (
        start.subtract(minutes=rules.buffer_before),
        start.add(minutes=rules.duration + rules.buffer_after),
    )


def reach(
    rules: Rules, window_start: Instant, window_end: Instant, *, caps: Iterable[Caps] = ()
) -> tuple[Instant, Instant]:
    """Say how far around a window busy spans and booked starts must be loaded.

    That is the padding of the outermost starts, and the whole days, weeks or months that the type's caps (and
    the hosts', given as `caps`) count. What only touches the span may be left out.
    """
    before, after = Shape.of(rules).reach()
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
    rules: Rules, hosts: Sequence[HostCalendar], ask: Ask, from_: Instant, to: Instant, now: Instant
) -> int | None:
    """Find the first bookable start s with from_ ≤ s < to, in epoch minutes; None when there is none.

    Looks through a week, then stretches of growing length, and stops at the first start. Calendars must be complete
    for the whole span.
    """
    days = 7
    while from_ < to:
        until = min(from_.add(hours=24 * days), to)
        if starts := list_slots(rules, hosts, ask, from_, until, now).starts:
            return starts[0]
        from_, days = until, days * 2
    return None
