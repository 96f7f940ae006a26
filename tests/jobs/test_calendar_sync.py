"""From a host's calendar to what blocks him and to his appointments, and to his mails; calendars in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from uuid import uuid4

import pytest

from kalends.domain.remote_events import Page, RemoteCalendar, Window
from kalends.errors import Upstream
from kalends.ports import CalendarKind, CredentialRefused
from kalends.services import calendar_visits, calendar_walks, handoffs, users
from kalends.services.handoff_candidates import Target
from kalends.storage import calendar_access, calendar_disconnections, calendar_readings
from tests import factories
from tests.conftest import Outbox
from tests.fakes.memory_calendar import PERSONAL, WORK, MemoryCalendar
from tests.jobs.host_calendar import HostCalendar, half_hour, of_owner
from tests.jobs.stage import NOW, TUESDAY, Stage

LATER = TUESDAY.add(hours=2)
SUNDAY = TUESDAY.subtract(hours=48)


@pytest.fixture
async def calendar(stage: Stage) -> HostCalendar:
    return await of_owner(stage)


# What blocks


async def test_what_is_made_moved_and_deleted_in_a_calendar_blocks_moves_and_is_free(calendar: HostCalendar) -> None:
    event = calendar.remote.add(*half_hour(TUESDAY))
    assert await calendar.read() == "read"
    assert await calendar.busy() == [half_hour(TUESDAY)]

    event = calendar.remote.move(event, *half_hour(LATER))
    await calendar.read(minutes=1)
    assert await calendar.busy() == [half_hour(LATER)]

    calendar.remote.remove(event)
    await calendar.read(minutes=1)
    assert await calendar.busy() == []


async def test_a_calendar_that_is_only_written_to_tells_of_nothing_but_our_own(stage: Stage) -> None:
    calendar = await of_owner(stage, validate_availability=False)
    calendar.remote.add(*half_hour(LATER))
    await stage.book()
    await stage.work()

    await calendar.read()

    assert await calendar.busy() == []
    (known,) = await stage.rows("SELECT uid FROM calendar_event e JOIN calendar k ON k.id = e.calendar_id "
                                "WHERE k.connection_id = %s", calendar.connection_id)  # fmt: skip
    assert known == (calendar.one().uid,) if len(calendar.remote.shown()) == 1 else known[0].endswith("@kalends")


async def test_our_own_event_never_blocks_wherever_a_mailbox_put_it(calendar: HostCalendar) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    calendar.remote.add(*half_hour(TUESDAY), uid=f"{booked.appointment_id}-before@kalends")

    await calendar.read()

    assert (await calendar.busy(), await calendar.events()) == ([], [])


async def test_what_he_handed_over_does_not_block_him_though_his_mailbox_still_shows_it(
    calendar: HostCalendar,
) -> None:
    stage = calendar.stage
    booked = await stage.book()
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
        target = Target(user_id=ben.id)
        await handoffs.hand_over(
            conn, actor=stage.actor, appointment_id=booked.appointment_id, target=target, clock=stage.clock
        )
    calendar.remote.add(*half_hour(TUESDAY), uid=f"{booked.appointment_id}@kalends")

    await calendar.read()

    assert await calendar.busy() == []


async def test_who_is_only_a_guest_of_a_colleague_is_blocked_by_it(calendar: HostCalendar) -> None:
    stage = calendar.stage
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
        kind = await factories.meeting_type(conn, ben, now=NOW)
    stage.meeting_type_id = kind.id
    booked = await stage.book()
    calendar.remote.add(*half_hour(TUESDAY), uid=f"{booked.appointment_id}@kalends")

    await calendar.read()

    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_an_event_that_is_said_to_be_gone_and_is_there_goes_on_blocking(calendar: HostCalendar) -> None:
    """K14"""
    event = calendar.remote.add(*half_hour(TUESDAY))
    await calendar.read()
    calendar.remote.phantoms.add(event.remote_id)

    await calendar.read(minutes=1)

    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_a_token_that_died_has_the_calendar_read_anew(calendar: HostCalendar) -> None:
    first, second = calendar.remote.add(*half_hour(TUESDAY)), calendar.remote.add(*half_hour(LATER))
    await calendar.read()
    calendar.remote.remove(first)
    calendar.remote.forget_tokens()

    await calendar.read(minutes=1)

    assert await calendar.busy() == [(second.start, second.end)]


async def test_a_calendar_is_read_in_full_before_its_window_is_too_short(calendar: HostCalendar) -> None:
    far = NOW.add(hours=24 * 74)
    calendar.remote.add(*half_hour(far))
    await calendar.read()
    assert await calendar.busy() == []

    for _ in range(9):
        await calendar.read(hours=23)

    assert await calendar.busy() == [half_hour(far)]


@pytest.mark.parametrize(("provider", "full"), [("caldav", [False, True] * 2), ("google", [False] * 4)])
async def test_caldav_is_read_in_full_each_day(
    calendar: HostCalendar, provider: CalendarKind, full: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of its servers forget changes and do not say so; Google says it."""
    monkeypatch.setattr(calendar_walks, "_SPREAD", 1)  # at midnight
    await _be_of(calendar, provider)

    for _ in full:
        await calendar.read(hours=12)

    assert [token is None for token in calendar.remote.tokens[1:]] == full


