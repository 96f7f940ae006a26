"""One account of Microsoft's.

Events are named by Graph's ordinary ids, not by immutable ones: an ordinary id dies when its event leaves the calendar,
be it for the trash or for another calendar, and that is what we ask about (case K14). An immutable one lives on in the
trash, and an event that left and came back is then never reported again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from whenever import Instant

from kalends.domain.remote_events import Channel, Entry, Page, RemoteCalendar, RemoteEvent, Window, Written
from kalends.errors import Upstream
from kalends.integrations.oauth import Answer, JsonApi
from kalends.ports import Clock, EntryChanged

from . import entries, identity, reading
from .events import SELECT, link, remote_event, times
from .refusals import changed, code, gone, refused

# Graph takes at most 10,080 minutes for events; an hour less, for clocks that differ.
WATCHED_MINUTES = 10_020
_CALENDARS = {"$select": "id,name,hexColor,isDefaultCalendar,canEdit", "$top": "100"}
_EVENT = {"$select": SELECT, "$expand": identity.EXPAND}
_EVENT_TO_WRITE = {"$select": f"{SELECT},body", "$expand": identity.EXPAND}
_IN_UTC = {"Prefer": reading.UTC}


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
        """Read what is there, or what changed; see reading.py for what is listed when.

        Raises:
            SyncTokenDead: also where the window reaches beyond the one the token was made for.
        """
        zone = calendar.zone
        if token is None:
            following = await reading.begin(self._api, calendar, window)
        else:
            report = await reading.changed(self._api, reading.Token.read(token, window))
            following = report.token
            if not report.recurring:
                events = [remote_event(found, zone=zone, window=window, own=own) for found in report.events]
                yield Page(events, report.gone, token=following.write())
                return
        page = Page(())
        async for found in reading.listed(self._api, calendar, window):
            if page.events:
                yield page
            page = Page([remote_event(one, zone=zone, window=window, own=own) for one in found], complete=True)
        yield Page(page.events, token=following.write(), complete=True)

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        """Read one event."""
        found = await self._find(remote_id, _EVENT)
        return None if found is None else remote_event(found, zone=calendar.zone, window=window, own=own)

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        """Write an entry: over the one known, over what carries its UID in this calendar, or anew.

        An event the mailbox made out of our mailed invitation is taken for the entry; its time alone is written.
        """
        if known:
            present = await self._find(known.remote_id, _EVENT_TO_WRITE)
            if present is not None:
                if known.etag and present.get("@odata.etag") != known.etag:
                    raise EntryChanged
                return await self._change(calendar, entry, present)
        present = await self._same(calendar, entry.uid)
        if present is not None:
            return await self._change(calendar, entry, present)
        return await self._make(calendar, entry)

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        """Delete an event."""
        path = _event_path(known.remote_id)
        if known.etag:  # looked at first: what is said of If-Match in Graph's reference does not speak of events
            present = await self._api.call("GET", path, query={"$select": "id"})
            if gone(present):
                return
            if not present.good:
                raise refused(present)
            if present.body.get("@odata.etag") != known.etag:
                raise EntryChanged
        answer = await self._api.call("DELETE", path, headers={"If-Match": known.etag} if known.etag else None)
        if changed(answer):
            raise EntryChanged
        if not answer.good and not gone(answer):
            raise refused(answer, writing=True)

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

    async def _find(self, remote_id: str, query: Mapping[str, str]) -> Mapping[str, Any] | None:
        answer = await self._api.call("GET", _event_path(remote_id), query=query, headers=_IN_UTC)
        if gone(answer):
            return None
        if not answer.good:
            raise refused(answer)
        return answer.body

    async def _same(self, calendar: RemoteCalendar, uid: str) -> Mapping[str, Any] | None:
        """Look for what carries this UID: what we wrote, else what came by mail."""
        for wanted in (identity.entries_of(uid), identity.invitations_of(uid)):
            query = {**_EVENT_TO_WRITE, "$filter": wanted, "$top": "1"}
            found = await self._api.call(
                "GET", f"{reading.calendar_path(calendar)}/events", query=query, headers=_IN_UTC
            )
            if not found.good:
                raise refused(found)
            for event in found.body.get("value") or ():
                return dict(event)
        return None

    async def _change(self, calendar: RemoteCalendar, entry: Entry, present: Mapping[str, Any]) -> Written:
        if identity.written_uid(present):
            body = entries.changes(entry, present, meeting=await self._meets(calendar, entry))
        elif times(present, calendar.zone or "UTC") != (entry.start, entry.end):
            body = entries.moved(entry)
        else:
            return _written(present)
        path, etag = _event_path(str(present["id"])), present.get("@odata.etag")
        headers = {**_IN_UTC, **({"If-Match": str(etag)} if etag else {})}
        answer = await self._api.call("PATCH", path, body=body, headers=headers)
        if changed(answer) or gone(answer):
            raise EntryChanged
        return await self._answered(answer, entry)

    async def _make(self, calendar: RemoteCalendar, entry: Entry) -> Written:
        path, meeting = f"{reading.calendar_path(calendar)}/events", await self._meets(calendar, entry)
        body = entries.new_event(entry, key=entry.stamp.format_iso(), meeting=meeting)
        answer = await self._api.call("POST", path, body=body, headers=_IN_UTC)
        if code(answer) == "ErrorDuplicateTransactionId":
            # Made before by this very attempt, and not found by searching: it cannot be searched for yet, or somebody
            # has deleted it since. Only then is it made again.
            present = await self._made(answer) or await self._same(calendar, entry.uid)
            if present is not None:
                return await self._change(calendar, entry, present)
            body = entries.new_event(entry, key=uuid4().hex, meeting=meeting)
            answer = await self._api.call("POST", path, body=body, headers=_IN_UTC)
        return await self._answered(answer, entry)

    async def _made(self, duplicate: Answer) -> Mapping[str, Any] | None:
        named = duplicate.body["error"].get("@event.existingEventId")
        return await self._find(named, _EVENT_TO_WRITE) if isinstance(named, str) and named else None

    async def _answered(self, answer: Answer, entry: Entry) -> Written:
        if not answer.good:
            raise refused(answer, writing=True)
        written = _written(answer.body)
        if entry.meeting and answer.body.get("isOnlineMeeting") and not written.link:
            later = await self._find(written.remote_id, _EVENT)  # Teams may take a moment longer than Exchange
            return _written(later or answer.body)
        return written

    async def _meets(self, calendar: RemoteCalendar, entry: Entry) -> bool:
        """Say whether a Teams meeting is wanted and to be had: accounts of private people have none."""
        if not entry.meeting:
            return False
        query = {"$select": "allowedOnlineMeetingProviders"}
        found = await self._api.call("GET", reading.calendar_path(calendar), query=query)
        if not found.good:
            raise refused(found)
        return "teamsForBusiness" in (found.body.get("allowedOnlineMeetingProviders") or ())


def _event_path(remote_id: str) -> str:
    return f"me/events/{quote(remote_id, safe='')}"


def _written(event: Mapping[str, Any]) -> Written:
    if not event.get("id"):
        raise Upstream("Microsoft does not say what it wrote")
    return Written(str(event["id"]), event.get("@odata.etag"), link(event))


def _expiry(answer: Answer, asked: Instant) -> Instant:
    try:
        return Instant.parse_iso(str(answer.body.get("expirationDateTime")))
    except ValueError:
        return asked
