"""What is written to CalDAV servers, and what they take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kalends.domain.remote_events import Guest, Written
from kalends.errors import Upstream
from kalends.integrations.caldav import CalDavProvider

from .caldav_accounts import odd, opened
from .caldav_client import ics
from .conformance import ELEVEN, NINE, OWNER, TEN, TWELVE, WINDOW, entry
from .odd_caldav import WORK


@pytest.mark.parametrize(
    ("habit", "organizer", "named"),
    [("davical", "HOST@acme.test", True), ("davical", "ada@acme.test", False), ("cyrus", "ada@acme.test", True)],
)
async def test_what_another_user_organizes_is_no_answer_to_him(
    provider: CalDavProvider, habit: str, organizer: str, *, named: bool
) -> None:
    ours = entry(organizer=Guest("Ada", organizer))
    async with odd(habit) as server, opened(provider, server) as (account, calendar):
        written = await account.put(calendar, ours, None)
        await account.put(calendar, replace(ours, sequence=1), written)
        texts = [one.body.decode() for one in server.asked if one.method == "PUT"]

    assert [("ORGANIZER" in text, "ATTENDEE" in text) for text in texts] == [(named, named)] * 2


async def test_no_server_is_asked_to_write_to_anybody(provider: CalDavProvider) -> None:
    ours = entry()
    async with odd() as server, opened(provider, server) as (account, calendar):
        written = await account.put(calendar, ours, None)
        (text,) = server.files.values()
        await account.delete(calendar, written)

    flat = text.replace("\r\n ", "")
    people = [line for line in flat.splitlines() if line.startswith(("ORGANIZER", "ATTENDEE"))]
    assert [("SCHEDULE-AGENT=CLIENT" in line, "METHOD" in line) for line in people] == [(True, False)] * 3
    told = [(one.method, one.headers.get("schedule-reply")) for one in server.asked if one.method in ("PUT", "DELETE")]
    assert told == [("PUT", "F"), ("DELETE", "F")]
    assert written.remote_id == f"{WORK}{ours.uid}.ics"


async def test_what_the_owner_added_to_our_event_stays_when_it_moves(provider: CalDavProvider) -> None:
    ours = entry()
    async with odd() as server, opened(provider, server) as (account, calendar):
        await account.put(calendar, ours, None)
        alarm = "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nACTION:AUDIO\r\nEND:VALARM\r\n"
        path = f"{WORK}{ours.uid}.ics"
        server.put(path, server.files[path].replace("END:VEVENT", f"{alarm}END:VEVENT"))
        event = await account.event(calendar, path, window=WINDOW, own=[OWNER])
        assert event is not None
        await account.put(calendar, replace(ours, sequence=1, start=ELEVEN, end=TWELVE), Written(path, event.etag))

    assert alarm in server.files[path]
    assert "DTSTART:20260309T110000Z" in server.files[path]


@pytest.mark.parametrize("habits", ["no-organizer", "no-organizer vague"])
async def test_a_server_that_takes_no_foreign_organizer_gets_the_event_without_one(
    provider: CalDavProvider, habits: str
) -> None:
    ours = entry()
    async with odd(*habits.split()) as server, opened(provider, server) as (account, calendar):
        written = await account.put(calendar, ours, None)
        await account.put(calendar, replace(ours, sequence=1, start=ELEVEN, end=TWELVE), written)

    (text,) = server.files.values()
    assert [name for name in ("ORGANIZER", "ATTENDEE") if name in text] == []
    assert "DTSTART:20260309T110000Z" in text


async def test_an_event_somebody_put_where_ours_belongs_is_left_alone(provider: CalDavProvider) -> None:
    ours = entry()
    foreign = ics("foreign@else", NINE, TEN)
    async with odd() as server, opened(provider, server) as (account, calendar):
        server.put(f"{WORK}{ours.uid}.ics", foreign)
        with pytest.raises(Upstream):
            await account.put(calendar, ours, None)

    assert list(server.files.values()) == [foreign]
