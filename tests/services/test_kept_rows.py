"""Kept rows: what is kept saves statements and is never out of date, whoever changes what at which moment."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.app import App
from kalends.domain.rules import Mode
from kalends.errors import DomainError
from kalends.services import availabilities, calendars, connected_calendars, listings, slot_scopes
from kalends.services.companies import Founded
from kalends.services.kept_rows import KeptRows
from kalends.services.slot_queries import Loaded, SlotQuery
from kalends.storage import taken_time as storage_taken_time
from kalends.storage.database import Connection
from tests import busy_rows, calendar_rows, factories, ordering, statements
from tests.ordering import NOW, START, order

Change: TypeAlias = Callable[[Connection], Awaitable[Any]]


@dataclass(frozen=True)
class Office:
    """A company with a type of its owner's, one of a queue of two, and one that needs a room."""

    company: Founded
    member: UUID
    queued: UUID
    roomy: UUID
    room: UUID
    queue: UUID


@pytest.fixture
async def office(app: App) -> Office:
    async with app.transaction() as conn:
        company = await factories.company(conn, now=NOW)
        member = (await factories.user(conn, company, now=NOW)).user.id
        room = (await factories.user(conn, company, now=NOW, user_type="resource")).user.id
        needed = [{"id": str(uuid4()), "resourceId": str(room), "name": "Room"}]
        roomy = (await factories.meeting_type(conn, company, resource_channels=needed)).id
        queued = (await factories.meeting_type(conn, company)).id
        queue = await calendar_rows.queue(conn, company, queued, [company.user_id, member])
        never = {day: {"enabled": False, "hours": []} for day in availabilities.default_schedule()}
        calls = await factories.availability(conn, company, schedule=never)
        await conn.execute(
            "UPDATE meeting_type SET meeting_options = meeting_options || %s WHERE company_id = %s",
            (Jsonb({"channelAvailabilities": {"zoom": str(calls.id)}}), company.company_id),
        )
    return Office(company, member, queued, roomy, room, queue)


@pytest.fixture
async def reading(app: App) -> AsyncIterator[Connection]:
    async with app.reading() as conn:
        yield conn


def _query(office: Office, **fields: Any) -> SlotQuery:
    return SlotQuery(
        **{"meeting_type_id": office.company.meeting_type_id, "start": NOW, "end": NOW.add(hours=168), **fields}
    )


async def _load(conn: Connection, office: Office, query: SlotQuery) -> Loaded:
    return await calendars.load(conn, office.company.company_id, query, NOW)


