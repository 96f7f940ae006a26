"""Races about provisional bookings: one change, whoever decides, and never a second booking of the same time."""

import asyncio
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.app import App
from kalends.services import bookings, provisional_bookings, provisional_views
from kalends.services.actor import Actor
from kalends.services.companies import Founded
from kalends.services.orders import Order
from kalends.services.outcomes import Pending
from tests import factories
from tests.ordering import NOW, START, clock, order
from tests.races.conftest import Race


async def _kind(app: App, company: Founded, **options: str) -> UUID:
    async with app.transaction() as conn:
        return (await factories.meeting_type(conn, company, meeting_options=options)).id


async def _book(app: App, actor: Actor, wanted: Order, now: Instant = NOW) -> Any:
    async with app.transaction() as conn:
        return await bookings.book(conn, actor=actor, order=wanted, clock=lambda: now)


async def _waiting(app: App, actor: Actor, wanted: Order) -> UUID:
    outcome = await _book(app, actor, wanted)
    assert isinstance(outcome, Pending)
    return outcome.provisional_booking_id


async def _confirm(app: App, actor: Actor, provisional_id: UUID, now: Instant = NOW) -> Any:
    async with app.transaction() as conn:
        return await provisional_bookings.confirm(conn, actor=actor, provisional_id=provisional_id, clock=lambda: now)


async def _decline(app: App, actor: Actor, provisional_id: UUID) -> Any:
    async with app.transaction() as conn:
        return await provisional_bookings.decline(conn, actor=actor, provisional_id=provisional_id, clock=clock)


async def _expire(app: App, actor: Actor, provisional_id: UUID, now: Instant) -> Any:
    async with app.transaction() as conn:
        return await provisional_bookings.expire(
            conn, company_id=actor.company_id, provisional_id=provisional_id, clock=lambda: now
        )


async def _left_behind(app: App, company: Founded) -> dict[str, int]:
    """Count live appointments, claims by owner, and events of each kind."""
    async with app.reading() as conn:
        cursor = await conn.execute(
            """SELECT 'appointments', count(*) FROM appointment WHERE company_id = %(c)s AND cancelled_at IS NULL
            UNION ALL SELECT 'booked', count(*) FROM claim WHERE company_id = %(c)s AND appointment_id IS NOT NULL
            UNION ALL SELECT 'reserved', count(*) FROM claim WHERE company_id = %(c)s AND reservation_id IS NOT NULL
            UNION ALL SELECT kind, count(*) FROM event WHERE company_id = %(c)s GROUP BY kind""",
            {"c": company.company_id},
        )
        return {row[0]: row[1] for row in await cursor.fetchall() if row[1]}


async def test_two_approvals_are_one_change(crowd: App, company: Founded) -> None:
    """Case C05."""
    actor, kind = factories.actor(company), await _kind(crowd, company, requireHostConfirmation="enabled")
    rounds = 8

    for number in range(rounds):
        waiting = await _waiting(crowd, actor, order(kind, START.add(minutes=30 * number)))
        done = await asyncio.gather(*(_confirm(crowd, actor, waiting) for _ in range(6)))
        assert len({(one.booking.appointment_id, one.secret) for one in done}) == 1

    assert await _left_behind(crowd, company) == {
        "appointments": rounds, "booked": rounds,
        "provisional_created": rounds, "provisional_confirmed": rounds, "booking_created": rounds,
    }  # fmt: skip


async def test_an_approval_against_a_decline_has_one_winner(crowd: App, company: Founded, race: Race) -> None:
    actor, kind = factories.actor(company), await _kind(crowd, company, requireHostConfirmation="enabled")
    rounds, approved = 8, 0

    for number in range(rounds):
        waiting = await _waiting(crowd, actor, order(kind, START.add(minutes=30 * number)))
        ends = await race(decide(crowd, actor, waiting) for decide in (_confirm, _decline)[:: 1 if number % 2 else -1])
        assert set(ends) <= {"won", "already-confirmed", "already-declined"}
        assert ends["won"] == 1
        approved += ends["already-confirmed"]

    left = await _left_behind(crowd, company)
    assert (left.get("appointments", 0), left.get("booked", 0), left.get("reserved", 0)) == (approved, approved, 0)
    assert left.get("provisional_declined", 0) == rounds - approved


async def test_an_approval_against_bookings_never_books_twice(crowd: App, company: Founded, race: Race) -> None:
    """While the time is kept nobody else gets it; afterwards one does, and the approval comes too late."""
    actor, kind = factories.actor(company), await _kind(crowd, company, requireHostConfirmation="enabled")
    rounds = 10

    for number in range(rounds):
        start = START.add(minutes=30 * number)
        waiting = await _waiting(crowd, actor, order(kind, start))
        expired = NOW.add(hours=24)
        now = expired if number % 2 else expired.subtract(seconds=1)
        others = (_book(crowd, actor, order(company.meeting_type_id, start), now) for _ in range(6))

        ends = await race([_confirm(crowd, actor, waiting, now), *others])

        assert ends == {"won": 1, "slot-occupied": 5 if number % 2 else 6} | ({"hold-expired": 1} if number % 2 else {})

    left = await _left_behind(crowd, company)
    assert (left["appointments"], left["booked"], left.get("reserved", 0)) == (rounds, rounds, 0)
    assert left["provisional_confirmed"] == rounds // 2


async def test_an_approval_against_the_expiry_ends_in_one_of_them(crowd: App, company: Founded, race: Race) -> None:
    """Clocks of two machines differ: one still approves what the other one ends."""
    actor, kind = factories.actor(company), await _kind(crowd, company, requireHostConfirmation="enabled")
    rounds = 8

    for number in range(rounds):
        waiting = await _waiting(crowd, actor, order(kind, START.add(minutes=30 * number)))
        over = NOW.add(hours=24)
        attempts = [_confirm(crowd, actor, waiting, over.subtract(seconds=1)), _expire(crowd, actor, waiting, over)]
        await race(attempts[:: 1 if number % 2 else -1])

    left = await _left_behind(crowd, company)
    confirmed = left.get("provisional_confirmed", 0)
    assert confirmed + left.get("provisional_expired", 0) == rounds
    assert left.get("appointments", 0) == left.get("booked", 0) == confirmed
    assert left.get("reserved", 0) == 0


async def test_a_guest_who_presses_twice_is_booked_once(crowd: App, company: Founded) -> None:
    kind = await _kind(crowd, company, doubleOptIn="enabled")
    visitor = Actor(company.company_id, None, False, "page", client="198.51.100.7")
    waiting = await _waiting(crowd, visitor, order(kind))

    async def press() -> Any:
        async with crowd.transaction() as conn:
            cursor = await conn.execute("SELECT guest_secret FROM provisional_booking WHERE id = %s", (waiting,))
            row = await cursor.fetchone()
            assert row
            view = await provisional_views.opened_by(conn, waiting, row[0], NOW)
            return await provisional_bookings.prove(conn, view=view, clock=clock)

    done = await asyncio.gather(*(press() for _ in range(6)))

    assert len({(one.booking.appointment_id, one.secret) for one in done}) == 1
    assert (await _left_behind(crowd, company))["booking_created"] == 1
