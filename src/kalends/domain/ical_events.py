"""One VEVENT, understood: when it begins, how long it takes, whom it binds (RFC 5545 3.6.1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .ical_lines import Component, Line, values
from .ical_recurrence import TooMany
from .ical_rules import BadRule, Rule, parse
from .ical_times import Length, Stamp, Times, Unreadable, duration, periods, read, until
from .ical_zones import wall_time
from .remote_events import Answer

# The lines of an event that say when it takes place, whom it binds, and where one meets.
LINES = frozenset(
    {
        *("UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "SEQUENCE"),
        *("DTSTAMP", "STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "ORGANIZER", "ATTENDEE"),
        *("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL"),
    }
)
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
    return read(line.value, line, times, None, flaws)


def _all(lines: Iterable[Line], times: Times, start: Stamp, flaws: list[str]) -> list[Stamp]:
    """Read what can be read of some lines of dates; times without a zone are in the start's."""
    found = []
    for line in lines:
        for text in values(line):
            try:
                found.append(read(text.partition("/")[0], line, times, start.zone, flaws))
            except Unreadable as error:
                flaws.append(error.reason)
    return found


def _length(event: Component, start: Stamp, times: Times, flaws: list[str]) -> Length:
    line = event.first("DTEND")
    if line is not None:
        try:
            found = until(start, read(line.value, line, times, start.zone, flaws))
        except Unreadable as error:
            flaws.append(error.reason)
            found = None
        if found is not None:
            return found
    elif (text := event.value("DURATION")) and (found := duration(text)) is not None:
        return found
    elif text:
        flaws.append("duration")
    return Length(days=1) if start.all_day else Length()


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
