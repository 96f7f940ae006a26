"""What stands in the calendars that hosts have connected: it blocks, and so does what nobody knows."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.services import appointments, bookings, calendars, explanations, handoff_candidates, provisional_bookings
from kalends.services.companies import Founded
from kalends.services.explanations import BusyEvent
from kalends.services.freshness import Freshness
from kalends.services.outcomes import Pending
from kalends.services.refusals import SlotTaken
from kalends.services.slot_queries import SlotQuery
from kalends.storage.database import Connection
from tests import busy_rows, calendar_rows, factories, ordering
from tests.busy_rows import Connected
from tests.ordering import NOW, START, clock, listed, order

ALL_DAY = list(range(8, 17))  # 8:00 to 16:00, of a type of an hour


async def _kind(conn: Connection, company: Founded, **fields: Any) -> UUID:
    info = {"duration": 60, **fields.pop("meeting_info", {})}
    return (await factories.meeting_type(conn, company, meeting_info=info, **fields)).id


async def _hours(conn: Connection, company: Founded, kind_id: UUID, **fields: Any) -> list[int]:
    """List the hours in Berlin at which one may start on the day of START."""
    found = [Instant.from_timestamp(60 * start) for start in await listed(conn, company, kind_id, **fields)]
    local = [start.to_tz("Europe/Berlin") for start in found]
    return [one.hour for one in local if one.date() == START.to_tz("Europe/Berlin").date()]


def _at(hour: float, until: float | None = None) -> tuple[Instant, Instant]:
    """Span hours in Berlin of the day of START."""
    first = START.add(minutes=round((hour - 10) * 60))
    return first, first.add(minutes=round(((until or hour + 1) - hour) * 60))


async def _busy(conn: Connection, company: Founded, *spans: tuple[Instant, Instant], **fields: Any) -> Connected:
    own = await busy_rows.connection(conn, company, **fields)
    await busy_rows.busy(conn, own.calendars[0], spans)
    return own


async def test_every_occurrence_of_a_weekly_event_blocks(conn: Connection, company: Founded) -> None:
    """K01"""
    kind = await _kind(conn, company, days_into_future={"mode": "unlimited"})
    weekly = [START.add(hours=168 * week) for week in range(3)]  # until the clocks change
    free = await listed(conn, company, kind, days=28)
    await _busy(conn, company, *((start, start.add(hours=1)) for start in weekly))

    found = await listed(conn, company, kind, days=28)

    assert set(free) - set(found) == {start.timestamp() // 60 for start in weekly}


@pytest.mark.parametrize(
    ("spans", "free"),
    [
        ([_at(10, 11)], [8, 9, 11, 12, 13, 14, 15, 16]),
        ([_at(10.5, 11.5), _at(11, 12), _at(11, 12)], [8, 9, 12, 13, 14, 15, 16]),
        ([_at(9 + 59 / 60, 10)], [8, 10, 11, 12, 13, 14, 15, 16]),
        ([(START.subtract(seconds=1), START.add(seconds=1))], [8, 11, 12, 13, 14, 15, 16]),  # minutes it only touches
        ([(START.subtract(hours=100), START)], [10, 11, 12, 13, 14, 15, 16]),
        ([(START.subtract(hours=200), START.subtract(hours=8)), (START.subtract(hours=8), START.add(hours=2))],
         [12, 13, 14, 15, 16]),
    ],
)  # fmt: skip
async def test_a_busy_event_blocks_every_start_it_meets(
    conn: Connection, company: Founded, spans: list[tuple[Instant, Instant]], free: list[int]
) -> None:
    kind = await _kind(conn, company)
    await _busy(conn, company, *spans)

    assert await _hours(conn, company, kind) == free


async def test_an_event_that_began_days_before_the_window_still_blocks(conn: Connection, company: Founded) -> None:
    """S17: up to eight days; what is longer is stored in pieces."""
    kind = await _kind(conn, company)
    await _busy(conn, company, (START.subtract(hours=190), START.add(hours=2)))
    other = (await factories.user(conn, company, now=NOW)).user.id
    query = SlotQuery(kind, START.add(hours=1), START.add(hours=4), mode="everyone")

    for host_ids in ((), (company.user_id, other)):
        loaded = await calendars.load(conn, company.company_id, replace(query, host_ids=host_ids), NOW)
        assert calendars.first_start(loaded, query.start, query.end, NOW) == START.add(hours=2).timestamp() // 60


async def test_an_event_is_kept_at_the_distance_of_the_new_bookings_buffers(conn: Connection, company: Founded) -> None:
    kind = await _kind(conn, company, meeting_info={"bufferBefore": 0, "bufferAfter": 30})
    await _busy(conn, company, _at(12, 13))

    assert await _hours(conn, company, kind) == [8, 9, 10, 13, 14, 15, 16]
    with pytest.raises(SlotTaken) as refused:
        await ordering.book(conn, factories.actor(company), order(kind, _at(11)[0]))
    assert refused.value.reason == "buffer"


@pytest.mark.parametrize(
    "columns", [{"selected": False}, {"validate_availability": False}, {"deleted_at": NOW}, {"is_primary": True}]
)
async def test_only_calendars_that_are_to_block_do(
    conn: Connection, company: Founded, columns: dict[str, object]
) -> None:
    """Those that are not are not even missed."""
    kind = await _kind(conn, company)
    await _busy(conn, company, _at(10), synced_at=NOW if "is_primary" in columns else None, **columns)

    blocked = "is_primary" in columns
    assert await _hours(conn, company, kind) == [hour for hour in ALL_DAY if hour != 10 or not blocked]


async def test_a_type_says_which_calendars_count(conn: Connection, company: Founded) -> None:
    """Of whoever has none of those, all do; what does not count need not be known."""
    other = (await factories.user(conn, company, now=NOW)).user.id
    kind = await _kind(conn, company)
    own = await busy_rows.connection(conn, company, calendars=2)
    theirs = await busy_rows.connection(conn, company, other, calendars=2)
    unread = await busy_rows.connection(conn, company, synced_at=None)
    for number, connected in enumerate([own, theirs]):
        for place, calendar in enumerate(connected.calendars):
            await busy_rows.busy(conn, calendar, [_at(9 + 2 * number + place)])
    await conn.execute(
        "UPDATE meeting_type SET meeting_options = meeting_options || %s WHERE id = %s",
        (Jsonb({"calendarIds": [str(own.calendars[0])]}), kind),
    )

    assert await _hours(conn, company, kind) == [8, 10, 11, 12, 13, 14, 15, 16]
    assert await _hours(conn, company, kind, host_ids=(other,)) == [8, 9, 10, 13, 14, 15, 16]
    await conn.execute(
        "UPDATE meeting_type SET meeting_options = meeting_options - 'calendarIds' WHERE id = %s", (kind,)
    )
    assert await _hours(conn, company, kind) == []
    await busy_rows.read(conn, unread.id, NOW)
    assert await _hours(conn, company, kind) == [8, 11, 12, 13, 14, 15, 16]


@pytest.mark.parametrize(
    ("synced_at", "status", "told"),
    [
        (NOW.subtract(hours=24), "connected", (86400, "connected")),
        (NOW.subtract(hours=24, seconds=1), "connected", (86401, "stale")),
        (NOW.subtract(seconds=5), "refused", (5, "refused")),
        (None, "refused", (None, "refused")),
        (None, "connected", (None, "never")),
        (NOW.add(seconds=9), "connected", (0, "connected")),  # another machine's clock
    ],
)
@pytest.mark.parametrize("policy", ["closed", "open"])
async def test_a_host_of_whose_calendars_nothing_is_known_has_slots_only_if_the_company_wants_that(
    conn: Connection, company: Founded, synced_at: Instant | None, status: str, told: Any, policy: str
) -> None:
    """K16"""
    kind = await _kind(conn, company)
    connected = await _busy(conn, company, _at(10), synced_at=synced_at, status=status)
    settings = Jsonb({"staleCalendarPolicy": policy})
    await conn.execute("UPDATE company SET settings = %s WHERE id = %s", (settings, company.company_id))

    found = await _hours(conn, company, kind)
    loaded = await calendars.load(conn, company.company_id, SlotQuery(kind, START, START.add(hours=1)), NOW)

    closed = told[1] != "connected" and policy == "closed"
    assert found == ([] if closed else [hour for hour in ALL_DAY if hour != 10])
    assert loaded.connected[company.user_id].freshness == (Freshness(connected.id, *told),)
    assert (loaded.connected[company.user_id].unknown is not None) == closed


@pytest.mark.parametrize(
    ("synced_at", "status", "booked"),
    [
        (NOW.subtract(hours=24, minutes=5), "connected", True),
        (NOW.subtract(hours=24, minutes=5, seconds=1), "connected", False),
        (NOW.subtract(seconds=5), "refused", False),
        (None, "connected", False),
    ],
)
async def test_who_was_known_five_minutes_ago_can_still_be_booked(
    conn: Connection, company: Founded, synced_at: Instant | None, status: str, booked: bool
) -> None:
    """As a listed start can; an earlier booking does not take that away."""
    kind, actor = await _kind(conn, company), factories.actor(company)
    own = await _busy(conn, company)
    moved = await ordering.book(conn, actor, order(kind, _at(8)[0]))
    await busy_rows.read(conn, own.id, synced_at, status=status)

    async def move() -> None:
        await appointments.reschedule(
            conn, actor=actor, appointment_id=moved.appointment_id, start=_at(12)[0], clock=clock
        )

    for take in (ordering.book(conn, actor, order(kind)), move()):
        with nullcontext() if booked else pytest.raises(SlotTaken) as refused:
            await take
        assert booked or refused.value.reason == "busy"


@pytest.mark.parametrize("policy", ["closed", "open"])
async def test_nothing_is_offered_beyond_what_was_read_of_a_calendar(
    conn: Connection, company: Founded, policy: str
) -> None:
    """Of several calendars the one that is known least far counts."""
    kind = await _kind(conn, company)
    await _busy(conn, company, _at(9), _at(15), known_until=_at(12)[0])
    await busy_rows.connection(conn, company)
    settings = Jsonb({"staleCalendarPolicy": policy})
    await conn.execute("UPDATE company SET settings = %s WHERE id = %s", (settings, company.company_id))

    found = await _hours(conn, company, kind)
    explained = await explanations.explain(conn, company.company_id, SlotQuery(kind, _at(11.5)[0], _at(12)[0]), NOW)

    assert found == ([8, 10, 11] if policy == "closed" else [8, 10, 11, 12, 13, 14, 16])
    step = next(one for one in explained.explanation.hosts[0] if one.code == "slot-occupied")
    at, end = _at(12)[0].timestamp() // 60, _at(13)[0].timestamp() // 60
    met = explained.busy(step, explained.loaded.hosts[0])
    assert met == ([BusyEvent(at, end, "busy", known=False)] if policy == "closed" else [])


async def test_a_host_is_not_known_while_one_of_his_calendars_is_read_for_the_first_time(
    conn: Connection, company: Founded
) -> None:
    """Whatever a reading that began before it was chosen says of the others."""
    kind = await _kind(conn, company)
    own = await busy_rows.connection(conn, company, calendars=2)

    seen = [await _hours(conn, company, kind)]
    for column in ("synced_at = NULL", "synced_at = window_end"):
        await conn.execute(f"UPDATE calendar_reading SET {column} WHERE calendar_id = %s", (own.calendars[1],))
        seen.append(await _hours(conn, company, kind))

    assert seen == [ALL_DAY, [], ALL_DAY]


async def test_only_the_host_who_is_not_known_is_not_offered(conn: Connection, company: Founded) -> None:
    other = (await factories.user(conn, company, now=NOW)).user.id
    kind = await _kind(conn, company)
    await _busy(conn, company, synced_at=None)
    both = (company.user_id, other)

    assert await _hours(conn, company, kind, host_ids=both) == ALL_DAY
    assert await _hours(conn, company, kind, host_ids=both, mode="everyone") == []
    appointment = await ordering.booked(conn, factories.actor(company), order(kind, host_ids=both))
    assert [host.id for host in appointment.hosts] == [other]


async def test_a_queue_passes_over_members_who_are_busy_elsewhere_or_not_known(
    conn: Connection, company: Founded
) -> None:
    kind = await _kind(conn, company)
    busy, unknown, free = [(await factories.user(conn, company, now=NOW)).user.id for _ in range(3)]
    await calendar_rows.queue(conn, company, kind, [busy, unknown, free])
    await _busy(conn, company, _at(10), user_id=busy)
    await _busy(conn, company, user_id=unknown, status="refused")

    appointment = await ordering.booked(conn, factories.actor(company), order(kind))

    assert [host.id for host in appointment.hosts] == [free]


async def test_an_appointment_cannot_be_moved_onto_a_busy_event(conn: Connection, company: Founded) -> None:
    kind, actor = await _kind(conn, company), factories.actor(company)
    own = await _busy(conn, company, _at(13))
    done = await ordering.book(conn, actor, order(kind))
    await busy_rows.busy(conn, own.calendars[0], [_at(10)])  # at its own time it does not matter any more

    with pytest.raises(SlotTaken):
        await appointments.reschedule(
            conn, actor=actor, appointment_id=done.appointment_id, start=_at(13)[0], clock=clock
        )
    moved = await appointments.reschedule(
        conn, actor=actor, appointment_id=done.appointment_id, start=_at(14)[0], clock=clock
    )
    assert moved.appointment.start_at == _at(14)[0]


async def test_whoever_may_disregard_availability_may_disregard_calendars(conn: Connection, company: Founded) -> None:
    kind, actor = await _kind(conn, company), factories.actor(company)
    await _busy(conn, company, _at(10))

    over = await ordering.book(conn, actor, order(kind, ignore_availability=True))
    beside = await ordering.book(conn, actor, order(kind, _at(11)[0], ignore_availability=True))

    assert (over.overlaps, beside.overlaps) == (True, False)


async def test_time_that_is_kept_is_not_lost_to_a_new_event(conn: Connection, company: Founded) -> None:
    """The claim stood there first: the event is a conflict of the host's, for whoever confirms it is no refusal."""
    kind, actor = await _kind(conn, company), factories.actor(company)
    waiting = await _kind(conn, company, meeting_options={"requireHostConfirmation": "enabled"})
    held = await calendar_rows.reservation(conn, company, kind, _at(9)[0], minutes=60)
    pending = await bookings.book(conn, actor=actor, order=order(waiting), clock=clock)
    assert isinstance(pending, Pending)
    own = await _busy(conn, company, _at(8, 12))
    await busy_rows.read(conn, own.id, None)

    booked = await ordering.booked(conn, actor, order(kind, _at(9)[0], hold_id=held))
    done = await provisional_bookings.confirm(
        conn, actor=actor, provisional_id=pending.provisional_booking_id, clock=clock
    )

    assert (booked.start_at, done.booking.status) == (_at(9)[0], "confirmed")


