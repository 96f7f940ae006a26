"""A company that can be booked, and a queue worked through to its end."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from procrastinate import App as Queue
from whenever import Instant

from kalends.app import App
from kalends.jobs import queue
from kalends.ports import OutgoingMail
from kalends.services import appointments, bookings
from kalends.services.actor import Actor
from kalends.services.bookings import Booked
from kalends.services.companies import Founded
from kalends.services.orders import NewAttendee, Order
from kalends.storage import calendar_writes, conferences, effects
from tests import factories

NOW = Instant.parse_iso("2031-03-03T08:00:00Z")  # a Monday
TUESDAY = Instant.parse_iso("2031-03-11T09:00:00Z")


@dataclass
class Stage:
    """One company with an owner to be booked, a guest's address of its own, and a clock that stands."""

    app: App
    conninfo: str
    founded: Founded
    meeting_type_id: UUID
    now: Instant = NOW
    guest: str = field(default_factory=lambda: f"jo-{uuid4().hex[:8]}@guest.test")

    @property
    def actor(self) -> Actor:
        return factories.actor(self.founded)

    def clock(self) -> Instant:
        return self.now

    async def meet_on(self, channel: str, **fields: Any) -> None:
        """Let bookings from now on be met on a channel."""
        async with self.app.transaction() as conn:
            kind = await factories.meeting_type(
                conn, self.founded, meeting_info={"channel": channel}, now=NOW, **fields
            )
        self.meeting_type_id = kind.id

    async def book(
        self,
        start: Instant = TUESDAY,
        *,
        hosts: tuple[UUID, ...] = (),
        skip: bool = False,
        bringing: tuple[str, ...] = (),
        guest: str | None = None,
        client: str | None = None,
    ) -> Booked:
        """Book with a credential; from a `client`, as a guest on the booking page."""
        actor = self.actor if client is None else Actor(self.founded.company_id, None, False, "page", client=client)
        order = Order(
            meeting_type_id=self.meeting_type_id,
            start=start,
            attendee=NewAttendee(guest or self.guest, full_name="Jo Lee", language="en", timezone="America/New_York",
                                 bringalong_emails=bringing),
            host_ids=hosts,
            mode="everyone" if hosts else None,
            skip_notifications=skip,
        )  # fmt: skip
        async with self.app.transaction() as conn:
            return await bookings.book(conn, actor=actor, order=order, clock=self.clock)

    async def move(self, appointment_id: UUID, start: Instant) -> None:
        async with self.app.transaction() as conn:
            await appointments.reschedule(
                conn, actor=self.actor, appointment_id=appointment_id, start=start, clock=self.clock
            )

    async def cancel(self, appointment_id: UUID, attendee_id: UUID | None = None) -> None:
        async with self.app.transaction() as conn:
            await appointments.cancel(
                conn, actor=self.actor, appointment_id=appointment_id, attendee_id=attendee_id, clock=self.clock
            )

    async def work(self) -> None:
        """Do all jobs there are, and those they bring; nothing comes by the clock on the wall."""
        jobs = queue.create(self.app, self.conninfo)
        jobs.periodic_registry.periodic_tasks.clear()
        async with jobs.open_async():
            for _ in range(10):  # events, then effects, then what those bring about
                await jobs.run_worker_async(wait=False, concurrency=4, listen_notify=False, delete_jobs="successful",
                                            install_signal_handlers=False)  # fmt: skip
                if not await self.rows("SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND attempts = 0"):
                    break

    async def later(self, **time: int) -> None:
        """Let time pass, then start what is due and do it."""
        self.now = self.now.add(**time)
        async with self.app.transaction() as conn:
            await effects.start_due(conn, self.now)
            await conferences.start_due(conn, self.now)
            await calendar_writes.start_due(conn, self.now)
        await self.work()

    async def run(self, task: str, **args: object) -> None:
        """Run one task now, as a second worker would that was handed the same job."""
        jobs: Queue = queue.create(self.app, self.conninfo)
        await jobs.tasks[task].func(**args)

    async def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        async with self.app.reading() as conn:
            cursor = await conn.execute(statement, values)
            return [tuple(row) for row in await cursor.fetchall()]

    async def outcomes(self, appointment_id: UUID) -> list[object]:
        found = await self.rows(
            "SELECT outcome FROM effect f JOIN event e ON e.id = event_id WHERE appointment_id = %s ORDER BY f.id",
            appointment_id,
        )
        return [row[0] for row in found]


async def staged(app: App, conninfo: str, now: Instant = NOW) -> Stage:
    """Found a company that can be booked; all the work there is comes from it, since others' calendars would be its."""
    async with app.transaction() as conn:
        await conn.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
        await conn.execute("DELETE FROM calendar_write")
        await conn.execute("DELETE FROM conference")
        founded = await factories.company(conn, now=now)
        meeting_type = await factories.meeting_type(conn, founded, now=now)
    stage = Stage(app, conninfo, founded, meeting_type.id, now)
    app.now = stage.clock
    return stage


def to(mails: list[OutgoingMail], address: str) -> list[OutgoingMail]:
    return [mail for mail in mails if mail.recipient == address]