async def test_nobody_waits_for_a_reading_in_full_that_is_only_due(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar_walks, "_SPREAD", 1)
    for look in (calendar.refresh, calendar.refresh, calendar.read):
        calendar.stage.now = calendar.stage.now.add(hours=12)
        await look()

    assert [token is None for token in calendar.remote.tokens[1:]] == [False, False, True]


async def _be_of(calendar: HostCalendar, provider: CalendarKind) -> None:
    calendar.stage.app.calendars = {provider: calendar.remote}
    await calendar.stage.rows(
        "UPDATE calendar_connection SET provider = %s WHERE id = %s RETURNING 1", provider, calendar.connection_id
    )


async def test_a_calendar_that_was_not_read_for_a_day_is_read_in_full(calendar: HostCalendar) -> None:
    """Servers forget changes after some days, and not all say so."""
    await _be_of(calendar, "google")
    await calendar.read(hours=23)
    await calendar.read(hours=25)
    await calendar.read(minutes=1)

    assert [token is None for token in calendar.remote.tokens] == [True, False, True, False]


async def test_a_calendar_is_read_as_far_as_any_type_of_the_company_goes(calendar: HostCalendar) -> None:
    """Its host may be asked for in a colleague's."""
    stage, far = calendar.stage, NOW.add(hours=24 * 190)
    calendar.remote.add(*half_hour(far))
    await calendar.read()
    async with stage.app.transaction() as conn:
        colleague = (await factories.user(conn, stage.founded, now=NOW)).user
        window = {"mode": "limit", "bookingLimit": 200 * 1440, "countMode": "rolling"}
        await factories.meeting_type(conn, colleague, days_into_future=window)

    await calendar.read(minutes=2)

    assert await calendar.busy() == [half_hour(far)]


async def test_a_calendar_that_seems_empty_all_at_once_frees_nothing_at_first(calendar: HostCalendar) -> None:
    events = [calendar.remote.add(*half_hour(TUESDAY.add(hours=hour))) for hour in range(3)]
    await calendar.read()
    for event in events:
        calendar.remote.remove(event)
    calendar.remote.forget_tokens()

    await calendar.read(minutes=1)
    first = await calendar.busy()
    await calendar.read(minutes=9)
    second = await calendar.busy()
    await calendar.read(minutes=2)

    assert (len(first), len(second), await calendar.busy()) == (3, 3, [])
    assert await calendar.reasons() == ["emptied"]


async def test_what_overlaps_an_appointment_is_recorded_and_told_once_and_cancels_nothing(
    calendar: HostCalendar, outbox: Outbox
) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    await calendar.read()
    event = calendar.remote.add(*half_hour(TUESDAY.add(minutes=15)))

    await calendar.read(minutes=1)
    calendar.remote.move(event, *half_hour(TUESDAY.add(minutes=20)))
    await calendar.read(minutes=1)
    calendar.remote.forget_tokens()
    await calendar.read(minutes=1)
    await stage.work()

    (found,) = await calendar.events()
    assert found == {
        "revision": 1,
        "connectionId": str(calendar.connection_id),
        "userId": str(stage.founded.user_id),
        "provider": "caldav",
        "email": "ada@acme.test",
        "calendarId": found["calendarId"],
        "reason": "overlap",
        "code": None,
        "appointmentId": str(booked.appointment_id),
        "start": "2031-03-11T09:15:00Z",
        "end": "2031-03-11T09:45:00Z",
        "appointmentStart": "2031-03-11T09:00:00Z",
        "appointmentEnd": "2031-03-11T09:30:00Z",
    }
    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert calendar.mails(outbox.mails, "An event overlaps a booking") == 1


async def test_what_one_reading_finds_is_one_mail(calendar: HostCalendar, outbox: Outbox) -> None:
    await calendar.stage.book()
    await calendar.stage.book(LATER)
    calendar.remote.add(TUESDAY, LATER.add(hours=1))

    await calendar.read()
    await calendar.stage.work()

    assert await calendar.reasons() == ["overlap", "overlap"]
    assert calendar.mails(outbox.mails, "An event overlaps a booking") == 1


# What hosts do to our events


async def test_an_event_moved_in_the_calendar_moves_its_appointment(calendar: HostCalendar) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.move(calendar.one(), *half_hour(LATER))

    assert await calendar.read() == "read"
    await stage.work()
    await calendar.read(minutes=1)

    assert await calendar.appointment(booked.appointment_id) == (LATER, False)
    assert [(one.start, one.end) for one in calendar.remote.shown()] == [half_hour(LATER)]
    assert await calendar.events() == []
    ((actor, kind),) = await stage.rows(
        "SELECT actor, kind FROM event WHERE appointment_id = %s ORDER BY id DESC LIMIT 1", booked.appointment_id
    )
    assert (actor["via"], kind) == ("calendar", "booking_rescheduled")


