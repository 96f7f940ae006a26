"""What we knew of a calendar and what was read of it -> what is to be done, as values; whoever asked carries them out.

Two plans are made. One for what blocks: which events are stored, changed and forgotten. One for each event of ours
that seems to be other than we wrote it: whether its host moved it, declined it or deleted it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from whenever import Instant, TimeDelta

from .exceptions import parse_moment
from .remote_events import Answer, Occurrence, Page, RemoteEvent, Window
from .rules import BookingWindow

LONGEST_HOURS = 192  # of one busy row; longer ones are cut (storage counts on it)
MOST_EVENTS = 20_000  # of one calendar
EVENTS_AT_ONCE, SPANS_AT_ONCE = 500, 2_000  # stored in one transaction

_TAIL = "@kalends"
_BUFFERS = ("-before", "-after")

T = TypeVar("T")
Span: TypeAlias = tuple[Instant, Instant]  # half-open, not empty


@dataclass(frozen=True, slots=True)
class Rules:
    """Which events of a calendar block.

    Attributes:
        blocks: any do.
        treat_all_as_busy: so do those shown as free.
        unanswered_is_busy: so do invitations that were not answered.
    """

    blocks: bool = True
    treat_all_as_busy: bool = False
    unanswered_is_busy: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """An event of a calendar as we have it stored."""

    id: int
    remote_id: str
    uid: str | None
    etag: str | None
    appointment_id: UUID | None
    spans: frozenset[Span]
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """An event is new, or another than the one stored.

    Attributes:
        known_id: of the one stored; None: it is new.
        appointment_id: it is one of ours, so it has no spans.
        added, dropped: spans in which it blocks now, and does no more; both sorted.
    """

    remote_id: str
    uid: str | None
    etag: str | None
    appointment_id: UUID | None
    known_id: int | None
    added: tuple[Span, ...]
    dropped: tuple[Span, ...] = ()
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class ForgetEvent:
    """A stored event is no more."""

    known_id: int


Store: TypeAlias = StoreEvent | ForgetEvent


def appointment_named(uid: str | None) -> UUID | None:
    """Tell which appointment an event's UID names, its own or that of one of its buffers; None: it is not of ours."""
    if not uid or not uid.endswith(_TAIL):
        return None
    name = uid.removesuffix(_TAIL)
    for part in _BUFFERS:
        name = name.removesuffix(part)
    try:
        return UUID(name)
    except ValueError:
        return None


def busy_spans(event: RemoteEvent, rules: Rules) -> frozenset[Span]:
    """List the spans in which an event that is not ours blocks, none longer than 192 hours."""
    return frozenset(
        piece
        for one in event.occurrences
        if rules.blocks and _blocks(one, rules)
        for piece in _pieces(one.start, one.end)
    )


def _blocks(one: Occurrence, rules: Rules) -> bool:
    if one.answer == "declined" or (one.answer == "needs-action" and not rules.unanswered_is_busy):
        return False
    return rules.treat_all_as_busy or not one.transparent


def _pieces(start: Instant, end: Instant) -> Iterator[Span]:
    while start < end:
        cut = min(start.add(hours=LONGEST_HOURS), end)
        yield start, cut
        start = cut


def plan_events(
    events: Iterable[RemoteEvent],
    gone: Collection[str],
    *,
    known: Mapping[str, Known],
    ours: Mapping[str, UUID],
    rules: Rules,
) -> list[Store]:
    """Plan what is stored of a part of a reading; what is as it was is left out.

    Args:
        gone: remote ids that are no more; an event that is listed is not gone, whatever is said beside it.
        known: what is stored of all of them, by remote id.
        ours: appointments that events of ours stand for, by remote id.
    """
    plan: list[Store] = []
    listed = {event.remote_id: event for event in events}  # a page may name an event twice; the last one counts
    for event in listed.values():
        action = _stored(event, known.get(event.remote_id), ours.get(event.remote_id), rules)
        if action:
            plan.append(action)
    plan += [ForgetEvent(known[one].id) for one in dict.fromkeys(gone) if one in known and one not in listed]
    return plan


