"""Races about seats, holds, queues, links and series: as many winners as there is room for, and no deadlock."""

from itertools import count
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.app import App
from kalends.domain.recurrence import Recurrence
from kalends.services import appointments, booking_holds, bookings, one_time_links
from kalends.services.companies import Founded
from kalends.services.slot_queries import SlotQuery
from tests import calendar_rows, factories
from tests.ordering import NOW, START, clock, order
from tests.races.conftest import Race

_guests = count(1)


async def _kind(app: App, company: Founded, **fields: Any) -> UUID:
    async with app.transaction() as conn:
        return (await factories.meeting_type(conn, company, now=NOW, **fields)).id


async def _people(app: App, company: Founded, number: int) -> list[UUID]:
    async with app.transaction() as conn:
        return [(await factories.user(conn, company, now=NOW)).user.id for _ in range(number)]


async def _book(app: App, company: Founded, kind: UUID, start: Instant = START, **fields: Any) -> Any:
    wanted = order(kind, start, email=f"guest{next(_guests)}@guests.test", **fields)
    async with app.transaction() as conn:
        return await bookings.book(conn, actor=factories.actor(company), order=wanted, clock=clock)


async def _hold(app: App, company: Founded, kind: UUID, start: Instant = START) -> UUID:
    query = SlotQuery(kind, start, start.add(minutes=1))
    async with app.transaction() as conn:
        return (await booking_holds.create(conn, actor=factories.actor(company), query=query, clock=clock)).id


async def _release(app: App, company: Founded, hold_id: UUID) -> None:
    async with app.transaction() as conn:
        await booking_holds.release(conn, actor=factories.actor(company), hold_id=hold_id)


async def _extend(app: App, company: Founded, hold_id: UUID) -> None:
    async with app.transaction() as conn:
        await booking_holds.extend(conn, actor=factories.actor(company), hold_id=hold_id, clock=clock)


async def _cancel(app: App, company: Founded, appointment_id: UUID, **whom: Any) -> None:
    async with app.transaction() as conn:
        await appointments.cancel(
            conn, actor=factories.actor(company), appointment_id=appointment_id, clock=clock, **whom
        )


async def _rows(app: App, query: str, *values: Any) -> list[tuple[Any, ...]]:
    async with app.reading() as conn:
        return await (await conn.execute(query, values)).fetchall()


_SEATS = """
    SELECT count(*), count(DISTINCT a.id), count(*) FILTER (WHERE a.cancelled_at IS NOT NULL) FROM attendee g
    JOIN appointment a ON a.company_id = g.company_id AND a.id = g.appointment_id
    WHERE a.meeting_type_id = %s AND a.start_at = %s AND g.cancelled_at IS NULL"""


async def test_of_more_guests_than_seats_exactly_so_many_win(crowd: App, company: Founded, race: Race) -> None:
    """Case C07: N seats, N + 5 guests at once, and the first of them make one appointment."""
    kind = await _kind(crowd, company, spots=6)

    for number in range(8):
        start = START.add(minutes=30 * number)
        ends = await race(_book(crowd, company, kind, start) for _ in range(11))
        assert ends == {"won": 6, "slot-occupied": 5}
        assert await _rows(crowd, _SEATS, kind, start) == [(6, 1, 0)]

    claims = await _rows(crowd, "SELECT count(*) FROM claim WHERE company_id = %s", company.company_id)
    assert claims == [(8,)]


async def test_seats_are_held_and_booked_at_once(crowd: App, company: Founded, race: Race) -> None:
    kind = await _kind(crowd, company, spots=5)

    for number in range(6):
        start = START.add(minutes=30 * number)
        attempts = [_hold(crowd, company, kind, start) for _ in range(5)]
        ends = await race([*attempts, *(_book(crowd, company, kind, start) for _ in range(5))])
        assert ends == {"won": 5, "slot-occupied": 5}
        held = await _rows(
            crowd, "SELECT id FROM reservation WHERE meeting_type_id = %s AND start_at = %s", kind, start
        )
        ends = await race(_book(crowd, company, kind, start, hold_id=hold_id) for (hold_id,) in held)
        assert ends["won"] == len(held)
        assert await _rows(crowd, _SEATS, kind, start) == [(5, 1, 0)]


