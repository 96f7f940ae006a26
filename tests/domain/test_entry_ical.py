"""Entries as iCalendar resources: what stands in them, and what stays of what their owner added."""

from dataclasses import replace
from uuid import UUID

import icalendar
import pytest
from whenever import Instant

from kalends.domain.entry_ical import LONGEST_KEPT, resource
from kalends.domain.remote_events import Entry, Guest

ENTRY = Entry(
    uid="7@kalends",
    sequence=3,
    stamp=Instant.from_utc(2026, 3, 1, 8, 0, 0, nanosecond=5),
    start=Instant.from_utc(2026, 3, 9, 9),
    end=Instant.from_utc(2026, 3, 9, 10),
    zone="Europe/Berlin",
    summary="Intro; with\r\nEND:VEVENT",
    description="One\nTwo, \\ and 😀" + "x" * 100,
    location="Room 1",
    organizer=Guest("Ada Host", "Ada@acme.test"),
    guests=(Guest("Ben Host", "ben@acme.test"), Guest("Jo\nGuest", "jo@guest.test", "needs-action")),
    appointment_id=UUID(int=7),
)


def _event(text: str) -> icalendar.Event:
    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert isinstance(event, icalendar.Event)
    return event


def test_an_entry_is_one_event_in_utc_without_a_method() -> None:
    text = resource(ENTRY)

    event = _event(text)
    assert "METHOD" not in text
    assert {name: event[name].to_ical().decode() for name in event if name not in ("ATTENDEE", "DESCRIPTION")} == {
        "UID": "7@kalends",
        "SEQUENCE": "3",
        "DTSTAMP": "20260301T080000Z",
        "DTSTART": "20260309T090000Z",
        "DTEND": "20260309T100000Z",
        "SUMMARY": "Intro\\; with END:VEVENT",
        "LOCATION": "Room 1",
        "STATUS": "CONFIRMED",
        "TRANSP": "OPAQUE",
        "ORGANIZER": "mailto:Ada@acme.test",
        "X-KALENDS-APPOINTMENT": "00000000-0000-0000-0000-000000000007",
    }
    assert str(event["DESCRIPTION"]) == ENTRY.description


def test_nobody_named_in_it_is_written_to_by_a_server() -> None:
    event = _event(resource(ENTRY))

    said = [(str(one), one.params["CN"], one.params["PARTSTAT"]) for one in event["ATTENDEE"]]
    assert said == [
        ("mailto:Ada@acme.test", "Ada Host", "ACCEPTED"),
        ("mailto:ben@acme.test", "Ben Host", "ACCEPTED"),
        ("mailto:jo@guest.test", "Jo Guest", "NEEDS-ACTION"),
    ]
    assert {one.params["SCHEDULE-AGENT"] for one in (event["ORGANIZER"], *event["ATTENDEE"])} == {"CLIENT"}


@pytest.mark.parametrize(
    ("entry", "people"), [(replace(ENTRY, guests=()), True), (replace(ENTRY, organizer=None), True), (ENTRY, False)]
)
def test_without_guests_it_names_nobody(entry: Entry, people: bool) -> None:
    text = resource(entry, people=people)

    assert "ORGANIZER" not in text
    assert "ATTENDEE" not in text


def test_the_main_host_is_named_once() -> None:
    event = _event(resource(replace(ENTRY, guests=(Guest("Ada", "ada@acme.test"), *ENTRY.guests))))

    assert [str(one) for one in event["ATTENDEE"]].count("mailto:ada@acme.test") == 0


def test_what_the_owner_added_stays() -> None:
    own = (
        "CATEGORIES:Work,\r\n Clients\r\nCOLOR;X=1:red\r\nCLASS:PRIVATE\r\nSTATUS:TENTATIVE\r\n"
        "BEGIN:VALARM\r\nTRIGGER:-PT10M\r\nACTION:DISPLAY\r\nDESCRIPTION:Go\r\nEND:VALARM\r\n"
        "BEGIN:VALARM\r\nTRIGGER;VALUE=DATE-TIME:20260309T080000Z\r\nACTION:AUDIO\r\nEND:VALARM\r\n"
    )
    before = resource(ENTRY).replace("END:VEVENT\r\nEND:VCALENDAR", own + "END:VEVENT\r\nEND:VCALENDAR")

    after = resource(replace(ENTRY, sequence=4), over=before)

    event = _event(after)
    assert after == resource(replace(ENTRY, sequence=4)).replace(
        "END:VEVENT\r\nEND:VCALENDAR",
        "CATEGORIES:Work,Clients\r\nCOLOR;X=1:red\r\nCLASS:PRIVATE\r\n"
        "BEGIN:VALARM\r\nTRIGGER:-PT10M\r\nACTION:DISPLAY\r\nDESCRIPTION:Go\r\nEND:VALARM\r\n"
        "END:VEVENT\r\nEND:VCALENDAR",
    )
    assert (event["STATUS"], len(event.subcomponents)) == ("CONFIRMED", 1)


@pytest.mark.parametrize(
    "over", ["", "nonsense", "BEGIN:VEVENT\nBEGIN:VALARM\nTRIGGER:-PT1M", resource(ENTRY), "\nBEGIN:VEVENT\nCOLOR:red"]
)
def test_it_is_whole_whatever_stood_there(over: str) -> None:
    text = resource(ENTRY, over=over)

    assert _event(text)["UID"] == "7@kalends"


def test_no_more_is_carried_along_than_is_reasonable() -> None:
    over = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nCATEGORIES:" + "x" * LONGEST_KEPT + "\nEND:VEVENT\nEND:VCALENDAR\n"

    assert resource(ENTRY, over=over) == resource(ENTRY)
