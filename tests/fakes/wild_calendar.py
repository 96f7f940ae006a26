"""A calendar in memory whose provider is as bad as any: it fails half way, forgets etags, and lies in its lists.

Asked for a single event it tells the truth.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace

from kalends.domain.remote_events import Entry, Page, RemoteCalendar, RemoteEvent, Window, Written
from kalends.errors import Upstream
from kalends.ports import SyncTokenDead
from tests.fakes.memory_calendar import MemoryCalendar, seen


@dataclass
class WildCalendar(MemoryCalendar):
    """One whose faults are switched on and off.

    Attributes:
        page_size: how many events are on a page.
        etagless: it names no versions.
        blank: its lists say that everything is gone.
        breaks_after: pages after which every list breaks off.
    """

    page_size: int = 1
    etagless: bool = False
    blank: bool = False
    breaks_after: int | None = None

    def heal(self) -> None:
        """Let it be as good as any."""
        self.failure, self.breaks_after = None, None
        self.etagless = self.blank = False
        self.loses.clear()
        self.phantoms.clear()
        self.forget_tokens()

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        """Read as the faults of the moment let it."""
        self._answer("changes")
        since = int(token) if token else -1
        if token and since < self.oldest_token:
            raise SyncTokenDead
        there = self.shown(calendar)
        events = [] if self.blank else [one for one in there if one.changed_in > since]
        gone = [name for at, where, name in self.deleted if token and at > since and where == calendar.remote_id]
        gone += [one.remote_id for one in there if one.remote_id in self.phantoms or (self.blank and token)]
        pages = [events[at : at + self.page_size] for at in range(0, len(events), self.page_size)]
        for number, page in enumerate([*pages, None]):
            if number == self.breaks_after:
                raise Upstream("it broke off half way")
            if page is None:
                yield Page([], gone=gone, token=str(self.version), complete=token is None)
            else:
                yield Page([self._bare(seen(one, window)) for one in page], complete=token is None)

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        """Read one event."""
        found = await super().event(calendar, remote_id, window=window, own=own)
        return self._bare(found) if found else None

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        """Write an entry; without versions there is nothing to compare."""
        if self.etagless and known:
            known = Written(known.remote_id) if known.remote_id in self.events.get(calendar.remote_id, {}) else None
        written = await super().put(calendar, entry, known)
        return replace(written, etag=None) if self.etagless else written

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        """Delete an event."""
        await super().delete(calendar, Written(known.remote_id) if self.etagless else known)

    def _bare(self, event: RemoteEvent) -> RemoteEvent:
        return replace(event, etag=None) if self.etagless else event
