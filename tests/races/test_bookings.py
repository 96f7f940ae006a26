"""Races over real connections: never more winners than there is time for, never fewer, and no deadlock."""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.app import App, DatabaseBusy
from kalends.errors import DomainError
from kalends.services import appointments, bookings, users
from kalends.services.actor import Actor
from kalends.services.bookings import Booked
from kalends.services.companies import Founded
from kalends.services.orders import Order
from tests import factories
from tests.ordering import NOW, START, clock, order
from tests.races.conftest import CLIENTS, Race


async def _kind(app: App, company: Founded, **fields: Any) -> UUID:
    async with app.transaction() as conn:
        return (await factories.meeting_type(conn, company, **fields)).id


async def _book(app: App, actor: Actor, wanted: Order) -> Booked:
    async with app.transaction() as conn:
        return await bookings.book(conn, actor=actor, order=wanted, clock=clock)


async def _cancel(app: App, actor: Actor, appointment_id: UUID) -> Any:
    async with app.transaction() as conn:
        return await appointments.cancel(conn, actor=actor, appointment_id=appointment_id, clock=clock)


async def _move(app: App, actor: Actor, appointment_id: UUID, start: Instant) -> Any:
    async with app.transaction() as conn:
        return await appointments.reschedule(conn, actor=actor, appointment_id=appointment_id, start=start, clock=clock)


