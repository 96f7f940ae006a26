"""Which starts of a board are free: busy spans, caps and closed spans of the hosts wiped off it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .board import Board, Shape
from .caps import full_spans
from .grid import Grid
from .rules import HostCalendar, Rules
from .spans import Span


def possible(laid: Board) -> bytearray:
    """Mark the starts that hours and ladders permit to enough teams, whatever else they have to do."""
    if laid.teams.needed > 1:
        return _enough(laid.masks, laid)
    return bytearray(laid.union.to_bytes(laid.grid.size, "big"))


def free(laid: Board, hosts: Sequence[HostCalendar], rules: Rules, window: Span) -> bytearray:
    """Mark the starts of the window for which enough teams are free.

    Hosts who are in every team are asked once, after all others.
    """
    teams = laid.teams
    if teams.needed > 1:
        return _enough([_own(laid, place, hosts, rules, window) for place in range(len(teams.places))], laid)
    lane = _one_free(laid, hosts, rules, window)
    _wipe_hosts(lane, laid.grid, [hosts[place] for place in teams.always], rules, window)
    return lane


def _own(laid: Board, team: int, hosts: Sequence[HostCalendar], rules: Rules, window: Span) -> bytearray:
    lane = bytearray(laid.masks[team])
    _wipe_hosts(lane, laid.grid, [hosts[place] for place in laid.teams.others[team]], rules, window)
    return lane


def _one_free(laid: Board, hosts: Sequence[HostCalendar], rules: Rules, window: Span) -> bytearray:
    if len(laid.masks) == 1:
        return bytearray(laid.masks[0])  # all its hosts are in every team
    union = 0
    for team in range(len(laid.masks)):
        union |= int.from_bytes(_own(laid, team, hosts, rules, window), "big")
        if union == laid.union:  # whoever comes after cannot add a start
            break
    return bytearray(union.to_bytes(laid.grid.size, "big"))


def _enough(lanes: Sequence[bytes | bytearray], laid: Board) -> bytearray:
    """Mark the starts that as many lanes have as teams are needed."""
    # Lanes are added as numbers, all their bytes at once; a byte counts up to 255 of them.
    batches = [lanes[first : first + 255] for first in range(0, len(lanes), 255)]
    counts = [sum(int.from_bytes(lane, "big") for lane in some).to_bytes(laid.grid.size, "big") for some in batches]
    totals: Iterable[int] = counts[0] if len(counts) == 1 else map(sum, zip(*counts, strict=True))
    return bytearray(map(laid.teams.needed.__le__, totals))


def _wipe_hosts(lane: bytearray, grid: Grid, hosts: Iterable[HostCalendar], rules: Rules, window: Span) -> None:
    """Clear the starts that the hosts' busy spans, caps and closed spans forbid."""
    before, after = Shape.of(rules).reach()
    for host in hosts:
        for busy in (host.claims, host.events):
            if busy:
                grid.wipe_busy(lane, busy, before, after)
        grid.wipe(lane, full_spans(host.caps, host.zone, host.booked, *window))
        grid.wipe(lane, host.closed)
