"""What the slot engine is asked with, and what it answers to a single start."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .schedule import Schedule
from .spans import Span

Code: TypeAlias = Literal[
    "meeting-type-disabled",
    "duration-not-allowed",
    "host-not-allowed",
    "too-soon",
    "too-far",
    "outside-hours",
    "not-a-slot",
    "slot-occupied",
    "cap-reached",
]
Mode: TypeAlias = Literal["anyone", "everyone"]
Reason: TypeAlias = Literal["buffer", "busy", "claimed", "lead"]


@dataclass(frozen=True, slots=True)
class BookingWindow:
    """How far ahead one may book: `daysIntoFuture` of contract 6.6.

    `limit` counts `limit_minutes` from now: to the end of that local day (`calendar`) or exactly (`rolling`).
    `range` goes from `range_min` to before `range_max`, each an instant, a local time or a plain date that means
    its whole day; a side left out is open.
    """

    mode: Literal["limit", "range", "unlimited"]
    limit_minutes: int = 0
    count: Literal["calendar", "rolling"] = "calendar"
    range_min: str | None = None
    range_max: str | None = None


@dataclass(frozen=True, slots=True)
class Caps:
    """How many appointments may begin in one local day, week (from Monday) and month; None is no limit."""

    per_day: int | None = None
    per_week: int | None = None
    per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """One meeting type as asked for with one duration; all lengths in minutes.

    `allowed_durations` are the lengths offered, empty allows whichever is asked for. `zone` is the one of the
    type's schedule: its booking window and caps are counted there. `booked` are the starts (epoch minutes) of the
    type's appointments that count against its caps, over all hosts. `sessions` are the starts (epoch minutes) of its
    group appointments of this duration that have free seats: they stay offered whatever hours, ladders, busy spans
    and caps say.
    """

    enabled: bool
    duration: int
    allowed_durations: tuple[int, ...]
    interval: int
    buffer_before: int
    buffer_after: int
    buffers_within_hours: bool
    notice: int
    window: BookingWindow
    zone: str
    caps: Caps = field(default=Caps())
    booked: Sequence[int] = ()
    sessions: Sequence[int] = ()

    def __post_init__(self) -> None:
        if self.duration <= 0 or self.interval <= 0:
            raise ValueError("duration and interval must be positive")
        if self.buffer_before < 0 or self.buffer_after < 0 or self.notice < 0:
            raise ValueError("buffers and notice cannot be negative")


@dataclass(frozen=True, slots=True)
class HostCalendar:
    """All the engine has to know about one host.

    `claims` and `events` are busy spans in epoch minutes, rounded outward and sorted; claims with the padding they
    were made with. `zone` is the host's own, for his caps; `booked` are the starts that count against them. `closed`
    are spans of starts (epoch minutes, sorted) not offered to him now, because he is ahead of others in his queue.
    A host of several teams who is closed for one of them only stands in the question twice.
    """

    host: Hashable
    schedule: Schedule
    zone: str
    claims: Sequence[Span] = ()
    events: Sequence[Span] = ()
    caps: Caps = field(default=Caps())
    booked: Sequence[int] = ()
    closed: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """Who has to be there: any one host, everyone, or, whatever the mode, `required` of them.

    With `teams` (a queue's members, each the places of its hosts) one whole team has to be there, and neither mode
    nor `required` counts.
    """

    mode: Mode = "anyone"
    required: int | None = None
    teams: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.required is not None and self.required < 1:
            raise ValueError("at least one host is required")
        if not all(self.teams):
            raise ValueError("a team has at least one host")

    def needed(self, hosts: int) -> int:
        """Count the hosts a start needs, out of so many; with teams, the teams."""
        if self.teams:
            return 1
        if self.required is not None:
            return self.required
        return hosts if self.mode == "everyone" else 1


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of a resource: a chair of the room that has ten; busy spans as a host's."""

    host: Hashable
    claims: Sequence[Span] = ()
    events: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class ResourceCalendar:
    """A room or a thing: its hours, its own buffers in minutes, and its units, of which a booking takes one.

    The appointment itself has to lie within the hours, and one unit has to be free for it and the resource's buffers.
    """

    schedule: Schedule
    before: int
    after: int
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """Something an appointment needs beside its hosts: any one of the choices, the first free one taken.

    It never shapes the ladder. Units of the same `host` are the same unit: two resources cannot both have it.
    """

    name: Hashable
    choices: tuple[ResourceCalendar, ...]


@dataclass(frozen=True, slots=True)
class Bookable:
    """The start can be booked, with these hosts (their places in the order given).

    With teams, `teams` are the places of all free teams and `hosts` those of the first one. `units` are, for each
    resource, the places of the choice and of its unit.
    """

    hosts: tuple[int, ...]
    teams: tuple[int, ...] = ()
    units: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Joinable:
    """A group appointment with free seats begins at this start: one joins it, and asks for seats only."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The start cannot be booked: the first rule broken (contract 6.6).

    Where one is to blame: the place of the host, or of the resource.
    """

    code: Code
    reason: Reason | None = None
    host: int | None = None
    resource: int | None = None


Verdict: TypeAlias = Bookable | Joinable | Refusal
