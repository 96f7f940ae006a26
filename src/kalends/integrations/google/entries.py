"""Our entries written into a Google calendar."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kalends.domain.remote_events import Entry, Guest, RemoteCalendar, Written
from kalends.errors import Upstream
from kalends.integrations.oauth import Answer
from kalends.ports import EntryChanged

from . import events
from .api import VENDOR, GoogleApi, calendar_path, event_path, items, no_calendar, refusal
from .events import Item

FIELDS = f"{events.FIELDS},conferenceData(createRequest)"
QUIETLY = {"sendUpdates": "none"}  # mails are ours to send
LOOKS_FOR_LINK_S = (0.3, 0.7, 1.5)  # Google makes a room after it has made the event
MAILBOX_S = 300  # until a mailbox has read the mail that moves what it put here

_ANSWERS = {"needs-action": "needsAction"}


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes into one calendar."""

    api: GoogleApi
    calendar: RemoteCalendar

    async def put(self, entry: Entry, known: Written | None) -> Written:
        """Write an entry; once, however often it is tried.

        Raises:
            EntryChanged: it has another version than the one known.
        """
        if known:
            answer = await self._patch(known.remote_id, entry, known.etag)
            if answer is None:
                raise EntryChanged
            return await self._with_link(answer, entry)
        there = await self._same_uid(entry.uid)
        return await self._with_link(await self._over(there, entry) if there else await self._insert(entry), entry)

    async def delete(self, known: Written) -> None:
        """Delete an event; one that is gone is fine.

        Raises:
            EntryChanged: it has another version than the one known.
        """
        path = event_path(self.calendar, known.remote_id)
        answer = await self.api.call("DELETE", path, query=QUIETLY, etag=known.etag, expected=(404, 410, 412))
        if answer.status == 412 and await self._is_there(known.remote_id):
            raise EntryChanged

    async def _is_there(self, remote_id: str) -> bool:
        """Look whether another version than the known one is left, or none: deleting makes a version too."""
        path = event_path(self.calendar, remote_id)
        answer = await self.api.call("GET", path, query={"fields": "status"}, expected=(404, 410))
        return answer.good and not events.cancelled(answer.body)

    async def _insert(self, entry: Entry) -> Item:
        path = f"{calendar_path(self.calendar)}/events"
        body = {**_body(entry), "iCalUID": entry.uid}
        answer = await self.api.call("POST", path, query=_query(entry), body=body, expected=(404, 409))
        if answer.status == 404:
            raise no_calendar(self.calendar)
        if answer.status == 409:
            # Somebody was quicker; or it was deleted, and its UID is never free again: it is brought back to life.
            there = await self._same_uid(entry.uid, deleted=True)
            if not there:
                raise refusal(answer)
            return await self._over(there, entry)
        return answer.body

    async def _over(self, there: Item, entry: Entry) -> Item:
        patched = await self._patch(events.name(there), entry, None)
        if patched is None:
            raise Upstream(f"{VENDOR} lists an event it does not have")
        return patched

    async def _patch(self, remote_id: str, entry: Entry, etag: str | None) -> Item | None:
        """Change an event; None: it is not there."""
        path = event_path(self.calendar, remote_id)
        answer = await self.api.call(
            "PATCH", path, query=_query(entry), body=_change(entry), etag=etag, expected=(403, 404, 410, 412)
        )
        if answer.status == 412:
            raise EntryChanged
        if answer.status == 403:
            return await self._invitation(remote_id, entry, answer)
        return answer.body if answer.good else None

    async def _invitation(self, remote_id: str, entry: Entry, refused: Answer) -> Item:
        """Take what the host's mailbox made of our mail for our entry: only that mail's sender may change it."""
        there = (await self.api.call("GET", event_path(self.calendar, remote_id), query={"fields": FIELDS})).body
        zone = self.calendar.zone or entry.zone
        if events.cancelled(there) or not there.get("start"):
            raise refusal(refused)
        if (events.instant(there["start"], zone), events.instant(there.get("end"), zone)) != (entry.start, entry.end):
            raise Upstream(
                f"{VENDOR} keeps an invitation to it, which is moved by our mail only", retry_after_s=MAILBOX_S
            )
        return there

    async def _same_uid(self, uid: str, *, deleted: bool = False) -> Item | None:
        """Look for an event of our UID."""
        query = {"iCalUID": uid, "showDeleted": str(deleted).lower(), "fields": f"nextPageToken,items({FIELDS})"}
        async for answer in self.api.pages(f"{calendar_path(self.calendar)}/events", query, expected=(404,)):
            if answer.status == 404:
                raise no_calendar(self.calendar)
            for item in items(answer):
                if not item.get("recurringEventId"):
                    return item
        return None

    async def _with_link(self, item: Item, entry: Entry) -> Written:
        """Wait a little for the room that was asked for; it may come later, then it is read with the event."""
        for pause_s in LOOKS_FOR_LINK_S if entry.meeting else ():
            if item.get("hangoutLink") or _room(item) != "pending":
                break
            await asyncio.sleep(pause_s)
            path = event_path(self.calendar, events.name(item))
            item = (await self.api.call("GET", path, query={"fields": FIELDS})).body
        return Written(events.name(item), item.get("etag"), item.get("hangoutLink") if entry.meeting else None)


def _query(entry: Entry) -> dict[str, str]:
    return {**QUIETLY, "fields": FIELDS, **({"conferenceDataVersion": "1"} if entry.meeting else {})}


def _body(entry: Entry) -> Mapping[str, Any]:
    body: dict[str, Any] = {
        "status": "confirmed",
        "summary": entry.summary,
        "description": entry.description,
        "location": entry.location,
        "start": {"dateTime": entry.start.format_iso(), "timeZone": entry.zone},
        "end": {"dateTime": entry.end.format_iso(), "timeZone": entry.zone},
        "transparency": "opaque",
        "attendees": [_attendee(guest) for guest in entry.guests],
        "guestsCanModify": False,
    }
    if entry.appointment_id:
        body["extendedProperties"] = {"private": {"kalendsAppointment": str(entry.appointment_id)}}
    if entry.meeting:
        # Asked for again under the same id, the room stays the one it is: guests keep their link.
        body["conferenceData"] = {
            "createRequest": {"requestId": entry.uid, "conferenceSolutionKey": {"type": "hangoutsMeet"}}
        }
    return body


def _change(entry: Entry) -> Mapping[str, Any]:
    """Write an entry over whatever its host made of it: what is not mentioned in a change stays, dates as well."""
    body = _body(entry)
    return {**body, **{bound: {**body[bound], "date": None} for bound in ("start", "end")}, "recurrence": []}


def _attendee(guest: Guest) -> Mapping[str, str]:
    return {
        "email": guest.email,
        "displayName": guest.name,
        "responseStatus": _ANSWERS.get(guest.answer, guest.answer),
    }


def _room(item: Item) -> str | None:
    """Say how far the making of a room has come: pending, success, failure."""
    made = item.get("conferenceData")
    asked = made.get("createRequest") if isinstance(made, dict) else None
    status = asked.get("status") if isinstance(asked, dict) else None
    return status.get("statusCode") if isinstance(status, dict) else None
