"""Bookings: ask the engine, claim what is scarce, write, leave event and job behind."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.domain.slots import Bookable
from kalends.errors import FieldError, Forbidden, Invalid
from kalends.storage import appointments, attendees, claims, form_nonces, hosts, ids
from kalends.storage.attendees import Attendee
from kalends.storage.claims import Claim, SlotClaimed
from kalends.storage.database import Connection
from kalends.storage.hosts import Host
from kalends.storage.meeting_types import MeetingType

from . import calendars, changes, overlaps, refusals
from .actor import Actor
from .calendars import Loaded, SlotQuery
from .refusals import SlotTaken

Mode: TypeAlias = Literal["anyone", "everyone"]

SECRET_BYTES = 32
_INSIDE = ("meeting-type-disabled", "duration-not-allowed", "host-not-allowed")


class OverrideNotAllowed(Forbidden):
    """Only a host of the meeting or an administrator may book or move without regard to availability."""

    code = "override-not-allowed"


class PhoneOnlyNotAllowed(Invalid):
    """This meeting type takes no bookings without an e-mail address."""

    code = "phone-only-not-allowed"


class ChannelNotAllowed(Invalid):
    """This meeting type does not offer this channel."""

    code = "channel-not-allowed"


class LocationNotOffered(Invalid):
    """This meeting type does not offer this place."""

    code = "location-not-offered"


@dataclass(frozen=True, slots=True)
class NewAttendee:
    """Whoever books; without any name the e-mail's local part is shown, or the phone number."""

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


@dataclass(frozen=True, slots=True)
class Order:
    """One booking as asked for.

    Attributes:
        host_ids: in order of preference; none: the meeting type's owner.
        context: what came along with the page's address; kept among the attendee's notes, which win.
        nonce: of the form; its second sending answers what the first one booked.
        ignore_availability: a host's own right (contract 2.5); only enabled, duration and hosts still count.
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


@dataclass(frozen=True, slots=True)
class Booked:
    """A confirmed booking; `secret` is the first attendee's."""

    appointment_id: UUID
    secret: str


async def book(conn: Connection, *, actor: Actor, order: Order, clock: Callable[[], Instant]) -> Booked:
    """Book one start, in the caller's transaction.

    Locks the type when it has a cap, then the hosts; the clock is read after that.

    Raises:
        NotFound: no such meeting type, host or queue.
        SlotTaken: a host's time is taken.
        DomainError: one of `refusals.ALL` names the rule that does not offer this start.
        OverrideNotAllowed, PhoneOnlyNotAllowed, ChannelNotAllowed, LocationNotOffered, Invalid
    """
    if order.nonce:
        earlier = await form_nonces.enter(conn, nonce=order.nonce, company_id=actor.company_id, now=clock())
        if earlier:
            return Booked(earlier.appointment_id, earlier.secret)
    query = SlotQuery(
        meeting_type_id=order.meeting_type_id,
        start=order.start,
        end=order.start.add(minutes=1),
        host_ids=order.host_ids,
        queue_id=order.queue_id,
        mode=order.mode,
        required=order.required,
        duration=order.duration,
    )
    loaded, now = await calendars.load_locked(conn, actor.company_id, query, clock)
    _check_contact(order, loaded.meeting_type)
    chosen = choose(loaded, order.start, now, ignore_availability=order.ignore_availability)
    if order.ignore_availability:
        require_override(actor, chosen)
    booked = await _write(conn, actor, order, loaded, chosen, now)
    if order.nonce:
        outcome = form_nonces.Outcome(booked.appointment_id, booked.secret)
        await form_nonces.settle(conn, nonce=order.nonce, outcome=outcome)
    return booked


def choose(loaded: Loaded, start: Instant, now: Instant, *, ignore_availability: bool) -> tuple[Host, ...]:
    """Ask the engine who takes this start; with `ignore_availability` the first hosts do when nobody is free.

    Raises:
        DomainError: one of `refusals.ALL`.
    """
    verdict = slots.check(loaded.rules, loaded.calendars, loaded.ask, start, now)
    if isinstance(verdict, Bookable):
        return tuple(loaded.hosts[place] for place in verdict.hosts)
    if not ignore_availability or verdict.code in _INSIDE:
        raise refusals.error(verdict)
    return loaded.hosts[: loaded.ask.needed(len(loaded.hosts))]


def require_override(actor: Actor, chosen: tuple[Host, ...]) -> None:
    """Refuse whoever may not disregard availability.

    Raises:
        OverrideNotAllowed: he is neither administrator nor one of the hosts.
    """
    if not (actor.is_admin or any(host.id == actor.user_id for host in chosen)):
        raise OverrideNotAllowed


