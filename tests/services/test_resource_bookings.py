"""Rooms and things of appointments: which unit is taken, for how long, and given back."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.domain.recurrence import Recurrence
from kalends.services import appointments, booking_holds, bookings, provisional_bookings, users
from kalends.services.companies import Founded
from kalends.services.outcomes import Booked, Pending
from kalends.services.refusals import HoldExpired, SlotTaken
from kalends.services.slot_queries import SlotQuery
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from tests import factories, ordering
from tests.ordering import NOW, START, booked, clock, listed, order

AT = START.timestamp() // 60


async def _channel(conn: Connection, company: Founded, name: str, **fields: Any) -> dict[str, Any]:
    channel = {"id": str(uuid4()), "name": name, "groupName": fields.pop("group", None), "groupMemberIndex": None}
    made = await factories.user(conn, company, now=NOW, user_type="resource", **fields)
    return channel | {"availabilityId": None, "resourceId": str(made.user.id)}


async def _kind(conn: Connection, company: Founded, *channels: dict[str, Any], **fields: Any) -> MeetingType:
    """Make a type of another host, so that hosts never stand in the way."""
    host = await factories.user(conn, company, now=NOW)
    return await factories.meeting_type(conn, host.user, now=NOW, resource_channels=list(channels), **fields)


async def _units(conn: Connection, channel: dict[str, Any]) -> dict[int, int]:
    """Number the units of a resource by their host_nos, from 1."""
    cursor = await conn.execute(
        """SELECT host_no, 1 FROM user_account WHERE id = %(id)s
        UNION ALL SELECT host_no, unit FROM resource_unit WHERE user_id = %(id)s""",
        {"id": channel["resourceId"]},
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def _taken(conn: Connection, channel: dict[str, Any]) -> list[tuple[int, Instant, Instant, bool]]:
    """List the claims of a resource: unit, start, end, exclusive."""
    units = await _units(conn, channel)
    cursor = await conn.execute(
        "SELECT host_no, start_at, end_at, exclusive FROM claim WHERE host_no = ANY(%s) ORDER BY host_no, start_at, id",
        (list(units),),
    )
    return [(units[row[0]], row[1], row[2], row[3]) for row in await cursor.fetchall()]


async def test_the_lowest_free_unit_is_taken_with_its_own_buffers(conn: Connection, company: Founded) -> None:
    room = await _channel(conn, company, "Room", capacity=2, buffer_before=10, buffer_after=20)
    kinds = [await _kind(conn, company, room) for _ in range(3)]
    actor = factories.actor(company)

    stored = [await booked(conn, actor, order(kind.id)) for kind in kinds[:2]]

    span = (START.subtract(minutes=10), START.add(minutes=50), True)
    assert await _taken(conn, room) == [(1, *span), (2, *span)]
    assert [one["name"] for one in stored[0].resources] == ["Room"]
    assert AT not in await listed(conn, company, kinds[2].id)
    with pytest.raises(SlotTaken):
        await booked(conn, actor, order(kinds[2].id))


async def test_a_resource_that_hosts_is_not_had_as_a_room_too(conn: Connection, company: Founded) -> None:
    room, pair = await _channel(conn, company, "Room"), await _channel(conn, company, "Pair", capacity=2)
    alone, beside = await _kind(conn, company, room), await _kind(conn, company, pair)
    actor = factories.actor(company)

    hosted = [
        replace(order(kind.id), host_ids=(UUID(one["resourceId"]),)) for kind, one in ((alone, room), (beside, pair))
    ]
    starts = [await listed(conn, company, one.meeting_type_id, host_ids=one.host_ids) for one in hosted]

    assert (AT in starts[0], AT in starts[1]) == (False, True)
    with pytest.raises(SlotTaken):
        await booked(conn, actor, hosted[0])
    assert (await booked(conn, actor, hosted[1])).resources[0]["name"] == "Pair"
    assert [unit for unit, *_ in await _taken(conn, pair)] == [1, 2]


async def test_a_cancelled_appointment_gives_its_unit_back(conn: Connection, company: Founded) -> None:
    room = await _channel(conn, company, "Room", capacity=2)
    kinds = [await _kind(conn, company, room) for _ in range(3)]
    actor = factories.actor(company)
    first = await booked(conn, actor, order(kinds[0].id))
    await booked(conn, actor, order(kinds[1].id))

    await appointments.cancel(conn, actor=actor, appointment_id=first.id, clock=clock)
    await booked(conn, actor, order(kinds[2].id))

    assert [row[0] for row in await _taken(conn, room)] == [1, 2]


async def test_rooms_move_along(conn: Connection, company: Founded) -> None:
    """Of one that is taken at the new time another unit is taken; where none is free nothing moves."""
    room = await _channel(conn, company, "Room", capacity=2)
    kinds = [await _kind(conn, company, room) for _ in range(3)]
    actor, later = factories.actor(company), START.add(hours=1)
    moving = await booked(conn, actor, order(kinds[0].id))
    await booked(conn, actor, order(kinds[1].id, later))

    moved = await appointments.reschedule(conn, actor=actor, appointment_id=moving.id, start=later, clock=clock)

    assert moved.appointment.resources == moving.resources
    assert [row[:2] for row in await _taken(conn, room)] == [(1, later), (2, later)]
    third = await booked(conn, actor, order(kinds[2].id))
    with pytest.raises(SlotTaken):
        await appointments.reschedule(conn, actor=actor, appointment_id=third.id, start=later, clock=clock)


async def test_named_rooms_are_taken_and_no_others(conn: Connection, company: Founded) -> None:
    one, other = await _channel(conn, company, "One"), await _channel(conn, company, "Other")
    kind = await _kind(conn, company, one, other)

    stored = await booked(conn, factories.actor(company), order(kind.id, resource_channel_ids=(UUID(other["id"]),)))

    assert [room["channelId"] for room in stored.resources] == [other["id"]]
    assert (await _taken(conn, one), len(await _taken(conn, other))) == ([], 1)


async def test_a_hold_keeps_the_room_it_has(conn: Connection, company: Founded) -> None:
    rooms = [await _channel(conn, company, name, group="Rooms") for name in ("A", "B")]
    kind, other = await _kind(conn, company, *rooms), await _kind(conn, company, *rooms)
    actor = factories.actor(company)
    query = SlotQuery(kind.id, START, START.add(minutes=1))
    hold = await booking_holds.create(conn, actor=actor, query=query, clock=clock)

    second = await booked(conn, actor, order(other.id))
    first = await booked(conn, actor, order(kind.id, hold_id=hold.id))

    names = [one.resources[0]["name"] for one in (first, second)]
    assert sorted(names) == ["A", "B"]
    for name, room in zip(("A", "B"), rooms, strict=True):
        assert await _taken(conn, room) == [(1, START, START.add(minutes=30), True)], name


async def test_a_room_that_has_left_is_not_booked_though_it_was_held(conn: Connection, company: Founded) -> None:
    room, actor = await _channel(conn, company, "Room"), factories.actor(company)
    kind = await _kind(conn, company, room)
    query = SlotQuery(kind.id, START, START.add(minutes=1))
    hold = await booking_holds.create(conn, actor=actor, query=query, clock=clock)
    await users.delete(conn, actor=actor, user_id=UUID(room["resourceId"]), now=NOW)

    with pytest.raises(HoldExpired):
        await bookings.book(conn, actor=actor, order=order(kind.id, hold_id=hold.id), clock=clock)


async def test_a_room_that_has_left_is_not_booked_once_a_host_confirms(conn: Connection, company: Founded) -> None:
    room, actor = await _channel(conn, company, "Room"), factories.actor(company)
    kind = await _kind(conn, company, room, meeting_options={"requireHostConfirmation": "enabled"})
    waiting = await bookings.book(conn, actor=actor, order=order(kind.id), clock=clock)
    assert isinstance(waiting, Pending)
    await users.delete(conn, actor=actor, user_id=UUID(room["resourceId"]), now=NOW)

    with pytest.raises(HoldExpired):
        await provisional_bookings.confirm(
            conn, actor=actor, provisional_id=waiting.provisional_booking_id, clock=clock
        )


async def test_seats_of_a_group_share_its_room(conn: Connection, company: Founded) -> None:
    room = await _channel(conn, company, "Room")
    kind = await _kind(conn, company, room, spots=3)
    actor = factories.actor(company)
    query = SlotQuery(kind.id, START, START.add(minutes=1))
    holds = [await booking_holds.create(conn, actor=actor, query=query, clock=clock) for _ in range(2)]
    assert [row[3] for row in await _taken(conn, room)] == [True, False]

    stored = await booked(conn, actor, order(kind.id))

    assert [one["name"] for one in stored.resources] == ["Room"]
    assert sorted(row[3] for row in await _taken(conn, room)) == [False, False, True]
    for hold in holds:
        assert (await booked(conn, actor, order(kind.id, hold_id=hold.id))).id == stored.id
    assert await _taken(conn, room) == [(1, START, START.add(minutes=30), True)]


async def test_ignoring_availability_takes_a_free_unit_first_and_else_overlaps(
    conn: Connection, company: Founded
) -> None:
    room = await _channel(conn, company, "Room", capacity=2)
    kinds = [await _kind(conn, company, room) for _ in range(3)]
    actor = factories.actor(company)
    await booked(conn, actor, order(kinds[0].id))

    outcomes = [
        await bookings.book(conn, actor=actor, order=order(kind.id, ignore_availability=True), clock=clock)
        for kind in kinds
    ]

    assert [one.overlaps for one in outcomes if isinstance(one, Booked)] == [True, True, True]
    assert [(row[0], row[3]) for row in await _taken(conn, room)] == [(1, True), (1, False), (1, False), (2, True)]


async def test_each_start_of_a_series_takes_the_room(conn: Connection, company: Founded) -> None:
    room = await _channel(conn, company, "Room", capacity=2)
    kind, other = await _kind(conn, company, room), await _kind(conn, company, room)
    actor = factories.actor(company)
    await ordering.book(conn, actor, order(other.id, START.add(hours=7 * 24)))

    await ordering.book(conn, actor, order(kind.id, recurrence=Recurrence("weekly", 1, 3)))

    weeks = [START.add(hours=7 * 24 * number) for number in range(3)]
    assert [row[:2] for row in await _taken(conn, room)] == [
        (1, weeks[0]), (1, weeks[1]), (1, weeks[2]), (2, weeks[1]),
    ]  # fmt: skip
