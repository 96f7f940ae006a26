"""Listings: the bookable starts of a window (contract 2.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.domain.listing import Listing
from kalends.storage.database import Connection

from . import calendar_use, calendars
from .slot_queries import Loaded, SlotQuery


@dataclass(frozen=True, slots=True)
class Listed:
    """The starts of a window; `earliest` is the first one from the window's start on, in epoch minutes."""

    loaded: Loaded
    listing: Listing
    earliest: int | None


async def listing(
    conn: Connection, company_id: UUID, query: SlotQuery, now: Instant, *, earliest: bool = True
) -> Listed:
    """List the bookable starts of a window.

    As many statements as `calendars.load` takes, and as many again for the earliest start behind an empty window; one
    more once a minute for hosts who have connected calendars.

    Args:
        earliest: look for the first start up to the booking window's end when the window has none.

    Raises:
        NotFound: no such meeting type, host, queue, resource, hold or existing appointment in this company.
    """
    loaded = await calendars.load(conn, company_id, query, now)
    if loaded.connected:
        await calendar_use.note(conn, loaded, now)
    found = slots.list_slots(
        loaded.rules,
        loaded.calendars,
        loaded.ask,
        query.start,
        query.end,
        now,
        resources=loaded.resource_calendars,
    )
    first = found.first
    if first is not None or not earliest:
        return Listed(loaded, found, first)
    behind, until = max(query.start, query.end, now), slots.horizon(loaded.rules, query.start, now)
    if behind >= until or not loaded.rules.enabled:
        return Listed(loaded, found, None)
    rest = await calendars.load(conn, company_id, replace(query, start=behind, end=until), now)
    return Listed(loaded, found, calendars.first_start(rest, behind, until, now))
