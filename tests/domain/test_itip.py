"""Appointments as iCalendar, read back by the same library mail programs' authors use (cases I01, I02, I04, T02)."""

from typing import Any

import pytest
from icalendar import Calendar, Event
from whenever import Instant

from kalends.domain import itip
from kalends.domain.itip import Sent, Wording

STAMP = Instant.parse_iso("2026-10-01T08:00:00.75Z")
ADA = {"id": "h1", "email": "ada@acme.test", "fullName": "Ada Roth"}
BEN = {"id": "h2", "email": "ben@acme.test", "fullName": "Ben Vogt"}
JO = {"id": "g1", "email": "jo@guest.test", "fullname": "Jo Lee", "broughtAlong": False}
PAL = {"id": "g2", "email": "pal@guest.test", "fullname": "", "broughtAlong": True}
SENT = Sent(STAMP, "no-reply@k.test", ADA)
WORDS = Wording("Talk with Ada Roth", "First line\nsecond line", "Room 1; floor 2")


def snapshot(**changes: Any) -> dict[str, Any]:
    return {
        "id": "0197a000-0000-7000-8000-000000000001", "sequence": 0, "start": "2026-10-20T12:00:00Z",
        "end": "2026-10-20T12:30:00Z", "isCancelled": False, "hosts": [ADA], "attendees": [JO],
    } | changes  # fmt: skip


def request(**changes: Any) -> str:
    return itip.request(snapshot(**changes), WORDS, SENT, attendees=[JO, PAL])


def event(text: str) -> Event:
    (found,) = Calendar.from_ical(text).walk("VEVENT")
    return found


def test_a_request_says_what_when_where_and_who() -> None:
    text = request(hosts=[ADA, BEN])

    calendar, found = Calendar.from_ical(text), event(text)
    assert (str(calendar["METHOD"]), str(calendar["VERSION"])) == ("REQUEST", "2.0")
    assert {name: str(found[name]) for name in ("SUMMARY", "DESCRIPTION", "LOCATION", "STATUS", "TRANSP")} == {
        "SUMMARY": "Talk with Ada Roth",
        "DESCRIPTION": "First line\nsecond line",
        "LOCATION": "Room 1; floor 2",
        "STATUS": "CONFIRMED",
        "TRANSP": "OPAQUE",
    }
    assert (str(found["ORGANIZER"]), dict(found["ORGANIZER"].params)) == (
        "mailto:ada@acme.test", {"CN": "Ada Roth", "SENT-BY": "mailto:no-reply@k.test"},
    )  # fmt: skip
    assert {
        str(one): (one.params["ROLE"], one.params["PARTSTAT"], one.params["RSVP"]) for one in found["ATTENDEE"]
    } == {
        "mailto:ada@acme.test": ("CHAIR", "ACCEPTED", "FALSE"),
        "mailto:ben@acme.test": ("REQ-PARTICIPANT", "ACCEPTED", "FALSE"),
        "mailto:jo@guest.test": ("REQ-PARTICIPANT", "ACCEPTED", "FALSE"),
        "mailto:pal@guest.test": ("REQ-PARTICIPANT", "NEEDS-ACTION", "TRUE"),
    }


def test_times_are_utc_whatever_clock_change_lies_between() -> None:
    # Booked in summer time for a day after the change: 10:00 in Berlin is 09:00Z then, not 08:00Z (T02, I04).
    chosen = Instant.parse_iso("2026-10-27T10:00:00+01:00")

    text = request(start=chosen.format_iso(), end=chosen.add(minutes=30).format_iso())

    assert "DTSTART:20261027T090000Z\r\nDTEND:20261027T093000Z\r\nDTSTAMP:20261001T080001Z\r\n" in text
    assert "TZID" not in text


def test_a_booking_moved_twice_keeps_its_uid_and_counts_its_sequence() -> None:
    moves = [request(sequence=n, start=f"2026-10-2{n}T12:00:00Z") for n in (0, 1, 2)]

    assert [(str(event(text)["UID"]), event(text)["SEQUENCE"]) for text in moves] == [
        ("0197a000-0000-7000-8000-000000000001@kalends", n) for n in (0, 1, 2)
    ]


def test_the_organizer_stays_whoever_hosts_now() -> None:
    """Case K20: calendars know an event by its UID and its organizer."""
    found = event(request(hosts=[BEN], sequence=2))

    assert str(found["ORGANIZER"]) == "mailto:ada@acme.test"
    assert {str(one): one.params["ROLE"] for one in found["ATTENDEE"]} == {
        "mailto:ben@acme.test": "CHAIR",
        "mailto:jo@guest.test": "REQ-PARTICIPANT",
        "mailto:pal@guest.test": "REQ-PARTICIPANT",
    }


def test_a_cancel_names_the_same_event_with_a_higher_sequence() -> None:
    text = itip.cancel(snapshot(sequence=3, isCancelled=True), WORDS, SENT, attendees=[JO])

    found = event(text)
    assert str(Calendar.from_ical(text)["METHOD"]) == "CANCEL"
    assert (str(found["UID"]), found["SEQUENCE"], str(found["STATUS"]), str(found["TRANSP"])) == (
        "0197a000-0000-7000-8000-000000000001@kalends", 3, "CANCELLED", "TRANSPARENT",
    )  # fmt: skip


def test_who_is_taken_off_a_live_appointment_alone_is_named_without_a_status() -> None:
    text = itip.cancel(snapshot(sequence=2), WORDS, SENT, hosts=[], attendees=[PAL])

    found = event(text)
    assert (str(found["ATTENDEE"]), found["SEQUENCE"], "STATUS" in found) == ("mailto:pal@guest.test", 2, False)


def test_a_file_to_download_has_an_organizer_and_no_attendees() -> None:
    text = itip.publish((snapshot(), WORDS), stamp=STAMP)

    found = event(text)
    assert str(Calendar.from_ical(text)["METHOD"]) == "PUBLISH"
    assert (str(found["ORGANIZER"]), "ATTENDEE" in found) == ("mailto:ada@acme.test", False)


def test_lines_end_and_fold_as_the_format_wants() -> None:
    text = itip.publish((snapshot(), Wording("Ä" * 200)), stamp=STAMP)

    assert text.count("\n") == text.count("\r\n") > 10
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75


@pytest.mark.parametrize(
    "evil", ["x\r\nATTENDEE:mailto:spy@evil.test", "x\nEND:VEVENT", 'x";CN="y', "x\u2028y", "x\x00y", "x,y;z:w\\n"]
)
def test_no_text_breaks_out_of_its_line(evil: str) -> None:
    host = ADA | {"fullName": evil}
    text = itip.request(
        snapshot(hosts=[host]),
        Wording(evil, evil, evil),
        Sent(STAMP, "no-reply@k.test", host),
        attendees=[JO | {"fullname": evil}],
    )

    found = event(text)
    assert len(found.property_items()) == len(event(request()).property_items()) - 1  # PAL is missing
    assert text.count("\r\nATTENDEE") == 2
    assert "\x00" not in text


def test_placeholders_are_filled_once() -> None:
    filled = itip.fill(
        "{!M.Guest.Fullname} / {! M.Host.Fullname } / {!M.Unknown} / {M}",
        {"M.Guest.Fullname": "{!M.Host.Fullname}", "M.Host.Fullname": "Ada"},
    )

    assert filled == "{!M.Host.Fullname} / Ada /  / {M}"