async def test_nobody_takes_over_while_busy_elsewhere(conn: Connection, company: Founded) -> None:
    kind, actor = await _kind(conn, company), factories.actor(company)
    busy, unknown, free = [(await factories.user(conn, company, now=NOW)).user.id for _ in range(3)]
    await _busy(conn, company, _at(10.5), user_id=busy)
    await _busy(conn, company, user_id=unknown, synced_at=None)
    done = await ordering.book(conn, actor, order(kind))

    found = await handoff_candidates.available(conn, actor=actor, appointment_id=done.appointment_id, now=NOW)

    assert {one.user.id for one in found if one.available} == {free}


async def test_an_explanation_names_calendars_and_those_that_are_not_known(conn: Connection, company: Founded) -> None:
    kind = await _kind(conn, company)
    own = await busy_rows.connection(conn, company, calendars=2)
    for calendar in own.calendars:
        await busy_rows.busy(conn, calendar, [_at(10.5, 11)])
    query = SlotQuery(kind, START, START.add(minutes=1))

    async def explained() -> tuple[str | None, list[BusyEvent]]:
        found = await explanations.explain(conn, company.company_id, query, NOW)
        step = next(one for one in found.explanation.hosts[0] if one.code == "slot-occupied")
        return found.reason, found.busy(step, found.loaded.hosts[0])

    at = START.timestamp() // 60
    assert await explained() == ("busy", [BusyEvent(at + 30, at + 60, "busy", own.id, one) for one in own.calendars])
    await busy_rows.read(conn, own.id, NOW, status="refused")
    assert await explained() == ("busy", [BusyEvent(at, at + 61, "busy", own.id, known=False)])


async def test_troubleshooting_says_that_a_calendar_is_not_known(conn: Connection, company: Founded) -> None:
    kind = await _kind(conn, company)
    own = await _busy(conn, company, _at(10))

    async def lacking() -> set[tuple[str, str]]:
        query = SlotQuery(kind, *_at(9, 12))
        loaded = await calendars.load(conn, company.company_id, query, NOW)
        nothing = explanations.Listing.empty()
        found = explanations.hindrances(loaded, nothing, query.start, query.end, NOW)
        return {(one.type, one.code) for _, some in found for one in some}

    assert await lacking() == {("event", "slot-occupied"), ("slot-occupied", "slot-occupied")}
    await busy_rows.read(conn, own.id, None)
    assert await lacking() == {("calendar-unknown", "slot-occupied")}
