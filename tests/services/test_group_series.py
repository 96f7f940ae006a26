"""Series in group types: whoever books one may join appointments of somebody else's; each leaves by his own."""

from typing import Any
from uuid import UUID

import pytest
from whenever import Instant

from kalends.domain.recurrence import Recurrence
from kalends.services import appointments, bookings, guests, handoffs, locked_appointments, provisional_bookings
from kalends.services.actor import Actor
from kalends.services.calendars import ChangedMeanwhile
from kalends.services.companies import Founded
from kalends.services.handoff_candidates import Target
from kalends.services.outcomes import Booked, Pending
from kalends.storage import locks
from kalends.storage.appointments import Appointment
from kalends.storage.attendees import Attendee
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from tests import factories, ordering, statements
from tests.ordering import NOW, START, clock, order

WEEKLY = Recurrence("weekly", 1, 3)
ANA, BEN = "ana@guests.test", "ben@guests.test"


def week(number: int) -> Instant:
    return START.add(hours=7 * 24 * number)


@pytest.fixture
async def kind(conn: Connection, company: Founded) -> MeetingType:
    """Three seats, bookable as far ahead as anybody likes."""
    return await factories.meeting_type(conn, company, now=NOW, spots=3, days_into_future={"mode": "unlimited"})


async def _book(conn: Connection, company: Founded, kind: MeetingType, email: str, first: int, **fields: Any) -> Booked:
    wanted = order(kind.id, week(first), email=email, **{"recurrence": WEEKLY, **fields})
    return await ordering.book(conn, factories.actor(company), wanted)


async def _dates(conn: Connection, company: Founded) -> list[Appointment]:
    """Read all appointments by start."""
    cursor = await conn.execute(
        "SELECT id FROM appointment WHERE company_id = %s ORDER BY start_at", (company.company_id,)
    )
    actor = factories.actor(company)
    return [await appointments.get(conn, actor=actor, appointment_id=row[0]) for row in await cursor.fetchall()]


async def _coming(conn: Connection, company: Founded) -> list[list[str] | None]:
    """Name who comes to each appointment, by start; None: it is cancelled."""
    return [
        None if one.cancelled_at else [str(each.email)[:3] for each in one.attendees if each.cancelled_at is None]
        for one in await _dates(conn, company)
    ]


def _named(appointment: Appointment, email: str) -> Attendee:
    return next(one for one in appointment.attendees if one.email == email)


async def _cancel(conn: Connection, actor: Actor, one: Appointment, **whom: Any) -> None:
    await appointments.cancel(
        conn, actor=actor, appointment_id=one.id, **{"entire_series": True, "clock": clock, **whom}
    )


@pytest.fixture
async def crossed(conn: Connection, company: Founded, kind: MeetingType) -> list[Appointment]:
    """Ana's three weeks, and Ben's, who begins one week later: he joins two of hers, and has the last alone."""
    await _book(conn, company, kind, ANA, 0)
    await _book(conn, company, kind, BEN, 1)
    assert await _coming(conn, company) == [["ana"], ["ana", "ben"], ["ana", "ben"], ["ben"]]
    return await _dates(conn, company)


