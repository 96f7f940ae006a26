"""An entry of a host's calendar as an iCalendar resource (RFC 5545, RFC 4791 4.1): one event, no METHOD, UTC times.

Invitations are mails of ours: SCHEDULE-AGENT=CLIENT tells the server to send none (RFC 6638 7.1, case K19), and has
to stand at the organizer too, whom the servers of the other hosts would tell of answers.
"""

from __future__ import annotations

import re

from icalendar import Calendar, Event, vCalAddress, vText

from .itip import PRODUCT, line, lines
from .remote_events import Entry, Guest

LONGEST_KEPT = 65_536  # characters of what its owner added to an event of ours

_ADDED = ("CATEGORIES", "CLASS", "COLOR", "PRIORITY")
_FOLDED = re.compile(r"\r?\n[ \t]")
_ABSOLUTE = re.compile(r"TRIGGER[^:]*VALUE=DATE-TIME", re.IGNORECASE)
_END = "END:VEVENT\r\nEND:VCALENDAR\r\n"


def resource(entry: Entry, *, over: str | None = None, people: bool = True) -> str:
    """Write an entry.

    Args:
        over: the text that it takes the place of: the alarms and categories its owner gave it stay.
        people: False: without organizer and attendees, for servers that would write to them.
    """
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.stamp.round("second").to_stdlib())
    event.add("dtstart", entry.start.to_stdlib())
    event.add("dtend", entry.end.to_stdlib())
    event.add("status", "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("summary", vText(line(entry.summary)))
    for name, text in (("description", lines(entry.description)), ("location", line(entry.location))):
        if text:
            event.add(name, vText(text))
    if entry.appointment_id is not None:
        event.add("x-kalends-appointment", vText(str(entry.appointment_id)))
    if people:
        _add_people(event, entry)
    return _calendar(event, _added(over) if over else "")


def _added(text: str) -> str:
    """Find what its owner may add to an event of ours and keep: alarms before it, categories, class, colour.

    Answers content lines, each with CRLF; "" for none, or for more than we carry along.
    """
    kept: list[str] = []
    alarm: list[str] | None = None
    _, _, event = _FOLDED.sub("", text).replace("\r\n", "\n").partition("\nBEGIN:VEVENT\n")
    for each in event.partition("\nEND:VEVENT")[0].split("\n"):
        if alarm is not None or each == "BEGIN:VALARM":
            alarm = alarm or []
            alarm.append(each)
        elif re.split("[:;]", each, maxsplit=1)[0].upper() in _ADDED:
            kept.append(each)
        if alarm and each == "END:VALARM":
            # One at an hour of its own would ring at the old time of an event that moved.
            kept += [] if any(map(_ABSOLUTE.match, alarm)) else alarm
            alarm = None
    carried = "".join(f"{each}\r\n" for each in kept)
    return carried if len(carried) <= LONGEST_KEPT else ""


def _add_people(event: Event, entry: Entry) -> None:
    if entry.organizer is None or not entry.guests:
        return  # a meeting with nobody is an event like any other
    event.add("organizer", _address(entry.organizer))
    seen: set[str] = set()
    for role, guest in (("CHAIR", entry.organizer), *(("REQ-PARTICIPANT", each) for each in entry.guests)):
        if guest.email.lower() not in seen:
            seen.add(guest.email.lower())
            event.add("attendee", _address(guest, ROLE=role, PARTSTAT=guest.answer.upper(), RSVP="FALSE"))


def _address(guest: Guest, **params: str) -> vCalAddress:
    address = vCalAddress("mailto:" + re.sub(r"\s", "", guest.email))
    if name := line(guest.name):
        address.params["CN"] = name
    address.params.update({**params, "SCHEDULE-AGENT": "CLIENT"})
    return address


def _calendar(event: Event, kept: str) -> str:
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    calendar.add("calscale", "GREGORIAN")
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written.decode().removesuffix(_END) + kept + _END
