"""Google's events read as ours."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from whenever import Date, Instant, TimeZoneNotFoundError, ZonedDateTime

from kalends.domain.remote_events import Answer, Occurrence, RemoteEvent, Window
from kalends.integrations.oauth import nonsense

from .api import VENDOR

# No titles, places or descriptions: what blocks a slot is read, and nothing else.
FIELDS = (
    "id,status,iCalUID,etag,start,end,transparency,eventType,recurringEventId,recurrence,hangoutLink,"
    "attendees(email,self,resource,responseStatus)"
)
LIST_FIELDS = f"nextPageToken,nextSyncToken,timeZone,items({FIELDS})"

_ANSWERS: Mapping[str, Answer] = {
    "accepted": "accepted",
    "declined": "declined",
    "tentative": "tentative",
    "needsAction": "needs-action",
}
_NO_TIME = frozenset({"workingLocation", "birthday"})  # where one is, and whose day it is, takes nobody's time
# An instance's id is its series', "_" and when it was to begin. A series split in two ("this and following") goes on
# as <id>_R<time>, which is a series of its own.
_INSTANCE = re.compile(r"(?P<series>.+)_\d{8}(?:T\d{6}Z)?")

Item = Mapping[str, Any]


def name(item: Item) -> str:
    """Read the event's id."""
    found = item.get("id")
    if not isinstance(found, str) or not found:
        raise nonsense(VENDOR)
    return found


def series(item: Item) -> str | None:
    """Name the series an event is, or is an instance of; None: it takes place once.

    Of what was cancelled Google promises the id and nothing else.
    """
    if item.get("recurrence"):
        return name(item)
    if "recurringEventId" in item:
        return str(item["recurringEventId"])
    instance = _INSTANCE.fullmatch(name(item)) if cancelled(item) else None
    return instance["series"] if instance else None


def cancelled(item: Item) -> bool:
    """Say whether the event is no more."""
    return item.get("status") == "cancelled"


def event(
    remote_id: str, found: Iterable[Item], *, zone: str, window: Window, own: Collection[str], etag: str | None = None
) -> RemoteEvent:
    """Make one event of the times it takes place.

    Args:
        found: a single event, or instances of one series; at least one of them, cancelled ones too.
        zone: the calendar's, for all-day events.
        etag: of the whole series; None: not known.
    """
    several = list(found)
    live = [item for item in several if not cancelled(item)]
    first = (live or several)[0]
    occurrences = (_occurrence(item, zone, own) for item in live)
    return RemoteEvent(
        remote_id=remote_id,
        uid=first.get("iCalUID"),
        etag=etag if first.get("recurringEventId") else first.get("etag"),
        occurrences=tuple(
            sorted(
                (each for each in occurrences if each.start < window.end and each.end > window.start),
                key=lambda each: each.start,
            )
        ),
        guests=tuple((email, answer) for email, answer, mine in _attendees(first, own) if not mine),
        link=first.get("hangoutLink"),
    )


def instant(given: object, zone: str) -> Instant:
    """Read a time with its offset, or a whole day's beginning in the calendar's zone."""
    try:
        if isinstance(given, dict) and "dateTime" in given:
            return Instant.parse_iso(given["dateTime"])
        if isinstance(given, dict) and "date" in given:
            return _midnight(Date.parse_iso(given["date"]), zone)
    except (ValueError, TypeError, TimeZoneNotFoundError):
        pass
    raise nonsense(VENDOR)


def _midnight(day: Date, zone: str) -> Instant:
    return ZonedDateTime(day.year, day.month, day.day, tz=zone).to_instant()


def _occurrence(item: Item, zone: str, own: Collection[str]) -> Occurrence:
    mine = [answer for _, answer, mine in _attendees(item, own) if mine]
    return Occurrence(
        start=instant(item.get("start"), zone),
        end=instant(item.get("end"), zone),
        transparent=item.get("transparency") == "transparent" or item.get("eventType") in _NO_TIME,
        answer=mine[0] if mine else None,
    )


def _attendees(item: Item, own: Collection[str]) -> list[tuple[str, Answer, bool]]:
    """Read who was invited: address, answer, and whether it is the calendar's owner; he comes first."""
    listed = [each for each in item.get("attendees") or () if isinstance(each, dict) and not each.get("resource")]
    # "self" is the calendar the copy stands in; only where Google names nobody so, his addresses decide.
    known = any(each.get("self") for each in listed)
    people = []
    for each in listed:
        email = str(each.get("email", "")).lower()
        answer = _ANSWERS.get(str(each.get("responseStatus")), "needs-action")
        people.append((email, answer, bool(each.get("self")) if known else email in own))
    return people
