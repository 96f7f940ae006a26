"""Feeds: read from a server of our own, by what it says and by what it does not."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from whenever import Instant

from kalends.domain.remote_events import Entry, Occurrence, Page, RemoteCalendar, RemoteEvent, Window, Written
from kalends.errors import Upstream
from kalends.integrations.expanding import Expander
from kalends.integrations.ics import IcsProvider
from kalends.integrations.web import Web
from kalends.ports import CalendarTooLarge, Connected, ConnectionRefused, Credential, CredentialRefused

SECRET = "private-0123456789abcdef"
YEAR = Window(Instant.from_utc(2026, 1, 1), Instant.from_utc(2027, 1, 1))
LATER = Window(Instant.from_utc(2026, 1, 2), Instant.from_utc(2027, 1, 2))
NINE = Instant.from_utc(2026, 7, 6, 9)
OWN = {"me@acme.test"}


def event(uid: str, start: str = "20260706T090000Z", *lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"DTSTART:{start}", "DURATION:PT1H", *lines, "END:VEVENT", ""])


def hourly(uid: str) -> str:
    return event(uid, "20260101T000000Z", "RRULE:FREQ=HOURLY")


def calendar(*events: str, head: str = "") -> bytes:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{head}{''.join(events)}END:VCALENDAR\r\n".encode()


@dataclass
class FeedServer:
    """A server with one feed at a secret address; every attribute may be changed while it runs."""

    url: str = ""
    body: bytes = field(default_factory=lambda: calendar(event("one")))
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/calendar"})
    login: str | None = None  # as it stands in the header
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def answer(self, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        self.asked.append(headers)
        if path != f"/{SECRET}/basic.ics?key=a":
            return 404, {}, b""
        if self.login is not None and headers.get("Authorization") != self.login:
            return 401, {"WWW-Authenticate": "Basic"}, b""
        known = headers.get("If-None-Match"), headers.get("If-Modified-Since")
        if self.status == 200 and any(known) and known in [(self.headers.get("ETag"), None), self._modified]:
            return 304, {}, b""
        return self.status, self.headers, self.body

    @property
    def _modified(self) -> tuple[None, str | None]:
        return None, self.headers.get("Last-Modified")


@pytest.fixture
def server() -> Iterator[FeedServer]:
    feed = FeedServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = feed.answer(self.path, dict(self.headers))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    feed.url = f"http://127.0.0.1:{http.server_port}/{SECRET}/basic.ics?key=a"
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    yield feed
    http.shutdown()
    http.server_close()


@pytest.fixture
def provider(web: Web, expander: Expander) -> IcsProvider:
    return IcsProvider(web, expander)


async def never(credential: Credential) -> None:
    raise AssertionError("a feed's address does not change by itself")


async def read(
    provider: IcsProvider, connected: Connected, token: str | None = None, window: Window = YEAR
) -> list[Page]:
    async with provider.open(connected.credential, never) as account:
        (only,) = await account.calendars()
        return [page async for page in account.changes(only, token=token, window=window, own=OWN)]


async def test_a_feed_is_one_calendar_that_can_only_be_read(provider: IcsProvider, server: FeedServer) -> None:
    server.body = calendar(event("one"), head="X-WR-CALNAME:Team\r\nX-WR-TIMEZONE:W. Europe Standard Time\r\n")

    connected = await provider.connect({"url": server.url})

    async with provider.open(connected.credential, never) as account:
        assert await account.calendars() == [RemoteCalendar("feed", "Team", zone="Europe/Berlin", writable=False)]
        (only,) = await account.calendars()
        entry = Entry("u", 0, NINE, NINE, NINE.add(hours=1), "UTC", "s")
        with pytest.raises(ConnectionRefused):
            await account.put(only, entry, None)
        with pytest.raises(ConnectionRefused):
            await account.delete(only, Written("one"))
        assert await account.watch(only, channel_id="a", secret="b", address="https://example.org") is None
    (page,) = await read(provider, connected)
    one = RemoteEvent("one", "one", None, (Occurrence(NINE, NINE.add(hours=1)),))
    assert page == Page([one], token=page.token, complete=True)


async def test_the_address_is_secret(provider: IcsProvider, server: FeedServer) -> None:
    connected = await provider.connect({"url": server.url})
    again = await provider.connect({"url": f"  {server.url}#top "})

    assert (connected.email, connected.server, connected.account) == ("127.0.0.1", "127.0.0.1", again.account)
    shown = f"{connected.email} {connected.account} {connected.server} {(await read(provider, connected))[0].token}"
    assert SECRET not in shown
    server.status = 500
    with pytest.raises(Upstream) as refused:
        await read(provider, connected)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


async def test_user_and_password_in_the_address_are_sent_and_not_shown(
    provider: IcsProvider, server: FeedServer
) -> None:
    server.login = "Basic bWU6cEBzcw=="  # me:p@ss
    url = server.url.replace("http://", "http://me:p%40ss@")

    connected = await provider.connect({"url": url})

    assert connected.credential["login"] == ["me", "p@ss"]
    assert [len(page.events) for page in await read(provider, connected)] == [1]
    assert "p@ss" not in connected.account + connected.email + connected.credential["url"]
    with pytest.raises(ConnectionRefused):
        await provider.connect({"url": server.url})


async def test_webcal_is_https(provider: IcsProvider, server: FeedServer) -> None:
    with pytest.raises(Upstream):  # TLS with a server that has none
        await provider.connect({"url": server.url.replace("http://", "webcal://")})

    assert server.asked == []


@pytest.mark.parametrize("header", [{"ETag": 'W/"1"'}, {"Last-Modified": "Mon, 06 Jul 2026 09:00:00 GMT"}, {}])
async def test_a_feed_that_is_as_it_was_has_no_changes(
    provider: IcsProvider, server: FeedServer, header: dict[str, str]
) -> None:
    server.headers |= header
    connected = await provider.connect({"url": server.url})
    (first,) = await read(provider, connected)

    (second,) = await read(provider, connected, first.token)
    server.body = calendar(event("two"))
    server.headers |= {name: value.replace("1", "2").replace("Jul", "Aug") for name, value in header.items()}
    (third,) = await read(provider, connected, second.token)

    assert second == Page((), token=first.token)
    assert ([one.remote_id for one in third.events], third.complete) == (["two"], True)
    assert len({*json.loads(first.token or "").values()} - {None}) == 2 + len(header)


async def test_for_another_window_all_is_read_anew(provider: IcsProvider, server: FeedServer) -> None:
    server.headers["ETag"] = '"1"'
    connected = await provider.connect({"url": server.url})
    (first,) = await read(provider, connected)

    (second,) = await read(provider, connected, first.token, LATER)

    assert (len(second.events), second.complete, second.token != first.token) == (1, True, True)
    assert "If-None-Match" not in server.asked[-1]


async def test_a_token_that_is_none_of_ours_is_forgotten(provider: IcsProvider, server: FeedServer) -> None:
    connected = await provider.connect({"url": server.url})

    for token in ("nonsense", "[]", '{"asked": 1}'):
        assert [page.complete for page in await read(provider, connected, token)] == [True]


async def test_many_events_come_in_pages_and_none_in_one(provider: IcsProvider, server: FeedServer) -> None:
    server.body = calendar(*(event(f"{number}") for number in range(1001)), event("old", "20200101T000000Z"))
    connected = await provider.connect({"url": server.url})

    many = await read(provider, connected)
    server.body = calendar()
    none = await read(provider, connected)

    assert [(len(page.events), page.token is None, page.complete) for page in [*many, *none]] == [
        (500, True, True),
        (500, True, True),
        (1, False, True),
        (0, False, True),
    ]


async def test_a_zone_the_feed_names_counts_and_else_the_hosts(provider: IcsProvider, server: FeedServer) -> None:
    server.body = calendar("BEGIN:VEVENT\r\nUID:one\r\nDTSTART:20260706T090000\r\nDURATION:PT1H\r\nEND:VEVENT\r\n")
    connected = await provider.connect({"url": server.url})
    tokyo = RemoteCalendar("feed", "Team", zone="Asia/Tokyo", writable=False)

    async with provider.open(connected.credential, never) as account:
        hosts = await account.event(tokyo, "one", window=YEAR, own=OWN)
        server.body = server.body.replace(b"VERSION:2.0", b"X-WR-TIMEZONE:Europe/Berlin")
        feeds = await account.event(tokyo, "one", window=YEAR, own=OWN)
        other = await account.event(tokyo, "two", window=YEAR, own=OWN)

    assert [one.occurrences[0].start for one in (hosts, feeds) if one] == [
        NINE.subtract(hours=9),
        NINE.subtract(hours=2),
    ]
    assert other == RemoteEvent("two", None)  # a feed never says that one event is gone


@pytest.mark.parametrize(
    ("status", "kind", "body", "error"),
    [
        (401, "text/calendar", b"", CredentialRefused),
        (403, "text/calendar", b"", CredentialRefused),
        (404, "text/calendar", b"", Upstream),
        (410, "text/calendar", b"", Upstream),
        (500, "text/calendar", b"", Upstream),
        (304, "text/calendar", b"", Upstream),
        (200, "text/html", calendar(event("one")), Upstream),
        (200, "text/plain", b"\xef\xbb\xbf <!DOCTYPE html><p>Sign in", Upstream),
        (200, "text/calendar", b"not a calendar", Upstream),
        (200, "text/calendar", b"", Upstream),
        # Half of it would look as if the other half were no more.
        (200, "text/calendar", calendar(event("one"))[:-20], Upstream),
        (200, "text/calendar", calendar(*map(hourly, "abc")), CalendarTooLarge),
    ],
)  # fmt: skip
async def test_what_is_no_feed_any_more_is_an_error_and_never_an_empty_calendar(
    provider: IcsProvider, server: FeedServer, status: int, kind: str, body: bytes, error: type[Upstream]
) -> None:
    connected = await provider.connect({"url": server.url})
    server.status, server.body, server.headers = status, body, {"Content-Type": kind}

    with pytest.raises(Upstream) as raised:
        await read(provider, connected)

    assert type(raised.value).code == error.code


async def test_a_busy_server_says_when_to_come_back(provider: IcsProvider, server: FeedServer) -> None:
    connected = await provider.connect({"url": server.url})
    server.status, server.headers = 429, {"Retry-After": "77"}

    with pytest.raises(Upstream) as raised:
        await read(provider, connected)

    assert raised.value.retry_after_s == 77


@pytest.mark.parametrize(
    ("status", "body"), [(401, b""), (403, b""), (404, b""), (410, b""), (200, b"<html>"), (200, b"BEGIN:VCARD")]
)
async def test_what_is_no_feed_is_not_connected(
    provider: IcsProvider, server: FeedServer, status: int, body: bytes
) -> None:
    server.status, server.body = status, body

    with pytest.raises(ConnectionRefused):
        await provider.connect({"url": server.url})


@pytest.mark.parametrize(
    "url", ["", "ftp://example.org/a.ics", "https://", "https://exa mple.org/", "http://[", "x" * 3000]
)
async def test_what_is_no_address_is_not_asked(provider: IcsProvider, url: str) -> None:
    with pytest.raises(ConnectionRefused):
        await provider.connect({"url": url})
