"""An appointment's snapshot as iCalendar: REQUEST and CANCEL for mails, PUBLISH for files to download (RFC 5545, 5546).

Times are written in UTC, which every calendar shows in its owner's zone, whatever clock change lies between.
The UID stays for life; SEQUENCE is the snapshot's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from icalendar import Calendar, Event, vCalAddress, vText
from whenever import Instant

from .uids import uid
from .untrusted import in_order

Snapshot: TypeAlias = Mapping[str, Any]

PRODUCT = "-//kalends//kalends//EN"
_PLACEHOLDER = re.compile(r"\{!\s*(M\.[A-Za-z.]+)\s*\}")
_UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Wording:
    """What one receiver reads in his calendar; `description` may have several lines."""

    summary: str
    description: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """How an invitation goes out.

    Attributes:
        stamp: DTSTAMP, when this revision came to be.
        sent_by: address the mail comes from; it acts for the organizer (RFC 5545 3.2.18).
        organizer: a host, of the snapshot's form. Calendars know an event by UID and ORGANIZER, so it stays who it
            was at first, whoever took the meeting over since (case K20).
    """

    stamp: Instant
    sent_by: str
    organizer: Mapping[str, Any]


def request(snapshot: Snapshot, wording: Wording, sent: Sent, *, attendees: Sequence[Mapping[str, Any]]) -> str:
    """Invite, or tell of a change; RFC 5546 3.2.2. All hosts are attendees who have accepted.

    Args:
        attendees: the guests this receiver may see, of the snapshot's form.
    """
    event = _event(snapshot, wording, sent.stamp)
    event.add("status", "CONFIRMED")
    _add_people(event, snapshot, snapshot["hosts"], attendees, sent)
    return _calendar("REQUEST", event)


def cancel(
    snapshot: Snapshot,
    wording: Wording,
    sent: Sent,
    *,
    attendees: Sequence[Mapping[str, Any]],
    hosts: Sequence[Mapping[str, Any]] | None = None,
) -> str:
    """Take an invitation back; RFC 5546 3.2.5.

    A cancelled appointment carries STATUS:CANCELLED. Where only some are taken off a live one, `hosts` and
    `attendees` name just them, and there is no STATUS. `hosts` None: all hosts.
    """
    event = _event(snapshot, wording, sent.stamp)
    if snapshot["isCancelled"]:
        event.add("status", "CANCELLED")
    _add_people(event, snapshot, snapshot["hosts"] if hosts is None else hosts, attendees, sent)
    return _calendar("CANCEL", event)


def publish(*dates: tuple[Snapshot, Wording], stamp: Instant) -> str:
    """Write events as a file that anybody may add to a calendar: no attendees (RFC 5546 3.2.1)."""
    events = []
    for snapshot, wording in dates:
        event = _event(snapshot, wording, stamp)
        event.add("status", "CANCELLED" if snapshot["isCancelled"] else "CONFIRMED")
        event.add("organizer", _address(snapshot["hosts"][0]))
        events.append(event)
    return _calendar("PUBLISH", *events)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace placeholders such as ``{!M.Guest.Fullname}`` (contract 2.2) by the values of their names.

    Unknown ones become nothing; what a value contains is not looked at again.
    """
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), ""), template)


def line(text: str) -> str:
    """Make one line of what people wrote, without what no calendar shows."""
    return " ".join(_UNPRINTABLE.sub(" ", in_order(text)).split())


def lines(text: str) -> str:
    """Do the same for several lines."""
    return _UNPRINTABLE.sub(" ", in_order(text.replace("\r\n", "\n"))).strip()


def _event(snapshot: Snapshot, wording: Wording, stamp: Instant) -> Event:
    event = Event()
    event.add("uid", uid(snapshot["id"]))
    event.add("sequence", snapshot["sequence"])
    event.add("dtstamp", stamp.round("second").to_stdlib())
    event.add("dtstart", Instant.parse_iso(snapshot["start"]).to_stdlib())
    event.add("dtend", Instant.parse_iso(snapshot["end"]).to_stdlib())
    event.add("transp", "TRANSPARENT" if snapshot["isCancelled"] else "OPAQUE")
    event.add("summary", vText(line(wording.summary)))
    for name, text in (("description", lines(wording.description)), ("location", line(wording.location))):
        if text:
            event.add(name, vText(text))
    return event


def _add_people(
    event: Event,
    snapshot: Snapshot,
    hosts: Sequence[Mapping[str, Any]],
    attendees: Sequence[Mapping[str, Any]],
    sent: Sent,
) -> None:
    main = snapshot["hosts"][0]
    organizer = _address(sent.organizer)
    if sent.sent_by.lower() != sent.organizer["email"].lower():
        organizer.params["SENT-BY"] = f"mailto:{sent.sent_by}"
    event.add("organizer", organizer)
    for host in hosts:
        role = "CHAIR" if host["id"] == main["id"] else "REQ-PARTICIPANT"
        event.add("attendee", _address(host, ROLE=role, PARTSTAT="ACCEPTED", RSVP="FALSE"))
    for guest in attendees:
        if guest.get("email"):
            # Who booked has agreed by booking; who is brought along is asked.
            asked = bool(guest.get("broughtAlong"))
            state = {"PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"} if asked else {"PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
            event.add("attendee", _address(guest, CUTYPE="INDIVIDUAL", ROLE="REQ-PARTICIPANT", **state))


def _address(person: Mapping[str, Any], **params: str) -> vCalAddress:
    address = vCalAddress("mailto:" + re.sub(r"\s", "", person["email"]))
    name = line(person.get("fullName") or person.get("fullname") or "")
    if name:
        address.params["CN"] = name
    address.params.update(params)
    return address


def _calendar(method: str, *events: Event) -> str:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    for event in events:
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written.decode()