def _stored(event: RemoteEvent, before: Known | None, appointment_id: UUID | None, rules: Rules) -> Store | None:
    if appointment_id is None and not rules.blocks:  # nothing of what is not ours is anybody's business there
        return ForgetEvent(before.id) if before else None
    spans = frozenset[Span]() if appointment_id else busy_spans(event, rules)
    was = before.spans if before else frozenset[Span]()
    action = StoreEvent(
        event.remote_id,
        event.uid,
        event.etag,
        appointment_id,
        before.id if before else None,
        tuple(sorted(spans - was)),
        tuple(sorted(was - spans)),
        event.unreadable,
    )
    found = (event.uid, event.etag, event.unreadable, appointment_id)
    same = before and (before.uid, before.etag, before.unreadable, before.appointment_id) == found
    return None if same and spans == was else action


def batches(plan: Sequence[Store]) -> Iterator[list[Store]]:
    """Cut a plan into what is stored in one transaction each; one event is never cut."""
    return _cut(plan, lambda one: len(one.added) + len(one.dropped) if isinstance(one, StoreEvent) else 0)


def portions(page: Page) -> Iterator[Page]:
    """Cut a page into what is planned at once: a server may tell all there is on one, and others want to be served.

    What is gone comes last, without what the page lists beside it.
    """
    events = list(_cut(page.events, lambda one: len(one.occurrences)))
    for portion in events[:-1]:
        yield replace(page, events=portion, gone=())
    listed = {event.remote_id for event in page.events}
    yield replace(page, events=events[-1] if events else (), gone=[one for one in page.gone if one not in listed])


def _cut(items: Sequence[T], spans_of: Callable[[T], int]) -> Iterator[list[T]]:
    batch: list[T] = []
    spans = 0
    for item in items:
        more = spans_of(item)
        if batch and (len(batch) >= EVENTS_AT_ONCE or spans + more > SPANS_AT_ONCE):
            yield batch
            batch, spans = [], 0
        batch.append(item)
        spans += more
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class Meeting:
    """When a live appointment of the host takes place."""

    appointment_id: UUID
    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class Conflict:
    """Time that an event has begun to take, and an appointment that stands in it."""

    span: Span
    meeting: Meeting


def conflicts(events: Mapping[int, Iterable[Span]], meetings: Iterable[Meeting]) -> dict[int, list[Conflict]]:
    """List the first overlap of each event with each meeting, by the meeting's start; events without one are left out.

    Args:
        events: the spans of each, by whatever names it.
    """
    ahead = sorted(meetings, key=lambda one: (one.start, one.appointment_id))
    starts, longest = [one.start for one in ahead], max((one.end - one.start for one in ahead), default=TimeDelta.ZERO)
    found: dict[int, list[Conflict]] = {}
    for name, spans in events.items():
        overlaps: dict[UUID, Conflict] = {}
        for span in sorted(spans):
            for meeting in ahead[bisect_left(starts, span[0] - longest) : bisect_left(starts, span[1])]:
                if span[0] < meeting.end:
                    overlaps.setdefault(meeting.appointment_id, Conflict(span, meeting))
        if overlaps:
            found[name] = sorted(overlaps.values(), key=lambda one: (one.meeting.start, one.meeting.appointment_id))
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """An appointment that is ahead, and what we wrote of it to the calendar of one of its hosts.

    Attributes:
        start, end: of the appointment.
        written: the span that was written or, later, taken note of.
        guests: what those who come answered, if only by booking, by address in lower case.
    """

    start: Instant
    end: Instant
    written: Span
    guests: Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class ProposeMove:
    """The host moved it there; whether the appointment can follow is the engine's to say."""

    start: Instant


@dataclass(frozen=True, slots=True)
class ShapeChanged:
    """The host made it longer or shorter, or had it recur: no appointment follows that, so it is written again."""

    span: Span


@dataclass(frozen=True, slots=True)
class Overtaken:
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


Finding: TypeAlias = ProposeMove | ShapeChanged | Overtaken | Deleted | OwnDeclined | GuestAnswered


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
    if there == standing.written and not recurs:
        return None  # it was moved here, and is still to be written
    if standing.written != ours:
        return Overtaken(there)
    if recurs or first.end - first.start != standing.end - standing.start:
        return ShapeChanged(there)
    return ProposeMove(first.start)


