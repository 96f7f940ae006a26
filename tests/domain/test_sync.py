"""Plans of calendar sync: what is stored of a reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from kalends.domain import sync
from kalends.domain.remote_events import Answer, Occurrence, Page, RemoteEvent
from kalends.domain.sync import Conflict, ForgetEvent, Known, Meeting, Rules, Span, StoreEvent

DAY = Instant.from_utc(2031, 3, 4)
APPOINTMENT = UUID("01977b2e-4c4a-7a31-9f0e-0000dfabb114")


def _at(hour: float) -> Instant:
    return DAY.add(minutes=round(hour * 60))


def _span(first: float, last: float) -> Span:
    return _at(first), _at(last)


def _event(*hours: tuple[float, float], name: str = "a", answer: Answer | None = None) -> RemoteEvent:
    return RemoteEvent(name, "u", "1", tuple(Occurrence(*_span(*one), answer=answer) for one in hours))


def _known(*hours: tuple[float, float], name: str = "a", number: int = 1) -> Known:
    return Known(number, name, "u", "1", None, frozenset(_span(*one) for one in hours))


@pytest.mark.parametrize(
    ("transparent", "answer", "rules", "blocks"),
    [
        (False, None, Rules(), True),
        (True, None, Rules(), False),
        (True, None, Rules(treat_all_as_busy=True), True),
        (False, "accepted", Rules(), True),
        (False, "tentative", Rules(), True),
        (False, "declined", Rules(), False),
        (False, "declined", Rules(treat_all_as_busy=True), False),
        (False, "needs-action", Rules(), True),
        (False, "needs-action", Rules(unanswered_is_busy=False), False),
        (False, None, Rules(blocks=False), False),
    ],
)
def test_what_blocks(transparent: bool, answer: Answer | None, rules: Rules, blocks: bool) -> None:
    event = RemoteEvent("a", "u", None, (Occurrence(*_span(9, 10), transparent, answer),))

    assert sync.busy_spans(event, rules) == ({_span(9, 10)} if blocks else set())


def test_an_event_longer_than_a_row_may_be_is_cut_without_a_gap() -> None:
    pieces = sorted(sync.busy_spans(_event((0, 500)), Rules()))

    assert pieces == [_span(0, 192), _span(192, 384), _span(384, 500)]


def test_an_event_without_length_takes_no_time() -> None:
    assert sync.busy_spans(_event((9, 9)), Rules()) == set()


def _plan(
    events: Iterable[RemoteEvent] = (),
    gone: Iterable[str] = (),
    known: Iterable[Known] = (),
    ours: Iterable[str] = (),
    rules: Rules | None = None,
) -> list[sync.Store]:
    return sync.plan_events(
        events,
        list(gone),
        known={one.remote_id: one for one in known},
        ours=dict.fromkeys(ours, APPOINTMENT),
        rules=rules or Rules(),
    )


def test_a_new_event_is_stored_with_its_time() -> None:
    assert _plan([_event((9, 10), (12, 13))]) == [StoreEvent("a", "u", "1", None, None, (_span(9, 10), _span(12, 13)))]


def test_an_event_as_it_was_is_left_alone() -> None:
    assert _plan([_event((9, 10))], known=[_known((9, 10))]) == []


def test_of_a_changed_event_only_what_changed_is_written() -> None:
    plan = _plan([_event((9, 10), (15, 16))], known=[_known((9, 10), (12, 13))])

    assert plan == [StoreEvent("a", "u", "1", None, 1, (_span(15, 16),), (_span(12, 13),))]


def test_that_an_event_could_not_be_read_is_stored_and_forgotten_again() -> None:
    broken = replace(_event((9, 10)), unreadable="rrule")
    stored = replace(_known((9, 10)), unreadable="rrule")

    assert _plan([broken], known=[_known((9, 10))]) == [StoreEvent("a", "u", "1", None, 1, (), (), "rrule")]
    assert _plan([broken], known=[stored]) == []
    assert _plan([_event((9, 10))], known=[stored]) == [StoreEvent("a", "u", "1", None, 1, ())]


def test_one_of_ours_blocks_nothing() -> None:
    plan = _plan([_event((9, 10))], known=[_known((9, 10))], ours=["a"])

    assert plan == [StoreEvent("a", "u", "1", APPOINTMENT, 1, (), (_span(9, 10),))]


def test_where_nothing_blocks_only_what_is_ours_is_kept() -> None:
    events = [_event((9, 10)), _event((9, 10), name="b"), _event((9, 10), name="c")]

    plan = _plan(events, known=[_known((9, 10), name="b", number=7)], ours=["c"], rules=Rules(blocks=False))

    assert plan == [ForgetEvent(7), StoreEvent("c", "u", "1", APPOINTMENT, None, ())]


def test_what_is_gone_is_forgotten_unless_it_is_listed_too() -> None:
    plan = _plan([_event((9, 10))], ["a", "b", "never known"], [_known((9, 10)), _known(name="b", number=2)])

    assert plan == [ForgetEvent(2)]


def test_of_an_event_that_a_page_names_twice_the_last_one_counts() -> None:
    assert _plan([_event((9, 10)), _event((11, 12))]) == [StoreEvent("a", "u", "1", None, None, (_span(11, 12),))]


hours = st.tuples(st.integers(0, 400), st.integers(1, 300)).map(lambda one: (one[0], one[0] + one[1]))
some_hours = st.lists(hours, max_size=5)


@given(st.dictionaries(st.sampled_from("abcd"), some_hours), st.dictionaries(st.sampled_from("abcd"), some_hours))
def test_carrying_a_plan_out_makes_what_is_stored_what_was_read(
    before: dict[str, list[tuple[int, int]]], now: dict[str, list[tuple[int, int]]]
) -> None:
    stored = {
        name: Known(number, name, "u", "0", None, sync.busy_spans(_event(*spans), Rules()))
        for number, (name, spans) in enumerate(before.items())
    }
    events = [_event(*spans, name=name) for name, spans in now.items()]

    plan = sync.plan_events(events, before.keys() - now.keys(), known=stored, ours={}, rules=Rules())

    result = {one.remote_id: set(one.spans) for one in stored.values()}
    for action in plan:
        if isinstance(action, ForgetEvent):
            del result[next(name for name, one in stored.items() if one.id == action.known_id)]
        else:
            spans = result.get(action.remote_id, set())
            assert spans.isdisjoint(action.added)
            assert spans.issuperset(action.dropped)
            result[action.remote_id] = (spans - set(action.dropped)) | set(action.added)
    assert result == {event.remote_id: set(sync.busy_spans(event, Rules())) for event in events}


def test_what_is_stored_at_once_is_bounded_by_events_and_by_their_times() -> None:
    small: list[sync.Store] = [ForgetEvent(number) for number in range(1100)]
    large: list[sync.Store] = [
        StoreEvent(str(number), None, None, None, None, tuple(_span(hour, hour + 0.5) for hour in range(900)))
        for number in range(5)
    ]

    assert [len(batch) for batch in sync.batches(small)] == [500, 500, 100]
    assert [len(batch) for batch in sync.batches(large)] == [2, 2, 1]


def test_each_meeting_conflicts_once_with_what_overlaps_it() -> None:
    meetings = [Meeting(UUID(int=number), *_span(*span)) for number, span in enumerate([(9, 10), (10, 11), (14, 15)])]

    found = sync.conflicts({7: [_span(10.5, 12), _span(10, 10.25), _span(13, 14)], 8: [_span(10, 10)]}, meetings)

    assert found == {7: [Conflict(_span(10, 10.25), meetings[1])]}


some_meetings = st.lists(hours, max_size=6).map(
    lambda spans: [Meeting(UUID(int=number), *_span(*span)) for number, span in enumerate(spans)]
)


@given(st.dictionaries(st.integers(0, 3), some_hours, max_size=3), some_meetings)
def test_conflicts_are_what_comparing_all_with_all_finds(
    events: dict[int, list[tuple[int, int]]], meetings: list[Meeting]
) -> None:
    spans = {name: [_span(*one) for one in found] for name, found in events.items()}

    found = sync.conflicts(spans, meetings)

    assert {(name, one.meeting) for name, several in found.items() for one in several} == {
        (name, meeting)
        for name, several in spans.items()
        for meeting in meetings
        for start, end in several
        if start < meeting.end and meeting.start < end
    }
    assert all(one.span[0] < one.meeting.end and one.meeting.start < one.span[1]
               for several in found.values() for one in several)  # fmt: skip


def test_a_page_of_everything_is_planned_in_portions_and_what_is_gone_last() -> None:
    events = [_event((9, 10), name=str(number)) for number in range(1100)]

    portions = list(sync.portions(Page(events, ["3", "gone"], "token", complete=True)))

    assert [len(one.events) for one in portions] == [500, 500, 100]
    assert [one.gone for one in portions] == [(), (), ["gone"]]
    assert {(one.token, one.complete) for one in portions} == {("token", True)}


@pytest.mark.parametrize(
    ("ours", "vanished", "others", "listed", "emptied"),
    [
        (5, 0, 0, 1, False),
        (1, 1, 0, 1, False),
        (5, 2, 0, 1, False),
        (2, 2, 0, 1, True),
        (9, 3, 0, 1, True),
        (1, 1, 1, 0, False),
        (0, 0, 3, 0, True),
        (0, 0, 30, 1, False),
    ],
)
def test_a_calendar_that_lost_much_at_once_is_not_believed(
    ours: int, vanished: int, others: int, listed: int, emptied: bool
) -> None:
    assert sync.is_emptied(ours, vanished, others=others, listed=listed) is emptied
