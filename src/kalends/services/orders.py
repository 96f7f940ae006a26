"""Orders: one booking as it is asked for (contract 2.5), and the attendees it brings."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.recurrence import Recurrence
from kalends.domain.rules import Mode
from kalends.storage import ids
from kalends.storage.attendees import Attendee

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewAttendee:
    """Whoever books; without any name the e-mail's local part is shown, or the phone number.

    Attributes:
        bringalong_emails: each once, and without his own.
    """

    email: str | None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    phone: str | None = None
    language: str | None = None
    timezone: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    receive_reminders: bool = True
    bringalong_emails: tuple[str, ...] = ()
    data_policy_accepted: bool | None = None

    def __post_init__(self) -> None:
        others: dict[str, str] = {}
        for email in self.bringalong_emails:
            others.setdefault(email.lower(), email)
        others.pop((self.email or "").lower(), None)
        object.__setattr__(self, "bringalong_emails", tuple(others.values()))

    @property
    def seats(self) -> int:
        """The seats he and his guests need."""
        return 1 + len(self.bringalong_emails)


@dataclass(frozen=True, slots=True)
class Order:
    """One booking as asked for.

    Attributes:
        host_ids: in order of preference; none: the meeting type's owner.
        context: what came along with the page's address; kept among the attendee's notes, which win.
        nonce: of the form; its second sending answers what the first one booked.
        ignore_availability: a host's own right (contract 2.5); only enabled, duration and hosts still count.
        resource_channel_ids: channels of the type, or users who are its resources: all are needed. None: every channel
            without a group, and one of each group.
        pending_attendee_id: who books, as stored before; what `attendee` says wins.
    """

    meeting_type_id: UUID
    start: Instant
    attendee: NewAttendee
    host_ids: tuple[UUID, ...] = ()
    mode: Mode | None = None
    required: int | None = None
    duration: int | None = None
    channel: str | None = None
    location: str | None = None
    ics_title: str | None = None
    ics_description: str | None = None
    skip_notifications: bool = False
    context: dict[str, Any] = field(default_factory=dict)
    nonce: UUID | None = None
    queue_id: UUID | None = None
    phone_only: bool = False
    ignore_availability: bool = False
    recurrence: Recurrence | None = None
    resource_channel_ids: tuple[UUID, ...] = ()
    hold_id: UUID | None = None
    one_time_link_id: UUID | None = None
    booking_password: str | None = None
    pending_attendee_id: int | None = None


def attendees_of(
    order: Order, company_id: UUID, now: Instant, *, position: int = 0, series_id: UUID | None = None
) -> list[Attendee]:
    """Make whoever books, first, and the guests he brings along; each with a secret of his own.

    Args:
        position: the first one's.
        series_id: of the recurrence that makes them.
    """
    new = order.attendee
    names = " ".join(name for name in (new.first_name, new.last_name) if name)
    booked = Attendee(
        id=ids.new_id(company_id),
        position=position,
        email=new.email,
        first_name=new.first_name,
        last_name=new.last_name,
        full_name=new.full_name or names or _shown(new.email) or new.phone or "",
        phone=new.phone,
        timezone=new.timezone,
        language=new.language,
        notes={**order.context, **new.notes},
        receive_reminders=new.receive_reminders,
        data_policy_accepted=new.data_policy_accepted,
        brought_along=False,
        secret=secrets.token_urlsafe(SECRET_BYTES),
        cancelled_at=None,
        created_at=now,
        series_id=series_id,
    )
    others = enumerate(new.bringalong_emails, start=position + 1)
    return [booked, *(guest(booked, email, place, company_id, now) for place, email in others)]


def guest(by: Attendee, email: str, position: int, company_id: UUID, now: Instant) -> Attendee:
    """Make the attendee that somebody brings along; he gets language, zone and series of who invites him."""
    return Attendee(
        id=ids.new_id(company_id),
        position=position,
        email=email,
        first_name=None,
        last_name=None,
        full_name=_shown(email),
        phone=None,
        timezone=by.timezone,
        language=by.language,
        notes={},
        receive_reminders=by.receive_reminders,
        data_policy_accepted=None,
        brought_along=True,
        secret=secrets.token_urlsafe(SECRET_BYTES),
        cancelled_at=None,
        created_at=now,
        brought_by=by.id,
        series_id=by.series_id,
    )


def _shown(email: str | None) -> str:
    return (email or "").partition("@")[0]
