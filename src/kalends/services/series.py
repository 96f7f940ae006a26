"""Series: the calendars as each start of a recurrence leaves them to the next."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from whenever import Instant

from kalends.domain.leads import Turn
from kalends.domain.rules import Resource, Unit
from kalends.domain.spans import Span

from . import queue_teams
from .placements import Placement
from .slot_queries import Loaded, LoadedResource


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


def counted(loaded: Loaded, turns: dict[UUID, list[Turn]], placed: Placement, now: Instant) -> Loaded:
    """Count the turn a placed start is for its queue, so that whoever is too far ahead is not offered the next one.

    Args:
        turns: those counted so far; this one joins them.
    """
    if placed.choice:
        turns.setdefault(placed.choice.member_id, []).append(Turn(placed.start.timestamp() // 60, now))
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