async def _anew(conn: Connection, office: Office, query: SlotQuery) -> Loaded:
    """Load without anything kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slot_scopes, "_KEPT", KeptRows[slot_scopes.Asked](0, attrgetter("weight")))
        patch.setattr(connected_calendars, "_KEPT", KeptRows[connected_calendars._Events](0, attrgetter("weight")))
        return await _load(conn, office, query)


async def _change(app: App, statement: str, *values: object) -> None:
    async with app.transaction() as conn:
        await conn.execute(statement, values)


@pytest.mark.parametrize(("hosts", "first"), [(1, 2), (2, 2)])
async def test_a_second_listing_takes_one_statement_and_one_after_a_change_three(
    app: App, office: Office, reading: Connection, hosts: int, first: int
) -> None:
    query = _query(office, host_ids=(office.company.user_id, office.member)[:hosts])
    taken = []

    async def listed(query: SlotQuery) -> None:
        with statements.counted() as sent:
            await listings.listing(reading, office.company.company_id, query, NOW)
        taken.append(len(sent))

    await listed(query)
    await listed(query)
    await listed(replace(query, start=NOW.add(hours=7), end=NOW.add(hours=75)))
    await _change(app, "UPDATE user_account SET title = 'Dr' WHERE id = %s", office.member)
    await listed(query)
    await listed(query)

    assert taken == [first, 1, 1, 3, 1]


async def test_what_a_queue_and_resources_need_is_kept_too(office: Office, reading: Connection) -> None:
    for kind in (office.queued, office.roomy):
        query = _query(office, meeting_type_id=kind)
        before = await _load(reading, office, query)
        with statements.counted() as sent:
            again = await _load(reading, office, query)

        assert again == before == await _anew(reading, office, query)
        assert len(sent) == 1


async def test_an_empty_window_and_the_earliest_start_behind_it_are_kept(office: Office, reading: Connection) -> None:
    weekend = _query(office, start=NOW.add(hours=5 * 24), end=NOW.add(hours=6 * 24))
    taken = []
    for _ in range(2):
        with statements.counted() as sent:
            found = await listings.listing(reading, office.company.company_id, weekend, NOW)
        assert found.earliest == Instant("2031-03-10T07:00:00Z").timestamp() // 60
        taken.append(len(sent))

    assert taken == [4, 2]


async def test_a_locked_load_takes_two_statements(app: App, office: Office) -> None:
    taken = []
    for minutes in (0, 30):
        start = START.add(minutes=minutes)
        async with app.transaction() as conn:
            with statements.counted() as sent:
                await _locked(conn, office, _query(office, start=start, end=start.add(minutes=1)))
        taken.append(len(sent))

    assert taken == [3, 2]


async def _locked(
    conn: Connection, office: Office, query: SlotQuery, clock: Callable[[], Instant] = ordering.clock
) -> Loaded:
    loaded, _ = await calendars.load_locked(conn, office.company.company_id, query, clock)
    return loaded


async def test_listing_and_locking_with_calendars_take_no_more_statements(
    app: App, office: Office, reading: Connection
) -> None:
    async with app.transaction() as conn:
        own = await busy_rows.connection(conn, office.company, calendars=2)
        await busy_rows.busy(conn, own.calendars[1], [(START, START.add(minutes=30))])
    taken = []
    for query in (_query(office), _query(office, host_ids=(office.member, office.company.user_id), mode="everyone")):
        await listings.listing(reading, office.company.company_id, query, NOW)
        with statements.counted() as sent:
            listed = await listings.listing(reading, office.company.company_id, query, NOW)
        assert START.timestamp() // 60 not in listed.listing.starts
        taken.append(len(sent))
    async with app.transaction() as conn:
        with statements.counted() as sent:
            await _locked(conn, office, _query(office, start=START, end=START.add(minutes=1)))
        taken.append(len(sent))

    assert taken == [1, 1, 2]


async def test_a_calendar_that_is_connected_or_left_out_is_seen_at_once(
    app: App, office: Office, reading: Connection
) -> None:
    """Whichever process connected it: what others keep is of an edition that is over."""
    query = _query(office, start=START, end=START.add(minutes=1))

    async def blocked() -> bool:
        listed = await listings.listing(reading, office.company.company_id, query, NOW, earliest=False)
        return not listed.listing.starts

    seen = [await blocked()]
    async with app.transaction() as conn:
        own = await busy_rows.connection(conn, office.company, calendars=2)
        await busy_rows.busy(conn, own.calendars[0], [(START, START.add(minutes=30))])
    seen.append(await blocked())
    for change in (
        "UPDATE calendar SET selected = false WHERE id = %(calendar)s",
        "UPDATE calendar SET selected = true WHERE id = %(calendar)s",
        "UPDATE calendar_connection SET validate_availability = false WHERE id = %(connection)s",
        "UPDATE calendar_connection SET validate_availability = true WHERE id = %(connection)s",
        "UPDATE calendar_access SET status = 'refused' WHERE connection_id = %(connection)s",
        "UPDATE calendar_connection SET deleted_at = now() WHERE id = %(connection)s",
    ):
        async with app.transaction() as conn:
            await conn.execute(change, {"calendar": own.calendars[0], "connection": own.id})
        seen.append(await blocked())

    assert seen == [False, True, False, True, False, True, True, False]


async def test_an_appointment_that_is_moved_is_read_each_time(app: App, office: Office, reading: Connection) -> None:
    async with app.transaction() as conn:
        booked = await ordering.book(conn, factories.actor(office.company), order(office.company.meeting_type_id))
    query = _query(office, existing_appointment_id=booked.appointment_id)
    await _load(reading, office, query)
    await _change(
        app, "UPDATE appointment SET end_at = end_at + interval '1 hour' WHERE id = %s", booked.appointment_id
    )

    assert (await _load(reading, office, query)).rules.duration == 90


async def test_a_hold_is_read_each_time(app: App, office: Office, reading: Connection) -> None:
    async with app.transaction() as conn:
        hold = await calendar_rows.reservation(conn, office.company, office.company.meeting_type_id)
    query = _query(office)

    loaded = [await _load(reading, office, one) for one in (query, replace(query, hold_id=hold), query)]

    assert [(len(one.calendars[0].claims), one.hold is not None) for one in loaded] == [
        (1, False),
        (0, True),
        (1, False),
    ]


async def test_expired_claims_are_told_of(app: App, office: Office, reading: Connection) -> None:
    before = await _load(reading, office, _query(office))
    async with app.transaction() as conn:
        await calendar_rows.reservation(conn, office.company, office.company.meeting_type_id, expires_at=NOW)
    after = await _load(reading, office, _query(office))

    assert (before.expired, after.expired) == (False, True)
    assert before.calendars == after.calendars


async def test_a_transaction_sees_what_it_has_changed_itself_and_leaves_nothing_behind(
    app: App, office: Office, reading: Connection
) -> None:
    query = _query(office)
    kept = await _load(reading, office, query)

    async with app.connection() as conn, conn.transaction(force_rollback=True):
        assert await _load(conn, office, query) == kept
        await conn.execute("UPDATE meeting_type SET booking_minimum = 7 WHERE id = %s", (query.meeting_type_id,))
        assert (await _load(conn, office, query)).rules.notice == 7
        assert (await _locked(conn, office, query)).rules.notice == 7
        assert (await _load(reading, office, query)) == kept

    assert await _load(reading, office, query) == kept


async def test_a_locked_load_sees_what_changed_while_it_waited(app: App, conninfo: str, office: Office) -> None:
    """The scope that said whom to lock is kept, and out of date by the time the claims are read."""
    query = _query(office)

    def clock() -> Instant:  # called when the hosts are locked
        with psycopg.connect(conninfo) as conn:
            conn.execute("UPDATE meeting_type SET booking_minimum = 7 WHERE id = %s", (query.meeting_type_id,))
        return NOW

    async with app.transaction() as conn:
        await _locked(conn, office, query)
    async with app.transaction() as conn:
        assert (await _locked(conn, office, query, clock)).rules.notice == 7


@pytest.mark.parametrize("kind", ["queued", "roomy"])
async def test_a_locked_load_with_new_hosts_locks_them(app: App, office: Office, kind: str) -> None:
    """What is kept says less than has to be locked: it is found out before anybody is locked, and not refused."""
    query = _query(office, meeting_type_id=getattr(office, kind))
    async with app.transaction() as conn:
        await _locked(conn, office, query)
        newcomer = (await factories.user(conn, office.company, now=NOW)).user
        other = {"id": str(uuid4()), "resourceId": str(newcomer.id), "name": "Hall"}
        await conn.execute(
            "INSERT INTO queue_user (company_id, queue_id, user_id, position, joined_at) VALUES (%s, %s, %s, 9, %s)",
            (office.company.company_id, office.queue, newcomer.id, NOW),
        )
        await conn.execute(
            "UPDATE user_account SET user_type = 'resource' WHERE id = %s AND %s", (newcomer.id, kind == "roomy")
        )
        await conn.execute(
            "UPDATE meeting_type SET resource_channels = resource_channels || %s::jsonb WHERE id = %s AND %s",
            (json.dumps([other]), office.roomy, kind == "roomy"),
        )

    async with app.transaction() as conn, app.connection() as rival:
        loaded = await _locked(conn, office, query)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await rival.execute("SELECT FROM user_account WHERE id = %s FOR NO KEY UPDATE NOWAIT", (newcomer.id,))

    assert len(loaded.hosts) + len(loaded.resources) == 3


async def test_a_type_that_was_given_a_cap_is_locked(app: App, office: Office) -> None:
    query = _query(office)
    async with app.transaction() as conn:
        await _locked(conn, office, query)
    await _change(
        app, """UPDATE meeting_type SET booking_limits = '{"perDay": 1}' WHERE id = %s""", query.meeting_type_id
    )

    async with app.transaction() as conn, app.connection() as rival:
        await _locked(conn, office, query)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await rival.execute("SELECT FROM meeting_type WHERE id = %s FOR UPDATE NOWAIT", (query.meeting_type_id,))


async def test_whatever_is_asked_and_changed_the_kept_answer_is_the_new_one(
    app: App, office: Office, reading: Connection
) -> None:
    """All parts of a query that decide what is read are part of what is kept; and all that may change is noticed."""
    chance = random.Random(4)
    async with app.transaction() as conn:
        for user_id in (office.company.user_id, office.member):
            own = await busy_rows.connection(conn, office.company, user_id, calendars=2)
            for hours, calendar in enumerate(own.calendars):
                await busy_rows.busy(conn, calendar, [(NOW.add(hours=24 * 41 + hours), NOW.add(hours=24 * 43))])
    for change in range(80):
        query, other = _random_query(office, chance), _random_query(office, chance)
        parts = [replace(query, **{part: getattr(other, part)}) for part in SlotQuery.__dataclass_fields__]
        for one in [query, *parts, query, *parts] if change % 2 == 0 else [query, other, query]:
            assert await _outcome(_load, reading, office, one) == await _outcome(_anew, reading, office, one)
        statement, values = chance.choice(_changes(office, chance))
        await _change(app, statement, *values)


async def _outcome(
    load: Callable[[Connection, Office, SlotQuery], Awaitable[Loaded]],
    conn: Connection,
    office: Office,
    query: SlotQuery,
) -> Loaded | str:
    try:
        return await load(conn, office, query)
    except DomainError as refused:
        return refused.message


def _random_query(office: Office, chance: random.Random) -> SlotQuery:
    start = NOW.add(hours=chance.choice([0, 1, 24 * 40]))
    modes: list[Mode | None] = [None, "anyone", "everyone"]
    return SlotQuery(
        meeting_type_id=chance.choice([office.company.meeting_type_id, office.queued, office.roomy]),
        start=start,
        end=NOW.add(hours=24 * 40 + chance.choice([1, 24, 24 * 30])),
        host_ids=chance.choice([(), (office.member,), (office.company.user_id, office.member)]),
        queue_id=chance.choice([None, None, None, office.queue]),
        mode=chance.choice(modes),
        required=chance.choice([None, None, 1]),
        duration=chance.choice([None, 30, 60]),
        channel=chance.choice([None, "phone", "zoom"]),
        resource_channel_ids=chance.choice([(), (), (), (office.room,)]),
        seats=chance.choice([1, 2]),
    )


def _changes(office: Office, chance: random.Random) -> list[tuple[str, tuple[object, ...]]]:
    """Make one change of each kind; some change nothing."""
    company, minutes = office.company.company_id, chance.randrange(60)
    owner, day = (
        chance.choice([company, office.member, office.company.availability_id]),
        f"2031-03-{chance.randrange(1, 29):02}",
    )
    exception = """INSERT INTO availability_exception
        (company_id, owner_type, owner_id, available, starts, ends, earliest, latest, created_at)
        VALUES (%s, 'user', %s, %s, %s, %s, %s::date - 2, %s::date + 3, now())"""
    return [
        ("UPDATE meeting_type SET booking_minimum = %s WHERE company_id = %s", (minutes, company)),
        ("UPDATE meeting_type SET spots = %s WHERE company_id = %s", (chance.randrange(1, 4), company)),
        ("UPDATE meeting_type SET availability_id = NULL WHERE company_id = %s", (company,)),
        ("UPDATE meeting_type SET deleted_at = %s WHERE id = %s", (chance.choice([None, None, NOW]), office.roomy)),
        ("UPDATE user_account SET timezone = %s WHERE id = %s", (chance.choice(["Asia/Tokyo", "UTC"]), office.member)),
        ("UPDATE user_account SET capacity = %s WHERE id = %s", (chance.randrange(1, 4), office.room)),
        ("UPDATE user_account SET deleted_at = %s WHERE id = %s", (chance.choice([None, None, NOW]), office.member)),
        ("UPDATE user_account SET deleted_at = %s WHERE id = %s", (chance.choice([None, None, NOW]), office.room)),
        (
            "UPDATE user_account SET booking_limits = jsonb_build_object('perDay', %s::int) WHERE id = %s",
            (1 + minutes, office.member),
        ),
        (
            "UPDATE availability SET timezone = %s WHERE company_id = %s",
            (chance.choice(["UTC", "Asia/Tokyo"]), company),
        ),
        (
            "UPDATE availability SET schedule = schedule || %s WHERE company_id = %s",
            ('{"monday": {"enabled": false, "hours": []}}', company),
        ),
        ("UPDATE queue_user SET position = %s WHERE user_id = %s", (minutes, office.member)),
        ("UPDATE queue_user SET baseline = %s WHERE user_id = %s", (minutes, office.member)),
        (
            "UPDATE queue SET type = %s WHERE id = %s",
            (chance.choice(["simpleRoundRobin", "equalDistribution"]), office.queue),
        ),
        ("UPDATE company SET settings = jsonb_build_object('holdMinutes', %s::int) WHERE id = %s", (minutes, company)),
        (
            "INSERT INTO resource_unit (company_id, user_id, unit) VALUES (%s, %s, 2) ON CONFLICT DO NOTHING",
            (company, office.room),
        ),
        ("UPDATE calendar SET selected = %s WHERE company_id = %s", (minutes % 3 > 0, company)),
        (
            "UPDATE calendar_connection SET validate_availability = %s WHERE user_id = %s",
            (minutes % 3 > 0, office.member),
        ),
        (
            """UPDATE meeting_type SET meeting_options = meeting_options || jsonb_build_object('calendarIds', (
                SELECT jsonb_agg(id) FROM calendar WHERE name = %s AND company_id = %s)) WHERE company_id = %s""",
            (f"Calendar {minutes % 2}", company, company),
        ),
        (exception, (company, owner, chance.random() < 0.5, day, day, day, day)),
        ("UPDATE availability_exception SET deleted_at = now() WHERE company_id = %s", (company,)),
        ("DELETE FROM availability_exception WHERE company_id = %s", (company,)),
    ]


async def test_what_is_committed_is_seen_by_whatever_begins_later(app: App, office: Office) -> None:
    """Several change, list and lock at once; each of them knows which changes were over when it began."""
    over: Counter[str] = Counter()
    done = asyncio.Event()
    query = _query(office, host_ids=(office.company.user_id, office.member), mode="everyone")
    statements_of = {
        "notice": (
            "UPDATE meeting_type SET booking_minimum = booking_minimum + 1 WHERE id = %s",
            query.meeting_type_id,
        ),
        "before": (
            """UPDATE meeting_type SET meeting_info = jsonb_set(meeting_info, '{bufferBefore}',
            to_jsonb(coalesce((meeting_info->>'bufferBefore')::int, 0) + 1)) WHERE id = %s""",
            query.meeting_type_id,
        ),
        "away": (
            """INSERT INTO availability_exception
                (company_id, owner_type, owner_id, available, starts, ends, earliest, latest, created_at)
            SELECT company_id, 'user', id, false, '2031-03-05', '2031-03-05', '2031-03-04', '2031-03-07', now()
            FROM user_account WHERE id = %s""",
            office.member,
        ),
        "company": (
            """UPDATE company SET settings = jsonb_set(settings, '{n}',
            to_jsonb(coalesce((settings->>'n')::int, 0) + 1)) WHERE id = %s""",
            office.company.company_id,
        ),
    }

    async def changes(what: str) -> None:
        statement, row = statements_of[what]
        for number in range(1, 31):
            await _change(app, statement, row)
            over[what] = number

    async def looks(*, locked: bool) -> int:
        looked = 0
        while not done.is_set():
            least = Counter(over)
            async with app.transaction() if locked else app.reading() as conn:
                found = await (_locked if locked else _load)(conn, office, query)
            seen = {
                "notice": found.rules.notice - first.rules.notice,
                "before": found.rules.buffer_before,
                "away": len(found.calendars[1].schedule.exceptions),
                "company": found.company.settings.get("n", 0),
            }
            assert all(seen[what] >= least[what] for what in statements_of), (seen, least)
            looked += 1
        return looked

    async with app.reading() as conn:
        first = await _load(conn, office, query)
    lookers = [asyncio.create_task(looks(locked=number == 0)) for number in range(4)]
    await asyncio.gather(*map(changes, statements_of))
    done.set()
    looked = sum(await asyncio.gather(*lookers))

    assert looked > 30
    assert over == dict.fromkeys(statements_of, 30)


@dataclass(frozen=True)
class _Weight:
    weight: int


def test_what_is_longest_unused_is_forgotten_first() -> None:
    store: KeptRows[_Weight] = KeptRows(10, attrgetter("weight"))
    for name in "abc":
        store.put(name, _Weight(3))

    store.get("a")
    store.put("d", _Weight(4))
    assert [name for name in "abcd" if store.get(name)] == ["a", "c", "d"]
    store.put("d", _Weight(1))
    store.put("e", _Weight(3))
    assert [name for name in "acde" if store.get(name)] == ["a", "c", "d", "e"]
    store.put("f", _Weight(11))
    assert not any(map(store.get, "acdef"))


async def _change_events(app: App, statement: str, **values: object) -> None:
    async with app.transaction() as conn:
        await conn.execute(statement, values)


async def test_busy_events_read_by_who_rolls_his_change_back_are_kept_for_nobody(
    app: App, office: Office, reading: Connection
) -> None:
    """Nor those read between two changes of one transaction."""
    query = _query(office)
    async with app.transaction() as conn:
        own = await busy_rows.connection(conn, office.company)
        await busy_rows.busy(conn, own.calendars[0], [(START, START.add(minutes=30))])
    seen = [(await _load(reading, office, query)).calendars[0].events]
    async with app.transaction() as conn:
        for minutes in (60, 120):
            later = START.add(minutes=minutes)
            await busy_rows.busy(conn, own.calendars[0], [(later, later.add(minutes=20))])
            seen.append((await _load(conn, office, query)).calendars[0].events)
        raise psycopg.Rollback

    seen.append((await _load(reading, office, query)).calendars[0].events)

    assert [len(one) for one in seen] == [1, 2, 3, 1]


async def test_busy_events_are_kept_until_they_change(app: App, office: Office, reading: Connection) -> None:
    """Whoever changes them, and however; those of one host do not cost another's."""
    async with app.transaction() as conn:
        own = await busy_rows.connection(conn, office.company)
        theirs = await busy_rows.connection(conn, office.company, office.member)
        await busy_rows.busy(conn, own.calendars[0], [(START, START.add(minutes=30))])
    query = _query(office, host_ids=(office.company.user_id, office.member), mode="everyone")
    values = {"calendar": own.calendars[0], "other": theirs.calendars[0]}
    free = []
    for change in (
        None,
        "UPDATE busy_event SET start_at = start_at + interval '30 minutes', end_at = end_at + interval '30 minutes' "
        "WHERE event_id IN (SELECT id FROM calendar_event WHERE calendar_id = %(calendar)s)",
        "DELETE FROM calendar_event WHERE calendar_id = %(calendar)s",
    ):
        if change:
            await _change_events(app, change, **values)
        for _ in range(2):
            loaded = await _load(reading, office, query)
            assert loaded == await _anew(reading, office, query)
        free.append([one.events for one in loaded.calendars])
    async with app.transaction() as conn:
        await busy_rows.busy(conn, theirs.calendars[0], [(START, START.add(minutes=30))])
    after = [one.events for one in (await _load(reading, office, query)).calendars]

    at = START.timestamp() // 60
    found = [[list(one) for one in events] for events in free]
    assert found == [[[(at, at + 30)], []], [[(at + 30, at + 60)], []], [[], []]]
    assert [list(one) for one in after] == [[], [(at, at + 30)]]


