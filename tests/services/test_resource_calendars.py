"""Resource calendars: which rooms and things a start needs, their hours, and which of their units is free."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.errors import DomainError
from kalends.services import calendars
from kalends.services.companies import Founded
from kalends.services.resource_channels import ResourceNotFound
from kalends.services.slot_queries import Loaded, SlotQuery
from kalends.storage import locks
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from tests import calendar_rows, factories, ordering, statements
from tests.ordering import NOW, START, order


async def _channel(conn: Connection, company: Founded, name: str, **fields: Any) -> dict[str, Any]:
    """Make a resource and the channel of a type that needs it; `group`, `turn` and `hours` are the channel's."""
    channel = {
        "id": str(uuid4()),
        "name": name,
        "groupName": fields.pop("group", None),
        "groupMemberIndex": fields.pop("turn", None),
        "availabilityId": fields.pop("hours", None),
    }
    made = await factories.user(conn, company, now=NOW, user_type="resource", **fields)
    return channel | {"resourceId": str(made.user.id)}


async def _kind(conn: Connection, company: Founded, *channels: dict[str, Any], **fields: Any) -> MeetingType:
    return await factories.meeting_type(conn, company, resource_channels=list(channels), **fields)


async def _load(conn: Connection, company: Founded, kind: MeetingType, **fields: Any) -> Loaded:
    query = SlotQuery(**{"meeting_type_id": kind.id, "start": NOW, "end": NOW.add(hours=96), **fields})
    return await calendars.load(conn, company.company_id, query, NOW)


def _names(loaded: Loaded) -> list[list[str]]:
    return [[choice.name for choice in one.choices] for one in loaded.resources]


def _id(channel: dict[str, Any], key: str = "id") -> UUID:
    return UUID(channel[key])


async def _is_offered(
    conn: Connection, company: Founded, kind: MeetingType, start: Instant = START, **fields: Any
) -> bool:
    return start.timestamp() // 60 in await ordering.listed(conn, company, kind.id, **fields)


async def test_every_channel_without_a_group_and_one_of_each_group_is_needed(
    conn: Connection, company: Founded
) -> None:
    beamer = await _channel(conn, company, "Beamer")
    second = await _channel(conn, company, "Room 2", group="Rooms", turn=2)
    first = await _channel(conn, company, "Room 1", group="Rooms", turn=1)
    kind = await _kind(conn, company, beamer, second, first)

    assert _names(await _load(conn, company, kind)) == [["Beamer"], ["Room 1", "Room 2"]]


async def test_named_ones_are_all_needed_by_channel_or_by_resource(conn: Connection, company: Founded) -> None:
    beamer = await _channel(conn, company, "Beamer")
    room = await _channel(conn, company, "Room 1", group="Rooms")
    other = await _channel(conn, company, "Room 2", group="Rooms")
    kind = await _kind(conn, company, beamer, room, other)

    named = (_id(other, "resourceId"), _id(room), _id(other))

    assert _names(await _load(conn, company, kind, resource_channel_ids=named)) == [["Room 2"], ["Room 1"]]


async def test_what_the_type_does_not_have_is_not_found(conn: Connection, company: Founded) -> None:
    foreign = await factories.company(conn, now=NOW)
    theirs = await _channel(conn, foreign, "Room")
    room = await _channel(conn, company, "Room")

    for kind in (await _kind(conn, company), await _kind(conn, company, room)):
        for unknown in (uuid4(), _id(theirs, "resourceId")):
            with pytest.raises(ResourceNotFound):
                await _load(conn, company, kind, resource_channel_ids=(unknown,))


async def test_a_resource_that_has_left_cannot_be_had(conn: Connection, company: Founded) -> None:
    """A meeting that needs a room takes place in one of its group, or not at all."""
    beamer, room = await _channel(conn, company, "Beamer"), await _channel(conn, company, "Room")
    small, large = [await _channel(conn, company, name, group="Rooms") for name in ("Small", "Large")]
    kind = await _kind(conn, company, beamer, room)
    grouped = await _kind(conn, company, small, large)
    gone = [UUID(one["resourceId"]) for one in (room, small)]
    await conn.execute("UPDATE user_account SET deleted_at = now() WHERE id = ANY(%s)", (gone,))

    assert _names(await _load(conn, company, kind)) == [["Beamer"], []]
    assert await ordering.listed(conn, company, kind.id) == []
    with pytest.raises(DomainError) as refused:
        await ordering.book(conn, factories.actor(company), order(kind.id))
    assert refused.value.code == "outside-hours"
    assert _names(await _load(conn, company, grouped)) == [["Large"]]
    assert await _is_offered(conn, company, grouped)
    with pytest.raises(ResourceNotFound):
        await _load(conn, company, kind, resource_channel_ids=(_id(room),))


