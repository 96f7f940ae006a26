"""Our entries in calendars of Microsoft's: written once, met at Teams, nobody mailed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from whenever import Instant

from kalends.domain.remote_events import Occurrence
from kalends.errors import Upstream
from kalends.integrations.microsoft import identity
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_mailbox import JOIN, Event
from tests.integrations.conformance import ELEVEN, NINE, TEN, TWELVE, WINDOW, Bench, entry, read
from tests.integrations.microsoft_bench import bench_of, mailbox_of


@pytest.fixture
def bench(graph: FakeGraph) -> Bench:
    return bench_of(graph)


async def test_an_entry_says_what_it_is_and_mails_nobody(graph: FakeGraph, bench: Bench) -> None:
    ours = entry(description="Guest: <Jo> & Al\nBring the plan", location="Room 5")
    async with bench.opened() as (account, calendar):
        await account.put(calendar, ours, None)

    mailbox = mailbox_of(graph)
    (event,) = mailbox.events.values()
    shown = event.shown()
    assert (shown["subject"], shown["location"]) == (ours.summary, {"displayName": "Room 5"})
    assert shown["body"]["content"] == "Guest: &lt;Jo&gt; &amp; Al<br>\nBring the plan<br>\n"
    assert (shown["showAs"], shown["isOnlineMeeting"], shown["attendees"], mailbox.mailed) == ("busy", False, [], [])


async def test_a_meeting_at_teams_is_made_and_outlives_changes_of_the_text(graph: FakeGraph, bench: Bench) -> None:
    ours = entry(meeting=True, description="First")
    async with bench.opened() as (account, calendar):
        written = await account.put(calendar, ours, None)
        later = replace(ours, sequence=1, start=ELEVEN, end=TWELVE, description=f"Second\n{'_' * 90}\nThird")
        after = await account.put(calendar, later, written)
        last = await account.put(calendar, replace(later, description="Fourth"), after)
        event = await account.event(calendar, last.remote_id, window=WINDOW, own=bench.own)

    assert event is not None
    assert written.link == after.link == last.link == event.link == f"{JOIN}{written.remote_id}"
    text = next(iter(mailbox_of(graph).events.values())).fields["body"]["content"]
    assert text.startswith("Fourth<br>")
    assert ("First" in text, "Third" in text, text.count("Join:")) == (False, False, 1)


async def test_a_meeting_may_be_asked_for_later(bench: Bench) -> None:
    ours = entry()
    async with bench.opened() as (account, calendar):
        written = await account.put(calendar, ours, None)
        after = await account.put(calendar, replace(ours, meeting=True), written)

    assert (written.link, after.link) == (None, f"{JOIN}{written.remote_id}")


async def test_a_link_that_comes_a_moment_later_is_waited_for(graph: FakeGraph, bench: Bench) -> None:
    mailbox_of(graph).joined_later = True
    async with bench.opened() as (account, calendar):
        written = await account.put(calendar, entry(meeting=True), None)

    assert written.link == f"{JOIN}{written.remote_id}"


async def test_an_account_without_teams_has_the_entry_without_a_link(graph: FakeGraph, bench: Bench) -> None:
    mailbox_of(graph).calendars[0].providers = ()
    async with bench.opened() as (account, calendar):
        written = await account.put(calendar, entry(meeting=True), None)

    assert written.link is None
    assert len(mailbox_of(graph).events) == 1


async def test_an_entry_whose_answer_was_lost_stands_there_once(graph: FakeGraph, bench: Bench) -> None:
    ours = entry()
    async with bench.opened() as (account, calendar):
        graph.lose_answer()
        with pytest.raises(Upstream):
            await account.put(calendar, ours, None)
        written = await account.put(calendar, ours, None)
        count = await bench.other.count(calendar, ours.uid)

    assert (count, list(mailbox_of(graph).events)) == (1, [written.remote_id])


async def test_an_entry_that_cannot_be_searched_for_yet_is_not_made_twice(graph: FakeGraph, bench: Bench) -> None:
    ours = entry()
    async with bench.opened() as (account, calendar):
        first = await account.put(calendar, ours, None)
        (event,) = mailbox_of(graph).events.values()
        event.properties.clear()  # what searching does not find, for a while
        second = await account.put(calendar, replace(ours, summary="Another"), None)

    assert (second.remote_id, event.fields["subject"]) == (first.remote_id, "Another")


async def test_an_entry_its_owner_deleted_can_be_written_again(graph: FakeGraph, bench: Bench) -> None:
    ours = entry()
    async with bench.opened() as (account, calendar):
        first = await account.put(calendar, ours, None)
        await bench.other.remove(calendar, ours.uid)
        second = await account.put(calendar, ours, None)
        reading = await read(account, calendar, bench)

    assert first.remote_id != second.remote_id
    assert reading.times() == {ours.uid: [(NINE, TEN)]}


async def test_an_invitation_exchange_packed_is_found_and_only_moved(graph: FakeGraph, bench: Bench) -> None:
    ours = entry()
    mailed = {"subject": "As mailed", "attendees": [{"emailAddress": {"address": "jo@guest.test"}}]}
    async with bench.opened() as (account, calendar):
        with graph.changing(mailbox_of(graph)) as mailbox:
            event = mailbox.add(Event(calendar.remote_id, ELEVEN, TWELVE, dict(mailed), uid=identity.packed(ours.uid)))
        first = await account.put(calendar, ours, None)
        requests = len(graph.requests)
        second = await account.put(calendar, ours, first)
        reading = await read(account, calendar, bench)

    assert reading.times() == {ours.uid: [(NINE, TEN)]}
    assert (first, event.fields, mailbox.mailed) == (second, mailed, [])
    assert ("PATCH", f"/v1.0/me/events/{event.id}") not in graph.requests[requests:]


async def test_an_entry_a_day_long_is_written_in_utc(graph: FakeGraph, bench: Bench) -> None:
    start = Instant.from_utc(2026, 3, 28, 23)
    async with bench.opened() as (account, calendar):
        await account.put(calendar, entry(start=start, end=start.add(hours=23)), None)
        reading = await read(account, calendar, bench)

    (found,) = reading.events
    assert [(one.start, one.end) for one in found.occurrences] == [(start, start.add(hours=23))]
    (event,) = mailbox_of(graph).events.values()
    assert event.shown()["isAllDay"] is False


async def test_an_entry_its_host_made_recur_takes_place_once_again_when_it_is_written_over(
    graph: FakeGraph, bench: Bench
) -> None:
    ours = entry()
    async with bench.opened() as (account, calendar):
        written = await account.put(calendar, ours, None)
        with graph.changing(mailbox_of(graph)) as mailbox:
            (kept,) = mailbox.events.values()
            kept.recurs = 2
            mailbox.touched(kept)
        before = await account.event(calendar, written.remote_id, window=WINDOW, own=bench.own)
        again = await account.put(calendar, ours, replace(written, etag=None))
        event = await account.event(calendar, again.remote_id, window=WINDOW, own=bench.own)

    assert before
    assert event
    assert (len(before.occurrences), event.occurrences) == (2, (Occurrence(NINE, TEN),))
