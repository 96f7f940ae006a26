"""Reading a calendar: all of a window, or what changed since (RFC 6578; by ctag where a server has no sync-collection).

Our token is `sync:` and the server's sync-token, or `ctag:` and the calendar's ctag.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urljoin

from whenever import Instant

from kalends.domain.remote_events import Page, RemoteCalendar, RemoteEvent, Window
from kalends.domain.sync import MOST_EVENTS
from kalends.integrations.web import Answer
from kalends.ports import CalendarTooLarge, SyncTokenDead

from . import tokens, xml
from .addresses import folder, path_of
from .dav import GONE, Dav, etag, refuse
from .xml import CAL, DAV, SERVER

BATCH = 100  # resources asked for at once
MOST_PARTS = 1_000  # of one list of changes

_DAY_H = 24
# What it says has nothing to do with the question: not let in, not there, busy, or something before it is down.
_NOT_ABOUT_IT = (401, *GONE, 429, 502, 503, 504)


class Expander(Protocol):
    """Turns iCalendar into events, within bounds of memory and time."""

    async def events(
        self,
        resources: Sequence[tuple[str, str | None, str]],
        *,
        zone: str | None,
        window: Window,
        own: Collection[str],
    ) -> list[RemoteEvent]:
        """Read resources (name, ETag, iCalendar text) for a window: one event for each, in their order."""
        ...


@dataclass(slots=True)
class _Changes:
    """Paths of what changed, and of what is gone; what was told last counts."""

    changed: dict[str, None] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)

    def note(self, path: str, *, gone: bool) -> None:
        (self.changed if gone else self.gone).pop(path, None)
        (self.gone if gone else self.changed)[path] = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one calendar."""

    dav: Dav
    expander: Expander
    calendar: RemoteCalendar
    window: Window
    own: Collection[str]

    async def pages(self, token: str | None) -> AsyncIterator[Page]:
        """Read on from a token, or all; as `ports.CalendarAccount.changes`."""
        if token is not None and token.startswith("sync:"):
            async for page in self._since(token.removeprefix("sync:")):
                yield page
            return
        now = await self._token()
        if token is not None and now == token:
            yield Page((), token=token)
            return
        async for page in self._all(now):
            yield page

    async def event(self, path: str) -> RemoteEvent | None:
        """Read one resource; None only where it is gone and its calendar is not."""
        url = urljoin(self.calendar.remote_id, path)
        stored = await self.dav.get(url)
        if stored is None:
            # A server that is broken or was moved says 404 to everything.
            await self._state()
            return None
        version = stored.etag or await self._etag(url)
        return (await self._events([(path, version, stored.text)]))[0]

    async def _all(self, token: str | None) -> AsyncIterator[Page]:
        # The token is older than the list: what changes meanwhile is told twice rather than never.
        paths = await self._listed()
        if len(paths) > MOST_EVENTS:
            raise CalendarTooLarge
        for start in range(0, len(paths) or 1, BATCH):
            resources, _ = await self._fetched(paths[start : start + BATCH])
            is_last = start + BATCH >= len(paths)
            yield Page(await self._events(resources), token=token if is_last else None, complete=True)

    async def _since(self, token: str) -> AsyncIterator[Page]:
        changes, new = await self._changes(token)
        if len(changes.changed) > MOST_EVENTS:
            raise SyncTokenDead  # most of it is not in the window
        complete = await self._is_all(changes)
        paths = list(changes.changed)
        for start in range(0, len(paths) or 1, BATCH):
            resources, missing = await self._fetched(paths[start : start + BATCH])
            for path in missing:
                changes.note(path, gone=True)
            is_last = start + BATCH >= len(paths)
            gone = tuple(changes.gone) if is_last else ()
            yield Page(await self._events(resources), gone, token=f"sync:{new}" if is_last else None, complete=complete)

    async def _changes(self, token: str) -> tuple[_Changes, str]:
        changes = _Changes()
        for _ in range(MOST_PARTS):
            body = xml.request(
                DAV + "sync-collection",
                xml.part(DAV + "sync-token", text=token),
                xml.part(DAV + "sync-level", text="1"),
                xml.prop([DAV + "getetag"]),
            )
            answer = await self.dav.ask("REPORT", self.calendar.remote_id, body, depth=0)
            if _is_refused(answer):
                raise SyncTokenDead
            told = await self.dav.understood(answer)
            for one in self._members(told):
                changes.note(path_of(one.url), gone=one.status in GONE)
            if told.sync_token is None or (told.is_cut and told.sync_token == token):
                raise SyncTokenDead
            if tokens.has_forgotten(token, told):
                raise SyncTokenDead
            asked, token = token, told.sync_token
            if not told.is_cut:
                return changes, tokens.secured(token, asked)
        raise SyncTokenDead

    async def _is_all(self, changes: _Changes) -> bool:
        """Tell that what changed is all there is.

        DAViCal lists that where it does not know a token any more, and neither says so nor what is gone.
        """
        if not changes.changed or changes.gone or not self.dav.is_davical:
            return False
        return changes.changed.keys() >= set(await self._listed())

    async def _token(self) -> str | None:
        state = await self._state()
        token, reports = state.text(DAV + "sync-token"), state.names(DAV + "supported-report-set")
        if token and (not reports or DAV + "sync-collection" in reports):
            return f"sync:{tokens.secured(token)}"
        ctag = state.text(SERVER + "getctag")
        return f"ctag:{ctag}" if ctag else None

    async def _state(self) -> xml.Resource:
        """Look at the calendar itself.

        Raises:
            Upstream: also where it is not there, or no calendar.
        """
        names = (DAV + "resourcetype", DAV + "sync-token", DAV + "supported-report-set", SERVER + "getctag")
        told = await self.dav.propfind(self.calendar.remote_id, names)
        for one in told.resources:
            if CAL + "calendar" in one.names(DAV + "resourcetype"):
                return one
        raise xml.NotDav("The calendar is not there any more.")

    async def _listed(self) -> list[str]:
        """List what may have a part in the window."""
        answer = await self.dav.ask("REPORT", self.calendar.remote_id, _query(self.window), depth=1)
        if not _is_refused(answer):
            told = await self.dav.understood(answer)
            if not told.is_cut:
                return [path_of(one.url) for one in self._members(told) if one.status in (None, 200)]
        names = (DAV + "getetag", DAV + "resourcetype", DAV + "getcontenttype")
        told = await self.dav.propfind(self.calendar.remote_id, names, depth=1)
        if told.is_cut:
            raise CalendarTooLarge
        return [path_of(one.url) for one in self._members(told) if _may_be_event(one)]

    async def _fetched(self, paths: Sequence[str]) -> tuple[list[tuple[str, str | None, str]], list[str]]:
        """Read resources; answers them, and the paths of those that are not there."""
        if not paths:
            return [], []
        body = xml.request(
            CAL + "calendar-multiget",
            xml.prop([DAV + "getetag", CAL + "calendar-data"]),
            *(xml.part(DAV + "href", text=path) for path in paths),
        )
        answer = await self.dav.ask("REPORT", self.calendar.remote_id, body, depth=1)
        if answer.status in GONE:
            refuse(answer)
        told = [] if _is_refused(answer) else (await self.dav.understood(answer)).resources
        by_path = {path_of(one.url): one for one in told}
        resources, missing = [], []
        for path in paths:
            found = await self._one(path, by_path.get(path))
            if found is None:
                missing.append(path)
            else:
                resources.append(found)
        return resources, missing

    async def _one(self, path: str, told: xml.Resource | None) -> tuple[str, str | None, str] | None:
        if told is not None and (data := told.text(CAL + "calendar-data")):
            return path, etag(told.text(DAV + "getetag")), data
        # Missing from the answer, or just its data is (case K14): only its own 404 says that it is not there.
        url = urljoin(self.calendar.remote_id, path)
        stored = await self.dav.get(url)
        return None if stored is None else (path, stored.etag or await self._etag(url), stored.text)

    async def _etag(self, url: str) -> str | None:
        return await version(self.dav, url)

    async def _events(self, resources: Sequence[tuple[str, str | None, str]]) -> list[RemoteEvent]:
        return await self.expander.events(resources, zone=self.calendar.zone, window=self.window, own=self.own)

    def _members(self, told: xml.MultiStatus) -> list[xml.Resource]:
        """Answer what is in the calendar: servers list the calendar itself, too, and folders."""
        own = folder(self.calendar.remote_id)
        return [one for one in told.resources if not one.url.endswith("/") and folder(one.url) != own]


