"""How accounts on CalDAV servers are found, from whatever is typed, and what they are called."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from ipaddress import ip_network

import dns.asyncresolver
import dns.resolver
import dns.rrset
import pytest
import trustme

from kalends.integrations.caldav import CalDavProvider, discovery
from kalends.integrations.caldav.addresses import absolute
from kalends.integrations.expanding import Expander
from kalends.integrations.web import Web
from kalends.ports import ConnectionRefused

from .caldav_accounts import form, nobody, odd
from .odd_caldav import HOME, USER, WORK, OddServer
from .scripted import Asked, Reply, scripted
from .servers import PASSWORD

HERE = [ip_network("127.0.0.0/8")]
AUTHORITY = trustme.CA()


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


async def test_icloud_is_where_it_is_and_wants_a_password_of_its_own(web: Web, expander: Expander) -> None:
    async with odd("moved-home") as server:
        provider = CalDavProvider("icloud", web, expander, icloud=form(server)["url"])
        typed = {"username": USER, "password": PASSWORD}
        connected = await provider.connect(typed)
        with pytest.raises(ConnectionRefused, match="app-specific password"):
            await provider.connect({**typed, "password": "the one of the account"})

    assert connected.credential["homes"] == [f"http://localhost:{server.port}{HOME}"]
    assert connected.server is None  # its name says where it is


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
