"""The booking form: what it is filled with, what was sent, and the order it makes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends import languages
from kalends.domain.emails import checked_email
from kalends.domain.texts import CONTROL, CONTROL_BUT_LINES, PHONE
from kalends.languages import Translate
from kalends.services.orders import NewAttendee, Order
from kalends.storage.meeting_types import MeetingType

from .offers import Offer
from .visit import Visit, instant

MAX_GUESTS = 5


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the fields, as typed.

    Attributes:
        nonce: made for each form that is shown; sent twice it books once.
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


def blank(visit: Visit) -> Form:
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
    )


def sent(data: Mapping[str, Any]) -> Form:
    """Read a form that was sent; fields that are not text count as empty."""
    texts = {name: data.get(name) for name in Form.__slots__}
    return Form(**{name: text if isinstance(text, str) else "" for name, text in texts.items()})


def renewed(form: Form) -> Form:
    """Make the form to be shown again after a refusal: all that was typed, and a nonce of its own."""
    return replace(form, nonce=str(uuid.uuid4()))


def start(form: Form) -> Instant | None:
    """Read the start a form asks for; None when it names none."""
    try:
        return instant(form.start)
    except ValueError:
        return None


def errors(_: Translate, form: Form, offer: Offer) -> dict[str, str]:
    """Say what is wrong in the fields, by their names; nothing when all is well."""
    found: dict[str, str] = {}
    if not form.name.strip():
        found["name"] = _("Please enter your name.")
    elif len(form.name) > 120 or CONTROL.search(form.name):
        found["name"] = _("Please enter a shorter name on one line.")
    if _email(form.email) is None:
        found["email"] = _("Please enter an e-mail address such as name@example.com.")
    if form.phone.strip() and not re.fullmatch(PHONE, form.phone.strip()):
        found["phone"] = _("Please enter a phone number: digits, spaces and + are fine.")
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
    return found


def order(form: Form, offer: Offer, kind: MeetingType, host_id: UUID, visit: Visit, at: Instant) -> Order:
    """Make the order of a form without errors."""
    notes: dict[str, Any] = {}
    if form.note.strip():
        notes["note"] = form.note.strip()
    if form.address.strip():
        notes["address"] = form.address.strip()
    channel = form.channel if form.channel in offer.offered_channels else offer.channel
    return Order(
        meeting_type_id=kind.id,
        start=at,
        host_ids=(host_id,),
        duration=offer.duration,
        channel=channel,
        # Only among the host's own places: what a guest writes must not reach strangers by our mails.
        location=(form.location or None) if channel == "local" and kind.locations else None,
        attendee=NewAttendee(
            email=_email(form.email),
            full_name=" ".join(form.name.split()),
            phone=form.phone.strip() or None,
            language=languages.spoken(visit.language),
            timezone=visit.zone,
            notes=notes,
            bringalong_emails=tuple(checked_email(one) for one in _guests(form)) if offer.allows_guests else (),
        ),
        context=dict(visit.extra),
        nonce=_nonce(form.nonce),
    )


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
