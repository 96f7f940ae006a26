"""One Google account that let us in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from whenever import Instant

from kalends.domain.remote_events import Channel, Entry, Page, RemoteCalendar, RemoteEvent, Window, Written
from kalends.integrations.oauth import nonsense
from kalends.ports import Clock, CredentialRefused

from . import events
from .api import VENDOR, GoogleApi, calendar_path, event_path, items, no_calendar, reason, refusal
from .entries import Writing
from .reading import Reading

CHANNEL_DAYS = 7  # the most Google grants
_CALENDAR_FIELDS = "nextPageToken,items(id,summary,summaryOverride,timeZone,backgroundColor,primary,accessRole)"


class GoogleAccount:
    """A CalendarAccount."""

    def __init__(self, api: GoogleApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def calendars(self) -> Sequence[RemoteCalendar]:
        """List the calendars the host sees in Google Calendar; hidden and deleted ones it does not tell."""
        found: list[RemoteCalendar] = []
        query = {"maxResults": "250", "fields": _CALENDAR_FIELDS}
        async for answer in self._api.pages("users/me/calendarList", query):
            found += (_calendar(item) for item in items(answer))
        return found

    async def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        """Read what is there, or what changed since the token."""
        reading = Reading(self._api, calendar, window, own)
        async for page in reading.since(token) if token else reading.anew():
            yield page

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        """Read one event or series; None only where Google says of just this one that it is not there."""
        path = event_path(calendar, remote_id)
        answer = await self._api.call("GET", path, query={"fields": events.FIELDS}, expected=(404, 410))
        if not answer.good:
            await self._is_there(calendar)
            return None
        if events.name(answer.body) != remote_id:
            raise nonsense(VENDOR)
        if events.cancelled(answer.body):
            return None
        zone = calendar.zone or "UTC"
        if answer.body.get("recurrence"):
            reading = Reading(self._api, calendar, window, own)
            return await reading.series(remote_id, [answer.body], zone=zone)
        return events.event(remote_id, [answer.body], zone=zone, window=window, own=own)

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        """Write an entry."""
        return await Writing(self._api, calendar).put(entry, known)

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        """Delete an event."""
        await Writing(self._api, calendar).delete(known)

    async def watch(self, calendar: RemoteCalendar, *, channel_id: str, secret: str, address: str) -> Channel | None:
        """Ask to be told of changes; None: of this calendar, or to this address, Google does not tell."""
        expires_at = self._clock().add(hours=24 * CHANNEL_DAYS)
        body = {
            "id": channel_id,
            "type": "web_hook",
            "address": address,
            "token": secret,
            "expiration": expires_at.timestamp() * 1000,
        }
        # An address Google does not like is a 401 too, which says nothing of the credential.
        path = f"{calendar_path(calendar)}/events/watch"
        answer = await self._api.call("POST", path, body=body, expected=(400, 401, 403, 404))
        if answer.good:
            return _channel(answer.body, channel_id, expires_at)
        if reason(answer).startswith("push"):
            return None
        if answer.status == 401:
            raise CredentialRefused(f"{VENDOR} does not let us in; the calendar has to be connected again")
        raise no_calendar(calendar) if answer.status == 404 else refusal(answer)

    async def unwatch(self, channel: Channel) -> None:
        """Ask to be told no more."""
        body = {"id": channel.channel_id, "resourceId": channel.resource}
        await self._api.call("POST", "channels/stop", body=body, expected=(404, 410))

    async def _is_there(self, calendar: RemoteCalendar) -> None:
        """Make sure that it is the event that is missing, not its calendar: both are 404.

        Raises:
            Upstream: the calendar is missing.
        """
        query = {"maxResults": "1", "fields": "kind"}
        answer = await self._api.call("GET", f"{calendar_path(calendar)}/events", query=query, expected=(403, 404))
        if not answer.good:
            raise no_calendar(calendar)


def _calendar(item: Any) -> RemoteCalendar:
    return RemoteCalendar(
        remote_id=events.name(item),
        name=str(item.get("summaryOverride") or item.get("summary") or item["id"]),
        zone=item.get("timeZone"),
        color=item.get("backgroundColor"),
        is_default=item.get("primary") is True,
        writable=item.get("accessRole") in ("writer", "owner"),
    )


def _channel(body: Any, channel_id: str, asked: Instant) -> Channel:
    resource = body.get("resourceId")
    if not isinstance(resource, str):
        raise nonsense(VENDOR)
    given = str(body.get("expiration", ""))
    expires_at = Instant.from_timestamp(int(given) // 1000) if given.isdecimal() else asked
    return Channel(channel_id, resource, min(expires_at, asked))
