"""What stands in calendars of Microsoft's: times, answers, series."""

from __future__ import annotations

from typing import Any

import pytest
from whenever import Instant

from kalends.domain.remote_events import Occurrence, RemoteEvent
from kalends.errors import Upstream
from kalends.integrations.microsoft import account, identity, reading
from kalends.integrations.microsoft.events import remote_event
from kalends.ports import CalendarTooLarge
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_mailbox import Calendar, Event
from tests.integrations.conformance import ELEVEN, NINE, OWNER, TEN, TWELVE, WINDOW, Bench, read
from tests.integrations.microsoft_bench import bench_of, mailbox_of

UID = "6f1c1a52-5d0f-4f57-9d0a-3c6f0b8d2e41@kalends"
WEEK = 168


@pytest.fixture
def bench(graph: FakeGraph) -> Bench:
    return bench_of(graph)


def at(wall: str, zone: str = "UTC") -> dict[str, str]:
    return {"dateTime": f"{wall}.0000000", "timeZone": zone}


def event(**changed: Any) -> RemoteEvent:
    """Read an event from nine to ten with some fields changed."""
    found = {"id": "AAMk1", "start": at("2026-03-09T09:00:00"), "end": at("2026-03-09T10:00:00"), "showAs": "busy"}
    return remote_event({**found, **changed}, zone="Europe/Berlin", window=WINDOW, own={OWNER})


@pytest.mark.parametrize(
    ("fields", "occurrence"),
    [
        ({}, Occurrence(NINE, TEN)),
        ({"showAs": "oof"}, Occurrence(NINE, TEN)),
        ({"showAs": "tentative"}, Occurrence(NINE, TEN)),
        ({"showAs": "unknown"}, Occurrence(NINE, TEN)),
        ({"showAs": "free"}, Occurrence(NINE, TEN, transparent=True)),
        ({"showAs": "workingElsewhere"}, Occurrence(NINE, TEN, transparent=True)),
        ({"responseStatus": {"response": "organizer"}}, Occurrence(NINE, TEN)),
        ({"responseStatus": {"response": "none"}}, Occurrence(NINE, TEN)),
        ({"responseStatus": {"response": "accepted"}}, Occurrence(NINE, TEN, answer="accepted")),
        ({"responseStatus": {"response": "declined"}}, Occurrence(NINE, TEN, answer="declined")),
        ({"responseStatus": {"response": "tentativelyAccepted"}}, Occurrence(NINE, TEN, answer="tentative")),
        ({"responseStatus": {"response": "notResponded"}}, Occurrence(NINE, TEN, answer="needs-action")),
    ],
)
def test_whether_an_event_takes_time_and_what_was_said_to_it(fields: dict[str, Any], occurrence: Occurrence) -> None:
    assert event(**fields).occurrences == (occurrence,)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        # Days of the calendar, the day of the clock change with 23 hours, whatever zone was asked for.
        (at("2026-03-29T00:00:00"), at("2026-03-30T00:00:00"), "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        (
            at("2026-04-01T00:00:00", "Tokyo Standard Time"),
            at("2026-04-03T00:00:00"),
            "2026-03-31T22Z",
            "2026-04-02T22Z",
        ),
        # No midnights: then it is no date.
        (at("2026-04-01T22:00:00"), at("2026-04-02T22:00:00"), "2026-04-01T22Z", "2026-04-02T22Z"),
    ],
)
def test_an_all_day_event_is_days_of_the_calendar(
    start: dict[str, str], end: dict[str, str], first: str, last: str
) -> None:
    (found,) = event(start=start, end=end, isAllDay=True).occurrences

    assert (found.start, found.end) == (Instant.parse_iso(first), Instant.parse_iso(last))


@pytest.mark.parametrize(
    ("zone", "hour"), [("W. Europe Standard Time", 8), ("Pacific Standard Time", 16), ("Asia/Tokyo", 0), ("UTC", 9)]
)
def test_a_time_in_a_zone_of_windows_is_that_instant(zone: str, hour: int) -> None:
    (found,) = event(start=at("2026-03-09T09:00:00", zone), end=at("2026-03-09T09:30:00", zone)).occurrences

    assert (found.start, found.end) == (
        Instant.from_utc(2026, 3, 9, hour),
        Instant.from_utc(2026, 3, 9, hour, 30),
    )


def test_what_is_cancelled_takes_place_at_no_time() -> None:
    assert event(isCancelled=True).occurrences == ()


def test_others_answers_and_where_to_join_are_read() -> None:
    attendees = [
        {"emailAddress": {"address": "Jo@Guest.test"}, "status": {"response": "declined"}},
        {"emailAddress": {"address": OWNER.upper()}, "status": {"response": "accepted"}},
        {"emailAddress": {"address": "al@guest.test"}, "status": {"response": "none"}},
        {"emailAddress": {}},
    ]

    found = event(attendees=attendees, onlineMeeting={"joinUrl": "https://teams.test/1"})

    assert found.guests == (("jo@guest.test", "declined"), ("al@guest.test", "needs-action"))
    assert found.link == "https://teams.test/1"


