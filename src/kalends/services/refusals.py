"""Why a start cannot be booked: one error for each rule of contract 6.6."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kalends.domain.rules import Refusal
from kalends.errors import DomainError, Invalid
from kalends.storage.claims import SlotClaimed


class MeetingTypeDisabled(Invalid):
    """This meeting type takes no bookings at the moment."""

    code = "meeting-type-disabled"


class DurationNotAllowed(Invalid):
    """This meeting type does not offer this duration."""

    code = "duration-not-allowed"


class HostNotAllowed(Invalid):
    """There are fewer hosts than this meeting needs."""

    code = "host-not-allowed"


class TooSoon(Invalid):
    """The start is past, or before the shortest notice this meeting type asks for."""

    code = "too-soon"


class TooFar(Invalid):
    """The start lies beyond the days that can be booked."""

    code = "too-far"


class OutsideHours(Invalid):
    """The host is not available at this time."""

    code = "outside-hours"


class NotASlot(Invalid):
    """No appointment begins at this time; the next ones are in the list of starts."""

    code = "not-a-slot"


class SlotTaken(Invalid):
    """slot-occupied"""

    code = "slot-occupied"


class CapReached(Invalid):
    """There are already as many appointments in this period as are allowed."""

    code = "cap-reached"


class HoldExpired(Invalid):
    """The time was kept for you until now; it is free for everybody again."""

    code = "hold-expired"


class HoldMismatch(Invalid):
    """The hold keeps the time of another meeting type, start or duration."""

    code = "hold-mismatch"


ALL: tuple[type[DomainError], ...] = (
    MeetingTypeDisabled,
    DurationNotAllowed,
    HostNotAllowed,
    TooSoon,
    TooFar,
    OutsideHours,
    NotASlot,
    SlotTaken,
    CapReached,
)

_BY_CODE = {error.code: error for error in ALL}


def error(refusal: Refusal) -> DomainError:
    """Turn the engine's refusal into the error the caller is told."""
    return _BY_CODE[refusal.code](reason=refusal.reason)


@contextmanager
def of_claims() -> Iterator[None]:
    """Turn the violated constraint of a claim written within into the error the caller is told.

    Raises:
        SlotTaken: somebody else's claim stands there.
    """
    try:
        yield
    except SlotClaimed as error:
        raise SlotTaken(reason="claimed") from error
