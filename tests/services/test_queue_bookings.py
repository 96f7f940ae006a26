"""Bookings whose hosts a queue chooses, and what its ledger keeps of them."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from whenever import Instant

from kalends.services import appointments, booking_holds, one_time_links, users
from kalends.services.companies import Founded
from kalends.services.refusals import HoldExpired, HoldMismatch, SlotTaken
from kalends.services.slot_queries import SlotQuery
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from tests import calendar_rows, factories, ordering, statements
from tests.ordering import NOW, START, booked, clock, listed, order


async def _people(conn: Connection, company: Founded, number: int) -> list[UUID]:
    return [(await factories.user(conn, company, now=NOW)).user.id for _ in range(number)]


async def _ledger(conn: Connection, queue_id: UUID) -> list[tuple[Any, ...]]:
    cursor = await conn.execute(
        """SELECT member_id, user_ids, start_at, live, appointment_id, expires_at FROM queue_choice WHERE queue_id = %s
        ORDER BY id""",
        (queue_id,),
    )
    return await cursor.fetchall()


async def _book(conn: Connection, company: Founded, kind: MeetingType, hour: int = 0, **fields: Any) -> Appointment:
    wanted = order(kind.id, START.add(minutes=30 * hour), **fields)
    return await booked(conn, factories.actor(company), wanted)


def _hosts(appointment: Appointment) -> list[UUID]:
    return [host.id for host in appointment.hosts]


@pytest.fixture
async def kind(conn: Connection, company: Founded) -> MeetingType:
    return await factories.meeting_type(conn, company, now=NOW)


async def test_members_take_turns_and_the_ledger_says_why(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)

    stored = [await _book(conn, company, kind, hour) for hour in range(4)]

    assert [_hosts(one) for one in stored] == [[people[0]], [people[1]], [people[0]], [people[1]]]
    assert [one.queue_id for one in stored] == [queue_id] * 4
    assert stored[0].turn == {
        "userIds": [str(people[0])], "selectionReason": "position", "groupId": None,
    }  # fmt: skip
    assert await _ledger(conn, queue_id) == [
        (_hosts(one)[0], _hosts(one), one.start_at, True, one.id, None) for one in stored
    ]


async def test_as_many_as_are_free_at_one_start_take_it(conn: Connection, company: Founded, kind: MeetingType) -> None:
    """Case C10, one after the other."""
    people = await _people(conn, company, 2)
    await calendar_rows.queue(conn, company, kind.id, people)

    stored = [await _book(conn, company, kind) for _ in range(2)]
    with pytest.raises(SlotTaken):
        await _book(conn, company, kind)

    assert sorted(map(_hosts, stored)) == sorted([person] for person in people)


async def test_who_is_free_for_half_of_the_time_is_not_chosen(conn: Connection, company: Founded) -> None:
    """Case S14: a two hour appointment, one member busy in its second hour."""
    kind = await factories.meeting_type(conn, company, now=NOW, meeting_info={"duration": 120}, timeslot_interval=30)
    first, second = await _people(conn, company, 2)
    await calendar_rows.queue(conn, company, kind.id, [first, second])
    own = await factories.meeting_type(conn, company, now=NOW)
    await ordering.book(conn, factories.actor(company), order(own.id, START.add(hours=1), host_ids=(first,)))

    assert _hosts(await _book(conn, company, kind)) == [second]


async def test_the_fixed_host_is_there_each_time_and_the_others_rotate(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    """Case G10: booked ten times."""
    fixed, *rotating = await _people(conn, company, 3)
    await calendar_rows.queue(conn, company, kind.id, rotating, fixed=[fixed])

    stored = [await _book(conn, company, kind, number) for number in range(10)]

    assert all(_hosts(one)[1:] == [fixed] for one in stored)
    assert Counter(_hosts(one)[0] for one in stored) == {rotating[0]: 5, rotating[1]: 5}


async def test_a_group_takes_its_turn_like_one_and_hosts_together(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    lead, second, single = await _people(conn, company, 3)
    queue_id = await calendar_rows.queue(conn, company, kind.id, [single], groups=[[lead, second]])

    stored = [await _book(conn, company, kind, number) for number in range(3)]

    assert [_hosts(one) for one in stored] == [[single], [lead, second], [single]]
    assert (await _ledger(conn, queue_id))[1][1] == [lead, second]
    assert stored[1].turn is not None
    assert stored[1].turn["groupId"] == str((await _ledger(conn, queue_id))[1][0])


async def test_hosts_who_were_forgotten_in_the_call_are_considered(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    """Contract 6.4: with a queue all members are, whatever hosts the caller names."""
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)

    stored = await _book(conn, company, kind, queue_id=queue_id, host_ids=(people[1],))

    assert _hosts(stored) == [people[0]]


async def test_a_cancelled_turn_is_not_counted(conn: Connection, company: Founded, kind: MeetingType) -> None:
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)
    first = await _book(conn, company, kind)

    await appointments.cancel(conn, actor=factories.actor(company), appointment_id=first.id, clock=clock)
    again = await _book(conn, company, kind, 1)

    assert [row[3] for row in await _ledger(conn, queue_id)] == [False, True]
    assert _hosts(again) == [people[0]]


async def test_a_move_keeps_the_host_and_takes_his_turn_along(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    """Case G08: the starts offered are his, whoever's turn it would be."""
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)
    first = await _book(conn, company, kind)
    own = await factories.meeting_type(conn, company, now=NOW)
    busy, later = START.add(hours=1), START.add(hours=2)
    await ordering.book(conn, factories.actor(company), order(own.id, busy, host_ids=(people[0],)))

    starts = await listed(conn, company, kind.id, existing_appointment_id=first.id)
    with pytest.raises(SlotTaken):
        await appointments.reschedule(
            conn, actor=factories.actor(company), appointment_id=first.id, start=busy, clock=clock
        )
    moved = await appointments.reschedule(
        conn, actor=factories.actor(company), appointment_id=first.id, start=later, clock=clock
    )

    assert (busy.timestamp() // 60 in starts, later.timestamp() // 60 in starts) == (False, True)
    assert _hosts(moved.appointment) == [people[0]]
    assert [row[2:5] for row in await _ledger(conn, queue_id)] == [(later, True, first.id)]


async def test_a_move_without_whom_the_queue_has_chosen_gives_his_turn_back(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    chosen, fixed = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, [chosen], fixed=[fixed])
    stored, own = await _book(conn, company, kind), await factories.meeting_type(conn, company, now=NOW)
    busy, actor = START.add(hours=1), factories.actor(company)
    await ordering.book(conn, actor, order(own.id, busy, host_ids=(chosen,)))

    moved = await appointments.reschedule(
        conn, actor=actor, appointment_id=stored.id, start=busy, mode="anyone", clock=clock
    )

    assert _hosts(moved.appointment) == [fixed]
    assert [row[3] for row in await _ledger(conn, queue_id)] == [False]


async def test_the_chosen_members_own_link_is_the_place(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, now=NOW, meeting_info={"channel": "custom"})
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)
    await conn.execute(
        "UPDATE queue_user SET custom_link = %s WHERE queue_id = %s AND user_id = %s",
        ("https://meet.acme.test/ben", queue_id, people[0]),
    )

    stored = [await _book(conn, company, kind, number) for number in range(2)]
    held = await _hold(conn, company, kind, START.add(hours=3))
    third = await booked(conn, factories.actor(company), order(kind.id, START.add(hours=3), hold_id=held))

    assert [one.location for one in (*stored, third)] == [
        "https://meet.acme.test/ben", None, "https://meet.acme.test/ben",
    ]  # fmt: skip


