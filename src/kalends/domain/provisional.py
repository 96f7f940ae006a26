"""Provisional bookings: what they wait for, and which of their events their guest and their hosts are told of."""

from __future__ import annotations

from typing import Literal, TypeAlias

from whenever import Instant

from .itip import Snapshot

# What a booking waits for: its guest proves his e-mail address, or a host approves.
BookingType: TypeAlias = Literal["doubleOptIn", "requireHostConfirmation"]
# opt-in: the guest shall confirm; received: he waits for a host; approve: a host shall confirm.
News: TypeAlias = Literal["opt-in", "received", "approve", "declined", "expired"]


def news(kind: str, before: Snapshot | None, after: Snapshot, *, to_guest: bool) -> News | None:
    """Decide which mail an event brings a guest or a host; None: none.

    Hosts hear of a request when it is theirs to decide: never of an e-mail address that nobody has proved where it has
    to be. The mail that asks a guest to confirm leaves even if notifications are switched off: nobody else could.

    Args:
        kind: of the event.
    """
    found = _news(kind, before, after, to_guest)
    return None if after["skipNotifications"] and found != "opt-in" else found


def _news(kind: str, before: Snapshot | None, after: Snapshot, to_guest: bool) -> News | None:
    if kind == "provisional_created" and after["type"] == "doubleOptIn":
        return "opt-in" if to_guest else None
    handed_on = kind == "provisional_proved" and before is not None and before["type"] == "doubleOptIn"
    if kind == "provisional_created" or handed_on:
        return "received" if to_guest else "approve"
    if kind == "provisional_declined":
        return "declined" if to_guest else None
    if kind == "provisional_expired" and after["provedAt"]:
        return "expired" if to_guest else None
    return None


def still(news: News, newest: Snapshot, now: Instant) -> bool:
    """Tell whether a mail that could not leave at once still says what is so."""
    if news in ("declined", "expired"):
        return True
    waits = newest["status"] == "pending" and now < Instant.parse_iso(newest["expiresAt"])
    return waits and not (news == "opt-in" and newest["provedAt"])
