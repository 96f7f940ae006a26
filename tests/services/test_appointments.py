"""Appointments: who sees them, and what cancelling, moving and the rest leave behind."""

from typing import Any
from uuid import uuid4

import pytest
from whenever import Instant

from kalends.errors import NotFound
from kalends.services import appointment_lists, appointments, guests, handoffs, users
from kalends.services.appointments import AlreadyCancelled, AlreadyOver, NotTheOnlyAttendee
from kalends.services.cancellations import AttendeeOrAllNeeded
from kalends.services.companies import Founded
from kalends.services.handoff_candidates import Target
from kalends.services.refusals import HostNotAllowed, MeetingTypeDisabled, SlotTaken
from kalends.services.rights import AdminsOnly
from kalends.storage import attendees, parts
from kalends.storage.appointments import Appointment, Filter
from kalends.storage.database import Connection
from tests import factories, ordering
from tests.ordering import NOW, START, booked, clock, order


@pytest.fixture
async def stored(conn: Connection, company: Founded) -> Appointment:
    return await booked(
        conn, factories.actor(company), order(company.meeting_type_id, bringalong_emails=("friend@guests.test",))
    )


async def _state(conn: Connection, appointment: Appointment) -> dict[str, Any]:
    """What stands beside the appointment: claimed starts, the hosts' copy of its state, kinds of its events."""
    claims = await conn.execute("SELECT start_at FROM claim WHERE appointment_id = %s", (appointment.id,))
    copies = await conn.execute(
        "SELECT start_at, live FROM appointment_host WHERE appointment_id = %s", (appointment.id,)
    )
    kinds = await conn.execute("SELECT kind FROM event WHERE appointment_id = %s ORDER BY revision", (appointment.id,))
    return {
        "claims": [row[0] for row in await claims.fetchall()],
        "hosts": await copies.fetchall(),
        "events": [row[0] for row in await kinds.fetchall()],
    }


async def _second_booker(conn: Connection, stored: Appointment) -> attendees.Attendee:
    """Let somebody else have booked the same appointment, as on a group type."""
    first = stored.attendees[0]
    fields = {name: getattr(first, name) for name in first.__dataclass_fields__}
    new = attendees.Attendee(
        **{**fields, "id": uuid4(), "position": 7, "email": "second@guests.test", "secret": "another" * 5}
    )
    added = attendees.adding(company_id=stored.company_id, appointment_id=stored.id, new=[new])
    await parts.write(conn, [added])
    return new


async def test_cancelling_gives_the_time_back(conn: Connection, company: Founded, stored: Appointment) -> None:
    done = await appointments.cancel(
        conn, actor=factories.actor(company), appointment_id=stored.id, reason="ill", clock=clock
    )

    assert (done.cancelled_at, done.cancel_source, done.cancel_reason) == (NOW, "host", "ill")
    assert done.cancelled_by == str(company.user_id)
    assert (done.revision, done.sequence) == (2, 1)
    assert await _state(conn, stored) == {
        "claims": [],
        "hosts": [(START, False)],
        "events": ["booking_created", "booking_cancelled"],
    }


async def test_cancelling_twice_changes_nothing_more(conn: Connection, company: Founded, stored: Appointment) -> None:
    actor = factories.actor(company)
    first = await appointments.cancel(conn, actor=actor, appointment_id=stored.id, reason="ill", clock=clock)

    second = await appointments.cancel(conn, actor=actor, appointment_id=stored.id, reason="well", clock=clock)

    assert second == first


