"""From what somebody typed to where his calendars are (RFC 4791 6.2, RFC 5397, RFC 6764)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

import dns.asyncresolver
import dns.exception

from kalends.errors import Upstream
from kalends.integrations.web import AddressNotAllowed, Answer, Origin, Visit, origin
from kalends.ports import ConnectionRefused

from . import xml
from .addresses import absolute, folder
from .dav import Dav
from .listing import ADDRESSES, HOME, Place, addresses, is_calendar, mail_addresses
from .xml import CAL, DAV

# Looks up where a domain keeps its calendars: domain -> addresses.
Services: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]

# Where they are on servers that stand beside something else and were not told to say so.
_USUAL = ("SOGo/dav/", "remote.php/dav/", "dav.php/")
_WELL_KNOWN = "/.well-known/caldav"
_DNS_S = 5.0
_PRINCIPAL = DAV + "current-user-principal"
_ASKED = (
    DAV + "resourcetype",
    _PRINCIPAL,
    DAV + "principal-URL",
    HOME,
    ADDRESSES,
    CAL + "supported-calendar-component-set",
)


@dataclass(frozen=True, slots=True)
class Found:
    """Where somebody's calendars are.

    Attributes:
        email: his address as the server knows it.
    """

    place: Place
    email: str | None = None


@dataclass(slots=True)
class Discovery:
    """Looks for one account's calendars.

    Attributes:
        refused: somebody did not take the password.
        unreachable: what kept the first from answering that did not.
        asked, silent: addresses that were asked, origins that are not asked again.
    """

    visit: Visit
    services: Services
    refused: bool = False
    unreachable: Upstream | None = None
    asked: set[str] = field(default_factory=set)
    silent: set[Origin] = field(default_factory=set)

    async def find(self, typed: str) -> Found:
        """Try the address, what its host says, what its domain says, then what is usual.

        Raises:
            ConnectionRefused: the password is wrong, or there are no calendars.
            Upstream: somebody did not answer who may have them.
        """
        async for url in self._candidates(typed):
            if url in self.asked or origin(url) in self.silent:
                continue
            self.asked.add(url)
            try:
                found = await self._at(url)
            except AddressNotAllowed:
                raise
            except Upstream as error:
                self.unreachable = self.unreachable or error
                self.silent.add(origin(url))
                continue
            if found is not None:
                return found
        if self.refused:
            raise ConnectionRefused("The server does not take this user name and password.")
        if self.unreachable is not None:
            raise self.unreachable
        raise ConnectionRefused("There are no calendars at this address: it has to be that of a CalDAV server.")

    async def _candidates(self, typed: str) -> AsyncIterator[str]:
        base = absolute(_with_scheme(typed), "")
        parts = urlsplit(base)
        yield base
        yield urljoin(base, _WELL_KNOWN)
        if parts.path != "/":
            yield urljoin(base, "/")
        if parts.scheme == "https" and parts.port is None and parts.path == "/":
            # Not before the host itself was asked: what DNS says nobody vouches for.
            for url in await self.services(parts.hostname or ""):
                yield url
        for path in _USUAL:
            yield urljoin(folder(base), path)
            yield urljoin(base, f"/{path}")

    async def _at(self, url: str) -> Found | None:
        told = await self._look(url)
        if told is None:
            return None
        here = told.resources[0] if told.resources else None
        principal = next((each for one in told.resources for each in one.hrefs(_PRINCIPAL)), None)
        if principal is None and here is not None and here.hrefs(HOME):
            principal = here.url
        if principal is None:
            principal = next((each for one in told.resources for each in one.hrefs(DAV + "principal-URL")), None)
        found = await self._of_principal(principal) if principal else None
        return found or await self._without_principal(here)

    async def _of_principal(self, principal: str) -> Found | None:
        told = await self._look(principal)
        if told is None:
            return None
        homes = tuple(dict.fromkeys(folder(home) for one in told.resources for home in one.hrefs(HOME)))
        if not homes:
            return None
        named = [address for one in told.resources for address in mail_addresses(one)]
        return Found(Place(principal, homes, addresses=addresses(told)), named[0] if named else None)

    async def _without_principal(self, here: xml.Resource | None) -> Found | None:
        if here is None:
            return None
        if is_calendar(here):
            return Found(Place(calendars=(folder(here.url),)))
        inside = await self._look(folder(here.url), depth=1)
        if inside is not None and any(is_calendar(one) for one in inside.resources):
            return Found(Place(homes=(folder(here.url),)))
        return None

    async def _look(self, url: str, *, depth: int = 0) -> xml.MultiStatus | None:
        dav = Dav(self.visit)
        body = xml.request(DAV + "propfind", xml.prop(_ASKED))
        answer = await self._let_in(url, await dav.ask_plainly("PROPFIND", url, body, depth=depth), body, depth)
        if answer.status == 401:
            if self.refused:
                self.silent.add(origin(url))  # many count wrong passwords, and shut who sends a few
            self.refused = True
        if answer.status != 207:
            return None
        try:
            return await dav.understood(answer)
        except xml.NotDav:
            return None

    async def _let_in(self, url: str, answer: Answer, body: bytes, depth: int) -> Answer:
        """Ask again where a host sent us on to, this time with the password.

        Only where it may do that: another address of its own, or from the well-known one (RFC 6764 5), and encrypted.
        """
        if answer.status != 401 or origin(answer.url) == origin(url) or not answer.url.startswith("https:"):
            return answer
        is_same_host = urlsplit(answer.url).hostname == urlsplit(url).hostname
        if not is_same_host and urlsplit(url).path != _WELL_KNOWN:
            return answer
        return await Dav(self.visit).ask_plainly("PROPFIND", answer.url, body, depth=depth)


async def look_up(domain: str) -> Sequence[str]:
    """Ask DNS who serves a domain's calendars (RFC 6764 3 and 4); encrypted services only."""
    name = f"_caldavs._tcp.{domain}"
    try:
        found = await dns.asyncresolver.resolve(name, "SRV", lifetime=_DNS_S)
        servers = sorted(found, key=lambda one: (one.priority, -one.weight))
    except (dns.exception.DNSException, OSError, ValueError):
        return []
    path = await _path(name)
    hosts = [(str(one.target).rstrip("."), one.port) for one in servers[:3]]
    return [absolute(f"https://{host}:{port}", path) for host, port in hosts if host]


async def _path(name: str) -> str:
    try:
        found = await dns.asyncresolver.resolve(name, "TXT", lifetime=_DNS_S)
        texts = [b"".join(one.strings).decode("utf-8", "replace") for one in found]
    except (dns.exception.DNSException, OSError, ValueError):
        texts = []
    path = next((text.partition("=")[2] for text in texts if text.lower().startswith("path=")), "")
    return path if path.startswith("/") and not path.startswith("//") else _WELL_KNOWN


def _with_scheme(typed: str) -> str:
    """Make an address of a host's name, or of an e-mail address."""
    text = typed.strip()
    if "://" in text:
        return text
    if "@" in text and "/" not in text:
        text = text.rpartition("@")[2]
    return f"https://{text}"
