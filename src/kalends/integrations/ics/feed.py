"""Fetching a feed, and telling whether it is one."""

from __future__ import annotations

from dataclasses import dataclass

from kalends.errors import Upstream
from kalends.integrations.expanding import Feed
from kalends.integrations.web import Answer, Visit, put_off
from kalends.ports import CredentialRefused

ACCEPTED = "text/calendar, */*;q=0.1"
_BUSY = (429, 503)


class Gone(Upstream):
    """Nothing is at this address any more."""


class NoCalendar(Upstream):
    """What is at this address is no calendar."""


@dataclass(frozen=True, slots=True)
class Found:
    """A feed as it was sent."""

    body: bytes
    etag: str | None
    modified: str | None


@dataclass(frozen=True, slots=True)
class Download:
    """Where a feed is fetched from."""

    visit: Visit
    url: str

    async def get(self) -> Found:
        """Fetch it.

        Raises: as `changed`.
        """
        found = await self.changed(None, None)
        if found is None:
            raise Upstream("The server says that nothing has changed, though nobody asked it.")
        return found

    async def changed(self, etag: str | None, modified: str | None) -> Found | None:
        """Fetch it unless it is as it was (RFC 9110 13.1); None: it is.

        Raises:
            CredentialRefused: nobody is let in without another user and password.
            Gone, NoCalendar, Upstream
        """
        headers = {"Accept": ACCEPTED}
        if etag is not None:
            headers["If-None-Match"] = etag
        elif modified is not None:
            headers["If-Modified-Since"] = modified
        answer = await self.visit.request("GET", self.url, headers=headers)
        if answer.status == 304 and len(headers) > 1:
            return None
        _refuse(answer)
        return Found(answer.body, answer.headers.get("etag"), answer.headers.get("last-modified"))


def ensure_whole(read: Feed) -> None:
    """Make sure that what was read is a calendar to its end.

    Raises:
        NoCalendar: it is something else.
        Upstream: its end is missing, and with it events that nobody could know of.
    """
    if not read.head.is_calendar:
        raise NoCalendar("What is at this address is no calendar (iCalendar, usually called .ics).")
    if not read.head.is_whole:
        raise Upstream("The feed ends in the middle.")


def _refuse(answer: Answer) -> None:
    if answer.status in (401, 403):
        raise CredentialRefused("The server does not let anybody read this feed with what the address holds.")
    if answer.status in (404, 410):
        raise Gone("There is no feed at this address, or not any more.")
    if answer.status in _BUSY:
        raise put_off(answer, "The feed's server is busy.")
    if answer.status != 200:
        raise Upstream(f"The feed's server answers with status {answer.status}.")
    is_page = answer.headers.get("content-type", "").lower().startswith("text/html")
    if is_page or answer.body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise NoCalendar("There is a web page at this address: take the one that is called iCal, ICS or feed.")