async def test_where_several_booked_the_host_says_whom_he_means(
    conn: Connection, company: Founded, stored: Appointment
) -> None:
    """Contract 2.7: refusal without a choice, one attendee, all."""
    actor = factories.actor(company)
    second = await _second_booker(conn, stored)

    with pytest.raises(AttendeeOrAllNeeded):
        await appointments.cancel(conn, actor=actor, appointment_id=stored.id, clock=clock)
    one_less = await appointments.cancel(
        conn, actor=actor, appointment_id=stored.id, attendee_id=second.id, clock=clock
    )
    with pytest.raises(NotFound):
        await appointments.cancel(conn, actor=actor, appointment_id=stored.id, attendee_id=uuid4(), clock=clock)

    assert one_less.cancelled_at is None
    assert [one.id for one in one_less.booking_attendees] == [stored.attendees[0].id]
    assert (one_less.revision, one_less.sequence) == (2, 1)
    last = await appointments.cancel(
        conn, actor=actor, appointment_id=stored.id, attendee_id=stored.attendees[0].id, clock=clock
    )
    assert last.cancelled_at == NOW


async def test_all_of_a_group_can_be_cancelled(conn: Connection, company: Founded, stored: Appointment) -> None:
    await _second_booker(conn, stored)

    done = await appointments.cancel(
        conn, actor=factories.actor(company), appointment_id=stored.id, cancel_all=True, clock=clock
    )

    assert done.cancelled_at == NOW


async def test_a_move_takes_the_new_time_and_gives_the_old_one_back(
    conn: Connection, company: Founded, stored: Appointment
) -> None:
    actor, later = factories.actor(company), START.add(hours=2)

    moved = await appointments.reschedule(conn, actor=actor, appointment_id=stored.id, start=later, clock=clock)

    assert moved.previous_start == START
    after = moved.appointment
    assert (after.start_at, after.end_at) == (later, later.add(minutes=30))
    assert (after.revision, after.sequence, after.reschedule_count, after.rescheduled_at) == (2, 1, 1, NOW)
    assert after.hosts == stored.hosts
    assert await _state(conn, stored) == {
        "claims": [later],
        "hosts": [(later, True)],
        "events": ["booking_created", "booking_rescheduled"],
    }
    await ordering.book(conn, actor, order(company.meeting_type_id))


async def test_its_own_time_does_not_block_a_move(conn: Connection, company: Founded) -> None:
    """C16: from 10:00–11:00 to 10:30."""
    kind = await factories.meeting_type(conn, company, meeting_info={"duration": 60}, timeslot_interval=30)
    stored = await booked(conn, factories.actor(company), order(kind.id))

    listed = await ordering.listed(conn, company, kind.id, existing_appointment_id=stored.id)
    moved = await appointments.reschedule(
        conn, actor=factories.actor(company), appointment_id=stored.id, start=START.add(minutes=30), clock=clock
    )

    assert START.add(minutes=30).timestamp() // 60 in listed
    assert moved.appointment.start_at == START.add(minutes=30)


async def test_a_lost_move_leaves_the_appointment_where_it_is(
    conn: Connection, company: Founded, stored: Appointment
) -> None:
    """C16: another guest was faster."""
    actor = factories.actor(company)
    await ordering.book(conn, actor, order(company.meeting_type_id, START.add(minutes=30)))

    with pytest.raises(SlotTaken):
        await appointments.reschedule(
            conn, actor=actor, appointment_id=stored.id, start=START.add(minutes=30), clock=clock
        )

    assert await appointments.get(conn, actor=actor, appointment_id=stored.id) == stored
    assert (await _state(conn, stored))["claims"] == [START]


async def test_all_hosts_of_a_collective_meeting_move(conn: Connection, company: Founded) -> None:
    other = await factories.user(conn, company, now=NOW)
    actor = factories.actor(company)
    both = order(company.meeting_type_id, host_ids=(other.user.id, company.user_id), mode="everyone")
    stored = await booked(conn, actor, both)
    await ordering.book(conn, actor, order(other.meeting_type_id, START.add(hours=1)))

    listed = await ordering.listed(conn, company, company.meeting_type_id, existing_appointment_id=stored.id)
    with pytest.raises(SlotTaken):
        await appointments.reschedule(
            conn, actor=actor, appointment_id=stored.id, start=START.add(hours=1), clock=clock
        )
    moved = await appointments.reschedule(
        conn, actor=actor, appointment_id=stored.id, start=START.add(hours=2), clock=clock
    )

    assert START.add(hours=1).timestamp() // 60 not in listed
    assert START.add(hours=2).timestamp() // 60 in listed
    assert moved.appointment.hosts == stored.hosts
    assert (await _state(conn, stored))["claims"] == [START.add(hours=2)] * 2


