"""What a host did to an event of ours, and what its guests answered there."""

from __future__ import annotations

import pytest
from whenever import Instant

from kalends.domain.findings import (
    Deleted,
    Finding,
    GuestAnswered,
    MovedOnBothSides,
    OwnDeclined,
    ProposeMove,
    ShapeChanged,
    Standing,
    compare,
)
from kalends.domain.remote_events import Answer, Occurrence, RemoteEvent
from kalends.domain.sync import Span

DAY = Instant.from_utc(2031, 3, 4)


def _at(hour: float) -> Instant:
    return DAY.add(minutes=round(hour * 60))


def _span(first: float, last: float) -> Span:
    return _at(first), _at(last)


def _event(*hours: tuple[float, float], answer: Answer | None = None) -> RemoteEvent:
    return RemoteEvent("a", "u", "1", tuple(Occurrence(*_span(*one), answer=answer) for one in hours))


_OURS = _span(9, 10)


def _standing(written: Span = _OURS, start: float = 9, **guests: Answer) -> Standing:
    return Standing(_at(start), _at(start + 1), written, {f"{name}@guests.test": said for name, said in guests.items()})


@pytest.mark.parametrize(
    ("standing", "there", "found"),
    [
        (_standing(), _event((9, 10)), []),
        (_standing(), _event((12, 13)), [ProposeMove(_at(12))]),
        (_standing(), _event((9, 11)), [ShapeChanged(_span(9, 11))]),
        (_standing(), _event((12, 14)), [ShapeChanged(_span(12, 14))]),
        (_standing(), _event((9, 10), (33, 34)), [ShapeChanged(_span(9, 10))]),
        # The appointment was moved here, and the calendar does not show it yet, or nobody has noted that it does.
        (_standing(start=12), _event((9, 10)), []),
        (_standing(start=12), _event((12, 13)), []),
        (_standing(start=12), _event((15, 16)), [MovedOnBothSides(_span(15, 16))]),
        (_standing(), None, [Deleted()]),
        (_standing(), _event(), [OwnDeclined()]),
        (_standing(), _event((9, 10), answer="declined"), [OwnDeclined()]),
        (_standing(), _event((9, 11), answer="declined"), [OwnDeclined(), ShapeChanged(_span(9, 11))]),
        (_standing(), _event((9, 10), answer="tentative"), []),
    ],
)
def test_what_a_host_did_to_an_event_of_ours(
    standing: Standing, there: RemoteEvent | None, found: list[Finding]
) -> None:
    assert compare(standing, there) == found


@pytest.mark.parametrize(
    ("known", "said", "news"),
    [
        ("accepted", "accepted", False),
        ("accepted", "needs-action", False),
        ("accepted", "declined", True),
        ("accepted", "tentative", True),
        ("needs-action", "accepted", True),
        ("declined", "declined", False),
        ("declined", "accepted", True),
        ("tentative", "needs-action", False),
    ],
)
def test_what_a_guest_answers_is_news_where_it_differs(known: Answer, said: Answer, news: bool) -> None:
    event = RemoteEvent(
        "a", "u", "1", (Occurrence(*_OURS),), guests=(("ana@guests.test", said), ("stranger@guests.test", "declined"))
    )

    found = compare(_standing(ana=known), event)

    assert found == ([GuestAnswered((("ana@guests.test", said),))] if news else [])
