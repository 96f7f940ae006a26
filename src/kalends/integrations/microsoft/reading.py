"""Reading a calendar: what Graph says changed in a view of it, and what stands in that view.

Incremental reading of a view (calendarView/delta) tells nothing of use about series: their occurrences come with bare
times, whether one is free, declined or cancelled stands elsewhere, and of one that was deleted there is no word; its
series is merely reported again, and a series that was deleted by the name of its master. So a series is one event to
us, named as its master, and is read anew in whole whenever anything of it is reported. A first reading takes only the
link to go on with from incremental reading and lists the view, where all instances come with all that is known.

What Graph calls removed may just lie outside the view (its documentation says so), as case K14 expects.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from whenever import Instant

from kalends.domain.remote_events import RemoteCalendar, Window
from kalends.domain.sync import MOST_EVENTS
from kalends.integrations.oauth import JsonApi, nonsense
from kalends.ports import CalendarTooLarge, SyncTokenDead

from . import identity
from .events import SELECT, series_of
from .refusals import VENDOR, Missing, gone, refused, state_lost

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
        series: of which something was said.
    """

    events: list[Mapping[str, Any]]
    series: list[str]
    gone: list[str]
    token: Token


async def begin(api: JsonApi, calendar: RemoteCalendar, window: Window) -> Token:
    """Find where a reading that lists the window from now on goes on.

    Raises:
        CalendarTooLarge: there is more than we read of one calendar.
    """
    path = f"{calendar_path(calendar)}/calendarView/delta"
    link = None
    count = 0
    async for page in _pages(api, path, _bounds(window), reporting=True):
        count = _counted(count, page)
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
    removed = [key for key, item in found.items() if "@removed" in item]
    events = [item for item in found.values() if "@removed" not in item]
    series = dict.fromkeys(master for item in events if (master := series_of(item)))
    return Changed([one for one in events if not series_of(one)], list(series), removed, _token(token.window, link))


async def listed(api: JsonApi, calendar: RemoteCalendar, window: Window) -> AsyncIterator[list[Mapping[str, Any]]]:
    """List all that lies in the window, every instance of a series with all that is known of it.

    Raises:
        CalendarTooLarge: there is more than we read of one calendar.
    """
    query = {**_bounds(window), "$select": SELECT, "$expand": identity.EXPAND, "$top": LISTED_AT_ONCE}
    count = 0
    async for page in _pages(api, f"{calendar_path(calendar)}/calendarView", query):
        count = _counted(count, page)
        yield list(page["value"])


async def instances(api: JsonApi, master: str, window: Window) -> list[Mapping[str, Any]] | None:
    """List what of a series lies in the window; None: there is no such series any more."""
    query = {**_bounds(window), "$select": SELECT, "$expand": identity.EXPAND, "$top": LISTED_AT_ONCE}
    found: list[Mapping[str, Any]] = []
    try:
        async for page in _pages(api, f"{event_path(master)}/instances", query):
            _counted(len(found), page)
            found += page["value"]
    except Missing:
        return None
    return found


async def find(api: JsonApi, remote_id: str, *, select: str = SELECT) -> Mapping[str, Any] | None:
    """Read one event; None: Graph says of just this one that it is not there."""
    query = {"$select": select, "$expand": identity.EXPAND}
    answer = await api.call("GET", event_path(remote_id), query=query, headers={"Prefer": UTC})
    if gone(answer):
        return None
    if not answer.good:
        raise refused(answer)
    return answer.body


async def every(api: JsonApi, path: str, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """List a whole collection."""
    return [item async for page in _pages(api, path, query) for item in page["value"]]


def calendar_path(calendar: RemoteCalendar) -> str:
    """Name a calendar as a path."""
    return f"me/calendars/{quote(calendar.remote_id, safe='')}"


def event_path(remote_id: str) -> str:
    """Name an event as a path."""
    return f"me/events/{quote(remote_id, safe='')}"


async def _pages(
    api: JsonApi,
    address: str,
    query: Mapping[str, str] | None,
    *,
    reporting: bool = False,
    going_on: bool = False,
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


def _counted(count: int, page: Mapping[str, Any]) -> int:
    """Count a page's events to those before."""
    count += len(page["value"])
    if count > MOST_EVENTS:
        raise CalendarTooLarge
    return count


def _bounds(window: Window) -> dict[str, str]:
    return {"startDateTime": window.start.format_iso(), "endDateTime": window.end.format_iso()}


def _token(window: Window, link: object) -> Token:
    if not isinstance(link, str):
        raise nonsense(VENDOR)
    return Token(window, link)