async def test_a_move_the_rules_do_not_allow_is_told_and_put_right(calendar: HostCalendar, outbox: Outbox) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.move(calendar.one(), *half_hour(SUNDAY))

    await calendar.read()
    await stage.work()
    await calendar.read(minutes=1)
    await stage.work()

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert (calendar.one().start, calendar.one().end) == half_hour(TUESDAY)
    assert [(one["reason"], one["code"], one["start"]) for one in await calendar.events()] == [
        ("moved", "outside-hours", SUNDAY.format_iso())
    ]
    assert calendar.mails(outbox.mails, "A booking could not be moved") == 1


async def test_a_move_onto_something_new_in_the_same_calendar_is_not_followed(calendar: HostCalendar) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    calendar.remote.move(calendar.one(), *half_hour(LATER))
    calendar.remote.add(*half_hour(LATER))

    await calendar.read()

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert [one["code"] for one in await calendar.events()] == ["slot-occupied"]


async def test_an_event_made_longer_is_put_right(calendar: HostCalendar, outbox: Outbox) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    calendar.remote.move(calendar.one(), TUESDAY, TUESDAY.add(hours=2))

    await calendar.read()
    await calendar.stage.work()

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert (calendar.one().start, calendar.one().end) == half_hour(TUESDAY)
    assert calendar.mails(outbox.mails, "A booking keeps its length") == 1


async def test_of_moves_on_both_sides_ours_stands(calendar: HostCalendar) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.move(calendar.one(), *half_hour(TUESDAY.add(hours=4)))
    await stage.move(booked.appointment_id, LATER)

    await calendar.read()
    await stage.work()
    await calendar.read(minutes=1)

    assert await calendar.appointment(booked.appointment_id) == (LATER, False)
    assert (calendar.one().start, calendar.one().end) == half_hour(LATER)


async def test_of_a_meeting_of_several_hosts_all_have_to_be_free(calendar: HostCalendar) -> None:
    stage = calendar.stage
    async with stage.app.transaction() as conn:
        second = (await factories.user(conn, stage.founded, now=NOW)).user
    both = await stage.book(hosts=(stage.founded.user_id, second.id))
    await stage.book(LATER, hosts=(second.id,))
    await stage.work()

    calendar.remote.move(calendar.one(), *half_hour(LATER))
    await calendar.read()
    await stage.work()
    refused = (await calendar.appointment(both.appointment_id), calendar.one().start)
    calendar.remote.move(calendar.one(), *half_hour(LATER.add(hours=1)))
    await calendar.read(minutes=1)

    assert refused == ((TUESDAY, False), TUESDAY)
    assert await calendar.appointment(both.appointment_id) == (LATER.add(hours=1), False)
    assert [one["code"] for one in await calendar.events()] == ["slot-occupied"]


@pytest.mark.parametrize("hours", [-9 * 24, -1500 * 24])
async def test_nothing_is_moved_into_the_past(following: HostCalendar, hours: int) -> None:
    stage = following.stage
    booked = await stage.book()
    await stage.work()
    following.remote.move(following.one(), *half_hour(TUESDAY.add(hours=hours)))

    await following.read()
    await stage.work()

    assert await following.appointment(booked.appointment_id) == (TUESDAY, False)
    assert following.one().start == TUESDAY


async def test_what_is_just_being_written_is_looked_at_later(calendar: HostCalendar) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.move(calendar.one(), *half_hour(LATER))
    await stage.rows(
        "INSERT INTO calendar_write (company_id, appointment_id, user_id, revision) VALUES (%s, %s, %s, 1) RETURNING 1",
        *(stage.founded.company_id, booked.appointment_id, stage.founded.user_id),
    )

    await calendar.read()
    first = await calendar.appointment(booked.appointment_id)
    due = (await calendar.connection()).due_at
    await stage.rows("DELETE FROM calendar_write WHERE appointment_id = %s RETURNING 1", booked.appointment_id)
    await calendar.read(seconds=30)

    assert first == (TUESDAY, False)
    assert due == NOW.add(seconds=20)
    assert await calendar.appointment(booked.appointment_id) == (LATER, False)


async def test_a_deletion_cancels_where_the_host_wants_that(following: HostCalendar) -> None:
    booked = await following.stage.book()
    await following.stage.work()
    following.remote.remove(following.one())

    await following.read()
    await following.stage.work()

    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)
    assert following.remote.shown() == []


async def test_a_deletion_is_only_told_otherwise_and_not_written_again(calendar: HostCalendar, outbox: Outbox) -> None:
    stage = calendar.stage
    booked = await stage.book()
    await stage.work()
    calendar.remote.remove(calendar.one())

    await calendar.read()
    calendar.remote.forget_tokens()
    await calendar.read(minutes=1)
    await stage.work()
    empty = calendar.remote.shown()
    await stage.move(booked.appointment_id, LATER)
    await stage.work()

    assert empty == []
    assert calendar.mails(outbox.mails, "A booking still takes place") == 1
    assert await calendar.appointment(booked.appointment_id) == (LATER, False)
    assert calendar.one().start == LATER