@pytest.mark.parametrize("changed", [False, True])
async def test_what_is_kept_may_be_forgotten_or_renewed_while_a_statement_is_waited_for(
    app: App, office: Office, reading: Connection, changed: bool
) -> None:
    async with app.transaction() as conn:
        own = await busy_rows.connection(conn, office.company)
        await busy_rows.busy(conn, own.calendars[0], [(START, START.add(minutes=30))])
    query = _query(office)
    before = await _load(reading, office, query)
    real = storage_taken_time.busy

    async def meanwhile(*arguments: Any, **named: Any) -> Any:
        found = await real(*arguments, **named)
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(storage_taken_time, "busy", real)
            if changed:  # somebody else of this process sees a newer edition, and keeps that
                await _change_events(
                    app, "DELETE FROM busy_event WHERE company_id = %(c)s", c=office.company.company_id
                )
                async with app.reading() as other:
                    await _load(other, office, query)
            else:
                connected_calendars._KEPT = KeptRows(32_000, attrgetter("weight"))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage_taken_time, "busy", meanwhile)
        patch.setattr(connected_calendars, "_KEPT", connected_calendars._KEPT)
        loaded = await _load(reading, office, query)

    assert loaded.calendars == before.calendars
    after = await _load(reading, office, query)
    assert list(after.calendars[0].events) == ([] if changed else list(before.calendars[0].events))
