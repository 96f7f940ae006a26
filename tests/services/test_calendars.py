"""Calendars: what is read for the engine, in how many statements; and the promise that what is listed can be booked."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import pytest
from whenever import Instant

from kalends.domain.rules import Caps
from kalends.errors import NotFound
from kalends.services import calendars, listings
from kalends.services.companies import Founded
from kalends.services.exception_rows import NewException
from kalends.services.slot_queries import Loaded, SlotQuery
from kalends.storage import locks, users
from kalends.storage.database import Connection
from tests import calendar_rows, factories, ordering, statements
from tests.ordering import NOW, START, booked, order


async def _load(conn: Connection, company: Founded, **fields: Any) -> Loaded:
    query = SlotQuery(**{"meeting_type_id": company.meeting_type_id, "start": NOW, "end": NOW.add(hours=168), **fields})
    return await calendars.load(conn, company.company_id, query, NOW)


def _minutes(instant: Instant) -> int:
    return instant.timestamp() // 60


@pytest.mark.parametrize("capped", [False, True])
async def test_listing_takes_as_many_statements_for_three_hosts_as_for_one(
    conn: Connection, company: Founded, capped: bool
) -> None:
    kind = await factories.meeting_type(conn, company, booking_limits={"perDay": 3} if capped else {})
    hosts = [company.user_id, *[(await factories.user(conn, company, now=NOW)).user.id for _ in range(2)]]
    for host in hosts:
        await ordering.book(conn, factories.actor(company), order(kind.id, host_ids=(host,)))
    taken = []

    for asked in (hosts[:1], hosts):
        with statements.counted() as sent:
            assert await ordering.listed(conn, company, kind.id, host_ids=tuple(asked))
        taken.append(len(sent))

    assert taken == ([3, 3] if capped else [2, 2])


async def test_an_empty_window_takes_as_many_again_to_find_the_earliest_start(
    conn: Connection, company: Founded
) -> None:
    weekend = SlotQuery(company.meeting_type_id, NOW.add(hours=5 * 24), NOW.add(hours=6 * 24))

    with statements.counted() as sent:
        found = await listings.listing(conn, company.company_id, weekend, NOW)
        assert found.earliest == _minutes(Instant("2031-03-10T07:00:00Z"))
    assert len(sent) == 4
    with statements.counted() as sent:
        found = await listings.listing(conn, company.company_id, weekend, NOW, earliest=False)
        assert found.earliest is None
    assert len(sent) == 2


async def test_without_a_start_up_to_the_booking_windows_end_there_is_no_earliest(
    conn: Connection, company: Founded
) -> None:
    window = {"mode": "range", "rangeMin": "2031-03-01", "rangeMax": "2031-03-09"}
    kind = await factories.meeting_type(conn, company, days_into_future=window)
    weekend = SlotQuery(kind.id, NOW.add(hours=5 * 24), NOW.add(hours=6 * 24))

    assert (await listings.listing(conn, company.company_id, weekend, NOW)).earliest is None


async def test_claims_are_read_with_padding_and_rounded_outward(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, meeting_info={"bufferBefore": 10, "bufferAfter": 5})
    await ordering.book(conn, factories.actor(company), order(kind.id))
    await ordering.book(
        conn,
        factories.actor(company),
        order(company.meeting_type_id, START.add(hours=2, seconds=20), ignore_availability=True),
    )

    loaded = await _load(conn, company)

    first, second = _minutes(START), _minutes(START.add(hours=2))
    assert loaded.calendars[0].claims == [(first - 10, first + 35), (second, second + 31)]


async def test_expired_claims_do_not_block(conn: Connection, company: Founded) -> None:
    hold = await calendar_rows.reservation(conn, company, company.meeting_type_id)
    before = (await _load(conn, company)).calendars[0].claims
    await conn.execute("UPDATE claim SET expires_at = %s WHERE reservation_id = %s", (NOW, hold))

    assert before == [(_minutes(START), _minutes(START) + 30)]
    assert (await _load(conn, company)).calendars[0].claims == ()
    again = await ordering.book(conn, factories.actor(company), order(company.meeting_type_id))
    left = await conn.execute("SELECT appointment_id FROM claim WHERE company_id = %s", (company.company_id,))
    assert await left.fetchall() == [(again.appointment_id,)]


async def test_an_own_hold_blocks_nobody_but_others(conn: Connection, company: Founded) -> None:
    """C14: and only where it is of the type that is asked for, since nothing else can be booked with it."""
    kind = await factories.meeting_type(conn, company, booking_limits={"perDay": 1})
    hold = await calendar_rows.reservation(conn, company, kind.id)
    span = (_minutes(START), _minutes(START) + 30)

    theirs = await _load(conn, company, meeting_type_id=kind.id)
    own = await _load(conn, company, meeting_type_id=kind.id, hold_id=hold)
    other = await _load(conn, company, hold_id=hold)
    await conn.execute("UPDATE reservation SET expires_at = %s WHERE id = %s", (NOW, hold))
    ended = await _load(conn, company, meeting_type_id=kind.id, hold_id=hold)

    assert (theirs.calendars[0].claims, theirs.rules.booked, theirs.hold) == ([span], [_minutes(START)], None)
    assert (own.calendars[0].claims, own.rules.booked) == ((), ())
    assert own.hold is not None
    assert (own.hold.id, [host.id for host in own.hold_hosts]) == (hold, [company.user_id])
    assert other.calendars[0].claims == [span]
    assert ended.hold is not None
    assert ended.rules.booked == ()


async def test_holds_of_nobody_and_of_others_are_not_found(conn: Connection, company: Founded) -> None:
    foreign = await factories.company(conn, now=NOW)

    for unknown in (uuid4(), await calendar_rows.reservation(conn, foreign, foreign.meeting_type_id)):
        with pytest.raises(NotFound, match="Hold not found"):
            await _load(conn, company, hold_id=unknown)


async def test_the_hosts_of_a_hold_are_locked_too(
    conn: Connection, company: Founded, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = (await factories.user(conn, company, now=NOW)).user
    room = (await factories.user(conn, company, now=NOW, user_type="resource")).user
    hold = await calendar_rows.reservation(conn, company, company.meeting_type_id, host_ids=[other.id])
    needed = [{"channelId": str(uuid4()), "resourceId": str(room.id), "name": "Room"}]
    await conn.execute("UPDATE reservation SET resources = %s::jsonb WHERE id = %s", (json.dumps(needed), hold))
    locked: list[set[int]] = []

    async def note(_: Connection, host_nos: Iterable[int]) -> None:
        locked.append(set(host_nos))

    monkeypatch.setattr(locks, "hosts", note)
    query = SlotQuery(company.meeting_type_id, START, START.add(minutes=1), hold_id=hold)
    loaded, _ = await calendars.load_locked(conn, company.company_id, query, lambda: NOW)

    found = await conn.execute(
        "SELECT host_no FROM user_account WHERE company_id = %s AND deleted_at IS NULL", (company.company_id,)
    )
    assert locked == [{row[0] for row in await found.fetchall()}]
    assert [host.id for host in loaded.hosts] == [company.user_id]


@pytest.mark.parametrize("pending", [False, True])
async def test_caps_count_what_is_kept(conn: Connection, company: Founded, pending: bool) -> None:
    """S07: a pending booking counts, and so does a hold, for the type and for the host."""
    await conn.execute(
        "UPDATE user_account SET booking_limits = %s::jsonb WHERE id = %s", ('{"perDay": 9}', company.user_id)
    )
    kind = await factories.meeting_type(conn, company, booking_limits={"perDay": 9})
    await calendar_rows.reservation(conn, company, kind.id, pending=pending)
    await calendar_rows.reservation(conn, company, company.meeting_type_id, START.add(hours=1), pending=pending)
    await calendar_rows.reservation(conn, company, kind.id, START.add(hours=2), expires_at=NOW)

    loaded = await _load(conn, company, meeting_type_id=kind.id)

    assert loaded.rules.booked == [_minutes(START)]
    assert sorted(loaded.calendars[0].booked) == [_minutes(START), _minutes(START.add(hours=1))]


async def test_a_session_counts_once_however_many_sit_there(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, booking_limits={"perDay": 9}, spots=5)
    for seats in (1, 2):
        await calendar_rows.reservation(conn, company, kind.id, seats=seats, claims=False)
    booked = await ordering.book(
        conn, factories.actor(company), order(kind.id, START.add(hours=1), bringalong_emails=("pal@guests.test",))
    )
    await calendar_rows.reservation(
        conn, company, kind.id, START.add(hours=1), appointment_id=booked.appointment_id, claims=False
    )

    loaded = await _load(conn, company, meeting_type_id=kind.id)

    assert sorted(loaded.rules.booked) == [_minutes(START), _minutes(START.add(hours=1))]


async def test_a_channel_has_hours_of_its_own(conn: Connection, company: Founded) -> None:
    """They are those of the type's owner, and take the place of the type's; others keep their default ones."""
    other = await factories.user(conn, company, now=NOW, timezone="Asia/Kathmandu")
    types = await factories.availability(conn, company, timezone="America/New_York")
    calls = await factories.availability(conn, company, timezone="Asia/Tokyo")
    kind = await factories.meeting_type(
        conn,
        company,
        availability_id=types.id,
        meeting_info={"channel": "phone"},
        meeting_options={"channelAvailabilities": {"phone": str(calls.id)}},
    )
    hosts = (company.user_id, other.user.id)

    async def zones(**fields: Any) -> tuple[str, list[str]]:
        loaded = await _load(conn, company, meeting_type_id=kind.id, host_ids=hosts, **fields)
        return loaded.rules.zone, [one.schedule.zone for one in loaded.calendars]

    assert await zones() == ("Asia/Tokyo", ["Asia/Tokyo", "Asia/Kathmandu"])
    assert await zones(channel="zoom") == ("America/New_York", ["America/New_York", "Asia/Kathmandu"])
    booked = await ordering.book(
        conn, factories.actor(company), order(kind.id, host_ids=hosts[:1], ignore_availability=True)
    )
    await conn.execute("UPDATE appointment SET channel = 'zoom' WHERE id = %s", (booked.appointment_id,))
    assert await zones(existing_appointment_id=booked.appointment_id, channel="phone") == (
        "America/New_York",
        ["America/New_York"],
    )


async def test_the_moved_appointment_does_not_count(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, booking_limits={"perDay": 1})
    stored = await booked(conn, factories.actor(company), order(kind.id))

    before = await _load(conn, company, meeting_type_id=kind.id)
    moving = await _load(conn, company, meeting_type_id=kind.id, existing_appointment_id=stored.id)

    assert (before.rules.caps, before.rules.booked) == (Caps(per_day=1), [_minutes(START)])
    assert (moving.rules.booked, moving.calendars[0].claims) == ((), ())


async def test_a_moved_appointment_brings_its_hosts_and_its_length(conn: Connection, company: Founded) -> None:
    other = await factories.user(conn, company, now=NOW)
    both = (other.user.id, company.user_id)
    kind = await factories.meeting_type(conn, company, meeting_options={"allowedDurations": [30, 60]})
    stored = await booked(conn, factories.actor(company), order(kind.id, host_ids=both, mode="everyone", duration=60))

    loaded = await _load(conn, company, meeting_type_id=kind.id, existing_appointment_id=stored.id)

    assert tuple(host.id for host in loaded.hosts) == both
    assert (loaded.ask.mode, loaded.rules.duration) == ("everyone", 60)


async def test_the_types_schedule_is_its_owners_only(conn: Connection, company: Founded) -> None:
    other = await factories.user(conn, company, now=NOW, timezone="Asia/Kathmandu")
    own = await factories.availability(conn, company, timezone="America/New_York")
    kind = await factories.meeting_type(conn, company, availability_id=own.id)

    loaded = await _load(conn, company, meeting_type_id=kind.id, host_ids=(company.user_id, other.user.id))

    assert [calendar.schedule.zone for calendar in loaded.calendars] == ["America/New_York", "Asia/Kathmandu"]
    assert loaded.rules.zone == "America/New_York"


async def test_equal_schedules_are_one_object(conn: Connection, company: Founded) -> None:
    colleague, other = [(await factories.user(conn, company, now=NOW)).user.id for _ in range(2)]
    await conn.execute(
        """UPDATE availability SET schedule = '{"monday": {"hours": [{"start": "09:00", "end": "10:00"}]}}'
        WHERE company_id = %s AND user_id = %s""",
        (company.company_id, other),
    )

    loaded = await _load(conn, company, host_ids=(company.user_id, colleague, other))
    again = await _load(conn, company, host_ids=(colleague,))

    own, same, different = (one.schedule for one in loaded.calendars)
    assert own is same is again.calendars[0].schedule
    assert different != own


async def test_exceptions_of_company_host_and_schedule_are_read(conn: Connection, company: Founded) -> None:
    own = await factories.availability(
        conn, company, exceptions=[NewException(available=True, start="2031-03-08T09:00", end="2031-03-08T12:00")]
    )
    kind = await factories.meeting_type(conn, company, availability_id=own.id)
    for owner_type, owner_id, start in (
        ("company", company.company_id, "2031-03-05"),
        ("user", company.user_id, "2031-03-06"),
        ("user", uuid4(), "2031-03-07"),
        ("availability", company.availability_id, "2031-03-07"),
    ):
        await conn.execute(
            """INSERT INTO availability_exception
                (company_id, owner_type, owner_id, available, starts, ends, earliest, latest, created_at)
            VALUES (%(company)s, %(type)s, %(owner)s, false, %(day)s::text, %(day)s::text,
                %(day)s::text::date - 2, %(day)s::text::date + 3, now())""",
            {"company": company.company_id, "type": owner_type, "owner": owner_id, "day": start},
        )

    loaded = await _load(conn, company, meeting_type_id=kind.id)

    assert [(one.available, one.start, one.level) for one in loaded.calendars[0].schedule.exceptions] == [
        (True, "2031-03-08T09:00", "own"),
        (False, "2031-03-05", "company"),
        (False, "2031-03-06", "own"),
    ]


async def test_a_host_who_left_is_not_found(conn: Connection, company: Founded) -> None:
    member = await factories.user(conn, company, now=NOW)
    await users.update(conn, company.company_id, member.user.id, {"deleted_at": NOW})

    with pytest.raises(NotFound):
        await _load(conn, company, host_ids=(company.user_id, member.user.id))


async def test_an_appointment_of_another_company_is_not_found(conn: Connection, company: Founded) -> None:
    foreign = await factories.company(conn, now=NOW)
    stored = await ordering.book(conn, factories.actor(foreign), order(foreign.meeting_type_id))

    for unknown in (stored.appointment_id, uuid4()):
        with pytest.raises(NotFound):
            await _load(conn, company, existing_appointment_id=unknown)
