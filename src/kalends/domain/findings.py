"""What a host did to an event of ours, told by comparing what we know of it with what stands in his calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from whenever import Instant

from .remote_events import Answer, RemoteEvent
from .sync import Span


@dataclass(frozen=True, slots=True)
class Standing:
    """An appointment that is ahead, and what we wrote of it to the calendar of one of its hosts.

    Attributes:
        start, end: of the appointment.
        written: the span that was written or, later, taken note of.
        tried: spans that writing was begun with since; whether they stand there was never answered.
        guests: what those who come answered, if only by booking, by address in lower case.
    """

    start: Instant
    end: Instant
    written: Span
    guests: Mapping[str, Answer]
    tried: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class ProposeMove:
    """The host moved it there; whether the appointment can follow is the engine's to say."""

    start: Instant


@dataclass(frozen=True, slots=True)
class ShapeChanged:
    """The host made it longer or shorter, or had it recur: no appointment follows that, so it is written again."""

    span: Span


@dataclass(frozen=True, slots=True)
class MovedOnBothSides:
    """It was moved on both sides: the appointment's time stands, since its guests were told, and is written again."""

    span: Span


@dataclass(frozen=True, slots=True)
class Deleted:
    """The provider says, asked for just this event, that it is not there."""


@dataclass(frozen=True, slots=True)
class OwnDeclined:
    """The host declined it there, or marked it as cancelled."""


@dataclass(frozen=True, slots=True)
class GuestAnswered:
    """Guests answered something else than we know."""

    answers: tuple[tuple[str, Answer], ...]


Finding: TypeAlias = ProposeMove | ShapeChanged | MovedOnBothSides | Deleted | OwnDeclined | GuestAnswered


def compare(standing: Standing, event: RemoteEvent | None) -> list[Finding]:
    """Find in what an event of ours is other than we know it, in the order in which that is followed.

    Args:
        event: as it stands in the calendar, in a window wide enough for wherever it may have been moved; None: it is
            not there, which has to be known of just this event (case K14).
    """
    if event is None:
        return [Deleted()]
    if not event.occurrences:
        return [OwnDeclined()]
    news = ((email, answer) for email, answer in event.guests if _is_news(standing.guests, email, answer))
    answers, moved = tuple(sorted(news)), _moved(standing, event)
    found: list[Finding] = [OwnDeclined()] if event.occurrences[0].answer == "declined" else []
    if answers:
        found.append(GuestAnswered(answers))
    return [*found, moved] if moved else found


def _is_news(guests: Mapping[str, Answer], email: str, answer: Answer) -> bool:
    # Calendars forget answers when an event is written again.
    return email in guests and answer not in ("needs-action", guests[email])


def _moved(standing: Standing, event: RemoteEvent) -> Finding | None:
    first = event.occurrences[0]
    there, ours = (first.start, first.end), (standing.start, standing.end)
    recurs = len(event.occurrences) > 1
    if there == ours and not recurs:
        return None
    if (there == standing.written or there in standing.tried) and not recurs:
        return None  # it was moved here, and is still to be written
    if standing.written != ours:
        return MovedOnBothSides(there)
    if recurs or first.end - first.start != standing.end - standing.start:
        return ShapeChanged(there)
    return ProposeMove(first.start)
