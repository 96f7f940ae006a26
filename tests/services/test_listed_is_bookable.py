"""The promise that what is listed can be booked, and nothing else (design section 1)."""

import json
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.errors import DomainError
from kalends.services import appointments, bookings, calendars, listings
from kalends.services.companies import Founded
from kalends.services.slot_queries import Loaded, SlotQuery
from kalends.storage.database import Connection
from tests import busy_rows, calendar_rows, factories
from tests.domain.reference import Reference
from tests.ordering import order


def _minutes(instant: Instant) -> int:
    return instant.timestamp() // 60


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham", "UTC")
# Clock changes of some of the zones lie in these weeks.
WEEKS = tuple(map(Instant, ("2031-03-07T05:00:00Z", "2031-03-28T03:30:00Z", "2031-10-03T12:00:00Z")))


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 6, 7, 8])
async def test_every_listed_start_can_be_booked_alone_and_no_other(conn: Connection, seed: int) -> None:
    """S01: random schedules, bookings and rules; refusals carry the code a model written minute by minute expects."""
    chance = Random(seed)
    now = chance.choice(WEEKS)
    company, kind_id, hosts = await _random_company(conn, chance, now)
    await _random_calendars(conn, Random(seed), company, kind_id, now)
    query = SlotQuery(
        kind_id,
        now,
        now.add(hours=72),
        host_ids=hosts,
        mode=chance.choice(["anyone", "everyone"]),
        required=chance.choice([None, None, 1]),
    )

    listed = (await listings.listing(conn, company.company_id, query, now)).listing.starts
    loaded = await calendars.load(conn, company.company_id, query, now)
    model = _model(loaded, now)

    assert listed, "choose another seed"
    assert listed == _expected(model, now)
    others = {_minutes(now) + 5 * chance.randrange(12 * 80) for _ in range(25)} - set(listed)
    for start in [*listed[:: max(1, len(listed) // 25)], *others]:
        expected = model.verdict(start, 5)
        if expected.code == "bookable":
            hosts = [loaded.hosts[place].id for place in expected.hosts]
            assert await _tried(conn, company, query, start, now) == hosts
        else:
            assert start not in listed
            assert await _tried(conn, company, query, start, now) == expected.code


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 6])
async def test_so_it_is_with_queues_groups_and_resources(conn: Connection, seed: int) -> None:
    """S01: seats, teams, leads, rooms and holds; whoever is chosen is free."""
    chance = Random(seed)
    now = chance.choice(WEEKS)
    company, kind_id = await _random_group(conn, chance, now)
    await _random_calendars(conn, Random(seed), company, kind_id, now)
    query = SlotQuery(kind_id, now, now.add(hours=72))

    listed = (await listings.listing(conn, company.company_id, query, now)).listing.starts
    loaded = await calendars.load(conn, company.company_id, query, now)
    model = _model(loaded, now)

    assert listed, "choose another seed"
    assert listed == _expected(model, now)
    others = {_minutes(now) + 5 * chance.randrange(12 * 80) for _ in range(15)} - set(listed)
    for start in [*listed[:: max(1, len(listed) // 15)], *loaded.rules.sessions, *others]:
        expected = model.verdict(start, 5)
        tried = await _tried(conn, company, query, start, now)
        if expected.code == "joinable":
            assert tried[0] == loaded.sessions[start].host_ids[0]
        elif expected.code == "bookable":
            free = [loaded.ask.teams[team] for team in expected.teams] or [expected.hosts]
            assert tried in [[loaded.hosts[place].id for place in team] for team in free]
        else:
            assert start not in listed
            assert tried == expected.code


def _model(loaded: Loaded, now: Instant) -> Reference:
    first, end = _minutes(now) - 3 * 1440, _minutes(now) + 7 * 1440
    resources = list(loaded.resource_calendars)
    return Reference(loaded.rules, list(loaded.calendars), loaded.ask, now, first, end, resources)


def _expected(model: Reference, now: Instant) -> list[int]:
    return [
        start
        for start in range(_minutes(now), _minutes(now.add(hours=72)))
        if (start % 5 == 0 or start in model.rules.sessions) and model.verdict(start).code in ("bookable", "joinable")
    ]


async def _random_calendars(conn: Connection, chance: Random, company: Founded, kind_id: UUID, now: Instant) -> None:
    """Let some connect calendars with events at odd times; of some it is not known what stands in them by now."""
    found = await conn.execute(
        "SELECT id FROM user_account WHERE company_id = %s AND user_type <> 'resource' ORDER BY host_no",
        (company.company_id,),
    )
    counting = []
    for (user_id,) in await found.fetchall():
        if chance.random() < 0.3:
            continue
        status = "refused" if chance.random() < 0.1 else "connected"
        synced_at = now.subtract(hours=chance.choice([0, 1, 24, 24, 25]))
        until = now.add(hours=chance.choice([1000, 1000, 30]))
        own = await busy_rows.connection(
            conn, company, user_id, calendars=2, synced_at=synced_at, status=status, known_until=until
        )
        counting += [str(one) for one in own.calendars if chance.random() < 0.5]
        for calendar in own.calendars:
            starts = [
                now.add(seconds=chance.randrange(-40, 80) * 3600 + chance.choice([0, 0, 1, 1799])) for _ in range(4)
            ]
            spans = [(start, start.add(minutes=chance.choice([1, 25, 60, 600]))) for start in starts]
            await busy_rows.busy(conn, calendar, spans)
    options = Jsonb({"calendarIds": chance.choice([None, counting])})
    await conn.execute(
        "UPDATE meeting_type SET meeting_options = meeting_options || %s WHERE id = %s", (options, kind_id)
    )
    if chance.random() < 0.3:
        await conn.execute(
            "UPDATE company SET settings = %s WHERE id = %s",
            (Jsonb({"staleCalendarPolicy": "open"}), company.company_id),
        )


async def _random_group(conn: Connection, chance: Random, now: Instant) -> tuple[Founded, UUID]:
    """Make a type of one or three seats, with or without rooms and a queue, and some time that is kept."""
    company, kind_id, _ = await _random_company(conn, chance, now)
    found = await conn.execute(
        "SELECT id FROM user_account WHERE company_id = %s ORDER BY host_no", (company.company_id,)
    )
    people = [row[0] for row in await found.fetchall()]
    if chance.random() < 0.7:
        columns = {"max_lead_threshold": chance.choice([None, 1]), "prioritize_near_term": chance.random() < 0.5}
        grouped, fixed = chance.choice([((), ()), ([people[1:]], ()), ((), people[2:])])
        rotating = [one for one in people if one not in fixed]
        queue_id = await calendar_rows.queue(conn, company, kind_id, rotating, groups=grouped, fixed=fixed, **columns)
        await calendar_rows.choice(conn, company, queue_id, people[0], now.add(hours=30))
    channels = []
    for number in range(chance.choice([0, 0, 1, 3])):
        sizes = {"capacity": chance.choice([1, 2]), "buffer_after": chance.choice([0, 45])}
        room = (await factories.user(conn, company, now=now, user_type="resource", **sizes)).user
        group = "Rooms" if number else None
        channels.append({"id": str(uuid4()), "resourceId": str(room.id), "name": f"Room {number}", "groupName": group})
        await calendar_rows.reservation(
            conn, company, company.meeting_type_id, now.add(hours=5 * number + 20), host_ids=[room.id],
            minutes=300, expires_at=now.add(minutes=9),
        )  # fmt: skip
    await conn.execute(
        "UPDATE meeting_type SET spots = %s, resource_channels = %s::jsonb, booking_limits = '{}' WHERE id = %s",
        (chance.choice([1, 3]), json.dumps(channels), kind_id),
    )
    loaded = await calendars.load(conn, company.company_id, SlotQuery(kind_id, now, now.add(hours=1)), now)
    for _ in range(4):
        at = now.add(minutes=5 * chance.randrange(60, 12 * 60))
        await calendar_rows.reservation(
            conn, company, kind_id, at, host_ids=[chance.choice(loaded.hosts).id], minutes=loaded.rules.duration,
            seats=chance.choice([1, 3]), expires_at=now.add(minutes=9), claims=False,
        )  # fmt: skip
    return company, kind_id


async def _random_company(conn: Connection, chance: Random, now: Instant) -> tuple[Founded, UUID, tuple[UUID, ...]]:
    """Make one to three hosts with odd hours, exceptions, bookings and caps, and a type with odd rules."""
    company = await factories.company(conn, timezone=chance.choice(ZONES), now=now)
    members = [await factories.user(conn, company, now=now, timezone=chance.choice(ZONES)) for _ in range(2)]
    hosts = (company.user_id, *(member.user.id for member in members))[: chance.randint(1, 3)]
    for host in hosts:
        start = 30 * chance.randrange(40)
        hours = {"start": _clock(start), "end": _clock(start + 30 * chance.randint(8, 30))}
        week = {day: {"enabled": chance.random() < 0.9, "hours": [hours]} for day in _DAYS}
        await conn.execute("UPDATE availability SET schedule = %s::jsonb WHERE user_id = %s", (json.dumps(week), host))
        if chance.random() < 0.3:
            await conn.execute(
                "UPDATE user_account SET booking_limits = %s::jsonb WHERE id = %s", ('{"perDay": 1}', host)
            )
    for _ in range(6):
        at = now.add(minutes=5 * chance.randrange(12 * 70))
        info = {"duration": 5 * chance.randint(1, 18), "bufferAfter": chance.choice([0, 15])}
        busy = await factories.meeting_type(conn, company, meeting_info=info)
        taken = order(busy.id, at, host_ids=(chance.choice(hosts),), ignore_availability=True)
        await bookings.book(conn, actor=factories.actor(company), order=taken, clock=lambda: now)
    kind = await factories.meeting_type(
        conn,
        company,
        meeting_info={
            "duration": chance.choice([15, 20, 45, 60, 90]),
            "bufferBefore": chance.choice([0, 0, 10, 60]),
            "bufferAfter": chance.choice([0, 5, 30]),
            "bufferMustStayWithinWorkingHours": chance.random() < 0.3,
        },
        timeslot_interval=chance.choice([None, 5, 20, 35]),
        booking_minimum=chance.choice([0, 60, 300]),
        days_into_future=chance.choice(
            [
                {"mode": "unlimited"},
                {"mode": "limit", "bookingLimit": 2000, "countMode": "calendar"},
                {"mode": "limit", "bookingLimit": 3000, "countMode": "rolling"},
            ]
        ),
        booking_limits=chance.choice([{}, {}, {"perDay": 2}]),
    )
    return company, kind.id, hosts


async def _tried(conn: Connection, company: Founded, query: SlotQuery, start: int, now: Instant) -> Any:
    """Book one start and roll it back: the hosts who took it, or the code of the refusal."""
    wanted = order(
        query.meeting_type_id,
        Instant.from_timestamp(start * 60),
        host_ids=query.host_ids,
        mode=query.mode,
        required=query.required,
    )
    actor = factories.actor(company)
    try:
        async with conn.transaction(force_rollback=True):
            done = await bookings.book(conn, actor=actor, order=wanted, clock=lambda: now)
            found = await appointments.get(conn, actor=actor, appointment_id=done.appointment_id)
            return [host.id for host in found.hosts]
    except DomainError as refusal:
        return refusal.code


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _clock(minutes: int) -> str:
    return f"{minutes % 1440 // 60:02}:{minutes % 60:02}"
