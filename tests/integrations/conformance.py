"""What every CalendarProvider has to do, run against each: real servers for CalDAV, fakes for Google and Microsoft.

A provider takes part with a class of its own in its test file and a fixture `bench`:

    class TestGoogle(CalendarConformance):
        @pytest.fixture
        async def bench(self, ...) -> AsyncIterator[Bench]:
            yield Bench(provider=..., credential=..., calendar="Work", other=GoogleOther(fake), ...)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.domain.remote_events import (
    Entry,
    Guest,
    Occurrence,
    Page,
    RemoteCalendar,
    RemoteEvent,
    Window,
)
from kalends.errors import Upstream
from kalends.ports import (
    CalendarAccount,
    CalendarProvider,
    Credential,
    CredentialRefused,
    EntryChanged,
    SyncTokenDead,
)

OWNER = "host@acme.test"
WINDOW = Window(Instant.from_utc(2026, 3, 1), Instant.from_utc(2026, 6, 1))
NINE = Instant.from_utc(2026, 3, 9, 9)
TEN = NINE.add(hours=1)
ELEVEN = NINE.add(hours=2)
TWELVE = NINE.add(hours=3)


class Other:
    """Another client of the same account: the owner with his telephone. Every provider under test brings one."""

    async def make_event(
        self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant, *, transparent: bool = False
    ) -> None:
        """Make an event."""
        raise NotImplementedError

    async def make_weekly(
        self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant, *, count: int
    ) -> None:
        """Make an event that takes place every seven days."""
        raise NotImplementedError

    async def move(self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant) -> None:
        """Give an event another time."""
        raise NotImplementedError

    async def remove(self, calendar: RemoteCalendar, uid: str) -> None:
        """Delete an event."""
        raise NotImplementedError

    async def count(self, calendar: RemoteCalendar, uid: str) -> int:
        """Count the events with a UID that stand in the calendar."""
        raise NotImplementedError

    async def dead_token(self, calendar: RemoteCalendar, token: str) -> str:
        """Make the server forget a token, or answer one it never knew."""
        raise NotImplementedError

    async def make_many(self, calendar: RemoteCalendar, uids: list[str], start: Instant, end: Instant) -> None:
        """Make an event of each UID, all at one time."""
        for uid in uids:
            await self.make_event(calendar, uid, start, end)


async def _no_keeping(credential: Credential) -> None:
    del credential


@dataclass
class Bench:
    """One account of one provider, its calendar empty.

    Attributes:
        calendar: the name of a calendar that can be written to.
        refused: answers a credential that the server does not take (it may make it so); None: it takes all.
        outage: while open the server does not answer; gives the credential to be used meanwhile.
    """

    provider: CalendarProvider
    credential: Credential
    calendar: str
    other: Other
    outage: Callable[[], AbstractAsyncContextManager[Credential]]
    refused: Callable[[], Awaitable[Credential]] | None = None
    keep: Callable[[Credential], Awaitable[None]] = field(default=_no_keeping)
    own: frozenset[str] = frozenset({OWNER})

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[CalendarAccount, RemoteCalendar]]:
        """Open the account and find its calendar."""
        async with self.provider.open(self.credential, self.keep) as account:
            (calendar,) = [one for one in await account.calendars() if one.name == self.calendar]
            yield account, calendar


@dataclass
class Reading:
    """All that one call of `changes` told."""

    pages: list[Page]

    @property
    def events(self) -> list[RemoteEvent]:
        return [event for page in self.pages for event in page.events]

    @property
    def gone(self) -> set[str]:
        return {name for page in self.pages for name in page.gone}

    @property
    def token(self) -> str:
        assert all(page.token is None for page in self.pages[:-1])
        token = self.pages[-1].token
        assert token is not None
        return token

    @property
    def complete(self) -> bool:
        (complete,) = {page.complete for page in self.pages}
        return complete

    def times(self) -> dict[str, list[tuple[Instant, Instant]]]:
        """Answer when each UID takes place, without those that do not."""
        times: dict[str, list[tuple[Instant, Instant]]] = {}
        for event in self.events:
            for each in event.occurrences:
                times.setdefault(event.uid or "", []).append((each.start, each.end))
        return {uid: sorted(spans) for uid, spans in times.items()}

    def name_of(self, uid: str) -> str:
        (name,) = {event.remote_id for event in self.events if event.uid == uid}
        return name


async def read(account: CalendarAccount, calendar: RemoteCalendar, bench: Bench, token: str | None = None) -> Reading:
    """Read a calendar to the end."""
    pages = [page async for page in account.changes(calendar, token=token, window=WINDOW, own=bench.own)]
    assert pages
    return Reading(pages)


def entry(uid: str = "", **changed: Any) -> Entry:
    """Make an entry from nine to ten; `changed` as its attributes."""
    made = Entry(
        uid=uid or f"{uuid4()}@kalends",
        sequence=0,
        stamp=Instant.from_utc(2026, 3, 1, 8),
        start=NINE,
        end=TEN,
        zone="Europe/Berlin",
        summary="Intro call, Jo; Söder\\Co",
        description="First line\nSecond, with \\ and ; and 😀",
        location="https://meet.acme.test/x?a=1,2",
        organizer=Guest("Ada Host", OWNER),
        guests=(Guest("Jo Guest", "jo@guest.test"),),
        appointment_id=UUID(int=7),
    )
    return replace(made, **changed)


class CalendarConformance:
    """The suite; `bench` is the fixture each provider brings."""

    async def test_it_lists_its_calendars(self, bench: Bench) -> None:
        async with bench.opened() as (_, calendar):
            assert calendar.writable

    async def test_an_empty_calendar_is_read_to_the_end(self, bench: Bench) -> None:
        async with bench.opened() as (account, calendar):
            reading = await read(account, calendar, bench)

        assert (reading.times(), reading.gone, reading.complete) == ({}, set(), True)
        assert reading.token

    async def test_what_stands_there_is_read(self, bench: Bench) -> None:
        async with bench.opened() as (account, calendar):
            await bench.other.make_event(calendar, "a@else", NINE, TEN)
            await bench.other.make_event(calendar, "b@else", ELEVEN, TWELVE, transparent=True)
            await bench.other.make_event(calendar, "long ago@else", NINE.subtract(hours=8000), TEN.subtract(hours=8000))
            reading = await read(account, calendar, bench)

        found = {event.uid: event.occurrences for event in reading.events if event.occurrences}
        assert found == {"a@else": (Occurrence(NINE, TEN),), "b@else": (Occurrence(ELEVEN, TWELVE, transparent=True),)}
        assert reading.complete

    async def test_what_recurs_is_read_with_every_time_in_the_window(self, bench: Bench) -> None:
        async with bench.opened() as (account, calendar):
            await bench.other.make_weekly(calendar, "weekly@else", NINE, TEN, count=10)
            reading = await read(account, calendar, bench)

        weeks = [(NINE.add(hours=168 * n), TEN.add(hours=168 * n)) for n in range(10)]
        assert reading.times() == {"weekly@else": weeks}

    async def test_only_what_changed_is_told_next(self, bench: Bench) -> None:
        async with bench.opened() as (account, calendar):
            await bench.other.make_event(calendar, "stays@else", NINE, TEN)
            await bench.other.make_event(calendar, "moves@else", NINE, TEN)
            first = await read(account, calendar, bench)
            await bench.other.move(calendar, "moves@else", ELEVEN, TWELVE)
            await bench.other.make_event(calendar, "new@else", TEN, ELEVEN)
            second = await read(account, calendar, bench, first.token)
            third = await read(account, calendar, bench, second.token)

        assert second.times() == {"moves@else": [(ELEVEN, TWELVE)], "new@else": [(TEN, ELEVEN)]}
        assert second.name_of("moves@else") == first.name_of("moves@else")
        assert (second.gone, second.complete) == (set(), False)
        assert (third.events, third.gone, third.complete) == ([], set(), False)

    async def test_what_was_deleted_is_told_next(self, bench: Bench) -> None:
        async with bench.opened() as (account, calendar):
            await bench.other.make_event(calendar, "stays@else", NINE, TEN)
            await bench.other.make_event(calendar, "goes@else", NINE, TEN)
            first = await read(account, calendar, bench)
            await bench.other.remove(calendar, "goes@else")
            second = await read(account, calendar, bench, first.token)

        assert (second.times(), second.gone) == ({}, {first.name_of("goes@else")})

    async def test_a_token_the_server_forgot_is_told_before_the_first_page(self, bench: Bench) -> None:
        async with bench.opened() as (account, calendar):
            token = (await read(account, calendar, bench)).token
            dead = await bench.other.dead_token(calendar, token)

            with pytest.raises(SyncTokenDead):
                await anext(aiter(account.changes(calendar, token=dead, window=WINDOW, own=bench.own)))

    async def test_more_than_one_page_is_read_to_the_end(self, bench: Bench) -> None:
        uids = [f"{number}@else" for number in range(260)]
        async with bench.opened() as (account, calendar):
            await bench.other.make_many(calendar, uids, NINE, TEN)
            reading = await read(account, calendar, bench)

        assert reading.times() == {uid: [(NINE, TEN)] for uid in uids}
        assert len(reading.pages) > 1
        assert all(len(page.events) <= 500 for page in reading.pages)

    async def test_an_entry_is_written_and_read_back(self, bench: Bench) -> None:
        ours = entry()
        async with bench.opened() as (account, calendar):
            token = (await read(account, calendar, bench)).token
            written = await account.put(calendar, ours, None)
            reading = await read(account, calendar, bench, token)

        (event,) = reading.events
        assert (event.uid, event.remote_id, event.etag) == (ours.uid, written.remote_id, written.etag)
        assert [(one.start, one.end, one.transparent) for one in event.occurrences] == [(NINE, TEN, False)]

    async def test_an_entry_written_twice_stands_there_once(self, bench: Bench) -> None:
        ours = entry()
        async with bench.opened() as (account, calendar):
            first = await account.put(calendar, ours, None)
            second = await account.put(calendar, ours, None)
            third = await account.put(calendar, ours, second)
            count = await bench.other.count(calendar, ours.uid)

        assert (count, first.remote_id) == (1, second.remote_id)
        assert third.remote_id == first.remote_id

    async def test_an_entry_takes_the_place_of_what_the_mailbox_made_of_the_invitation(self, bench: Bench) -> None:
        ours = entry()
        async with bench.opened() as (account, calendar):
            await bench.other.make_event(calendar, ours.uid, ELEVEN, TWELVE)
            await account.put(calendar, ours, None)
            count = await bench.other.count(calendar, ours.uid)
            reading = await read(account, calendar, bench)

        assert (count, reading.times()) == (1, {ours.uid: [(NINE, TEN)]})

    async def test_an_entry_follows_its_appointment(self, bench: Bench) -> None:
        ours = entry()
        async with bench.opened() as (account, calendar):
            written = await account.put(calendar, ours, None)
            moved = replace(ours, sequence=1, start=ELEVEN, end=TWELVE)
            after = await account.put(calendar, moved, written)
            event = await account.event(calendar, after.remote_id, window=WINDOW, own=bench.own)

        assert event is not None
        assert (event.uid, event.etag) == (ours.uid, after.etag)
        assert [(one.start, one.end) for one in event.occurrences] == [(ELEVEN, TWELVE)]

    async def test_an_entry_is_deleted_and_may_be_deleted_again(self, bench: Bench) -> None:
        async with bench.opened() as (account, calendar):
            written = await account.put(calendar, entry(), None)
            await account.delete(calendar, written)
            await account.delete(calendar, written)
            event = await account.event(calendar, written.remote_id, window=WINDOW, own=bench.own)
            reading = await read(account, calendar, bench)

        assert (event, reading.times()) == (None, {})

    async def test_what_was_changed_meanwhile_is_neither_overwritten_nor_deleted(self, bench: Bench) -> None:
        ours = entry()
        async with bench.opened() as (account, calendar):
            written = await account.put(calendar, ours, None)
            await bench.other.move(calendar, ours.uid, ELEVEN, TWELVE)
            with pytest.raises(EntryChanged):
                await account.put(calendar, replace(ours, sequence=1, summary="Later"), written)
            with pytest.raises(EntryChanged):
                await account.delete(calendar, written)
            event = await account.event(calendar, written.remote_id, window=WINDOW, own=bench.own)

        assert event is not None
        assert [(one.start, one.end) for one in event.occurrences] == [(ELEVEN, TWELVE)]

    async def test_what_was_deleted_meanwhile_is_not_brought_back_unseen(self, bench: Bench) -> None:
        ours = entry()
        async with bench.opened() as (account, calendar):
            written = await account.put(calendar, ours, None)
            await bench.other.remove(calendar, ours.uid)
            with pytest.raises(EntryChanged):
                await account.put(calendar, replace(ours, sequence=1, summary="Later"), written)
            gone = await bench.other.count(calendar, ours.uid)
            await account.put(calendar, replace(ours, sequence=1, summary="Later"), None)
            back = await bench.other.count(calendar, ours.uid)

        assert (gone, back) == (0, 1)

    async def test_an_event_is_missing_only_once_it_is_deleted(self, bench: Bench) -> None:
        async with bench.opened() as (account, calendar):
            await bench.other.make_event(calendar, "a@else", NINE, TEN)
            name = (await read(account, calendar, bench)).name_of("a@else")
            before = await account.event(calendar, name, window=WINDOW, own=bench.own)
            await bench.other.remove(calendar, "a@else")
            after = await account.event(calendar, name, window=WINDOW, own=bench.own)

        assert before is not None
        assert (before.uid, before.remote_id, after) == ("a@else", name, None)

    async def test_a_refused_credential_is_told_from_all_else(self, bench: Bench) -> None:
        if bench.refused is None:
            pytest.skip("this server lets everybody in")
        async with bench.opened() as (_, calendar):
            pass
        refused = await bench.refused()

        with pytest.raises(CredentialRefused):
            async with bench.provider.open(refused, bench.keep) as account:
                await read(account, calendar, bench)
        with pytest.raises(CredentialRefused):
            async with bench.provider.open(refused, bench.keep) as account:
                await account.calendars()

    async def test_an_outage_is_neither_an_empty_calendar_nor_a_missing_event(self, bench: Bench) -> None:
        ours = entry()
        async with bench.opened() as (account, calendar):
            written = await account.put(calendar, ours, None)
        said = []

        async with bench.outage() as credential:
            for ask in (
                lambda account: account.calendars(),
                lambda account: read(account, calendar, bench),
                lambda account: account.event(calendar, written.remote_id, window=WINDOW, own=bench.own),
                lambda account: account.put(calendar, ours, written),
                lambda account: account.delete(calendar, written),
            ):
                with pytest.raises(Upstream) as caught:
                    async with bench.provider.open(credential, bench.keep) as account:
                        await ask(account)
                said.append(isinstance(caught.value, CredentialRefused))

        assert said == [False] * 5
