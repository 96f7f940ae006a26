"""How readings of a host's calendar go: when they are due, what fails, and who is told; calendars in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from kalends.domain.remote_events import Page, RemoteCalendar
from kalends.errors import Upstream
from kalends.ports import CredentialRefused
from kalends.storage import calendar_access, calendar_readings
from tests.conftest import Outbox
from tests.fakes.memory_calendar import PERSONAL, WORK
from tests.jobs.host_calendar import HostCalendar, half_hour
from tests.jobs.stage import NOW, TUESDAY


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
