"""A booking that somebody still has to confirm, as its guest and its hosts see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from whenever import Instant

from kalends.languages import Translate
from kalends.storage import reservations
from kalends.storage.database import Connection
from kalends.storage.hosts import Host
from kalends.storage.provisional_bookings import ProvisionalBooking

from . import channels
from .rendering import Words

# What it waits for: the guest's proof, his proof beside a host's answer, that answer alone; or nothing any more.
State: TypeAlias = Literal["prove", "keep", "wait", "confirmed", "expired", "declined"]
OPEN: frozenset[State] = frozenset({"prove", "keep", "wait"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked for.

    Attributes:
        spans: (start, end) of each meeting, in order; more than one make a series.
        hosts: the main host first.
        notes: (question, answer) of what the guest wrote.
    """

    name: str
    spans: Sequence[tuple[Instant, Instant]]
    hosts: tuple[Host, ...]
    channel: str
    channel_text: str
    guest: str
    email: str
    phone: str
    brought: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]


def state(booking: ProvisionalBooking, now: Instant) -> State:
    """Tell what a provisional booking waits for."""
    status = booking.status_at(now)
    if status == "pending":
        if booking.proved_at:
            return "wait"
        return "prove" if booking.type == "doubleOptIn" else "keep"
    return "declined" if status == "declined_by_host" else status


async def spans(conn: Connection, booking: ProvisionalBooking) -> Sequence[tuple[Instant, Instant]]:
    """List the times it asks for; once it is long over, its first one is all that is known."""
    kept = await reservations.of_provisional(conn, booking.company_id, booking.id)
    if kept:
        return [(one.start_at, one.end_at) for one in kept]
    minutes = booking.dto["duration"] or booking.meeting_info["duration"]
    return [(booking.start_at, booking.start_at.add(minutes=minutes))]


def asked(_: Translate, booking: ProvisionalBooking, times: Sequence[tuple[Instant, Instant]]) -> Asked:
    """Describe a provisional booking to whom one of its secrets has let in."""
    who, info = booking.dto["attendee"], booking.meeting_info
    channel = booking.dto["channel"] or info["channel"]
    names = " ".join(part for part in (who["firstname"], who["lastname"]) if part)
    return Asked(
        name=info["name"],
        spans=times,
        hosts=tuple(one.host for one in booking.hosts),
        channel=channel,
        channel_text=channels.text(_, channel, info, booking.dto["location"]),
        guest=who["fullname"] or names or who["email"] or who["phone"] or "",
        email=who["email"] or "",
        phone=who["phone"] or "",
        brought=tuple(who["bringalongEmails"]),
        notes=_notes(_, who["notes"]),
    )


def _notes(_: Translate, notes: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    ours = {"note": _("Note"), "address": _("Address")}
    return tuple((ours.get(key, key), _text(_, value)) for key, value in notes.items() if value not in (None, "", []))


def _text(_: Translate, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is True or value == "true":
        return _("Yes")
    return _("No") if value is False or value == "false" else str(value)


def told(_: Translate, booking: ProvisionalBooking, at: State, words: Words) -> tuple[str, str]:
    """Say to its guest how a provisional booking stands: a headline, and what comes next."""
    name = booking.hosts[0].host.full_name
    until = f"{words.day(booking.expires_at)}, {words.time(booking.expires_at)}"
    if at == "prove" and booking.then_host:
        return _("Confirm your request?"), _("{name} is asked once you have confirmed it.", name=name)
    if at == "prove":
        return _("Confirm your booking?"), _("The time is kept for you until {until}.", until=until)
    if at == "keep":
        return _("Confirm your request?"), _(
            "{name} has been asked. Please confirm by {until} that it was you, or the time is given back.",
            name=name, until=until,
        )  # fmt: skip
    if at == "wait":
        return _("Waiting for an answer"), _(
            "{name} has been asked and answers by e-mail. The time is kept for you until {until}.",
            name=name, until=until,
        )  # fmt: skip
    if at == "confirmed":
        return _("You are booked"), _("See you then.")
    if at == "declined":
        return _("Your request was declined"), _("{name} cannot take this meeting.", name=name)
    return _("This request has expired"), _("It was not confirmed in time, and the time was given back.")


def sent(_: Translate, booking: ProvisionalBooking, at: State, words: Words) -> tuple[str, str]:
    """Say the same to somebody who has just asked, and has to open his mail."""
    until = f"{words.day(booking.expires_at)}, {words.time(booking.expires_at)}"
    name = booking.hosts[0].host.full_name
    if at == "prove" and booking.then_host:
        return _("Please check your mail"), _(
            "Open the link in the e-mail we have sent you, by {until}. Then {name} is asked.", until=until, name=name
        )
    if at == "prove":
        return _("Please check your mail"), _(
            "Open the link in the e-mail we have sent you, by {until}, to confirm your booking.", until=until
        )
    if at == "keep" and booking.dto["attendee"]["email"]:
        return _("Waiting for an answer"), _(
            "{name} has been asked. Please open the link in our e-mail by {until}, or the time is given back.",
            name=name, until=until,
        )  # fmt: skip
    if at == "keep":
        return _("Waiting for an answer"), _(
            "{name} has been asked. The time is kept for you until {until}.", name=name, until=until
        )
    return told(_, booking, at, words)
