"""Queue teams: who stands in the question when a queue chooses, and who is not offered because he is ahead."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.domain.rules import Ask
from kalends.errors import NotFound
from kalends.services import calendars, queue_teams
from kalends.services.calendars import ChangedMeanwhile
from kalends.services.companies import Founded
from kalends.services.queue_teams import LineUp
from kalends.services.slot_queries import Loaded, SlotQuery
from kalends.storage.database import Connection
from kalends.storage.queues import Member, QueueState
from tests import calendar_rows, factories, ordering, statements
from tests.ordering import NOW, START, order

A, B, C, GROUP = uuid4(), uuid4(), uuid4(), uuid4()


def _member(number: UUID, *users: UUID) -> Member:
    return Member(number, "group" if number == GROUP else "user", users or (number,), 1, 0, 0, None, 0.0, NOW)


def _state(*members: Member, fixed: tuple[UUID, ...] = ()) -> QueueState:
    return QueueState(uuid4(), uuid4(), "simpleRoundRobin", 1, "week", False, members, fixed)


@pytest.mark.parametrize(
    ("state", "closed", "found"),
    [
        (_state(_member(A), _member(B)), {}, LineUp((0, 1, 2), ((), (), ()), ((0,), (1,)), (A, B))),
        (
            _state(_member(A), _member(GROUP, C, B), fixed=(B,)),
            {},
            LineUp((0, 1, 2), ((), (), ()), ((0, 1), (2, 1)), (A, GROUP)),
        ),
        (_state(_member(A), _member(B)), {B: [(5, 9)]}, LineUp((0, 1, 2), ((), [(5, 9)], ()), ((0,), (1,)), (A, B))),
        # He is ahead alone, and not with his group: so he stands there twice.
        (
            _state(_member(A), _member(GROUP, A, B)),
            {A: [(5, 9)]},
            LineUp((0, 1, 2, 0), ((), (), (), [(5, 9)]), ((3,), (0, 1)), (A, GROUP)),
        ),
        # Who was not loaded cannot be chosen.
        (_state(_member(uuid4()), _member(B)), {}, LineUp((0, 1, 2), ((), (), ()), ((1,),), (B,))),
    ],
)
def test_members_are_teams(state: QueueState, closed: dict[UUID, Any], found: LineUp) -> None:
    assert queue_teams.line_up(state, [A, B, C], closed) == found


async def _people(conn: Connection, company: Founded, count: int = 2) -> list[UUID]:
    return [(await factories.user(conn, company, now=NOW)).user.id for _ in range(count)]


async def _load(conn: Connection, company: Founded, kind: UUID, **fields: Any) -> Loaded:
    query = SlotQuery(**{"meeting_type_id": kind, "start": NOW, "end": NOW.add(hours=168), **fields})
    return await calendars.load(conn, company.company_id, query, NOW)


async def test_without_hosts_asked_for_the_queue_chooses(conn: Connection, company: Founded) -> None:
    ben, cleo = await _people(conn, company)
    kind = (await factories.meeting_type(conn, company)).id
    number = await calendar_rows.queue(conn, company, kind, [ben, cleo])

    loaded = await _load(conn, company, kind)
    named = await _load(conn, company, kind, queue_id=number, host_ids=(company.user_id,), required=2)
    others = await _load(conn, company, kind, host_ids=(company.user_id,))

    assert [host.id for host in loaded.hosts] == [ben, cleo]
    assert (loaded.ask, loaded.team_members) == (Ask(teams=((0,), (1,))), (ben, cleo))
    assert loaded.queue is not None
    assert loaded.queue.id == number
    assert (named.ask, named.team_members) == (loaded.ask, loaded.team_members)
    assert ([host.id for host in others.hosts], others.ask, others.queue) == ([company.user_id], Ask("anyone"), None)


async def test_a_team_is_free_only_as_a_whole(conn: Connection, company: Founded) -> None:
    """S14, G10: groups host together, and the fixed one beside whoever is chosen."""
    ben, cleo = await _people(conn, company)
    kind = (await factories.meeting_type(conn, company)).id
    await calendar_rows.queue(conn, company, kind, [], groups=[[ben, cleo]], fixed=[company.user_id])

    async def is_offered() -> bool:
        return START.timestamp() // 60 in await ordering.listed(conn, company, kind)

    assert (await _load(conn, company, kind)).ask == Ask(teams=((1, 2, 0),))
    assert await is_offered()
    for busy in (cleo, company.user_id):
        hold = await calendar_rows.reservation(conn, company, company.meeting_type_id, host_ids=[busy])
        assert not await is_offered()
        await conn.execute("DELETE FROM claim WHERE reservation_id = %s", (hold,))


async def test_who_has_left_is_in_no_team(conn: Connection, company: Founded) -> None:
    ben, cleo = await _people(conn, company)
    kind = (await factories.meeting_type(conn, company)).id
    await calendar_rows.queue(conn, company, kind, [ben, cleo])
    await conn.execute("UPDATE user_account SET deleted_at = now() WHERE id = %s", (ben,))

    assert (await _load(conn, company, kind)).team_members == (cleo,)


async def test_a_queue_of_fixed_users_lets_all_of_them_host(conn: Connection, company: Founded) -> None:
    ben, cleo = await _people(conn, company)
    kind = (await factories.meeting_type(conn, company)).id
    await calendar_rows.queue(conn, company, kind, [], fixed=[ben, cleo])

    loaded = await _load(conn, company, kind)

    assert ([host.id for host in loaded.hosts], loaded.ask, loaded.queue) == ([ben, cleo], Ask("everyone"), None)


async def test_an_empty_queue_is_no_queue_unless_it_is_named(conn: Connection, company: Founded) -> None:
    kind = (await factories.meeting_type(conn, company)).id
    number = await calendar_rows.queue(conn, company, kind, [])

    assert [host.id for host in (await _load(conn, company, kind)).hosts] == [company.user_id]
    assert (await _load(conn, company, kind, queue_id=number)).hosts == ()
    assert await ordering.listed(conn, company, kind, queue_id=number) == []


async def test_the_queue_of_another_type_is_not_found(conn: Connection, company: Founded) -> None:
    kind = (await factories.meeting_type(conn, company)).id
    number = await calendar_rows.queue(conn, company, kind, await _people(conn, company))

    for asked, queue_id in ((company.meeting_type_id, number), (kind, uuid4())):
        with pytest.raises(NotFound, match="Queue not found"):
            await _load(conn, company, asked, queue_id=queue_id)
    with pytest.raises(NotFound, match="Host not found"):
        await _load(conn, company, kind, queue_id=number, host_ids=(uuid4(),))


async def test_a_moved_appointment_keeps_its_hosts(conn: Connection, company: Founded) -> None:
    """G08."""
    ben, cleo = await _people(conn, company)
    kind = (await factories.meeting_type(conn, company)).id
    await calendar_rows.queue(conn, company, kind, [ben, cleo])
    booked = await ordering.book(conn, factories.actor(company), order(kind, host_ids=(cleo,)))

    loaded = await _load(conn, company, kind, existing_appointment_id=booked.appointment_id)

    assert ([host.id for host in loaded.hosts], loaded.ask, loaded.queue) == ([cleo], Ask("everyone"), None)


async def _queue_with_a_leader(conn: Connection, company: Founded, **columns: Any) -> tuple[UUID, UUID, UUID, UUID]:
    """Make a queue of two, of whom the first has had a booking next Monday, and the other none."""
    ben, cleo = await _people(conn, company)
    kind = (await factories.meeting_type(conn, company)).id
    values = {"max_lead_threshold": 1, "distribution_period": "week", **columns}
    number = await calendar_rows.queue(conn, company, kind, [ben, cleo], **values)
    await calendar_rows.choice(conn, company, number, ben, START.add(hours=5 * 24))
    return kind, number, ben, cleo


# Monday to Monday in Berlin.
WEEK = (Instant("2031-03-09T23:00:00Z").timestamp() // 60, Instant("2031-03-16T23:00:00Z").timestamp() // 60)


async def test_who_is_ahead_is_closed_in_that_period_only(conn: Connection, company: Founded) -> None:
    kind, _, ben, cleo = await _queue_with_a_leader(conn, company)

    loaded = await _load(conn, company, kind, end=NOW.add(hours=14 * 24))

    assert {one.host: list(one.closed) for one in loaded.calendars} == {ben: [WEEK], cleo: []}


async def test_an_own_hold_puts_nobody_ahead(conn: Connection, company: Founded) -> None:
    kind, number, ben, _ = await _queue_with_a_leader(conn, company)
    await conn.execute("DELETE FROM queue_choice WHERE queue_id = %s", (number,))
    hold = await calendar_rows.reservation(conn, company, kind, host_ids=[ben])
    await calendar_rows.choice(conn, company, number, ben, START, reservation_id=hold, expires_at=calendar_rows.LATER)

    assert any(one.closed for one in (await _load(conn, company, kind)).calendars)
    assert not any(one.closed for one in (await _load(conn, company, kind, hold_id=hold)).calendars)


@pytest.mark.parametrize(
    ("near_term", "away", "offered"), [(True, True, True), (False, True, False), (True, False, True)]
)
async def test_near_starts_lift_the_threshold_when_nobody_else_has_any(
    conn: Connection, company: Founded, near_term: bool, away: bool, offered: bool
) -> None:
    """The one who has had nothing is away for three weeks, so the leader is offered again, and booked alike."""
    kind, _, ben, cleo = await _queue_with_a_leader(
        conn, company, prioritize_near_term=near_term, distribution_period="month"
    )
    if away:
        await conn.execute(
            """INSERT INTO availability_exception
                (company_id, owner_type, owner_id, available, starts, ends, earliest, latest, created_at)
            VALUES (%s, 'user', %s, false, '2031-03-01', '2031-03-25', '2031-02-27', '2031-03-27', now())""",
            (company.company_id, cleo),
        )

    loaded, _ = await calendars.load_locked(
        conn, company.company_id, SlotQuery(kind, START, START.add(minutes=1)), lambda: NOW
    )

    assert bool(await ordering.listed(conn, company, kind, days=4)) is offered
    assert any(one.closed for one in loaded.calendars) is not (near_term and away)
    assert ben in {host.id for host in loaded.hosts}


async def test_three_members_take_as_many_statements_as_one(conn: Connection, company: Founded) -> None:
    people = await _people(conn, company, 3)
    taken = []

    for users in (people[:1], people):
        kind = (await factories.meeting_type(conn, company)).id
        await calendar_rows.queue(conn, company, kind, users, max_lead_threshold=1)
        with statements.counted() as sent:
            assert await ordering.listed(conn, company, kind)
        taken.append(len(sent))

    assert taken == [4, 4]  # type and hosts, the queue, its turns, the claims


async def test_type_queue_link_hosts_are_locked_in_this_order(conn: Connection, company: Founded) -> None:
    people = await _people(conn, company)
    kind = (await factories.meeting_type(conn, company, booking_limits={"perDay": 1})).id
    await calendar_rows.queue(conn, company, kind, people)

    async def link() -> None:
        await conn.execute("SELECT 'link'")

    query = SlotQuery(kind, START, START.add(minutes=1))
    with statements.counted() as sent:
        await calendars.load_locked(conn, company.company_id, query, lambda: NOW, before_hosts=link)

    locks = [one for one in sent if "FOR NO KEY UPDATE" in one or "'link'" in one]
    assert [one.split("FROM ")[1].split()[0] if "FROM" in one else "link" for one in locks] == [
        "meeting_type",
        "queue",
        "link",
        "user_account",
    ]


async def test_a_member_who_comes_while_waiting_is_not_taken_unlocked(conn: Connection, company: Founded) -> None:
    ben, cleo = await _people(conn, company)
    kind = (await factories.meeting_type(conn, company)).id
    number = await calendar_rows.queue(conn, company, kind, [ben])

    async def comes() -> None:
        await conn.execute(
            """INSERT INTO queue_user (company_id, queue_id, user_id, position, joined_at)
            VALUES (%s, %s, %s, 1, now())""",
            (company.company_id, number, cleo),
        )

    query = SlotQuery(kind, START, START.add(minutes=1))
    with pytest.raises(ChangedMeanwhile):
        await calendars.load_locked(conn, company.company_id, query, lambda: NOW, before_hosts=comes)
