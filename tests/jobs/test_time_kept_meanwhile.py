"""What hosts' calendars get while time is kept, as a hold or until somebody confirms: told once it is booked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from kalends.services import booking_holds, bookings, provisional_bookings
from kalends.services.orders import NewAttendee, Order
from kalends.services.outcomes import Booked, Pending
from kalends.services.slot_queries import SlotQuery
from tests import factories
from tests.conftest import Outbox
from tests.fakes.memory_calendar import WORK
from tests.jobs.host_calendar import HostCalendar, half_hour, of_owner
from tests.jobs.stage import NOW, TUESDAY, Stage


@pytest.fixture
async def calendar(stage: Stage) -> HostCalendar:
    return await of_owner(stage)


async def _kind(stage: Stage, **fields: Any) -> UUID:
    async with stage.app.transaction() as conn:
        return (await factories.meeting_type(conn, stage.founded, now=NOW, **fields)).id


async def _book(stage: Stage, kind: UUID, **fields: Any) -> Booked | Pending:
    order = Order(kind, TUESDAY, NewAttendee(stage.guest, full_name="Jo Lee"), **fields)
    async with stage.app.transaction() as conn:
        return await bookings.book(conn, actor=stage.actor, order=order, clock=stage.clock)


async def _hold(stage: Stage, kind: UUID) -> UUID:
    query = SlotQuery(kind, TUESDAY, TUESDAY.add(minutes=1))
    async with stage.app.transaction() as conn:
        return (await booking_holds.create(conn, actor=stage.actor, query=query, clock=stage.clock)).id


async def _confirmed_later(stage: Stage, meanwhile: Callable[[], Awaitable[object]]) -> UUID:
    pending = await _book(stage, await _kind(stage, meeting_options={"requireHostConfirmation": "enabled"}))
    assert isinstance(pending, Pending)
    await meanwhile()
    async with stage.app.transaction() as conn:
        done = await provisional_bookings.confirm(
            conn, actor=stage.actor, provisional_id=pending.provisional_booking_id, clock=stage.clock
        )
    assert done.booking.appointment_id
    return done.booking.appointment_id


async def _held_before(stage: Stage, meanwhile: Callable[[], Awaitable[object]]) -> UUID:
    kind = await _kind(stage)
    hold_id = await _hold(stage, kind)
    await meanwhile()
    booked = await _book(stage, kind, hold_id=hold_id)
    assert isinstance(booked, Booked)
    return booked.appointment_id


async def _beside_a_held_seat(stage: Stage, meanwhile: Callable[[], Awaitable[object]]) -> UUID:
    kind = await _kind(stage, spots=3)
    await _hold(stage, kind)
    await meanwhile()
    booked = await _book(stage, kind)
    assert isinstance(booked, Booked)
    return booked.appointment_id


@pytest.mark.parametrize("book", [_confirmed_later, _held_before, _beside_a_held_seat])
async def test_an_event_that_came_while_the_time_was_kept_is_told_once_it_is_booked(
    calendar: HostCalendar, outbox: Outbox, book: Callable[[Stage, Callable[[], Awaitable[object]]], Awaitable[UUID]]
) -> None:
    stage = calendar.stage

    async def meanwhile() -> None:
        calendar.remote.add(*half_hour(TUESDAY.add(minutes=15)))
        calendar.remote.add(*half_hour(TUESDAY.add(minutes=30)))  # after it
        await calendar.read(minutes=1)

    appointment_id = await book(stage, meanwhile)
    calendar.remote.forget_tokens()
    await calendar.read(minutes=1)
    await stage.work()

    (found,) = await calendar.events()
    assert found == {
        "revision": 1,
        "connectionId": str(calendar.connection_id),
        "userId": str(stage.founded.user_id),
        "provider": "caldav",
        "email": "ada@acme.test",
        "calendarId": found["calendarId"],
        "reason": "overlap",
        "code": None,
        "appointmentId": str(appointment_id),
        "start": "2031-03-11T09:15:00Z",
        "end": "2031-03-11T09:45:00Z",
        "appointmentStart": "2031-03-11T09:00:00Z",
        "appointmentEnd": "2031-03-11T09:30:00Z",
    }
    assert calendar.mails(outbox.mails, "An event overlaps a booking") == 1


async def test_what_does_not_block_a_type_is_not_told_of_either(calendar: HostCalendar) -> None:
    """One calendar blocks it, and the event stands in the other one of the host."""
    stage = calendar.stage
    await calendar.select(WORK)
    await calendar.read(minutes=1)
    ((own_id,),) = await stage.rows("SELECT id FROM calendar WHERE connection_id = %s AND is_primary",
                                    calendar.connection_id)  # fmt: skip
    calendar.remote.add(*half_hour(TUESDAY), WORK)
    await calendar.read(minutes=1)
    kind = await _kind(stage, meeting_options={"calendarIds": [str(own_id)]})
    hold_id = await _hold(stage, kind)

    await _book(stage, kind, hold_id=hold_id)

    assert await calendar.events() == []