async def test_a_hold_against_bookings_has_one_winner(crowd: App, company: Founded, race: Race) -> None:
    for number in range(8):
        start = START.add(minutes=30 * number)
        holds = [_hold(crowd, company, company.meeting_type_id, start) for _ in range(4)]
        ends = await race([*holds, *(_book(crowd, company, company.meeting_type_id, start) for _ in range(4))])
        assert ends == {"won": 1, "slot-occupied": 7}


async def test_a_hold_is_booked_once_whatever_else_happens_to_it(crowd: App, company: Founded, race: Race) -> None:
    """Its booking, twice, against its release and its extension."""
    kind = company.meeting_type_id

    for number in range(8):
        start = START.add(minutes=30 * number)
        hold_id = await _hold(crowd, company, kind, start)
        ends = await race(
            [
                _book(crowd, company, kind, start, hold_id=hold_id),
                _book(crowd, company, kind, start, hold_id=hold_id),
                _extend(crowd, company, hold_id),
                _release(crowd, company, hold_id),
            ]
        )
        assert set(ends) <= {"won", "hold-expired"}
        booked = await _rows(
            crowd, "SELECT count(*) FROM appointment WHERE meeting_type_id = %s AND start_at = %s", kind, start
        )
        assert booked[0][0] <= 1
        assert (await race([_book(crowd, company, kind, start)]))["won"] == 1 - booked[0][0]

    owned = await _rows(
        crowd,
        "SELECT count(*), count(appointment_id) FROM claim WHERE company_id = %s",
        company.company_id,
    )
    assert owned == [(8, 8)]


async def test_a_queue_gives_each_free_host_one_of_them(crowd: App, company: Founded, race: Race) -> None:
    """Case C10: k free hosts, exactly k winners on different hosts, and the turns stay even."""
    kind, people = await _kind(crowd, company), await _people(crowd, company, 3)
    async with crowd.transaction() as conn:
        queue_id = await calendar_rows.queue(conn, company, kind, people)

    for number in range(8):
        start = START.add(minutes=30 * number)
        ends = await race(_book(crowd, company, kind, start) for _ in range(7))
        assert ends == {"won": 3, "slot-occupied": 4}
        hosts = await _rows(
            crowd,
            """SELECT DISTINCT h.user_id FROM appointment_host h JOIN appointment a ON a.id = h.appointment_id
            WHERE a.meeting_type_id = %s AND a.start_at = %s""",
            kind,
            start,
        )
        assert {row[0] for row in hosts} == set(people)

    ledger = await _rows(
        crowd, "SELECT count(*) FROM queue_choice WHERE queue_id = %s AND live GROUP BY member_id", queue_id
    )
    assert ledger == [(8,)] * 3


async def test_turns_stay_even_while_starts_differ(crowd: App, company: Founded, race: Race) -> None:
    kind, people = await _kind(crowd, company), await _people(crowd, company, 3)
    async with crowd.transaction() as conn:
        queue_id = await calendar_rows.queue(conn, company, kind, people)

    ends = await race(_book(crowd, company, kind, START.add(minutes=30 * number)) for number in range(12))

    assert ends == {"won": 12}
    ledger = await _rows(crowd, "SELECT count(*) FROM queue_choice WHERE queue_id = %s GROUP BY member_id", queue_id)
    assert ledger == [(4,)] * 3


