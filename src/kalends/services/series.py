"""Series: the same local time again and again, and the calendars as each start leaves them to the next."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.domain import leads
from kalends.domain.rules import Resource, Unit
from kalends.domain.spans import Span

from . import queue_teams
from .orders import Recurrence
from .placements import Placement
from .slot_queries import Loaded, LoadedResource

_DAYS = {"daily": 1, "weekly": 7}
_CLOCKS_HOURS = 26  # more than any zone's clocks are ever moved


@dataclass(frozen=True, slots=True)
class Turn:
    """One start of a recurrence; `exists` is False where clocks skip its local time, and it stands right after."""

    start: Instant
    exists: bool


def turns(first: Instant, recurrence: Recurrence, zone: str) -> list[Turn]:
    """List the starts of a recurrence, the first one as it is.

    Each has the wall time of the first one in the zone; of a wall time that comes twice it is the first.
    """
    local = first.to_tz(zone).to_plain()
    found = [Turn(first, exists=True)]
    for number in range(1, recurrence.count):
        wall = local.add(days=number * recurrence.interval * _DAYS[recurrence.frequency])
        start = wall.assume_tz(zone, disambiguation="compatible")
        found.append(Turn(start.to_instant(), exists=start.to_plain() == wall))
    return found


def latest(first: Instant, recurrence: Recurrence) -> Instant:
    """Name an instant after the last start of a recurrence, whatever the zone."""
    days = (recurrence.count - 1) * recurrence.interval * _DAYS[recurrence.frequency]
    return first.add(hours=24 * days + _CLOCKS_HOURS)


def added(loaded: Loaded, placed: Placement) -> Loaded:
    """Put a placed start into the calendars, so that the next one of the series finds it there."""
    at = placed.start.timestamp() // 60
    taken = {claim.host_no: (claim.start.timestamp() // 60, -(-claim.end.timestamp() // 60)) for claim in placed.claims}
    hosting = {host.id for host in placed.hosts} if placed.session is None else set()
    return replace(
        loaded,
        rules=loaded.rules if placed.session else replace(loaded.rules, booked=[*loaded.rules.booked, at]),
        calendars=tuple(
            replace(calendar, claims=_with(calendar.claims, taken[host.host_no]), booked=[*calendar.booked, at])
            if host.id in hosting
            else calendar
            for host, calendar in zip(loaded.hosts, loaded.calendars, strict=True)
        ),
        resources=tuple(_occupied(one, taken) for one in loaded.resources),
    )


def counted(loaded: Loaded, turns: dict[UUID, list[leads.Turn]], placed: Placement, now: Instant) -> Loaded:
    """Count the turn a placed start is for its queue, so that whoever is too far ahead is not offered the next one.

    Args:
        turns: those counted so far; this one joins them.
    """
    if placed.choice:
        turns.setdefault(placed.choice.member_id, []).append(leads.Turn(placed.start.timestamp() // 60, now))
    return queue_teams.hidden(loaded, turns)


def _occupied(one: LoadedResource, taken: dict[int, Span]) -> LoadedResource:
    choices = tuple(
        replace(
            resource,
            units=tuple(
                Unit(unit.host, _with(unit.claims, taken[host_no]), unit.events) if host_no in taken else unit
                for unit, host_no in zip(resource.units, choice.units, strict=True)
            ),
        )
        for resource, choice in zip(one.calendar.choices, one.choices, strict=True)
    )
    return replace(one, calendar=Resource(one.calendar.name, choices))


def _with(busy: Sequence[Span], taken: Span) -> list[Span]:
    spans = list(busy)
    insort(spans, taken)
    return spans
