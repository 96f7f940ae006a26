"""One CalDAV account that was opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

from kalends.domain.remote_events import Channel, Entry, Page, RemoteCalendar, RemoteEvent, Window, Written

from . import listing
from .dav import Dav
from .listing import Place
from .reading import Expander, Reading
from .writing import Writing


@dataclass(frozen=True, slots=True)
class CalDavAccount:
    """A CalendarAccount; nobody tells of changes over CalDAV, so it is asked for them."""

    dav: Dav
    place: Place
    expander: Expander

    async def calendars(self) -> Sequence[RemoteCalendar]:
        return await listing.calendars(self.dav, self.place)

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        async for page in Reading(self.dav, self.expander, calendar, window, own).pages(token):
            yield page

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        return await Reading(self.dav, self.expander, calendar, window, own).event(remote_id)

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        return await Writing(self.dav, calendar).put(entry, known)

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        await Writing(self.dav, calendar).delete(known)

    async def watch(self, calendar: RemoteCalendar, *, channel_id: str, secret: str, address: str) -> Channel | None:
        return None

    async def unwatch(self, channel: Channel) -> None:
        return None
