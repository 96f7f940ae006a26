"""An appointment as it is to stand in one host's calendar: the event, and its buffers where he wants them shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.itip import Snapshot
from kalends.domain.remote_events import Answer, Entry, Guest
from kalends.domain.uids import Part, uid
from kalends.ports import CalendarKind
from kalends.storage.appointments import Appointment
from kalends.storage.attendees import Attendee

from . import changes, invitations, readers
from .readers import Reader

_SILENT: tuple[CalendarKind, ...] = ("caldav", "icloud")  # nobody there learns that an entry names him


@dataclass(frozen=True, slots=True)
class Manner:
    """How a host's calendar wants its entries.

    Attributes:
        provider: whose calendar it is.
        names_guests: guests may be its attendees.
        meeting: the provider is to make the link to meet at.
    """

    provider: CalendarKind
    names_guests: bool = True
    meeting: bool = False


def event(appointment: Appointment, user_id: UUID, manner: Manner, *, organizer: Mapping[str, Any] | None) -> Entry:
    """Write the event for one of an appointment's hosts.

    Args:
        organizer: whom all calendars know as such, of the snapshot's form; None: the main host (case K20).
    """
    snapshot, to = _reading(appointment, user_id)
    words = invitations.wording(snapshot, to, None)
    by = organizer or snapshot["hosts"][0]
    guests = _guests(appointment, manner)
    return Entry(
        uid=uid(appointment.id),
        sequence=appointment.sequence,
        stamp=appointment.updated_at,
        start=appointment.start_at,
        end=appointment.end_at,
        zone=to.zone,
        summary=words.summary,
        description=_description(snapshot, to, words.description, words.location),
        location=words.location,
        organizer=Guest(readers.host_name(by), by["email"]),
        guests=(*_hosts(appointment, manner, by), *guests),
        meeting=manner.meeting,
        appointment_id=appointment.id,
    )


def buffers(appointment: Appointment, user_id: UUID, padded: tuple[Instant, Instant]) -> dict[Part, Entry]:
    """Write the events of the time before and after an appointment that it takes of a host, where it takes any."""
    snapshot, to = _reading(appointment, user_id)
    summary = to.t("Buffer: {summary}", summary=invitations.wording(snapshot, to, None).summary)
    spans: dict[Part, tuple[Instant, Instant]] = {
        "buffer-before": (padded[0], appointment.start_at),
        "buffer-after": (appointment.end_at, padded[1]),
    }
    return {
        part: Entry(
            uid=uid(appointment.id, part),
            sequence=appointment.sequence,
            stamp=appointment.updated_at,
            start=start,
            end=end,
            zone=to.zone,
            summary=summary,
            appointment_id=appointment.id,
        )
        for part, (start, end) in spans.items()
        if start < end
    }


def _reading(appointment: Appointment, user_id: UUID) -> tuple[Snapshot, Reader]:
    snapshot = changes.snapshot(appointment)
    to = readers.reader(snapshot, str(user_id))
    assert to is not None, "only hosts have entries"
    return snapshot, to


def _description(snapshot: Snapshot, to: Reader, text: str, location: str) -> str:
    """Add what the type's own words leave out: who comes, and where to click."""
    link = readers.meeting_link(snapshot)
    missing = [
        ", ".join(filter(None, (guest.get("fullname"), guest.get("email"))))
        for guest in readers.live_guests(snapshot)
        if guest.get("email") and guest["email"] not in text
    ]
    joining = to.t("Join: {link}", link=link) if link and link not in text and link not in location else ""
    return "\n\n".join(filter(None, (text, "\n".join(missing), joining)))


def _guests(appointment: Appointment, manner: Manner) -> list[Guest]:
    """List whom the event names.

    Google shows an event with all its words to everybody it names, so there only somebody who is alone is named: else
    guests would read each other's answers. Microsoft writes to them, which nobody can turn off.
    """
    coming = [one for one in appointment.attendees if one.cancelled_at is None]
    alone = appointment.type_spots == 1 and len(coming) == 1
    if not manner.names_guests or not (manner.provider in _SILENT or (manner.provider == "google" and alone)):
        return []
    return [Guest(one.full_name, one.email, _answer(one)) for one in coming if one.email]


def _answer(guest: Attendee) -> Answer:
    # Who booked has agreed by booking; who is brought along was asked.
    return guest.answer or ("needs-action" if guest.brought_along else "accepted")


def _hosts(appointment: Appointment, manner: Manner, organizer: Mapping[str, Any]) -> list[Guest]:
    """List the hosts beside the organizer; elsewhere than on CalDAV they would be asked to come."""
    if manner.provider not in _SILENT:
        return []
    return [Guest(one.full_name, one.email) for one in appointment.hosts if str(one.id) != organizer["id"]]
