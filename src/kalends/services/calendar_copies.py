"""Copies: where an event of ours stands now that is gone from the calendar it was written to.

Hosts move events from one of their calendars to another. No provider says so: the event is gone here and new there, and
only its UID tells that nobody has deleted it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kalends.domain import sync_times, uids
from kalends.domain.remote_events import RemoteCalendar, RemoteEvent, Window
from kalends.ports import CalendarAccount
from kalends.storage import busy_events, calendar_connections
from kalends.storage.standings import StandingEntry

from .calendar_sources import Source

_AROUND_HOURS = 24


@dataclass(frozen=True, slots=True)
class Copy:
    """An event of ours in another calendar of its host.

    Attributes:
        calendar: its id; or what it is, where nobody has told us of it yet.
        event: as it stands there; None: it is in another account, which is read by itself.
    """

    connection_id: UUID
    calendar: UUID | RemoteCalendar
    remote_id: str
    event: RemoteEvent | None


async def find(source: Source, account: CalendarAccount, gone: StandingEntry) -> Copy | None:
    """Look for the event of an appointment in its host's other calendars, those nobody reads as well.

    One that was also given another time is found where it was read already.

    Raises:
        CredentialRefused, Upstream: some of them could not be asked, so it may be there.
    """
    uid = uids.uid(gone.appointment_id)
    async with source.reader.reading() as conn:
        connection = source.connection
        mine = (await calendar_connections.calendars(conn, source.company_id, [connection.id]))[connection.id]
        known = await busy_events.copies(conn, source.company_id, source.host.id, uid, but=source.calendar.id)
    ids = {one.remote_id: one.id for one in mine}
    others = [one for one in await account.calendars() if one.writable and one.remote_id != source.calendar.remote_id]
    calendars = {one.remote_id: source.known_as(one) for one in others}
    for there in known:
        if there.connection_id != connection.id:
            return Copy(there.connection_id, there.calendar_id, there.remote_id, None)
        calendar = calendars.get(there.calendar_remote_id)
        found = calendar and await _asked(source, account, calendar, there.remote_id)
        if found:
            return Copy(connection.id, there.calendar_id, there.remote_id, found)
    for other in others:
        calendar = calendars[other.remote_id]
        listed = await _listed(source, account, calendar, gone, uid)
        found = listed and await _asked(source, account, calendar, listed.remote_id)
        if found:
            return Copy(connection.id, ids.get(other.remote_id, other), found.remote_id, found)
    return None


async def _asked(
    source: Source, account: CalendarAccount, calendar: RemoteCalendar, remote_id: str
) -> RemoteEvent | None:
    return await account.event(calendar, remote_id, window=sync_times.wide(source.reader.clock()), own=source.own)


async def _listed(
    source: Source, account: CalendarAccount, calendar: RemoteCalendar, gone: StandingEntry, uid: str
) -> RemoteEvent | None:
    """Find a UID among what a calendar has around the time of an appointment."""
    standing = gone.standing
    first, last = min(standing.start, standing.written[0]), max(standing.end, standing.written[1])
    window = Window(first.subtract(hours=_AROUND_HOURS), last.add(hours=_AROUND_HOURS))
    pages = account.changes(calendar, token=None, window=window, own=source.own)
    async for page in pages:
        for event in page.events:
            if event.uid == uid:
                return event
    return None
