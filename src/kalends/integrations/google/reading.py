"""Reading a Google calendar: all of a window, what changed since, or no more than when it is busy.

Deltas are asked for by series, not by instance (singleEvents): with instances Google sends those of an endless series
up to decades ahead, and of a deleted one no more than some months of them. So a token is always one for series; what a
changed series comes to in the window is asked for by itself, and a series is one event with all its occurrences.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from whenever import Instant

from kalends.domain.remote_events import Occurrence, Page, RemoteCalendar, RemoteEvent, Window
from kalends.domain.sync import MOST_EVENTS
from kalends.integrations.oauth import Answer, nonsense
from kalends.ports import CalendarTooLarge, SyncTokenDead

from . import events
from .api import VENDOR, GoogleApi, calendar_path, event_path, items, no_calendar, refusal
from .events import Item

PAGE_SIZE = 2500  # the most Google gives
MOST_TOKEN_PAGES = 40  # a calendar with a longer past is read anew each time
MOST_CHANGED_SERIES = 50  # more of them are read sooner all together
STEP_HOURS = 60 * 24  # of free/busy; Google refuses long ones
PAGE_EVENTS = 500  # of ours


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one calendar."""

    api: GoogleApi
    calendar: RemoteCalendar
    window: Window
    own: Collection[str]

    async def anew(self) -> AsyncIterator[Page]:
        """Read all that is there in the window."""
        # First the token: what changes while we read is then told twice rather than never.
        token = await self._token()
        if token is _HIDDEN:
            for page in _pages(await self._free_busy(), complete=True):
                yield page
            return
        query = {**self._span(), "singleEvents": "true", "maxResults": str(PAGE_SIZE), "fields": events.LIST_FIELDS}
        found = _Found()
        async for answer in self.api.pages(self._events, query):
            found.add(answer)
            _bounded(found.count)
            singles = [self._event(key, [item], found.zone) for key, item in found.singles.items()]
            for page in _pages(singles, complete=True) if singles else ():
                yield page
            found.singles.clear()
        several = [self._event(key, instances, found.zone) for key, instances in found.series.items()]
        for page in _pages(several, token=token, complete=True):
            yield page

    async def since(self, token: str) -> AsyncIterator[Page]:
        """Read what changed.

        Raises:
            SyncTokenDead: before the first page, also where reading anew is less work.
        """
        changes = await self._changes(token)
        read: list[RemoteEvent] = []
        gone: list[str] = []
        for key, item in changes.singles.items():
            if not events.cancelled(item):
                read.append(self._event(key, [item], changes.zone))
                changes.series.pop(key, None)  # it recurred once, and these are the instances it had
            elif all(events.cancelled(each) for each in changes.series.get(key, ())):
                gone.append(key)
                changes.series.pop(key, None)
            # Else it was a series, and its owner is still invited to a part of it.
        for key, changed in changes.series.items():
            event = await self.series(key, changed, zone=changes.zone)
            if event:
                read.append(event)
            else:
                gone.append(key)
        for page in _pages(read, gone=gone, token=changes.token):
            yield page

    async def series(self, key: str, changed: Sequence[Item], *, zone: str) -> RemoteEvent | None:
        """Read what a series comes to in the window; None: it is no more.

        Args:
            changed: the series and those instances of it that changed.
        """
        whole = next((item for item in changed if events.name(item) == key), None)
        live = [item for item in changed if not events.cancelled(item)]
        if whole is not None and not live:
            return None
        instances = await self._instances(key)
        if instances is None:
            instances = await self._invited_to(key, changed, live)
        etag = whole.get("etag") if whole else None
        if instances:
            return self._event(key, instances, zone, etag=etag)
        if whole is not None and not events.cancelled(whole):  # it takes place at other times than these
            return RemoteEvent(key, whole.get("iCalUID"), etag)
        return None

    async def _instances(self, key: str) -> list[Item] | None:
        """Ask for a series' instances; None: there is no such series."""
        path = f"{event_path(self.calendar, key)}/instances"
        query = {**self._span(), "maxResults": str(PAGE_SIZE), "fields": events.LIST_FIELDS}
        found: list[Item] = []
        async for answer in self.api.pages(path, query, expected=(404, 410)):
            if not answer.good:
                return None
            found += items(answer)
            _bounded(len(found))
        return found

    async def _invited_to(self, key: str, changed: Sequence[Item], live: Sequence[Item]) -> list[Item]:
        """Look for the instances of a series whose owner was invited to some of them, not to the series."""
        uid = next((item["iCalUID"] for item in changed if item.get("iCalUID")), None)
        if uid is None:
            if live:
                raise nonsense(VENDOR)
            raise SyncTokenDead  # nothing tells which of them are left
        query = {**self._span(), "iCalUID": uid, "singleEvents": "true", "fields": events.LIST_FIELDS}
        found: list[Item] = []
        async for answer in self.api.pages(self._events, query):
            found += (item for item in items(answer) if item.get("recurringEventId") == key)
            _bounded(len(found))
        return found

    async def _changes(self, token: str) -> _Found:
        changes = _Found()
        query = {"syncToken": token, "maxResults": str(PAGE_SIZE), "fields": events.LIST_FIELDS}
        async for answer in self.api.pages(self._events, query, expected=(400, 403, 404, 410)):
            if answer.status in (403, 404):
                self._hidden(answer)
            # 400 is what Google says to a token that never was one of its own.
            if not answer.good:
                raise SyncTokenDead
            changes.add(answer)
            if changes.count > MOST_EVENTS or len(changes.series) > MOST_CHANGED_SERIES:
                raise SyncTokenDead
        if not changes.token:
            raise SyncTokenDead
        return changes

    async def _token(self) -> str | None:
        """Ask where the next reading goes on, and for nothing else.

        Of the whole calendar: bounds given now would go on to hold, and hide what is moved out of them.
        """
        query = {"maxResults": str(PAGE_SIZE), "fields": "nextPageToken,nextSyncToken"}
        pages = 0
        async for answer in self.api.pages(self._events, query, expected=(403, 404)):
            if not answer.good:
                return self._hidden(answer)
            pages += 1
            if pages == MOST_TOKEN_PAGES:
                return None
            token = answer.body.get("nextSyncToken")
        return token if isinstance(token, str) else None

    def _hidden(self, answer: Answer) -> str:
        """Tell a calendar that shows no more than when it is busy from one that is gone."""
        if not self.calendar.writable:
            return _HIDDEN
        raise no_calendar(self.calendar) if answer.status == 404 else refusal(answer)

    async def _free_busy(self) -> list[RemoteEvent]:
        """Read when the calendar is busy; the next reading does so again, as nothing tells what changed."""
        busy: dict[str, RemoteEvent] = {}
        for start, end in _steps(self.window):
            body = {
                "timeMin": start.format_iso(),
                "timeMax": end.format_iso(),
                "items": [{"id": self.calendar.remote_id}],
            }
            for occurrence in self._busy(await self.api.call("POST", "freeBusy", body=body)):
                key = f"{occurrence.start.format_iso()}/{occurrence.end.format_iso()}"
                busy[key] = RemoteEvent(key, None, occurrences=(occurrence,))
            _bounded(len(busy))
        return list(busy.values())

    def _busy(self, answer: Answer) -> Iterator[Occurrence]:
        found = answer.body.get("calendars", {})
        mine = found.get(self.calendar.remote_id) if isinstance(found, dict) else None
        if not isinstance(mine, dict) or mine.get("errors"):
            raise no_calendar(self.calendar)
        for span in mine.get("busy", ()):
            start, end = (events.instant({"dateTime": span.get(bound)}, "UTC") for bound in ("start", "end"))
            yield Occurrence(start, end)

    def _event(self, remote_id: str, found: Sequence[Item], zone: str, *, etag: str | None = None) -> RemoteEvent:
        zone = self.calendar.zone or zone
        return events.event(remote_id, found, zone=zone, window=self.window, own=self.own, etag=etag)

    def _span(self) -> dict[str, str]:
        return {"timeMin": self.window.start.format_iso(), "timeMax": self.window.end.format_iso()}

    @property
    def _events(self) -> str:
        return f"{calendar_path(self.calendar)}/events"