async def test_moving_to_where_it_is_changes_nothing(conn: Connection, company: Founded, stored: Appointment) -> None:
    moved = await appointments.reschedule(
        conn, actor=factories.actor(company), appointment_id=stored.id, start=START, clock=clock
    )

    assert moved.appointment == stored


async def test_what_is_cancelled_or_over_stays_where_it_is(
    conn: Connection, company: Founded, stored: Appointment
) -> None:
    actor, later = factories.actor(company), START.add(hours=24)

    with pytest.raises(AlreadyOver):
        await appointments.reschedule(
            conn, actor=actor, appointment_id=stored.id, start=later, clock=lambda: stored.end_at
        )
    await appointments.cancel(conn, actor=actor, appointment_id=stored.id, clock=clock)
    with pytest.raises(AlreadyCancelled):
        await appointments.reschedule(conn, actor=actor, appointment_id=stored.id, start=later, clock=clock)


async def test_appointments_of_a_deleted_type_can_only_be_cancelled(
    conn: Connection, company: Founded, stored: Appointment
) -> None:
    await conn.execute("UPDATE meeting_type SET deleted_at = now() WHERE id = %s", (company.meeting_type_id,))
    actor = factories.actor(company)

    with pytest.raises(MeetingTypeDisabled):
        await appointments.reschedule(
            conn, actor=actor, appointment_id=stored.id, start=START.add(hours=1), clock=clock
        )
    done = await appointments.cancel(conn, actor=actor, appointment_id=stored.id, clock=clock)

    assert done.cancelled_at == NOW


async def test_an_appointment_of_a_host_who_left_is_handed_over_before_it_is_moved(
    conn: Connection, company: Founded
) -> None:
    actor = factories.actor(company)
    member = await factories.user(conn, company, now=NOW)
    theirs = await booked(conn, actor, order(member.meeting_type_id))
    await users.delete(conn, actor=actor, user_id=member.user.id, now=NOW)
    later = {"actor": actor, "appointment_id": theirs.id, "start": START.add(hours=1), "clock": clock}

    with pytest.raises(HostNotAllowed):
        await appointments.reschedule(conn, **later)
    target = Target(user_id=company.user_id)
    await handoffs.hand_over(conn, actor=actor, appointment_id=theirs.id, target=target, clock=clock)
    with pytest.raises(MeetingTypeDisabled):  # his types stopped with him
        await appointments.reschedule(conn, **later)


async def test_members_see_what_they_host_and_admins_all(
    conn: Connection, company: Founded, stored: Appointment
) -> None:
    member = await factories.user(conn, company, now=NOW)
    foreign = await factories.company(conn, now=NOW)
    theirs = await booked(conn, factories.actor(company), order(member.meeting_type_id))

    assert (await appointments.get(conn, actor=factories.actor(company), appointment_id=theirs.id)).id == theirs.id
    assert await appointments.get(conn, actor=factories.actor(company, member.user.id), appointment_id=theirs.id)
    for nobody in (factories.actor(company, member.user.id), factories.actor(foreign)):
        with pytest.raises(NotFound):
            await appointments.get(conn, actor=nobody, appointment_id=stored.id)
        with pytest.raises(NotFound):
            await appointments.cancel(conn, actor=nobody, appointment_id=stored.id, clock=clock)


async def test_notes_rise_the_revision_and_not_the_sequence(
    conn: Connection, company: Founded, stored: Appointment
) -> None:
    actor = factories.actor(company)

    noted = await appointments.annotate(
        conn, actor=actor, appointment_id=stored.id, fields={"note": "Bring the plan"}, clock=clock
    )
    again = await appointments.annotate(
        conn, actor=actor, appointment_id=stored.id, fields={"note": "Bring the plan"}, clock=clock
    )

    assert (noted.note, noted.revision, noted.sequence) == ("Bring the plan", 2, 0)
    assert again == noted


