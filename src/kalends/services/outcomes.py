"""Outcomes: what a booking has come to (contract 2.5, 6.4)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.domain.provisional import BookingType


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One start of a series: booked, or refused with a code of `refusals.ALL`."""

    start: Instant
    appointment_id: UUID | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """A confirmed booking; of a series its first booked start.

    Attributes:
        secret: of the attendee who booked.
        series: every start of the recurrence, in order; None without one.
        overlaps: availability was ignored, and something else stands there.
    """

    appointment_id: UUID
    secret: str
    series: tuple[Occurrence, ...] | None = None
    overlaps: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A booking that somebody still has to confirm.

    Attributes:
        series: every start of the recurrence, in order, those kept without an appointment yet; None without one.
    """

    booking_type: BookingType
    provisional_booking_id: UUID
    series: tuple[Occurrence, ...] | None = None