async def test_a_deletion_that_only_a_list_tells_of_cancels_nothing(following: HostCalendar) -> None:
    """K14"""
    booked = await following.stage.book()
    await following.stage.work()
    following.remote.phantoms.add(following.one().remote_id)

    await following.read()
    await following.read(minutes=20)

    assert await following.appointment(booked.appointment_id) == (TUESDAY, False)
    assert await following.events() == []


async def test_a_deletion_that_cannot_be_verified_now_is_looked_at_again(following: HostCalendar) -> None:
    booked = await following.stage.book()
    await following.stage.work()
    await following.read()
    following.remote.remove(following.one())
    whole, following.remote.event = following.remote.event, _broken

    outcome = await following.read(minutes=1)
    meanwhile = await following.appointment(booked.appointment_id)
    following.remote.event = whole
    await following.read(minutes=1)

    assert (outcome, meanwhile) == ("put-off", (TUESDAY, False))
    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)


async def _broken(*_: object, **__: object) -> None:
    raise Upstream("not now")


async def test_events_of_ours_that_vanish_all_at_once_cancel_nothing_before_they_did_so_twice(
    following: HostCalendar, outbox: Outbox
) -> None:
    stage = following.stage
    booked = [await stage.book(TUESDAY.add(hours=hour)) for hour in range(2)]
    await stage.work()
    await following.read()
    for event in following.remote.shown():
        following.remote.remove(event)

    states = []
    for minutes in (1, 5, 6):
        await following.read(minutes=minutes)
        states.append([(await following.appointment(one.appointment_id))[1] for one in booked])
    await stage.work()

    assert states == [[False, False], [False, False], [True, True]]
    assert following.mails(outbox.mails, "Your calendar seems to have been emptied") == 1


async def test_events_that_come_back_were_never_gone(following: HostCalendar) -> None:
    booked = [await following.stage.book(TUESDAY.add(hours=hour)) for hour in range(2)]
    await following.stage.work()
    await following.read()
    events, following.remote.events = following.remote.events, {}
    following.remote.forget_tokens()

    await following.read(minutes=1)
    following.remote.events = events
    await following.read(minutes=20)
    await following.read(minutes=20)

    assert [await following.appointment(one.appointment_id) for one in booked] == [
        (TUESDAY, False),
        (TUESDAY.add(hours=1), False),
    ]


async def test_what_was_moved_beside_what_vanished_keeps_nothing_from_being_looked_at_again(
    following: HostCalendar,
) -> None:
    """The deletions were once forgotten with the move."""
    stage = following.stage
    booked = [await stage.book(TUESDAY.add(hours=hour)) for hour in range(4)]
    await stage.work()
    await following.read()
    moved, *others = following.remote.shown()
    following.remote.move(moved, *half_hour(TUESDAY.add(hours=5)))
    for event in others:
        following.remote.remove(event)

    await following.read(minutes=1)
    first = [await following.appointment(one.appointment_id) for one in booked]
    await following.read(minutes=11)

    assert first[0] == (TUESDAY.add(hours=5), False)
    assert [cancelled for _, cancelled in first] == [False] * 4
    assert [(await following.appointment(one.appointment_id))[1] for one in booked] == [False, True, True, True]
    assert await following.reasons() == ["emptied"]


# Given another time where nobody reads, it cannot be told from a deleted one.
@pytest.mark.parametrize(("selected", "hours"), [(True, 0), (True, 1), (False, 0)])
async def test_an_event_moved_to_another_calendar_of_its_host_is_not_deleted(
    following: HostCalendar, selected: bool, hours: int
) -> None:
    stage = following.stage
    booked = await stage.book()
    await stage.work()
    if selected:
        await following.select(WORK)
    await following.read()
    moved = following.one()
    following.remote.remove(moved)
    following.remote.move(moved, *half_hour(TUESDAY.add(hours=hours)), WORK)

    await following.read(minutes=1)
    await following.read(minutes=1)
    there = await following.appointment(booked.appointment_id)
    await stage.move(booked.appointment_id, LATER)
    await stage.work()

    assert there == (TUESDAY.add(hours=hours), False)
    assert [one.start for one in following.remote.shown()] == [LATER]  # what changes is written where all is
    assert following.remote.shown(WORK) == []
    assert await following.events() == []


async def test_an_event_moved_to_a_calendar_that_was_made_since_does_not_stay_there(following: HostCalendar) -> None:
    stage = following.stage
    booked = await stage.book()
    await stage.work()
    await following.read()
    made = RemoteCalendar("/ada/made/", "Made")
    following.remote.calendars_there.append(made)
    moved = following.one()
    following.remote.remove(moved)
    following.remote.move(moved, moved.start, moved.end, made)

    await following.read(minutes=1)
    await stage.move(booked.appointment_id, LATER)
    await stage.work()

    listed = await stage.rows("SELECT name, zone, selected, is_primary FROM calendar WHERE connection_id = %s "
                              "AND remote_id = '/ada/made/'", following.connection_id)  # fmt: skip
    assert [one.start for one in following.remote.shown()] == [LATER]
    assert following.remote.shown(made) == []
    assert listed == [("Made", None, False, False)]


