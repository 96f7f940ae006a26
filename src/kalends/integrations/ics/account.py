"""One feed, opened."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

from kalends.domain.remote_events import Channel, Entry, Page, RemoteCalendar, RemoteEvent, Window, Written
from kalends.integrations.expanding import Expander
from kalends.ports import ConnectionRefused

from .feed import Download, Found, ensure_whole

_PAGE = 500  # events
_NAME = "feed"


@dataclass(frozen=True, slots=True)
class Token:
    """What the last reading saw, and for what it was read: for anything else all is read anew."""

    asked: str
    body: str
    etag: str | None
    modified: str | None

    @classmethod
    def read(cls, text: str | None, asked: str) -> Token | None:
        """Read a token; None: it is none for what is asked."""
        try:
            token = cls(**json.loads(text)) if text else None
        except (ValueError, TypeError):
            return None
        return token if token is not None and token.asked == asked else None

    def __str__(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class IcsAccount:
    """A CalendarAccount with one calendar that can only be read."""

    download: Download
    expander: Expander
    name: str
    zone: str | None

    async def calendars(self) -> Sequence[RemoteCalendar]:
        return [RemoteCalendar(_NAME, self.name, zone=self.zone, writable=False)]

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        """Read all of it, or nothing if it is as it was: a feed does not say what has changed."""
        asked = _digest(json.dumps([str(window.start), str(window.end), calendar.zone, sorted(own)]).encode())
        known = Token.read(token, asked)
        found = await self.download.changed(known.etag, known.modified) if known else await self.download.get()
        if found is None:
            yield Page((), token=token)
            return
        new = Token(asked, await asyncio.to_thread(_digest, found.body), found.etag, found.modified)
        if known is not None and known.body == new.body:
            yield Page((), token=str(new))
            return
        events = await self._events(found, calendar, window, own)
        for start in range(0, len(events) or 1, _PAGE):
            is_last = start + _PAGE >= len(events)
            yield Page(events[start : start + _PAGE], token=str(new) if is_last else None, complete=True)

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        """Look for one event; a feed never says of just one that it is not there, so without times it is there."""
        events = await self._events(await self.download.get(), calendar, window, own)
        return next((event for event in events if event.remote_id == remote_id), RemoteEvent(remote_id, None))

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        """Refuse."""
        raise ConnectionRefused("A feed can only be read.")

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        """Refuse."""
        raise ConnectionRefused("A feed can only be read.")

    async def watch(self, calendar: RemoteCalendar, *, channel_id: str, secret: str, address: str) -> Channel | None:
        return None

    async def unwatch(self, channel: Channel) -> None:
        return None

    async def _events(
        self, found: Found, calendar: RemoteCalendar, window: Window, own: Collection[str]
    ) -> list[RemoteEvent]:
        read = await self.expander.feed(found.body, otherwise=calendar.zone or "UTC", window=window, own=own)
        ensure_whole(read)
        return read.events


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