async def test_cancelling_against_joining_leaves_nobody_in_what_is_cancelled(
    crowd: App, company: Founded, race: Race
) -> None:
    """Cancel against join: who is told that he is booked sits in an appointment that lives, or was cancelled later."""
    kind = await _kind(crowd, company, spots=4)

    for number in range(10):
        start = START.add(minutes=30 * (number % 8), hours=24 * (number // 8))
        first = await _book(crowd, company, kind, start)
        attendees = await _rows(crowd, "SELECT id FROM attendee WHERE appointment_id = %s", first.appointment_id)
        whom = {"attendee_id": attendees[0][0]} if number % 2 else {"cancel_all": True}
        ends = await race(
            [
                _cancel(crowd, company, first.appointment_id, **whom),
                *(_book(crowd, company, kind, start) for _ in range(5)),
            ]
        )
        assert set(ends) <= {"won", "slot-occupied"}
        live = await _rows(
            crowd,
            """SELECT count(DISTINCT a.id), count(g.id) FROM appointment a
            JOIN attendee g ON g.appointment_id = a.id AND g.cancelled_at IS NULL
            WHERE a.meeting_type_id = %s AND a.start_at = %s AND a.cancelled_at IS NULL""",
            kind,
            start,
        )
        assert live[0][0] <= 1
        assert live[0][1] <= 4
        if number % 2:  # only one left, so all who won are there
            assert live[0][1] == ends["won"] - 1
        claims = await _rows(
            crowd, "SELECT count(*) FROM claim WHERE company_id = %s AND start_at = %s", company.company_id, start
        )
        assert claims[0][0] == live[0][0]


async def test_a_one_time_link_books_once(crowd: App, company: Founded, race: Race) -> None:
    kind, actor = company.meeting_type_id, factories.actor(company)

    for number in range(3):
        async with crowd.transaction() as conn:
            link, _, _ = await one_time_links.create(conn, actor=actor, meeting_type_id=kind, now=NOW)
        starts = [START.add(hours=24 * number, minutes=30 * n) for n in range(6)]
        ends = await race(_book(crowd, company, kind, start, one_time_link_id=link.id) for start in starts)
        assert ends == {"won": 1, "one-time-link-used": 5}


async def test_series_against_each_other_book_all_or_nothing(crowd: App, company: Founded, race: Race) -> None:
    """Several hosts in opposite orders, no deadlock, and no series is cut in two."""
    kind = await _kind(crowd, company, days_into_future={"mode": "unlimited"})
    people = await _people(crowd, company, 2)
    again = Recurrence("weekly", 1, 3)

    for number in range(4):
        start = START.add(minutes=30 * number)
        ends = await race(
            _book(
                crowd,
                company,
                kind,
                start.add(hours=7 * 24 * (n % 3)),
                host_ids=tuple(people[:: 1 if n % 2 else -1]),
                mode="everyone",
                recurrence=again,
            )
            for n in range(6)
        )
        assert set(ends) == {"won", "series-conflict"}
        assert ends["won"] == 1

    sizes = await _rows(crowd, "SELECT count(*) FROM appointment WHERE meeting_type_id = %s GROUP BY series_id", kind)
    assert sizes == [(3,)] * 4


async def test_cancelling_a_series_against_bookings_never_deadlocks(crowd: App, company: Founded, race: Race) -> None:
    kind = await _kind(crowd, company, days_into_future={"mode": "unlimited"}, booking_limits={"perDay": 20})
    people = await _people(crowd, company, 3)
    async with crowd.transaction() as conn:
        await calendar_rows.queue(conn, company, kind, people)

    for number in range(3):
        start = START.add(hours=number)
        series = await _book(crowd, company, kind, start, recurrence=Recurrence("weekly", 1, 4))
        middle = series.series[1].appointment_id
        ends = await race(
            [
                _cancel(crowd, company, middle, entire_series=True),
                _cancel(crowd, company, series.series[2].appointment_id, entire_series=True),
                *(_book(crowd, company, kind, start.add(hours=7 * 24 * n)) for n in range(4) for _ in range(2)),
            ]
        )
        assert set(ends) == {"won"}
        live = await _rows(
            crowd, "SELECT count(*) FROM appointment WHERE series_id IS NOT NULL AND cancelled_at IS NULL"
            " AND meeting_type_id = %s AND start_at >= %s", kind, start.add(hours=24),
        )  # fmt: skip
        assert live == [(0,)]
