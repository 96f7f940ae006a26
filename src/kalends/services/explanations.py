"""Explanations: why a start can be booked or not, and what stands in the way of those that are not listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, NamedTuple
from uuid import UUID

from whenever import Instant

from kalends.domain import explain as engine
from kalends.domain import slots
from kalends.domain.explain import Explanation, Step
from kalends.domain.listing import Listing
from kalends.domain.rules import Refusal, ResourceCalendar
from kalends.domain.spans import Span
from kalends.domain.window import minute_down, minute_up
from kalends.storage import explanations as storage
from kalends.storage.database import Connection
from kalends.storage.explanations import Claimed
from kalends.storage.hosts import Host

from . import calendars
from .slot_queries import ConnectedCalendars, Loaded, ResourceChoice, SlotQuery

_LONGEST_DAYS = 31
_MOST_HOST_DAYS = 155  # each start that is not listed is explained for each host
_STRETCH_MINUTES = 6 * 60


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything about one start; claims and titles are for the hosts' company only.

    Attributes:
        claims: those of all hosts and units around the start, also of the moved appointment.
        titles: of the exceptions that touch it, by their id.
    """

    start: Instant
    loaded: Loaded
    explanation: Explanation
    claims: Sequence[Claimed]
    titles: dict[int, str | None]

    def behind(self, step: Step, host_nos: Iterable[int]) -> list[tuple[Claimed, Literal["claimed", "buffer"]]]:
        """Find the claims of hosts or units that a step met; `buffer` where only the buffers of the two touch."""
        met = {(one.start, one.end) for one in step.met if one.claim}
        end = self.start.add(minutes=self.loaded.rules.duration)
        return [
            (claim, "claimed" if claim.begins < end and self.start < claim.ends else "buffer")
            for claim in self.claims
            if claim.host_no in host_nos and (minute_down(claim.start), minute_up(claim.end)) in met
        ]

    def busy(self, step: Step, host: Host | None) -> list[BusyEvent]:
        """Find the busy events that a step met, each with the calendar it stands in where that is a host's.

        Of time in which a host's calendars are unknown there is one for each connection that is to blame.
        """
        found = self.loaded.connected.get(host.id) if host else None
        events = [one for one in step.met if not one.claim]
        if found is None:
            return [BusyEvent(one.start, one.end, one.reason) for one in events]
        met = {(one.start, one.end): one.reason for one in events}
        known = [
            BusyEvent(*span, met[span], calendar.connection_id, calendar.calendar_id)
            for calendar in found.events
            for span in dict.fromkeys(calendar.spans)
            if span in met and span != found.unknown
        ]
        if found.unknown not in met:
            return known
        blamed: list[UUID | None] = [one.connection_id for one in found.freshness if not one.is_known]
        return known + [
            BusyEvent(*found.unknown, met[found.unknown], one, None, known=False) for one in blamed or [None]
        ]

    @property
    def reason(self) -> str | None:
        """Why the time is not free, as a booking is told it (contract 6.6)."""
        verdict = self.explanation.verdict
        if not isinstance(verdict, Refusal):
            return None
        if verdict.reason != "claimed" or verdict.host is None:
            return verdict.reason
        host_no = self.loaded.hosts[verdict.host].host_no
        steps = [step for step in self.explanation.hosts[verdict.host] if step.code == verdict.code]
        met = [reason for step in steps for _, reason in self.behind(step, [host_no])]
        return "claimed" if "claimed" in met else "buffer"


class BusyEvent(NamedTuple):
    """Time (epoch minutes) that is busy elsewhere, or of which that is not known."""

    start: int
    end: int
    reason: Literal["claimed", "busy", "buffer"]
    connection_id: UUID | None = None
    calendar_id: UUID | None = None
    known: bool = True


class Hindrance(NamedTuple):
    """Somebody or something that a start lacks, and why: the type of what stands there, or the rule's code."""

    who: Host | ResourceChoice
    type: str
    code: str


async def explain(conn: Connection, company_id: UUID, query: SlotQuery, now: Instant) -> Explained:
    """Explain the start at which the query's window begins.

    Raises:
        NotFound: as `calendars.load`.
    """
    loaded = await calendars.load(conn, company_id, query, now)
    found = _explanation(loaded, query.start, now)
    buffers = [(one.before, one.after) for resource in loaded.resources for one in resource.choices]
    first, last = slots.reach(loaded.rules, query.start, query.start, buffers=buffers)
    units = [unit for resource in loaded.resources for one in resource.choices for unit in one.units]
    claims = await storage.claimed(
        conn,
        company_id,
        host_nos=[*(host.host_no for host in loaded.hosts), *units],
        first=first,
        last=last.add(minutes=1),
        now=now,
    )
    everybody = [*found.hosts, *(steps for choices in found.resources for steps in choices)]
    ids = {one.id for steps in everybody for step in steps for one in step.exceptions if one.id is not None}
    titles = await storage.titles(conn, company_id, sorted(ids)) if ids else {}
    return Explained(query.start, loaded, found, claims, titles)


