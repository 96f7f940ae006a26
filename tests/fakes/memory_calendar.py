"""A calendar account in memory: etags, sync tokens and an event for each UID, as CalDAV has them; fails on request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import uuid4

from whenever import Instant

from kalends.domain.remote_events import (
    Answer,
    Channel,
    Entry,
    Occurrence,
    Page,
    RemoteCalendar,
    RemoteEvent,
    Window,
    Written,
)
from kalends.ports import CalendarKind, Connected, Credential, EntryChanged, Keep, SyncTokenDead

PERSONAL = RemoteCalendar("/ada/personal/", "Personal", "Europe/Berlin", is_default=True)
WORK = RemoteCalendar("/ada/work/", "Work", "Europe/Berlin")


@dataclass(frozen=True)
class Stored:
    """One event of a calendar.

    Attributes:
        changed_in: the version of the account it was changed in last; its etag.
        entry: what we wrote; None of somebody else's.
        answer: the owner's.
    """

    remote_id: str
    uid: str
    start: Instant
    end: Instant
    changed_in: int
    entry: Entry | None = None
    transparent: bool = False
    answer: Answer | None = None
    guests: tuple[tuple[str, Answer], ...] = ()
    link: str | None = None
    unreadable: str | None = None

    @property
    def etag(self) -> str:
        return f'"{self.changed_in}"'


@dataclass
class MemoryCalendar:
    """A provider with one account, which is the account as well.

    Attributes:
        failure: raised by whatever is asked next, until it is taken away.
        loses: the next answers to what was written or deleted get lost after it was done; they raise these failures.
        links: addresses handed out for entries that ask for a meeting, one each; none: it makes none.
        phantoms: names that every reading says are gone, though they are there (case K14).
        asked: what was asked of it, by name.
        zones, tokens: in which its days were to be read, and from where on, each time.
    """

    kind: CalendarKind = "caldav"
    lacking: Sequence[str] = ()
    calendars_there: list[RemoteCalendar] = field(default_factory=lambda: [PERSONAL, WORK])
    failure: Exception | None = None
    loses: list[Exception] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    phantoms: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    zones: list[str | None] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    version: int = 0
    oldest_token: int = 0
    events: dict[str, dict[str, Stored]] = field(default_factory=dict)
    deleted: list[tuple[int, str, str]] = field(default_factory=list)

    # What its owner does on his own devices.

    def add(self, start: Instant, end: Instant, calendar: RemoteCalendar = PERSONAL, *, uid: str = "") -> Stored:
        """Let the owner make an event."""
        uid = uid or str(uuid4())
        return self._store(calendar, Stored(f"{calendar.remote_id}{uid}.ics", uid, start, end, 0))

    def move(self, event: Stored, start: Instant, end: Instant, calendar: RemoteCalendar = PERSONAL) -> Stored:
        """Let the owner drag an event somewhere else."""
        return self._store(calendar, replace(event, start=start, end=end))

    def remove(self, event: Stored, calendar: RemoteCalendar = PERSONAL) -> None:
        """Let the owner delete an event."""
        self.version += 1
        del self.events[calendar.remote_id][event.remote_id]
        self.deleted.append((self.version, calendar.remote_id, event.remote_id))

    def shown(self, calendar: RemoteCalendar = PERSONAL) -> list[Stored]:
        """List what the owner sees, by start."""
        return sorted(self.events.get(calendar.remote_id, {}).values(), key=lambda one: (one.start, one.uid))

    def forget_tokens(self) -> None:
        """Let all tokens handed out so far be dead."""
        self.version += 1
        self.oldest_token = self.version

    # The provider.

    @asynccontextmanager
    async def open(self, credential: Credential, keep: Keep) -> AsyncIterator[MemoryCalendar]:
        """Open its one account."""
        yield self

    async def connect(self, form: Mapping[str, str]) -> Connected:
        """Let anybody in."""
        self._answer("connect")
        return Connected("ada", "ada@acme.test", dict(form))

    # The account.

    async def calendars(self) -> Sequence[RemoteCalendar]:
        """List its calendars."""
        self._answer("calendars")
        return list(self.calendars_there)

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        """Read all, or what changed since a token; one event to a page."""
        self._answer("changes")
        self.zones.append(calendar.zone)
        self.tokens.append(token)
        since, version = int(token) if token else -1, self.version
        if token and since < self.oldest_token:
            raise SyncTokenDead
        found = [one for one in self.shown(calendar) if one.changed_in > since]
        gone = [name for at, where, name in self.deleted if token and at > since and where == calendar.remote_id]
        gone += [name for name in self.phantoms if name in self.events.get(calendar.remote_id, {})]
        for one in found:
            yield Page([seen(one, window)], complete=token is None)
        yield Page([], gone=gone, token=str(version), complete=token is None)

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        """Read one event."""
        self._answer("event")
        found = self.events.get(calendar.remote_id, {}).get(remote_id)
        return seen(found, window) if found else None

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        """Write an entry; its UID decides which event it is."""
        self._answer("put")
        there = self.events.get(calendar.remote_id, {})
        same = next((one for one in there.values() if one.uid == entry.uid), None)
        present = there.get(known.remote_id) if known else same
        if known and known.etag and (present is None or present.etag != known.etag):
            raise EntryChanged
        link = present.link if present else None
        if entry.meeting and link is None and self.links:
            link = self.links.pop(0)
        remote_id = present.remote_id if present else f"{calendar.remote_id}{entry.uid}.ics"
        new = Stored(remote_id, entry.uid, entry.start, entry.end, 0, entry, link=link)
        stored = self._store(calendar, new)
        if self.loses:
            raise self.loses.pop(0)
        return Written(stored.remote_id, stored.etag, stored.link)

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        """Delete an event."""
        self._answer("delete")
        present = self.events.get(calendar.remote_id, {}).get(known.remote_id)
        if present is None:
            return
        if known.etag and present.etag != known.etag:
            raise EntryChanged
        self.remove(present, calendar)
        if self.loses:
            raise self.loses.pop(0)

    async def watch(self, calendar: RemoteCalendar, *, channel_id: str, secret: str, address: str) -> Channel | None:
        """Tell nobody of anything."""
        return None

    async def unwatch(self, channel: Channel) -> None:
        """Go on telling nobody."""

    def _answer(self, asked: str) -> None:
        self.asked.append(asked)
        if self.failure:
            raise self.failure

    def _store(self, calendar: RemoteCalendar, event: Stored) -> Stored:
        self.version += 1
        stored = replace(event, changed_in=self.version)
        self.events.setdefault(calendar.remote_id, {})[stored.remote_id] = stored
        return stored


def seen(one: Stored, window: Window) -> RemoteEvent:
    """Show an event as its provider does, within a window."""
    inside = one.start < window.end and one.end > window.start
    times = (Occurrence(one.start, one.end, one.transparent, one.answer),) if inside else ()
    return RemoteEvent(one.remote_id, one.uid, one.etag, times, one.guests, one.link, one.unreadable)