async def _spans(app: App, company: Founded) -> list[tuple[Instant, Instant]]:
    async with app.reading() as conn:
        cursor = await conn.execute(
            """SELECT a.start_at, a.end_at FROM appointment a WHERE a.company_id = %s AND a.cancelled_at IS NULL
            ORDER BY a.start_at""",
            (company.company_id,),
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def _left_behind(app: App, company: Founded) -> tuple[int, ...]:
    """Count live appointments, claims, events and jobs of a company."""
    async with app.reading() as conn:
        cursor = await conn.execute(
            """SELECT (SELECT count(*) FROM appointment WHERE company_id = %(c)s AND cancelled_at IS NULL),
                (SELECT count(*) FROM claim WHERE company_id = %(c)s),
                (SELECT count(*) FROM event WHERE company_id = %(c)s),
                (SELECT count(*) FROM procrastinate_jobs j JOIN event e ON (j.args->>'event_id')::bigint = e.id
                 WHERE e.company_id = %(c)s)""",
            {"c": company.company_id},
        )
        row = await cursor.fetchone()
        assert row
        return tuple(row)


async def test_of_twenty_guests_at_one_start_exactly_one_wins(crowd: App, company: Founded, race: Race) -> None:
    """C01: one is stored, with one event and one job; the others are told that the slot is taken."""
    actor = factories.actor(company)
    rounds = 12

    for number in range(rounds):
        start = START.add(minutes=30 * number)
        ends = await race(
            _book(crowd, actor, order(company.meeting_type_id, start, email=f"guest{n}@guests.test"))
            for n in range(CLIENTS)
        )
        assert ends == {"won": 1, "slot-occupied": CLIENTS - 1}

    assert await _left_behind(crowd, company) == (rounds, rounds, rounds, rounds)


async def test_of_overlapping_lengths_no_two_that_overlap_are_accepted(
    crowd: App, company: Founded, race: Race
) -> None:
    """C02: 60, 30 and 15 minutes at once, from starts that overlap partly; and what still fits is not refused."""
    actor = factories.actor(company)
    kind = await _kind(
        crowd,
        company,
        meeting_info={"duration": 15},
        meeting_options={"allowedDurations": [15, 30, 60]},
        timeslot_interval=15,
    )

    for day in (0, 24, 48):
        attempts = [
            _book(crowd, actor, order(kind, START.add(hours=day, minutes=15 * late), duration=length))
            for late in range(4)
            for length in (60, 30, 15)
        ]
        ends = await race(attempts)
        assert set(ends) <= {"won", "slot-occupied"}
        assert ends["won"] >= 1

    spans = await _spans(crowd, company)
    assert all(end <= later for (_, end), (later, _) in pairwise(spans))
    free = [
        START.add(minutes=15 * late)
        for late in range(7)
        if all(
            START.add(minutes=15 * late + 15) <= start or end <= START.add(minutes=15 * late) for start, end in spans
        )
    ]
    assert (await race(_book(crowd, actor, order(kind, start)) for start in free))["won"] == len(free)


async def test_hosts_in_opposite_order_never_deadlock(crowd: App, company: Founded, race: Race) -> None:
    """Design section 4: all hosts are locked by their number, whatever order they are named in."""
    actor = factories.actor(company)
    async with crowd.transaction() as conn:
        members = [(await factories.user(conn, company, now=NOW)).user.id for _ in range(2)]
    hosts = (company.user_id, *members)

    for number in range(8):
        start = START.add(minutes=30 * number)
        ends = await race(
            _book(
                crowd,
                actor,
                order(company.meeting_type_id, start, host_ids=hosts[:: 1 if n % 2 else -1], mode="everyone"),
            )
            for n in range(10)
        )
        assert ends == {"won": 1, "slot-occupied": 9}


async def test_two_moves_to_one_start_have_one_winner(crowd: App, company: Founded, race: Race) -> None:
    """C16: whoever loses stays where he is."""
    actor = factories.actor(company)

    for day in (0, 24, 48):
        first, second, target = (START.add(hours=day + hour) for hour in (0, 1, 2))
        one = await _book(crowd, actor, order(company.meeting_type_id, first))
        other = await _book(crowd, actor, order(company.meeting_type_id, second))
        ends = await race(
            _move(crowd, actor, booked.appointment_id, target) for booked in (one, other) for _ in range(3)
        )
        # The winner may be asked to move to where it already is, which changes nothing.
        assert ends["won"] + ends["slot-occupied"] == 6
        assert ends["slot-occupied"] == 3

    spans = await _spans(crowd, company)
    for day in (0, 24, 48):
        starts = {start for start, _ in spans} & {START.add(hours=day + hour) for hour in (0, 1, 2)}
        assert len(starts) == 2
        assert START.add(hours=day + 2) in starts


async def test_two_appointments_that_change_places_never_deadlock(crowd: App, company: Founded, race: Race) -> None:
    actor = factories.actor(company)
    async with crowd.transaction() as conn:
        member = (await factories.user(conn, company, now=NOW)).user.id
    pairs = [(company.user_id, member), (member, company.user_id)]
    made = [
        await _book(
            crowd,
            actor,
            order(company.meeting_type_id, START.add(hours=n), host_ids=pairs[n], mode="everyone"),
        )
        for n in range(2)
    ]

    for _ in range(5):
        ends = await race(
            _move(crowd, actor, booked.appointment_id, START.add(hours=hour))
            for booked in made
            for hour in (0, 1, 3, 4)
        )
        assert set(ends) <= {"won", "slot-occupied"}

    live, claims, *_ = await _left_behind(crowd, company)
    assert (live, claims) == (2, 4)


async def test_booking_against_cancelling_never_books_twice_nor_deadlocks(crowd: App, company: Founded) -> None:
    actor = factories.actor(company)
    standing = await _book(crowd, actor, order(company.meeting_type_id))

    for _ in range(10):
        ends = await asyncio.gather(
            _cancel(crowd, actor, standing.appointment_id),
            *(_book(crowd, actor, order(company.meeting_type_id)) for _ in range(6)),
            return_exceptions=True,
        )
        won = [end for end in ends if isinstance(end, Booked)]
        assert len(won) <= 1
        assert {end.code for end in ends if isinstance(end, DomainError)} <= {"slot-occupied"}
        live, claims, *_ = await _left_behind(crowd, company)
        assert live == claims == len(won)
        standing = won[0] if won else await _book(crowd, actor, order(company.meeting_type_id))


async def test_a_cap_of_one_holds_over_two_hosts(crowd: App, company: Founded, race: Race) -> None:
    """Design section 4: a type with a cap is locked before its hosts."""
    actor = factories.actor(company)
    async with crowd.transaction() as conn:
        member = (await factories.user(conn, company, now=NOW)).user.id
    kind = await _kind(crowd, company, booking_limits={"perDay": 1})

    for day in (0, 24, 48):
        ends = await race(
            _book(crowd, actor, order(kind, START.add(hours=day + n % 3), host_ids=(host,)))
            for n, host in enumerate([company.user_id, member] * 5)
        )
        assert ends["won"] == 1
        assert set(ends) <= {"won", "cap-reached", "slot-occupied"}


async def test_a_form_sent_twice_at_once_books_once(crowd: App, company: Founded) -> None:
    """Both answers show the first one's booking, never that the slot is taken."""
    actor = factories.actor(company)

    for number in range(6):
        wanted = order(company.meeting_type_id, START.add(minutes=30 * number), nonce=uuid4())
        answers = await asyncio.gather(*(_book(crowd, actor, wanted) for _ in range(4)))
        assert len(set(answers)) == 1

    assert (await _left_behind(crowd, company))[0] == 6


async def test_a_host_held_too_long_answers_busy_and_applies_nothing(crowd: App, company: Founded) -> None:
    async with crowd.transaction() as conn:
        await conn.execute("SELECT FROM user_account WHERE id = %s FOR NO KEY UPDATE", (company.user_id,))
        with pytest.raises(DatabaseBusy) as refused:
            await _book(crowd, factories.actor(company), order(company.meeting_type_id))

    assert refused.value.retry_after_s == 1
    assert await _left_behind(crowd, company) == (0, 0, 0, 0)


async def test_cancelling_waits_for_a_type_with_a_cap_and_for_no_other(crowd: App, company: Founded) -> None:
    """Design section 4: one lock order, cancelling included."""
    actor = factories.actor(company)
    capped = await _kind(crowd, company, booking_limits={"perDay": 5})
    counted = await _book(crowd, actor, order(capped))
    free = await _book(crowd, actor, order(company.meeting_type_id, START.add(hours=1)))

    async with crowd.transaction() as conn:
        await conn.execute("SELECT FROM meeting_type WHERE company_id = %s FOR NO KEY UPDATE", (company.company_id,))
        with pytest.raises(DatabaseBusy):
            await _cancel(crowd, actor, counted.appointment_id)
        assert (await _cancel(crowd, actor, free.appointment_id)).cancelled_at == NOW

    assert (await _cancel(crowd, actor, counted.appointment_id)).cancelled_at == NOW


async def test_deleting_a_user_never_deadlocks_with_bookings_and_cancellations(
    crowd: App, company: Founded, race: Race
) -> None:
    actor = factories.actor(company)
    for number in range(4):
        async with crowd.transaction() as conn:
            member = (await factories.user(conn, company, now=NOW)).user
            kinds = [(await factories.meeting_type(conn, member, booking_limits={"perDay": 50})).id for _ in range(3)]
        booked = [await _book(crowd, actor, order(kind, START.add(hours=n))) for n, kind in enumerate(kinds)]

        ends = await race(
            [
                *(_book(crowd, actor, order(kinds[n % 3], START.add(hours=3, minutes=30 * n))) for n in range(6)),
                *(_cancel(crowd, actor, one.appointment_id) for one in booked),
                _delete(crowd, actor, member.id),
            ]
        )

        assert set(ends) <= {"won", "not-found"}, number
        assert ends["won"] >= 1 + len(booked)


async def _delete(app: App, actor: Actor, user_id: UUID) -> None:
    async with app.transaction() as conn:
        await users.delete(conn, actor=actor, user_id=user_id, now=NOW)