async def test_an_event_moved_to_another_calendar_and_deleted_there_is_deleted(following: HostCalendar) -> None:
    booked = await following.stage.book()
    await following.stage.work()
    await following.select(WORK)
    moved = following.one()
    following.remote.remove(moved)
    moved = following.remote.move(moved, moved.start, moved.end, WORK)
    await following.read()

    following.remote.remove(moved, WORK)
    await following.read(minutes=1)

    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)


async def test_days_of_a_calendar_without_a_zone_are_those_of_its_host(stage: Stage) -> None:
    """Elsewhere a day off in New Zealand began at noon."""
    await stage.rows(
        "UPDATE user_account SET timezone = 'Pacific/Auckland' WHERE id = %s RETURNING 1", stage.founded.user_id
    )
    calendar = await of_owner(stage)
    await stage.rows("UPDATE calendar SET zone = NULL WHERE connection_id = %s RETURNING 1", calendar.connection_id)

    await calendar.read()
    async with stage.app.transaction() as conn:
        await users.update(
            conn, actor=stage.actor, user_id=stage.founded.user_id, changes={"timezone": "Asia/Tokyo"}, now=stage.now
        )
    due = (await calendar.connection()).due_at
    await calendar.read()

    assert due == stage.now
    assert calendar.remote.zones[-2:] == ["Pacific/Auckland", "Asia/Tokyo"]
    assert calendar.remote.tokens[-1] is None  # all of it was read anew


async def test_a_calendar_whose_days_are_those_of_another_zone_by_now_is_read_anew(calendar: HostCalendar) -> None:
    reader, company_id = calendar.stage.app.calendar_reader, calendar.stage.founded.company_id
    calendar.remote.calendars_there = [replace(PERSONAL, zone="Asia/Tokyo"), WORK]

    for _ in range(2):
        await calendar_visits.list_anew(reader, company_id, calendar.connection_id)
        await calendar.read()

    assert (calendar.remote.zones[-2:], calendar.remote.tokens[-2:]) == (["Asia/Tokyo"] * 2, [None, "0"])


async def test_the_hosts_own_refusal_cancels_where_he_wants_that(following: HostCalendar) -> None:
    booked = await following.stage.book()
    await following.stage.work()
    following.answer("declined")

    await following.read()

    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)


async def test_the_hosts_own_refusal_is_told_once_otherwise(calendar: HostCalendar, outbox: Outbox) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    calendar.answer("declined")

    await calendar.read()
    calendar.remote.forget_tokens()
    await calendar.read(minutes=1)
    await calendar.stage.work()

    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, False)
    assert calendar.mails(outbox.mails, "A booking still takes place") == 1


@pytest.mark.parametrize(("cancels", "is_cancelled"), [(False, False), (True, True)])
async def test_what_a_guest_answers_is_kept_and_may_cancel(stage: Stage, cancels: bool, is_cancelled: bool) -> None:
    calendar = await of_owner(stage, cancel_if_declined_or_deleted=cancels)
    booked = await stage.book()
    await stage.work()
    calendar.answer(None, (stage.guest, "declined"))

    await calendar.read()
    await stage.work()
    await calendar.read(minutes=1)

    assert await stage.rows("SELECT answer FROM attendee WHERE appointment_id = %s", booked.appointment_id) == [
        ("declined",)
    ]
    assert await calendar.appointment(booked.appointment_id) == (TUESDAY, is_cancelled)
    kinds = await stage.rows("SELECT kind FROM event WHERE appointment_id = %s ORDER BY id", booked.appointment_id)
    assert kinds == [("booking_created",), ("booking_updated",), *([("booking_cancelled",)] if cancels else [])]


async def test_of_a_group_only_the_guest_who_declines_leaves(following: HostCalendar) -> None:
    stage = following.stage
    async with stage.app.transaction() as conn:
        kind = await factories.meeting_type(conn, stage.founded, now=NOW, spots=5)
    stage.meeting_type_id = kind.id
    booked = await stage.book()
    await stage.book(guest="eva@guest.test")
    await stage.work()
    following.answer(None, (stage.guest, "declined"), ("eva@guest.test", "accepted"))

    await following.read()

    coming = await stage.rows(
        "SELECT email FROM attendee WHERE appointment_id = %s AND cancelled_at IS NULL", booked.appointment_id
    )
    assert coming == [("eva@guest.test",)]


async def test_a_group_whose_guests_all_decline_is_cancelled_and_not_said_to_have_been_moved(
    following: HostCalendar,
) -> None:
    stage = following.stage
    async with stage.app.transaction() as conn:
        kind = await factories.meeting_type(conn, stage.founded, now=NOW, spots=5)
    stage.meeting_type_id = kind.id
    booked = await stage.book()
    await stage.book(guest="eva@guest.test")
    await stage.work()
    event = following.answer(None, (stage.guest, "declined"), ("eva@guest.test", "declined"))
    following.remote.move(event, *half_hour(LATER))

    await following.read()

    assert await following.appointment(booked.appointment_id) == (TUESDAY, True)
    assert await following.events() == []


