"""Requests to one CalDAV server, and what its refusals mean."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from kalends.errors import Upstream
from kalends.integrations.web import Answer, Visit, origin, put_off
from kalends.ports import CredentialRefused

from . import xml

GONE = (404, 410)
STORED = (200, 201, 204)

_LARGE = 200_000  # bytes; reading this much XML would hold others up
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_ICS = {"Content-Type": "text/calendar; charset=utf-8"}
# Compressing proxies give answers ETags of their own, which the server then does not know.
_AS_IT_IS = {"Accept-Encoding": "identity"}
# RFC 6638 8.1 has it for attendees who delete; sabre/dav writes to nobody then, whoever stores or deletes.
_SILENTLY = {"Schedule-Reply": "F"}


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as it was read.

    Attributes:
        etag: without quotes; None: the server has none.
    """

    etag: str | None
    text: str


@dataclass(slots=True)
class Dav:
    """One account's requests, to absolute addresses; refusals raise what `refuse` says.

    Attributes:
        is_davical: the server says with each of its answers that it is DAViCal; False before the first.
    """

    visit: Visit
    is_davical: bool = False

    async def propfind(self, url: str, names: Iterable[str], *, depth: int = 0) -> xml.MultiStatus:
        """Ask for properties of a resource, or (depth 1) of those in it as well."""
        answer = await self.ask("PROPFIND", url, xml.request(xml.DAV + "propfind", xml.prop(names)), depth=depth)
        return await self.understood(answer)

    async def ask(self, method: str, url: str, body: bytes, *, depth: int) -> Answer:
        """Send a request with XML in it; whatever comes is an answer."""
        return await self._asked(method, url, {**_XML, "Depth": str(depth)}, body)

    async def ask_plainly(self, method: str, url: str, body: bytes, *, depth: int) -> Answer:
        """Do the same, and answer also what came from where the server redirects to, without the password."""
        return await self.visit.request(method, url, headers={**_XML, "Depth": str(depth)}, content=body)

    async def understood(self, answer: Answer) -> xml.MultiStatus:
        """Read an answer that is to be a multi-status."""
        if answer.status != 207:
            refuse(answer)
        if len(answer.body) > _LARGE:
            return await asyncio.to_thread(xml.multi_status, answer.body, answer.url)
        return xml.multi_status(answer.body, answer.url)

    async def get(self, url: str) -> Stored | None:
        """Read a resource; None: it is not there."""
        answer = await self._asked("GET", url, {"Accept": "text/calendar", **_AS_IT_IS})
        if answer.status in GONE:
            return None
        if answer.status != 200:
            refuse(answer)
        return Stored(etag(answer.headers.get("etag")), answer.body.decode("utf-8", "replace"))

    async def put(self, url: str, text: str, condition: Mapping[str, str]) -> Answer:
        """Store a resource without a word to anybody; whatever comes is an answer.

        What stands there may have come with guests the server would tell that they are invited no more.
        """
        return await self._asked("PUT", url, {**_ICS, **_SILENTLY, **condition}, text.encode())

    async def delete(self, url: str, condition: Mapping[str, str]) -> Answer:
        """Delete a resource without a word to anybody; whatever comes is an answer."""
        return await self._asked("DELETE", url, {**_SILENTLY, **condition})

    async def _asked(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None) -> Answer:
        answer = await self.visit.request(method, url, headers=headers, content=content)
        self.is_davical |= "x-davical-version" in answer.headers
        if answer.status == 401 and origin(answer.url) != origin(url):
            # Where it leads to was not told the password: that says nothing about it.
            raise Upstream("The calendar server has moved to another address.")
        return answer


def etag(told: str | None) -> str | None:
    """Write an ETag without what proxies add (W/ for weak) and without quotes; None for none."""
    return (told or "").strip().removeprefix("W/").strip('"') or None


def if_match(known: str | None) -> dict[str, str]:
    """Make the condition that a resource is as known; none where that is not known."""
    return {} if known is None else {"If-Match": f'"{known}"'}


def refuse(answer: Answer) -> NoReturn:
    """Say why a server did not do what it was asked.

    Raises:
        CredentialRefused: 401.
        Upstream: anything else.
    """
    if answer.status == 401:
        raise CredentialRefused("The calendar server does not take the user name or the password.")
    if answer.status in (429, 503):
        raise put_off(answer, "The calendar server asks us to come back later.")
    if answer.status in GONE:
        raise Upstream("The calendar is not there any more, or not to be seen by this user.")
    raise Upstream(f"The calendar server answered {answer.status}.")
