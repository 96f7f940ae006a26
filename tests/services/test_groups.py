"""Group appointments: seats, who joins, who leaves, and what is reserved before anybody has booked."""

from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from kalends.errors import NotFound
from kalends.services import appointments, booking_holds, bookings, calendars, handoffs, provisional_bookings
from kalends.services.calendars import ChangedMeanwhile
from kalends.services.cancellations import AttendeeOrAllNeeded
from kalends.services.companies import Founded
from kalends.services.handoff_candidates import Target
from kalends.services.outcomes import Booked, Pending
from kalends.services.refusals import SlotTaken, TooSoon
from kalends.services.slot_queries import SlotQuery
from kalends.storage import locks
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from tests import factories, ordering
from tests.ordering import NOW, START, booked, clock, listed, order

AT = START.timestamp() // 60


@pytest.fixture
async def kind(conn: Connection, company: Founded) -> MeetingType:
    """Three seats, half an hour."""
    return await factories.meeting_type(conn, company, now=NOW, spots=3)


async def _guest(conn: Connection, company: Founded, kind: MeetingType, name: str, **fields: Any) -> Appointment:
    return await booked(conn, factories.actor(company), order(kind.id, email=f"{name}@guests.test", **fields))


async def _hold(conn: Connection, company: Founded, kind: MeetingType, **fields: Any) -> UUID:
    query = SlotQuery(kind.id, START, START.add(minutes=1), **fields)
    return (await booking_holds.create(conn, actor=factories.actor(company), query=query, clock=clock)).id


async def _claims(conn: Connection, company: Founded) -> list[tuple[Any, ...]]:
    cursor = await conn.execute(
        """SELECT appointment_id, reservation_id IS NOT NULL, exclusive FROM claim WHERE company_id = %s
        ORDER BY appointment_id NULLS LAST, id""",
        (company.company_id,),
    )
    return await cursor.fetchall()


def _coming(appointment: Appointment) -> list[str | None]:
    return [one.email for one in appointment.attendees if one.cancelled_at is None]