async def test_whom_a_recurrence_makes_carries_its_id_wherever_he_sits(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    await _book(conn, company, kind, ANA, 0)
    await _book(conn, company, kind, BEN, 1, bringalong_emails=("pal@guests.test",))
    await _book(conn, company, kind, "single@guests.test", 0, recurrence=None)

    dates = await _dates(conn, company)

    made = [one.series_id for one in dates]
    assert made[0] == made[1] == made[2] != made[3]
    assert None not in made
    series = {"ana@guests.test": {made[0]}, "ben@guests.test": {made[3]}, "pal@guests.test": {made[3]}}
    found = {
        email: {one.series_id for each in dates for one in each.attendees if one.email == email} for email in series
    }
    assert found == series
    assert _named(dates[0], "single@guests.test").series_id is None


async def test_a_guest_added_later_has_the_series_of_who_brings_him(
    conn: Connection, company: Founded, crossed: list[Appointment]
) -> None:
    ben = _named(crossed[1], BEN)
    added = await appointments.add_guest(
        conn, actor=factories.actor(company), appointment_id=crossed[1].id, attendee_id=ben.id,
        email="pal@guests.test", clock=clock,
    )  # fmt: skip

    assert _named(added, "pal@guests.test").series_id == ben.series_id


async def test_a_series_that_waited_has_its_id_too(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(
        conn, company, now=NOW, spots=2, days_into_future={"mode": "unlimited"},
        meeting_options={"requireHostConfirmation": "enabled"},
    )  # fmt: skip
    actor = factories.actor(company)
    for email, first in ((ANA, 0), (BEN, 1)):
        wanted = order(kind.id, week(first), email=email, recurrence=WEEKLY)
        waiting = await bookings.book(conn, actor=actor, order=wanted, clock=clock)
        assert isinstance(waiting, Pending)
        await provisional_bookings.confirm(
            conn, actor=actor, provisional_id=waiting.provisional_booking_id, clock=clock
        )
    dates = await _dates(conn, company)
    assert len({one.series_id for each in dates for one in each.attendees}) == 2

    await _cancel(conn, actor, dates[1], attendee_id=_named(dates[1], BEN).id)

    assert await _coming(conn, company) == [["ana"], ["ana"], ["ana"], None]


@pytest.mark.parametrize("by_himself", [False, True])
@pytest.mark.parametrize(
    ("email", "at", "left"),
    [
        (BEN, 1, [["ana"], ["ana"], ["ana"], None]),
        (BEN, 2, [["ana"], ["ana", "ben"], ["ana"], None]),
        (ANA, 1, [["ana"], ["ben"], ["ben"], ["ben"]]),
        (ANA, 0, [None, ["ben"], ["ben"], ["ben"]]),
    ],
)
async def test_a_guest_leaves_all_later_dates_of_his_own_series(
    conn: Connection,
    company: Founded,
    crossed: list[Appointment],
    email: str,
    at: int,
    left: list[list[str] | None],
    by_himself: bool,
) -> None:
    guest = _named(crossed[at], email)
    if by_himself:
        view = await guests.opened_by(conn, crossed[at].id, guest.secret, NOW)
        await _cancel(conn, view.actor, crossed[at])
    else:
        await _cancel(conn, factories.actor(company), crossed[at], attendee_id=guest.id)

    assert await _coming(conn, company) == left
    dates = await _dates(conn, company)
    ended = [one for one in dates if one.cancelled_at]
    by = [_named(one, email).id if by_himself else company.user_id for one in ended]
    assert [(one.cancel_source, one.cancelled_by) for one in ended] == [
        ("attendee" if by_himself else "host", str(one)) for one in by
    ]


async def test_who_has_left_one_date_leaves_the_later_ones_from_there(
    conn: Connection, company: Founded, crossed: list[Appointment]
) -> None:
    actor, ben = factories.actor(company), _named(crossed[1], BEN)
    await _cancel(conn, actor, crossed[1], attendee_id=ben.id, entire_series=False)
    assert await _coming(conn, company) == [["ana"], ["ana"], ["ana", "ben"], ["ben"]]

    await _cancel(conn, actor, crossed[1], attendee_id=ben.id)

    assert await _coming(conn, company) == [["ana"], ["ana"], ["ana"], None]


async def test_all_of_a_series_is_what_it_made(conn: Connection, company: Founded, crossed: list[Appointment]) -> None:
    await _cancel(conn, factories.actor(company), crossed[1], cancel_all=True)

    assert await _coming(conn, company) == [["ana"], None, None, ["ben"]]


async def test_where_one_alone_is_left_in_anothers_series_he_is_the_one_who_is_meant(
    conn: Connection, company: Founded, kind: MeetingType, crossed: list[Appointment]
) -> None:
    """A type has one seat by now, so nobody has to be named."""
    actor = factories.actor(company)
    await _cancel(conn, actor, crossed[1], attendee_id=_named(crossed[1], ANA).id, entire_series=False)
    await conn.execute("UPDATE meeting_type SET spots = 1 WHERE id = %s", (kind.id,))

    await _cancel(conn, actor, crossed[1])

    assert await _coming(conn, company) == [["ana"], None, ["ana"], None]


async def test_who_is_brought_along_leaves_alone_and_is_taken_along(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    await _book(conn, company, kind, ANA, 0)
    await _book(conn, company, kind, BEN, 0, bringalong_emails=("pal@guests.test",))
    first, second, _ = await _dates(conn, company)
    pal = _named(second, "pal@guests.test")
    view = await guests.opened_by(conn, second.id, pal.secret, NOW)
    others = await guests.other_dates(conn, second, pal, since=NOW)
    await _cancel(conn, view.actor, second)

    assert [there.email for _, there in others] == ["pal@guests.test"] * 2
    assert await _coming(conn, company) == [["ana", "ben", "pal"], ["ana", "ben"], ["ana", "ben"]]
    await _cancel(conn, factories.actor(company), first, attendee_id=_named(first, BEN).id)
    assert await _coming(conn, company) == [["ana"]] * 3


async def test_who_books_under_anothers_address_leaves_alone(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    """Case G05: an address proves nothing, neither to a guest nor where a host takes him off."""
    await _book(conn, company, kind, ANA, 0)
    joined = await _book(conn, company, kind, ANA, 0, recurrence=None)
    other = await _book(conn, company, kind, ANA, 1, recurrence=Recurrence("weekly", 1, 2))
    first, second, _ = await _dates(conn, company)
    for one, booked in ((first, joined), (second, other)):
        view = await guests.opened_by(conn, one.id, booked.secret, NOW)
        dates = await guests.other_dates(conn, one, view.attendee, since=NOW)
        assert [there.series_id for _, there in dates] == [view.attendee.series_id] * (one == second)
        assert view.shown.series_id == view.attendee.series_id != one.series_id
    assert await _coming(conn, company) == [["ana"] * 2] * 3

    await _cancel(conn, factories.actor(company), first, attendee_id=first.attendees[1].id)
    assert await _coming(conn, company) == [["ana"], ["ana"] * 2, ["ana"] * 2]
    await _cancel(conn, (await guests.opened_by(conn, second.id, other.secret, NOW)).actor, second)

    assert await _coming(conn, company) == [["ana"]] * 3
    assert all(one.attendees[0].cancelled_at is None for one in await _dates(conn, company))


async def test_a_host_takes_guests_off_his_own_dates_only(
    conn: Connection, company: Founded, crossed: list[Appointment]
) -> None:
    other = await factories.user(conn, company, now=NOW)
    await handoffs.hand_over(
        conn, actor=factories.actor(company), appointment_id=crossed[2].id, target=Target(user_id=other.user.id),
        clock=clock,
    )  # fmt: skip
    host = Actor(company.company_id, company.user_id, False, "token")

    await _cancel(conn, host, crossed[1], attendee_id=_named(crossed[1], BEN).id)

    assert await _coming(conn, company) == [["ana"], ["ana"], ["ana", "ben"], None]


async def test_a_date_that_becomes_a_later_one_meanwhile_is_not_cancelled_unlocked(
    conn: Connection, company: Founded, crossed: list[Appointment], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = locks.appointments

    async def moved(locking: Connection, company_id: UUID, appointment_ids: Any) -> None:
        await real(locking, company_id, appointment_ids)
        values = (week(9), week(9).add(minutes=30), crossed[1].id)
        await locking.execute("UPDATE appointment SET start_at = %s, end_at = %s WHERE id = %s", values)

    monkeypatch.setattr(locked_appointments.locks, "appointments", moved)
    with pytest.raises(ChangedMeanwhile):
        await _cancel(conn, factories.actor(company), crossed[2], attendee_id=_named(crossed[2], BEN).id)

    assert await _coming(conn, company) == [["ana"], ["ana", "ben"], ["ben"], ["ana", "ben"]]


async def test_type_hosts_and_all_dates_he_joined_are_locked_in_this_order(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(
        conn, company, now=NOW, spots=2, days_into_future={"mode": "unlimited"}, booking_limits={"perDay": 1}
    )
    await _book(conn, company, kind, ANA, 0)
    await _book(conn, company, kind, BEN, 1)
    dates = await _dates(conn, company)

    with statements.counted() as sent:
        await _cancel(conn, factories.actor(company), dates[1], attendee_id=_named(dates[1], BEN).id)

    locking = [one.split("FROM ")[1].split()[0] for one in sent if "FOR NO KEY UPDATE" in one]
    assert locking == ["meeting_type", "user_account", "appointment"]
