"""Series: the same local time again and again, all of it or what is free."""

from typing import Any, Literal

import pytest
from whenever import Instant

from kalends.domain.recurrence import Recurrence
from kalends.services import appointments, bookings
from kalends.services.bookings import SeriesConflict
from kalends.services.companies import Founded
from kalends.services.outcomes import Booked, Pending
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from tests import calendar_rows, factories, ordering
from tests.ordering import NOW, START, clock, order

WEEK = 7 * 24


def weekly(count: int, on_conflict: Literal["fail", "skip"] = "fail") -> Recurrence:
    return Recurrence("weekly", 1, count, on_conflict)


def week(number: int) -> Instant:
    return START.add(hours=WEEK * number)


@pytest.fixture
async def kind(conn: Connection, company: Founded) -> MeetingType:
    """Bookable as far ahead as anybody likes."""
    return await factories.meeting_type(conn, company, now=NOW, days_into_future={"mode": "unlimited"})


async def _book(conn: Connection, company: Founded, kind: MeetingType, recurrence: Recurrence, **fields: Any) -> Booked:
    return await ordering.book(conn, factories.actor(company), order(kind.id, recurrence=recurrence, **fields))


async def test_every_start_is_booked_and_belongs_to_the_series(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    done = await _book(conn, company, kind, weekly(5))

    assert done.series is not None
    starts = [START, week(1), week(2), week(3), week(4).subtract(hours=1)]  # the clocks change on 30 March
    assert [(one.start, one.error_code) for one in done.series] == [(start, None) for start in starts]
    assert done.series[0].appointment_id == done.appointment_id
    actor = factories.actor(company)
    stored = [
        await appointments.get(conn, actor=actor, appointment_id=one.appointment_id)
        for one in done.series
        if one.appointment_id
    ]
    assert [one.start_at for one in stored] == starts
    assert len({one.series_id for one in stored}) == 1
    assert stored[0].series_id is not None
    assert stored[0].attendees[0].secret == done.secret
    cursor = await conn.execute("SELECT kind, revision FROM event WHERE company_id = %s", (company.company_id,))
    assert await cursor.fetchall() == [("booking_created", 1)] * 5


async def test_all_or_nothing_with_the_list_of_conflicts(conn: Connection, company: Founded, kind: MeetingType) -> None:
    actor = factories.actor(company)
    await ordering.book(conn, actor, order(kind.id, week(1)))

    with pytest.raises(SeriesConflict) as refused:
        await _book(conn, company, kind, weekly(3))

    assert [error.field for error in refused.value.errors] == ["recurrence[1]"]
    conflicts = [{"start": "2031-03-12T09:00:00.000Z", "errorCode": "slot-occupied"}]
    assert refused.value.details == {"conflicts": conflicts}


async def test_what_cannot_be_booked_is_left_out_where_that_is_asked_for(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    actor = factories.actor(company)
    for taken in (START, week(2)):
        await ordering.book(conn, actor, order(kind.id, taken))

    done = await _book(conn, company, kind, weekly(4, "skip"))

    assert done.series is not None
    assert [(one.start, one.appointment_id is not None, one.error_code) for one in done.series] == [
        (START, False, "slot-occupied"),
        (week(1), True, None),
        (week(2), False, "slot-occupied"),
        (week(3), True, None),
    ]
    assert done.appointment_id == done.series[1].appointment_id


async def test_a_series_of_which_nothing_is_free_is_refused(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    night = START.add(hours=12)

    with pytest.raises(SeriesConflict) as refused:
        await _book(conn, company, kind, weekly(2, "skip"), start=night)

    assert [error.field for error in refused.value.errors] == ["recurrence[0]", "recurrence[1]"]


async def test_a_series_counts_for_its_own_caps(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(
        conn, company, days_into_future={"mode": "unlimited"}, booking_limits={"perMonth": 2}
    )

    done = await _book(conn, company, kind, weekly(6, "skip"))

    assert done.series is not None
    # 5, 12, 19 and 26 March, 2 and 9 April.
    assert [one.error_code for one in done.series] == [None, None, "cap-reached", "cap-reached", None, None]


async def test_starts_of_a_series_do_not_overlap_each_other(conn: Connection, company: Founded) -> None:
    always = {
        day: {"enabled": True, "hours": [{"start": "00:00", "end": "24:00"}]}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    hours = await factories.availability(conn, company, schedule=always, now=NOW)
    kind = await factories.meeting_type(
        conn,
        company,
        availability_id=hours.id,
        timeslot_interval=60,
        days_into_future={"mode": "unlimited"},
        meeting_info={"duration": 480, "bufferBefore": 120},
        meeting_options={"allowedDurations": [480, 1380]},
    )

    done = await _book(conn, company, kind, Recurrence("daily", 1, 4, "skip"), duration=1380)

    assert done.series is not None
    assert [one.error_code for one in done.series] == [None, "slot-occupied", None, "slot-occupied"]


async def test_the_same_host_takes_every_start_where_he_is_free(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    other = await factories.user(conn, company, now=NOW)
    actor, hosts = factories.actor(company), (company.user_id, other.user.id)
    await ordering.book(conn, actor, order(kind.id))
    await ordering.book(conn, actor, order(other.meeting_type_id, week(2)))

    done = await _book(conn, company, kind, weekly(4), host_ids=hosts)

    assert done.series is not None
    taken = [
        (await appointments.get(conn, actor=actor, appointment_id=one.appointment_id)).hosts[0].id
        for one in done.series
        if one.appointment_id
    ]
    assert taken == [other.user.id, other.user.id, company.user_id, other.user.id]


async def test_a_series_puts_nobody_further_ahead_than_its_queue_allows(conn: Connection, company: Founded) -> None:
    """Whom `maxLeadThreshold` hides from single bookings takes no start of a series either, in each period anew."""
    kind = await factories.meeting_type(conn, company, now=NOW, days_into_future={"mode": "unlimited"})
    ben, cleo = [(await factories.user(conn, company, now=NOW)).user.id for _ in range(2)]
    leads: dict[str, Any] = {"max_lead_threshold": 2, "distribution_period": "month"}
    queue_id = await calendar_rows.queue(conn, company, kind.id, [ben, cleo], groups=[[ben, cleo]], **leads)

    done = await _book(conn, company, kind, weekly(8, "skip"))

    assert done.series is not None
    assert [one.error_code for one in done.series] == [None] * 8
    cursor = await conn.execute("SELECT member_id FROM queue_choice WHERE queue_id = %s ORDER BY start_at", (queue_id,))
    # 5, 12, 19 and 26 March; 2, 9, 16 and 23 April.
    assert [row[0] for row in await cursor.fetchall()] == [ben, ben, cleo, cleo] * 2


async def test_a_queue_chooses_once_for_a_series(conn: Connection, company: Founded, kind: MeetingType) -> None:
    members = [(await factories.user(conn, company, now=NOW)).user.id for _ in range(3)]
    queue_id = await calendar_rows.queue(conn, company, kind.id, members)

    done = await _book(conn, company, kind, weekly(3), queue_id=queue_id)

    assert done.series is not None
    cursor = await conn.execute(
        "SELECT member_id, start_at FROM queue_choice WHERE queue_id = %s AND live ORDER BY id", (queue_id,)
    )
    assert await cursor.fetchall() == [(members[0], week(number)) for number in range(3)]


async def test_the_rest_of_a_series_is_cancelled_together(
    conn: Connection, company: Founded, kind: MeetingType
) -> None:
    done = await _book(conn, company, kind, weekly(4))
    actor = factories.actor(company)
    assert done.series is not None
    ids = [one.appointment_id for one in done.series if one.appointment_id]

    after = await appointments.cancel(
        conn, actor=actor, appointment_id=ids[1], entire_series=True, reason="Ill", clock=clock
    )

    stored = [await appointments.get(conn, actor=actor, appointment_id=one) for one in ids]
    assert [one.cancelled_at for one in stored] == [None, NOW, NOW, NOW]
    assert [one.cancel_reason for one in stored] == [None, "Ill", "Ill", "Ill"]
    assert after.id == ids[1]
    cursor = await conn.execute("SELECT appointment_id FROM claim WHERE company_id = %s", (company.company_id,))
    assert await cursor.fetchall() == [(ids[0],)]


async def test_of_a_group_series_only_the_one_guest_leaves(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, spots=3, days_into_future={"mode": "unlimited"})
    actor = factories.actor(company)
    await _book(conn, company, kind, weekly(2), email="ana@guests.test")
    done = await _book(conn, company, kind, weekly(2), email="ben@guests.test")
    assert done.series is not None
    ids = [one.appointment_id for one in done.series if one.appointment_id]
    first = await appointments.get(conn, actor=actor, appointment_id=ids[0])

    await appointments.cancel(
        conn,
        actor=actor,
        appointment_id=ids[0],
        attendee_id=first.attendees[1].id,
        entire_series=True,
        clock=clock,
    )

    for one in ids:
        stored = await appointments.get(conn, actor=actor, appointment_id=one)
        assert stored.cancelled_at is None
        assert [guest.email for guest in stored.booking_attendees] == ["ana@guests.test"]


async def test_a_start_that_clocks_skip_is_outside_hours(conn: Connection, company: Founded) -> None:
    now = Instant("2031-03-20T09:00:00Z")
    night = {
        day: {"enabled": True, "hours": [{"start": "01:00", "end": "05:00"}]}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    hours = await factories.availability(conn, company, schedule=night, now=now)
    kind = await factories.meeting_type(conn, company, availability_id=hours.id, timeslot_interval=30)
    wanted = order(kind.id, Instant("2031-03-29T01:30:00Z"), recurrence=Recurrence("daily", 1, 3, "skip"))

    done = await bookings.book(conn, actor=factories.actor(company), order=wanted, clock=lambda: now)

    assert isinstance(done, Booked)
    assert done.series is not None
    assert [one.error_code for one in done.series] == [None, "outside-hours", None]


async def test_a_series_that_waits_says_which_starts_are_kept_and_which_are_left_out(
    conn: Connection, company: Founded
) -> None:
    actor = factories.actor(company)
    kind = await factories.meeting_type(conn, company, meeting_options={"requireHostConfirmation": "enabled"})
    await ordering.book(conn, actor, order(company.meeting_type_id, START.add(hours=24)))
    daily = Recurrence("daily", interval=1, count=3, on_conflict="skip")

    waiting = await bookings.book(conn, actor=actor, order=order(kind.id, recurrence=daily), clock=clock)

    assert isinstance(waiting, Pending)
    assert waiting.series is not None
    assert [(one.start, one.appointment_id, one.error_code) for one in waiting.series] == [
        (START, None, None),
        (START.add(hours=24), None, "slot-occupied"),
        (START.add(hours=48), None, None),
    ]
