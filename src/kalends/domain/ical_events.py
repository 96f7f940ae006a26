"""One VEVENT, understood: when it begins, how long it takes, whom it binds (RFC 5545 3.6.1)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from .ical_lines import Component, Line, values
from .ical_rules import DAY_S, BadRule, Rule, TooMany, parse
from .ical_zones import UTC, Zone, Zones, wall_time
from .remote_events import Answer

# The lines of an event that say when it takes place, whom it binds, and where one meets.
LINES = frozenset(
    {
        *("UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "SEQUENCE"),
        *("DTSTAMP", "STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "ORGANIZER", "ATTENDEE"),
        *("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL"),
    }
)
_DURATION = re.compile(r"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,8})S)?)?")
_ANSWERS: dict[str, Answer] = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "DELEGATED": "declined",  # somebody else goes there
    "TENTATIVE": "tentative",
    "COMPLETED": "accepted",
    "IN-PROCESS": "accepted",
}
_LONGEST = 255  # characters of a name; RFC 7986 5.3
_LONGEST_LINK = 2000
_MOST_DATES = 100_000  # of one event
_STRONGEST: tuple[Answer, ...] = ("accepted", "tentative", "needs-action", "declined")


class Unreadable(ValueError):
    """What an event says of its times cannot be read; `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Stamp:
    """A DATE or DATE-TIME with what it is read in.

    Attributes:
        wall: of a date its midnight.
        written: in UTC: what it says is no wall time of anybody's.
    """

    wall: int
    zone: Zone
    all_day: bool = False
    is_utc: bool = False

    @property
    def at(self) -> int:
        """Its instant."""
        return self.zone.instant(self.wall)

    def day_in(self, zone: Zone) -> int:
        """Find the date that is meant where a date should stand, in days.

        Exchange writes the midnight it means in UTC, others write the date and a time of no meaning.
        """
        if self.is_utc and (wall := zone.wall(self.at)) % DAY_S == 0:
            return wall // DAY_S
        return self.wall // DAY_S


@dataclass(frozen=True, slots=True)
class Length:
    """How long an event takes: `days` on the wall and then `seconds`; or as DTEND says it, until `end`.

    Attributes:
        elapsed: of an event with DTEND, in seconds.
        on_wall: the same by the clock on the wall, where start and end are read in one zone.
    """

    days: int = 0
    seconds: int = 0
    elapsed: int | None = None
    on_wall: int | None = None

    @property
    def longest(self) -> int:
        """A bound in seconds, clock changes left out."""
        return max(self.days * DAY_S + self.seconds, self.elapsed or 0, self.on_wall or 0)

    def end(self, wall: int, zone: Zone) -> int:
        """Find the instant at which an event ends that begins at a wall time."""
        ends = []
        if self.elapsed is None and self.on_wall is None:
            ends.append(zone.instant(wall + self.days * DAY_S) + self.seconds)
        # RFC 5545 3.8.5.3 has all recurrences take the same time, most programs end them at the same hour: they differ
        # in the night the clocks are changed. Busy is what either shows.
        if self.elapsed is not None:
            ends.append(zone.instant(wall) + self.elapsed)
        if self.on_wall is not None:
            ends.append(zone.instant(wall + self.on_wall))
        return max(ends)


@dataclass(frozen=True, slots=True)
class Times:
    """The zones stamps are read in.

    Attributes:
        zones: those the text speaks of.
        own: the calendar's: of dates, and of times without a zone.
    """

    zones: Zones
    own: Zone

    def stamp(self, text: str, line: Line, floating: Zone | None = None) -> Stamp:
        """Read one date of a line.

        Raises:
            Unreadable: it is none; or it is in a zone nobody knows.
        """
        text = text.strip().upper()
        if wall_time(text) is None:
            text = text.rpartition(":")[2]  # a TZID with a colon in it and no quotes
        wall = wall_time(text)
        if wall is None:
            raise Unreadable("time")
        if "T" not in text or line.parameters.get("VALUE", "").upper() == "DATE":
            return Stamp(wall // DAY_S * DAY_S, self.own, all_day=True)
        if text.endswith("Z"):
            return Stamp(wall, UTC, is_utc=True)
        tzid = line.parameters.get("TZID")
        if not tzid:
            return Stamp(wall, floating or self.own)
        if ":" in line.value:
            tzid = f"{tzid}:{line.value.rpartition(':')[0]}"
        zone = self.zones.find(tzid)
        if zone is None:
            raise Unreadable("zone")
        return Stamp(wall, zone)


@dataclass(frozen=True, slots=True)
class Part:
    """One VEVENT: an event, all its recurrences, or one that differs from them.

    Attributes:
        recurrence: RECURRENCE-ID: which one it stands for.
        onwards: it stands for all later ones as well (RANGE=THISANDFUTURE).
        extra: RDATEs with the lengths of those that have one of their own.
        rank: what counts of several for the same; higher is newer.
    """

    start: Stamp
    length: Length
    recurrence: Stamp | None
    onwards: bool
    rules: tuple[Rule, ...]
    extra: tuple[tuple[Stamp, Length | None], ...]
    without: tuple[Stamp, ...]
    without_rules: tuple[Rule, ...]
    rank: tuple[int, str]
    cancelled: bool
    transparent: bool
    answer: Answer | None
    guests: tuple[tuple[str, Answer], ...]
    link: str | None
    flaw: str | None


def is_plain(text: str, longest: int = _LONGEST) -> bool:
    """Tell whether a name is one that can be kept: neither long nor with control characters in it."""
    return len(text) <= longest and text.isprintable()


def understand(event: Component, times: Times, own: Collection[str]) -> Part:
    """Read one VEVENT; what is broken beside its start is left out and noted as its flaw.

    Args:
        own: addresses of the calendar's owner, in lower case.

    Raises:
        Unreadable: it does not say when it begins.
        TooMany: it names more dates than anybody would.
    """
    if sum(line.value.count(",") for name in ("RDATE", "EXDATE") for line in event.lines.get(name, ())) > _MOST_DATES:
        raise TooMany
    flaws: list[str] = []
    start = _start(event, times, flaws)
    recurrence_id = event.first("RECURRENCE-ID")
    recurrence = _all([recurrence_id] if recurrence_id else (), times, start, flaws)
    answer, guests = _answers(event, own)
    return Part(
        start=start,
        length=_length(event, start, times, flaws),
        recurrence=recurrence[0] if recurrence else None,
        onwards=recurrence_id is not None and "FUTURE" in recurrence_id.parameters.get("RANGE", "").upper(),
        rules=_rules(event, "RRULE", flaws),
        extra=tuple(one for line in event.lines.get("RDATE", ()) for one in periods(line, times, start.zone, flaws)),
        without=tuple(_all(event.lines.get("EXDATE", ()), times, start, flaws)),
        without_rules=_rules(event, "EXRULE", flaws),
        rank=(_number(event.value("SEQUENCE")), event.value("DTSTAMP")),
        cancelled=event.value("STATUS").upper() in ("CANCELLED", "CANCELED"),
        transparent=_is_transparent(event),
        answer=answer,
        guests=guests,
        link=_link(event),
        flaw=flaws[0] if flaws else None,
    )


def _start(event: Component, times: Times, flaws: list[str]) -> Stamp:
    line = event.first("DTSTART")
    if line is None:
        raise Unreadable("start")
    return _read(line.value, line, times, None, flaws)


def _read(text: str, line: Line, times: Times, floating: Zone | None, flaws: list[str]) -> Stamp:
    """Read a date; in a zone nobody knows it is taken for the calendar's, and noted."""
    try:
        return times.stamp(text, line, floating)
    except Unreadable as error:
        if error.reason != "zone":
            raise
        flaws.append(error.reason)
        value = text.rpartition(":")[2]
        return times.stamp(value, line._replace(parameters={}, value=value), floating)


def _all(lines: Iterable[Line], times: Times, start: Stamp, flaws: list[str]) -> list[Stamp]:
    """Read what can be read of some lines of dates; times without a zone are in the start's."""
    found = []
    for line in lines:
        for text in values(line):
            try:
                found.append(_read(text.partition("/")[0], line, times, start.zone, flaws))
            except Unreadable as error:
                flaws.append(error.reason)
    return found


def _length(event: Component, start: Stamp, times: Times, flaws: list[str]) -> Length:
    line = event.first("DTEND")
    if line is not None:
        try:
            found = _until(start, _read(line.value, line, times, start.zone, flaws))
        except Unreadable as error:
            flaws.append(error.reason)
            found = None
        if found is not None:
            return found
    elif (text := event.value("DURATION")) and (duration := _duration(text)) is not None:
        return duration
    elif text:
        flaws.append("duration")
    return Length(days=1) if start.all_day else Length()


def _until(start: Stamp, end: Stamp) -> Length | None:
    """Say how long it is to an end; None: it is no end, or of an all-day event the same day (some mean one day)."""
    if start.all_day and end.all_day:
        return Length(on_wall=end.wall - start.wall) if end.wall > start.wall else None
    elapsed = end.at - start.at
    same = end.zone == start.zone and end.wall > start.wall
    return Length(elapsed=elapsed, on_wall=end.wall - start.wall if same else None) if elapsed > 0 else None


def _duration(text: str) -> Length | None:
    """Read a DURATION; backwards ones are none."""
    found = _DURATION.fullmatch(text.strip().upper())
    if found is None or not any(found.groups()[1:]):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    if found[1] == "-":
        return Length()
    return Length(days=7 * weeks + days, seconds=3600 * hours + 60 * minutes + seconds)


def periods(line: Line, times: Times, floating: Zone | None, flaws: list[str]) -> Iterator[tuple[Stamp, Length | None]]:
    """Yield what can be read of a line's dates and periods (RFC 5545 3.3.9); None: a date alone."""
    for text in values(line):
        begin, _, until = text.partition("/")
        try:
            stamp, length = _read(begin, line, times, floating, flaws), None
            if until:
                length = _duration(until) or _until(stamp, _read(until, line, times, floating, flaws))
            yield stamp, length
        except Unreadable as error:
            flaws.append(error.reason)


def _rules(event: Component, name: str, flaws: list[str]) -> tuple[Rule, ...]:
    found = []
    for line in event.lines.get(name, ()):
        try:
            rule = parse(line.value)
            if rule.until is not None and wall_time(rule.until) is None:
                raise BadRule(line.value)
            found.append(rule)
        except BadRule:
            flaws.append("rule")
    return tuple(found)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _is_transparent(event: Component) -> bool:
    transparency = event.value("TRANSP").upper()
    return transparency == "TRANSPARENT" or (
        not transparency and event.value("X-MICROSOFT-CDO-BUSYSTATUS").upper() == "FREE"
    )


def _answers(event: Component, own: Collection[str]) -> tuple[Answer | None, tuple[tuple[str, Answer], ...]]:
    """Read what the owner answered, None if nobody asked him, and what others did."""
    answers: list[Answer] = []
    guests: dict[str, Answer] = {}
    organizer = event.first("ORGANIZER")
    for line in event.lines.get("ATTENDEE", ()):
        addresses = _addresses(line)
        mine = any(address in own for address in addresses)
        state = line.parameters.get("PARTSTAT", "").upper()
        answer = _ANSWERS.get(state, "needs-action")
        if mine:
            # Whoever invites is there, unless he says otherwise.
            invites = organizer is not None and not addresses.isdisjoint(_addresses(organizer))
            answers.append("accepted" if invites and not state else answer)
        else:
            guests |= {address: answer for address in addresses if "@" in address and is_plain(address)}
    strongest = next((answer for answer in _STRONGEST if answer in answers), None)
    return strongest, tuple(sorted(guests.items()))


def _addresses(line: Line) -> set[str]:
    """Find the mail addresses of a person: the URI, or EMAIL where that is something else (RFC 7986 6.2)."""
    value = line.value.strip().lower()
    found = {value.removeprefix("mailto:").strip()} if value.startswith("mailto:") or "@" in value else set()
    return found | {text.strip().lower().removeprefix("mailto:") for text in (line.parameters.get("EMAIL"),) if text}


def _link(event: Component) -> str | None:
    for name in ("X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL", "CONFERENCE"):
        for line in event.lines.get(name, ()):
            link = line.text.strip() if name != "CONFERENCE" else line.value.strip()
            if link.startswith(("https://", "http://")) and is_plain(link, _LONGEST_LINK):
                return link
    return None
