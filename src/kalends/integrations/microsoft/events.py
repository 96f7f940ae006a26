"""Microsoft's events as remote events."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON
from whenever import Instant, PlainDateTime, Time, TimeZoneNotFoundError

from kalends.domain.remote_events import Answer, Occurrence, RemoteEvent, Window
from kalends.integrations.oauth import nonsense

from . import identity
from .refusals import VENDOR

SELECT = ",".join(
    (
        "id",
        "iCalUId",
        "transactionId",
        "type",
        "seriesMasterId",
        "isAllDay",
        "isCancelled",
        "showAs",
        "start",
        "end",
        "responseStatus",
        "attendees",
        "isOnlineMeeting",
        "onlineMeeting",
        "onlineMeetingUrl",
    )
)
ANSWERS: Mapping[str, Answer] = {
    "accepted": "accepted",
    "organizer": "accepted",
    "declined": "declined",
    "tentativelyAccepted": "tentative",
    "notResponded": "needs-action",
    "none": "needs-action",
}
# "Working elsewhere" says where somebody is, mostly all day long; Outlook's own scheduling does not count it as busy.
_TAKES_NO_TIME = frozenset({"free", "workingElsewhere"})
_MIDNIGHT = Time()
_TICKS = re.compile(r"(\.\d{1,9})\d*")


def remote_event(found: Mapping[str, Any], *, zone: str | None, window: Window, own: Collection[str]) -> RemoteEvent:
    """Read an event that does not recur.

    Args:
        zone: the calendar's, for all-day events; None: UTC.

    Raises:
        Upstream: it is not what Microsoft documents.
    """
    return _read(found, [found], zone, window, own, etag=found.get("@odata.etag"))


def remote_series(
    master: str, instances: Sequence[Mapping[str, Any]], *, zone: str | None, window: Window, own: Collection[str]
) -> RemoteEvent:
    """Read a series as one event, of all its instances in the window.

    It has no etag: that of the series does not tell when an instance was changed, and we write none.

    Args:
        master: the series' id.

    Raises:
        Upstream: it is not what Microsoft documents.
    """
    if not instances:
        return RemoteEvent(master, None)
    return _read({**instances[0], "id": master}, instances, zone, window, own, etag=None)


def series_of(found: Mapping[str, Any]) -> str | None:
    """Tell which series an event is one of, or is itself; None: it does not recur."""
    if found.get("type") == "seriesMaster":
        return str(found.get("id"))
    return found.get("seriesMasterId") or None


def _read(
    said: Mapping[str, Any],
    instances: Sequence[Mapping[str, Any]],
    zone: str | None,
    window: Window,
    own: Collection[str],
    *,
    etag: str | None,
) -> RemoteEvent:
    try:
        occurrences = [one for found in instances for one in _occurrences(found, zone or "UTC", window)]
        return RemoteEvent(
            remote_id=str(said["id"]),
            uid=identity.uid(said),
            etag=etag,
            occurrences=tuple(sorted(occurrences, key=lambda one: (one.start, one.end))),
            guests=_guests(said, own),
            link=link(said),
        )
    except (KeyError, TypeError, ValueError, AttributeError, TimeZoneNotFoundError):
        raise nonsense(VENDOR) from None


def link(found: Mapping[str, Any]) -> str | None:
    """Tell where one joins online; None: nowhere, or not made yet."""
    return (found.get("onlineMeeting") or {}).get("joinUrl") or found.get("onlineMeetingUrl") or None


def times(found: Mapping[str, Any], zone: str) -> tuple[Instant, Instant]:
    """Read when an event takes place.

    An all-day event has dates, which come as midnights whatever zone was asked for; they are days of `zone`.
    """
    start, end = _plain(found["start"]), _plain(found["end"])
    days = found.get("isAllDay") and start[0].time() == end[0].time() == _MIDNIGHT
    begin, until = (at.assume_tz(zone if days else of).to_instant() for at, of in (start, end))
    return begin, until


def _plain(given: Mapping[str, str]) -> tuple[PlainDateTime, str]:
    """Read a wall time and the zone of its wall, whatever Windows calls it."""
    zone = given.get("timeZone") or "UTC"
    return PlainDateTime.parse_iso(_TICKS.sub(r"\1", given["dateTime"])), WINDOWS_TO_OLSON.get(zone, zone)


def _occurrences(found: Mapping[str, Any], zone: str, window: Window) -> tuple[Occurrence, ...]:
    if found.get("isCancelled"):
        return ()
    start, end = times(found, zone)
    if start >= window.end or max(end, start.add(seconds=1)) <= window.start:
        return ()
    said = (found.get("responseStatus") or {}).get("response")
    return (
        Occurrence(
            start,
            end,
            transparent=found.get("showAs") in _TAKES_NO_TIME,
            answer=None if said in (None, "none", "organizer") else ANSWERS.get(said, "needs-action"),
        ),
    )


def _guests(found: Mapping[str, Any], own: Collection[str]) -> tuple[tuple[str, Answer], ...]:
    guests: dict[str, Answer] = {}
    for attendee in found.get("attendees") or ():
        email = str((attendee.get("emailAddress") or {}).get("address") or "").strip().lower()
        if email and email not in own:
            said = str((attendee.get("status") or {}).get("response"))
            guests[email] = ANSWERS.get(said, "needs-action")
    return tuple(guests.items())