async def test_units_and_buffers_are_the_resources_own(conn: Connection, company: Founded) -> None:
    desk = await _channel(conn, company, "Desk", capacity=3, buffer_before=15, buffer_after=20)
    kind = await _kind(conn, company, desk, meeting_info={"bufferAfter": 5})
    await conn.execute("UPDATE user_account SET capacity = 2 WHERE id = %s", (desk["resourceId"],))

    (loaded,) = (await _load(conn, company, kind)).resources

    (choice,) = loaded.choices
    assert (choice.before, choice.after, choice.lock_no, len(choice.units)) == (15, 20, choice.units[0], 2)
    assert [unit.host for unit in loaded.calendar.choices[0].units] == list(choice.units)


async def test_a_start_is_offered_while_one_unit_is_free(conn: Connection, company: Founded) -> None:
    desk = await _channel(conn, company, "Desk", capacity=2, buffer_before=60)
    kind = await _kind(conn, company, desk)
    (loaded,) = (await _load(conn, company, kind)).resources
    number = await calendar_rows.reservation(conn, company, company.meeting_type_id, claims=False)

    for offered, unit in zip((True, False), loaded.choices[0].units, strict=True):
        # The hour before the appointment belongs to it.
        await conn.execute(
            """INSERT INTO claim (company_id, host_no, start_at, end_at, reservation_id, expires_at)
            VALUES (%s, %s, %s, %s, %s, %s)""",
            (
                company.company_id,
                unit,
                START.subtract(hours=1),
                START.subtract(minutes=55),
                number,
                calendar_rows.LATER,
            ),
        )
        assert await _is_offered(conn, company, kind) is offered
    assert await _is_offered(conn, company, kind, START.add(minutes=30))


async def test_hours_are_the_channels_else_the_resources_default(conn: Connection, company: Founded) -> None:
    early = await factories.availability(conn, company, timezone="Asia/Tokyo")
    own, given = await _channel(conn, company, "A"), await _channel(conn, company, "B", hours=str(early.id))

    loaded = await _load(conn, company, await _kind(conn, company, own, given))
    zones = [one.calendar.choices[0].schedule.zone for one in loaded.resources]

    assert zones == ["Europe/Berlin", "Asia/Tokyo"]
    # Eight to five in Tokyo ends at nine in Berlin: an hour is left, before START.
    assert not await _is_offered(conn, company, await _kind(conn, company, given))
    assert await _is_offered(conn, company, await _kind(conn, company, own))


async def test_a_moved_appointment_needs_what_it_has_and_may_change_within_the_group(
    conn: Connection, company: Founded
) -> None:
    beamer = await _channel(conn, company, "Beamer")
    first, second = [await _channel(conn, company, f"Room {n}", group="Rooms", turn=n) for n in (1, 2)]
    gone = await _channel(conn, company, "Lift")
    kind = await _kind(conn, company)
    booked = await ordering.book(conn, factories.actor(company), order(kind.id))
    had = [{"channelId": one["id"], "resourceId": one["resourceId"], "name": one["name"]} for one in (second, gone)]
    await conn.execute(
        "UPDATE meeting_type SET resource_channels = %s::jsonb WHERE id = %s",
        (json.dumps([beamer, first, second]), kind.id),
    )

    async def needed() -> list[list[str]]:
        return _names(await _load(conn, company, kind, existing_appointment_id=booked.appointment_id))

    assert await needed() == []
    await conn.execute(
        "UPDATE appointment SET resources = %s::jsonb WHERE id = %s", (json.dumps(had), booked.appointment_id)
    )
    assert await needed() == [["Room 2", "Room 1"], ["Lift"]]


async def test_resources_take_one_statement(conn: Connection, company: Founded) -> None:
    rooms = [await _channel(conn, company, f"Room {n}", capacity=2) for n in range(3)]
    taken = []

    for needed in (rooms[:1], rooms):
        kind = await _kind(conn, company, *needed)
        with statements.counted() as sent:
            await _load(conn, company, kind)
        taken.append(len(sent))

    assert taken == [3, 3]


async def test_resources_are_locked_with_the_hosts_in_one_statement(
    conn: Connection, company: Founded, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = await _kind(conn, company, *[await _channel(conn, company, f"Room {n}", capacity=2) for n in range(2)])
    locked: list[set[int]] = []

    async def note(_: Connection, host_nos: Iterable[int]) -> None:
        locked.append(set(host_nos))

    monkeypatch.setattr(locks, "hosts", note)
    query = SlotQuery(kind.id, START, START.add(minutes=1))
    loaded, _ = await calendars.load_locked(conn, company.company_id, query, lambda: NOW)

    assert locked == [{loaded.hosts[0].host_no, *(one.choices[0].lock_no for one in loaded.resources)}]