def _explanation(loaded: Loaded, start: Instant, now: Instant) -> Explanation:
    return engine.explain(loaded.rules, loaded.calendars, loaded.ask, start, now, resources=loaded.resource_calendars)


def longest_days(loaded: Loaded) -> int:
    """Say how many days of starts may be looked at for hindrances: fewer where there are many hosts."""
    return max(1, min(_LONGEST_DAYS, _MOST_HOST_DAYS // max(1, len(loaded.hosts))))


def hindrances(
    loaded: Loaded, listing: Listing, first: Instant, last: Instant, now: Instant
) -> Iterator[tuple[int, list[Hindrance]]]:
    """Say of each start s, first ≤ s < last, that hours and ladders permit and that is not listed, what it lacks.

    Starts are epoch minutes, in order; something is lacking at each. What a host lacks is the first rule he fails;
    what all fail is said of each host.
    """
    listed = set(listing.starts)
    candidates = slots.candidates(loaded.rules, loaded.calendars, loaded.ask, first, last)
    for _, some in groupby(candidates, key=lambda start: start // _STRETCH_MINUTES):
        starts = [start for start in some if start not in listed]
        near = _narrowed(loaded, starts[0], starts[-1]) if starts else loaded
        for start in starts:
            yield start, _lacking(near, _explanation(near, Instant.from_timestamp(start * 60), now))


def _narrowed(loaded: Loaded, first: int, last: int) -> Loaded:
    """Leave out what is busy far away: to explain a start looks through all that is given."""
    buffers = [(one.before, one.after) for resource in loaded.resources for one in resource.choices]
    sides = slots.reach(
        loaded.rules, Instant.from_timestamp(first * 60), Instant.from_timestamp(last * 60), buffers=buffers
    )
    begin, end = minute_down(sides[0]), minute_up(sides[1]) + 1

    def near(spans: Sequence[Span]) -> list[Span]:
        return [one for one in spans if one[0] < end and begin < one[1]]

    def narrow(choice: ResourceCalendar) -> ResourceCalendar:
        units = tuple(replace(one, claims=near(one.claims), events=near(one.events)) for one in choice.units)
        return replace(choice, units=units)

    return replace(
        loaded,
        calendars=tuple(replace(one, claims=near(one.claims), events=near(one.events)) for one in loaded.calendars),
        resources=tuple(
            replace(one, calendar=replace(one.calendar, choices=tuple(map(narrow, one.calendar.choices))))
            for one in loaded.resources
        ),
    )


def _lacking(loaded: Loaded, found: Explanation) -> list[Hindrance]:
    failed = [step for step in found.general if not step.passed]
    if failed and failed[0].code != "cap-reached":
        return _all_of(loaded, failed[0].code)
    lacking = [
        Hindrance(host, *_type_and_code(step, loaded.connected.get(host.id)))
        for host, steps in zip(loaded.hosts, found.hosts, strict=True)
        if (step := _first_failed(steps))
    ]
    for resource, choices in zip(loaded.resources, found.resources, strict=True):
        firsts = [_first_failed(steps) for steps in choices]
        if all(firsts):
            lacking += [
                Hindrance(choice, *_type_and_code(step))
                for choice, step in zip(resource.choices, firsts, strict=True)
                if step
            ]
    if failed:
        lacking += _all_of(loaded, failed[0].code)
    # Too few of several hosts, or two resources that need the same unit: nobody fails alone.
    lacking = lacking or _all_of(loaded, "slot-occupied")
    return list({one.who: one for one in reversed(lacking)}.values())[::-1]


def _first_failed(steps: Sequence[Step]) -> Step | None:
    return next((step for step in steps if not step.passed), None)


def _all_of(loaded: Loaded, code: str) -> list[Hindrance]:
    return [Hindrance(host, code, code) for host in dict.fromkeys(loaded.hosts)]


def _type_and_code(step: Step, connected: ConnectedCalendars | None = None) -> tuple[str, str]:
    if step.code == "cap-reached" and step.closed:
        return "lead", step.code
    if not step.met:
        return step.code, step.code
    reasons = {one.reason for one in step.met}
    kind = next(kind for reason, kind in _TYPES if reason in reasons)
    if kind == "event" and connected and connected.unknown in {(one.start, one.end) for one in step.met}:
        kind = "calendar-unknown"
    return kind, step.code


# The weightiest first; a calendar's event is called so in the contract.
_TYPES = (("claimed", "claimed"), ("busy", "event"), ("buffer", "buffer"))
