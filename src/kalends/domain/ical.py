"""iCalendar text -> the times that events take in a window (RFC 5545).

Whatever a text says, it is read within bounds; one event that is broken does not lose the others. What could not be
read of an event is said in `RemoteEvent.unreadable`:

    start      it does not say when it begins: it takes no time
    time       a time of it is none: that one is left out
    zone       a zone nobody knows: taken for the calendar's
    duration   how long it takes is none: taken for a day where it is all-day, else for no time
    rule       a recurrence rule that is none: left out; the event's own time stays
    too-many   more than 10,000 times, or a rule that takes too long to follow: none of them
    cut-short  the text ends too early
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from operator import attrgetter

from .ical_events import LINES, Part, is_plain, understand
from .ical_lines import Component, components
from .ical_recurrence import TooMany
from .ical_series import Spans, place
from .ical_times import Times, Unreadable, periods
from .ical_zone_names import known_name
from .ical_zones import UTC, Zone, Zones
from .remote_events import RemoteEvent, Window

_WANTED = {
    "VCALENDAR": frozenset({"X-WR-TIMEZONE", "X-WR-CALNAME", "NAME"}),
    "VTIMEZONE": frozenset({"TZID", "X-LIC-LOCATION"}),
    "STANDARD": frozenset({"DTSTART", "RRULE", "RDATE", "TZOFFSETFROM", "TZOFFSETTO"}),
    "DAYLIGHT": frozenset({"DTSTART", "RRULE", "RDATE", "TZOFFSETFROM", "TZOFFSETTO"}),
    "VEVENT": LINES,
    "VFREEBUSY": frozenset({"UID", "FREEBUSY"}),
}
_HEAD = {"VCALENDAR": _WANTED["VCALENDAR"]}


@dataclass(frozen=True, slots=True)
class Head:
    """What a text says of itself.

    Attributes:
        is_calendar: it is iCalendar at all.
        is_whole: it ends as it should.
        zone: the time zone database's name; None: it says none.
    """

    is_calendar: bool
    is_whole: bool
    name: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a text.

    Attributes:
        own: e-mail addresses of the calendar's owner, in lower case.
        zone: what all-day events and times without a zone are read in; None: what the text says, else `otherwise`.
    """

    window: Window
    own: Collection[str]
    zone: str | None = None
    otherwise: str = "UTC"


def head(text: str) -> Head:
    """Read what a text says of itself."""
    found = [one for one in components(text, _HEAD) if one.kind == "VCALENDAR"]
    if not found:
        return Head(is_calendar=False, is_whole=False)
    first = found[0]
    name = first.first("X-WR-CALNAME") or first.first("NAME")
    return Head(
        is_calendar=True,
        is_whole=all(one.closed for one in found),
        name="".join(filter(str.isprintable, name.text)).strip()[:200] or None if name else None,
        zone=known_name(first.value("X-WR-TIMEZONE")),
    )


def resource(remote_id: str, etag: str | None, text: str, asked: Asked) -> RemoteEvent:
    """Read a text as one event, whatever it holds."""
    calendars = components(text, _WANTED)
    events = [_event(group, asked) for group in _groups(calendars, asked)]
    found = _joined(remote_id, events)
    whole = all(calendar.closed for calendar in calendars)
    return replace(found, etag=etag, unreadable=found.unreadable or (None if whole else "cut-short"))


def feed(text: str, asked: Asked) -> Iterator[RemoteEvent]:
    """Read a text as a calendar of many events, called by their UIDs; those without a time in the window are left out.

    Of a text that is cut short, what is there is read (`Head.is_whole`).
    """
    for group in _groups(components(text, _WANTED), asked):
        found = _event(group, asked)
        if found.occurrences or found.unreadable:
            yield found


@dataclass(frozen=True, slots=True)
class _Group:
    """What belongs to one UID, each with the zones of the calendar it stands in."""

    name: str
    uid: str | None
    sources: list[tuple[Component, Times]]


def _groups(calendars: Iterable[Component], asked: Asked) -> list[_Group]:
    """Gather what belongs together; an event without a UID, or with one nobody can keep, is called by a hash."""
    until = asked.window.end.timestamp()
    groups: dict[str, _Group] = {}
    for calendar in calendars:
        whole = calendar.parts if calendar.kind == "VCALENDAR" else [calendar]
        zones = Zones((part for part in whole if part.kind == "VTIMEZONE"), until=until)
        times = Times(zones, _calendar_zone(calendar, zones, asked))
        for part in whole:
            if part.kind in ("VEVENT", "VFREEBUSY"):
                uid = part.value("UID")
                name = uid if uid and is_plain(uid) else _hash(uid or _said(part))
                groups.setdefault(name, _Group(name, name if uid else None, [])).sources.append((part, times))
    return list(groups.values())


def _hash(text: str) -> str:
    return "sha256:" + sha256(text.encode("utf-8", "replace")).hexdigest()


def _said(part: Component) -> str:
    return "\n".join(sorted(str(line) for lines in part.lines.values() for line in lines))


def _calendar_zone(calendar: Component, zones: Zones, asked: Asked) -> Zone:
    for name in (asked.zone, calendar.value("X-WR-TIMEZONE"), asked.otherwise):
        zone = zones.find(name) if name else None
        if zone is not None:
            return zone
    return UTC


def _joined(remote_id: str, events: Sequence[RemoteEvent]) -> RemoteEvent:
    """Make one event of several UIDs that somebody put into one resource, or of none."""
    if not events:
        return RemoteEvent(remote_id, None)
    times = sorted({one for event in events for one in event.occurrences}, key=attrgetter("start", "end"))
    flaw = next((event.unreadable for event in events if event.unreadable), None)
    return replace(events[0], remote_id=remote_id, occurrences=tuple(times), unreadable=flaw)


def _event(group: _Group, asked: Asked) -> RemoteEvent:
    parts: list[Part] = []
    flaws: list[str] = []
    spans = Spans(asked.window)
    try:
        for source, times in group.sources:
            if not source.closed:
                flaws.append("cut-short")
            if source.kind == "VFREEBUSY":
                _place_busy(source, times, spans, flaws)
                continue
            try:
                parts.append(understand(source, times, asked.own))
            except Unreadable as error:
                flaws.append(error.reason)
        flaws += [part.flaw for part in parts if part.flaw]
        place(parts, spans)
    except TooMany:
        spans.found.clear()
        flaws.append("too-many")
    spoken = next((part for part in parts if part.recurrence is None), parts[0] if parts else None)
    return RemoteEvent(
        group.name,
        group.uid,
        occurrences=tuple(sorted(set(spans.found), key=attrgetter("start", "end"))),
        guests=spoken.guests if spoken else (),
        link=spoken.link if spoken else None,
        unreadable=flaws[0] if flaws else None,
    )


def _place_busy(source: Component, times: Times, spans: Spans, flaws: list[str]) -> None:
    """Read published free/busy time (RFC 5545 3.6.4)."""
    for line in source.lines.get("FREEBUSY", ()):
        if line.parameters.get("FBTYPE", "BUSY").upper() != "FREE":
            for stamp, length in periods(line, times, None, flaws):
                if length is not None:
                    spans.add_span(stamp.at, length.end(stamp.wall, stamp.zone))
