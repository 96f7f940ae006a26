"""Why a start can be booked or not: the steps of `check`, each taken to its end and with the facts it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from whenever import Instant

from . import busy
from .board import Shape
from .caps import Count, counts
from .exceptions import AvailabilityException, real_spans
from .hours import hours_around
from .resources import is_open, own_shape
from .rules import Ask, Code, HostCalendar, Resource, ResourceCalendar, Rules, Verdict
from .schedule import Schedule
from .spans import Span
from .steps import Question, below_cap, decide, general_steps, host_steps, question
from .teams import teams_of


@dataclass(frozen=True, slots=True)
class Step:
    """One rule, whether it was passed, and what it rests on (all times epoch minutes).

    Attributes:
        limit: of too-soon the first start allowed, of too-far the first one no longer allowed.
        open: of outside-hours, the open spans that the appointment meets.
        exceptions: of outside-hours, the availability exceptions that open or block some of its time.
        met: of slot-occupied, the busy spans; of a resource, those of all its units.
        counts: of cap-reached, the periods of the start.
        closed: of cap-reached, the spans of starts not offered because the host is ahead in his queue.
    """

    code: Code
    passed: bool
    limit: int | None = None
    open: tuple[Span, ...] = ()
    exceptions: tuple[AvailabilityException, ...] = ()
    met: tuple[busy.Met, ...] = ()
    counts: tuple[Count, ...] = ()
    closed: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict of `check`, and every step behind it, whatever step decided.

    Attributes:
        general: the type's own rules, notice and booking window, and last its cap.
        hosts: for each host, in the order given; none for a host who is in no team.
        resources: for each resource, for each of its choices. One unit that two resources need is free for both here.
    """

    verdict: Verdict
    general: tuple[Step, ...]
    hosts: tuple[tuple[Step, ...], ...]
    resources: tuple[tuple[tuple[Step, ...], ...], ...]


def explain(
    rules: Rules,
    hosts: Sequence[HostCalendar],
    ask: Ask,
    start: Instant,
    now: Instant,
    grace_minutes: int = 0,
    resources: Sequence[Resource] = (),
) -> Explanation:
    """Take every step for one start, and say what each rests on."""
    asked = question(rules, hosts, ask, start, now, grace_minutes, resources)
    return Explanation(
        decide(asked),
        _general(asked),
        _hosts(asked),
        tuple(tuple(_choice(asked, one) for one in resource.choices) for resource in resources),
    )


def _general(asked: Question) -> tuple[Step, ...]:
    limit = {"too-soon": asked.allowed.first, "too-far": asked.allowed.end}
    steps = [Step(code, passed, limit.get(code)) for code, passed in general_steps(asked)]
    counted = tuple(counts(asked.rules.caps, asked.rules.zone, asked.rules.booked, asked.at))
    return *steps, Step("cap-reached", below_cap(asked), counts=counted)


def _hosts(asked: Question) -> tuple[tuple[Step, ...], ...]:
    teams = teams_of(asked.ask, len(asked.hosts))
    found: list[list[Step]] = [[] for _ in asked.hosts]
    for step in host_steps(asked, teams):
        # A host of several teams passes when one of them lets him: ladders belong to teams.
        passed: dict[int, bool] = {}
        for team, places in enumerate(teams.places):
            for place in places:
                passed[place] = passed.get(place, False) or step.passes(team, place)
        for place, passes in passed.items():
            found[place].append(_with_facts(Step(step.code, passes), asked, asked.hosts[place]))
    return tuple(tuple(steps) for steps in found)


def _with_facts(step: Step, asked: Question, host: HostCalendar) -> Step:
    shape = Shape.of(asked.rules)
    if step.code == "outside-hours":
        return _with_hours(step, host.schedule, shape, asked)
    if step.code == "slot-occupied":
        return replace(step, met=tuple(busy.met(host, shape, asked.at)))
    if step.code == "cap-reached":
        counted = tuple(counts(host.caps, host.zone, host.booked, asked.at))
        return replace(step, counts=counted, closed=tuple(one for one in host.closed if one[0] <= asked.at < one[1]))
    return step


def _with_hours(step: Step, schedule: Schedule, shape: Shape, asked: Question) -> Step:
    before, after = shape.reach() if shape.padded_within else (0, shape.duration)
    first, end = asked.at - before, asked.last + after

    def touches(spans: Sequence[Span]) -> bool:
        return any(start < end and first < until for start, until in spans)

    return replace(
        step,
        open=tuple(one for one in hours_around(schedule, first, end).open if touches([one])),
        exceptions=tuple(one for one in schedule.exceptions if touches(real_spans(one, schedule.zone))),
    )


def _choice(asked: Question, choice: ResourceCalendar) -> tuple[Step, ...]:
    shape = own_shape(choice, asked.rules)
    within = is_open(choice, asked.rules, asked.at, asked.last)
    return (
        _with_hours(Step("outside-hours", within), choice.schedule, shape, asked),
        Step(
            "slot-occupied",
            any(busy.is_free(unit, shape, asked.at) for unit in choice.units),
            met=tuple(one for unit in choice.units for one in busy.met(unit, shape, asked.at)),
        ),
    )
