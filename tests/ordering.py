"""Orders and guests for tests of bookings."""

from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.services import appointments, bookings, changes, listings
from kalends.services.actor import Actor
from kalends.services.companies import Founded
from kalends.services.orders import NewAttendee, Order
from kalends.services.outcomes import Booked
from kalends.services.slot_queries import SlotQuery
from kalends.storage import events
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection

# A Monday, 10:00 in Berlin.
NOW = Instant("2031-03-03T09:00:00Z")
# The Wednesday after: 10:00 in Berlin.
START = Instant("2031-03-05T09:00:00Z")


def clock() -> Instant:
    """Stand still at NOW."""
    return NOW


def order(
    meeting_type_id: UUID, start: Instant = START, *, email: str | None = "guest@guests.test", **fields: Any
) -> Order:
    """Order one start for one guest; `fields` are those of Order and NewAttendee."""
    guest = {name: fields.pop(name) for name in NewAttendee.__dataclass_fields__ if name in fields}
    return Order(meeting_type_id, start, NewAttendee(email, **guest), **fields)


async def book(conn: Connection, actor: Actor, wanted: Order) -> Booked:
    """Book at NOW what nobody has to confirm."""
    done = await bookings.book(conn, actor=actor, order=wanted, clock=clock)
    assert isinstance(done, Booked)
    return done


async def booked(conn: Connection, actor: Actor, wanted: Order) -> Appointment:
    """Book at NOW and read the appointment; whatever was booked, its event says what is stored."""
    done = await book(conn, actor, wanted)
    stored = await appointments.get(conn, actor=actor, appointment_id=done.appointment_id)
    told = await events.newest(conn, actor.company_id, [stored.id])
    assert told[stored.id].snapshot == changes.snapshot(stored)
    return stored


async def listed(
    conn: Connection, company: Founded, meeting_type_id: UUID, *, days: int = 7, **fields: Any
) -> list[int]:
    """List the starts from NOW on, in epoch minutes; `fields` are those of SlotQuery."""
    query = SlotQuery(meeting_type_id, NOW, NOW.add(hours=24 * days), **fields)
    return (await listings.listing(conn, company.company_id, query, NOW)).listing.starts
