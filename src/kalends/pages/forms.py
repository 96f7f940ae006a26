"""The booking form: what it is filled with, what was sent, and the order it makes."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData
from whenever import Instant

from kalends import languages
from kalends.domain.emails import checked_email
from kalends.domain.phones import e164
from kalends.domain.texts import CONTROL, CONTROL_BUT_LINES
from kalends.errors import DomainError
from kalends.languages import Translate
from kalends.services.orders import NewAttendee, Order
from kalends.storage.meeting_types import MeetingType

from . import questions
from .offers import Offer
from .questions import Answers
from .visit import Visit, instant

MAX_GUESTS = 5


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the fields, as typed.

    Attributes:
        nonce: made for each form that is shown; sent twice it books once.
        answers: to the meeting type's own questions, by their keys.
    """

    nonce: str
    name: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""
    note: str = ""
    guests: str = ""
    channel: str = ""
    location: str = ""
    start: str = ""
    password: str = ""
    answers: Answers = field(default_factory=dict)


# What the fields are called that are not called as here.
_NAMES = {"password": "bookingPassword"}
_TEXTS = tuple(name for name in Form.__slots__ if name != "answers")
_ANSWER = "q:"
# Where the API names a field as wrong -> the field of the form.
_FIELDS = {
    "bookingPassword": "bookingPassword",
    "attendee.email": "email",
    "attendee.phone": "phone",
    "attendee.bringalongEmails": "guests",
}


def blank(visit: Visit, offer: Offer) -> Form:
    """Make a new form, filled with what the link says (contract 6.5)."""
    both = f"{visit.prefill('firstname')} {visit.prefill('lastname', 'lastName')}".strip()
    return Form(
        nonce=str(uuid.uuid4()),
        name=visit.prefill("fullname", "name") or both,
        email=visit.prefill("email"),
        phone=visit.prefill("phone"),
        address=visit.prefill("address"),
        note=visit.prefill("note"),
        guests=visit.prefill("guests"),
        location=visit.prefill("location"),
        answers=questions.prefilled(offer.questions, visit),
    )


def sent(data: FormData) -> Form:
    """Read a form that was sent; fields that are not text count as empty."""
    texts = [(name, text) for name, text in data.multi_items() if isinstance(text, str)]
    first = dict(reversed(texts))
    answers: dict[str, tuple[str, ...]] = {}
    for name, text in texts:
        if name.startswith(_ANSWER):
            key = name.removeprefix(_ANSWER)
            answers[key] = (*answers.get(key, ()), text)
    return Form(**{name: first.get(_NAMES.get(name, name), "") for name in _TEXTS}, answers=answers)


def renewed(form: Form) -> Form:
    """Make the form to be shown again after a refusal: all that was typed, and a nonce of its own."""
    return replace(form, nonce=str(uuid.uuid4()))


def start(form: Form) -> Instant | None:
    """Read the start a form asks for; None when it names none."""
    try:
        return instant(form.start)
    except ValueError:
        return None


def errors(_: Translate, form: Form, offer: Offer, visit: Visit) -> dict[str, str]:
    """Say what is wrong in the fields, by their names or ids; nothing when all is well."""
    found = _contact_errors(_, form, offer, visit)
    if offer.needs_password and not form.password:
        found["bookingPassword"] = _("Please enter the password.")
    if CONTROL.search(form.address) or len(form.address) > 250:
        found["address"] = _("Please enter a shorter address on one line.")
    elif (form.channel == "local-attendee" or offer.needs_address) and not form.address.strip():
        found["address"] = _("Please enter the address where you want to meet.")
    if len(form.note) > 2000 or CONTROL_BUT_LINES.search(form.note):
        found["note"] = _("Please enter a shorter note.")
    others = _guests(form)
    if len(others) > MAX_GUESTS:
        found["guests"] = _("You can bring up to five people.")
    elif any(_email(one) is None for one in others):
        found["guests"] = _("Please enter e-mail addresses with commas between them.")
    return found | questions.errors(_, offer.questions, form.answers, zone=visit.zone)


def _contact_errors(_: Translate, form: Form, offer: Offer, visit: Visit) -> dict[str, str]:
    found: dict[str, str] = {}
    if not form.name.strip():
        found["name"] = _("Please enter your name.")
    elif len(form.name) > 120 or CONTROL.search(form.name):
        found["name"] = _("Please enter a shorter name on one line.")
    if offer.phone_only and not form.email.strip():
        if not form.phone.strip():
            found["email"] = _("Please enter an e-mail address or a phone number.")
    elif _email(form.email) is None:
        found["email"] = _("Please enter an e-mail address such as name@example.com.")
    if form.phone.strip() and _phone(form.phone, visit) is None:
        found["phone"] = _("Please enter the phone number with its country code, such as +49 30 1234567.")
    return found


def refusals(_: Translate, error: DomainError) -> dict[str, str]:
    """Say at which fields a booking was refused; nothing where no field is to blame."""
    sentences = {
        "bookingPassword": _("This is not the password."),
        "email": _("Please enter an e-mail address such as name@example.com."),
        "phone": _("Please enter the phone number with its country code, such as +49 30 1234567."),
        "guests": _("Please enter e-mail addresses with commas between them."),
    }
    named = [_FIELDS[one.field] for one in error.errors if one.field in _FIELDS]
    return {name: sentences[name] for name in named}


def seats(form: Form, offer: Offer) -> int:
    """Count the people a booking is for."""
    return 1 + len(_guests(form)) if offer.allows_guests else 1


def order(form: Form, offer: Offer, kind: MeetingType, visit: Visit, at: Instant) -> Order:
    """Make the order of a form without errors; who hosts, the meeting type says."""
    notes: dict[str, Any] = {}
    if form.note.strip():
        notes["note"] = form.note.strip()
    if form.address.strip():
        notes["address"] = form.address.strip()
    channel = form.channel if form.channel in offer.offered_channels else offer.channel
    email = _email(form.email)
    return Order(
        meeting_type_id=kind.id,
        start=at,
        duration=offer.duration,
        channel=channel,
        # Only among the host's own places: what a guest writes must not reach strangers by our mails.
        location=(form.location or None) if channel == "local" and kind.locations else None,
        attendee=NewAttendee(
            email=email,
            full_name=" ".join(form.name.split()),
            phone=_phone(form.phone, visit),
            language=languages.spoken(visit.language),
            timezone=visit.zone,
            notes=notes | questions.notes(offer.questions, form.answers),
            bringalong_emails=tuple(checked_email(one) for one in _guests(form)) if offer.allows_guests else (),
        ),
        context=questions.beside(offer.questions, visit.extra),
        nonce=_nonce(form.nonce),
        phone_only=offer.phone_only and email is None,
        one_time_link_id=visit.one_time_link,
        booking_password=form.password or None,
    )


def _phone(text: str, visit: Visit) -> str | None:
    try:
        return e164(text, timezone=visit.zone)
    except ValueError:
        return None


def _nonce(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _email(text: str) -> str | None:
    try:
        return checked_email(text.strip())
    except ValueError:
        return None


def _guests(form: Form) -> list[str]:
    return [one for one in re.split(r"[\s,;]+", form.guests) if one]