async def _hold(conn: Connection, company: Founded, kind: MeetingType, start: Instant = START) -> UUID:
    query = SlotQuery(kind.id, start, start.add(minutes=1))
    return (await booking_holds.create(conn, actor=factories.actor(company), query=query, clock=clock)).id


async def test_a_hold_takes_a_turn_which_the_booking_settles(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)

    hold_id = await _hold(conn, company, kind)
    assert [row[5] for row in await _ledger(conn, queue_id)] == [NOW.add(minutes=5)]
    second = await _book(conn, company, kind, 1)
    first = await _book(conn, company, kind, hold_id=hold_id)

    assert (_hosts(first), _hosts(second)) == ([people[0]], [people[1]])
    assert [(row[0], row[4], row[5]) for row in await _ledger(conn, queue_id)] == [
        (people[0], first.id, None),
        (people[1], second.id, None),
    ]


async def test_a_hold_that_is_booked_by_its_host_settles_its_turn_under_the_queues_lock(
    conn: Connection, company: Founded
) -> None:
    kind = await factories.meeting_type(conn, company, now=NOW, booking_limits={"perDay": 5})
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)
    actor, hold_id = factories.actor(company), await _hold(conn, company, kind)
    link = (await one_time_links.create(conn, actor=actor, meeting_type_id=kind.id, now=NOW))[0].id

    wanted = order(kind.id, host_ids=(people[0],), hold_id=hold_id, one_time_link_id=link)
    with statements.counted() as sent:
        done = await ordering.book(conn, actor, wanted)

    assert [row[4] for row in await _ledger(conn, queue_id)] == [done.appointment_id]
    locked = [one.split("FROM ")[1].split()[0] for one in sent if "FOR NO KEY UPDATE" in one]
    assert locked == ["meeting_type", "queue", "one_time_link", "user_account"]


