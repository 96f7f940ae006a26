"""What CalDAV servers lose, invent, cut and break: nothing of it reads as an empty calendar."""

from __future__ import annotations

import pytest

from kalends.errors import Upstream
from kalends.integrations.caldav import CalDavProvider, reading, xml
from kalends.ports import CalendarTooLarge, CredentialRefused

from .caldav_accounts import odd, opened, pages
from .caldav_client import ics
from .conformance import ELEVEN, NINE, OWNER, TEN, TWELVE, WINDOW
from .odd_caldav import WORK
from .scripted import Reply, scripted


async def test_what_a_list_loses_or_calls_gone_is_looked_at_itself(provider: CalDavProvider) -> None:
    async with odd("phantoms") as server, opened(provider, server) as (account, calendar):
        server.files[f"{WORK}a.ics"] = ics("a@else", NINE, TEN)
        (first,) = await pages(account, calendar)
        server.put(f"{WORK}a.ics", ics("a@else", ELEVEN, TWELVE))
        (second,) = await pages(account, calendar, first.token)
        (gone,) = second.gone
        event = await account.event(calendar, gone, window=WINDOW, own=[OWNER])

    assert [(one.start, one.end) for one in first.events[0].occurrences] == [(NINE, TEN)]
    assert event is not None
    assert [(one.start, one.end) for one in event.occurrences] == [(ELEVEN, TWELVE)]


async def test_nothing_is_missing_where_the_whole_calendar_is(provider: CalDavProvider) -> None:
    async with odd() as server, opened(provider, server) as (account, calendar):
        server.put(f"{WORK}a.ics", ics("a@else", NINE, TEN))
        (page,) = await pages(account, calendar)
        name = page.events[0].remote_id
        server.broken = Reply(404)
        with pytest.raises(Upstream):
            await account.event(calendar, name, window=WINDOW, own=[OWNER])
        with pytest.raises(Upstream):
            await pages(account, calendar)
        with pytest.raises(Upstream):
            await pages(account, calendar, page.token)


@pytest.mark.parametrize(
    ("reply", "kind", "wait"),
    [
        (Reply(401, headers={"WWW-Authenticate": "Basic"}), CredentialRefused, None),
        (Reply(429, headers={"Retry-After": "30"}), Upstream, 30),
        (Reply(503), Upstream, 60),
        (Reply(500), Upstream, None),
        (Reply(200, b"<html>Log in"), Upstream, None),
        (Reply(207, b"<html>Log in"), Upstream, None),
        (Reply(207, b"nonsense"), Upstream, None),
        (Reply(207, b'<!DOCTYPE a [<!ENTITY b "c">]><multistatus xmlns="DAV:">&b;</multistatus>'), Upstream, None),
        (Reply(207, b'<multistatus xmlns="DAV:"/>'), Upstream, None),
        (Reply(302, headers={"Location": "http://localhost:1/"}), Upstream, None),
    ],
)
async def test_what_is_no_answer_never_reads_as_an_empty_calendar(
    provider: CalDavProvider, reply: Reply, kind: type[Upstream], wait: int | None
) -> None:
    async with odd() as server, opened(provider, server) as (account, calendar):
        server.broken = reply
        with pytest.raises(kind) as caught:
            await pages(account, calendar)

    assert type(caught.value) is kind or kind is Upstream
    assert isinstance(caught.value, CredentialRefused) == (kind is CredentialRefused)
    assert caught.value.retry_after_s == wait


async def test_a_server_that_moved_says_nothing_of_the_password(provider: CalDavProvider) -> None:
    async with odd() as server, opened(provider, server) as (account, calendar):
        refuses = Reply(401, headers={"WWW-Authenticate": "Basic"})
        async with scripted(lambda _: refuses) as new:
            server.broken = Reply(301, headers={"Location": f"http://127.0.0.1:{new.port}/"})
            with pytest.raises(Upstream) as caught:
                await pages(account, calendar)

    assert caught.value.message == "The calendar server has moved to another address."
    assert not isinstance(caught.value, CredentialRefused)
    assert "authorization" not in new.asked[0].headers


@pytest.mark.parametrize("doctype", ['<!DOCTYPE a [<!ENTITY b "c">]>', '<!DOCTYPE a SYSTEM "file:///etc/passwd">'])
def test_documents_that_name_others_are_not_read(doctype: str) -> None:
    body = (
        '<multistatus xmlns="DAV:"><response><href>/a</href><status>HTTP/1.1 404 Gone</status></response></multistatus>'
    )

    assert [one.status for one in xml.multi_status(body.encode(), "https://a.test/").resources] == [404]
    with pytest.raises(xml.NotDav):
        xml.multi_status((doctype + body).encode(), "https://a.test/")


async def test_a_calendar_with_too_much_in_it_is_not_read_in_part(
    provider: CalDavProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 2)
    async with odd() as server, opened(provider, server) as (account, calendar):
        server.files = {f"{WORK}{n}.ics": ics(f"{n}@else", NINE, TEN) for n in range(3)}
        with pytest.raises(CalendarTooLarge):
            await pages(account, calendar)


async def test_a_list_that_was_cut_is_not_taken_for_whole(provider: CalDavProvider) -> None:
    async with odd("cut") as server, opened(provider, server) as (account, calendar):
        with pytest.raises(CalendarTooLarge):
            await pages(account, calendar)
