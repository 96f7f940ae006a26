"""Passwords of meeting types: who books has to know it (contract 2.5, `bookingPassword`)."""

from __future__ import annotations

import hmac

from kalends.errors import FieldError, Invalid
from kalends.storage.meeting_types import MeetingType


class BookingPasswordWrong(Invalid):
    """This meeting type needs a password, and this is not it."""

    code = "booking-password-wrong"


def needed(kind: MeetingType) -> bool:
    """Say whether bookings of this type need a password."""
    return _password(kind) is not None


def check(kind: MeetingType, given: str | None) -> None:
    """Refuse a booking that does not bring the type's password; compared in constant time.

    Raises:
        BookingPasswordWrong: the type has one, and this is another or none.
    """
    password = _password(kind)
    if password is not None and not hmac.compare_digest(password.encode(), (given or "").encode()):
        raise BookingPasswordWrong(errors=[FieldError("bookingPassword", "is not the password of this meeting type")])


def _password(kind: MeetingType) -> str | None:
    stored = kind.meeting_options.get("bookingPagePassword") or {}
    return (stored.get("password") or None) if stored.get("enable") else None