async def version(dav: Dav, url: str) -> str | None:
    """Ask for a resource's ETag; None: it has none."""
    told = await dav.propfind(url, [DAV + "getetag"])
    return next((etag(one.text(DAV + "getetag")) for one in told.resources), None)


def _is_refused(answer: Answer) -> bool:
    """Tell that the server does not do what was asked; each has a status of its own for that."""
    return answer.status >= 400 and answer.status not in _NOT_ABOUT_IT


def _query(window: Window) -> bytes:
    """Ask for events in a window, a day wider: servers read times without a zone in one of their own."""
    span = xml.part(
        CAL + "time-range",
        start=_utc(window.start.subtract(hours=_DAY_H)),
        end=_utc(window.end.add(hours=_DAY_H)),
    )
    event = xml.part(CAL + "comp-filter", span, name="VEVENT")
    whole = xml.part(CAL + "filter", xml.part(CAL + "comp-filter", event, name="VCALENDAR"))
    return xml.request(CAL + "calendar-query", xml.prop([DAV + "getetag"]), whole)


def _utc(instant: Instant) -> str:
    return instant.to_stdlib().strftime("%Y%m%dT%H%M%SZ")


def _may_be_event(one: xml.Resource) -> bool:
    kind = one.text(DAV + "getcontenttype") or ""
    is_calendar = kind.startswith("text/calendar") or not kind
    return is_calendar and "vtodo" not in kind.lower() and DAV + "collection" not in one.names(DAV + "resourcetype")
