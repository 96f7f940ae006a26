"""Requests to addresses somebody typed in: where they may go, and what they take along."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import pytest
import trustme

from kalends.errors import Upstream
from kalends.integrations.web import AddressNotAllowed, Answer, Web, client, connections, put_off
from kalends.integrations.web.addresses import is_in, is_public
from kalends.integrations.web.client import Auth

from .scripted import Asked, Reply, scripted

HERE = [ip_network("127.0.0.1/32")]
AUTHORITY = trustme.CA()


def ok(asked: Asked) -> Reply:
    return Reply(body=b"hi")


def server_tls(*names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


def client_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def ask(web: Web, method: str, url: str, *, auth: Auth = None, **sent: Any) -> Answer:
    async with web.visit(auth) as visit:
        return await visit.request(method, url, **sent)


class Names:
    """A resolver that knows what a test tells it; after the last answer to a name it goes on giving that."""

    def __init__(self, **known: Sequence[Sequence[str]]) -> None:
        self.known = {name.replace("_", "."): list(answers) for name, answers in known.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.known.get(host, [[host]])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1"),
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
        *("198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "::127.0.0.1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1"),
        *("ff02::1", "100::1", "2001::1", "2001:db8::1", "2001:2::1", "3fff::1", "5f00::1", "4000::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe"),
    ],
)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255"),
        *("2606:4700::1", "2a01:4f8::1", "2001:470::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"),
    ],
)
def test_all_others_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("address", "network", "inside"),
    [
        ("192.168.1.7", "192.168.0.0/16", True),
        ("::ffff:192.168.1.7", "192.168.0.0/16", True),
        ("192.169.0.1", "192.168.0.0/16", False),
        ("fd00::7", "fd00::/8", True),
        ("fd00::7%eth0", "fd00::/8", True),
        ("fd00::7", "10.0.0.0/8", False),
    ],
)
def test_allowed_networks_hold_their_addresses(address: str, network: str, inside: bool) -> None:
    assert is_in(address, [ip_network(network)]) == inside


async def test_an_allowed_server_answers() -> None:
    async with scripted(ok) as server:
        answer = await ask(Web(HERE), "GET", f"http://127.0.0.1:{server.port}/a%40b?c=1")

    assert (answer.status, answer.body, answer.url) == (200, b"hi", f"http://127.0.0.1:{server.port}/a%40b?c=1")
    assert [(one.target, one.headers["user-agent"]) for one in server.asked] == [("/a%40b?c=1", "kalends")]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "0.0.0.0", "[::1]"])
async def test_a_private_server_is_not_asked_however_it_is_written(host: str) -> None:
    async with scripted(ok) as server:
        with pytest.raises(AddressNotAllowed):
            await ask(Web(), "GET", f"http://{host}:{server.port}/")

    assert server.asked == []


async def test_the_address_that_was_looked_at_is_the_one_connected_to() -> None:
    # No other resolver knows this name: a second look-up would fail.
    names = Names(calendar_test=[["127.0.0.1"], ["10.0.0.1"]])
    async with scripted(ok) as server:
        web = Web(HERE, resolve=names)
        url = f"http://calendar.test:{server.port}/"

        answer = await ask(web, "GET", url)
        with pytest.raises(AddressNotAllowed):
            await ask(web, "GET", url)

    assert (answer.body, names.asked, len(server.asked)) == (b"hi", ["calendar.test"] * 2, 1)


async def test_of_several_addresses_only_permitted_ones_are_tried_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "NEXT_ADDRESS_S", 0.1)
    names = Names(calendar_test=[["127.0.0.2", "::1", "127.0.0.1"]], slow_test=[["fd00::1", "127.0.0.1"]])
    async with scripted(ok) as server:
        await ask(Web(HERE, resolve=names), "GET", f"http://calendar.test:{server.port}/")
        unreachable = [*HERE, ip_network("fd00::/8")]
        await ask(Web(unreachable, resolve=names), "GET", f"http://slow.test:{server.port}/")

    assert [one.to for one in server.asked] == ["127.0.0.1", "127.0.0.1"]


async def test_the_certificate_is_that_of_the_name() -> None:
    names = Names(calendar_test=[["127.0.0.1"]], other_test=[["127.0.0.1"]])
    async with scripted(ok, tls=server_tls("calendar.test")) as server:
        web = Web(HERE, resolve=names, tls=client_tls())
        answer = await ask(web, "GET", f"https://calendar.test:{server.port}/")
        with pytest.raises(Upstream) as caught:
            await ask(web, "GET", f"https://other.test:{server.port}/")

    assert (answer.body, caught.value.message) == (b"hi", "The server's certificate is not valid for its name.")


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest/", "http://inside.test/", "http://[::1]/"])
async def test_a_redirect_leads_nowhere_private(target: str) -> None:
    names = Names(inside_test=[["10.0.0.7"]])
    async with scripted(lambda _: Reply(302, headers={"Location": target})) as server:
        with pytest.raises(AddressNotAllowed):
            await ask(Web(HERE, resolve=names), "GET", f"http://127.0.0.1:{server.port}/")


@pytest.mark.parametrize(("status", "method"), [(301, "PROPFIND"), (307, "PROPFIND"), (308, "PUT"), (303, "GET")])
async def test_a_redirect_keeps_method_body_and_credentials(status: int, method: str) -> None:
    def answer(asked: Asked) -> Reply:
        return (
            Reply(status, headers={"Location": "../there/"}) if asked.target == "/from/here" else Reply(body=b"there")
        )

    async with scripted(answer) as server:
        url = f"http://127.0.0.1:{server.port}"
        sent = "PUT" if method == "PUT" else "PROPFIND"
        found = await ask(Web(HERE), sent, f"{url}/from/here", content=b"x", auth=("me", "pw"))

    assert (found.body, found.url) == (b"there", f"{url}/there/")
    assert [(one.method, one.body) for one in server.asked] == [
        (sent, b"x"),
        (method, b"" if method == "GET" else b"x"),
    ]
    assert {one.headers["authorization"] for one in server.asked} == {"Basic bWU6cHc="}


@pytest.mark.parametrize("where", ["http://localhost:{}/", "http://u:p@localhost:{}/", "//localhost:{}/"])
async def test_credentials_and_cookies_are_not_taken_to_another_origin(where: str) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.headers["host"].startswith("127"):
            return Reply(307, headers={"Location": where.format(server.port), "Set-Cookie": "a=1"})
        return Reply(401)

    async with scripted(answer) as server:
        url = f"http://127.0.0.1:{server.port}/"
        own = {"authorization": "Bearer x", "Cookie": "b=2", "Depth": "1"}
        found = await ask(Web(HERE), "GET", url, headers=own, auth=("me", "pw"))

    assert (found.status, found.url) == (401, f"http://localhost:{server.port}/")
    assert "authorization" in server.asked[0].headers
    assert [name for name in ("authorization", "cookie", "depth") if name in server.asked[1].headers] == ["depth"]


async def test_credentials_do_not_come_back_with_a_second_redirect() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.target == "/last":
            return Reply()
        there = f"http://localhost:{server.port}/" if asked.headers["host"].startswith("127") else f"{home}/last"
        return Reply(302, headers={"Location": there})

    async with scripted(answer) as server:
        home = f"http://127.0.0.1:{server.port}"
        await ask(Web(HERE), "GET", f"{home}/", auth=("me", "pw"))

    assert ["authorization" in one.headers for one in server.asked] == [True, False, False]


async def test_what_was_encrypted_is_not_sent_in_the_clear() -> None:
    names = Names(calendar_test=[["127.0.0.1"]])
    async with scripted(ok) as plain:
        there = {"Location": f"http://calendar.test:{plain.port}/"}
        async with scripted(lambda _: Reply(302, headers=there), tls=server_tls("calendar.test")) as server:
            web = Web(HERE, resolve=names, tls=client_tls())
            with pytest.raises(Upstream) as caught:
                await ask(web, "GET", f"https://calendar.test:{server.port}/", auth=("me", "pw"))

    assert caught.value.message == "The server redirects to an address that is not encrypted."
    assert plain.asked == []


async def test_a_password_goes_in_the_clear_into_allowed_networks_only() -> None:
    web = Web(HERE, resolve=Names(calendar_test=[["1.1.1.1"]]))

    with pytest.raises(AddressNotAllowed) as caught:
        await ask(web, "GET", "http://calendar.test/", auth=("me", "pw"))

    assert "https" in caught.value.message


async def test_redirects_have_an_end() -> None:
    async with scripted(lambda _: Reply(302, headers={"Location": "/"})) as server:
        with pytest.raises(Upstream, match="redirects too often"):
            await ask(Web(HERE), "GET", f"http://127.0.0.1:{server.port}/")

    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"x" * 2_001),
        Reply(body=gzip.compress(b"x" * 5_000_000), headers={"Content-Encoding": "gzip"}),
        Reply(404, body=b"x" * 2_001),
    ],
)
async def test_an_answer_is_not_larger_than_may_be(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    monkeypatch.setattr(client, "LARGEST_ANSWER", 2_000)
    async with scripted(lambda _: reply) as server:
        with pytest.raises(Upstream, match="too large"):
            await ask(Web(HERE), "GET", f"http://127.0.0.1:{server.port}/")


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(delay_s=5), "The server did not answer in time."),
        (
            Reply(body=b"nonsense", headers={"Content-Encoding": "gzip"}),
            "The server did not answer as a web server does.",
        ),
        (Reply(body=b"half", headers={"Content-Length": "9999"}), "The server did not answer in time."),
        (Reply(302, headers={"Location": "file:///etc/passwd"}), "This is not an address of the web."),
    ],
)
async def test_what_goes_wrong_is_told_in_one_sentence_without_the_address(
    monkeypatch: pytest.MonkeyPatch, reply: Reply, sentence: str
) -> None:
    if "in time" in sentence:
        monkeypatch.setattr(client, "TOTAL_TIMEOUT_S", 0.3)
    async with scripted(lambda _: reply) as server:
        with pytest.raises(Upstream) as caught:
            await ask(Web(HERE), "GET", f"http://me:secret@127.0.0.1:{server.port}/hidden")

    assert caught.value.message == sentence


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:1/", "The server could not be reached."),
        ("http://gone.test/", "The server could not be reached."),
        ("http://" + "a" * 70 + ".test/", "The server could not be reached."),
        ("nonsense", "This is not an address of the web."),
        ("http://", "This is not an address of the web."),
        ("http://127.0.0.1:99999/", "This is not an address of the web."),
        ("file:///etc/passwd", "This is not an address of the web."),
        ("https://user:secret@/", "This is not an address of the web."),
    ],
)
async def test_what_cannot_be_reached_is_said_so(url: str, sentence: str) -> None:
    with pytest.raises(Upstream) as caught:
        await ask(Web(HERE), "GET", url)

    assert caught.value.message == sentence


async def test_proxies_of_the_surroundings_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with scripted(ok) as server:
        answer = await ask(Web(HERE), "GET", f"http://127.0.0.1:{server.port}/")

    assert answer.body == b"hi"


async def test_cookies_stay_within_a_visit() -> None:
    async with scripted(lambda _: Reply(headers={"Set-Cookie": "session=1"})) as server:
        web = Web(HERE)
        url = f"http://127.0.0.1:{server.port}/"
        async with web.visit() as visit:
            await visit.request("GET", url)
            await visit.request("GET", url)
        await ask(web, "GET", url)

    assert [one.headers.get("cookie") for one in server.asked] == [None, "session=1", None]


async def test_a_connection_that_was_kept_open_and_is_closed_when_used_again_is_made_anew() -> None:
    def answer(asked: Asked) -> Reply:
        if len(server.asked) in (2, 4):
            raise ConnectionResetError  # and so the connection is closed
        return ok(asked)

    async with scripted(answer) as server, Web(HERE).visit() as visit:
        url = f"http://127.0.0.1:{server.port}/"
        answers = [await visit.request("PUT", url, content=text) for text in (b"1", b"2", b"3")]

    assert [one.body for one in answers] == [b"hi"] * 3
    assert [one.body for one in server.asked] == [b"1", b"2", b"2", b"3", b"3"]


async def test_a_new_connection_that_is_closed_without_a_word_is_not_tried_again() -> None:
    def answer(asked: Asked) -> Reply:
        raise ConnectionResetError

    async with scripted(answer) as server:
        with pytest.raises(Upstream):
            await ask(Web(HERE), "GET", f"http://127.0.0.1:{server.port}/")

    assert len(server.asked) == 1


@pytest.mark.parametrize(("told", "wait"), [("7", 7), ("99999", 3600), ("Wed, 21 Oct 2026 07:28:00 GMT", 60), ("", 60)])
async def test_a_busy_server_says_when_to_come_back(told: str, wait: int) -> None:
    async with scripted(lambda _: Reply(503, headers={"Retry-After": told})) as server:
        answer = await ask(Web(HERE), "GET", f"http://127.0.0.1:{server.port}/")

    assert put_off(answer, "Later.").retry_after_s == wait


async def test_a_server_may_think_longer_where_that_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "STEP_TIMEOUT_S", 0.5)
    async with scripted(lambda _: Reply(body=b"at last", delay_s=1.0)) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with Web(HERE).visit(patience_s=0.1) as visit:
            with pytest.raises(Upstream, match="did not answer in time"):
                await visit.request("GET", url)
        async with Web(HERE).visit(patience_s=30) as visit:
            answer = await visit.request("GET", url)

    assert answer.body == b"at last"
