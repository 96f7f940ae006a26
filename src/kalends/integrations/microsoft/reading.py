"""Reading a calendar: what Graph's incremental reading of a view reports, and listing that view.

Incremental reading of a view (calendarView/delta) cannot be relied on for what it tells of series: occurrences come
with nothing but their times, whether one is free, declined or cancelled stands elsewhere, and of one that was deleted
there is no word; its series is merely reported again. It is relied on for this: that something changed, and what
became of events that do not recur. So a first reading takes only the link to go on with from it and lists the view,
and a later one lists the view anew when it says anything of a series. A listing is one request for most calendars.

What it calls removed may just lie outside the view (its documentation says so), as case K14 expects.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from whenever import Instant

from kalends.domain.remote_events import RemoteCalendar, Window
from kalends.integrations.oauth import JsonApi, nonsense
from kalends.ports import SyncTokenDead

from . import identity
from .events import SELECT
from .refusals import VENDOR, refused, state_lost

LISTED_AT_ONCE = "250"
# What is reported comes whole, texts included: answers must not outgrow what we read of one.
REPORTED_AT_ONCE = 200
UTC = 'outlook.timezone="UTC"'
_REPORTING = {"Prefer": f'{UTC}, odata.maxpagesize={REPORTED_AT_ONCE}, outlook.body-content-type="text"'}


@dataclass(frozen=True, slots=True)
class Token:
    """Where a reading goes on; Graph ties that to the window it began with."""

    window: Window
    link: str

    @classmethod
    def read(cls, given: str, window: Window) -> Token:
        """Read a token that was written here.

        Raises:
            SyncTokenDead: it is of no use for this window.
        """
        try:
            start, end, link = json.loads(given)
            token = cls(Window(Instant.parse_iso(start), Instant.parse_iso(end)), str(link))
        except (ValueError, TypeError):
            raise SyncTokenDead from None
        if window.start < token.window.start or window.end > token.window.end:
            raise SyncTokenDead
        return token

    def write(self) -> str:
        """Write it as text."""
        return json.dumps([self.window.start.format_iso(), self.window.end.format_iso(), self.link])


@dataclass(frozen=True, slots=True)
class Changed:
    """What was reported.

    Attributes:
        events: of events that do not recur, as they are now.
        recurring: something was said of a series.
    """

    events: list[Mapping[str, Any]]
    gone: list[str]
    recurring: bool
    token: Token


async def begin(api: JsonApi, calendar: RemoteCalendar, window: Window) -> Token:
    """Find where a reading that lists the window from now on goes on."""
    path = f"{calendar_path(calendar)}/calendarView/delta"
    link = None
    async for page in _pages(api, path, _bounds(window), reporting=True):
        link = page.get("@odata.deltaLink")
    return _token(window, link)


async def changed(api: JsonApi, token: Token) -> Changed:
    """Ask what changed since.

    Raises:
        SyncTokenDead: Graph does not know any more where that was.
    """
    found: dict[str, Mapping[str, Any]] = {}  # what comes twice counts as it came last
    link = None
    async for page in _pages(api, token.link, None, reporting=True, going_on=True):
        link = page.get("@odata.deltaLink")
        for item in page["value"]:
            found[str(item.get("id"))] = item
    gone = [key for key, item in found.items() if "@removed" in item]
    events = [item for item in found.values() if "@removed" not in item]
    recurring = any(item.get("type") != "singleInstance" for item in events)
    return Changed(events, gone, recurring, _token(token.window, link))


async def listed(api: JsonApi, calendar: RemoteCalendar, window: Window) -> AsyncIterator[list[Mapping[str, Any]]]:
    """List all that lies in the window, every instance of a series with all that is known of it."""
    query = {**_bounds(window), "$select": SELECT, "$expand": identity.EXPAND, "$top": LISTED_AT_ONCE}
    async for page in _pages(api, f"{calendar_path(calendar)}/calendarView", query):
        yield list(page["value"])


async def every(api: JsonApi, path: str, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """List a whole collection."""
    return [item async for page in _pages(api, path, query) for item in page["value"]]


def calendar_path(calendar: RemoteCalendar) -> str:
    """Name a calendar as a path."""
    return f"me/calendars/{quote(calendar.remote_id, safe='')}"


async def _pages(
    api: JsonApi, address: str, query: Mapping[str, str] | None, *, reporting: bool = False, going_on: bool = False
) -> AsyncIterator[Mapping[str, Any]]:
    """Ask for page after page, as each names the next.

    Args:
        reporting: the pages are of incremental reading.
        going_on: they go on where an earlier reading ended.
    """
    headers = _REPORTING if reporting else {"Prefer": UTC}
    next_page: str | None = address
    while next_page:
        answer = await api.call("GET", next_page, query=query, headers=headers)
        if not answer.good:
            raise SyncTokenDead if going_on and state_lost(answer) else refused(answer)
        if not isinstance(answer.body.get("value"), list):
            raise nonsense(VENDOR)
        yield answer.body
        next_page, query = answer.body.get("@odata.nextLink"), None


def _bounds(window: Window) -> dict[str, str]:
    return {"startDateTime": window.start.format_iso(), "endDateTime": window.end.format_iso()}


def _token(window: Window, link: object) -> Token:
    if not isinstance(link, str):
        raise nonsense(VENDOR)
    return Token(window, link)