# How it goes


async def test_a_reading_says_how_old_what_is_known_is_and_when_the_next_one_is_due(calendar: HostCalendar) -> None:
    await calendar.read(seconds=7)

    found = await calendar.connection()
    assert (found.status, found.synced_at, found.due_at, found.failures, found.error) == (
        "connected",
        NOW.add(seconds=7),
        NOW.add(seconds=7, minutes=15),
        0,
        None,
    )


async def test_a_calendar_in_use_is_read_every_two_minutes(calendar: HostCalendar) -> None:
    await calendar.read()
    for minutes in (1, 0):  # the second time changes nothing
        calendar.stage.now = calendar.stage.now.add(minutes=minutes)
        async with calendar.stage.app.transaction() as conn:
            await calendar_readings.used(conn, [calendar.connection_id], calendar.stage.now.add(seconds=1 - minutes))
    pulled = await calendar.connection()
    await calendar.read(minutes=1)

    assert (pulled.used_at, pulled.due_at) == (NOW.add(minutes=1), NOW.add(minutes=2))
    assert (await calendar.connection()).due_at == NOW.add(minutes=4)


async def test_what_fails_is_tried_again_later_and_later_and_what_is_known_grows_old(calendar: HostCalendar) -> None:
    calendar.remote.add(*half_hour(TUESDAY))
    await calendar.read()
    calendar.remote.failure = Upstream("it is down")

    due = []
    for _ in range(3):
        assert await calendar.read(minutes=1) == "put-off"
        due.append(((await calendar.connection()).due_at or NOW) - calendar.stage.now)

    found = await calendar.connection()
    assert [one.total("seconds") for one in due] == [30, 60, 120]
    assert (found.failures, found.error, found.synced_at) == (3, "upstream", NOW)
    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_a_provider_that_says_when_is_asked_no_sooner(calendar: HostCalendar) -> None:
    calendar.remote.failure = Upstream("slow down", retry_after_s=600)

    await calendar.read()

    assert (await calendar.connection()).due_at == NOW.add(seconds=630)


async def test_a_credential_that_is_refused_is_told_once_until_it_works_again(
    calendar: HostCalendar, outbox: Outbox
) -> None:
    """K16"""
    refusal = CredentialRefused("no")
    calendar.remote.failure = refusal

    outcomes = [await calendar.read(), await calendar.read(hours=6)]
    refused = await calendar.connection()
    await calendar.stage.work()
    mails = calendar.mails(outbox.mails, "Please connect your calendar again")
    calendar.remote.failure = None
    outcomes.append(await calendar.read(hours=6))
    works = await calendar.connection()
    calendar.remote.failure = refusal
    await calendar.read(minutes=15)
    await calendar.stage.work()

    assert outcomes == ["refused", "refused", "read"]
    assert (refused.status, refused.error, mails) == ("refused", "calendar-credential-refused", 1)
    assert (works.status, works.error) == ("connected", None)
    assert len(await calendar.events("credential_error")) == 2
    assert calendar.mails(outbox.mails, "Please connect your calendar again") == 2


async def test_nobody_is_told_of_what_was_put_right_meanwhile(calendar: HostCalendar, outbox: Outbox) -> None:
    calendar.remote.failure = CredentialRefused("no")
    await calendar.read()
    calendar.remote.failure = None
    await calendar.read(minutes=1)

    await calendar.stage.work()

    assert calendar.mails(outbox.mails, "Please connect your calendar again") == 0


async def test_one_calendar_that_cannot_be_read_keeps_no_other_from_it(calendar: HostCalendar) -> None:
    stage = calendar.stage
    await stage.rows("UPDATE calendar SET selected = true WHERE connection_id = %s RETURNING 1", calendar.connection_id)
    calendar.remote.add(*half_hour(TUESDAY), calendar=WORK)
    changes = calendar.remote.changes

    def broken(where: RemoteCalendar, **asked: object) -> AsyncIterator[Page]:
        if where == PERSONAL:
            raise Upstream("it is down")
        return changes(where, **asked)

    calendar.remote.changes = broken

    outcome = await calendar.read(minutes=1)

    assert (outcome, await calendar.busy()) == ("put-off", [half_hour(TUESDAY)])
    assert (await calendar.connection()).synced_at == NOW


async def test_due_connections_become_jobs_once(calendar: HostCalendar) -> None:
    stage = calendar.stage
    for _ in range(2):
        async with stage.app.transaction() as conn:
            await calendar_access.start_due(conn, stage.now)
        await stage.rows(
            "UPDATE calendar_access SET due_at = %s WHERE connection_id = %s RETURNING 1", NOW, calendar.connection_id
        )
    jobs = await stage.rows(
        "SELECT task_name FROM procrastinate_jobs WHERE lock = %s AND status = 'todo'",
        f"calendar {calendar.connection_id}",
    )
    await stage.work()

    assert jobs == [("calendar.sync",)]
    assert (await calendar.connection()).due_at is not None
    assert calendar.remote.asked == ["changes"]