async def test_the_queue_of_another_types_hold_is_not_locked(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    other = await factories.meeting_type(conn, company, now=NOW)
    await calendar_rows.queue(conn, company, kind.id, await _people(conn, company, 1))
    hold_id = await _hold(conn, company, kind)

    with statements.counted() as sent, pytest.raises(HoldMismatch):
        await _book(conn, company, other, hold_id=hold_id)

    assert [one for one in sent if "FROM queue WHERE" in one] == []


async def test_a_released_hold_gives_its_turn_back(conn: Connection, company: Founded, kind: MeetingType) -> None:
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)
    hold_id = await _hold(conn, company, kind)

    await booking_holds.release(conn, actor=factories.actor(company), hold_id=hold_id)

    assert [row[3] for row in await _ledger(conn, queue_id)] == [False]
    assert _hosts(await _book(conn, company, kind)) == [people[0]]


async def test_who_joins_a_group_appointment_takes_nobodys_turn(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, now=NOW, spots=2)
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)

    stored = [await _book(conn, company, kind, email=f"guest{n}@guests.test") for n in range(4)]

    assert [_hosts(one) for one in stored] == [[people[0]], [people[0]], [people[1]], [people[1]]]
    assert len(await _ledger(conn, queue_id)) == 2


async def test_the_turn_of_a_held_group_is_the_appointments_of_who_books_first(
    conn: Connection, company: Founded
) -> None:
    kind = await factories.meeting_type(conn, company, now=NOW, spots=3)
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)
    hold_id = await _hold(conn, company, kind)

    stored = await _book(conn, company, kind)
    await booking_holds.release(conn, actor=factories.actor(company), hold_id=hold_id)

    assert [(row[0], row[3], row[4]) for row in await _ledger(conn, queue_id)] == [(people[0], True, stored.id)]
    assert stored.queue_id == queue_id


async def test_the_turn_of_a_held_group_is_the_holds_again_once_the_appointment_is_cancelled(
    conn: Connection, company: Founded
) -> None:
    kind = await factories.meeting_type(conn, company, now=NOW, spots=3)
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)
    hold_id = await _hold(conn, company, kind)
    first = await _book(conn, company, kind)
    await appointments.cancel(
        conn, actor=factories.actor(company), appointment_id=first.id, cancel_all=True, clock=clock
    )
    between = await _ledger(conn, queue_id)

    stored = await _book(conn, company, kind, hold_id=hold_id)

    assert [row[3:] for row in between] == [(True, None, NOW.add(minutes=5))]
    assert [(row[0], *row[3:]) for row in await _ledger(conn, queue_id)] == [(people[0], True, stored.id, None)]
    assert stored.queue_id == queue_id


async def test_a_move_takes_a_turn_along_and_leaves_the_held_seat_its_own(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, now=NOW, spots=3)
    people = await _people(conn, company, 2)
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)
    hold_id, later = await _hold(conn, company, kind), START.add(hours=2)
    first = await _book(conn, company, kind)
    await appointments.reschedule(
        conn, actor=factories.actor(company), appointment_id=first.id, start=later, clock=clock
    )
    between = await _ledger(conn, queue_id)

    stored = await _book(conn, company, kind, hold_id=hold_id)

    chosen, his = people[0], [people[0]]
    assert between == [(chosen, his, START, True, None, NOW.add(minutes=5)), (chosen, his, later, True, first.id, None)]
    assert await _ledger(conn, queue_id) == [
        (chosen, his, START, True, stored.id, None), (chosen, his, later, True, first.id, None),
    ]  # fmt: skip


async def test_what_is_held_with_somebody_who_left_is_not_booked(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    people = await _people(conn, company, 2)
    await calendar_rows.queue(conn, company, kind.id, people)
    held = await _hold(conn, company, kind)
    await users.delete(conn, actor=factories.actor(company), user_id=people[0], now=NOW)

    with pytest.raises(HoldExpired):
        await _book(conn, company, kind, hold_id=held)

    assert _hosts(await _book(conn, company, kind)) == [people[1]]
