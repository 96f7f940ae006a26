"""What the fake Google keeps: a calendar with its events, their versions and the tokens made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

Item = dict[str, Any]


class Refused(Exception):
    """An answer with an error, in Google's form."""

    def __init__(self, status: int, reason: str, *, domain: str = "global", headers: dict[str, str] | None = None):
        super().__init__(reason)
        self.status = status
        self.headers = headers or {}
        self.body = {
            "error": {
                "errors": [{"domain": domain, "reason": reason, "message": f"{reason} for jo@guest.test"}],
                "code": status,
                "message": f"{reason} for jo@guest.test",
            }
        }


@dataclass
class FakeCalendar:
    """One calendar; every change raises `revision`, and an event carries the one it was changed at.

    Attributes:
        generation: raised, all sync tokens are dead.
        bounds: the timeMin and timeMax tokens were made with; they go on to hold, and hide.
        talkative: more is told of what was cancelled than is promised, as Google often does.
        watchable: Google tells nobody of changes of calendars it makes itself (holidays).
    """

    id: str
    summary: str
    owner: str
    zone: str = "Europe/Berlin"
    role: str = "owner"
    primary: bool = False
    hidden: bool = False
    deleted: bool = False
    color: str = "#0088aa"
    watchable: bool = True
    talkative: bool = False
    bounds: dict[tuple[int, bool], tuple[datetime | None, datetime | None]] = field(default_factory=dict)
    events: dict[str, Item] = field(default_factory=dict)
    revision: int = 0
    generation: int = 0
    snapshots: list[tuple[list[Item], Item]] = field(default_factory=list)

    def listed(self) -> Item:
        """Write it as calendarList does."""
        return {
            "kind": "calendar#calendarListEntry",
            "id": self.id,
            "summary": self.summary,
            "timeZone": self.zone,
            "accessRole": self.role,
            "backgroundColor": self.color,
            **({"primary": True} if self.primary else {}),
            **({"hidden": True} if self.hidden else {}),
            **({"deleted": True} if self.deleted else {}),
        }

    # --- changes

    def keep(self, event: Item) -> Item:
        """Store an event in a new version."""
        self.revision += 1
        event["_rev"] = self.revision
        event["etag"] = f'"{3000000000000000 + self.revision}"'
        self.events[event["id"]] = event
        return event

    def add(self, body: Item, *, organizer: str | None = None) -> Item:
        """Make an event."""
        uid = body.get("iCalUID")
        if uid and any(event.get("iCalUID") == uid for event in self.events.values()):
            raise Refused(409, "duplicate")
        event_id = body.get("id") or uuid4().hex[:26]
        mine = organizer is None or organizer == self.owner
        event: Item = {
            "kind": "calendar#event",
            "status": "confirmed",
            "eventType": "default",
            **body,
            "id": event_id,
            "iCalUID": uid or f"{event_id}@google.com",
            "organizer": {"email": organizer or self.owner, "self": mine},
        }
        _marked(event, self.owner)
        _ends_after_it_starts(event)
        return self.keep(event)

    def change(self, event_id: str, body: Item, *, etag: str | None = None, forced: bool = False) -> Item:
        """Change an event, or one instance of a series."""
        event = self.found(event_id)
        if etag and event["etag"] != etag:
            raise Refused(412, "conditionNotMet")
        if not forced and not event["organizer"]["self"]:
            raise Refused(403, "forbiddenForNonOrganizer", domain="calendar")
        if event["status"] == "cancelled" and body.get("status") != "confirmed":
            raise Refused(410, "deleted")
        changed = _merged(event, body)
        if any({"date", "dateTime"} <= changed[bound].keys() for bound in ("start", "end")):
            raise Refused(400, "invalid")
        _marked(changed, self.owner)
        _ends_after_it_starts(changed)
        return self.keep(changed)

    def remove(self, event_id: str, *, etag: str | None = None) -> None:
        """Delete an event, a series, or one instance of it."""
        event = self.found(event_id)
        if etag and event["etag"] != etag:
            raise Refused(412, "conditionNotMet")
        if event["status"] == "cancelled":
            raise Refused(410, "deleted")
        exceptions = [each for each in self.events.values() if each.get("recurringEventId") == event_id]
        for each in (event, *exceptions):
            self.keep({**each, "status": "cancelled"})

    def found(self, event_id: str) -> Item:
        """Find an event, or an instance that has never been touched."""
        if event_id in self.events:
            return self.events[event_id]
        master, _, _ = event_id.rpartition("_")
        for instance in self.instances(master, None, None) if master in self.events else ():
            if instance["id"] == event_id:
                return instance
        raise Refused(404, "notFound")

    # --- reading

    def search(self, query: dict[str, str]) -> tuple[list[Item], str]:
        """Find what events.list finds, and the token of now."""
        single = query.get("singleEvents") == "true"
        after = self._since(query, single=single)
        time_min, time_max = (_given(query.get(name)) for name in ("timeMin", "timeMax"))
        if after is not None:
            time_min, time_max = self.bounds[after, single]
        self.bounds[self.revision, single] = time_min, time_max
        if time_min and time_max and time_min >= time_max:
            raise Refused(400, "timeRangeEmpty")
        found: list[Item] = []
        for event in self.events.values():
            if "recurrence" in event and single:
                if event["status"] != "cancelled":
                    found += self.instances(event["id"], time_min, time_max or datetime(2101, 1, 1, tzinfo=UTC))
            elif "recurringEventId" in event and single and self._recurs(event["recurringEventId"]):
                continue  # comes with its series
            elif "recurrence" in event or overlaps(event, self.zone, time_min, time_max):
                found.append(event)
        deleted = after is not None or query.get("showDeleted") == "true"
        uid = query.get("iCalUID")
        return [
            _told(event, everything=self.talkative)
            for event in sorted(found, key=lambda event: event["_rev"])
            if (after is None or event["_rev"] > after)
            and (deleted or event["status"] != "cancelled" or ("recurringEventId" in event and not single))
            and (uid is None or event.get("iCalUID") == uid)
        ], f"sync-{self.generation}-{self.revision}-{single}"

    def _since(self, query: dict[str, str], *, single: bool) -> int | None:
        token = query.get("syncToken")
        if token is None:
            return None
        if {"timeMin", "timeMax", "iCalUID", "q", "orderBy", "updatedMin", "privateExtendedProperty"} & query.keys():
            raise Refused(400, "badRequest")
        matched = re.fullmatch(r"sync-(\d+)-(\d+)-(True|False)", token)
        if not matched:
            raise Refused(400, "invalid")
        if int(matched[1]) != self.generation:
            raise Refused(410, "fullSyncRequired", domain="calendar")
        if matched[3] != str(single):
            raise Refused(400, "badRequest")
        if single:
            raise Refused(501, "theFakeKnowsDeltasOfSeriesOnly")
        return int(matched[2])

    def _recurs(self, event_id: str) -> bool:
        event = self.events.get(event_id, {})
        return "recurrence" in event and event["status"] != "cancelled"

    def instances(self, master_id: str, time_min: datetime | None, time_max: datetime | None) -> list[Item]:
        """Expand a series: its instances as they were changed or not, without the cancelled ones."""
        master = self.events.get(master_id)
        if master is None:
            raise Refused(404, "notFound")
        if master["status"] == "cancelled":
            raise Refused(410, "deleted")
        if "recurrence" not in master:
            raise Refused(400, "badRequest")
        found = []
        for instance in _expanded(master, self.zone, time_max):
            event = self.events.get(instance["id"], instance)
            if event["status"] != "cancelled" and overlaps(event, self.zone, time_min, time_max):
                found.append(event)
        return found

    def busy(self, time_min: datetime, time_max: datetime) -> list[Item]:
        """Answer when it is busy."""
        spans = []
        for event in self.search({"singleEvents": "true", "timeMin": iso(time_min), "timeMax": iso(time_max)})[0]:
            if event.get("transparency") != "transparent":
                spans.append(span(event, self.zone))
        return [{"start": iso(start), "end": iso(end)} for start, end in sorted(spans)]