async def test_whoever_asks_for_a_reading_while_one_is_under_way_gets_it(calendar: HostCalendar) -> None:
    stage = calendar.stage
    calendar.remote.__class__ = _Held
    reading = await _held(calendar)
    async with stage.app.transaction() as conn:
        await calendar_access.call_for_reading(
            conn, stage.founded.company_id, calendar.connection_id, NOW.add(seconds=1)
        )

    await _let_go(calendar, reading)

    assert (await calendar.connection()).due_at == NOW.add(seconds=1 + calendar_access.STARTED_S)


# Several at once


class _Held(MemoryCalendar):
    """One whose reading waits before its last page until it is let go."""

    arrived: asyncio.Event
    go_on: asyncio.Event

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        waits, self.waits = getattr(self, "waits", True), False
        async for page in super().changes(calendar, token=token, window=window, own=own):
            if waits and page.token:
                self.arrived.set()
                await self.go_on.wait()
            yield page


async def _held(calendar: HostCalendar) -> asyncio.Task[str]:
    """Begin a reading that waits before its end."""
    assert isinstance(calendar.remote, _Held)
    calendar.remote.arrived, calendar.remote.go_on = asyncio.Event(), asyncio.Event()
    task: asyncio.Task[str] = asyncio.create_task(calendar.read())
    arrived = asyncio.ensure_future(calendar.remote.arrived.wait())
    await asyncio.wait([task, arrived], return_when=asyncio.FIRST_COMPLETED)
    return task


async def _let_go(calendar: HostCalendar, task: asyncio.Task[str]) -> str:
    assert isinstance(calendar.remote, _Held)
    calendar.remote.go_on.set()
    return await task


async def test_of_two_readings_at_once_the_older_one_stores_nothing_over_the_newer(calendar: HostCalendar) -> None:
    event = calendar.remote.add(*half_hour(TUESDAY))
    await calendar.read()
    calendar.remote.move(event, *half_hour(LATER))
    calendar.remote.__class__ = _Held
    older = await _held(calendar)
    calendar.remote.move(event, *half_hour(LATER.add(hours=1)))
    await calendar.read()
    calendar.remote.asked.clear()

    assert await _let_go(calendar, older) == "read"

    assert await calendar.busy() == [half_hour(LATER.add(hours=1))]
    assert calendar.remote.asked == ["changes"]  # it was begun anew


class _Gated(MemoryCalendar):
    """One whose first reading waits before its second page, and its second one after its last."""

    gates: list[tuple[asyncio.Event, asyncio.Event]]

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        gate, self.gates = self.gates[:1], self.gates[1:]
        is_first, pages = len(self.gates) == 1, 0
        async for page in super().changes(calendar, token=token, window=window, own=own):
            pages += 1
            if is_first and pages == 2:
                await _pass(*gate)
            yield page
        if not is_first:
            await _pass(*gate)


async def _pass(*gates: tuple[asyncio.Event, asyncio.Event]) -> None:
    for arrived, go_on in gates:
        arrived.set()
        await go_on.wait()


async def test_a_reading_that_began_between_two_stores_of_another_has_not_seen_the_second(
    calendar: HostCalendar,
) -> None:
    calendar.remote.add(*half_hour(TUESDAY))
    deleted = calendar.remote.add(*half_hour(LATER))
    calendar.remote.__class__ = _Gated
    assert isinstance(calendar.remote, _Gated)
    first, second = calendar.remote.gates = [(asyncio.Event(), asyncio.Event()) for _ in range(2)]
    older = asyncio.create_task(calendar.read())
    await first[0].wait()
    calendar.remote.remove(deleted)
    newer = asyncio.create_task(calendar.read())
    await second[0].wait()

    first[1].set()
    await older
    second[1].set()
    await newer
    await calendar.read()

    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_of_a_booking_and_an_event_at_once_the_booking_is_refused_or_the_conflict_told(
    calendar: HostCalendar,
) -> None:
    starts = [TUESDAY.add(minutes=30 * number) for number in range(10)]
    for start in starts:
        calendar.remote.add(*half_hour(start))
        await asyncio.gather(calendar.stage.book(start), calendar.read(), return_exceptions=True)

    taken = await calendar.stage.rows(
        "SELECT start_at FROM appointment WHERE company_id = %s ORDER BY 1", calendar.stage.founded.company_id
    )
    assert [one["appointmentStart"] for one in await calendar.events()] == [row[0].format_iso() for row in taken]
    assert await calendar.busy() == [half_hour(start) for start in starts]


async def test_what_is_disconnected_while_it_is_read_leaves_nothing(calendar: HostCalendar) -> None:
    stage = calendar.stage
    calendar.remote.__class__ = _Held
    calendar.remote.add(*half_hour(TUESDAY))
    reading = await _held(calendar)
    async with stage.app.transaction() as conn:
        await calendar_disconnections.disconnect(conn, stage.founded.company_id, [calendar.connection_id], stage.now)

    assert await _let_go(calendar, reading) == "gone"

    assert await calendar.busy() == []


