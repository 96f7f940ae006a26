"""The rules one start has to pass, step by step in the order of contract 6.6, and the verdict they make.

`slots.check` walks them up to the first that refuses, `explain` to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from whenever import Instant

from . import busy
from .board import Shape, fitting
from .caps import full_spans
from .hours import hours_around
from .resources import Supply
from .rules import (
    Ask,
    Bookable,
    Code,
    HostCalendar,
    Joinable,
    Reason,
    Refusal,
    Resource,
    Rules,
    Verdict,
)
from .spans import contains
from .teams import Teams, ladders, teams_of
from .window import Limits, limits, minute_down, minute_up


@dataclass(frozen=True, slots=True)
class Question:
    """One start (`at`, a minute, and whether it has no seconds beyond) and all that decides about it."""

    rules: Rules
    hosts: Sequence[HostCalendar]
    ask: Ask
    resources: Sequence[Resource]
    allowed: Limits
    at: int
    on_minute: bool

    @property
    def last(self) -> int:
        """The last minute touched: a start with seconds lies between two, and hours hold it when they hold both."""
        return self.at + (not self.on_minute)


class HostStep(NamedTuple):
    """One rule for the hosts, and how to ask whether a host of a team passes it (the places of both)."""

    code: Code
    passes: Callable[[int, int], bool]


def question(
    rules: Rules,
    hosts: Sequence[HostCalendar],
    ask: Ask,
    start: Instant,
    now: Instant,
    grace_minutes: int,
    resources: Sequence[Resource],
) -> Question:
    """Put the question for one start."""
    at = minute_down(start)
    return Question(rules, hosts, ask, resources, limits(rules, now, grace_minutes), at, at == minute_up(start))


def outright(rules: Rules, hosts: int, ask: Ask) -> tuple[tuple[Code, bool], ...]:
    """Take the steps that are the same for all starts."""
    return (
        ("meeting-type-disabled", rules.enabled),
        ("duration-not-allowed", not rules.allowed_durations or rules.duration in rules.allowed_durations),
        ("host-not-allowed", 1 <= ask.needed(hosts) <= hosts),
    )


def general_steps(asked: Question) -> Iterator[tuple[Code, bool]]:
    """Walk through the rules that come before any host's."""
    yield from outright(asked.rules, len(asked.hosts), asked.ask)
    yield "too-soon", asked.at >= asked.allowed.first
    yield "too-far", asked.at < asked.allowed.end


def host_steps(asked: Question, teams: Teams) -> Iterator[HostStep]:
    """Walk through the rules that each host has to pass."""
    at, hosts = asked.at, asked.hosts
    shape = Shape.of(asked.rules)
    before, after = shape.reach()
    around = [hours_around(host.schedule, at - before, at + after + 1) for host in hosts]
    yield HostStep("outside-hours", lambda _, place: contains(fitting(around[place], shape), at, asked.last + 1))
    rungs = ladders(around, teams, shape.interval, at, at + 1)
    yield HostStep("not-a-slot", lambda team, _: asked.on_minute and any(at in one for one in rungs[team]))
    yield HostStep("slot-occupied", lambda _, place: busy.is_free(hosts[place], shape, at))
    yield HostStep("cap-reached", lambda _, place: not _capped(hosts[place], at) and not _ahead(hosts[place], at))


def _capped(host: HostCalendar, at: int) -> bool:
    return contains(full_spans(host.caps, host.zone, host.booked, at, at + 1), at, at + 1)


def _ahead(host: HostCalendar, at: int) -> bool:
    return contains(host.closed, at, at + 1)


def below_cap(asked: Question) -> bool:
    """Tell whether the type may have one more appointment, the last rule of all."""
    rules, at = asked.rules, asked.at
    return not contains(full_spans(rules.caps, rules.zone, rules.booked, at, at + 1), at, at + 1)


def decide(asked: Question) -> Verdict:
    """Walk through all steps to the first that refuses, or to who and what takes the start."""
    for code, passed in general_steps(asked):
        if not passed:
            return Refusal(code)
    if asked.on_minute and asked.at in asked.rules.sessions:
        return Joinable()
    teams = teams_of(asked.ask, len(asked.hosts))
    supply = Supply(asked.resources, asked.rules, asked.at, asked.last)
    left: Sequence[int] = range(len(teams.places))
    for step in host_steps(asked, teams):
        stopped = [(team, place) for team in left for place in teams.places[team] if not step.passes(team, place)]
        if stopped:
            out = {team for team, _ in stopped}
            left = [team for team in left if team not in out]
            if len(left) < teams.needed:
                blamed = stopped[0][1]
                return Refusal(step.code, _reason(asked, step.code, blamed), blamed)
        if refusal := supply.refuse(step.code):
            return refusal
    if not below_cap(asked):
        return Refusal("cap-reached")
    chosen = tuple([place for team in left[: teams.needed] for place in teams.places[team]])
    return Bookable(chosen, tuple(left) if asked.ask.teams else (), supply.units)


def _reason(asked: Question, code: Code, place: int) -> Reason | None:
    host = asked.hosts[place]
    if code == "slot-occupied":
        return busy.reason(host, Shape.of(asked.rules), asked.at)
    if code == "cap-reached" and not _capped(host, asked.at):
        return "lead"
    return None
