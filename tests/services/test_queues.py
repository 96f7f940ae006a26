"""Queues: who is in them, who is chosen, what the ledger keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import pytest
from whenever import Instant

from kalends.domain import leads
from kalends.domain.leads import Turn
from kalends.services import queue_members, queue_user_groups, queues
from kalends.services.companies import Founded
from kalends.services.queue_members import Changes, UserChange
from kalends.services.queues import View
from kalends.storage import ids, parts, queue_ledger, queue_turns
from kalends.storage import queues as stored
from kalends.storage.database import Connection
from kalends.storage.queues import QueueState
from tests import factories
from tests.ordering import NOW, START
from tests.statements import counted

ZONE = "Europe/Berlin"


async def _queue(conn: Connection, company: Founded, *, now: Instant = NOW, **changes: Any) -> View:
    return await queue_members.update(
        conn,
        actor=factories.actor(company),
        meeting_type_id=company.meeting_type_id,
        changes=Changes(**changes),
        now=now,
    )


async def _people(conn: Connection, company: Founded, number: int) -> list[UUID]:
    return [(await factories.user(conn, company, now=NOW)).user.id for _ in range(number)]


async def _state(conn: Connection, company: Founded, queue_id: UUID) -> QueueState:
    state = await stored.state(conn, company.company_id, queue_id)
    assert state
    return state


async def _choose(
    conn: Connection, company: Founded, queue_id: UUID, *, start: Instant = START, now: Instant = NOW, **more: Any
) -> UUID:
    """Choose with everybody free, and write it into the ledger."""
    state = await _state(conn, company, queue_id)
    choice = await queues.choose(
        conn,
        company_id=company.company_id,
        state=state,
        free=[member.id for member in state.members],
        start=start,
        zone=ZONE,
        now=now,
    )
    chosen = next(member for member in state.members if member.id == choice.member_id)
    turn = queue_ledger.recording(
        company_id=company.company_id,
        queue_id=queue_id,
        choice=choice,
        user_ids=[*chosen.user_ids, *state.fixed],
        start=start,
        now=now,
        **more,
    )
    await parts.write(conn, [turn])
    return choice.member_id


async def test_the_first_change_makes_the_queue_and_the_type_has_it(conn: Connection, company: Founded) -> None:
    view = await _queue(conn, company, toggled=company.user_id)

    again = await _queue(conn, company, columns={"type": "equalDistribution", "max_lead_threshold": 3})

    assert again.queue.id == view.queue.id
    assert (again.queue.type, again.queue.max_lead_threshold) == ("equalDistribution", 3)
    assert (again.queue.distribution_period, again.queue.zone) == ("month", ZONE)
    assert [user.user_id for user in again.users] == [company.user_id]
    cursor = await conn.execute("SELECT queue_id FROM meeting_type WHERE id = %s", (company.meeting_type_id,))
    assert await cursor.fetchone() == (view.queue.id,)


async def test_state_holds_the_rotating_members_in_their_order_and_the_fixed_ones(
    conn: Connection, company: Founded
) -> None:
    first, second, third, gone = await _people(conn, company, 4)
    view = await _queue(conn, company, shares=[(first, 1), (second, 4), (gone, 1)])
    await _queue(conn, company, users=[UserChange(first, {"fixed": True}, "userFixed.0.userId")])
    await _queue(conn, company, users=[UserChange(second, {"priority": 7, "custom_link": "https://x.test/"}, "x")])
    pair = await _group(conn, company, view.queue.id, third, second, main_group_host_id=second)
    await _group(conn, company, view.queue.id)
    await conn.execute("UPDATE user_account SET deleted_at = %s WHERE id = %s", (NOW, gone))

    with counted() as sent:
        state = await _state(conn, company, view.queue.id)

    assert len(sent) == 1
    assert state.fixed == (first,)
    user, group = state.members
    assert (user.id, user.kind, user.user_ids, user.capacity, user.priority) == (second, "user", (second,), 4, 7)
    assert (user.custom_link, user.baseline, user.joined) == ("https://x.test/", 0.0, NOW)
    assert (group.id, group.kind, group.user_ids, group.capacity) == (pair, "group", (second, third), 1)


async def _group(conn: Connection, company: Founded, queue_id: UUID, *user_ids: UUID, **columns: Any) -> UUID:
    actor = factories.actor(company)
    group = await queue_user_groups.create(conn, actor=actor, queue_id=queue_id, name="Pair", now=NOW)
    for user_id in user_ids:
        await queue_user_groups.update(conn, actor=actor, group_id=group.id, columns={}, toggled=user_id, now=NOW)
    if columns:
        await queue_user_groups.update(conn, actor=actor, group_id=group.id, columns=columns, toggled=None, now=NOW)
    return group.id


async def test_of_one_fixed_and_several_rotating_hosts_the_rotating_ones_rotate(
    conn: Connection, company: Founded
) -> None:
    """Case G10: ten bookings; a group takes its turn like one user."""
    fixed, one, two, three = await _people(conn, company, 4)
    view = await _queue(conn, company, shares=[(fixed, 1), (one, 1), (two, 1)])
    await _queue(conn, company, users=[UserChange(fixed, {"fixed": True}, "userFixed.0.userId")])
    group = await _group(conn, company, view.queue.id, three, two)

    chosen = [
        await _choose(conn, company, view.queue.id, start=START.add(hours=n), now=NOW.add(minutes=n)) for n in range(10)
    ]

    assert chosen == [one, two, group] * 3 + [one]
    entries = await queue_ledger.page(conn, company.company_id, view.queue.id, before=None, limit=3, now=NOW)
    assert [entry.member_id for entry in entries] == [one, group, two]
    assert [entry.user_ids for entry in entries] == [[one, fixed], [three, two, fixed], [two, fixed]]
    assert [entry.reason for entry in entries] == ["longest-not-chosen", "fewest-bookings", "longest-not-chosen"]


@pytest.mark.parametrize("queue_type", ["simpleRoundRobin", "advancedRoundRobin", "equalDistribution"])
async def test_a_newcomer_takes_his_share_and_no_more(conn: Connection, company: Founded, queue_type: str) -> None:
    """Case G07: he joins after many bookings, of this period too."""
    one, two, newcomer = await _people(conn, company, 3)
    view = await _queue(conn, company, shares=[(one, 1), (two, 1)], columns={"type": queue_type})
    for number in range(20):
        await _choose(conn, company, view.queue.id, now=NOW.add(minutes=number))

    await _queue(conn, company, toggled=newcomer, now=NOW.add(hours=1))
    later = Counter([await _choose(conn, company, view.queue.id, now=NOW.add(hours=1, minutes=n)) for n in range(9)])

    assert later == {one: 3, two: 3, newcomer: 3}


async def test_a_group_that_gets_its_first_user_late_is_a_newcomer(conn: Connection, company: Founded) -> None:
    """Case G07, for groups; of one that is emptied and filled again as well."""
    one, two, three = await _people(conn, company, 3)
    view = await _queue(conn, company, shares=[(one, 1)], columns={"max_lead_threshold": 2})
    actor = factories.actor(company)
    group = await queue_user_groups.create(conn, actor=actor, queue_id=view.queue.id, name="Pair", now=NOW)
    for number in range(8):
        await _choose(conn, company, view.queue.id, now=NOW.add(minutes=number))

    for user_id in (two, two, three):
        await queue_user_groups.update(
            conn, actor=actor, group_id=group.id, columns={}, toggled=user_id, now=NOW.add(hours=1)
        )

    (_, member) = (await _state(conn, company, view.queue.id)).members
    assert (member.id, member.user_ids, member.baseline, member.joined) == (group.id, (three,), 8.0, NOW.add(hours=1))
    order = await queues.next_(conn, actor=actor, queue_id=view.queue.id, now=NOW.add(hours=1))
    assert [(entry.member.id, entry.weight, entry.reason) for entry in order] == [
        (group.id, 8.0, "longest-not-chosen"),
        (one, 8.0, "last"),
    ]


async def test_who_leaves_and_comes_back_neither_starves_nor_is_flooded(conn: Connection, company: Founded) -> None:
    one, two = await _people(conn, company, 2)
    view = await _queue(conn, company, shares=[(one, 1), (two, 1)])
    for number in range(6):
        await _choose(conn, company, view.queue.id, now=NOW.add(minutes=number))

    await _queue(conn, company, toggled=two, now=NOW.add(hours=1))
    for number in range(4):
        await _choose(conn, company, view.queue.id, now=NOW.add(hours=1, minutes=number))
    await _queue(conn, company, toggled=two, now=NOW.add(hours=2))
    later = [await _choose(conn, company, view.queue.id, now=NOW.add(hours=2, minutes=n)) for n in range(4)]

    assert Counter(later) == {one: 2, two: 2}


async def test_another_capacity_or_type_floods_nobody(conn: Connection, company: Founded) -> None:
    one, two = await _people(conn, company, 2)
    view = await _queue(conn, company, shares=[(one, 1), (two, 1)])
    for number in range(20):
        await _choose(conn, company, view.queue.id, now=NOW.add(minutes=number))

    await _queue(conn, company, columns={"type": "advancedRoundRobin"}, shares=[(two, 2)], now=NOW.add(hours=1))
    doubled = [await _choose(conn, company, view.queue.id, now=NOW.add(hours=1, minutes=n)) for n in range(6)]
    await _queue(conn, company, shares=[(one, 2)], now=NOW.add(hours=2))
    level = [await _choose(conn, company, view.queue.id, now=NOW.add(hours=2, minutes=n)) for n in range(6)]

    assert Counter(doubled) == {one: 2, two: 4}
    assert Counter(level) == {one: 3, two: 3}


async def test_what_is_cancelled_declined_or_expired_does_not_count(conn: Connection, company: Founded) -> None:
    one, two = await _people(conn, company, 2)
    view = await _queue(conn, company, shares=[(one, 1), (two, 1)])
    appointment, declined, held, kept = (ids.new_id(company.company_id) for _ in range(4))
    company_id, queue_id = company.company_id, view.queue.id
    await _choose(conn, company, queue_id, appointment_id=appointment)
    await _choose(conn, company, queue_id, reservation_id=declined, expires_at=NOW.add(hours=1))
    await _choose(conn, company, queue_id, reservation_id=held, expires_at=NOW.add(minutes=5))
    await _choose(conn, company, queue_id, reservation_id=kept, expires_at=NOW.add(minutes=5))

    await queue_ledger.drop(conn, company_id, appointment_id=appointment)
    await queue_ledger.drop(conn, company_id, reservation_ids=[declined])
    await queue_ledger.settle(conn, company_id, [kept], appointment)
    soon = await queue_turns.had(conn, company_id, queue_id, now=NOW)
    later = await queue_turns.had(conn, company_id, queue_id, now=NOW.add(minutes=5))

    assert {member: had.count for member, had in soon.items()} == {one: 1, two: 1}
    assert {member: had.count for member, had in later.items()} == {two: 1}
    assert await queue_ledger.of_appointment(conn, company_id, appointment) == {queue_id}
    entries = await queue_ledger.page(conn, company_id, queue_id, before=None, limit=9, now=NOW.add(minutes=5))
    assert [entry.live for entry in entries] == [True, False, False, False]


async def test_an_extended_hold_counts_longer(conn: Connection, company: Founded) -> None:
    view = await _queue(conn, company, toggled=company.user_id)
    held = ids.new_id(company.company_id)
    await _choose(conn, company, view.queue.id, reservation_id=held, expires_at=NOW.add(minutes=5))

    await queue_ledger.extend(conn, company.company_id, [held], NOW.add(minutes=10))

    late = await queue_turns.had(conn, company.company_id, view.queue.id, now=NOW.add(minutes=9))
    assert late[company.user_id].count == 1
    assert await queue_turns.had(conn, company.company_id, view.queue.id, now=NOW.add(minutes=10)) == {}


async def test_turns_are_read_by_start_and_move_with_their_appointment(conn: Connection, company: Founded) -> None:
    view = await _queue(conn, company, toggled=company.user_id)
    company_id, queue_id = company.company_id, view.queue.id
    appointment, held = ids.new_id(company_id), ids.new_id(company_id)
    await _choose(conn, company, queue_id, appointment_id=appointment)
    await _choose(conn, company, queue_id, reservation_id=held, expires_at=NOW.add(minutes=5))

    await queue_ledger.move(conn, company_id, appointment, START.add(hours=24), NOW)
    day: dict[str, Any] = {"first": START, "last": START.add(hours=24), "now": NOW}
    next_day: dict[str, Any] = {"first": START.add(hours=24), "last": START.add(hours=48), "now": NOW}
    minute = START.timestamp() // 60

    turns = await queue_turns.turns(conn, company_id, queue_id, **day)
    assert turns == {company.user_id: [Turn(minute, NOW)]}
    assert await queue_turns.turns(conn, company_id, queue_id, **day, leaving=held) == {}
    moved = await queue_turns.turns(conn, company_id, queue_id, **next_day, leaving=held)
    assert moved == {company.user_id: [Turn(minute + 1440, NOW)]}


async def test_equal_distribution_counts_the_period_of_the_start_in_the_zone_of_the_type(
    conn: Connection, company: Founded
) -> None:
    one, two = await _people(conn, company, 2)
    view = await _queue(
        conn, company, shares=[(one, 1), (two, 1)], columns={"type": "equalDistribution", "distribution_period": "day"}
    )
    queue_id = view.queue.id
    late = Instant("2031-03-05T22:30:00Z")  # 23:30 in Berlin, still Wednesday
    after = Instant("2031-03-05T23:30:00Z")  # Thursday in Berlin, Wednesday in UTC

    assert await _choose(conn, company, queue_id, start=late, now=NOW) == one
    assert await _choose(conn, company, queue_id, start=after, now=NOW.add(minutes=1)) == two
    assert await _choose(conn, company, queue_id, start=after, now=NOW.add(minutes=2)) == one
    assert await _choose(conn, company, queue_id, start=START, now=NOW.add(minutes=3)) == two


async def test_who_is_ahead_is_closed_until_the_period_is_over(conn: Connection, company: Founded) -> None:
    one, two = await _people(conn, company, 2)
    view = await _queue(
        conn, company, shares=[(one, 1), (two, 1)], columns={"max_lead_threshold": 1, "distribution_period": "week"}
    )
    state = await _state(conn, company, view.queue.id)
    await _choose(conn, company, view.queue.id)

    turns = await queues.turns(conn, company.company_id, state, first=START, last=START.add(minutes=1), now=NOW)

    monday = Instant("2031-03-02T23:00:00Z").timestamp() // 60
    assert queues.ahead(state, turns, ZONE) == {one: [(monday, monday + 7 * 1440)]}
    assert queues.ahead(replace(state, max_lead_threshold=None), turns, ZONE) == {}


async def test_the_next_ones_stand_in_the_order_they_would_be_chosen(conn: Connection, company: Founded) -> None:
    one, two, three = await _people(conn, company, 3)
    view = await _queue(conn, company, shares=[(one, 1), (two, 1), (three, 1)])
    for number in range(4):
        await _choose(conn, company, view.queue.id, start=NOW, now=NOW.add(minutes=number))
    actor, at = factories.actor(company), NOW.add(minutes=5)

    order = await queues.next_(conn, actor=actor, queue_id=view.queue.id, now=at)
    await _queue(conn, company, columns={"max_lead_threshold": 1})
    closed = await queues.next_(conn, actor=actor, queue_id=view.queue.id, now=at)

    assert [(entry.users[0].id, entry.candidate.count, entry.reason) for entry in order] == [
        (two, 1, "longest-not-chosen"),
        (three, 1, "fewest-bookings"),
        (one, 2, "last"),
    ]
    assert [(entry.users[0].id, entry.reason) for entry in closed] == [
        (two, "longest-not-chosen"),
        (three, "last"),
        (one, "lead"),
    ]
    assert order[0].member.id == await _choose(conn, company, view.queue.id, start=NOW, now=at)


_COUNTED_PLAINLY = """
    SELECT member_id, count(*), max(created_at) FROM queue_choice
    WHERE queue_id = %(queue)s AND live AND (expires_at IS NULL OR expires_at > %(now)s) GROUP BY member_id
