"""Random lives of bookings against a model that is judged minute by minute: listings, claims and answers agree."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.app import App
from kalends.domain.exceptions import AvailabilityException
from kalends.errors import DomainError
from kalends.services import appointments, availability_exceptions, booking_holds, bookings, companies, listings
from kalends.services import provisional_bookings as provisional
from kalends.services.actor import Actor
from kalends.services.exception_rows import NewException
from kalends.services.orders import NewAttendee, Order
from kalends.services.outcomes import Booked, Pending
from kalends.services.slot_queries import SlotQuery
from kalends.storage import claims, database, reservations
from kalends.storage.database import Connection
from kalends.storage.secret_box import SecretBox
from tests import factories
from tests.conftest import Outbox

from .model import KINDS, SCHEDULE, Kind, Model, Taking

# A Thursday, 06:00 in Berlin; the clock goes forward on the Sunday after.
BEGIN = Instant("2031-03-27T05:00:00Z").timestamp() // 60
WINDOW = 4 * 1440
HOLD_MINUTES, APPROVAL_MINUTES = 30, 1440

Done = TypeVar("Done")
# Few, so that lives cross: around Thursday's hours, and around the clock change in the night to Sunday.
STARTS = st.sampled_from(
    [BEGIN + quarter * 15 for quarter in (10, 12, 13, 14, 16, 18, 22, 24)]
    + [BEGIN + 2 * 1440 + quarter * 15 for quarter in (70, 74, 76, 77, 78, 80, 84)]
    + [BEGIN + 12 * 15 + 5]
)
KIND = st.sampled_from(KINDS)
PICK = st.integers(0, 50)


class Life(RuleBasedStateMachine):
    """One company with two hosts; every step is done by the services and in the model."""

    conninfo: str

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(BEGIN)
        self.touched = KINDS[0]
        self.runner = asyncio.Runner()
        self.app = App(
            pool=database.pool(self.conninfo, min_size=1, max_size=1),
            mailer=Outbox(),
            base_url="http://kalends.test",
            mail_from="kalends <no-reply@kalends.test>",
            box=SecretBox(lambda: b"known to all tests"),
        )
        self.runner.run(self.app.open())
        self.do(self._settle)

    def teardown(self) -> None:
        self.runner.run(self.app.aclose())
        self.runner.close()

    # The real thing

    def clock(self) -> Instant:
        return _instant(self.model.now)

    def do(self, work: Callable[[Connection], Awaitable[Done]]) -> Done:
        """Do something in a transaction of its own."""

        async def within() -> Done:
            async with self.app.transaction() as conn:
                return await work(conn)

        return self.runner.run(within())

    def tried(self, work: Callable[[Connection], Awaitable[Any]]) -> Any:
        """Do something, and answer what came of it or the code of the refusal."""
        try:
            return self.do(work)
        except DomainError as error:
            return error.code

    async def _settle(self, conn: Connection) -> None:
        now = self.clock()
        founded = await factories.company(conn, now=now)
        second = (await factories.user(conn, founded, now=now)).user
        await conn.execute(
            "UPDATE availability SET timezone = 'Europe/Berlin', schedule = %s WHERE company_id = %s",
            (Jsonb(SCHEDULE), founded.company_id),
        )
        self.company_id = founded.company_id
        self.hosts: list[UUID] = [founded.user_id, second.id]
        rows = await conn.execute("SELECT id, host_no FROM user_account WHERE company_id = %s", (founded.company_id,))
        numbers = dict(await rows.fetchall())
        self.places = {numbers[host]: place for place, host in enumerate(self.hosts)}
        self.actor = Actor(founded.company_id, founded.user_id, True, "key")
        settings = {"holdMinutes": HOLD_MINUTES}
        await companies.update(conn, actor=self.actor, columns={}, settings=settings, now=now)
        self.types: dict[Kind, UUID] = {}
        for kind in KINDS:
            made = await factories.meeting_type(
                conn,
                founded,
                now=now,
                meeting_info={"duration": kind.duration, "bufferBefore": kind.before, "bufferAfter": kind.after},
                meeting_options={"requireHostConfirmation": "enabled"} if kind.asks_host else {},
                timeslot_interval=kind.interval,
                spots=kind.spots,
                days_into_future={"mode": "unlimited"},
                booking_limits={"perDay": kind.per_day} if kind.per_day else {},
            )
            self.types[kind] = made.id

    def order(self, kind: Kind, at: int, **fields: Any) -> Order:
        self.touched = kind
        hosts = tuple(self.hosts[place] for place in kind.hosts)
        guest = NewAttendee("guest@guests.test")
        return Order(self.types[kind], _instant(at), guest, host_ids=hosts, mode=kind.mode, **fields)

    def query(self, kind: Kind, first: int, end: int, **fields: Any) -> SlotQuery:
        hosts = tuple(self.hosts[place] for place in kind.hosts)
        return SlotQuery(self.types[kind], _instant(first), _instant(end), hosts, mode=kind.mode, **fields)

    # Steps

    @rule(kind=KIND, at=STARTS)
    def book(self, kind: Kind, at: int) -> None:
        expected = self.model.verdict(kind, at)

        got = self.tried(
            lambda conn: bookings.book(conn, actor=self.actor, order=self.order(kind, at), clock=self.clock)
        )

        self.booked(kind, at, expected, got)

    @rule(kind=KIND, pick=PICK)
    def book_a_listed_start(self, kind: Kind, pick: int) -> None:
        if listed := self.model.starts(kind, BEGIN, BEGIN + WINDOW):
            self.book(kind, listed[pick % len(listed)])

    @precondition(lambda self: self.model.groups())
    @rule(pick=PICK, holds=st.booleans())
    def take_a_seat_beside_others(self, pick: int, holds: bool) -> None:
        standing = _picked(self.model.groups(), pick)
        (self.hold if holds else self.book)(standing.kind, standing.at)

    def booked(self, kind: Kind, at: int, expected: str, got: Any) -> None:
        model = self.model
        if expected not in ("bookable", "joinable"):
            assert got == expected
        elif kind.asks_host:
            assert isinstance(got, Pending), got
            expires = min(model.now + APPROVAL_MINUTES, at)
            model.takings.append(Taking("pending", kind, at, got.provisional_booking_id, expires=expires))
        else:
            assert isinstance(got, Booked), got
            self.seated(kind, at, got.appointment_id)

    def seated(self, kind: Kind, at: int, appointment_id: UUID) -> None:
        """A booking makes an appointment, or takes a seat in the one that stands there."""
        standing = self.model.appointment(kind, at)
        if standing is None:
            self.model.takings.append(Taking("appointment", kind, at, appointment_id))
        else:
            assert standing.id == appointment_id
            standing.seats += 1

    @precondition(lambda self: self.model.of("appointment"))
    @rule(pick=PICK, at=STARTS)
    def move(self, pick: int, at: int) -> None:
        taking = _picked(self.model.of("appointment"), pick)
        self.touched = taking.kind
        over = taking.at + taking.kind.duration <= self.model.now
        expected = "already-over" if over else self.model.verdict(taking.kind, at, without=taking)

        got = self.tried(
            lambda conn: appointments.reschedule(
                conn, actor=self.actor, appointment_id=taking.id, start=_instant(at), clock=self.clock
            )
        )

        if at == taking.at and not over:
            assert got.appointment.start_at == _instant(at)
        elif expected == "bookable":
            assert got.appointment.start_at == _instant(at), got
            taking.at = at
        else:
            assert got == expected

    @precondition(lambda self: self.model.of("appointment"))
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        taking = _picked(self.model.of("appointment"), pick)
        self.touched = taking.kind

        self.do(
            lambda conn: appointments.cancel(
                conn, actor=self.actor, appointment_id=taking.id, cancel_all=True, clock=self.clock
            )
        )

        self.model.takings.remove(taking)

    @rule(kind=KIND, at=STARTS)
    def hold(self, kind: Kind, at: int) -> None:
        expected, self.touched = self.model.verdict(kind, at), kind

        query = self.query(kind, at, at + 1)
        got = self.tried(lambda conn: booking_holds.create(conn, actor=self.actor, query=query, clock=self.clock))

        if expected in ("bookable", "joinable"):
            assert isinstance(got, booking_holds.Hold), got
            self.model.takings.append(Taking("hold", kind, at, got.id, expires=self.model.now + HOLD_MINUTES))
        else:
            assert got == expected

    @precondition(lambda self: self.model.of("hold"))
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        taking = _picked(self.model.of("hold"), pick)
        self.touched = taking.kind

        self.do(lambda conn: booking_holds.release(conn, actor=self.actor, hold_id=taking.id))

        self.model.takings.remove(taking)

    @precondition(lambda self: self.model.of("hold"))
    @rule(pick=PICK)
    def book_what_is_held(self, pick: int) -> None:
        taking = _picked(self.model.of("hold"), pick)
        kind, at = taking.kind, taking.at
        alive = taking in self.model.live()
        expected = "hold-expired" if not alive else "too-soon" if at < self.model.now else "bookable"

        order = self.order(kind, at, hold_id=taking.id)
        got = self.tried(lambda conn: bookings.book(conn, actor=self.actor, order=order, clock=self.clock))

        if expected == "bookable" or not alive:
            self.model.takings.remove(taking)
        self.booked(kind, at, expected, got)

    @precondition(lambda self: self.model.of("pending"))
    @rule(pick=PICK, approves=st.booleans())
    def answer(self, pick: int, approves: bool) -> None:
        taking = _picked(self.model.of("pending"), pick)
        self.touched = taking.kind
        does: Callable[..., Awaitable[Any]] = provisional.confirm if approves else provisional.decline

        got = self.tried(lambda conn: does(conn, actor=self.actor, provisional_id=taking.id, clock=self.clock))

        self.model.takings.remove(taking)
        if taking.expires is not None and taking.expires <= self.model.now:
            assert got == "hold-expired"
        elif approves:
            self.seated(taking.kind, taking.at, got.booking.appointment_id)

    @rule(at=STARTS, length=st.sampled_from([45, 180]), opens=st.booleans())
    def exception(self, at: int, length: int, opens: bool) -> None:
        start, end = _instant(at).format_iso(), _instant(at + length).format_iso()
        new = NewException(opens, start, end)

        self.do(
            lambda conn: availability_exceptions.create(
                conn, actor=self.actor, kind="user", owner_id=None, new=new, now=self.clock()
            )
        )

        self.model.exceptions.append(AvailabilityException(opens, start, end, "own"))

    @rule(minutes=st.sampled_from([1, 4, 6, 29, 30, 61, 300, 1440]))
    def time_passes(self, minutes: int) -> None:
        if self.model.now + minutes < BEGIN + WINDOW - 600:
            self.model.now += minutes

    @rule()
    def sweep(self) -> None:
        async def swept(conn: Connection) -> None:
            await claims.sweep_old(conn, self.clock())
            await reservations.sweep(conn, self.clock())

        self.do(swept)
        self.model.takings = [
            one for one in self.model.takings if one.state != "hold" or self.model.now < (one.expires or 0) + 1440
        ]

    # What must be true after each

    @invariant()
    def claims_are_those_of_what_lives(self) -> None:
        async def stored(conn: Connection) -> set[tuple[int, int, int]]:
            cursor = await conn.execute(
                """SELECT host_no, start_at, end_at FROM claim
                WHERE company_id = %s AND (expires_at IS NULL OR expires_at > %s)""",
                (self.company_id, self.clock()),
            )
            return {
                (self.places[host_no], start.timestamp() // 60, end.timestamp() // 60)
                for host_no, start, end in await cursor.fetchall()
            }

        day_ago = self.model.now - 1440  # claims that ended so long ago may be gone
        theirs = {one for one in self.do(stored) if one[2] >= day_ago}
        assert theirs == {one for one in self.model.claims() if one[2] >= day_ago}

    @invariant()
    def listings_are_what_can_be_booked(self) -> None:
        for kind in {self.touched, KINDS[len(self.model.takings) % len(KINDS)]}:
            query = self.query(kind, BEGIN, BEGIN + WINDOW)
            listed = self.do(lambda conn, query=query: listings.listing(conn, self.company_id, query, self.clock()))
            assert listed.listing.starts == self.model.starts(kind, BEGIN, BEGIN + WINDOW), kind.name


def _instant(minute: int) -> Instant:
    return Instant.from_timestamp(minute * 60)


def _picked(takings: list[Taking], pick: int) -> Taking:
    return takings[pick % len(takings)]


def test_every_way_of_a_booking_agrees_with_the_model(conninfo: str) -> None:
    """S01: what is listed can be booked and what is refused is not listed, whatever happened before."""
    machine = type("LifeHere", (Life,), {"conninfo": conninfo})
    bounded = settings(
        max_examples=int(os.environ.get("KALENDS_LIFE_EXAMPLES", "10")),
        stateful_step_count=30,
        deadline=None,
        phases=[Phase.generate],  # shrinking lives takes minutes, and 25 steps can be read
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(machine, settings=bounded)
