"""One account of Microsoft's.

Events are named by Graph's ordinary ids, not by immutable ones: an ordinary id dies when its event leaves the calendar,
be it for the trash or for another calendar, and that is what we ask about (case K14). An immutable one lives on in the
trash, and an event that left and came back is then never reported again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from whenever import Instant

from kalends.domain.remote_events import Channel, Entry, Page, RemoteCalendar, RemoteEvent, Window, Written
from kalends.integrations.oauth import Answer, JsonApi
from kalends.ports import Clock

from . import reading
from .events import remote_event, remote_series, series_of
from .refusals import refused
from .writing import Writer

# Graph takes at most 10,080 minutes for events; an hour less, for clocks that differ.
WATCHED_MINUTES = 10_020
LARGEST_PAGE = 500
MOST_SERIES_ASKED = 20  # one by one; of more the whole view is listed
_CALENDARS = {"$select": "id,name,hexColor,isDefaultCalendar,canEdit", "$top": "100"}


@dataclass(frozen=True, slots=True)
class _Reader:
    """What events are read by."""

    zone: str | None
    window: Window
    own: Collection[str]

    def single(self, found: Mapping[str, Any]) -> RemoteEvent:
        return remote_event(found, zone=self.zone, window=self.window, own=self.own)

    def series(self, master: str, instances: Sequence[Mapping[str, Any]]) -> RemoteEvent:
        return remote_series(master, instances, zone=self.zone, window=self.window, own=self.own)


class MicrosoftAccount:
    """A CalendarAccount."""

    def __init__(self, api: JsonApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def calendars(self) -> Sequence[RemoteCalendar]:
        """List the account's calendars; Graph tells a mailbox's zone only to who may read its settings."""
        return [
            RemoteCalendar(
                remote_id=str(found["id"]),
                name=str(found.get("name") or ""),
                color=found.get("hexColor") or None,
                is_default=bool(found.get("isDefaultCalendar")),
                writable=bool(found.get("canEdit", True)),
            )
            for found in await reading.every(self._api, "me/calendars", _CALENDARS)
        ]

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        """Read what is there, or what changed.

        Raises:
            SyncTokenDead: also where the window reaches beyond the one the token was made for.
        """
        read = _Reader(calendar.zone, window, own)
        pages = self._all(calendar, read) if token is None else self._changed(calendar, token, read)
        async for page in pages:
            yield page

    async def _all(self, calendar: RemoteCalendar, read: _Reader) -> AsyncIterator[Page]:
        following = await reading.begin(self._api, calendar, read.window)
        series: dict[str, list[Mapping[str, Any]]] = {}
        async for found in reading.listed(self._api, calendar, read.window):
            singles = []
            for one in found:
                master = series_of(one)
                if master:
                    series.setdefault(master, []).append(one)
                else:
                    singles.append(read.single(one))
            if singles:
                yield Page(singles, complete=True)
        for several in _batches([read.series(master, found) for master, found in series.items()]):
            yield Page(several, complete=True)
        yield Page((), token=following.write(), complete=True)

    async def _changed(self, calendar: RemoteCalendar, token: str, read: _Reader) -> AsyncIterator[Page]:
        report = await reading.changed(self._api, reading.Token.read(token, read.window))
        events, missing = [read.single(one) for one in report.events], list(report.gone)
        if len(report.series) > MOST_SERIES_ASKED:
            view: dict[str, list[Mapping[str, Any]]] = {master: [] for master in report.series}
            async for found in reading.listed(self._api, calendar, read.window):
                for one in found:
                    view.get(series_of(one) or "", []).append(one)
            events += [read.series(master, found) for master, found in view.items()]
        else:
            for master in report.series:
                instances = await reading.instances(self._api, master, read.window)
                if instances is None:
                    missing.append(master)
                else:
                    events.append(read.series(master, instances))
        for several in _batches(events):
            yield Page(several)
        yield Page((), missing, token=report.token.write())

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        """Read one event; a series with what of it lies in the window."""
        found = await reading.find(self._api, remote_id)
        read = _Reader(calendar.zone, window, own)
        if found is None or not series_of(found):
            return None if found is None else read.single(found)
        instances = await reading.instances(self._api, remote_id, window)
        return None if instances is None else read.series(remote_id, instances)

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        """Write an entry."""
        return await Writer(self._api, calendar).put(entry, known)

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        """Delete an event."""
        await Writer(self._api, calendar).delete(known)

    async def watch(self, calendar: RemoteCalendar, *, channel_id: str, secret: str, address: str) -> Channel | None:
        """Subscribe to changes; Graph asks the address for an answer before it answers us.

        What it sends carries the secret as `clientState` and the resource as `subscriptionId`.
        """
        until = self._clock().add(minutes=WATCHED_MINUTES)
        asked = {
            "changeType": "created,updated,deleted",
            "notificationUrl": address,
            "resource": f"{reading.calendar_path(calendar)}/events",
            "expirationDateTime": until.format_iso(unit="second"),
            "clientState": secret,
        }
        answer = await self._api.call("POST", "subscriptions", body=asked)
        subscription = answer.body.get("id")
        if not answer.good or not subscription:
            raise refused(answer, writing=True)
        return Channel(channel_id, str(subscription), _expiry(answer, until))

    async def unwatch(self, channel: Channel) -> None:
        """End a subscription."""
        answer = await self._api.call("DELETE", f"subscriptions/{quote(channel.resource, safe='')}")
        if not answer.good and answer.status not in (404, 410):
            raise refused(answer, writing=True)


def _batches(events: Sequence[RemoteEvent]) -> Iterator[Sequence[RemoteEvent]]:
    """Cut into parts no larger than a page may be."""
    return (events[at : at + LARGEST_PAGE] for at in range(0, len(events), LARGEST_PAGE))


def _expiry(answer: Answer, asked: Instant) -> Instant:
    try:
        return Instant.parse_iso(str(answer.body.get("expirationDateTime")))
    except ValueError:
        return asked
