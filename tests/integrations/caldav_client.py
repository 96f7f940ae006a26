"""Another CalDAV client, as plain as can be: the owner's telephone in the tests."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

import httpx2
from whenever import Instant

from kalends.domain.remote_events import RemoteCalendar

from .conformance import Other
from .servers import Server

_XML = {"Content-Type": "application/xml; charset=utf-8"}
_MAKE = (
    '<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
    "<D:set><D:prop><D:displayname>{name}</D:displayname>{more}</D:prop></D:set></C:mkcalendar>"
)
_ALL = (
    '<?xml version="1.0"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
    '<D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR">'
    '<C:comp-filter name="VEVENT"/></C:comp-filter></C:filter></C:calendar-query>'
)


def ics(uid: str, start: Instant, end: Instant, *more: str) -> str:
    """Write one event; `more` are further lines."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//telephone//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20260101T000000Z",
        f"DTSTART:{_utc(start)}",
        f"DTEND:{_utc(end)}",
        "SUMMARY:Busy",
        *more,
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines)


class Telephone(Other):
    """Speaks CalDAV to one server, with a name and a password where it wants them."""

    def __init__(self, server: Server | None, auth: tuple[str, str] | httpx2.Auth | None = None) -> None:
        self._server = server
        self._client = httpx2.AsyncClient(auth=auth, trust_env=False)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def make_calendar(self, url: str, name: str, more: str = "") -> None:
        """Make a calendar."""
        body = _MAKE.format(name=name, more=more).encode()
        answer = await self._client.request("MKCALENDAR", url, content=body, headers=_XML)
        assert answer.status_code == 201, answer.text

    async def put(self, url: str, text: str) -> None:
        """Store a resource, whatever stands there."""
        answer = await self._client.put(url, content=text.encode(), headers={"Content-Type": "text/calendar"})
        assert answer.status_code in (200, 201, 204), answer.text

    async def texts(self, calendar: RemoteCalendar) -> dict[str, str]:
        """Read all events: address -> text."""
        found = {}
        for href in await self._hrefs(calendar):
            url = str(httpx2.URL(calendar.remote_id).join(href))
            found[url] = (await self._client.get(url)).text
        return found

    async def make_event(
        self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant, *, transparent: bool = False
    ) -> None:
        more = ["TRANSP:TRANSPARENT"] if transparent else []
        await self.put(self._url(calendar, uid), ics(uid, start, end, *more))

    async def make_weekly(
        self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant, *, count: int
    ) -> None:
        await self.put(self._url(calendar, uid), ics(uid, start, end, f"RRULE:FREQ=WEEKLY;COUNT={count}"))

    async def make_many(self, calendar: RemoteCalendar, uids: list[str], start: Instant, end: Instant) -> None:
        if self._server is None:
            return await super().make_many(calendar, uids, start, end)
        files = {f"{quote(uid)}.ics": ics(uid, start, end) for uid in uids}
        self._server.fill(urlsplit(calendar.remote_id).path, files)
        return None

    async def move(self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant) -> None:
        url, text = await self._find(calendar, uid)
        text = re.sub(r"DTSTART:.*", f"DTSTART:{_utc(start)}", text)
        await self.put(url, re.sub(r"DTEND:.*", f"DTEND:{_utc(end)}", text))

    async def remove(self, calendar: RemoteCalendar, uid: str) -> None:
        url, _ = await self._find(calendar, uid)
        assert (await self._client.delete(url)).status_code in (200, 204)

    async def count(self, calendar: RemoteCalendar, uid: str) -> int:
        return sum(f"UID:{uid}" in text for text in (await self.texts(calendar)).values())

    async def dead_token(self, calendar: RemoteCalendar, token: str) -> str:
        return token[:-4] + ("0000" if token[-4:] != "0000" else "1111")

    async def _find(self, calendar: RemoteCalendar, uid: str) -> tuple[str, str]:
        (found,) = [(url, text) for url, text in (await self.texts(calendar)).items() if f"UID:{uid}" in text]
        return found

    async def _hrefs(self, calendar: RemoteCalendar) -> list[str]:
        headers = {**_XML, "Depth": "1"}
        answer = await self._client.request("REPORT", calendar.remote_id, content=_ALL.encode(), headers=headers)
        assert answer.status_code == 207, answer.text
        return [each for each in re.findall(r"<[^<>/]*href>\s*([^<]*?)\s*<", answer.text) if not each.endswith("/")]

    def _url(self, calendar: RemoteCalendar, uid: str) -> str:
        # Not the name we would give it.
        return f"{calendar.remote_id}telephone-{quote(uid)}.ics"


def _utc(instant: Instant) -> str:
    return instant.to_stdlib().strftime("%Y%m%dT%H%M%SZ")
