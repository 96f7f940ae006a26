"""What the slot engine is asked with, and what it answers to a single start."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from kalends.domain.schedule import Schedule
from kalends.domain.spans import Span

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
    type's appointments that count against its caps, over all hosts.
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

    def __post_init__(self) -> None:
        if self.duration <= 0 or self.interval <= 0:
            raise ValueError("duration and interval must be positive")
        if self.buffer_before < 0 or self.buffer_after < 0 or self.notice < 0:
            raise ValueError("buffers and notice cannot be negative")


@dataclass(frozen=True, slots=True)
class HostCalendar:
    """All the engine has to know about one host.

    `claims` and `events` are busy spans in epoch minutes, rounded outward and sorted; claims with the padding they
    were made with. `zone` is the host's own, for his caps; `booked` are the starts that count against them.
    """

    host: Hashable
    schedule: Schedule
    zone: str
    claims: Sequence[Span] = ()
    events: Sequence[Span] = ()
    caps: Caps = field(default=Caps())
    booked: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """Who has to be there: any one host, everyone, or, whatever the mode, `required` of them."""

    mode: Literal["anyone", "everyone"] = "anyone"
    required: int | None = None

    def __post_init__(self) -> None:
        if self.required is not None and self.required < 1:
            raise ValueError("at least one host is required")

    def needed(self, hosts: int) -> int:
        """Count the hosts a start needs, out of so many."""
        if self.required is not None:
            return self.required
        return hosts if self.mode == "everyone" else 1


@dataclass(frozen=True, slots=True)
class Bookable:
    """The start can be booked, with these hosts (their places in the order given)."""

    hosts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The start cannot be booked: the first rule broken (contract 6.6) and, where one is to blame, the host's place."""

    code: Code
    reason: Literal["buffer", "busy", "claimed"] | None = None
    host: int | None = None


Verdict: TypeAlias = Bookable | Refusal
