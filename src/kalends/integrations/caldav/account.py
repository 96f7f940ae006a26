"""One CalDAV account that was opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from kalends.domain.remote_events import Channel, Entry, Page, RemoteCalendar, RemoteEvent, Window, Written
from kalends.errors import Upstream
from kalends.ports import CredentialRefused

from . import listing, tokens
from .dav import Dav
from .listing import Place
from .reading import Expander, Reading
from .writing import Writing


@dataclass(slots=True)
class CalDavAccount:
    """A CalendarAccount; nobody tells of changes over CalDAV, so it is asked for them.

    Attributes:
        learn: stores what is newly known of its place.
    """

    dav: Dav
    place: Place
    expander: Expander
    learn: Callable[[Place], Awaitable[None]]

    async def calendars(self) -> Sequence[RemoteCalendar]:
        whose = await listing.principal(self.dav, self.place)
        if whose is not None:
            await self._named(listing.addresses(whose))
        return await listing.calendars(self.dav, self.place, whose)

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        others = await self._others(own)
        since = tokens.of(others, token)
        async for page in Reading(self.dav, self.expander, calendar, window, {*own, *others}).pages(since):
            yield replace(page, token=tokens.named(others, page.token))

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        others = await self._others(own)
        return await Reading(self.dav, self.expander, calendar, window, {*own, *others}).event(remote_id)

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        return await Writing(self.dav, calendar).put(entry, known)

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        await Writing(self.dav, calendar).delete(known)

    async def watch(self, calendar: RemoteCalendar, *, channel_id: str, secret: str, address: str) -> Channel | None:
        return None

    async def unwatch(self, channel: Channel) -> None:
        return None

    async def _others(self, own: Collection[str]) -> list[str]:
        """Find what else the server calls its owner (RFC 6638 2.4.1): he answers as whom it knows."""
        if self.place.addresses is None and self.place.principal:
            try:  # it was connected before they were asked for
                told = await self.dav.propfind(self.place.principal, [listing.ADDRESSES])
            except CredentialRefused:
                raise
            except Upstream:
                return []
            await self._named(listing.addresses(told))
        return [one for one in self.place.addresses or () if one not in own]

    async def _named(self, addresses: tuple[str, ...]) -> None:
        if addresses != self.place.addresses:
            self.place = replace(self.place, addresses=addresses)
            await self.learn(self.place)
