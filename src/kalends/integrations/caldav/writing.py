"""Writing entries: one resource for each UID, and none over what somebody else changed meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from kalends.domain import entry_ical
from kalends.domain.remote_events import Entry, RemoteCalendar, Written
from kalends.errors import Upstream
from kalends.integrations.web import Answer
from kalends.ports import EntryChanged

from . import xml
from .addresses import absolute, folder, path_of, segment
from .dav import GONE, STORED, Dav, Stored, etag, if_match, refuse
from .listing import ADDRESSES, mail_addresses
from .reading import version
from .xml import CAL, DAV

_FOLDED = re.compile(r"\r?\n[ \t]")
_UID = re.compile(r"^UID(?:;[^:\r\n]*)?:(.*?)\s*$", re.MULTILINE | re.IGNORECASE)
_TAKEN = (CAL + "no-uid-conflict", CAL + "unique-scheduling-object-resource")
_UNLIKED = (400, 403, 409, 412, 422)


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes into one calendar."""

    dav: Dav
    calendar: RemoteCalendar

    async def put(self, entry: Entry, known: Written | None) -> Written:
        """Write an entry; as `ports.CalendarAccount.put`."""
        if known is not None:
            return await self._over(self._url(known.remote_id), entry, known.etag)
        there = await self._find(entry.uid)
        if there is not None:
            return await self._over(there, entry, None)
        return await self._anew(entry)

    async def delete(self, known: Written) -> None:
        """Delete an event; as `ports.CalendarAccount.delete`."""
        url = self._url(known.remote_id)
        if known.etag is not None and (stored := await self.dav.get(url)) is not None:
            await self._version(url, stored, known.etag)  # SOGo deletes whatever If-Match says
        answer = await self.dav.delete(url, if_match(known.etag))
        if answer.status == 412 and await self.dav.get(url) is not None:
            raise EntryChanged
        if answer.status not in (200, 202, 204, 412, *GONE):
            refuse(answer)

    async def _anew(self, entry: Entry) -> Written:
        url = absolute(folder(self.calendar.remote_id), segment(f"{entry.uid}.ics"))
        answer = await self._stored(url, entry, None, {"If-None-Match": "*"})
        if answer.status in STORED:
            return await self._written(url, answer)
        if answer.status not in (403, 409, 412):
            refuse(answer)
        # Its UID stands elsewhere, or an earlier try of ours got through.
        there = next(filter(None, _taken(answer).values()), url)
        stored = await self.dav.get(there)
        if stored is None or not _is_of(stored, entry.uid):
            refuse(answer)
        return await self._over(there, entry, None)

    async def _over(self, url: str, entry: Entry, known: str | None) -> Written:
        stored = await self.dav.get(url)
        if stored is None:
            raise EntryChanged
        now = await self._version(url, stored, known)
        answer = await self._stored(url, entry, stored.text, if_match(now or known))
        if answer.status == 412:
            raise EntryChanged
        if answer.status not in STORED:
            refuse(answer)
        return await self._written(url, answer)

    async def _version(self, url: str, stored: Stored, known: str | None) -> str | None:
        """Answer the ETag of what is stored; None: it has none.

        Raises:
            EntryChanged: it is not the one known.
        """
        now = stored.etag or await version(self.dav, url)
        if known is not None and now is not None and now != known:
            raise EntryChanged
        return now

    async def _stored(self, url: str, entry: Entry, over: str | None, condition: dict[str, str]) -> Answer:
        people = bool(entry.guests) and not await self._would_be_answer(entry)
        answer = await self.dav.put(url, entry_ical.resource(entry, over=over, people=people), condition)
        if answer.status in _UNLIKED and people and not _taken(answer):
            # Some take no event that names an organizer who is not the calendar's owner; SOGo says 412 if he has an
            # account there and the owner is among the guests.
            alone = await self.dav.put(url, entry_ical.resource(entry, over=over, people=False), condition)
            return alone if alone.status in STORED else answer
        return answer

    async def _would_be_answer(self, entry: Entry) -> bool:
        """Tell whether the server would take an entry for an answer to whoever organizes it.

        DAViCal does so with what another of its users organizes, whatever SCHEDULE-AGENT says, and writes that user's
        event anew, as it was before it was moved. It says of a calendar whose addresses count.
        """
        if entry.organizer is None or not self.dav.is_davical:
            return False
        told = await self.dav.propfind(self.calendar.remote_id, [ADDRESSES])
        own = {address.lower() for one in told.resources for address in mail_addresses(one)}
        return bool(own) and entry.organizer.email.lower() not in own

    async def _written(self, url: str, answer: Answer) -> Written:
        # A server that changed what it was sent answers without ETag (RFC 4791 5.3.4).
        return Written(path_of(url), etag(answer.headers.get("etag")) or await version(self.dav, url))

    async def _find(self, uid: str) -> str | None:
        """Look for an event with a UID; servers that cannot search say so when it is written twice."""
        answer = await self.dav.ask("REPORT", self.calendar.remote_id, _by_uid(uid), depth=1)
        try:
            told = await self.dav.understood(answer)
        except xml.NotDav:
            return None
        except Upstream:
            if answer.status in (401, *GONE, 429, 502, 503, 504):
                raise
            return None
        for one in told.resources:
            data = one.text(CAL + "calendar-data")
            if one.status is None and data and _is_of(Stored(None, data), uid):
                return one.url
        return None

    def _url(self, remote_id: str) -> str:
        return urljoin(self.calendar.remote_id, remote_id)


def _taken(answer: Answer) -> dict[str, str | None]:
    """Read whether a UID is refused because it stands already, and where.

    In this calendar (RFC 4791 5.3.2.1) or in another one of the account (RFC 6638 3.2.4.1; Cyrus says only that).
    """
    named = xml.error(answer.body, answer.url)
    return {name: named[name] for name in _TAKEN if name in named}


def _is_of(stored: Stored, uid: str) -> bool:
    return any(each[1] == uid for each in _UID.finditer(_FOLDED.sub("", stored.text)))


def _by_uid(uid: str) -> bytes:
    match = xml.part(CAL + "text-match", text=uid, collation="i;octet")
    event = xml.part(CAL + "comp-filter", xml.part(CAL + "prop-filter", match, name="UID"), name="VEVENT")
    whole = xml.part(CAL + "filter", xml.part(CAL + "comp-filter", event, name="VCALENDAR"))
    return xml.request(CAL + "calendar-query", xml.prop([DAV + "getetag", CAL + "calendar-data"]), whole)