@pytest.mark.parametrize(
    ("fields", "uid"),
    [
        ({"iCalUId": "a@else"}, "a@else"),
        ({"iCalUId": UID}, UID),
        ({"iCalUId": identity.packed(UID)}, UID),
        (
            {"iCalUId": "040000008200E00074C5B7101A82E00800000000B7CA7D51"},
            "040000008200E00074C5B7101A82E00800000000B7CA7D51",
        ),
        ({"iCalUId": "0400", "transactionId": f"{UID}#2026-03-01T08:00:00Z"}, UID),
        ({"iCalUId": "0400", "transactionId": "c7555340-474b-cf1f-5bd8-d9e197da220e"}, "0400"),
        ({"iCalUId": "0400", "singleValueExtendedProperties": [{"id": identity.PROPERTY, "value": UID}]}, UID),
        ({"iCalUId": "0400", "singleValueExtendedProperties": [{"id": "String {x} Name y", "value": UID}]}, "0400"),
        ({}, None),
    ],
)
def test_an_events_uid_is_ours_where_we_wrote_it_or_mailed_it(fields: dict[str, Any], uid: str | None) -> None:
    assert event(**fields).uid == uid


def test_a_uid_is_packed_as_exchange_packs_it() -> None:
    assert identity.packed("foobar123@abc.com") == (
        "040000008200E00074C5B7101A82E0080000000000000000000000000000000000000000"
        "1E0000007643616C2D55696401000000666F6F626172313233406162632E636F6D00"
    )


@pytest.mark.parametrize("fields", [{"start": None}, {"start": at("soon")}, {"end": at("2026-03-09T10:00:00", "Mars")}])
def test_what_cannot_be_read_is_no_event(fields: dict[str, Any]) -> None:
    with pytest.raises(Upstream):
        event(**fields)


# Series.


async def test_an_instance_that_was_deleted_no_more_takes_place(graph: FakeGraph, bench: Bench) -> None:
    async with bench.opened() as (opened, calendar):
        await bench.other.make_event(calendar, "alone@else", NINE, TEN)
        await bench.other.make_weekly(calendar, "weekly@else", NINE, TEN, count=3)
        first = await read(opened, calendar, bench)
        name = first.name_of("weekly@else")
        with graph.changing(mailbox_of(graph)) as mailbox:
            mailbox.remove(f"{name}.1")
        second = await read(opened, calendar, bench, first.token)

    assert second.times() == {"weekly@else": [(NINE, TEN), (NINE.add(hours=2 * WEEK), TEN.add(hours=2 * WEEK))]}
    assert (second.name_of("weekly@else"), second.gone, second.complete) == (name, set(), False)


async def test_an_instance_that_was_moved_or_freed_is_read_as_it_is(graph: FakeGraph, bench: Bench) -> None:
    async with bench.opened() as (opened, calendar):
        await bench.other.make_weekly(calendar, "weekly@else", NINE, TEN, count=3)
        first = await read(opened, calendar, bench)
        name = first.name_of("weekly@else")
        with graph.changing(mailbox_of(graph)) as mailbox:
            mailbox.change(f"{name}.0", {"start": at("2026-03-09T11:00:00"), "end": at("2026-03-09T12:00:00")}, None)
            mailbox.change(f"{name}.2", {"showAs": "free"}, None)
        second = await read(opened, calendar, bench, first.token)

    (found,) = second.events
    assert [(one.start, one.end, one.transparent) for one in found.occurrences] == [
        (ELEVEN, TWELVE, False),
        (NINE.add(hours=WEEK), TEN.add(hours=WEEK), False),
        (NINE.add(hours=2 * WEEK), TEN.add(hours=2 * WEEK), True),
    ]


async def test_a_series_that_is_free_takes_no_time_at_any_of_its_times(graph: FakeGraph, bench: Bench) -> None:
    async with bench.opened() as (opened, calendar):
        token = (await read(opened, calendar, bench)).token
        with graph.changing(mailbox_of(graph)) as mailbox:
            mailbox.add(Event(calendar.remote_id, NINE, TEN, {"showAs": "free"}, recurs=2))
        for known in (None, token):
            (found,) = (await read(opened, calendar, bench, known)).events
            assert [one.transparent for one in found.occurrences] == [True, True]