async def claim(
    conn: Connection,
    *,
    loaded: Loaded,
    appointment_id: UUID,
    chosen: tuple[Host, ...],
    start: Instant,
    now: Instant,
    ignore_availability: bool,
) -> None:
    """Take the time of the chosen hosts, who are locked, buffers included.

    Raises:
        SlotTaken: somebody else's claim stands there.
    """
    company_id = loaded.meeting_type.company_id
    first, last = slots.padded(loaded.rules, start)
    host_nos = [host.host_no for host in chosen]
    await claims.sweep(conn, host_nos=host_nos, start=first, end=last, now=now)
    wanted = [Claim(host_no, first, last) for host_no in host_nos]
    if ignore_availability:
        taken = await claims.exclusive_between(conn, host_nos=host_nos, start=first, end=last)
        wanted = overlaps.split(wanted, taken)
    try:
        await claims.take(conn, company_id=company_id, appointment_id=appointment_id, claims=wanted)
    except SlotClaimed as error:
        raise SlotTaken(reason="claimed") from error


async def _write(
    conn: Connection, actor: Actor, order: Order, loaded: Loaded, chosen: tuple[Host, ...], now: Instant
) -> Booked:
    kind, rules = loaded.meeting_type, loaded.rules
    company_id = kind.company_id
    appointment_id = ids.new_id(company_id)
    channel = _channel(order, kind)
    await appointments.add(
        conn,
        {
            "company_id": company_id,
            "id": appointment_id,
            "meeting_type_id": kind.id,
            "start_at": order.start,
            "end_at": order.start.add(minutes=rules.duration),
            "meeting_info": {**kind.meeting_info, "duration": rules.duration, "channel": channel},
            "channel": channel,
            "location": _location(order, kind, channel),
            "ics_title": order.ics_title,
            "ics_description": order.ics_description,
            "skip_notifications": order.skip_notifications,
            "ignored_availability": order.ignore_availability,
            "created_at": now,
            "updated_at": now,
        },
    )
    await hosts.add(
        conn,
        company_id=company_id,
        appointment_id=appointment_id,
        user_ids=[host.id for host in chosen],
        start=order.start,
    )
    guests = _attendees(order, company_id, now)
    for guest in guests:
        await attendees.add(conn, company_id=company_id, appointment_id=appointment_id, attendee=guest)
    await claim(
        conn,
        loaded=loaded,
        appointment_id=appointment_id,
        chosen=chosen,
        start=order.start,
        now=now,
        ignore_availability=order.ignore_availability,
    )
    written = await appointments.get(conn, company_id, appointment_id)
    assert written is not None
    await changes.record(conn, kind="booking_created", before=None, after=written, actor=actor, now=now)
    return Booked(appointment_id, guests[0].secret)


def _check_contact(order: Order, kind: MeetingType) -> None:
    if order.phone_only:
        if not kind.meeting_options.get("allowPhoneOnlyBooking"):
            raise PhoneOnlyNotAllowed
        if not order.attendee.phone:
            raise Invalid("Validation failed", errors=[FieldError("attendee.phone", "is required")])
    elif not order.attendee.email:
        raise Invalid("Validation failed", errors=[FieldError("attendee.email", "is required")])


def _channel(order: Order, kind: MeetingType) -> str:
    standard: str = kind.meeting_info["channel"]
    allowed = kind.meeting_options.get("allowedChannels") or ()
    if order.channel and allowed and order.channel not in (standard, *allowed):
        raise ChannelNotAllowed
    return order.channel or standard


def _location(order: Order, kind: MeetingType, channel: str) -> str | None:
    """Choose the place (contract 2.5): one of the type's for `local`, the attendee's own for `local-attendee`."""
    if channel == "local" and kind.locations:
        if order.location and order.location not in kind.locations:
            raise LocationNotOffered
        return order.location or kind.locations[0]
    if channel == "local-attendee" and not order.location:
        address = order.attendee.notes.get("address")
        return address if isinstance(address, str) else None
    return order.location


def _attendees(order: Order, company_id: UUID, now: Instant) -> list[Attendee]:
    new = order.attendee
    names = " ".join(name for name in (new.first_name, new.last_name) if name)
    booked = Attendee(
        id=ids.new_id(company_id),
        position=0,
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
    )
    others = [email for email in dict.fromkeys(new.bringalong_emails) if email != new.email]
    return [
        booked,
        *(guest(booked, email, position, company_id, now) for position, email in enumerate(others, start=1)),
    ]


def guest(by: Attendee, email: str, position: int, company_id: UUID, now: Instant) -> Attendee:
    """Make the attendee that somebody brings along; he gets the language and the zone of who invites him."""
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
    )


def _shown(email: str | None) -> str:
    return (email or "").partition("@")[0]
