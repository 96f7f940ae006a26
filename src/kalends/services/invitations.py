"""What a host or guest reads in his calendar: the booking's words, the type's templates, or ours in his language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whenever import Instant

from kalends.domain import itip
from kalends.domain.itip import Snapshot, Wording
from kalends.domain.untrusted import plain_phone

from . import readers
from .readers import Reader


def wording(snapshot: Snapshot, to: Reader, link: str | None) -> Wording:
    """Choose the words for one reader.

    Title and description of the booking come first, then the type's `ics` templates (contract 2.2), then defaults.
    Who joins a group later does not read the former.

    Args:
        link: address of the guest's own page; None for hosts.
    """
    values = _values(snapshot, to)
    templates: Mapping[str, Any] = snapshot.get("ics") or {}
    texts = {
        key: (readers.made_it(snapshot, to) and snapshot.get(own)) or _in_language(templates.get(key), to, snapshot)
        for key, own in (("title", "icsTitle"), ("description", "icsDescription"), ("location", ""))
    }
    filled = {key: itip.fill(text, values).strip() for key, text in texts.items() if text}
    return Wording(
        summary=filled.get("title") or readers.title(snapshot, to),
        description=_with_link(filled.get("description") or _description(snapshot, to), to, link),
        location=filled.get("location") or values["M.Meeting.Link"] or values["M.Meeting.Venue"],
    )


def download(snapshot: Snapshot, recipient_id: str, *, link: str | None, stamp: Instant) -> str:
    """Write the file that "add to calendar" hands to one host or attendee of the snapshot.

    Raises:
        ValueError: nobody in the snapshot has this id.
    """
    to = readers.reader(snapshot, recipient_id)
    if to is None:
        raise ValueError("nobody of this id takes part")
    return itip.publish((snapshot, wording(snapshot, to, link)), stamp=stamp)


def page_link(base_url: str, appointment_id: str, secret: str) -> str:
    """Build the address of a guest's own page (contract 6.6)."""
    return f"{base_url.rstrip('/')}/b/{appointment_id}/{secret}"


def _values(snapshot: Snapshot, to: Reader) -> dict[str, str]:
    guest = readers.booker(snapshot, to)
    mine = to.is_host or guest.get("id") == to.id
    return {
        "M.Guest.Fullname": readers.guest_name(guest, to) or to.t("Guest"),
        "M.Guest.Email": (guest.get("email") or "") if mine else "",
        "M.Guest.Phone": (guest.get("phone") or "") if to.is_host else plain_phone(guest.get("phone")) if mine else "",
        "M.Host.Fullname": ", ".join(readers.host_name(host) for host in snapshot["hosts"]),
        "M.Meeting.Name": readers.meeting_name(snapshot),
        "M.Meeting.Venue": readers.venue(snapshot, to),
        "M.Meeting.Link": readers.meeting_link(snapshot),
    }


def _in_language(template: object, to: Reader, snapshot: Snapshot) -> str:
    """Read a template that is one text, or one per language: the reader's, else the company's, else any."""
    if isinstance(template, Mapping):
        wanted = (to.language, to.language.replace("_", "-").split("-")[0], snapshot.get("companyLanguage"))
        found = next((template[code] for code in wanted if template.get(code)), None)
        template = found or next((text for text in template.values() if text), None)
    return template if isinstance(template, str) else ""


def _description(snapshot: Snapshot, to: Reader) -> str:
    if not to.is_host:
        return readers.description(snapshot["meetingInfo"])
    lines = []
    for guest in readers.live_guests(snapshot):
        lines.append(", ".join(filter(None, (guest.get("fullname"), guest.get("email"), guest.get("phone")))))
        notes = guest.get("notes") or {}
        lines += [f"{readers.question(key, to)}: {readers.answer(value, to)}" for key, value in notes.items() if value]
    return "\n".join(dict.fromkeys(lines))


def _with_link(text: str, to: Reader, link: str | None) -> str:
    if not link:
        return text
    return "\n\n".join(filter(None, (text, to.t("Manage your booking: {link}", link=link))))