async def test_a_series_that_was_deleted_is_gone(graph: FakeGraph, bench: Bench) -> None:
    async with bench.opened() as (opened, calendar):
        await bench.other.make_weekly(calendar, "weekly@else", NINE, TEN, count=3)
        first = await read(opened, calendar, bench)
        name = first.name_of("weekly@else")
        before = await opened.event(calendar, name, window=WINDOW, own=bench.own)
        await bench.other.remove(calendar, "weekly@else")
        second = await read(opened, calendar, bench, first.token)
        after = await opened.event(calendar, name, window=WINDOW, own=bench.own)

    assert before is not None
    assert (len(before.occurrences), after) == (3, None)
    assert (second.events, second.gone) == ([], {name})


async def test_a_series_deleted_while_it_is_read_is_gone(
    graph: FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = reading.changed

    async def changed(*given: Any) -> reading.Changed:
        report = await asked(*given)
        with graph.changing(mailbox_of(graph)) as mailbox:
            mailbox.remove(report.series[0])
        return report

    async with bench.opened() as (opened, calendar):
        token = (await read(opened, calendar, bench)).token
        await bench.other.make_weekly(calendar, "weekly@else", NINE, TEN, count=3)
        (name,) = mailbox_of(graph).events
        monkeypatch.setattr(reading, "changed", changed)
        found = await read(opened, calendar, bench, token)

    assert (found.events, found.gone) == ([], {name})


@pytest.mark.parametrize("going_on", [False, True])
async def test_a_calendar_with_too_much_in_it_is_not_read_in_part(
    graph: FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch, going_on: bool
) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 3)
    async with bench.opened() as (opened, calendar):
        token = (await read(opened, calendar, bench)).token if going_on else None
        await bench.other.make_weekly(calendar, "weekly@else", NINE, TEN, count=4)
        with pytest.raises(CalendarTooLarge):
            await read(opened, calendar, bench, token)


async def test_an_entry_its_owner_made_recur_is_still_that_entry(graph: FakeGraph, bench: Bench) -> None:
    async with bench.opened() as (opened, calendar):
        await bench.other.make_event(calendar, UID, NINE, TEN)
        first = await read(opened, calendar, bench)
        with graph.changing(mailbox_of(graph)) as mailbox:
            (kept,) = mailbox.events.values()
            kept.recurs = 2
            mailbox.touched(kept)
        second = await read(opened, calendar, bench, first.token)

    assert second.name_of(UID) == first.name_of(UID)
    assert second.times() == {UID: [(NINE, TEN), (NINE.add(hours=WEEK), TEN.add(hours=WEEK))]}


async def test_many_series_at_once_are_read_by_listing_the_calendar(graph: FakeGraph, bench: Bench) -> None:
    several = account.MOST_SERIES_ASKED + 1
    async with bench.opened() as (opened, calendar):
        await bench.other.make_event(calendar, "alone@else", NINE, TEN)
        token = (await read(opened, calendar, bench)).token
        for number in range(several):
            await bench.other.make_weekly(calendar, f"{number}@else", NINE, TEN, count=2)
        graph.requests.clear()
        found = await read(opened, calendar, bench, token)

    weeks = [(NINE, TEN), (NINE.add(hours=WEEK), TEN.add(hours=WEEK))]
    assert found.times() == {f"{number}@else": weeks for number in range(several)}
    assert len(graph.requests) == 2


# What is removed.


async def test_an_event_outside_the_window_is_called_gone_and_is_not(graph: FakeGraph, bench: Bench) -> None:
    long_after = WINDOW.end.add(hours=24)
    async with bench.opened() as (opened, calendar):
        await bench.other.make_event(calendar, "a@else", NINE, TEN)
        first = await read(opened, calendar, bench)
        name = first.name_of("a@else")
        await bench.other.move(calendar, "a@else", long_after, long_after.add(hours=1))
        second = await read(opened, calendar, bench, first.token)
        still = await opened.event(calendar, name, window=WINDOW, own=bench.own)

    assert (second.events, second.gone) == ([], {name})
    assert still is not None
    assert (still.uid, still.occurrences) == ("a@else", ())


async def test_an_event_dragged_into_another_calendar_has_left_this_one(graph: FakeGraph, bench: Bench) -> None:
    mailbox = mailbox_of(graph)
    mailbox.calendars.append(Calendar("Second"))
    async with bench.opened() as (opened, calendar):
        (second,) = [one for one in await opened.calendars() if one.name == "Second"]
        await bench.other.make_event(calendar, UID, NINE, TEN)
        here, there = await read(opened, calendar, bench), await read(opened, second, bench)
        name = here.name_of(UID)
        with graph.changing(mailbox):
            mailbox.transfer(name, mailbox.calendars[1])
        left, came = await read(opened, calendar, bench, here.token), await read(opened, second, bench, there.token)
        gone = await opened.event(calendar, name, window=WINDOW, own=bench.own)

    assert (left.gone, came.times(), gone) == ({name}, {UID: [(NINE, TEN)]}, None)
