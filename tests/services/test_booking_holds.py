"""Holds: a start kept for some minutes, who sees it, and what becomes of it."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.errors import NotFound
from kalends.services import appointments, booking_holds, bookings, companies, listings, meeting_types
from kalends.services.booking_holds import Hold, HoldNotFound
from kalends.services.companies import Founded
from kalends.services.meeting_types import Fields
from kalends.services.outcomes import Booked
from kalends.services.placements import OverrideNotAllowed
from kalends.services.refusals import CapReached, HoldExpired, HoldMismatch, MeetingTypeDisabled, SlotTaken, TooSoon
from kalends.services.slot_queries import SlotQuery
from kalends.storage import claims, reservations
from kalends.storage.database import Connection
from tests import factories
from tests.ordering import NOW, START, booked, clock, listed, order

AT = START.timestamp() // 60


def _after(minutes: int) -> Any:
    return lambda: NOW.add(minutes=minutes)


async def _hold(
    conn: Connection,
    company: Founded,
    *,
    kind: UUID | None = None,
    minutes: int = 0,
    start: Instant = START,
    **fields: Any,
) -> Hold:
    query = SlotQuery(kind or company.meeting_type_id, start, start.add(minutes=1), **fields)
    return await booking_holds.create(conn, actor=factories.actor(company), query=query, clock=_after(minutes))


async def _book(conn: Connection, company: Founded, minutes: int = 0, **fields: Any) -> Booked:
    wanted = order(fields.pop("kind", company.meeting_type_id), **fields)
    done = await bookings.book(conn, actor=factories.actor(company), order=wanted, clock=_after(minutes))
    assert isinstance(done, Booked)
    return done


async def _owners(conn: Connection, company: Founded) -> list[tuple[Any, ...]]:
    cursor = await conn.execute(
        "SELECT appointment_id, reservation_id, expires_at FROM claim WHERE company_id = %s ORDER BY id",
        (company.company_id,),
    )
    return await cursor.fetchall()


async def test_a_held_start_is_free_for_its_owner_only(conn: Connection, company: Founded) -> None:
    """Case C14: whoever goes back sees it free, others do not; after it has expired both do."""
    hold = await _hold(conn, company)

    assert AT not in await listed(conn, company, company.meeting_type_id)
    assert AT in await listed(conn, company, company.meeting_type_id, hold_id=hold.id)
    with pytest.raises(SlotTaken):
        await _book(conn, company)
    query = SlotQuery(company.meeting_type_id, START, START.add(minutes=1))
    for asked in (query, replace(query, hold_id=hold.id)):
        later = await listings.listing(conn, company.company_id, asked, NOW.add(minutes=5))
        assert later.listing.starts == [AT]
    assert (await _book(conn, company, minutes=5)).appointment_id


async def test_a_booking_takes_over_what_is_held(conn: Connection, company: Founded) -> None:
    hold = await _hold(conn, company)

    done = await _book(conn, company, minutes=4, hold_id=hold.id)

    assert await _owners(conn, company) == [(done.appointment_id, None, None)]
    with pytest.raises(HoldExpired):
        await _book(conn, company, minutes=4, hold_id=hold.id)


async def test_a_hold_lives_as_long_as_the_company_says(conn: Connection, company: Founded) -> None:
    assert (await _hold(conn, company)).expires_at == NOW.add(minutes=5)
    actor = factories.actor(company)
    await companies.update(conn, actor=actor, columns={}, settings={"holdMinutes": 12}, now=NOW)

    hold = await _hold(conn, company, start=START.add(hours=1))

    assert hold.expires_at == NOW.add(minutes=12)
    assert await _owners(conn, company) != []


async def test_a_hold_is_extended_for_half_an_hour_in_all(conn: Connection, company: Founded) -> None:
    hold, actor = await _hold(conn, company), factories.actor(company)

    async def extended(minutes: int) -> Instant:
        return (await booking_holds.extend(conn, actor=actor, hold_id=hold.id, clock=_after(minutes))).expires_at

    expiries = [await extended(minutes) for minutes in (0, 4, 8, 12, 16, 20, 24, 28)]

    assert expiries == [NOW.add(minutes=minutes) for minutes in (5, 9, 13, 17, 21, 25, 29, 30)]
    assert await _owners(conn, company) == [(None, hold.id, NOW.add(minutes=30))]
    with pytest.raises(HoldExpired):
        await extended(30)
    assert (await _book(conn, company, minutes=30)).appointment_id


async def test_what_a_faster_clock_gave_to_somebody_else_is_not_extended(conn: Connection, company: Founded) -> None:
    hold, actor = await _hold(conn, company), factories.actor(company)
    await _book(conn, company, minutes=5)

    with pytest.raises(HoldExpired):
        await booking_holds.extend(conn, actor=actor, hold_id=hold.id, clock=_after(4))


async def test_a_released_hold_is_free_at_once_and_cannot_be_booked(conn: Connection, company: Founded) -> None:
    hold, actor = await _hold(conn, company), factories.actor(company)

    for _ in range(2):
        await booking_holds.release(conn, actor=actor, hold_id=hold.id)

    assert AT in await listed(conn, company, company.meeting_type_id)
    for ended in (
        _book(conn, company, hold_id=hold.id),
        booking_holds.extend(conn, actor=actor, hold_id=hold.id, clock=clock),
    ):
        with pytest.raises(HoldExpired):
            await ended


async def test_a_hold_that_a_request_took_over_is_over(conn: Connection, company: Founded) -> None:
    """Whoever held it cannot book it again, nor take its time from the request."""
    actor = factories.actor(company)
    kind = await factories.meeting_type(conn, company, meeting_options={"requireHostConfirmation": "enabled"})
    query = SlotQuery(kind.id, START, START.add(minutes=1))
    hold = await booking_holds.create(conn, actor=actor, query=query, clock=clock)
    await bookings.book(conn, actor=actor, order=order(kind.id, hold_id=hold.id), clock=clock)

    with pytest.raises(HoldExpired):
        await bookings.book(conn, actor=actor, order=order(kind.id, hold_id=hold.id), clock=clock)
    with pytest.raises(HoldExpired):
        await booking_holds.extend(conn, actor=actor, hold_id=hold.id, clock=clock)
    await booking_holds.release(conn, actor=actor, hold_id=hold.id)
    with pytest.raises(SlotTaken):
        await bookings.book(conn, actor=actor, order=order(company.meeting_type_id), clock=clock)


async def test_what_was_held_and_moved_away_from_can_be_held_again(conn: Connection, company: Founded) -> None:
    """Case C13."""
    actor = factories.actor(company)
    await booking_holds.release(conn, actor=actor, hold_id=(await _hold(conn, company)).id)
    done = await _book(conn, company)
    await appointments.reschedule(
        conn, actor=actor, appointment_id=done.appointment_id, start=START.add(hours=1), clock=clock
    )

    hold = await _hold(conn, company)

    assert (await _book(conn, company, hold_id=hold.id)).appointment_id != done.appointment_id


@pytest.mark.parametrize("wrong", [{"start": START.add(hours=1)}, {"duration": 60}, {"kind": None}])
async def test_a_hold_is_booked_as_it_was_made(conn: Connection, company: Founded, wrong: dict[str, Any]) -> None:
    hold = await _hold(conn, company)
    if "kind" in wrong:
        wrong = {"kind": (await factories.meeting_type(conn, company, now=NOW)).id}

    with pytest.raises(HoldMismatch):
        await _book(conn, company, hold_id=hold.id, **wrong)


async def test_a_hold_keeps_the_length_it_was_made_with(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, meeting_options={"allowedDurations": [30, 60]})
    hold = await _hold(conn, company, kind=kind.id, duration=60)

    stored = await booked(conn, factories.actor(company), order(kind.id, hold_id=hold.id))

    assert (stored.end_at, stored.meeting_info["duration"]) == (START.add(minutes=60), 60)


async def test_a_hold_gives_nobody_the_right_to_disregard_availability(conn: Connection, company: Founded) -> None:
    """A08: who disregards it needs neither password nor confirmation, so a held start is no exception."""
    member = await factories.user(conn, company, now=NOW)
    wanted = order(company.meeting_type_id, hold_id=(await _hold(conn, company)).id, ignore_availability=True)

    with pytest.raises(OverrideNotAllowed):
        await bookings.book(conn, actor=factories.actor(company, member.user.id), order=wanted, clock=clock)
    by_admin = await booked(conn, factories.actor(company), wanted)

    assert by_admin.start_at == START


async def test_nothing_past_is_booked_though_it_was_held(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, booking_minimum=0)
    hold = await _hold(conn, company, kind=kind.id, start=NOW.add(minutes=60))

    with pytest.raises(HoldExpired):
        await _book(conn, company, minutes=61, kind=kind.id, start=NOW.add(minutes=60), hold_id=hold.id)
    soon = await _hold(conn, company, kind=kind.id, start=NOW.add(minutes=60), minutes=58)
    with pytest.raises(TooSoon):
        await _book(conn, company, minutes=61, kind=kind.id, start=NOW.add(minutes=60), hold_id=soon.id)


@pytest.mark.parametrize("ignored", [False, True])
async def test_what_was_held_of_a_type_that_takes_no_bookings_any_more_is_not_booked(
    conn: Connection, company: Founded, ignored: bool
) -> None:
    hold, actor = await _hold(conn, company), factories.actor(company)
    await meeting_types.update(
        conn, actor=actor, meeting_type_id=company.meeting_type_id, fields=Fields(columns={"enabled": False}), now=NOW
    )

    with pytest.raises(MeetingTypeDisabled):
        await _book(conn, company, hold_id=hold.id, ignore_availability=ignored)


async def test_a_hold_takes_time_of_all_its_hosts_and_keeps_them(conn: Connection, company: Founded) -> None:
    other = await factories.user(conn, company, now=NOW)
    both = (other.user.id, company.user_id)
    hold = await _hold(conn, company, host_ids=both, mode="everyone")

    with pytest.raises(SlotTaken):
        await _book(conn, company, kind=other.meeting_type_id)
    stored = await booked(conn, factories.actor(company), order(company.meeting_type_id, hold_id=hold.id))

    assert [host.id for host in stored.hosts] == list(both)


async def test_holds_count_for_caps_while_they_live(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, booking_limits={"perDay": 1})
    hold = await _hold(conn, company, kind=kind.id)
    later = START.add(hours=1)

    with pytest.raises(CapReached):
        await _book(conn, company, kind=kind.id, start=later)
    assert (await _book(conn, company, kind=kind.id, hold_id=hold.id)).appointment_id
    with pytest.raises(CapReached):
        await _book(conn, company, minutes=6, kind=kind.id, start=later)


async def test_holds_of_others_do_not_exist(conn: Connection, company: Founded) -> None:
    foreign = await factories.company(conn, now=NOW)
    hold, actor = await _hold(conn, foreign), factories.actor(company)

    for hold_id in (hold.id, uuid4()):
        with pytest.raises(NotFound):
            await _book(conn, company, hold_id=hold_id)
        with pytest.raises(HoldNotFound):
            await booking_holds.extend(conn, actor=actor, hold_id=hold_id, clock=clock)
        with pytest.raises(HoldNotFound):
            await booking_holds.release(conn, actor=actor, hold_id=hold_id)


async def test_ended_holds_are_forgotten_after_a_day(conn: Connection, company: Founded) -> None:
    ended, live = await _hold(conn, company), await _hold(conn, company, start=START.add(hours=1))
    actor = factories.actor(company)
    await booking_holds.release(conn, actor=actor, hold_id=ended.id)

    await reservations.sweep(conn, NOW.add(hours=24, seconds=1))

    with pytest.raises(NotFound):
        await _book(conn, company, hold_id=ended.id)
    with pytest.raises(HoldExpired):
        await _book(conn, company, minutes=24 * 60, start=START.add(hours=1), hold_id=live.id)


async def test_no_sweep_takes_the_time_of_a_hold_that_is_just_being_booked(conn: Connection, company: Founded) -> None:
    """It locks no hosts: it may come between the look at a hold and its booking, or its machine's clock be ahead."""
    ended, live = await _hold(conn, company), await _hold(conn, company, start=START.add(hours=1))

    await claims.sweep_old(conn, NOW.add(minutes=15))
    done = await _book(conn, company, minutes=4, start=START.add(hours=1), hold_id=live.id)
    await claims.sweep_old(conn, NOW.add(minutes=15, seconds=1))

    assert ended.expires_at == NOW.add(minutes=5)
    assert await _owners(conn, company) == [(done.appointment_id, None, None)]