async def test_one_more_guest_comes_along(conn: Connection, company: Founded, stored: Appointment) -> None:
    actor, booker = factories.actor(company), stored.attendees[0]

    async def add(email: str, attendee_id: Any = booker.id) -> Appointment:
        return await appointments.add_guest(
            conn, actor=actor, appointment_id=stored.id, attendee_id=attendee_id, email=email, clock=clock
        )

    more = await add("third@guests.test")

    assert [(one.email, one.brought_along) for one in more.attendees] == [
        ("guest@guests.test", False),
        ("friend@guests.test", True),
        ("third@guests.test", True),
    ]
    assert await add("FRIEND@guests.test") == more
    fourth = (await add("fourth@guests.test", more.attendees[1].id)).attendees[-1]
    assert (fourth.email, fourth.brought_by) == ("fourth@guests.test", booker.id)
    with pytest.raises(NotFound):
        await add("fifth@guests.test", uuid4())


async def test_a_secret_opens_its_own_view_until_thirty_days_after(
    conn: Connection, company: Founded, stored: Appointment
) -> None:
    for attendee in stored.attendees:
        view = await guests.opened_by(conn, stored.id, attendee.secret, NOW)
        assert (view.appointment, view.attendee) == (stored, attendee)

    last = stored.end_at.add(hours=24 * 30)
    assert await guests.opened_by(conn, stored.id, stored.attendees[0].secret, last.subtract(seconds=1))
    for appointment_id, secret, now in (
        (stored.id, stored.attendees[0].secret, last),
        (stored.id, "", NOW),
        (stored.id, "é" * 43, NOW),
        (uuid4(), stored.attendees[0].secret, NOW),
    ):
        with pytest.raises(NotFound):
            await guests.opened_by(conn, appointment_id, secret, now)


async def test_the_only_one_who_booked_cancels_and_moves_the_whole(conn: Connection, stored: Appointment) -> None:
    view = await guests.opened_by(conn, stored.id, stored.attendees[0].secret, NOW)

    moved = await appointments.reschedule(
        conn, actor=view.actor, appointment_id=stored.id, start=START.add(hours=1), clock=clock
    )
    done = await appointments.cancel(conn, actor=view.actor, appointment_id=stored.id, clock=clock)

    assert moved.appointment.start_at == START.add(hours=1)
    assert (done.cancelled_at, done.cancel_source) == (NOW, "attendee")
    assert done.cancelled_by == str(stored.attendees[0].id)


async def test_whoever_is_brought_along_cancels_only_himself(conn: Connection, stored: Appointment) -> None:
    view = await guests.opened_by(conn, stored.id, stored.attendees[1].secret, NOW)

    with pytest.raises(NotTheOnlyAttendee):
        await appointments.reschedule(
            conn, actor=view.actor, appointment_id=stored.id, start=START.add(hours=1), clock=clock
        )
    after = await appointments.cancel(conn, actor=view.actor, appointment_id=stored.id, clock=clock)

    assert after.cancelled_at is None
    assert [one.cancelled_at for one in after.attendees] == [None, NOW]


async def test_one_of_several_who_booked_cancels_only_himself(conn: Connection, stored: Appointment) -> None:
    second = await _second_booker(conn, stored)
    view = await guests.opened_by(conn, stored.id, second.secret, NOW)

    with pytest.raises(NotTheOnlyAttendee):
        await appointments.reschedule(
            conn, actor=view.actor, appointment_id=stored.id, start=START.add(hours=1), clock=clock
        )
    after = await appointments.cancel(conn, actor=view.actor, appointment_id=stored.id, clock=clock)

    assert after.cancelled_at is None
    assert [one.id for one in after.booking_attendees] == [stored.attendees[0].id]


