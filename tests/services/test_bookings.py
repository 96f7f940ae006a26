"""Bookings: what is stored, who takes it, and each refusal with its code."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from whenever import Instant

from kalends.domain.recurrence import Recurrence
from kalends.errors import DomainError, Invalid, NotFound
from kalends.services import appointments, bookings, changes
from kalends.services.companies import Founded
from kalends.services.order_checks import ChannelNotAllowed, LocationNotOffered, PhoneOnlyNotAllowed
from kalends.services.placements import OverrideNotAllowed
from kalends.services.refusals import SlotTaken
from kalends.storage import events
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection
from tests import factories, ordering, statements
from tests.ordering import NOW, START, booked, order


async def _claims(conn: Connection, appointment: Appointment) -> list[tuple[Any, ...]]:
    cursor = await conn.execute(
        "SELECT host_no, start_at, end_at, exclusive FROM claim WHERE appointment_id = %s ORDER BY host_no, start_at",
        (appointment.id,),
    )
    return await cursor.fetchall()


async def test_a_booking_is_stored_with_its_host_its_guests_and_its_claim(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(
        conn, company, meeting_info={"bufferBefore": 10, "bufferAfter": 15, "duration": 45}, timeslot_interval=15
    )

    stored = await booked(
        conn,
        factories.actor(company),
        order(
            kind.id,
            first_name="Ben",
            last_name="Vogt",
            language="de",
            timezone="Europe/Vienna",
            notes={"Topic": "Contract"},
            context={"utm_source": "mail", "Topic": "less important"},
            bringalong_emails=("one@guests.test", "guest@guests.test", "one@guests.test"),
        ),
    )

    assert (stored.start_at, stored.end_at) == (START, START.add(minutes=45))
    assert [host.id for host in stored.hosts] == [company.user_id]
    assert (stored.revision, stored.sequence, stored.channel) == (1, 0, "phone")
    booker, guest = stored.attendees
    assert (booker.email, booker.full_name, booker.brought_along) == ("guest@guests.test", "Ben Vogt", False)
    assert booker.notes == {"Topic": "Contract", "utm_source": "mail"}
    assert (guest.email, guest.full_name, guest.brought_along) == ("one@guests.test", "one", True)
    assert (guest.language, guest.timezone) == ("de", "Europe/Vienna")
    assert len(booker.secret) == len(guest.secret) == 43
    assert booker.secret != guest.secret
    assert await _claims(conn, stored) == [
        (stored.hosts[0].host_no, START.subtract(minutes=10), START.add(minutes=60), True)
    ]


async def test_a_booking_takes_as_many_statements_whoever_comes(conn: Connection, company: Founded) -> None:
    others = [(await factories.user(conn, company, now=NOW)).user.id for _ in range(2)]
    pals = tuple(f"pal{n}@guests.test" for n in range(4))
    actor, sent = factories.actor(company), []

    for hours, fields in enumerate(({}, {"bringalong_emails": pals}, {"host_ids": (*others, company.user_id)})):
        with statements.counted() as counted:
            await ordering.book(conn, actor, order(company.meeting_type_id, START.add(hours=hours), **fields))
        sent.append(len(counted))

    assert sent == [5, 5, 5]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"full_name": "Dr. Ana Roth", "first_name": "Ana"}, "Dr. Ana Roth"),
        ({"first_name": "Ana", "last_name": "Roth"}, "Ana Roth"),
        ({"last_name": "Roth"}, "Roth"),
        ({}, "guest"),
    ],
)
async def test_without_a_name_the_local_part_is_shown(
    conn: Connection, company: Founded, fields: dict[str, str], shown: str
) -> None:
    stored = await booked(conn, factories.actor(company), order(company.meeting_type_id, **fields))

    assert stored.attendees[0].full_name == shown


async def test_a_booking_leaves_its_event_and_its_job_behind(conn: Connection, company: Founded) -> None:
    stored = await booked(conn, factories.actor(company), order(company.meeting_type_id))

    cursor = await conn.execute(
        "SELECT id, kind, revision, before, after FROM event WHERE appointment_id = %s", (stored.id,)
    )
    ((event_id, kind, revision, before, after),) = await cursor.fetchall()
    assert (kind, revision, before) == ("booking_created", 1, None)
    assert (after["start"], after["end"]) == ("2031-03-05T09:00:00Z", "2031-03-05T09:30:00Z")
    assert stored.attendees[0].secret not in str(after)
    cursor = await conn.execute("SELECT task_name, args FROM procrastinate_jobs WHERE lock = %s", (str(stored.id),))
    assert await cursor.fetchall() == [("event.happened", {"event_id": event_id})]


async def test_the_event_of_each_start_of_a_series_says_what_is_stored(conn: Connection, company: Founded) -> None:
    weekly = Recurrence("weekly", 1, 3, "fail")

    done = await ordering.book(conn, factories.actor(company), order(company.meeting_type_id, recurrence=weekly))

    for one in done.series or ():
        assert one.appointment_id
        stored = await appointments.get(conn, actor=factories.actor(company), appointment_id=one.appointment_id)
        told = await events.newest(conn, company.company_id, [stored.id])
        assert told[stored.id].snapshot == changes.snapshot(stored)
    assert len(done.series or ()) == 3


async def test_a_collective_booking_takes_time_of_every_host(conn: Connection, company: Founded) -> None:
    """C11: that time is busy for each host, in every other type."""
    other = await factories.user(conn, company, now=NOW)
    actor = factories.actor(company)
    together = order(company.meeting_type_id, host_ids=(company.user_id, other.user.id), mode="everyone")

    stored = await booked(conn, actor, together)

    assert [host.id for host in stored.hosts] == [company.user_id, other.user.id]
    assert {row[0] for row in await _claims(conn, stored)} == {host.host_no for host in stored.hosts}
    for kind in (company.meeting_type_id, other.meeting_type_id):
        assert START.timestamp() // 60 not in await ordering.listed(conn, company, kind)
        with pytest.raises(SlotTaken) as refused:
            await ordering.book(conn, actor, order(kind))
        assert refused.value.reason == "claimed"


async def test_the_first_free_host_in_the_order_given_takes_it(conn: Connection, company: Founded) -> None:
    other = await factories.user(conn, company, now=NOW)
    either = order(company.meeting_type_id, host_ids=(other.user.id, company.user_id))

    taken_by = [
        (await booked(conn, factories.actor(company), either)).hosts[0].id,
        (await booked(conn, factories.actor(company), either)).hosts[0].id,
    ]

    assert taken_by == [other.user.id, company.user_id]
    with pytest.raises(SlotTaken):
        await ordering.book(conn, factories.actor(company), either)


async def test_so_many_of_the_hosts_are_enough(conn: Connection, company: Founded) -> None:
    others = [await factories.user(conn, company, now=NOW) for _ in range(2)]
    ids = (company.user_id, *(one.user.id for one in others))
    await ordering.book(conn, factories.actor(company), order(company.meeting_type_id))

    stored = await booked(conn, factories.actor(company), order(company.meeting_type_id, host_ids=ids, required=2))

    assert [host.id for host in stored.hosts] == [one.user.id for one in others]


@pytest.mark.parametrize(
    ("fields", "start", "code", "reason"),
    [
        ({"enabled": False}, START, "meeting-type-disabled", None),
        ({"booking_minimum": 3 * 24 * 60}, START, "too-soon", None),
        ({}, NOW.subtract(minutes=30), "too-soon", None),
        (
            {"days_into_future": {"mode": "limit", "bookingLimit": 1440, "countMode": "calendar"}},
            START,
            "too-far",
            None,
        ),
        ({}, START.add(hours=12), "outside-hours", None),
        ({}, START.add(minutes=10), "not-a-slot", None),
        ({}, START.add(seconds=1), "not-a-slot", None),
        ({}, START.add(minutes=90), "slot-occupied", "buffer"),
        ({}, START.add(minutes=150), "slot-occupied", "buffer"),
        ({}, START.add(minutes=120), "slot-occupied", "claimed"),
    ],
)
async def test_a_start_that_is_not_listed_is_refused_by_its_rule(
    conn: Connection, company: Founded, fields: dict[str, Any], start: Instant, code: str, reason: str | None
) -> None:
    """S04: inside a buffer, before minimum notice, off the increment, beyond the rolling window."""
    actor = factories.actor(company)
    await ordering.book(conn, actor, order(company.meeting_type_id, START.add(hours=2)))
    info = {"bufferBefore": 5, "bufferAfter": 5, "duration": 30}
    kind = await factories.meeting_type(conn, company, meeting_info=info, **fields)

    with pytest.raises(DomainError) as refused:
        await ordering.book(conn, actor, order(kind.id, start))

    assert (refused.value.code, refused.value.reason) == (code, reason)
    assert start.timestamp() // 60 not in await ordering.listed(conn, company, kind.id) or start.timestamp() % 60


async def test_a_duration_is_one_of_those_offered(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, meeting_options={"allowedDurations": [30, 60]})
    actor = factories.actor(company)

    stored = await booked(conn, actor, order(kind.id, duration=60))
    with pytest.raises(DomainError) as refused:
        await ordering.book(conn, actor, order(kind.id, duration=45))

    assert stored.end_at == START.add(minutes=60)
    assert stored.meeting_info["duration"] == 60
    assert refused.value.code == "duration-not-allowed"


async def test_more_hosts_than_there_are_cannot_be_asked_for(conn: Connection, company: Founded) -> None:
    with pytest.raises(DomainError) as refused:
        await ordering.book(conn, factories.actor(company), order(company.meeting_type_id, required=2))

    assert refused.value.code == "host-not-allowed"


@pytest.mark.parametrize("limited", ["type", "host"])
async def test_a_full_day_is_refused(conn: Connection, company: Founded, limited: str) -> None:
    """S05: a cap of one a day."""
    limits = {"perDay": 1}
    kind = await factories.meeting_type(conn, company, booking_limits=limits if limited == "type" else {})
    if limited == "host":
        await conn.execute(
            "UPDATE user_account SET booking_limits = %s WHERE id = %s", ('{"perDay": 1}', company.user_id)
        )
    actor = factories.actor(company)
    first = await ordering.book(conn, actor, order(kind.id))

    with pytest.raises(DomainError) as refused:
        await ordering.book(conn, actor, order(kind.id, START.add(hours=2)))
    await ordering.book(conn, actor, order(kind.id, START.add(hours=24)))
    await appointments.cancel(conn, actor=actor, appointment_id=first.appointment_id, clock=ordering.clock)
    await ordering.book(conn, actor, order(kind.id, START.add(hours=2)))

    assert refused.value.code == "cap-reached"


async def test_a_cancelled_start_can_be_booked_again_by_the_same_guest(conn: Connection, company: Founded) -> None:
    """C08."""
    actor = factories.actor(company)
    wanted = order(company.meeting_type_id)
    first = await ordering.book(conn, actor, wanted)
    await appointments.cancel(conn, actor=actor, appointment_id=first.appointment_id, clock=ordering.clock)

    second = await ordering.book(conn, actor, wanted)

    assert second.appointment_id != first.appointment_id


async def test_a_start_listed_five_minutes_ago_is_still_taken(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, booking_minimum=60)
    actor = factories.actor(company)

    async def at(minutes: int) -> None:
        now = START.subtract(minutes=minutes)
        await bookings.book(conn, actor=actor, order=order(kind.id), clock=lambda: now)

    with pytest.raises(DomainError) as refused:
        await at(54)
    await at(55)

    assert refused.value.code == "too-soon"


@pytest.mark.parametrize(
    "wrong",
    [
        {"meeting_type_id": uuid4()},
        {"host_ids": (uuid4(),)},
        {"queue_id": uuid4()},
    ],
)
async def test_what_the_company_does_not_have_is_not_found(
    conn: Connection, company: Founded, wrong: dict[str, Any]
) -> None:
    with pytest.raises(NotFound):
        await ordering.book(conn, factories.actor(company), replace(order(company.meeting_type_id), **wrong))


async def test_types_and_hosts_of_another_company_are_not_found(conn: Connection, company: Founded) -> None:
    foreign = await factories.company(conn, now=NOW)
    actor = factories.actor(company)

    with pytest.raises(NotFound):
        await ordering.book(conn, actor, order(foreign.meeting_type_id))
    with pytest.raises(NotFound):
        await ordering.book(conn, actor, order(company.meeting_type_id, host_ids=(foreign.user_id,)))


async def test_a_host_may_overlap_what_he_has(conn: Connection, company: Founded) -> None:
    """Design section 4: exclusive where nothing stands, shared only where something does, busy for all others."""
    actor = factories.actor(company)
    await ordering.book(conn, actor, order(company.meeting_type_id))

    over = await booked(conn, actor, order(company.meeting_type_id, START.add(minutes=10), ignore_availability=True))

    host_no = over.hosts[0].host_no
    assert over.ignored_availability
    assert await _claims(conn, over) == [
        (host_no, START.add(minutes=10), START.add(minutes=30), False),
        (host_no, START.add(minutes=30), START.add(minutes=40), True),
    ]
    with pytest.raises(SlotTaken):
        await ordering.book(conn, actor, order(company.meeting_type_id, START.add(minutes=30)))


async def test_a_host_may_book_himself_at_any_time(conn: Connection, company: Founded) -> None:
    member = await factories.user(conn, company, now=NOW)
    night = order(member.meeting_type_id, START.add(hours=14), ignore_availability=True)

    stored = await booked(conn, factories.actor(company, member.user.id), night)

    assert stored.start_at == START.add(hours=14)


async def test_disregarding_availability_is_the_hosts_own_right(conn: Connection, company: Founded) -> None:
    """A08: a member may not do it to somebody else, nor to somebody beside him."""
    member = await factories.user(conn, company, now=NOW)
    both = {"host_ids": (member.user.id, company.user_id), "mode": "everyone"}

    for hosts in ({}, both):
        wanted = order(company.meeting_type_id, ignore_availability=True, **hosts)
        with pytest.raises(OverrideNotAllowed):
            await ordering.book(conn, factories.actor(company, member.user.id), wanted)


async def test_a_form_sent_twice_answers_the_first_booking(conn: Connection, company: Founded) -> None:
    actor, nonce = factories.actor(company), uuid4()

    first = await ordering.book(conn, actor, order(company.meeting_type_id, nonce=nonce))
    second = await ordering.book(conn, actor, order(company.meeting_type_id, nonce=nonce))

    assert second == first


async def test_a_phone_is_enough_where_the_type_allows_it(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(conn, company, meeting_options={"allowPhoneOnlyBooking": True})
    by_phone = {"email": None, "phone": "+436601234567", "phone_only": True}
    actor = factories.actor(company)

    stored = await booked(conn, actor, order(kind.id, **by_phone))

    assert (stored.attendees[0].email, stored.attendees[0].full_name) == (None, "+436601234567")
    with pytest.raises(PhoneOnlyNotAllowed):
        await ordering.book(conn, actor, order(company.meeting_type_id, **by_phone))
    for missing in ("email", "phone"):
        with pytest.raises(Invalid) as refused:
            await ordering.book(
                conn, actor, order(kind.id, **{**by_phone, "phone": None, "phone_only": missing == "phone"})
            )
        assert refused.value.errors[0].field == f"attendee.{missing}"


@pytest.mark.parametrize(
    ("channel", "asked", "notes", "stored"),
    [
        ("local", None, {}, "Hall 1"),
        ("local", "Hall 2", {}, "Hall 2"),
        ("local-attendee", "Mill Lane 3", {}, "Mill Lane 3"),
        ("local-attendee", None, {"address": "Mill Lane 4"}, "Mill Lane 4"),
        ("local-attendee", None, {}, None),
        ("phone", None, {}, None),
    ],
)
async def test_the_place_follows_the_channel(
    conn: Connection, company: Founded, channel: str, asked: str | None, notes: dict[str, str], stored: str | None
) -> None:
    kind = await factories.meeting_type(
        conn, company, meeting_info={"channel": channel}, locations=["Hall 1", "Hall 2"]
    )

    found = await booked(conn, factories.actor(company), order(kind.id, location=asked, notes=notes))

    assert found.location == stored


async def test_places_and_channels_are_those_of_the_type(conn: Connection, company: Founded) -> None:
    kind = await factories.meeting_type(
        conn,
        company,
        meeting_info={"channel": "local"},
        meeting_options={"allowedChannels": ["phone", "local"]},
        locations=["Hall 1"],
    )
    actor = factories.actor(company)

    with pytest.raises(LocationNotOffered):
        await ordering.book(conn, actor, order(kind.id, location="Cellar"))
    with pytest.raises(ChannelNotAllowed):
        await ordering.book(conn, actor, order(kind.id, channel="zoom"))
    assert (await booked(conn, actor, order(kind.id, channel="phone"))).meeting_info["channel"] == "phone"


async def test_the_last_day_shown_can_be_booked_from_any_zone(conn: Connection) -> None:
    """S13: host in New York, guest in Pago Pago, limit of 2 days."""
    company = await factories.company(conn, timezone="America/New_York", now=NOW)
    window = {"mode": "limit", "bookingLimit": 2 * 1440, "countMode": "calendar"}
    kind = await factories.meeting_type(conn, company, days_into_future=window)
    listed = await ordering.listed(conn, company, kind.id)

    stored = await booked(
        conn,
        factories.actor(company),
        order(kind.id, Instant.from_timestamp(listed[-1] * 60), timezone="Pacific/Pago_Pago"),
    )

    assert stored.start_at.to_tz("America/New_York").format_iso(unit="minute")[:16] == "2031-03-05T16:30"


async def test_a_date_after_the_clock_change_keeps_its_local_time(conn: Connection, company: Founded) -> None:
    """T02: booked in summer time for a date after the change."""
    before, after = Instant("2031-10-20T08:00:00Z"), Instant("2031-11-03T08:00:00Z")
    kind = company.meeting_type_id

    stored = await bookings.book(conn, actor=factories.actor(company), order=order(kind, after), clock=lambda: before)

    found = await appointments.get(conn, actor=factories.actor(company), appointment_id=stored.appointment_id)
    assert found.start_at.to_tz("Europe/Berlin").hour == 9
    assert "DTSTART:20311103T080000Z" in appointments.calendar_file(found, found.attendees[0].id)


async def test_bookings_stay_when_their_host_changes_zone(conn: Connection, company: Founded) -> None:
    """T17: instants are unchanged and the appointment can still be moved."""
    actor = factories.actor(company)
    stored = await ordering.book(conn, actor, order(company.meeting_type_id))
    await conn.execute("UPDATE user_account SET timezone = 'America/New_York' WHERE id = %s", (company.user_id,))
    await conn.execute("UPDATE availability SET timezone = 'America/New_York' WHERE user_id = %s", (company.user_id,))

    found = await appointments.get(conn, actor=actor, appointment_id=stored.appointment_id)
    moved = await appointments.reschedule(
        conn, actor=actor, appointment_id=found.id, start=START.add(hours=5), clock=ordering.clock
    )

    assert found.start_at == START
    assert moved.appointment.start_at == START.add(hours=5)
