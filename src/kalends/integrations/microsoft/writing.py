"""Writing entries into one calendar of Microsoft's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from kalends.domain.remote_events import Entry, RemoteCalendar, Written
from kalends.integrations.oauth import Answer, JsonApi, nonsense
from kalends.ports import EntryChanged

from . import entries, identity, reading
from .events import SELECT, link, times
from .refusals import VENDOR, changed, code, gone, refused

_WITH_TEXT = f"{SELECT},body"
_IN_UTC = {"Prefer": reading.UTC}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes into one calendar."""

    api: JsonApi
    calendar: RemoteCalendar

    async def put(self, entry: Entry, known: Written | None) -> Written:
        """Write an entry: over the one known, over what carries its UID in this calendar, or anew.

        An event the mailbox made out of our mailed invitation is taken for the entry; its time alone is written.
        """
        if known:
            present = await self._find(known.remote_id)
            if present is None or (known.etag and present.get("@odata.etag") != known.etag):
                raise EntryChanged
            return await self._change(entry, present)
        present = await self._same(entry.uid)
        if present is not None:
            return await self._change(entry, present)
        return await self._make(entry)

    async def delete(self, known: Written) -> None:
        """Delete an event."""
        path = reading.event_path(known.remote_id)
        if known.etag:  # looked at first: what is said of If-Match in Graph's reference does not speak of events
            present = await self.api.call("GET", path, query={"$select": "id"})
            if gone(present):
                return
            if not present.good:
                raise refused(present)
            if present.body.get("@odata.etag") != known.etag:
                raise EntryChanged
        answer = await self.api.call("DELETE", path, headers={"If-Match": known.etag} if known.etag else None)
        if changed(answer):
            raise EntryChanged
        if not answer.good and not gone(answer):
            raise refused(answer, writing=True)

    async def _find(self, remote_id: str) -> Mapping[str, Any] | None:
        return await reading.find(self.api, remote_id, select=_WITH_TEXT)

    async def _same(self, uid: str) -> Mapping[str, Any] | None:
        """Look for what carries this UID: what we wrote, else what came by mail."""
        for wanted in (identity.entries_of(uid), identity.invitations_of(uid)):
            query = {"$select": _WITH_TEXT, "$expand": identity.EXPAND, "$filter": wanted, "$top": "1"}
            found = await self.api.call(
                "GET", f"{reading.calendar_path(self.calendar)}/events", query=query, headers=_IN_UTC
            )
            if not found.good:
                raise refused(found)
            for event in found.body.get("value") or ():
                return dict(event)
        return None

    async def _change(self, entry: Entry, present: Mapping[str, Any]) -> Written:
        if identity.written_uid(present):
            body = entries.changes(entry, present, meeting=await self._meets(entry))
        elif times(present, self.calendar.zone or "UTC") != (entry.start, entry.end):
            body = entries.moved(entry)
        else:
            return _written(present)
        path, etag = reading.event_path(str(present["id"])), present.get("@odata.etag")
        headers = {**_IN_UTC, **({"If-Match": str(etag)} if etag else {})}
        answer = await self.api.call("PATCH", path, body=body, headers=headers)
        if changed(answer) or gone(answer):
            raise EntryChanged
        return await self._answered(answer, entry)

    async def _make(self, entry: Entry) -> Written:
        path, meeting = f"{reading.calendar_path(self.calendar)}/events", await self._meets(entry)
        body = entries.new_event(entry, key=entry.stamp.format_iso(), meeting=meeting)
        answer = await self.api.call("POST", path, body=body, headers=_IN_UTC)
        if code(answer) == "ErrorDuplicateTransactionId":
            # Made before by this very attempt, and not found by searching: it cannot be searched for yet, or somebody
            # has deleted it since. Only then is it made again.
            present = await self._made(answer) or await self._same(entry.uid)
            if present is not None:
                return await self._change(entry, present)
            body = entries.new_event(entry, key=uuid4().hex, meeting=meeting)
            answer = await self.api.call("POST", path, body=body, headers=_IN_UTC)
        return await self._answered(answer, entry)

    async def _made(self, duplicate: Answer) -> Mapping[str, Any] | None:
        named = duplicate.body["error"].get("@event.existingEventId")
        return await self._find(named) if isinstance(named, str) and named else None

    async def _answered(self, answer: Answer, entry: Entry) -> Written:
        if not answer.good:
            raise refused(answer, writing=True)
        written = _written(answer.body)
        if entry.meeting and answer.body.get("isOnlineMeeting") and not written.link:
            later = await self._find(written.remote_id)  # Teams may take a moment longer than Exchange
            return _written(later or answer.body)
        return written

    async def _meets(self, entry: Entry) -> bool:
        """Say whether a Teams meeting is wanted and to be had: accounts of private people have none."""
        if not entry.meeting:
            return False
        query = {"$select": "allowedOnlineMeetingProviders"}
        found = await self.api.call("GET", reading.calendar_path(self.calendar), query=query)
        if not found.good:
            raise refused(found)
        return "teamsForBusiness" in (found.body.get("allowedOnlineMeetingProviders") or ())


def _written(event: Mapping[str, Any]) -> Written:
    if not event.get("id"):
        raise nonsense(VENDOR)
    return Written(str(event["id"]), event.get("@odata.etag"), link(event))