def _merged(event: Item, body: Item) -> Item:
    """Put into an event what is given of it: objects part by part; what is null or empty is taken out."""
    merged = dict(event)
    for name, value in body.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merged(merged[name], value)
        elif value is None or (name == "recurrence" and not value):
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


def span(event: Item, zone: str) -> tuple[datetime, datetime]:
    """Read when an event takes place."""
    return _time(event["start"], zone), _time(event["end"], zone)


def overlaps(event: Item, zone: str, time_min: datetime | None, time_max: datetime | None) -> bool:
    """Say whether an event lies in the bounds of timeMin (of its end) and timeMax (of its start)."""
    start, end = span(event, zone)
    return (time_min is None or end > time_min) and (time_max is None or start < time_max)


def iso(time: datetime) -> str:
    """Write a time as Google does."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _time(given: Item, zone: str) -> datetime:
    if "date" in given:
        return datetime.fromisoformat(given["date"]).replace(tzinfo=ZoneInfo(zone))
    return datetime.fromisoformat(given["dateTime"])


def _given(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _ends_after_it_starts(event: Item) -> None:
    if event["status"] != "cancelled":
        start, end = span(event, "UTC")
        if start > end:
            raise Refused(400, "timeRangeEmpty")


def _expanded(master: Item, zone: str, until: datetime | None) -> Iterator[Item]:
    """Yield a series' instances until a time, or the first 1,000."""
    start, end = span(master, zone)
    local = start.astimezone(ZoneInfo(master["start"].get("timeZone", zone)))
    for number, wall in enumerate(rrulestr("\n".join(master["recurrence"]), dtstart=local.replace(tzinfo=None))):
        begins = wall.replace(tzinfo=local.tzinfo)
        if number == 1000 or (until is not None and begins > until):
            return
        yield {
            **{key: value for key, value in master.items() if key not in ("recurrence", "etag")},
            "id": f"{master['id']}_{begins.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            "recurringEventId": master["id"],
            "originalStartTime": {"dateTime": begins.isoformat()},
            "start": {"dateTime": begins.isoformat()},
            "end": {"dateTime": (begins.astimezone(UTC) + (end - start)).isoformat()},
            "etag": f'"{master["_rev"]}-{number}"',
        }