_HIDDEN = "hidden"  # in the place of a token, by identity


@dataclass(slots=True)
class _Found:
    """What several pages of a list hold; of an event listed twice the later word."""

    zone: str = "UTC"
    token: str | None = None
    singles: dict[str, Item] = field(default_factory=dict)
    series: dict[str, list[Item]] = field(default_factory=dict)
    count: int = 0

    def add(self, answer: Answer) -> None:
        self.zone = str(answer.body.get("timeZone") or self.zone)
        self.token = answer.body.get("nextSyncToken")
        found = items(answer)
        for item in found:
            key = events.series(item)
            if key:
                self.series.setdefault(key, []).append(item)
            else:
                self.singles[events.name(item)] = item
        self.count += len(found)


def _bounded(count: int) -> None:
    if count > MOST_EVENTS:
        raise CalendarTooLarge


def _pages(
    found: Sequence[RemoteEvent], *, gone: Sequence[str] = (), token: str | None = None, complete: bool = False
) -> Iterator[Page]:
    """Cut what was found into pages, of which the last has the token; one at least."""
    last = max(0, (len(found) - 1) // PAGE_EVENTS)
    for number in range(last + 1):
        part = found[number * PAGE_EVENTS : (number + 1) * PAGE_EVENTS]
        ends = number == last
        yield Page(part, gone=gone if ends else (), token=token if ends else None, complete=complete)


def _steps(window: Window) -> Iterator[tuple[Instant, Instant]]:
    start = window.start
    while start < window.end:
        end = min(start.add(hours=STEP_HOURS), window.end)
        yield start, end
        start = end
