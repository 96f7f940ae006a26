"""What a company's time must look like after each step, kept in plain lists and judged minute by minute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from whenever import Instant

from kalends.domain.exceptions import AvailabilityException
from kalends.domain.rules import Ask, BookingWindow, Caps, HostCalendar, Rules
from kalends.domain.schedule import Schedule
from kalends.domain.spans import Span
from kalends.domain.week import parse_week
from tests.domain.reference import Reference

ZONE = "Europe/Berlin"
# The clock goes forward on the Sunday: there is no 02:00–03:00.
HOURS = {
    "thursday": [("09:00", "12:00")],
    "friday": [("09:00", "12:00")],
    "saturday": [("22:30", "24:00")],
    "sunday": [("00:30", "04:30")],
}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SCHEDULE = {
    day: {
        "enabled": day in HOURS,
        "hours": [{"start": start, "end": end} for start, end in HOURS.get(day, ())],
    }
    for day in DAYS
}
GRACE = 5  # minutes a listed start is still taken


@dataclass(frozen=True)
class Kind:
    """A meeting type: its hosts by place, lengths in minutes."""

    name: str
    hosts: tuple[int, ...]
    duration: int
    interval: int
    before: int = 0
    after: int = 0
    spots: int = 1
    asks_host: bool = False
    per_day: int | None = None

    @property
    def mode(self) -> Literal["anyone", "everyone"]:
        return "everyone" if len(self.hosts) > 1 else "anyone"


KINDS = (
    Kind("talk", (0,), 30, 30, before=10, after=5),
    Kind("pair", (0, 1), 45, 45),
    Kind("class", (0,), 30, 30, spots=3),
    Kind("asking", (1,), 30, 15, asks_host=True, per_day=2),
)


@dataclass(eq=False)
class Taking:
    """Time somebody has: an appointment, a hold, or a booking that waits for its host.

    `expires` is an epoch minute; None: it lives until it is cancelled. `at` is an epoch minute.
    """

    state: Literal["appointment", "hold", "pending"]
    kind: Kind
    at: int
    id: UUID
    seats: int = 1
    expires: int | None = None

    def spans(self) -> set[tuple[int, int, int]]:
        """The time claimed of each host: (place, first minute, minute behind)."""
        kind = self.kind
        return {(host, self.at - kind.before, self.at + kind.duration + kind.after) for host in kind.hosts}


@dataclass
class Model:
    """Everything that takes time, the exceptions of the first host, and the clock (epoch minute)."""

    now: int
    takings: list[Taking] = field(default_factory=list)
    exceptions: list[AvailabilityException] = field(default_factory=list)

    def live(self, *, without: Taking | None = None) -> list[Taking]:
        return [one for one in self.takings if (one.expires is None or one.expires > self.now) and one is not without]

    def of(self, state: str) -> list[Taking]:
        return [one for one in self.takings if one.state == state]

    def groups(self) -> list[Taking]:
        """List what stands in types with several seats."""
        return [one for one in self.live() if one.kind.spots > 1]

    def claims(self) -> set[tuple[int, int, int]]:
        """The time taken of each host."""
        return {span for one in self.live() for span in one.spans()}

    def seats(self, kind: Kind, at: int) -> int:
        """The seats taken at a start; none where nothing stands there."""
        return sum(one.seats for one in self.live() if one.kind is kind and one.at == at)

    def appointment(self, kind: Kind, at: int) -> Taking | None:
        return next((one for one in self.live() if (one.state, one.kind, one.at) == ("appointment", kind, at)), None)

    def question(self, kind: Kind, around: Iterable[int], *, without: Taking | None = None) -> Reference:
        """Ask the plain reference about some starts; a taking that is moved is left out, and joins nothing."""
        others = self.live(without=without)
        sessions = [] if without or kind.spots == 1 else self._sessions(kind)
        rules = Rules(
            enabled=True,
            duration=kind.duration,
            allowed_durations=(kind.duration,),
            interval=kind.interval,
            buffer_before=kind.before,
            buffer_after=kind.after,
            buffers_within_hours=False,
            notice=60,
            window=BookingWindow("unlimited"),
            zone=ZONE,
            caps=Caps(kind.per_day),
            booked=[one.at for one in others if one.kind is kind],
            sessions=sessions,
        )
        hosts = [self._calendar(host, others) for host in kind.hosts]
        minutes = list(around)
        return Reference(
            rules,
            hosts,
            Ask(kind.mode),
            Instant.from_timestamp(self.now * 60),
            min(minutes) - 1500,
            max(minutes) + 1500,
        )

    def verdict(self, kind: Kind, at: int, *, without: Taking | None = None) -> str:
        """Say what becomes of a booking: `bookable`, `joinable`, or the code of its refusal."""
        return self.question(kind, [at], without=without).verdict(at, GRACE).code

    def starts(self, kind: Kind, first: int, end: int) -> list[int]:
        """List what can be booked, every fifth minute asked: nothing here begins between them."""
        asked = self.question(kind, (first, end))
        return [at for at in range(first, end, 5) if asked.verdict(at).code in ("bookable", "joinable")]

    def _sessions(self, kind: Kind) -> list[int]:
        standing = {one.at for one in self.live() if one.kind is kind}
        return sorted(at for at in standing if self.seats(kind, at) < kind.spots)

    def _calendar(self, host: int, others: Iterable[Taking]) -> HostCalendar:
        claims: list[Span] = sorted(
            (first, end) for one in others for place, first, end in one.spans() if place == host
        )
        own = tuple(self.exceptions) if host == 0 else ()
        return HostCalendar(host, Schedule(ZONE, parse_week(SCHEDULE), own), ZONE, claims)
