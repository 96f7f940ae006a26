"""What crowds race for, and how many of them must win: never more, never fewer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.services import companies, meeting_types, queue_members, users
from kalends.services.actor import Actor
from kalends.services.orders import NewAttendee, Order
from kalends.services.users import NewUser
from kalends.storage.database import Connection

from .race_crowd import NOW, Call, Outcome, perform

FIRST = Instant("2031-03-10T00:00:00Z")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS = {day: {"enabled": True, "hours": [{"start": "00:00", "end": "24:00"}]} for day in DAYS}
CLIENTS = 20
GUEST = NewAttendee("guest@race.test")


@dataclass
class House:
    """A company whose hosts can be met at any hour, any day."""

    company_id: UUID
    actor: Actor
    hosts: list[UUID]

    async def meeting_type(self, conn: Connection, **fields: Any) -> UUID:
        """Offer one more thing, an hour long unless said otherwise."""
        columns = {
            "meeting_info": {"name": "Race", "duration": 60},
            "days_into_future": {"mode": "unlimited"},
            "timeslot_interval": 15,
            **fields,
        }
        made = await meeting_types.add(
            conn, company_id=self.company_id, user_id=self.hosts[0], created_by=None, fields=columns, now=NOW
        )
        return made.id


async def house(conn: Connection, hosts: int) -> House:
    """Make a company with so many hosts."""
    name = uuid4().hex[:12]
    founded = await companies.create(
        conn,
        company="Race",
        email="host0@race.test",
        given_name="Ada",
        family_name=f"Race {name}",
        timezone="UTC",
        now=NOW,
    )
    actor = Actor(company_id=founded.company_id, user_id=founded.user_id, is_admin=True, via="key")
    found = [founded.user_id]
    for number in range(1, hosts):
        new = NewUser(email=f"host{number}@race.test", given_name="Ben", family_name=f"Race {name}{number}")
        found.append((await users.create(conn, actor=actor, new=new, now=NOW)).user.id)
    await conn.execute(
        "UPDATE availability SET timezone = 'UTC', schedule = %s WHERE company_id = %s",
        (Jsonb(ALWAYS), founded.company_id),
    )
    return House(founded.company_id, actor, found)


class Scenario(ABC):
    """One race, run in rounds, each on time of its own.

    Attributes:
        name: in the table.
        hosts: how many the company has.
    """

    name: ClassVar[str]
    hosts: ClassVar[int] = 1
    kind: UUID
    house: House

    async def prepare(self, conn: Connection) -> None:
        """Make what all rounds share."""
        self.house = await house(conn, self.hosts)
        self.kind = await self.house.meeting_type(conn)

    @abstractmethod
    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        """Make what one round needs, and say who does what at once."""

    async def wrong(self, conn: Connection, number: int, ends: Sequence[Outcome]) -> str:
        """Say what is wrong with the outcomes of a round; nothing: an empty text."""
        return self.must_win(ends, 1)

    def start(self, number: int) -> Instant:
        """Give the start of a round; rounds are a day apart."""
        return FIRST.add(hours=24 * number)

    def order(self, start: Instant, guest: int = 0, **fields: Any) -> Order:
        """Order one start for one guest."""
        return Order(self.kind, start, replace(GUEST, email=f"guest{guest}@race.test"), **fields)

    def book(self, start: Instant, guest: int = 0, **fields: Any) -> Call:
        """Book one start for one guest."""
        return Call("book", self.house.actor, self.order(start, guest, **fields))

    async def booked(self, conn: Connection, start: Instant, guest: int = 0, **fields: Any) -> UUID:
        """Book before the race."""
        made = await perform(conn, self.book(start, guest, **fields))
        assert made
        return made

    def must_win(self, ends: Sequence[Outcome], wanted: int) -> str:
        """Hold the number of winners to the one wanted."""
        won = sum(end.won for end in ends)
        return "" if won == wanted else f"{won} of {len(ends)} won, not {wanted}"


class EqualStarts(Scenario):
    name = "one host, equal starts"

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        return [self.book(self.start(number), guest) for guest in range(CLIENTS)]


class OverlappingLengths(Scenario):
    name = "one host, overlapping lengths"

    async def prepare(self, conn: Connection) -> None:
        self.house = await house(conn, 1)
        options = {"allowedDurations": [15, 30, 60]}
        self.kind = await self.house.meeting_type(conn, meeting_options=options)

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        return [
            self.book(self.start(number).add(minutes=15 * late), length, duration=length)
            for late in range(5)
            for length in (60, 30, 15)
        ]

    async def wrong(self, conn: Connection, number: int, ends: Sequence[Outcome]) -> str:
        won = [_span(end.call) for end in ends if end.won]
        lost = [_span(end.call) for end in ends if not end.won]
        if any(one is not other and _meet(one, other) for one in won for other in won):
            return "two winners overlap"
        return "" if all(any(_meet(one, other) for other in won) for one in lost) else "refused without a reason"


def _span(call: Call) -> tuple[Instant, Instant]:
    assert call.order
    return call.order.start, call.order.start.add(minutes=call.order.duration or 60)


def _meet(one: tuple[Instant, Instant], other: tuple[Instant, Instant]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


class Collective(Scenario):
    name = "collective, any two pairs share a host"
    hosts = 3

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        a, b, c = self.house.hosts
        pairs = [(a, b), (b, a), (b, c), (c, b), (c, a), (a, c), (a, b, c), (c, b, a)]
        return [
            self.book(self.start(number), guest, host_ids=pairs[guest % len(pairs)], mode="everyone")
            for guest in range(16)
        ]


class Queue(Scenario):
    name = "queue, 3 of 5 hosts free"
    hosts = 5
    queue_id: UUID

    async def prepare(self, conn: Connection) -> None:
        await super().prepare(conn)
        changes = queue_members.Changes(shares=[(user, 1) for user in self.house.hosts])
        made = await queue_members.update(
            conn, actor=self.house.actor, meeting_type_id=self.kind, changes=changes, now=NOW
        )
        self.queue_id = made.queue.id

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        for busy in range(2):
            await self.booked(conn, self.start(number), busy, host_ids=(self.house.hosts[(number + busy) % 5],))
        return [self.book(self.start(number), guest, queue_id=self.queue_id) for guest in range(8)]

    async def wrong(self, conn: Connection, number: int, ends: Sequence[Outcome]) -> str:
        row = await (
            await conn.execute(
                """SELECT count(DISTINCT h.user_id), count(*) FROM appointment_host h
                WHERE h.company_id = %s AND h.start_at = %s AND h.live""",
                (self.house.company_id, self.start(number)),
            )
        ).fetchone()
        return self.must_win(ends, 3) or ("" if row == (5, 5) else f"hosts and appointments: {row}")


class Seats(Scenario):
    name = "group of 5 seats, 10 guests"

    async def prepare(self, conn: Connection) -> None:
        self.house = await house(conn, 1)
        self.kind = await self.house.meeting_type(conn, spots=5)

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        return [self.book(self.start(number), guest) for guest in range(10)]

    async def wrong(self, conn: Connection, number: int, ends: Sequence[Outcome]) -> str:
        made = {end.made for end in ends if end.won}
        return self.must_win(ends, 5) or ("" if len(made) == 1 else f"{len(made)} appointments")


class HoldAgainstBooking(Scenario):
    name = "hold against booking"

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        start = self.start(number)
        holds = [Call("hold", self.house.actor, self.order(start, guest)) for guest in range(5)]
        return [call for pair in zip(holds, [self.book(start, 9) for _ in range(5)], strict=True) for call in pair]


class TwoMoves(Scenario):
    name = "two moves to one start"

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        start = self.start(number)
        made = [await self.booked(conn, start.add(hours=hour)) for hour in (2, 4)]
        return [Call("move", self.house.actor, target=one, start=start) for one in made]


class ApproveAgainstBook(Scenario):
    name = "approve against book, the claim at its end"

    async def prepare(self, conn: Connection) -> None:
        self.house = await house(conn, 1)
        options = {"requireHostConfirmation": "enabled"}
        self.asking = await self.house.meeting_type(conn, meeting_options=options)
        self.kind = await self.house.meeting_type(conn)

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        start = self.start(number)
        pending = await perform(
            conn, Call("book", self.house.actor, replace(self.order(start), meeting_type_id=self.asking))
        )
        row = await (
            await conn.execute("SELECT expires_at FROM provisional_booking WHERE id = %s", (pending,))
        ).fetchone()
        assert row
        # Clocks of different machines: who approves stands before the end, who books behind it.
        early, late = row[0].subtract(seconds=1), row[0].add(seconds=1)
        approvals = [Call("confirm", self.house.actor, target=pending, at=early) for _ in range(2)]
        return approvals + [replace(self.book(start, guest), at=late) for guest in range(6)]

    async def wrong(self, conn: Connection, number: int, ends: Sequence[Outcome]) -> str:
        approved = any(end.won for end in ends if end.call.what == "confirm")
        booked = sum(end.won for end in ends if end.call.what == "book")
        return "" if approved + booked == 1 else f"approved: {approved}, booked: {booked}"


class CapOfOne(Scenario):
    name = "a cap of 1 a day, two hosts"
    hosts = 2

    async def prepare(self, conn: Connection) -> None:
        self.house = await house(conn, 2)
        self.kind = await self.house.meeting_type(conn, booking_limits={"perDay": 1})

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        return [
            self.book(self.start(number).add(hours=guest % 3), guest, host_ids=(self.house.hosts[guest % 2],))
            for guest in range(12)
        ]


class CancelAgainstJoin(Scenario):
    name = "cancel against join, 2 seats"

    async def prepare(self, conn: Connection) -> None:
        self.house = await house(conn, 1)
        self.kind = await self.house.meeting_type(conn, spots=2)

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        start = self.start(number)
        standing = await self.booked(conn, start)
        joins = [self.book(start, guest) for guest in range(1, 4)]
        return [joins[0], Call("cancel", self.house.actor, target=standing), *joins[1:]]

    async def wrong(self, conn: Connection, number: int, ends: Sequence[Outcome]) -> str:
        row = await (
            await conn.execute(
                """SELECT count(DISTINCT a.id), count(*) FROM appointment a JOIN attendee g
                    ON g.company_id = a.company_id AND g.appointment_id = a.id AND g.cancelled_at IS NULL
                WHERE a.company_id = %s AND a.start_at = %s AND a.cancelled_at IS NULL""",
                (self.house.company_id, self.start(number)),
            )
        ).fetchone()
        assert row
        cancelled = all(end.won for end in ends if end.call.what == "cancel")
        joined = sum(end.won for end in ends if end.call.what == "book")
        sound = cancelled and 1 <= joined <= 3 and row[0] <= 1 and row[1] <= 2
        return "" if sound else f"cancelled: {cancelled}, joined: {joined}, appointments and seats: {row}"


class HandOverAgainstBooking(Scenario):
    name = "hand-over against booking"
    hosts = 2

    async def lay_out(self, conn: Connection, number: int) -> list[Call]:
        start, (first, second) = self.start(number), self.house.hosts
        standing = await self.booked(conn, start, host_ids=(first,))
        hand_over = Call("hand over", self.house.actor, target=standing, user_id=second)
        return [hand_over, *(self.book(start, guest, host_ids=(second,)) for guest in range(4))]


ALL: tuple[type[Scenario], ...] = (
    EqualStarts,
    OverlappingLengths,
    Collective,
    Queue,
    Seats,
    HoldAgainstBooking,
    TwoMoves,
    ApproveAgainstBook,
    CapOfOne,
    CancelAgainstJoin,
    HandOverAgainstBooking,
)