async def test_guests_share_one_appointment_until_its_seats_are_taken(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    made = [await _guest(conn, company, kind, name) for name in ("ana", "ben", "cleo")]

    with pytest.raises(SlotTaken):
        await _guest(conn, company, kind, "dan")

    assert len({one.id for one in made}) == 1
    assert _coming(made[-1]) == ["ana@guests.test", "ben@guests.test", "cleo@guests.test"]
    assert [one.revision for one in made] == [1, 2, 3]
    assert len({one.secret for one in made[-1].attendees}) == 3
    assert await _claims(conn, company) == [(made[0].id, False, True)]
    cursor = await conn.execute("SELECT kind FROM event WHERE company_id = %s ORDER BY id", (company.company_id,))
    assert [row[0] for row in await cursor.fetchall()] == ["booking_created"] * 3


async def test_each_who_joins_gets_his_own_secret(conn: Connection, company: Founded, kind: MeetingType) -> None:
    actor = factories.actor(company)
    first = await ordering.book(conn, actor, order(kind.id, email="ana@guests.test"))

    second = await ordering.book(conn, actor, order(kind.id, email="ben@guests.test"))

    found = await appointments.get(conn, actor=actor, appointment_id=first.appointment_id)
    assert second.appointment_id == first.appointment_id
    assert [one.secret for one in found.attendees] == [first.secret, second.secret]


async def test_guests_who_are_brought_along_need_seats(conn: Connection, company: Founded, kind: MeetingType) -> None:
    await _guest(conn, company, kind, "ana", bringalong_emails=("pal@guests.test",))

    with pytest.raises(SlotTaken):
        await _guest(conn, company, kind, "ben", bringalong_emails=("bob@guests.test",))
    last = await _guest(conn, company, kind, "ben")

    assert _coming(last) == ["ana@guests.test", "pal@guests.test", "ben@guests.test"]


async def test_more_guests_than_seats_are_refused_at_once(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, spots=2)

    with pytest.raises(SlotTaken):
        await _guest(conn, company, kind, "ana", bringalong_emails=("a@guests.test", "b@guests.test"))


async def test_free_seats_are_offered_though_the_host_is_busy(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    """Case G04: the group's own time never hides its seats, and blocks everything else."""
    await _guest(conn, company, kind, "ana")

    assert AT in await listed(conn, company, kind.id)
    assert AT not in await listed(conn, company, company.meeting_type_id)
    with pytest.raises(SlotTaken):
        await booked(conn, factories.actor(company), order(company.meeting_type_id))
    await _guest(conn, company, kind, "ben", bringalong_emails=("pal@guests.test",))
    assert AT not in await listed(conn, company, kind.id)


async def test_one_of_three_leaves_and_the_others_stay(conn: Connection, company: Founded, kind: MeetingType) -> None:
    """Case G01."""
    for name in ("ana", "ben"):
        await _guest(conn, company, kind, name)
    full = await _guest(conn, company, kind, "cleo")

    after = await appointments.cancel(
        conn, actor=factories.actor(company), appointment_id=full.id, attendee_id=full.attendees[1].id, clock=clock
    )

    assert after.cancelled_at is None
    assert _coming(after) == ["ana@guests.test", "cleo@guests.test"]
    assert AT in await listed(conn, company, kind.id)
    assert _coming(await _guest(conn, company, kind, "ben")) == [
        "ana@guests.test",
        "cleo@guests.test",
        "ben@guests.test",
    ]


async def test_whoever_leaves_takes_those_along_whom_he_brought(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    await _guest(conn, company, kind, "ana")
    full = await _guest(conn, company, kind, "ben", bringalong_emails=("pal@guests.test",))

    after = await appointments.cancel(
        conn, actor=factories.actor(company), appointment_id=full.id, attendee_id=full.attendees[1].id, clock=clock
    )

    assert _coming(after) == ["ana@guests.test"]


async def test_a_group_is_cancelled_only_by_who_says_whom_he_means(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    """Case G02."""
    before = await _guest(conn, company, kind, "ana")
    actor = factories.actor(company)

    with pytest.raises(AttendeeOrAllNeeded):
        await appointments.cancel(conn, actor=actor, appointment_id=before.id, clock=clock)
    assert await appointments.get(conn, actor=actor, appointment_id=before.id) == before
    after = await appointments.cancel(conn, actor=actor, appointment_id=before.id, cancel_all=True, clock=clock)

    assert after.cancelled_at == NOW
    assert await _claims(conn, company) == []


async def test_the_leaving_of_the_last_cancels_the_whole(conn: Connection, company: Founded, kind: MeetingType) -> None:
    await _guest(conn, company, kind, "ana")
    both = await _guest(conn, company, kind, "ben")
    actor = factories.actor(company)

    for attendee in both.attendees:
        after = await appointments.cancel(
            conn, actor=actor, appointment_id=both.id, attendee_id=attendee.id, clock=clock
        )

    assert after.cancelled_at == NOW
    again = await _guest(conn, company, kind, "ana")
    assert again.id != both.id


async def test_the_whole_group_moves(conn: Connection, company: Founded, kind: MeetingType) -> None:
    await _guest(conn, company, kind, "ana")
    both = await _guest(conn, company, kind, "ben")
    later = START.add(hours=1)

    moved = await appointments.reschedule(
        conn, actor=factories.actor(company), appointment_id=both.id, start=later, clock=clock
    )

    assert (moved.appointment.start_at, _coming(moved.appointment)) == (later, _coming(both))
    assert (await _guest(conn, company, kind, "cleo", start=later)).id == both.id
    assert (await _guest(conn, company, kind, "dan")).id != both.id


async def test_two_groups_never_become_one_by_a_move(conn: Connection, company: Founded, kind: MeetingType) -> None:
    later = START.add(hours=1)
    one = await _guest(conn, company, kind, "ana")
    await _guest(conn, company, kind, "ben", start=later)

    with pytest.raises(SlotTaken):
        await appointments.reschedule(
            conn, actor=factories.actor(company), appointment_id=one.id, start=later, clock=clock
        )


async def test_a_guest_more_needs_a_seat(conn: Connection, company: Founded, kind: MeetingType) -> None:
    await _guest(conn, company, kind, "ana")
    both = await _guest(conn, company, kind, "ben")
    await _hold(conn, company, kind)

    with pytest.raises(SlotTaken):
        await appointments.add_guest(
            conn,
            actor=factories.actor(company),
            appointment_id=both.id,
            attendee_id=both.attendees[0].id,
            email="pal@guests.test",
            clock=clock,
        )


async def test_whoever_left_brings_nobody_any_more(conn: Connection, company: Founded, kind: MeetingType) -> None:
    await _guest(conn, company, kind, "ana")
    both = await _guest(conn, company, kind, "ben")
    actor, left = factories.actor(company), both.attendees[0].id
    await appointments.cancel(conn, actor=actor, appointment_id=both.id, attendee_id=left, clock=clock)

    with pytest.raises(NotFound):
        await appointments.add_guest(
            conn, actor=actor, appointment_id=both.id, attendee_id=left, email="pal@guests.test", clock=clock
        )


async def test_full_with_one_host_the_next_begins_a_group_of_his_own(conn: Connection, company: Founded) -> None:
    other = await factories.user(conn, company, now=NOW)
    kind = await factories.meeting_type(conn, company, now=NOW, spots=2)
    hosts = (company.user_id, other.user.id)

    made = [await _guest(conn, company, kind, f"guest{n}", host_ids=hosts) for n in range(4)]

    assert [one.hosts[0].id for one in made] == [hosts[0], hosts[0], hosts[1], hosts[1]]
    with pytest.raises(SlotTaken):
        await _guest(conn, company, kind, "late", host_ids=hosts)


async def test_a_held_seat_is_nobody_elses(conn: Connection, company: Founded, kind: MeetingType) -> None:
    hold_id = await _hold(conn, company, kind)
    made = [await _guest(conn, company, kind, name) for name in ("ana", "ben")]

    with pytest.raises(SlotTaken):
        await _guest(conn, company, kind, "cleo")
    last = await _guest(conn, company, kind, "dan", hold_id=hold_id)

    assert {one.id for one in made} == {last.id}
    assert len(_coming(last)) == 3
    assert await _claims(conn, company) == [(last.id, False, True)]


async def test_who_holds_first_and_books_last_sits_with_the_others(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    """Two held seats share their time; whoever books first makes the appointment both sit in."""
    one, other = await _hold(conn, company, kind), await _hold(conn, company, kind)
    assert [row[1:] for row in await _claims(conn, company)] == [(True, True), (True, False)]

    second = await _guest(conn, company, kind, "ben", hold_id=other)
    first = await _guest(conn, company, kind, "ana", hold_id=one)

    assert first.id == second.id
    assert await _claims(conn, company) == [(first.id, False, True)]


@pytest.mark.parametrize("holds", [True, False])
async def test_the_first_who_held_a_seat_lets_it_expire_and_the_second_does_not(
    conn: Connection, company: Founded, kind: MeetingType, holds: bool
) -> None:
    """The time of the session was the first one's alone; whoever books next, with a hold or without, has it."""
    actor, session = factories.actor(company), SlotQuery(kind.id, START, START.add(minutes=1))
    held = [
        await booking_holds.create(conn, actor=actor, query=session, clock=lambda at=at: NOW.add(minutes=at))
        for at in (0, 3)
    ]
    wanted = order(kind.id, hold_id=held[1].id if holds else None)

    done = await bookings.book(conn, actor=actor, order=wanted, clock=lambda: NOW.add(minutes=5))

    assert isinstance(done, Booked)
    shared = [] if holds else [(None, True, False)]
    assert await _claims(conn, company) == [(done.appointment_id, False, True), *shared]


@pytest.mark.parametrize("moved", [False, True])
async def test_a_held_seat_outlives_the_appointment_it_was_in(
    conn: Connection, company: Founded, kind: MeetingType, moved: bool
) -> None:
    made, actor = await _guest(conn, company, kind, "ana"), factories.actor(company)
    hold_id = await _hold(conn, company, kind)
    if moved:
        later = START.add(hours=1)
        await appointments.reschedule(conn, actor=actor, appointment_id=made.id, start=later, clock=clock)
    else:
        await appointments.cancel(conn, actor=actor, appointment_id=made.id, cancel_all=True, clock=clock)
    assert AT not in await listed(conn, company, company.meeting_type_id)

    again = await _guest(conn, company, kind, "ben", hold_id=hold_id)

    assert (again.id != made.id, again.start_at) == (True, START)
    claims = await _claims(conn, company)
    assert claims == [*([(made.id, False, True)] if moved else []), (again.id, False, True)]


async def test_who_ignores_availability_takes_no_time_of_a_held_seat_whose_appointment_is_cancelled(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    made, actor = await _guest(conn, company, kind, "ana"), factories.actor(company)
    hold_id = await _hold(conn, company, kind)
    await appointments.cancel(conn, actor=actor, appointment_id=made.id, cancel_all=True, clock=clock)
    beside = await booked(conn, actor, order(company.meeting_type_id, ignore_availability=True))

    held = await _guest(conn, company, kind, "ben", hold_id=hold_id)

    assert sorted(await _claims(conn, company)) == sorted([(beside.id, False, False), (held.id, False, True)])


@pytest.mark.parametrize("holds", [True, False])
async def test_nobody_joins_a_held_seat_whose_time_a_faster_clock_gave_to_somebody_else(
    conn: Connection, company: Founded, kind: MeetingType, holds: bool
) -> None:
    actor, session = factories.actor(company), SlotQuery(kind.id, START, START.add(minutes=1))
    await _hold(conn, company, kind)
    ahead = order(company.meeting_type_id, START)
    done = await bookings.book(conn, actor=actor, order=ahead, clock=lambda: NOW.add(minutes=5))

    async def joined() -> None:
        async with conn.transaction():
            if holds:
                await booking_holds.create(conn, actor=actor, query=session, clock=lambda: NOW.add(minutes=4))
            else:
                await bookings.book(conn, actor=actor, order=order(kind.id), clock=lambda: NOW.add(minutes=4))

    with pytest.raises(SlotTaken):
        await joined()

    assert isinstance(done, Booked)
    assert await _claims(conn, company) == [(done.appointment_id, False, True)]


async def test_seats_reserved_when_there_were_more_are_kept(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    holds = [await _hold(conn, company, kind) for _ in range(2)]
    await conn.execute("UPDATE meeting_type SET spots = 1 WHERE id = %s", (kind.id,))

    second, first = [
        await _guest(conn, company, kind, name, hold_id=hold) for name, hold in zip("ba", holds[::-1], strict=True)
    ]

    assert first.id == second.id
    assert _coming(first) == ["b@guests.test", "a@guests.test"]


async def test_a_hold_of_one_seat_may_bring_guests_where_seats_are_free(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    first, second = await _hold(conn, company, kind), await _hold(conn, company, kind)

    with pytest.raises(SlotTaken):
        await _guest(conn, company, kind, "ana", hold_id=first, bringalong_emails=("a@guests.test", "b@guests.test"))
    made = await _guest(conn, company, kind, "ana", hold_id=first, bringalong_emails=("a@guests.test",))
    last = await _guest(conn, company, kind, "ben", hold_id=second)

    assert made.id == last.id
    assert len(_coming(last)) == 3


@pytest.mark.parametrize("handed", [False, True])
async def test_a_hold_of_one_seat_brings_no_more_than_are_free_with_whoever_hosts_it(
    conn: Connection, company: Founded, kind: MeetingType, handed: bool
) -> None:
    """It is held with somebody the order does not name, or handed over to him."""
    ben, actor = (await factories.user(conn, company, now=NOW)).user.id, factories.actor(company)
    host_ids = () if handed else (ben,)
    made = await _guest(conn, company, kind, "ana", host_ids=host_ids)
    hold_id = await _hold(conn, company, kind, host_ids=host_ids)
    if handed:
        target = Target(user_id=ben)
        await handoffs.hand_over(conn, actor=actor, appointment_id=made.id, target=target, clock=clock)

    with pytest.raises(SlotTaken):
        await _guest(conn, company, kind, "cleo", hold_id=hold_id, bringalong_emails=("c@g.test", "d@g.test"))
    last = await _guest(conn, company, kind, "cleo", hold_id=hold_id, bringalong_emails=("c@g.test",))

    assert (last.id, len(_coming(last)), last.hosts[0].id) == (made.id, 3, ben)


async def test_a_held_seat_that_is_handed_over_while_its_booking_waits_is_not_taken_unlocked(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    ben, actor = (await factories.user(conn, company, now=NOW)).user.id, factories.actor(company)
    made, hold_id = await _guest(conn, company, kind, "ana"), await _hold(conn, company, kind)

    async def handed_over() -> None:
        target = Target(user_id=ben)
        await handoffs.hand_over(conn, actor=actor, appointment_id=made.id, target=target, clock=clock)

    query = SlotQuery(kind.id, START, START.add(minutes=1), hold_id=hold_id)
    with pytest.raises(ChangedMeanwhile):
        await calendars.load_locked(conn, company.company_id, query, clock, before_hosts=handed_over)


@pytest.mark.parametrize("moved", [False, True])
async def test_nobody_joins_what_is_moved_or_cancelled_by_a_host_he_has_not_locked(
    conn: Connection, company: Founded, kind: MeetingType, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    """A seat that waits for approval keeps the time of whoever hosted it when its confirmation began to wait."""
    made, actor = await _guest(conn, company, kind, "ana"), factories.actor(company)
    approval = {"requireHostConfirmation": "enabled"}
    await conn.execute("UPDATE meeting_type SET meeting_options = %s WHERE id = %s", (Jsonb(approval), kind.id))
    waiting = await bookings.book(conn, actor=actor, order=order(kind.id), clock=clock)
    lock = locks.appointments

    async def meanwhile(*arguments: Any) -> None:
        monkeypatch.setattr(locks, "appointments", lock)
        if moved:
            later = START.add(hours=2)
            await appointments.reschedule(conn, actor=actor, appointment_id=made.id, start=later, clock=clock)
        else:
            await appointments.cancel(conn, actor=actor, appointment_id=made.id, cancel_all=True, clock=clock)
        await lock(*arguments)

    monkeypatch.setattr(locks, "appointments", meanwhile)
    assert isinstance(waiting, Pending)
    provisional_id = waiting.provisional_booking_id
    with pytest.raises(ChangedMeanwhile):
        await provisional_bookings.confirm(conn, actor=actor, provisional_id=provisional_id, clock=clock)
    done = await provisional_bookings.confirm(conn, actor=actor, provisional_id=provisional_id, clock=clock)

    assert done.booking.appointment_id not in (None, made.id)


async def test_the_same_guest_may_come_back(conn: Connection, company: Founded, kind: MeetingType) -> None:
    """Case C08, in a group."""
    await _guest(conn, company, kind, "ana")
    both = await _guest(conn, company, kind, "ben")
    actor = factories.actor(company)
    await appointments.cancel(conn, actor=actor, appointment_id=both.id, attendee_id=both.attendees[1].id, clock=clock)

    back = await _guest(conn, company, kind, "ben")

    assert back.id == both.id
    assert _coming(back) == ["ana@guests.test", "ben@guests.test"]


async def test_joining_asks_for_seats_only(conn: Connection, company: Founded) -> None:
    """Design section 3.7: not for hours, ladder or caps; notice and booking window count."""
    kind = await factories.meeting_type(conn, company, now=NOW, spots=3, booking_limits={"perDay": 1})
    await _guest(conn, company, kind, "ana")
    await conn.execute(
        "UPDATE availability SET schedule = jsonb_set(schedule, '{wednesday,enabled}', 'false') WHERE company_id = %s",
        (company.company_id,),
    )

    joined = await _guest(conn, company, kind, "ben")

    assert len(_coming(joined)) == 2

    late = order(kind.id, email="cleo@guests.test")
    with pytest.raises(TooSoon):
        await bookings.book(conn, actor=factories.actor(company), order=late, clock=lambda: START.subtract(minutes=20))


async def test_whoever_ignores_availability_joins_where_seats_are_free(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    made = await _guest(conn, company, kind, "ana")

    done = await bookings.book(
        conn,
        actor=factories.actor(company),
        order=order(kind.id, email="ben@guests.test", ignore_availability=True),
        clock=clock,
    )

    assert isinstance(done, Booked)
    assert (done.appointment_id, done.overlaps) == (made.id, False)
