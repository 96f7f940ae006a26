"""New appointments: the row of one, and what it will be once that is inserted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import rows
from .appointments import COLUMNS, Appointment
from .attendees import Attendee
from .companies import Company
from .hosts import Host
from .meeting_types import MeetingType
from .parts import Part


def adding(row: Mapping[str, Any]) -> Part:
    """Insert an appointment from columns."""
    return Part("made", *rows.insert("appointment", [row]))


_BLANK = dict.fromkeys(name.strip() for name in COLUMNS.split(",")) | {
    "revision": 1,
    "sequence": 0,
    "reschedule_count": 0,
}


def first_revision(
    row: Mapping[str, Any],
    *,
    kind: MeetingType,
    company: Company,
    hosts: Sequence[Host],
    attendees: Sequence[Attendee],
) -> Appointment:
    """Tell what an appointment is once these columns are inserted; whose turn it was is not told."""
    return Appointment(
        **{**_BLANK, **row},
        type_slug=kind.slug,
        type_ics=kind.ics,
        type_metadata=kind.metadata,
        type_spots=kind.spots,
        type_limits=kind.booking_limits,
        company_name=company.name,
        company_language=company.language,
        turn=None,
        entries=None,
        meeting_number=None,
        hosts=tuple(hosts),
        attendees=tuple(attendees),
    )
