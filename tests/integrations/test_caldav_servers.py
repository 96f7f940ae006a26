"""What CalDAV servers do in their own way: how they are found, what they list, refuse, lose and invent."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import dns.asyncresolver
import dns.resolver
import dns.rrset
import pytest
import trustme

from kalends.domain.remote_events import Answer, Guest, Page, RemoteCalendar, Written
from kalends.errors import Upstream
from kalends.integrations.caldav import CalDavProvider, discovery, reading, xml
from kalends.integrations.caldav.addresses import absolute
from kalends.integrations.expanding import Expander
from kalends.integrations.web import AddressNotAllowed, Web
from kalends.ports import (
    CalendarAccount,
    CalendarTooLarge,
    ConnectionRefused,
    Credential,
    CredentialRefused,
    SyncTokenDead,
)

from .caldav_client import ics
from .conformance import ELEVEN, NINE, OWNER, TEN, TWELVE, WINDOW, entry
from .odd_caldav import HOME, USER, WORK, OddServer
from .scripted import Asked, Reply, scripted
from .servers import PASSWORD

HERE = [ip_network("127.0.0.0/8")]
AUTHORITY = trustme.CA()


@asynccontextmanager
async def odd(*habits: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[OddServer]:
    server = OddServer(habits=frozenset(habits))
    async with scripted(server.answer, tls=tls) as running:
        server.port, server.asked = running.port, running.asked
        yield server


def form(server: OddServer, path: str = "") -> dict[str, str]:
    return {"url": f"http://127.0.0.1:{server.port}{path}", "username": USER, "password": PASSWORD}


@pytest.fixture
def provider(web: Web, expander: Expander) -> CalDavProvider:
    return CalDavProvider("caldav", web, expander, services=nobody)


async def nobody(domain: str) -> Sequence[str]:
    return []


@asynccontextmanager
async def opened(provider: CalDavProvider, server: OddServer) -> AsyncIterator[tuple[CalendarAccount, RemoteCalendar]]:
    credential = (await provider.connect(form(server))).credential

    async def keep(_: object) -> None:
        raise AssertionError

    async with provider.open(credential, keep) as account:
        yield account, (await account.calendars())[0]


async def pages(account: CalendarAccount, calendar: RemoteCalendar, token: str | None = None) -> list[Page]:
    return [page async for page in account.changes(calendar, token=token, window=WINDOW, own=[OWNER])]


# Being found


@pytest.mark.parametrize("path", ["", "/", "/index.php/apps/calendar", HOME, "/dav/principals/me/", WORK, WORK[:-1]])
async def test_an_account_is_found_from_any_of_its_addresses(provider: CalDavProvider, path: str) -> None:
    async with odd() as server:
        connected = await provider.connect(form(server, path))

    base = f"http://127.0.0.1:{server.port}"
    assert connected.account == f"{base}/dav/principals/me {USER}"
    assert connected.email == "Host@acme.test"
    assert connected.credential == {
        "username": USER,
        "password": PASSWORD,
        "principal": f"{base}/dav/principals/me",
        "homes": [f"{base}{HOME}"],
        "calendars": [],
        "addresses": [USER],
    }


async def test_the_same_account_has_the_same_name_however_it_was_typed(provider: CalDavProvider) -> None:
    async with odd() as server:
        first = await provider.connect(form(server))
        second = await provider.connect({**form(server, HOME), "username": "", "password": ""} | _inline(server))

    assert first == second
    assert first.server == "127.0.0.1"


async def test_a_principal_has_one_name_though_the_server_writes_it_in_two_ways(provider: CalDavProvider) -> None:
    async with odd("two-names") as server:
        accounts = [(await provider.connect(form(server, path))).account for path in ("/dav/principals/me", HOME, WORK)]

    assert accounts == [f"http://127.0.0.1:{server.port}/dav/principals/me {USER}"] * 3


def _inline(server: OddServer) -> dict[str, str]:
    return {"url": f"http://host%40acme.test:pa%20ss%3Aw%C3%B6rd@127.0.0.1:{server.port}/"}


@pytest.mark.parametrize(
    ("typed", "username"),
    [("cal.acme.test:{}", USER), ("https://cal.acme.test:{}/x/", USER), ("CAL.acme.test:{}", USER)],
)
async def test_a_host_is_enough(expander: Expander, typed: str, username: str) -> None:
    async with odd(tls=_server_tls("cal.acme.test")) as server:
        provider = CalDavProvider("caldav", _named("cal.acme.test"), expander, services=nobody)
        connected = await provider.connect({**form(server), "url": typed.format(server.port), "username": username})

    assert connected.account == f"https://cal.acme.test:{server.port}/dav/principals/me {USER}"


@pytest.mark.parametrize("typed", ["acme.test", USER, ""])
async def test_a_domain_says_who_serves_its_calendars(expander: Expander, typed: str) -> None:
    asked = []
    async with odd(tls=_server_tls("cal.acme.test")) as server:

        async def services(domain: str) -> Sequence[str]:
            asked.append(domain)
            return [f"https://cal.acme.test:{server.port}/.well-known/caldav"]

        provider = CalDavProvider("caldav", _named("cal.acme.test"), expander, services=services)
        connected = await provider.connect({**form(server), "url": typed})

    assert asked == ["acme.test"]
    assert connected.account == f"https://cal.acme.test:{server.port}/dav/principals/me {USER}"


@pytest.mark.parametrize(
    ("texts", "path"),
    [(['"path=/dav/"'], "/dav/"), (['"v=1"', '"PATH=/x"'], "/x"), (['"path=//thief.test/"'], None), ([], None)],
)
async def test_dns_names_servers_in_order_and_a_path(
    monkeypatch: pytest.MonkeyPatch, texts: list[str], path: str | None
) -> None:
    asked = []

    async def resolve(name: str, kind: str, *, lifetime: float) -> dns.rrset.RRset:
        asked.append(name)
        servers = ["2 0 443 two.test.", "1 5 8443 one.test.", "1 9 443 best.test.", "3 0 443 three.test.", "1 0 443 ."]
        if kind == "TXT" and not texts:
            raise dns.resolver.NXDOMAIN
        return dns.rrset.from_text(name, 60, "IN", kind, *(servers if kind == "SRV" else texts))

    monkeypatch.setattr(dns.asyncresolver, "resolve", resolve)

    found = await discovery.look_up("acme.test")

    at = path or "/.well-known/caldav"
    assert found == [f"https://best.test{at}", f"https://one.test:8443{at}"]
    assert set(asked) == {"_caldavs._tcp.acme.test"}


async def test_a_domain_without_service_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: object, **__: object) -> None:
        raise dns.resolver.NXDOMAIN

    monkeypatch.setattr(dns.asyncresolver, "resolve", resolve)

    assert await discovery.look_up("acme.test") == []


async def test_the_well_known_address_may_lead_to_another_host_that_is_then_told_the_password(
    expander: Expander,
) -> None:
    async with odd(tls=_server_tls("cal.acme.test")) as server:
        there = f"https://cal.acme.test:{server.port}/dav/principals/me"
        front = Front({"/.well-known/caldav": there})
        async with scripted(front, tls=_server_tls("acme.test")) as running:
            provider = CalDavProvider("caldav", _named("acme.test", "cal.acme.test"), expander, services=nobody)
            connected = await provider.connect({**form(server), "url": f"acme.test:{running.port}"})

    assert connected.account == f"{there} {USER}"


async def test_any_other_address_may_not_do_that(expander: Expander) -> None:
    async with odd(tls=_server_tls("thief.test")) as server:
        front = Front({"/": f"https://thief.test:{server.port}{HOME}"})
        async with scripted(front, tls=_server_tls("acme.test")) as running:
            provider = CalDavProvider("caldav", _named("acme.test", "thief.test"), expander, services=nobody)
            with pytest.raises(ConnectionRefused):
                await provider.connect({**form(server), "url": f"acme.test:{running.port}"})

    assert {"authorization" in one.headers for one in server.asked} == {False}


async def test_single_calendars_are_connected_where_nobody_says_whose_they_are(provider: CalDavProvider) -> None:
    async with odd("no-principal") as server:
        home = await provider.connect(form(server, HOME))
        one = await provider.connect(form(server, WORK))

    base = f"http://127.0.0.1:{server.port}"
    assert (home.account, home.credential["homes"]) == (f"{base}{HOME} {USER}", [f"{base}{HOME}"])
    assert (one.account, one.credential["calendars"]) == (f"{base}{WORK} {USER}", [f"{base}{WORK}"])
    assert (one.email, one.credential["principal"]) == (USER, None)


@pytest.mark.parametrize("habits", ["", "digest"])
async def test_a_wrong_password_is_said_and_not_tried_often(provider: CalDavProvider, habits: str) -> None:
    async with odd(*habits.split()) as server:
        with pytest.raises(ConnectionRefused) as caught:
            await provider.connect({**form(server), "password": "wrong"})

    assert caught.value.message == "The server does not take this user name and password."
    assert len([one for one in server.asked if "authorization" in one.headers]) <= 6


async def test_a_server_without_calendars_is_said(provider: CalDavProvider) -> None:
    async with scripted(lambda _: Reply(body=b"<html>Welcome")) as server:
        with pytest.raises(ConnectionRefused, match="There are no calendars at this address"):
            await provider.connect({"url": f"http://127.0.0.1:{server.port}", "username": "a", "password": "b"})


async def test_an_account_whose_calendars_hold_no_events_is_said(provider: CalDavProvider) -> None:
    async with odd("tasks-only") as server:
        with pytest.raises(ConnectionRefused, match="no calendar for events"):
            await provider.connect(form(server))


async def test_a_server_that_is_down_is_not_called_wrong(provider: CalDavProvider) -> None:
    with pytest.raises(Upstream) as caught:
        await provider.connect({"url": "http://127.0.0.1:1/", "username": "a", "password": "b"})

    assert caught.value.message == "The server could not be reached."


async def test_a_private_address_is_said(expander: Expander) -> None:
    provider = CalDavProvider("caldav", Web(), expander, services=nobody)

    with pytest.raises(AddressNotAllowed):
        await provider.connect({"url": "http://127.0.0.1:5232/", "username": "a", "password": "b"})


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"url": "https://acme.test/"},
        {"url": "https://acme.test/", "username": "a"},
        {"url": "https://[", "username": "a", "password": "b"},
        {"url": "https://a\r\nb/", "username": "a", "password": "b"},
        {"url": "x" * 3000, "username": "a", "password": "b"},
    ],
)
async def test_half_a_form_is_refused(provider: CalDavProvider, typed: dict[str, str]) -> None:
    with pytest.raises(ConnectionRefused):
        await provider.connect(typed)


async def test_icloud_is_where_it_is_and_wants_a_password_of_its_own(web: Web, expander: Expander) -> None:
    async with odd("moved-home") as server:
        provider = CalDavProvider("icloud", web, expander, icloud=form(server)["url"])
        typed = {"username": USER, "password": PASSWORD}
        connected = await provider.connect(typed)
        with pytest.raises(ConnectionRefused, match="app-specific password"):
            await provider.connect({**typed, "password": "the one of the account"})

    assert connected.credential["homes"] == [f"http://localhost:{server.port}{HOME}"]
    assert connected.server is None  # its name says where it is


# What is listed


async def test_calendars_are_listed_with_all_the_server_says_of_them(provider: CalDavProvider) -> None:
    async with odd() as server, opened(provider, server) as (account, _):
        found = await account.calendars()

    base = f"http://127.0.0.1:{server.port}"
    assert found == [
        RemoteCalendar(f"{base}{WORK}", "Wörk", "Europe/Berlin", "#ff2968", is_default=True, writable=True),
        RemoteCalendar(f"{base}{HOME}holidays/", "Holidays", writable=False),
    ]


async def test_the_calendar_for_invitations_may_be_named_by_the_principal(provider: CalDavProvider) -> None:
    async with odd("sabre") as server, opened(provider, server) as (account, _):
        found = await account.calendars()

    assert [(one.name, one.is_default) for one in found] == [("Wörk", True), ("Holidays", False)]


# What changed


async def test_where_tokens_are_seconds_what_follows_within_one_is_told_and_nothing_for_ever(
    provider: CalDavProvider,
) -> None:
    told: list[list[str | None]] = []
    token = None
    async with odd("seconds") as server, opened(provider, server) as (account, calendar):
        for name, later in (("a", 0), ("b", 0), ("c", 60), ("d", 0), (None, 60), (None, 60), (None, 60)):
            server.second += later
            if name is not None:
                server.put(f"{WORK}{name}.ics", ics(name, NINE, TEN))
            (page,) = await pages(account, calendar, token)
            token = page.token
            told.append([one.uid for one in page.events])

    assert told == [["a"], ["a", "b"], ["c"], ["c", "d"], [], [], []]


async def test_without_sync_collection_a_changed_ctag_means_reading_all(provider: CalDavProvider) -> None:
    async with odd("no-sync") as server, opened(provider, server) as (account, calendar):
        server.files[f"{WORK}a.ics"] = ics("a@else", NINE, TEN)
        (first,) = await pages(account, calendar)
        (second,) = await pages(account, calendar, first.token)
        server.put(f"{WORK}b.ics", ics("b@else", ELEVEN, TWELVE))
        (third,) = await pages(account, calendar, second.token)

    assert (first.token, [event.uid for event in first.events], first.complete) == ("ctag:0", ["a@else"], True)
    assert second == Page((), token="ctag:0")
    assert (third.token, {event.uid for event in third.events}, third.complete) == (
        "ctag:1",
        {"a@else", "b@else"},
        True,
    )


async def test_a_list_of_changes_in_parts_is_read_to_its_end(provider: CalDavProvider) -> None:
    async with odd("paged") as server, opened(provider, server) as (account, calendar):
        (first,) = await pages(account, calendar)
        for number in range(5):
            server.put(f"{WORK}{number}.ics", ics(f"{number}@else", NINE, TEN))
        server.remove(f"{WORK}1.ics")
        (second,) = await pages(account, calendar, first.token)

    assert [event.uid for event in second.events] == ["0@else", "2@else", "3@else", "4@else"]
    assert (second.gone, second.token, second.complete) == ((f"{WORK}1.ics",), "sync:odd:6", False)


@pytest.mark.parametrize("later", [0, 2], ids=["anew", "cleared"])
async def test_changes_that_a_server_forgot_without_saying_so_mean_reading_all(
    provider: CalDavProvider, later: int
) -> None:
    async with odd("sabre") as server, opened(provider, server) as (account, calendar):
        server.put(f"{WORK}a.ics", ics("a@else", NINE, TEN))
        (first,) = await pages(account, calendar)
        server.put(f"{WORK}b.ics", ics("b@else", ELEVEN, TWELVE))
        server.changes, server.cleared = server.changes[:later], later
        with pytest.raises(SyncTokenDead):
            await pages(account, calendar, first.token)

    assert first.token == "sync:http://sabre.io/ns/sync/1"


async def test_a_list_of_all_there_is_tells_what_is_gone_as_well(provider: CalDavProvider) -> None:
    async with odd("davical") as server, opened(provider, server) as (account, calendar):
        server.put(f"{WORK}a.ics", ics("a@else", NINE, TEN))
        server.put(f"{WORK}b.ics", ics("b@else", ELEVEN, TWELVE))
        (first,) = await pages(account, calendar)
        server.put(f"{WORK}b.ics", ics("b@else", TWELVE, TWELVE.add(hours=1)))
        (second,) = await pages(account, calendar, first.token)
        server.remove(f"{WORK}a.ics")
        server.cleared = len(server.changes)
        (third,) = await pages(account, calendar, second.token)

    told = [([event.uid for event in one.events], one.complete, one.token) for one in (second, third)]
    assert told == [(["b@else"], False, "sync:data:,3"), (["b@else"], True, "sync:data:,4")]


async def test_a_server_that_says_what_is_gone_is_not_asked_for_all_there_is(provider: CalDavProvider) -> None:
    async with odd("cyrus") as server, opened(provider, server) as (account, calendar):
        (first,) = await pages(account, calendar)
        server.put(f"{WORK}a.ics", ics("a@else", NINE, TEN))
        begun = len(server.asked)
        (second,) = await pages(account, calendar, first.token)

    assert ([event.uid for event in second.events], second.complete) == (["a@else"], False)
    assert not any(b"time-range" in one.body for one in server.asked[begun:])


async def test_a_server_that_counts_changes_and_has_them_all_is_gone_on_with(provider: CalDavProvider) -> None:
    async with odd("sabre") as server, opened(provider, server) as (account, calendar):
        (first,) = await pages(account, calendar)
        (second,) = await pages(account, calendar, first.token)
        server.put(f"{WORK}a.ics", ics("a@else", NINE, TEN))
        (third,) = await pages(account, calendar, second.token)

    assert (list(second.events), second.token) == ([], "sync:http://sabre.io/ns/sync/0")
    assert ([event.uid for event in third.events], third.token) == (["a@else"], "sync:http://sabre.io/ns/sync/1")


# Whose answers count


def invited(answer: str) -> str:
    return ics(
        "a@else", NINE, TEN, "ORGANIZER:mailto:eve@else.test", f"ATTENDEE;PARTSTAT={answer}:mailto:anna@home.test"
    )


def answers(page: Page) -> list[Answer | None]:
    return [one.answer for event in page.events for one in event.occurrences]


async def test_he_answers_under_whichever_address_the_server_knows_him(provider: CalDavProvider) -> None:
    async with odd() as server:
        server.called = ["Anna@Home.test"]
        server.put(f"{WORK}a.ics", invited("DECLINED"))
        async with opened(provider, server) as (account, calendar):
            (first,) = await pages(account, calendar)
            (event,) = first.events
            alone = await account.event(calendar, event.remote_id, window=WINDOW, own=[OWNER])
            (then,) = await pages(account, calendar, first.token)

    assert answers(first) == ["declined"]
    assert event.guests == ()
    assert alone == event
    assert (then.events, then.complete) == ([], False)  # the token is gone on with


async def test_who_was_connected_before_addresses_were_asked_for_has_all_read_anew_once(
    provider: CalDavProvider,
) -> None:
    async with odd() as server:
        server.put(f"{WORK}a.ics", invited("DECLINED"))
        credential = dict((await provider.connect(form(server))).credential)
        kept: list[Credential] = []

        async def keep(renewed: Credential) -> None:
            kept.append(renewed)

        async with provider.open(credential, keep) as account:
            calendar = (await account.calendars())[0]
            (before,) = await pages(account, calendar)
        server.called = ["anna@home.test"]
        del credential["addresses"]
        async with provider.open(credential, keep) as account:
            with pytest.raises(SyncTokenDead):
                await pages(account, calendar, before.token)
            (after,) = await pages(account, calendar)
        asked = len(server.asked)
        async with provider.open(kept[-1], keep) as account:
            (then,) = await pages(account, calendar, after.token)

    assert (answers(before), answers(after)) == ([None], ["declined"])
    assert kept == [{**credential, "addresses": ["anna@home.test", USER]}]
    assert then.events == []
    assert [one.method for one in server.asked[asked:]] == ["REPORT"]  # they are not asked for again


async def test_another_address_has_all_read_anew_once_calendars_were_listed(provider: CalDavProvider) -> None:
    kept: list[Credential] = []

    async def keep(renewed: Credential) -> None:
        kept.append(renewed)

    async with odd() as server:
        server.called = ["anna@home.test"]
        server.put(f"{WORK}a.ics", invited("DECLINED"))
        credential = (await provider.connect(form(server))).credential
        async with provider.open(credential, keep) as account:
            calendar = (await account.calendars())[0]
            (before,) = await pages(account, calendar)
            server.called = []
            await account.calendars()
        async with provider.open(kept[-1], keep) as account:
            with pytest.raises(SyncTokenDead):
                await pages(account, calendar, before.token)
            (after,) = await pages(account, calendar)

    assert len(kept) == 1
    assert (answers(before), answers(after)) == (["declined"], [None])


async def test_a_principal_that_does_not_answer_keeps_nobody_from_reading(provider: CalDavProvider) -> None:
    async with odd() as server:
        server.put(f"{WORK}a.ics", invited("DECLINED"))
        credential = dict((await provider.connect(form(server))).credential)
        del credential["addresses"]
        credential["principal"] += "/gone"

        async def keep(_: object) -> None:
            raise AssertionError

        async with provider.open(credential, keep) as account:
            calendar = RemoteCalendar(f"http://127.0.0.1:{server.port}{WORK}", "Work")
            (found,) = await pages(account, calendar)

    assert answers(found) == [None]


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


# Writing


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


@pytest.mark.parametrize(
    ("base", "href", "expected"),
    [
        ("https://a.test/x/", "y z", "https://a.test/x/y%20z"),
        ("https://a.test/x/", "/u%40b/", "https://a.test/u@b/"),
        ("https://a.test/x/", "/u@b/%E4%BD%A0?q#f", "https://a.test/u@b/%E4%BD%A0"),
        ("https://a.test/x/", "/a%2Fb/c", "https://a.test/a%2Fb/c"),
        ("https://a.test/x/", "https://B.test:443/c", "https://b.test/c"),
        ("https://a.test:8443/x/", "/c", "https://a.test:8443/c"),
        ("http://[::1]:5232/x/", "\n /c\n", "http://[::1]:5232/c"),
        ("https://a.test/x/", "https://u:p@a.test/c", "https://a.test/c"),
    ],
)
def test_one_resource_has_one_address(base: str, href: str, expected: str) -> None:
    assert absolute(base, href) == expected
    assert absolute(base, expected) == expected


class Front:
    """A web server that knows no calendars, and redirects."""

    def __init__(self, targets: dict[str, str]) -> None:
        self.targets = targets

    def __call__(self, asked: Asked) -> Reply:
        target = self.targets.get(asked.target)
        return Reply(302, headers={"Location": target}) if target else Reply(404)


def _server_tls(*names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


def _named(*known: str) -> Web:
    """Make a client for which some names, and no others, are this machine."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if host in known else []

    return Web(HERE, resolve=resolve, tls=context)
