"""What one reading of a calendar finds, told while it still goes on: all of it is, and not in a mail for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

import pytest

from kalends.domain.remote_events import Page, RemoteCalendar, Window
from tests.conftest import Outbox
from tests.fakes.memory_calendar import MemoryCalendar
from tests.jobs.host_calendar import HostCalendar, half_hour, of_owner
from tests.jobs.stage import TUESDAY, Stage
from tests.mail.snapshots import part

STARTS = [TUESDAY.add(hours=hours) for hours in range(4)]


@pytest.fixture
async def calendar(stage: Stage) -> HostCalendar:
    return await of_owner(stage)


async def test_all_that_a_reading_finds_is_told_though_jobs_are_done_between_its_pages(
    calendar: HostCalendar, outbox: Outbox
) -> None:
    stage = calendar.stage
    for start in STARTS:
        await stage.book(start)
        calendar.remote.add(*half_hour(start.add(minutes=15)))
    await stage.work()
    outbox.mails.clear()

    class WithPauses(MemoryCalendar):
        async def changes(
            self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
        ) -> AsyncIterator[Page]:
            async for page in super().changes(calendar, token=token, window=window, own=own):
                yield page
                await stage.work()

    calendar.remote.__class__ = WithPauses
    await calendar.read(minutes=1)
    at_once = _told(outbox)
    await stage.later(seconds=30)
    await stage.later(minutes=5)

    assert await calendar.reasons() == ["overlap"] * 4
    assert at_once == [[0]]
    assert _told(outbox) == [[0], [1, 2, 3]]


def _told(outbox: Outbox) -> list[list[int]]:
    """List, for each mail about overlaps, which of the four it tells of."""
    mails = [part(one, "plain") for one in outbox.mails if b"Subject: An event overlaps" in one.content]
    words = ["10:15 AM", "11:15 AM", "12:15 PM", "1:15 PM"]
    return [[number for number, hour in enumerate(words) if f" {hour} " in mail] for mail in mails]