async def _page(conn: Connection, actor: Any, size: int = 100, number: int = 0, **only: Any) -> list[Instant]:
    found, _ = await appointment_lists.page(
        conn,
        actor=actor,
        only=Filter(**{"host_id": actor.user_id, **only}),
        sort="start",
        descending=False,
        number=number,
        size=size,
        now=NOW.add(hours=73),
    )
    return [one.start_at for one in found]


async def test_lists_are_filtered(conn: Connection, company: Founded, stored: Appointment) -> None:
    actor = factories.actor(company)
    other = await factories.meeting_type(conn, company, meeting_info={"name": "100% sure"})
    later = await booked(conn, actor, order(other.id, START.add(hours=48), email="ana_m@guests.test"))
    gone = await booked(conn, actor, order(other.id, START.add(hours=49)))
    await appointments.cancel(conn, actor=actor, appointment_id=gone.id, clock=clock)

    assert await _page(conn, actor) == [START, later.start_at, gone.start_at]
    assert await _page(conn, actor, status="past") == [START]
    assert await _page(conn, actor, status="upcoming") == [later.start_at]
    assert await _page(conn, actor, status="cancelled") == [gone.start_at]
    assert await _page(conn, actor, begins_from=START.add(seconds=1), begins_before=gone.start_at) == [later.start_at]
    assert await _page(conn, actor, meeting_type_id=company.meeting_type_id) == [START]
    assert await _page(conn, actor, search="ANA_M@") == [later.start_at]
    assert await _page(conn, actor, search="a_a_m") == []
    assert await _page(conn, actor, search="0% s") == [later.start_at, gone.start_at]


async def test_lists_of_others_are_for_admins(conn: Connection, company: Founded, stored: Appointment) -> None:
    member = await factories.user(conn, company, now=NOW)
    own = factories.actor(company, member.user.id)

    assert await _page(conn, own) == []
    assert await _page(conn, factories.actor(company), host_id=member.user.id) == []
    with pytest.raises(AdminsOnly):
        await _page(conn, own, host_id=company.user_id)
    with pytest.raises(NotFound):
        await _page(conn, factories.actor(company), host_id=uuid4())


async def test_pages_neither_lose_nor_double(conn: Connection, company: Founded) -> None:
    """A05: equal starts stand in the order of their ids, whatever comes between two pages."""
    actor = factories.actor(company)
    made = [
        (await ordering.book(conn, actor, order(company.meeting_type_id, ignore_availability=True))).appointment_id
        for _ in range(5)
    ]

    async def page(number: int) -> list[Any]:
        found, total = await appointment_lists.page(
            conn,
            actor=actor,
            only=Filter(host_id=company.user_id),
            sort="created",
            descending=False,
            number=number,
            size=2,
            now=NOW,
        )
        assert total >= 5
        return [one.id for one in found]

    first = await page(0)
    late = await ordering.book(conn, actor, order(company.meeting_type_id, ignore_availability=True))
    rest = [*await page(1), *await page(2)]

    assert first + rest == [*made, late.appointment_id]
    assert await page(9) == []


async def test_today_is_the_hosts_own_day(conn: Connection) -> None:
    company = await factories.company(conn, timezone="Pacific/Auckland", now=NOW)
    actor = factories.actor(company)
    starts = [Instant("2031-03-04T20:00:00Z"), Instant("2031-03-05T03:00:00Z"), Instant("2031-03-05T20:00:00Z")]
    for start in starts:
        await ordering.book(conn, actor, order(company.meeting_type_id, start))

    found = await appointment_lists.today(conn, actor=actor, now=Instant("2031-03-04T12:00:00Z"))

    assert [one.start_at for one in found] == starts[:2]


async def test_current_is_what_runs_now(conn: Connection, company: Founded, stored: Appointment) -> None:
    actor = factories.actor(company)

    async def at(now: Instant) -> Appointment | None:
        return await appointment_lists.current(conn, actor=actor, now=now)

    assert await at(START) == stored
    assert await at(START.subtract(seconds=1)) is None
    assert await at(stored.end_at) is None
