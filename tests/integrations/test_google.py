"""Reading and writing Google calendars, against a Google on a port of this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from whenever import Instant

from kalends.domain.remote_events import Guest, Occurrence, RemoteCalendar, RemoteEvent, Window
from kalends.errors import Upstream
from kalends.integrations.google import entries, reading
from kalends.ports import (
    CalendarAccount,
    CalendarTooLarge,
    Connected,
    Credential,
    CredentialRefused,
    EntryChanged,
    SyncTokenDead,
)
from tests.fakes.google import FakeAccount, FakeGoogle, GoogleOther
from tests.integrations.conformance import (
    ELEVEN,
    NINE,
    OWNER,
    TEN,
    TWELVE,
    WINDOW,
    Bench,
    CalendarConformance,
    entry,
)

WEEK_H = 168


class TestConformance(CalendarConformance):
    @pytest.fixture
    async def bench(self, google: FakeGoogle) -> Bench:
        host = google.account(OWNER)
        work = host.calendar("Work")
        provider = google.provider(clock=Instant.now)
        connected = await google.connect(provider)

        @asynccontextmanager
        async def outage() -> AsyncIterator[Credential]:
            with google.outage():
                yield connected.credential

        async def refused() -> Credential:
            google.revoke(host)
            return connected.credential

        return Bench(provider, connected.credential, work.summary, GoogleOther(google, host), outage, refused)


@dataclass
class Desk:
    """A host who is connected, his telephone, and his open account."""

    google: FakeGoogle
    host: FakeAccount
    phone: GoogleOther
    connected: Connected
    account: CalendarAccount
    calendar: RemoteCalendar

    async def read(self, token: str | None = None, window: Window = WINDOW) -> tuple[list[RemoteEvent], list[str], str]:
        """Read to the end: events, what is gone, the token."""
        pages = [
            page
            async for page in self.account.changes(self.calendar, token=token, window=window, own=frozenset({OWNER}))
        ]
        events = [event for page in pages for event in page.events]
        return events, [name for page in pages for name in page.gone], pages[-1].token or ""

    async def event(self, remote_id: str) -> RemoteEvent | None:
        return await self.account.event(self.calendar, remote_id, window=WINDOW, own=frozenset({OWNER}))


async def _keep(credential: Credential) -> None:
    del credential


@pytest.fixture
async def desk(google: FakeGoogle) -> AsyncIterator[Desk]:
    host = google.account(OWNER)
    provider = google.provider(clock=Instant.now)
    connected = await google.connect(provider)
    async with provider.open(connected.credential, _keep) as account:
        (calendar,) = await account.calendars()
        yield Desk(google, host, GoogleOther(google, host), connected, account, calendar)


def weeks(count: int, *, hours: int = 0) -> tuple[Occurrence, ...]:
    """Make the occurrences of a weekly hour, `hours` later than nine."""
    return tuple(
        Occurrence(NINE.add(hours=WEEK_H * number + hours), TEN.add(hours=WEEK_H * number + hours))
        for number in range(count)
    )


# --- calendars


async def test_calendars_are_listed_as_the_host_sees_them(desk: Desk) -> None:
    desk.host.calendar("Hidden", hidden=True)
    desk.host.calendar("Deleted", deleted=True)
    team = desk.host.calendar("Team", role="writer", zone="Asia/Tokyo", color="#ff0000")
    boss = desk.host.calendar("Boss", role="freeBusyReader")
    desk.google.page_size = 2

    listed = await desk.account.calendars()

    assert listed == [
        RemoteCalendar(OWNER, OWNER, "Europe/Berlin", "#0088aa", is_default=True, writable=True),
        RemoteCalendar(team.id, "Team", "Asia/Tokyo", "#ff0000", is_default=False, writable=True),
        RemoteCalendar(boss.id, "Boss", "Europe/Berlin", "#0088aa", is_default=False, writable=False),
    ]


async def test_a_calendar_that_is_gone_is_told_so(desk: Desk) -> None:
    await desk.phone.make_event(desk.calendar, "a@else", NINE, TEN)
    events, _, token = await desk.read()
    desk.host.calendars.clear()

    for asked in (lambda: desk.read(), lambda: desk.read(token), lambda: desk.event(events[0].remote_id)):
        with pytest.raises(Upstream, match="is not there any more"):
            await asked()


# --- what an event says


async def test_a_whole_day_is_one_of_the_calendars_zone(desk: Desk) -> None:
    desk.host.primary.add({"iCalUID": "day@else", "start": {"date": "2026-03-29"}, "end": {"date": "2026-03-30"}})

    events, _, _ = await desk.read()

    # The night of the change to summer time: 23 hours.
    whole = Occurrence(Instant.from_utc(2026, 3, 28, 23), Instant.from_utc(2026, 3, 29, 22))
    assert [event.occurrences for event in events] == [(whole,)]


@pytest.mark.parametrize(
    ("kind", "transparent"),
    [
        ({"eventType": "workingLocation"}, True),
        ({"eventType": "birthday"}, True),
        ({"eventType": "outOfOffice"}, False),
        ({"eventType": "focusTime"}, False),
        ({"eventType": "fromGmail"}, False),
        ({"eventType": "fromGmail", "transparency": "transparent"}, True),
        ({"transparency": "opaque"}, False),
        ({"status": "tentative"}, False),
    ],
)
async def test_where_one_is_takes_no_time(desk: Desk, kind: dict[str, Any], transparent: bool) -> None:
    await desk.phone.make_event(desk.calendar, "a@else", NINE, TEN, **kind)

    events, _, _ = await desk.read()

    assert [event.occurrences for event in events] == [(Occurrence(NINE, TEN, transparent),)]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("accepted", "accepted"),
        ("declined", "declined"),
        ("tentative", "tentative"),
        ("needsAction", "needs-action"),
        ("something new", "needs-action"),
    ],
)
async def test_what_the_host_and_his_guests_answered_is_read(desk: Desk, said: str, answer: str) -> None:
    people = [
        {"email": "Jo@Guest.test", "responseStatus": "declined"},
        {"email": OWNER, "responseStatus": said},
        {"email": "room@resource.calendar.google.com", "resource": True, "responseStatus": "accepted"},
    ]
    await desk.phone.make_event(
        desk.calendar, "a@else", NINE, TEN, attendees=people, hangoutLink="https://meet.google.test/abc"
    )

    (event,), _, _ = await desk.read()

    assert event == RemoteEvent(
        event.remote_id,
        "a@else",
        event.etag,
        (Occurrence(NINE, TEN, answer=answer),),
        (("jo@guest.test", "declined"),),
        "https://meet.google.test/abc",
    )


async def test_titles_places_and_descriptions_are_not_asked_for(desk: Desk) -> None:
    await desk.phone.make_event(desk.calendar, "a@else", NINE, TEN, summary="Doctor", location="Clinic")
    _, _, token = await desk.read()
    await desk.read(token)

    listed = [request for request in desk.google.requests if "/events" in request]
    assert len(listed) == 3
    assert all("fields=" in request for request in listed)
    assert [request for request in listed for field in ("summary", "location", "descript") if field in request] == []


# --- reading


async def test_all_pages_are_read(desk: Desk) -> None:
    await desk.phone.make_many(desk.calendar, [f"{number}@else" for number in range(620)], NINE, TEN)

    events, _, token = await desk.read()
    for number in range(0, 620, 2):
        await desk.phone.move(desk.calendar, f"{number}@else", ELEVEN, TWELVE)
    moved, _, _ = await desk.read(token)

    assert {event.uid for event in events} == {f"{number}@else" for number in range(620)}
    assert {event.uid for event in moved} == {f"{number}@else" for number in range(0, 620, 2)}


async def test_what_changes_while_it_is_read_is_told_next(desk: Desk) -> None:
    desk.google.page_size = 2
    await desk.phone.make_many(desk.calendar, [f"{number}@else" for number in range(5)], NINE, TEN)
    token = ""

    async for page in desk.account.changes(desk.calendar, token=None, window=WINDOW, own=()):
        if not token:
            token = "changed"
            await desk.phone.move(desk.calendar, "4@else", ELEVEN, TWELVE)
        token = page.token or token
    events, _, _ = await desk.read(token)

    assert [(event.uid, event.occurrences) for event in events] == [("4@else", (Occurrence(ELEVEN, TWELVE),))]


async def test_a_series_is_one_event_with_what_was_moved_and_without_what_was_cancelled(desk: Desk) -> None:
    made = await desk.phone.make_weekly(desk.calendar, "weekly@else", NINE, TEN, count=4)
    await desk.phone.change_instance(
        desk.calendar,
        "weekly@else",
        1,
        start={"dateTime": NINE.add(hours=WEEK_H + 5).format_iso()},
        end={"dateTime": TEN.add(hours=WEEK_H + 5).format_iso()},
    )
    await desk.phone.change_instance(desk.calendar, "weekly@else", 2, status="cancelled")

    events, _, token = await desk.read()

    times = (weeks(1)[0], weeks(2, hours=5)[1], weeks(4)[3])
    assert [(event.remote_id, event.uid, event.occurrences) for event in events] == [(made["id"], "weekly@else", times)]
    assert await desk.event(made["id"]) == replace(events[0], etag=desk.host.primary.events[made["id"]]["etag"])

    await desk.phone.change_instance(desk.calendar, "weekly@else", 0, status="cancelled")
    events, gone, _ = await desk.read(token)

    assert [(event.remote_id, event.occurrences) for event in events] == [(made["id"], times[1:])]
    assert gone == []


@pytest.mark.parametrize("talkative", [False, True])
async def test_a_series_moved_or_deleted_is_told_as_one(desk: Desk, talkative: bool) -> None:
    desk.host.primary.talkative = talkative
    made = await desk.phone.make_weekly(desk.calendar, "weekly@else", NINE, TEN, count=4)
    await desk.phone.change_instance(desk.calendar, "weekly@else", 2, status="cancelled")
    _, _, token = await desk.read()

    await desk.phone.move(desk.calendar, "weekly@else", ELEVEN, TWELVE)
    moved, gone, token = await desk.read(token)
    await desk.phone.remove(desk.calendar, "weekly@else")
    after = await desk.read(token)

    assert [(event.remote_id, len(event.occurrences)) for event in moved] == [(made["id"], 4)]
    assert moved[0].occurrences[0] == Occurrence(ELEVEN, TWELVE)
    assert gone == []
    assert after[:2] == ([], [made["id"]])


async def test_an_endless_series_is_read_as_far_as_the_window_reaches(desk: Desk) -> None:
    _, _, token = await desk.read()
    made = await desk.phone.make_weekly(desk.calendar, "weekly@else", NINE, TEN, count=None)

    events, _, _ = await desk.read(token)
    anew, _, _ = await desk.read()

    assert [(event.remote_id, event.occurrences) for event in events] == [(made["id"], weeks(12))]
    assert [(event.remote_id, event.occurrences) for event in anew] == [(made["id"], weeks(12))]
    assert "singleEvents" not in next(request for request in desk.google.requests if "syncToken" in request)


async def test_a_series_split_in_two_is_two(desk: Desk) -> None:
    made = await desk.phone.make_weekly(desk.calendar, "weekly@else", NINE, TEN, count=4)
    _, _, token = await desk.read()
    desk.host.primary.change(made["id"], {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    later = await desk.phone.make_weekly(
        desk.calendar, "weekly-2@else", NINE.add(hours=WEEK_H * 2 + 2), TEN.add(hours=WEEK_H * 2 + 2), count=2
    )
    desk.host.primary.events[f"{made['id']}_R20260323T110000"] = {
        **desk.host.primary.events.pop(later["id"]),
        "id": f"{made['id']}_R20260323T110000",
    }

    events, gone, token = await desk.read(token)
    desk.host.primary.change(made["id"], {"transparency": "transparent"})
    again, gone_again, _ = await desk.read(token)

    assert {event.remote_id: event.occurrences for event in events} == {
        made["id"]: weeks(2),
        f"{made['id']}_R20260323T110000": weeks(4, hours=2)[2:],
    }
    assert ([event.remote_id for event in again], gone, gone_again) == ([made["id"]], [], [])


async def test_of_a_series_one_was_invited_to_in_part_the_parts_are_read(desk: Desk) -> None:
    def invited(number: int) -> dict[str, Any]:
        start = NINE.add(hours=WEEK_H * number)
        event_id = f"theirs_{start.format_iso().replace('-', '').replace(':', '')}"
        return {
            "id": event_id,
            "recurringEventId": "theirs",
            "status": "confirmed",
            "eventType": "default",
            "iCalUID": "theirs@else",
            "organizer": {"email": "boss@acme.test", "self": False},
            "start": {"dateTime": start.format_iso()},
            "end": {"dateTime": start.add(hours=1).format_iso()},
        }

    calendar = desk.host.primary
    calendar.keep(invited(0))
    events, _, token = await desk.read()
    calendar.keep(invited(2))
    calendar.keep({**invited(1), "id": "split_20260316T090000Z", "recurringEventId": "split"})
    more, gone, token = await desk.read(token)

    assert [(event.remote_id, event.occurrences) for event in events] == [("theirs", weeks(1))]
    assert {event.remote_id: event.occurrences for event in more} == {
        "theirs": (weeks(1)[0], weeks(3)[2]),
        "split": (weeks(2)[1],),
    }
    assert gone == []

    calendar.keep({**invited(0), "status": "cancelled"})
    with pytest.raises(SyncTokenDead):  # what is cancelled carries no UID to look for the others by
        await desk.read(token)
    events, _, _ = await desk.read()
    assert ("theirs", (weeks(3)[2],)) in [(event.remote_id, event.occurrences) for event in events]


async def test_who_leaves_a_series_but_for_one_meeting_keeps_that_one(desk: Desk) -> None:
    made = await desk.phone.make_weekly(desk.calendar, "weekly@else", NINE, TEN, count=3)
    _, _, token = await desk.read()
    second = desk.host.primary.instances(made["id"], None, None)[1]
    desk.host.primary.remove(made["id"])
    desk.host.primary.keep(dict(second))

    events, gone, _ = await desk.read(token)
    anew, _, _ = await desk.read()

    assert [(event.remote_id, event.occurrences) for event in events] == [(made["id"], (weeks(2)[1],))]
    assert [(event.remote_id, event.occurrences) for event in anew] == [(made["id"], (weeks(2)[1],))]
    assert gone == []


async def test_a_series_that_became_a_single_event_is_one(desk: Desk) -> None:
    made = await desk.phone.make_weekly(desk.calendar, "weekly@else", NINE, TEN, count=3)
    await desk.phone.change_instance(desk.calendar, "weekly@else", 1, status="cancelled")
    _, _, token = await desk.read()
    calendar = desk.host.primary
    for event in list(calendar.events.values()):
        calendar.keep({key: value for key, value in event.items() if key != "recurrence"})

    events, gone, _ = await desk.read(token)

    assert ([(event.remote_id, event.occurrences) for event in events], gone) == ([(made["id"], weeks(1))], [])


async def test_an_event_moved_out_of_the_window_blocks_no_more(desk: Desk) -> None:
    await desk.phone.make_event(desk.calendar, "a@else", NINE, TEN)
    (before,), _, token = await desk.read()
    await desk.phone.move(desk.calendar, "a@else", NINE.add(hours=24 * 300), TEN.add(hours=24 * 300))

    (after,), gone, _ = await desk.read(token)

    assert (after.remote_id, after.occurrences, gone) == (before.remote_id, (), [])


async def test_more_changed_series_than_is_worth_it_are_read_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_CHANGED_SERIES", 2)
    _, _, token = await desk.read()
    for number in range(3):
        await desk.phone.make_weekly(desk.calendar, f"{number}@else", NINE, TEN, count=2)

    with pytest.raises(SyncTokenDead):
        await desk.read(token)


async def test_a_token_google_never_knew_is_a_dead_one(desk: Desk) -> None:
    with pytest.raises(SyncTokenDead):
        await desk.read("something")


async def test_a_calendar_with_more_than_is_read_of_one_is_told_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 10)
    await desk.phone.make_many(desk.calendar, [f"{number}@else" for number in range(11)], NINE, TEN)

    with pytest.raises(CalendarTooLarge):
        await desk.read()


async def test_a_long_past_is_read_without_a_token(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_TOKEN_PAGES", 2)
    desk.google.page_size = 2
    await desk.phone.make_many(desk.calendar, [f"{number}@else" for number in range(5)], NINE, TEN)

    events, _, token = await desk.read()

    assert (len(events), token) == (5, "")


async def test_of_a_calendar_shared_as_free_or_busy_the_busy_times_are_read(desk: Desk) -> None:
    boss = desk.host.calendar("Boss", role="freeBusyReader")
    for number, transparency in ((0, "opaque"), (1, "transparent"), (1700, "opaque")):
        start = NINE.add(hours=number)
        times = {"start": {"dateTime": start.format_iso()}, "end": {"dateTime": start.add(hours=1).format_iso()}}
        boss.add({**times, "transparency": transparency, "iCalUID": f"{number}@else"})
    desk.calendar = RemoteCalendar(boss.id, "Boss", writable=False)

    events, gone, token = await desk.read()

    late = NINE.add(hours=1700)
    assert events == [
        RemoteEvent("2026-03-09T09:00:00Z/2026-03-09T10:00:00Z", None, occurrences=(Occurrence(NINE, TEN),)),
        RemoteEvent(
            "2026-05-19T05:00:00Z/2026-05-19T06:00:00Z", None, occurrences=(Occurrence(late, late.add(hours=1)),)
        ),
    ]
    assert (gone, token) == ([], "")


async def test_a_calendar_shared_less_than_before_is_read_anew(desk: Desk) -> None:
    team = desk.host.calendar("Team", role="reader")
    desk.calendar = RemoteCalendar(team.id, "Team", writable=False)
    _, _, token = await desk.read()
    team.role = "freeBusyReader"

    with pytest.raises(SyncTokenDead):
        await desk.read(token)


@pytest.mark.parametrize("writable", [True, False])
async def test_a_scope_that_is_missing_is_not_a_calendar_that_shows_little(desk: Desk, writable: bool) -> None:
    desk.calendar = replace(desk.calendar, writable=writable)
    desk.google.fail(403, path="/events", reason="insufficientPermissions")

    with pytest.raises(CredentialRefused):
        await desk.read()


# --- writing


async def test_nobody_gets_a_mail_of_googles(desk: Desk) -> None:
    ours = entry(guests=(Guest("Jo Guest", "jo@guest.test"), Guest("Al", "al@guest.test", "needs-action")))
    written = await desk.account.put(desk.calendar, ours, None)
    stands = dict(desk.host.primary.events[written.remote_id])
    written = await desk.account.put(desk.calendar, replace(ours, summary="Later"), written)
    await desk.account.delete(desk.calendar, written)

    assert desk.google.mails == []
    assert [(one["email"], one["responseStatus"]) for one in stands["attendees"]] == [
        ("jo@guest.test", "accepted"),
        ("al@guest.test", "needsAction"),
    ]
    assert stands["summary"] == ours.summary
    assert stands["description"] == ours.description
    assert stands["extendedProperties"] == {"private": {"kalendsAppointment": str(ours.appointment_id)}}
    assert stands["guestsCanModify"] is False


@pytest.mark.parametrize(("rooms", "made"), [("at once", True), ("later", True), ("never", False)])
async def test_a_room_to_meet_in_is_made_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, rooms: str, made: bool
) -> None:
    monkeypatch.setattr(entries, "LOOKS_FOR_LINK_S", (0, 0, 0))
    desk.google.rooms = rooms
    ours = entry(meeting=True)

    first = await desk.account.put(desk.calendar, ours, None)
    moved = await desk.account.put(desk.calendar, replace(ours, sequence=1, start=ELEVEN, end=TWELVE), first)

    assert (first.link is not None, first.link) == (made, moved.link)
    if made:
        event = await desk.event(moved.remote_id)
        assert event
        assert event.link == first.link


async def test_a_room_that_takes_long_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "LOOKS_FOR_LINK_S", (0,))
    desk.google.rooms = "later"

    first = await desk.account.put(desk.calendar, entry(meeting=True), None)
    event = await desk.event(first.remote_id)

    assert first.link is None
    assert event
    assert event.link


async def test_an_entry_deleted_by_the_host_can_be_written_again(desk: Desk) -> None:
    ours = entry()
    written = await desk.account.put(desk.calendar, ours, None)
    await desk.phone.remove(desk.calendar, ours.uid)

    with pytest.raises(EntryChanged):
        await desk.account.put(desk.calendar, ours, written)
    assert await desk.event(written.remote_id) is None
    again = await desk.account.put(desk.calendar, ours, None)

    assert await desk.phone.count(desk.calendar, ours.uid) == 1
    event = await desk.event(again.remote_id)
    assert event
    assert event.occurrences == (Occurrence(NINE, TEN),)


async def test_an_entry_its_host_made_a_whole_day_is_written_over(desk: Desk) -> None:
    ours = entry()
    written = await desk.account.put(desk.calendar, ours, None)
    days = {"start": {"date": "2026-03-02", "dateTime": None}, "end": {"date": "2026-03-03", "dateTime": None}}
    changed = desk.host.primary.change(written.remote_id, days)

    again = await desk.account.put(desk.calendar, ours, replace(written, etag=changed["etag"]))

    event = await desk.event(again.remote_id)
    assert event
    assert event.occurrences == (Occurrence(NINE, TEN),)


async def test_an_entry_its_host_made_recur_takes_place_once_again_when_it_is_written_over(desk: Desk) -> None:
    ours = entry()
    written = await desk.account.put(desk.calendar, ours, None)
    changed = desk.host.primary.change(written.remote_id, {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    before = await desk.event(written.remote_id)

    again = await desk.account.put(desk.calendar, ours, replace(written, etag=changed["etag"]))

    event = await desk.event(again.remote_id)
    assert before
    assert event
    assert (len(before.occurrences), event.occurrences) == (2, (Occurrence(NINE, TEN),))


async def test_an_invitation_the_mailbox_put_there_stands_for_the_entry_once_it_says_the_same(desk: Desk) -> None:
    ours = entry()
    times = {"start": {"dateTime": NINE.format_iso()}, "end": {"dateTime": TEN.format_iso()}}
    copy = desk.host.primary.add({"iCalUID": ours.uid, **times}, organizer="no-reply@kalends.test")

    written = await desk.account.put(desk.calendar, ours, None)
    with pytest.raises(Upstream, match="moved by our mail only") as later:
        await desk.account.put(desk.calendar, replace(ours, start=ELEVEN, end=TWELVE), written)

    assert (written.remote_id, later.value.retry_after_s) == (copy["id"], 300)
    assert await desk.phone.count(desk.calendar, ours.uid) == 1


async def test_two_who_write_at_once_write_one(desk: Desk) -> None:
    ours = entry()
    desk.host.primary.add({"iCalUID": ours.uid, "start": {"date": "2026-03-01"}, "end": {"date": "2026-03-02"}})
    # The first look finds nothing, as it did for the other.
    desk.google.hide_once = ours.uid

    written = await desk.account.put(desk.calendar, ours, None)

    assert await desk.phone.count(desk.calendar, ours.uid) == 1
    assert desk.phone.name(desk.calendar, ours.uid) == written.remote_id


async def test_a_quota_used_up_is_not_an_invitation(desk: Desk) -> None:
    ours = entry()
    written = await desk.account.put(desk.calendar, ours, None)
    desk.google.fail(403, path=written.remote_id, reason="rateLimitExceeded")

    with pytest.raises(Upstream, match="asked too often") as later:
        await desk.account.put(desk.calendar, ours, written)

    assert later.value.retry_after_s == 60


# --- channels


async def test_a_channel_tells_of_changes_until_it_expires(desk: Desk) -> None:
    before = Instant.now()
    channel = await desk.account.watch(
        desk.calendar, channel_id="chan-1", secret="s3cret", address=f"{desk.google.url}/nobody"
    )
    await desk.phone.make_event(desk.calendar, "a@else", NINE, TEN)
    told = desk.google.wait_told(2)
    desk.google.expire_channels()
    await desk.phone.make_event(desk.calendar, "b@else", NINE, TEN)

    assert channel
    assert (channel.channel_id, channel.resource) == ("chan-1", f"res-{OWNER}")
    assert before.add(hours=167) < channel.expires_at <= before.add(hours=169)
    assert [(one["X-Goog-Channel-ID"], one["X-Goog-Channel-Token"]) for one in told] == [("chan-1", "s3cret")] * 2
    assert sorted(one["X-Goog-Resource-State"] for one in told) == ["exists", "sync"]
    assert len(desk.google.told) == 2


async def test_a_channel_may_be_given_up_twice(desk: Desk) -> None:
    channel = await desk.account.watch(desk.calendar, channel_id="c", secret="s", address=f"{desk.google.url}/x")
    assert channel
    await desk.account.unwatch(channel)
    await desk.account.unwatch(channel)

    assert desk.google.channels == []


async def test_where_google_does_not_tell_nothing_is_lost(desk: Desk) -> None:
    holidays = desk.host.calendar("Holidays", role="reader", watchable=False)
    untold = RemoteCalendar(holidays.id, "Holidays", writable=False)
    desk.google.wants_https = True

    assert await desk.account.watch(untold, channel_id="a", secret="s", address="https://kalends.test/x") is None
    assert await desk.account.watch(desk.calendar, channel_id="b", secret="s", address="http://kalends.test/x") is None


async def test_a_refused_credential_is_told_from_a_refused_address(desk: Desk) -> None:
    desk.google.fail(401, times=2, path="watch", reason="authError")

    with pytest.raises(CredentialRefused):
        await desk.account.watch(desk.calendar, channel_id="a", secret="s", address="https://kalends.test/x")
