"""What we knew of a calendar and what was read of it -> which events are stored, changed and forgotten, as values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar
from uuid import UUID

from whenever import Instant, TimeDelta

from .remote_events import Occurrence, Page, RemoteEvent

LONGEST_HOURS = 192  # of one busy row; longer ones are cut (storage counts on it)
MOST_EVENTS = 20_000  # of one calendar; where a provider tells occurrences apart, each counts
EVENTS_AT_ONCE, SPANS_AT_ONCE = 500, 2_000  # stored in one transaction

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


def is_emptied(ours: int, vanished: int, *, others: int = 0, listed: int = 1) -> bool:
    """Tell whether a calendar lost so much at once that it is not believed at first.

    Args:
        ours: events of ours ahead that we knew there, of which so many `vanished`.
        others: what else was known ahead.
        listed: how many events a complete reading lists; 1 of one that is not complete.
    """
    return vanished >= 3 or vanished == ours >= 2 or (listed == 0 and ours + others >= 3)
