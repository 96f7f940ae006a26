"""Snapshots as storage/events keeps them, and what parses a mail back."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from icalendar import Calendar, Event

from kalends.ports import OutgoingMail

APPOINTMENT = "0197a000-0000-7000-8000-000000000001"
HOST = "0197a000-0000-7000-8000-00000000000a"
SECOND_HOST = "0197a000-0000-7000-8000-00000000000b"
GUEST = "0197a000-0000-7000-8000-00000000001a"
FRIEND = "0197a000-0000-7000-8000-00000000001b"


def host(**changes: Any) -> dict[str, Any]:
    return {
        "id": HOST, "email": "ada@acme.test", "givenName": "Ada", "familyName": "Roth", "fullName": "Ada Roth",
        "slug": "ada-roth", "language": "de", "timezone": "Europe/Berlin", "picture": None,
    } | changes  # fmt: skip


def guest(**changes: Any) -> dict[str, Any]:
    return {
        "id": GUEST, "email": "jo@guest.test", "firstname": "Jo", "lastname": "Lee", "fullname": "Jo Lee",
        "phone": "+49 30 1234567", "language": "en", "timezone": "America/New_York", "notes": {"Topic": "Roof"},
        "broughtAlong": False, "isCancelled": False,
    } | changes  # fmt: skip


def snapshot(**changes: Any) -> dict[str, Any]:
    return {
        "id": APPOINTMENT, "revision": 1, "sequence": 0, "meetingTypeId": HOST,
        "start": "2026-10-20T12:00:00Z", "end": "2026-10-20T12:30:00Z", "isCancelled": False, "cancelReason": None,
        "cancelSource": None, "rescheduleCount": 0, "channel": "phone", "location": None, "icsTitle": None,
        "icsDescription": None, "note": None, "skipNotifications": False,
        "meetingInfo": {"name": "Consultation", "description": "Bring the plans.", "duration": 30, "channel": "phone"},
        "typeSlug": "consultation", "ics": None, "companyName": "Acme", "companyLanguage": "de",
        "hosts": [host()], "attendees": [guest()],
    } | changes  # fmt: skip


def parsed(mail: OutgoingMail) -> EmailMessage:
    message = message_from_bytes(mail.content, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def part(mail: OutgoingMail, subtype: str) -> str:
    """Read the alternative of one kind: plain, html, calendar."""
    found = [p for p in parsed(mail).walk() if p.get_content_subtype() == subtype and not p.is_attachment()]
    assert len(found) == 1
    return found[0].get_content().replace("\r\n", "\n")


def calendar(mail: OutgoingMail) -> tuple[str, Event]:
    """Read the iCalendar part: its method, which the MIME header repeats, and its event."""
    (found,) = [p for p in parsed(mail).walk() if p.get_content_subtype() == "calendar"]
    inside = Calendar.from_ical(found.get_content())
    assert found["Content-Type"].params["method"] == inside["METHOD"]
    (event,) = inside.walk("VEVENT")
    return str(inside["METHOD"]), event
