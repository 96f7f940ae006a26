"""Hand-overs against bookings: of all who want a host's time exactly one has it, and nobody deadlocks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.app import App
from kalends.services import appointments, bookings, handoffs, queue_members
from kalends.services.companies import Founded
from kalends.services.handoff_candidates import Target
from kalends.services.outcomes import Booked
from kalends.services.queue_members import Changes
from tests import factories
from tests.ordering import NOW, START, clock, order
from tests.races.conftest import Race

ROUNDS = 30


async def _members(app: App, company: Founded, number: int) -> list[UUID]:
    async with app.transaction() as conn:
        return [(await factories.user(conn, company, now=NOW)).user.id for _ in range(number)]


async def _book(app: App, company: Founded, host: UUID | None, start: Instant, email: str = "a@guests.test") -> UUID:
    wanted = order(company.meeting_type_id, start, host_ids=(host,) if host else (), email=email)
    async with app.transaction() as conn:
        booked = await bookings.book(conn, actor=factories.actor(company), order=wanted, clock=clock)
    assert isinstance(booked, Booked)
    return booked.appointment_id


async def _hand(app: App, company: Founded, appointment_id: UUID, **target: UUID) -> Any:
    async with app.transaction() as conn:
        return await handoffs.hand_over(
            conn,
            actor=factories.actor(company),
            appointment_id=appointment_id,
            target=Target(**target),
            clock=clock,
        )


async def _cancel(app: App, company: Founded, appointment_id: UUID) -> Any:
    async with app.transaction() as conn:
        actor = factories.actor(company)
        return await appointments.cancel(conn, actor=actor, appointment_id=appointment_id, clock=clock)


async def _claimed(app: App, company: Founded) -> list[tuple[UUID, Instant, int]]:
    """Read each host with each start he has claimed, and how often."""
    async with app.reading() as conn:
        cursor = await conn.execute(
            """SELECT u.id, c.start_at, count(*) FROM claim c JOIN user_account u ON u.host_no = c.host_no
            WHERE c.company_id = %s GROUP BY u.id, c.start_at ORDER BY c.start_at, u.id""",
            (company.company_id,),
        )
        return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


def _starts(number: int) -> list[Instant]:
    """Give starts of 30 minutes from Wednesday 10:00 on, fourteen a day."""
    return [START.add(hours=24 * (n // 14), minutes=30 * (n % 14)) for n in range(number)]


async def test_a_handover_against_bookings_of_the_new_host_has_one_winner(
    crowd: App, company: Founded, race: Race
) -> None:
    """Some tens of rounds: either the appointment has moved to him, or a guest has his time."""
    (host,) = await _members(crowd, company, 1)
    starts = _starts(ROUNDS)

    for start in starts:
        appointment = await _book(crowd, company, None, start)
        ends = await race(
            [
                _hand(crowd, company, appointment, user_id=host),
                *(_book(crowd, company, host, start, f"guest{n}@guests.test") for n in range(3)),
            ]
        )
        assert ends == {"won": 1, "slot-occupied": 3}

    claimed = await _claimed(crowd, company)
    assert [count for _, _, count in claimed] == [1] * len(claimed)
    assert [start for one, start, _ in claimed if one == host] == starts


async def test_two_handovers_of_one_appointment_leave_it_with_one_host(
    crowd: App, company: Founded, race: Race
) -> None:
    one, two = await _members(crowd, company, 2)

    for start in _starts(8):
        appointment = await _book(crowd, company, None, start)
        ends = await race(_hand(crowd, company, appointment, user_id=to) for to in (one, two, one, two))
        assert ends["won"] >= 1
        assert set(ends) <= {"won", "already-host", "changed-meanwhile"}

    claimed = await _claimed(crowd, company)
    assert [(start, count) for _, start, count in claimed] == [(start, 1) for start in _starts(8)]


async def test_two_hosts_who_exchange_appointments_never_deadlock(crowd: App, company: Founded, race: Race) -> None:
    """Each takes over the other's, at the same start: nobody is free, and neither waits for the other for ever."""
    one, two, three = await _members(crowd, company, 3)

    for start in _starts(8):
        first, second = [await _book(crowd, company, host, start) for host in (one, two)]
        ends = await race(
            [
                _hand(crowd, company, first, user_id=two),
                _hand(crowd, company, second, user_id=one),
                _hand(crowd, company, first, user_id=three),
                _cancel(crowd, company, second),
            ]
        )
        assert set(ends) <= {"won", "slot-occupied", "already-cancelled", "changed-meanwhile"}
        assert ends["won"] >= 2
        await _cancel(crowd, company, second)  # once more, as who met the handover does; else nothing changes

    claimed = await _claimed(crowd, company)
    assert [(start, count) for _, start, count in claimed] == [(start, 1) for start in _starts(8)]


async def test_a_queue_hands_over_and_books_at_once_and_counts_right(crowd: App, company: Founded, race: Race) -> None:
    """Three members, three bookings of one start with one of them handed over: each host once, each choice once."""
    members = await _members(crowd, company, 3)
    async with crowd.transaction() as conn:
        view = await queue_members.update(
            conn,
            actor=factories.actor(company),
            meeting_type_id=company.meeting_type_id,
            changes=Changes(shares=[(member, 1) for member in members]),
            now=NOW,
        )

    for start in _starts(8):
        appointment = await _book(crowd, company, None, start)
        ends = await race(
            [
                _hand(crowd, company, appointment, queue_id=view.queue.id),
                *(_book(crowd, company, None, start, f"guest{n}@guests.test") for n in range(2)),
                _hand(crowd, company, appointment, queue_id=view.queue.id),
            ]
        )
        assert set(ends) <= {"won", "slot-occupied", "changed-meanwhile", "cap-reached"}
        assert ends["won"] >= 2

    async with crowd.reading() as conn:
        cursor = await conn.execute(
            """SELECT (SELECT count(*) FROM queue_choice c WHERE c.queue_id = %(queue)s AND c.live),
                (SELECT count(*) FROM queue_choice c WHERE c.queue_id = %(queue)s AND c.live AND NOT EXISTS (
                    SELECT FROM appointment_host h WHERE h.appointment_id = c.appointment_id
                        AND h.user_id = c.member_id AND h.position = 0)),
                (SELECT count(*) FROM appointment WHERE company_id = %(company)s AND queue_id = %(queue)s)""",
            {"queue": view.queue.id, "company": company.company_id},
        )
        row = await cursor.fetchone()
    assert row
    live, wrong, booked = row
    assert (live, wrong) == (booked, 0)
    assert [count for _, _, count in await _claimed(crowd, company)] == [1] * booked