"""


@pytest.mark.parametrize("seed", range(4))
async def test_turns_are_counted_as_they_happen(conn: Connection, company: Founded, seed: int) -> None:
    """Whatever becomes of choices, the running count is what counting the whole ledger gives."""
    people = await _people(conn, company, 3)
    queue_id = (await _queue(conn, company, shares=[(one, 1) for one in people])).queue.id
    chance, company_id = Random(seed), company.company_id
    booked: list[UUID] = []
    kept: list[UUID] = []
    for step in range(60):
        now = NOW.add(minutes=step)
        act = chance.choice(("book", "book", "keep", "extend", "settle", "cancel", "let go", "move", "fold"))
        if act == "book":
            booked.append(ids.new_id(company_id))
            await _choose(conn, company, queue_id, now=now, appointment_id=booked[-1])
        elif act == "keep":
            kept.append(ids.new_id(company_id))
            until = now.add(minutes=chance.choice((1, 5, 60)))
            await _choose(conn, company, queue_id, now=now, reservation_id=kept[-1], expires_at=until)
        elif act == "extend" and kept:
            await queue_ledger.extend(conn, company_id, [chance.choice(kept)], now.add(minutes=30))
        elif act == "settle" and kept:
            booked.append(ids.new_id(company_id))
            await queue_ledger.settle(conn, company_id, [chance.choice(kept)], booked[-1])
        elif act == "cancel" and booked:
            await queue_ledger.drop(conn, company_id, appointment_id=chance.choice(booked))
        elif act == "let go" and kept:
            await queue_ledger.drop(conn, company_id, reservation_ids=[chance.choice(kept)])
        elif act == "move" and booked:
            await queue_ledger.move(conn, company_id, chance.choice(booked), START.add(hours=step), now)
        else:
            await queue_turns.fold(conn)
        plainly = await (await conn.execute(_COUNTED_PLAINLY, {"queue": queue_id, "now": now})).fetchall()
        had = await queue_turns.had(conn, company_id, queue_id, now=now)
        assert {(member, one.count, one.last_chosen) for member, one in had.items()} == set(plainly), (step, act)


async def test_counted_turns_are_folded(conn: Connection, company: Founded) -> None:
    """Many bookings leave one row of count for each member."""
    people = await _people(conn, company, 2)
    queue_id = (await _queue(conn, company, shares=[(one, 1) for one in people])).queue.id
    for _ in range(60):
        await _choose(conn, company, queue_id, appointment_id=ids.new_id(company.company_id))
    await queue_turns.fold(conn)
    rows = await (await conn.execute("SELECT turns FROM queue_turns WHERE queue_id = %s", (queue_id,))).fetchall()
    assert rows == [(30,), (30,)]


async def test_a_period_is_counted_as_its_single_turns_would_be(conn: Connection, company: Founded) -> None:
    chance = Random(4)
    one, two = await _people(conn, company, 2)
    view = await _queue(conn, company, shares=[(one, 1), (two, 1)], columns={"type": "equalDistribution"})
    for number in range(12):
        start = START.add(hours=chance.randrange(-24 * 40, 24 * 40))
        await _choose(conn, company, view.queue.id, start=start, now=NOW.add(minutes=number))
    state = await _state(conn, company, view.queue.id)
    moments = [NOW.add(minutes=3), NOW.add(minutes=8)]
    spans = leads.spans("month", ZONE, START.timestamp() // 60)
    first, last = (Instant.from_timestamp(minute * 60) for minute in spans[0])
    single = await queue_turns.turns(conn, company.company_id, state.id, first=first, last=last, now=NOW.add(hours=1))

    counted = await queue_turns.tally(
        conn, company.company_id, state.id, spans=spans, moments=moments, now=NOW.add(hours=1)
    )

    for before in (*moments, NOW.add(hours=1)):
        assert _before(counted, before) == _before(single, before)


def _before(turns: dict[UUID, list[Turn]], moment: Instant) -> dict[UUID, int]:
    return {member: sum(turn.times for turn in own if turn.made < moment) for member, own in turns.items()}
