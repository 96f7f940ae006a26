"""When all of a host's calendar is read anew, and how far it is read; calendars in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kalends.ports import CalendarKind
from kalends.services import calendar_visits, calendar_walks, users
from tests import factories
from tests.fakes.memory_calendar import PERSONAL, WORK
from tests.jobs.host_calendar import HostCalendar, half_hour, of_owner
from tests.jobs.stage import NOW, TUESDAY, Stage

LATER = TUESDAY.add(hours=2)


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
