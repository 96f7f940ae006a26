"""Events of ours in the calendars of hosts: what is noted of them, and what their hosts are told of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.domain.remote_events import RemoteCalendar, RemoteEvent
from kalends.domain.sync import Meeting, Span
from kalends.storage import busy_events, calendar_entries, calendar_overlaps, calendar_writes, standings
from kalends.storage.calendar_entries import StoredEntry
from kalends.storage.database import Connection
from kalends.storage.standings import StandingEntry

from . import calendar_connections, calendar_events
from .calendar_copies import Copy
from .calendar_events import Reason
from .calendar_sources import Source


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """An event of ours that seemed to be other than we wrote it, in a transaction that has locked its appointment.

    Attributes:
        suspect: what was noted of it when that seemed so.
        event: as it stands in the calendar now; None: it is not there.
        batch_id: of all that one reading tells the host.
    """

    conn: Connection
    source: Source
    suspect: StandingEntry
    event: RemoteEvent | None
    now: Instant
    batch_id: UUID

    async def newest(self) -> StandingEntry | None:
        """Read what is noted of it by now; None: it stands for no live appointment any more."""
        found = await standings.named(
            self.conn, self.source.company_id, self.source.calendar.id, [self.suspect.remote_id], self.now
        )
        return found[0] if found else None

    async def note(self, span: Span) -> None:
        """Take note of what stands there, so that it is no news the next time."""
        entry = await self._entry()
        if entry and self.event:
            start, end = span
            await calendar_entries.change(
                self.conn, replace(entry, start_at=start, end_at=end, etag=self.event.etag or entry.etag)
            )

    async def follow(self, copy: Copy) -> None:
        """Take note that it stands in another calendar now, if need be in one made since they were listed."""
        entry = await self._entry()
        if entry:
            calendar_id = copy.calendar
            if isinstance(calendar_id, RemoteCalendar):
                calendar_id = await calendar_connections.list_one(
                    self.conn, self.source.company_id, copy.connection_id, calendar_id
                )
            await calendar_entries.change(
                self.conn,
                replace(
                    entry,
                    connection_id=copy.connection_id,
                    calendar_id=calendar_id,
                    remote_id=copy.remote_id,
                    etag=copy.event.etag if copy.event else None,
                ),
            )

    async def write_over(self, span: Span, reason: Reason, code: str | None = None) -> None:
        """Have it say again what the appointment does, and tell the host why.

        Args:
            span: when it takes place there.
            code: the rule that kept the appointment from following.
        """
        await self.note(span)
        await calendar_writes.owe_decided(
            self.conn,
            company_id=self.source.company_id,
            appointment_id=self.suspect.appointment_id,
            user_id=self.source.host.id,
        )
        await self.tell(reason, span, code)

    async def forget(self) -> None:
        """Take note that nothing stands there; it is not written again before the appointment changes."""
        entry = await self._entry()
        if entry:
            await calendar_entries.forget(self.conn, entry)

    async def is_news(self) -> bool:
        """Tell whether the host was not yet told of this event and its appointment, and note that he is."""
        known = await busy_events.known(self.conn, self.source.calendar.id, [self.suspect.remote_id])
        if self.suspect.remote_id not in known:
            return False
        event_id = known[self.suspect.remote_id].id
        return bool(await calendar_overlaps.tell(self.conn, event_id, [self.suspect.appointment_id]))

    async def tell(self, reason: Reason, span: Span | None = None, code: str | None = None) -> None:
        """Tell the host that it and its appointment disagree; see `write_over`."""
        standing = self.suspect.standing
        await calendar_events.conflict(
            self.conn,
            self.source.connection,
            self.source.calendar.id,
            reason,
            meeting=Meeting(self.suspect.appointment_id, standing.start, standing.end),
            span=span,
            code=code,
            batch_id=self.batch_id,
            now=self.now,
        )

    async def _entry(self) -> StoredEntry | None:
        found = await calendar_entries.of_host(
            self.conn, self.source.company_id, self.suspect.appointment_id, self.source.host.id
        )
        return found.get("event")
