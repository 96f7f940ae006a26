"""A mailbox as Microsoft Graph shows it: calendars, events, series, and what changed in them since."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from whenever import Instant

Json = dict[str, Any]

JOIN = "https://teams.microsoft.test/l/meetup-join/"
BLOB = f'<br>\n<div style="width:100%"><span>{"_" * 80}</span></div><div>Join: {JOIN}</div>'
_OF_A_SERIES = ("id", "@odata.etag", "seriesMasterId", "type", "start", "end")
_versions = itertools.count(1)


class Refused(Exception):
    """An answer other than a good one."""

    def __init__(self, status: int, code: str, **more: str) -> None:
        super().__init__(code)
        self.status, self.code, self.more = status, code, more


@dataclass
class Event:
    """One event; a series where it `recurs`.

    Attributes:
        fields: what a client may set, as it set it, but for the times.
        properties: single-value extended properties by id.
        recurs: how many times, every seven days.
        exceptions: of a series by number: another event in its place, None: deleted.
    """

    calendar: str
    start: Instant
    end: Instant
    fields: Json = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"AAMk{uuid4().hex}=")
    uid: str = field(default_factory=lambda: f"040000008200E00074C5B7101A82E008{uuid4().hex.upper()}")
    transaction: str | None = None
    recurs: int = 0
    exceptions: dict[int, Event | None] = field(default_factory=dict)
    version: int = field(default_factory=lambda: next(_versions))

    @property
    def etag(self) -> str:
        return f'W/"{self.version:08d}=="'

    def touch(self) -> None:
        """Give it a new version."""
        self.version = next(_versions)

    def shown(self) -> Json:
        """Show all of it but its extended properties."""
        return {
            "@odata.etag": self.etag,
            "id": self.id,
            "changeKey": self.etag[3:-1],
            "iCalUId": self.uid,
            **({"transactionId": self.transaction} if self.transaction else {}),
            "type": "seriesMaster" if self.recurs else "singleInstance",
            "seriesMasterId": None,
            "start": _wall(self.start),
            "end": _wall(self.end),
            "isAllDay": False,
            "isCancelled": False,
            "isOrganizer": True,
            "isOnlineMeeting": False,
            "onlineMeeting": None,
            "onlineMeetingUrl": None,
            "showAs": "busy",
            "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
            "attendees": [],
            "originalStartTimeZone": "W. Europe Standard Time",
            **self.fields,
        }

    def instances(self) -> list[Json]:
        """Show each time it takes place, in full; an event that does not recur once."""
        if not self.recurs:
            return [self.shown()]
        found = []
        for number in range(self.recurs):
            other = self.exceptions.get(number, self)
            if other is not None:
                found.append({**other.shown(), **self._instance(number, other)})
        return found

    def _instance(self, number: int, other: Event) -> Json:
        days = 0 if other is not self else 7 * number
        return {
            "id": f"{self.id}.{number}",
            "iCalUId": self.uid,
            "seriesMasterId": self.id,
            "type": "occurrence" if other is self else "exception",
            "start": _wall(other.start.add(hours=24 * days)),
            "end": _wall(other.end.add(hours=24 * days)),
        }


@dataclass
class Calendar:
    """One calendar; `providers` are those of its online meetings."""

    name: str
    id: str = field(default_factory=lambda: f"AQMk{uuid4().hex}=")
    default: bool = False
    writable: bool = True
    color: str = ""
    providers: tuple[str, ...] = ("teamsForBusiness",)

    def shown(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "hexColor": self.color,
            "isDefaultCalendar": self.default,
            "canEdit": self.writable,
            "allowedOnlineMeetingProviders": list(self.providers),
        }


@dataclass
class Mailbox:
    """What belongs to one account.

    Attributes:
        mailed: addresses Exchange would have mailed, because somebody made them attendees.
        joined_later: Teams says where to join a moment after the event was made.
    """

    email: str
    id: str = field(default_factory=lambda: str(uuid4()))
    calendars: list[Calendar] = field(default_factory=lambda: [Calendar("Calendar", default=True)])
    events: dict[str, Event] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)  # (calendar, event), in the order of changes
    transactions: dict[str, str] = field(default_factory=dict)
    mailed: list[str] = field(default_factory=list)
    joined_later: bool = False

    def calendar(self, calendar_id: str) -> Calendar:
        for calendar in self.calendars:
            if calendar_id in (calendar.id, calendar.name):
                return calendar
        raise Refused(404, "ErrorItemNotFound")

    def find(self, event_id: str) -> tuple[Event, int | None]:
        """Find an event, or a series and the number of one of its instances."""
        name, _, number = event_id.partition(".")
        event = self.events.get(name)
        if event is None or (number and event.exceptions.get(int(number), event) is None):
            raise Refused(404, "ErrorItemNotFound")
        return event, int(number) if number else None

    def show(self, event_id: str) -> Json:
        event, number = self.find(event_id)
        if number is None:
            return event.shown()
        (found,) = [one for one in event.instances() if one["id"] == event_id]
        return found

    def add(self, event: Event) -> Event:
        self.events[event.id] = event
        self.log.append((event.calendar, event.id))
        return event

    def make(self, calendar: Calendar, given: Json) -> Event:
        """Make the event a client asks for; the same transaction makes it once."""
        if not calendar.writable:
            raise Refused(403, "ErrorAccessDenied")
        transaction = given.get("transactionId")
        if transaction in self.transactions:
            before = self.events.get(self.transactions[transaction])
            if before and before.fields.get("subject") == given.get("subject") and _times(given) == _at(before):
                return before
            raise Refused(
                409, "ErrorDuplicateTransactionId", **({"@event.existingEventId": before.id} if before else {})
            )
        event = Event(calendar.id, *_times(given), transaction=transaction)
        self._set(event, given, calendar)
        if transaction:
            self.transactions[transaction] = event.id
        return self.add(event)

    def change(self, event_id: str, given: Json, etag: str | None) -> Json:
        event, number = self.find(event_id)
        _same_version(event, etag)
        if number is not None:
            at = self.show(event_id)
            exception = Event(event.calendar, *_times({**at, **given}), dict(event.fields), uid=event.uid)
            exception.fields.update(_settable(given))
            event.exceptions[number] = exception
        else:
            event.start, event.end = _times({**event.shown(), **given})
            self._set(event, given, self.calendar(event.calendar))
        self.touched(event)
        return self.show(event_id)

    def touched(self, event: Event) -> None:
        """Have a change reported."""
        event.touch()
        self.log.append((event.calendar, event.id))

    def remove(self, event_id: str, etag: str | None = None) -> None:
        event, number = self.find(event_id)
        _same_version(event, etag)
        if number is not None:
            event.exceptions[number] = None
            self.touched(event)
        else:
            del self.events[event.id]
            self.log.append((event.calendar, event.id))

    def transfer(self, event_id: str, calendar: Calendar) -> Event:
        """Drag an event into another calendar, where it is known by another id."""
        event = self.events.pop(event_id)
        self.log.append((event.calendar, event.id))
        event.id, event.calendar = f"AAMk{uuid4().hex}=", calendar.id
        event.touch()
        return self.add(event)

    def view(self, calendar: Calendar, start: Instant, end: Instant) -> list[Json]:
        """List every instance in a span, in full."""
        return [one for event in self._of(calendar) for one in event.instances() if lies(one, start, end)]

    def reported(self, calendar: Calendar, start: Instant, end: Instant, since: int | None) -> list[Json]:
        """Report what changed since a place in the log, as incremental reading does; None: all there is."""
        if since is None:
            return [item for event in self._of(calendar) for item in _bare(event, start, end)]
        changed = dict.fromkeys(name for of, name in self.log[since:] if of == calendar.id)
        return list(self._reports(changed, calendar, start, end))

    def _reports(self, changed: dict[str, None], calendar: Calendar, start: Instant, end: Instant) -> Iterator[Json]:
        for name in changed:
            event = self.events.get(name)
            found = _bare(event, start, end) if event and event.calendar == calendar.id else []
            # What lies outside the view is called removed as well, known or not.
            yield from found or [{"id": name, "@removed": {"reason": "deleted"}}]

    def _of(self, calendar: Calendar) -> list[Event]:
        return [event for event in self.events.values() if event.calendar == calendar.id]

    def _set(self, event: Event, given: Json, calendar: Calendar) -> None:
        if given.get("recurrence", ...) is None:
            event.recurs, event.exceptions = 0, {}
        event.fields.update(_settable(given))
        for one in given.get("singleValueExtendedProperties", ()):
            event.properties[one["id"]] = one["value"]
        self.mailed += [one["emailAddress"]["address"] for one in given.get("attendees", ())]
        if given.get("isOnlineMeeting") and not event.fields.get("onlineMeeting"):
            if given.get("onlineMeetingProvider") not in calendar.providers:
                raise Refused(400, "ErrorInvalidRequest")
            event.fields["onlineMeeting"] = {"joinUrl": f"{JOIN}{event.id}"}
            body = event.fields.setdefault("body", {"contentType": "html", "content": ""})
            event.fields["body"] = {**body, "content": f"<html><body>{body['content']}{BLOB}</body></html>"}
        elif event.fields.get("isOnlineMeeting") and "_" * 80 not in event.fields["body"]["content"]:
            event.fields.update(isOnlineMeeting=False, onlineMeeting=None)  # whoever loses the text loses the meeting


def _bare(event: Event, start: Instant, end: Instant) -> list[Json]:
    """Show an event as incremental reading does: of a series its master, then occurrences with hardly anything."""
    found = [one for one in event.instances() if lies(one, start, end)]
    if not event.recurs or not found:
        return found
    bare = [one if one["type"] == "exception" else {key: one[key] for key in _OF_A_SERIES} for one in found]
    return [event.shown(), *bare]


def lies(one: Json, start: Instant, end: Instant) -> bool:
    """Say whether an event lies in a span."""
    begins, ends = _times(one)
    return begins < end and ends > start


def _times(given: Json) -> tuple[Instant, Instant]:
    start, end = (Instant.parse_iso(f"{given[key]['dateTime'][:19]}Z") for key in ("start", "end"))
    return start, end


def _at(event: Event) -> tuple[Instant, Instant]:
    return event.start, event.end


def _wall(at: Instant) -> Json:
    return {"dateTime": f"{at.format_iso(unit='second').removesuffix('Z')}.0000000", "timeZone": "UTC"}


def _settable(given: Json) -> Json:
    of_its_own = ("start", "end", "transactionId", "singleValueExtendedProperties")
    return {key: value for key, value in given.items() if key not in of_its_own}


def _same_version(event: Event, etag: str | None) -> None:
    if etag not in (None, "*", event.etag):
        raise Refused(412, "ErrorIrresolvableConflict")
