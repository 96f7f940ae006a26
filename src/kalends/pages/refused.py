"""Refusals of a booking, a move or a cancellation, as pages show them to a guest."""

from __future__ import annotations

from kalends.edge.problems import of as problem_of
from kalends.errors import DomainError
from kalends.languages import Translate

# The rules under which another time helps (contract 6.6).
OTHER_TIME_HELPS = frozenset({
    "slot-occupied", "too-soon", "too-far", "outside-hours", "not-a-slot", "cap-reached",
})  # fmt: skip


def status(error: DomainError) -> int:
    """Choose the HTTP status of a page that shows a refusal: 409 where another time helps, else as the API answers."""
    return 409 if error.code in OTHER_TIME_HELPS else problem_of(error).status


def sentence(_: Translate, error: DomainError, *, group: bool = False) -> str:
    """Say why a booking, a move or a cancellation did not happen.

    Args:
        group: the meeting takes several guests, so what was taken may be its last seats.
    """
    if group and error.code == "slot-occupied":
        return _("There are not enough seats left at this time.")
    sentences = {
        "slot-occupied": _("Somebody else has just taken this time."),
        "outside-hours": _("This time can no longer be booked."),
        "not-a-slot": _("This time can no longer be booked."),
        "too-soon": _("This time is too soon to be booked."),
        "too-far": _("This time is too far ahead to be booked."),
        "cap-reached": _("No more meetings can be booked in this period."),
        "duration-not-allowed": _("This duration is no longer offered."),
        "meeting-type-disabled": _("This meeting can no longer be booked."),
        "host-not-allowed": _("This meeting can no longer be booked."),
        "channel-not-allowed": _("This way to meet is no longer offered."),
        "location-not-offered": _("This place is no longer offered."),
        "too-many-unconfirmed": _(
            "Too many requests wait to be confirmed. Please answer the e-mails we have sent, then try again."
        ),
        "hold-expired": _("This request was kept too long and has expired."),
        "already-confirmed": _("This request has been approved."),
        "already-declined": _("This request has been declined."),
        "already-cancelled": _("This meeting is cancelled."),
        "already-over": _("This meeting is over."),
        "not-the-only-attendee": _("Others take part too, so you cannot move this meeting."),
        "too-many-requests": _("Too many attempts. Please wait a minute and try again."),
        "busy": _("There is a lot going on right now. Please try again; nothing was booked."),
        "changed-meanwhile": _("There is a lot going on right now. Please try again; nothing was booked."),
        "outcome-unknown": _("We lost the connection. Please confirm again: you will not be booked twice."),
    }
    return sentences.get(error.code, _("This did not work. Please check what you entered and try again."))