def is_emptied(ours: int, vanished: int, *, others: int = 0, listed: int = 1) -> bool:
    """Tell whether a calendar lost so much at once that it is not believed at first.

    Args:
        ours: events of ours ahead that we knew there, of which so many `vanished`.
        others: what else was known ahead.
        listed: how many events a complete reading lists; 1 of one that is not complete.
    """
    return vanished >= 3 or vanished == ours >= 2 or (listed == 0 and ours + others >= 3)


USED_MINUTES = 10  # so long after slots of a host were asked for, his calendars are looked at often
_OFTEN_S, _SELDOM_S, _REFUSED_S = 2 * 60, 15 * 60, 6 * 3600
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 30, 3600


def next_due(now: Instant, *, used_at: Instant | None, spread: float) -> Instant:
    """Tell when a calendar that could be read is read again: in 2 minutes while in use, else in 15.

    Args:
        spread: a random number from 0 to 1; not all of them are to be asked at the same moment.
    """
    in_use = used_at is not None and now < used_at.add(minutes=USED_MINUTES)
    return now.add(seconds=(_OFTEN_S if in_use else _SELDOM_S) * (0.9 + 0.2 * spread))


def due_after_failure(now: Instant, *, failures: int, retry_after_s: int | None, spread: float) -> Instant:
    """Tell when a calendar is tried again: after 30 s, 1, 2, … minutes, at most an hour, never before it is asked to.

    Args:
        failures: in a row, at least 1.
        spread: a random number from 0 to 1.
    """
    pause = min(_FIRST_PAUSE_S * 2 ** min(failures - 1, 10), _LONGEST_PAUSE_S)
    return now.add(seconds=max(pause * (0.75 + 0.5 * spread), (retry_after_s or 0) * (1 + 0.1 * spread)))


def due_after_refusal(now: Instant, *, spread: float) -> Instant:
    """Tell when a provider that does not let us in is tried again; so seldom that nobody locks the account for it."""
    return now.add(seconds=_REFUSED_S * (0.9 + 0.2 * spread))


def renewal(now: Instant, expires_at: Instant) -> Instant:
    """Tell when a channel that was opened now is renewed: after four fifths of its life."""
    return now.add(seconds=max(0.8 * (expires_at - now).total("seconds"), 60))


def is_reachable(base_url: str) -> bool:
    """Tell whether a provider on the internet could reach this address, as far as its name says."""
    parts = urlsplit(base_url)
    name = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return False
    try:
        return ip_address(name).is_global
    except ValueError:
        return "." in name


_LEAST_DAYS, _MOST_DAYS = 60, 400
_ANYWHERE_DAYS = 3660  # a year that was mistyped is no refusal, which is what an event without any time is taken for
_SLACK_DAYS, _SPARE_DAYS = 10, 3


def window(now: Instant, days: float) -> Window:
    """Say which time is read so that starts up to so many days ahead can be offered; whole days of UTC.

    Some more is read, so that not every day needs a complete reading.
    """
    end = now.add(hours=24 * (_needed(days) + _SLACK_DAYS))
    return Window(_midnight(now.subtract(hours=24)), _midnight(end.add(hours=24)))


def is_short(end: Instant | None, now: Instant, days: float) -> bool:
    """Tell whether a window that ends then has to be read anew."""
    return end is None or end < now.add(hours=24 * (_needed(days) + _SPARE_DAYS))


def wide(now: Instant) -> Window:
    """Say which time an event of ours is looked for in, wherever its host moved it."""
    return Window(now.subtract(hours=24 * _ANYWHERE_DAYS), now.add(hours=24 * _ANYWHERE_DAYS))


def days_ahead(windows: Iterable[BookingWindow], now: Instant) -> float:
    """Tell how far ahead starts are offered of types with these booking windows; 0 without any."""
    return max((_days(one, now) for one in windows), default=0)


def _days(window: BookingWindow, now: Instant) -> float:
    if window.mode == "limit":
        return window.limit_minutes / 1440 + 1  # to the end of a local day
    if window.mode == "range" and window.range_max:
        last = parse_moment(window.range_max, is_end=True).seconds
        return (last - now.timestamp()) / 86400 + 1  # of whichever zone
    return _MOST_DAYS


def _needed(days: float) -> float:
    return min(max(days, _LEAST_DAYS), _MOST_DAYS)


def _midnight(instant: Instant) -> Instant:
    return Instant.from_timestamp(instant.timestamp() // 86400 * 86400)