def _marked(event: Item, owner: str) -> None:
    """Mark whose copy of the event it is."""
    for attendee in event.get("attendees", ()):
        attendee.pop("self", None)
        if attendee["email"].lower() == owner:
            attendee["self"] = True


def _told(event: Item, *, everything: bool) -> Item:
    """Write an event as Google tells of it: of what was cancelled no more than it promises."""
    if event["status"] != "cancelled" or everything:
        return {key: value for key, value in event.items() if not key.startswith("_")}
    known = ("id", "status", "etag", "recurringEventId", "originalStartTime")
    return {key: event[key] for key in known if key in event}


def selected(value: Any, fields: str | None) -> Any:
    """Cut an answer down to what the parameter `fields` names."""
    if not fields:
        return value
    return _cut(value, _mask(iter(re.findall(r"[\w/]+|[(),]", fields))))


def _mask(words: Iterable[str]) -> dict[str, Any]:
    mask: dict[str, Any] = {}
    name = ""
    for word in words:
        if word == ")":
            break
        if word == "(":
            mask[name] = _mask(words)
        elif word != ",":
            name = word
            mask[name] = {}
    return mask


def _cut(value: Any, mask: dict[str, Any]) -> Any:
    if not mask:
        return value
    if isinstance(value, list):
        return [_cut(each, mask) for each in value]
    return {key: _cut(value[key], inner) for key, inner in mask.items() if key in value}
