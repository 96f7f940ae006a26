"""Sessions: where guests can sit together, and that nothing but seats counts there."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.services import calendars, listings, sessions
from kalends.services.companies import Founded
from kalends.services.slot_queries import Loaded, Session, SlotQuery
from kalends.storage.booked_starts import Seated
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from tests import calendar_rows, factories, ordering
from tests.ordering import NOW, START, order

A, B, APPOINTMENT = uuid4(), uuid4(), uuid4()
MINUTE = START.timestamp() // 60


def _seated(host: UUID, taken: int, *, appointment: UUID | None = None, start: int = 10) -> Seated:
    return Seated(appointment, start, [host], taken)


@pytest.mark.parametrize(
    ("seated", "seats", "found"),
    [
        ([], 1, {}),
        ([_seated(A, 3, appointment=APPOINTMENT)], 1, {10: Session(APPOINTMENT, (A,), 5, 3)}),
        ([_seated(A, 1), _seated(A, 2)], 1, {10: Session(None, (A,), 5, 3)}),
        ([_seated(A, 1), _seated(A, 2, appointment=APPOINTMENT)], 1, {10: Session(APPOINTMENT, (A,), 5, 3)}),
        ([_seated(B, 1), _seated(A, 4)], 1, {10: Session(None, (A,), 5, 4)}),
        ([_seated(B, 1), _seated(A, 4)], 2, {10: Session(None, (B,), 5, 1)}),
        ([_seated(B, 5), _seated(A, 5)], 1, {10: Session(None, (A,), 5, 5)}),
        ([_seated(A, 5), _seated(A, 1, start=20)], 1, {10: Session(None, (A,), 5, 5), 20: Session(None, (A,), 5, 1)}),
    ],
)
def test_each_start_has_the_first_session_with_room(
    seated: list[Seated], seats: int, found: dict[int, Session]
) -> None:
    assert sessions.at_each_start(seated, total=5, seats=seats, host_ids=[A, B]) == found


def test_only_where_there_is_room_a_start_stays_open() -> None:
    full, open_ = Session(None, (A,), 5, 4), Session(None, (A,), 5, 3)

    assert sessions.open_starts({20: full, 10: open_, 5: open_}, 2) == (5, 10)


async def _group(conn: Connection, company: Founded, **fields: Any) -> MeetingType:
    return await factories.meeting_type(conn, company, **{"spots": 3, **fields})


async def _load(conn: Connection, company: Founded, kind: MeetingType, **fields: Any) -> Loaded:
    query = SlotQuery(kind.id, START, START.add(minutes=1), **fields)
    return await calendars.load(conn, company.company_id, query, NOW)


async def _appointment(conn: Connection, company: Founded, kind: MeetingType, **fields: Any) -> UUID:
    return (await ordering.book(conn, factories.actor(company), order(kind.id, **fields))).appointment_id


async def test_guests_and_live_reservations_take_seats(conn: Connection, company: Founded) -> None:
    kind = await _group(conn, company, spots=9)
    appointment = await _appointment(conn, company, kind, bringalong_emails=("pal@guests.test",))
    own = await calendar_rows.reservation(conn, company, kind.id, seats=4, appointment_id=appointment, claims=False)
    await calendar_rows.reservation(
        conn, company, kind.id, seats=2, appointment_id=appointment, claims=False, expires_at=NOW
    )

    seen = await _load(conn, company, kind)
    mine = await _load(conn, company, kind, hold_id=own)

    assert seen.sessions == {MINUTE: Session(appointment, (company.user_id,), 9, 6)}
    assert seen.rules.sessions == (MINUTE,)
    assert mine.sessions[MINUTE].taken == 2


async def test_a_session_without_room_is_known_but_not_open(conn: Connection, company: Founded) -> None:
    kind = await _group(conn, company)
    await calendar_rows.reservation(conn, company, kind.id, seats=2)

    one, two = await _load(conn, company, kind), await _load(conn, company, kind, seats=2)

    assert one.rules.sessions == (MINUTE,)
    assert (two.sessions[MINUTE].taken, two.rules.sessions) == (2, ())


async def test_what_is_no_session_cannot_be_joined(conn: Connection, company: Founded) -> None:
    """Another length, another type's, a cancelled one, one with seconds, one of a host not asked for."""
    kind = await _group(conn, company, meeting_options={"allowedDurations": [30, 60]})
    other = await factories.user(conn, company, now=NOW)
    await calendar_rows.reservation(conn, company, kind.id, minutes=60, claims=False)
    await calendar_rows.reservation(conn, company, company.meeting_type_id, claims=False)
    await calendar_rows.reservation(conn, company, kind.id, host_ids=[other.user.id, company.user_id], claims=False)
    await calendar_rows.reservation(conn, company, kind.id, START.add(seconds=30), claims=False)

    assert (await _load(conn, company, kind)).sessions == {}
    assert (await _load(conn, company, kind, host_ids=(other.user.id,))).sessions[MINUTE].host_ids == (
        other.user.id,
        company.user_id,
    )
    assert (await _load(conn, company, kind, duration=60)).sessions[MINUTE].taken == 1


async def test_hidden_ones_and_those_of_a_moved_appointment_are_not_asked_for(
    conn: Connection, company: Founded
) -> None:
    kind = await _group(conn, company)
    appointment = await _appointment(conn, company, kind)

    assert (await _load(conn, company, kind, hide_group_appointments=True)).sessions == {}
    assert (await _load(conn, company, kind, existing_appointment_id=appointment)).sessions == {}


async def _starts(conn: Connection, company: Founded, kind: UUID, start: Instant, **fields: Any) -> bool:
    query = SlotQuery(kind, start, start.add(minutes=1), **fields)
    return bool((await listings.listing(conn, company.company_id, query, NOW, earliest=False)).listing.starts)


async def test_a_session_stays_offered_to_its_type_only(conn: Connection, company: Founded) -> None:
    """G04: its own claim blocks everything but joining it."""
    kind = await _group(conn, company, booking_limits={"perDay": 1})
    await _appointment(conn, company, kind)

    assert await _starts(conn, company, kind.id, START)
    assert not await _starts(conn, company, kind.id, START, seats=3)
    assert not await _starts(conn, company, kind.id, START, hide_group_appointments=True)
    assert not await _starts(conn, company, kind.id, START.add(minutes=30))  # the cap, which joining does not ask
    assert not await _starts(conn, company, company.meeting_type_id, START)


async def test_a_session_stays_offered_off_hours(conn: Connection, company: Founded) -> None:
    kind = await _group(conn, company)
    night = START.add(hours=12, minutes=7)
    await calendar_rows.reservation(conn, company, kind.id, night)

    assert await _starts(conn, company, kind.id, night)
    assert not await _starts(conn, company, kind.id, night.add(minutes=1))
