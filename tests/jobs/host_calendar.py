"""A host with a calendar in memory that blocks him and is written to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from whenever import Instant

from kalends.domain.remote_events import Answer, RemoteCalendar
from kalends.ports import OutgoingMail
from kalends.services import calendar_sync
from kalends.services.calendar_sync import Outcome
from kalends.storage import calendar_connections
from kalends.storage.calendar_connections import CalendarConnection
from tests.calendar_connections import connect
from tests.fakes.memory_calendar import MemoryCalendar, Stored
from tests.jobs.stage import Stage

Time = tuple[Instant, Instant]


def half_hour(start: Instant) -> Time:
    return start, start.add(minutes=30)


@dataclass
class HostCalendar:
    """One connection, and what its owner does in his calendar."""

    stage: Stage
    remote: MemoryCalendar
    connection_id: UUID

    async def read(self, **later: int) -> Outcome:
        """Read it now, or some time later."""
        self.stage.now = self.stage.now.add(**later)
        reader = self.stage.app.calendar_reader
        reader.spread = lambda: 0.5
        return await calendar_sync.read_now(reader, self.stage.founded.company_id, self.connection_id)

    async def select(self, calendar: RemoteCalendar) -> None:
        """Have one more of its calendars block."""
        await self.stage.rows(
            "UPDATE calendar SET selected = true WHERE connection_id = %s AND remote_id = %s RETURNING 1",
            self.connection_id,
            calendar.remote_id,
        )

    async def refresh(self, within_s: float = 30) -> None:
        await calendar_sync.refresh(
            self.stage.app.calendar_reader, self.stage.founded.company_id, [self.connection_id], within_s=within_s
        )

    async def connection(self) -> CalendarConnection:
        async with self.stage.app.reading() as conn:
            found = await calendar_connections.get(conn, self.stage.founded.company_id, self.connection_id)
        assert found is not None
        return found

    async def unreadable(self) -> list[int]:
        """Count for each calendar, Personal first, the events of which not all could be read."""
        company_id = self.stage.founded.company_id
        async with self.stage.app.reading() as conn:
            found = await calendar_connections.calendars(conn, company_id, [self.connection_id])
        return [one.unreadable_events for one in found[self.connection_id]]

    async def busy(self) -> list[Time]:
        """List the time that is stored as taken, by start."""
        found = await self.stage.rows(
            """
            SELECT b.start_at, b.end_at FROM busy_event b JOIN calendar k ON k.no = b.calendar_no
            WHERE k.connection_id = %s ORDER BY b.start_at, b.end_at
            """,
            self.connection_id,
        )
        return [cast("Time", row) for row in found]

    async def events(self, kind: str = "conflict") -> list[dict[str, Any]]:
        """List what was recorded of the connection."""
        found = await self.stage.rows(
            "SELECT after FROM event WHERE connection_id = %s AND kind = %s ORDER BY revision", self.connection_id, kind
        )
        return [cast("dict[str, Any]", row[0]) for row in found]

    async def reasons(self) -> list[str]:
        return [one["reason"] for one in await self.events()]

    async def appointment(self, appointment_id: UUID) -> tuple[Instant, bool]:
        """Tell when an appointment begins, and whether it was cancelled."""
        ((start, cancelled_at),) = await self.stage.rows(
            "SELECT start_at, cancelled_at FROM appointment WHERE id = %s", appointment_id
        )
        assert isinstance(start, Instant)
        return start, cancelled_at is not None

    def mails(self, sent: list[OutgoingMail], words: str) -> int:
        """Count the mails to hosts that have these words for their subject."""
        found = [one for one in sent if one.recipient.endswith("@acme.test")]
        return sum(f"Subject: {words}\r\n".encode() in one.content for one in found)

    def one(self) -> Stored:
        """Take the one event in the calendar."""
        (event,) = self.remote.shown()
        return event

    def answer(self, answer: Answer | None, *guests: tuple[str, Answer]) -> Stored:
        """Let the owner answer the one event, or guests do."""
        event = self.one()
        return self.remote.move(replace(event, answer=answer, guests=guests), event.start, event.end)


async def of_owner(stage: Stage, **flags: bool) -> HostCalendar:
    """Connect the company's owner to a calendar of his own."""
    remote = MemoryCalendar()
    # What other tests left undone would be done with this calendar.
    await stage.rows("WITH gone AS (DELETE FROM procrastinate_jobs WHERE status = 'todo'), "
                     "owed AS (DELETE FROM calendar_write) "
                     "UPDATE calendar_access SET due_at = NULL WHERE due_at IS NOT NULL RETURNING 1")  # fmt: skip
    stage.app.calendars = {"caldav": remote}
    flags = {"validate_availability": True, **flags}
    connection_id = await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=stage.now, **flags)
    calendar = HostCalendar(stage, remote, connection_id)
    await calendar.read()  # nobody is booked whose calendar was never read
    remote.asked.clear()
    return calendar