async def test_a_live_look_stores_what_it_sees(calendar: HostCalendar) -> None:
    await calendar.read()
    calendar.remote.add(*half_hour(TUESDAY))
    calendar.stage.now = NOW.add(minutes=3)

    await calendar.refresh()

    found = await calendar.connection()
    assert (await calendar.busy(), found.synced_at) == ([half_hour(TUESDAY)], NOW.add(minutes=3))


async def test_a_live_look_leaves_moves_of_our_events_to_a_job(calendar: HostCalendar) -> None:
    booked = await calendar.stage.book()
    await calendar.stage.work()
    await calendar.read()
    calendar.remote.move(calendar.one(), *half_hour(LATER))

    await calendar.refresh()
    first = await calendar.appointment(booked.appointment_id)
    due = (await calendar.connection()).due_at
    await calendar.read(seconds=20)

    assert (first, due) == ((TUESDAY, False), NOW.add(seconds=20))
    assert await calendar.appointment(booked.appointment_id) == (LATER, False)


async def test_a_live_look_that_fails_raises_nothing_and_changes_nothing(calendar: HostCalendar) -> None:
    """K17"""
    calendar.remote.add(*half_hour(TUESDAY))
    await calendar.read()
    before = await calendar.connection()
    calendar.remote.failure = Upstream("down")

    await calendar.refresh()

    assert (await calendar.connection(), await calendar.busy()) == (before, [half_hour(TUESDAY)])


async def test_a_live_look_that_is_refused_has_a_job_tell_the_owner(calendar: HostCalendar) -> None:
    calendar.remote.failure = CredentialRefused("no")

    await calendar.refresh()
    first = (await calendar.connection()).status
    await calendar.stage.work()

    assert (first, (await calendar.connection()).status) == ("connected", "refused")


async def test_of_many_who_look_at_once_one_asks(calendar: HostCalendar) -> None:
    await calendar.read()
    calendar.remote.add(*half_hour(TUESDAY))
    calendar.remote.asked.clear()

    await asyncio.gather(*(calendar.refresh() for _ in range(8)))

    assert calendar.remote.asked == ["changes"]
    assert await calendar.busy() == [half_hour(TUESDAY)]


async def test_who_wants_to_be_left_alone_is_not_looked_at_live(calendar: HostCalendar) -> None:
    calendar.remote.failure = Upstream("slow down", retry_after_s=600)
    await calendar.read()
    calendar.remote.asked.clear()

    for minutes in (5, 10):
        calendar.stage.now = calendar.stage.now.add(minutes=minutes)
        await calendar.refresh()

    assert calendar.remote.asked == ["changes"]


async def test_a_live_look_waits_no_longer_than_it_may(calendar: HostCalendar) -> None:
    await calendar.read()
    calendar.remote.__class__ = _Held
    assert isinstance(calendar.remote, _Held)
    calendar.remote.arrived, calendar.remote.go_on = asyncio.Event(), asyncio.Event()
    began = asyncio.get_running_loop().time()

    await calendar.refresh(within_s=0.2)

    assert asyncio.get_running_loop().time() - began < 10
    assert (await calendar.connection()).synced_at == NOW


async def test_a_reading_that_is_overtaken_again_and_again_ends_in_time(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kalends.services.calendar_sync.LONGEST_S", 0.5)
    monkeypatch.setattr("kalends.services.calendar_sync.ROUNDS", 100)
    monkeypatch.setattr("kalends.services.calendar_walks.calendar_readings.take", _never)
    calendar.remote.add(*half_hour(TUESDAY))
    began = asyncio.get_running_loop().time()

    outcome = await calendar.read()

    assert outcome == "put-off"
    assert asyncio.get_running_loop().time() - began < 8  # all rounds take ten seconds


async def _never(*_: object, **__: object) -> bool:
    await asyncio.sleep(0.1)
    return False


async def test_a_calendar_with_too_much_in_it_counts_as_unread(
    calendar: HostCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kalends.domain.sync.MOST_EVENTS", 2)
    for hour in range(3):
        calendar.remote.add(*half_hour(TUESDAY.add(hours=hour)))

    assert await calendar.read(minutes=1) == "put-off"

    found = await calendar.connection()
    assert (found.error, found.synced_at) == ("calendar-too-large", NOW)


async def test_a_calendar_tells_how_many_of_its_events_could_not_be_read(calendar: HostCalendar) -> None:
    event = calendar.remote.add(*half_hour(TUESDAY))
    event = calendar.remote.move(replace(event, unreadable="rrule"), event.start, event.end)
    await calendar.read()
    broken = await calendar.unreadable()
    calendar.remote.move(replace(event, unreadable=None), event.start, event.end)
    await calendar.read()

    assert (broken, await calendar.unreadable()) == ([1, 0], [0, 0])


async def test_nothing_is_read_of_what_there_is_not(calendar: HostCalendar) -> None:
    assert await replace(calendar, connection_id=uuid4()).read() == "gone"
