"""Overlaps of kept time: what a host's calendar got while a hold, or whoever had to confirm, kept a start.

Whatever comes into a calendar beside an appointment is told its host when that is read. While time was only kept there
was none yet, and nothing that is kept is refused because of it; so it is told once there is one.
"""

from __future__ import annotations

from uuid import UUID

from whenever import Instant

from kalends.domain.sync import Meeting
from kalends.storage import calendar_connections, calendar_overlaps
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType

from . import calendar_events
from .placements import Placement


async def tell(
    conn: Connection, kind: MeetingType, placement: Placement, appointment_id: UUID, *, now: Instant
) -> None:
    """Record what stands in the hosts' calendars where an appointment was just made, for each to be told; all hosts
    are locked.
    """
    meeting = Meeting(appointment_id, placement.start, placement.end)
    found = await calendar_overlaps.events(
        conn,
        kind.company_id,
        host_nos=[host.host_no for host in placement.hosts],
        first=placement.start,
        last=placement.end,
        named=[UUID(one) for one in kind.meeting_options.get("calendarIds") or ()],
    )
    batches: dict[UUID, UUID] = {}
    for one in found:
        connection = await calendar_connections.get(conn, kind.company_id, one.connection_id)
        if connection and await calendar_overlaps.tell(conn, one.event_id, [appointment_id]):
            batch_id = batches.setdefault(connection.id, calendar_events.batch(connection))
            await calendar_events.conflict(
                conn,
                connection,
                one.calendar_id,
                "overlap",
                meeting=meeting,
                span=(one.start, one.end),
                batch_id=batch_id,
                now=now,
            )
