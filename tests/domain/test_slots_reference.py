"""The fast engine and the plain reference agree, in awkward zones around clock changes (cases S01, S04)."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from whenever import Instant

from kalends.domain.exceptions import AvailabilityException
from kalends.domain.explain import explain
from kalends.domain.listing import Seats, dates_json, timeframes_json
from kalends.domain.rules import (
    Ask,
    Bookable,
    BookingWindow,
    Caps,
    HostCalendar,
    Joinable,
    Resource,
    ResourceCalendar,
    Rules,
    Unit,
    Verdict,
)
from kalends.domain.schedule import Schedule
from kalends.domain.slots import candidates, check, first_start, list_slots
from kalends.domain.week import WeeklyInterval

from .reference import Expected, Reference, capped, dates, timeframes

# Zone and a date at which its clock does something: a gap or a fold, of 30, 60 or 120 minutes, at midnight or not;
# a day that was skipped; or nothing, at an odd offset.
CHANGES = [
    ("Europe/Berlin", "2027-03-28"),
    ("Europe/Berlin", "2027-10-31"),
    ("America/New_York", "2027-03-14"),
    ("America/New_York", "2027-11-07"),
    ("Australia/Lord_Howe", "2027-04-04"),
    ("Australia/Lord_Howe", "2027-10-03"),
    ("Pacific/Chatham", "2027-04-04"),
    ("Pacific/Chatham", "2027-09-26"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"),
    ("America/Santiago", "2027-04-03"),
    ("America/Santiago", "2027-09-05"),
    ("Africa/Cairo", "2027-04-30"),
    ("Africa/Cairo", "2027-10-28"),
    ("Asia/Beirut", "2027-03-28"),
    ("Asia/Beirut", "2027-10-30"),
    ("America/Havana", "2027-03-14"),
    ("America/Havana", "2027-11-07"),
    ("Antarctica/Troll", "2027-03-28"),
    ("Antarctica/Troll", "2027-10-31"),
    ("Africa/Casablanca", "2027-02-07"),
    ("Africa/Casablanca", "2027-03-14"),
    ("America/Caracas", "2016-05-01"),
    ("America/St_Johns", "2010-11-07"),
    ("Asia/Kathmandu", "2027-01-01"),
    ("Australia/Eucla", "2027-06-01"),
    ("Pacific/Marquesas", "2027-06-01"),
    ("Pacific/Kiritimati", "1994-12-31"),
    ("Pacific/Kiritimati", "2027-06-01"),
    ("Asia/Kolkata", "2028-02-29"),
    ("UTC", "2026-12-31"),
]

ASKS = [
    (1, Ask("anyone")),
    (3, Ask("anyone")),
    (3, Ask("everyone")),
    (3, Ask("anyone", required=2)),
    (2, Ask("everyone", required=2)),
    (3, Ask(teams=((2,), (0,), (1,)))),
    (3, Ask(teams=((0, 2), (1, 2)))),
    (4, Ask("everyone", teams=((1, 0), (2,), (2, 3)))),
    (4, Ask("anyone", required=3, teams=((3, 0, 1), (1, 2)))),
]


def epoch_minute(day: str) -> int:
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp()) // 60


class Draw:
    """One random question about a few days around a date: mostly open hours, a little of all that closes them."""

    def __init__(self, seed: int, zone: str, day: str) -> None:
        self.random = Random(seed)
        self.zone = zone
        self.day = day
        self.middle = epoch_minute(day)

    def one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def number(self, least: int, most: int, step: int = 1) -> int:
        return self.random.randrange(least, most + 1, step)

    def minutes(self, most: int) -> list[int]:
        return [self.number(self.middle - 2880, self.middle + 2880) for _ in range(self.number(0, most))]

    def interval(self) -> WeeklyInterval:
        start = self.one(self.number(0, 1435, 15), self.number(0, 1439))
        return WeeklyInterval(start, min(start + self.one(30, 240, 480, self.number(1, 1440)), 2880))

    def weekday(self) -> tuple[WeeklyInterval, ...]:
        shape = self.one("closed", "all day", "all day", "morning", "one", "one", "two", "night")
        if shape == "two":
            middle, gap = self.number(60, 1200, 15), self.one(0, 15, 60)
            return WeeklyInterval(middle - self.one(30, 60), middle), WeeklyInterval(middle + gap, 1440)
        if shape == "closed":
            return ()
        return {
            "all day": (WeeklyInterval(0, 1440),),
            "morning": (WeeklyInterval(0, self.number(30, 400, 10)),),
            "one": (self.interval(),),
            "night": (WeeklyInterval(self.number(1200, 1439), 1440 + self.number(1, 300)),),
        }[shape]

    def exception(self) -> AvailabilityException:
        start = datetime.fromisoformat(self.day) + timedelta(minutes=self.number(-2880, 2880, 15))
        end = start + timedelta(minutes=self.one(1, 15, 60, 240, 1440, 2000), seconds=self.one(0, 0, 0, 30))
        forms = self.one("date", "local", "local", "instant", "local to instant", "instant to local")
        first, last = start.isoformat(), end.isoformat()
        if forms == "date":
            first, last = first[:10], last[:10]
        if forms.startswith("instant"):
            first += self.one("Z", "+05:45", "-03:30")
        if forms.endswith("instant"):
            last += self.one("Z", "+05:45", "-03:30")
        return AvailabilityException(self.one(True, False), first, last, self.one("company", "own"))

    def caps(self) -> Caps:
        if self.one(True, True, False):
            return Caps()
        return Caps(self.one(None, 0, 1, 2), self.one(None, None, 1, 3), self.one(None, None, 2))

    def schedule(self) -> Schedule:
        zone = self.one(self.zone, self.zone, self.zone, "Europe/London")
        exceptions = tuple(self.exception() for _ in range(self.one(0, 0, 1, 2, 3)))
        return Schedule(zone, tuple(self.weekday() for _ in range(7)), exceptions)

    def host(self, schedule: Schedule) -> HostCalendar:
        spans = sorted((start, start + self.number(1, 300)) for start in self.minutes(8))
        events = sorted((start, start + self.one(0, self.number(1, 300))) for start in self.minutes(8))
        zone = self.one(schedule.zone, "Pacific/Pago_Pago")
        closed = sorted((start, start + self.number(1, 2000)) for start in self.minutes(self.one(0, 0, 2)))
        return HostCalendar("any", schedule, zone, spans, events, self.caps(), self.minutes(4), closed)

    def hosts(self, count: int) -> list[HostCalendar]:
        first = self.schedule()
        return [self.host(first if place == 0 or self.one(True, False) else self.schedule()) for place in range(count)]

    def resources(self) -> list[Resource]:
        """None, or some of which two may want the same unit."""
        return [
            Resource(name, tuple(self.resource() for _ in range(self.number(1, 2))))
            for name in range(self.one(0, 0, 1, 2, 3))
        ]

    def resource(self) -> ResourceCalendar:
        units = []
        for _ in range(self.number(1, 2)):
            busy = [sorted((start, start + self.number(1, 700)) for start in self.minutes(4)) for _ in range(2)]
            units.append(Unit(self.number(1, 4), *busy))
        around = WeeklyInterval(self.one(0, 0, 0, 300), 1440)
        schedule = self.schedule() if self.one(True, False) else Schedule(self.zone, ((around,),) * 7)
        return ResourceCalendar(schedule, self.one(0, 10, 60), self.one(0, 10, 60), tuple(units))

    def window(self) -> BookingWindow:
        mode = self.one("unlimited", "unlimited", "limit", "range")
        count = self.one("calendar", "rolling")
        sides = [self.one(None, self.side(-3, 0)), self.one(None, self.side(0, 3))]
        return BookingWindow(mode, self.number(0, 9000), count, *(sides if mode == "range" else ()))

    def side(self, least: int, most: int) -> str:
        day = date.fromisoformat(self.day) + timedelta(days=self.number(least, most))
        return day.isoformat() + self.one("", "T09:15:00Z")

    def rules(self) -> Rules:
        duration = self.one(5, 15, 20, 30, 45, 60, 90, self.number(1, 200), 1500)
        return Rules(
            enabled=True,
            duration=duration,
            allowed_durations=(duration,),
            interval=self.one(duration, duration, 15, 30, self.number(1, 200)),
            buffer_before=self.one(0, 0, 5, 30, 75),
            buffer_after=self.one(0, 0, 5, 30, 75),
            buffers_within_hours=self.one(True, False),
            notice=self.one(0, 0, 60, 1000),
            window=self.window(),
            zone=self.zone,
            caps=self.caps(),
            booked=tuple(self.minutes(4)),
            sessions=tuple(self.minutes(self.one(0, 0, 5))),
        )


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**64), asked=st.sampled_from(ASKS))
def test_listing_and_checking_follow_the_rules_minute_by_minute(
    zone: str, day: str, seed: int, asked: tuple[int, Ask]
) -> None:
    """S01, S04: what the reference offers is listed and accepted; anything else is refused by the same rule."""
    draw, (count, ask) = Draw(seed, zone, day), asked
    first = draw.middle + draw.number(-1440, 1000)
    end = first + draw.number(1, 1440)
    rules, hosts, resources = draw.rules(), draw.hosts(count), draw.resources()
    now = instant(first - draw.one(2000, 1440, 60, -60)).add(seconds=draw.one(0, 0, 1, 59))
    reference = Reference(rules, hosts, ask, now, first - 3 * 1440, end + 2 * 1440, resources)
    window = instant(first), instant(end)

    listing = list_slots(rules, hosts, ask, *window, now, resources)

    found = listing.starts
    assert found == [t for t in range(first, end) if reference.verdict(t).code in ("bookable", "joinable")]
    assert listing.first == (found[0] if found else None)
    assert first_start(rules, hosts, ask, *window, now, resources) == listing.first
    for _ in range(3):  # what is kept by now answers the same
        assert list_slots(rules, hosts, ask, *window, now, resources).starts == found
    for shown in (zone, None, "Pacific/Apia"):
        seats = {t: Seats(f"“{t}”", 9, t % 9) for t in rules.sessions}
        blocked = {draw.number(first, end - 1): b'[{"type":"claimed"}]' for _ in range(draw.one(0, 9))}
        assert dates_json(listing, shown, seats, blocked) == dates(found, shown, seats, blocked)
        assert dates_json(listing, shown) == dates(found, shown, {}, {})
    assert timeframes_json(listing, rules.duration) == timeframes(found, rules.duration)
    assert candidates(rules, hosts, ask, *window) == [t for t in range(first, end) if reference.candidate(t)]
    probed = {*found, *range(first, end, 7), *(draw.number(first, end - 1) for _ in range(50))}
    for t in sorted(probed | {t for t in rules.sessions if first <= t < end}):
        expected = reference.verdict(t, grace_minutes=5)
        verdict = check(rules, hosts, ask, instant(t), now, resources=resources)
        event(expected.code)
        assert as_expected(verdict) == expected
        assert t not in found or not hasattr(verdict, "code"), "what is listed is accepted"
        if isinstance(verdict, Bookable):
            units_are_the_first_free(verdict, reference, t)


def as_expected(verdict: Verdict) -> Expected:
    """The verdict as the reference would say it."""
    if isinstance(verdict, Bookable):
        return Expected("bookable", verdict.hosts, verdict.teams)
    return Expected("joinable" if isinstance(verdict, Joinable) else verdict.code)


def units_are_the_first_free(verdict: Bookable, reference: Reference, start: int) -> None:
    """Each resource has a free unit of its own: its first one, unless another resource wants the same."""
    free = reference.free_units(start)
    given = [units[place] for units, place in zip(free, verdict.units, strict=True)]
    assert len({unit.host for unit in given}) == len(given)
    for number, (units, place) in enumerate(zip(free, verdict.units, strict=True)):
        others = {unit.host for at, other in enumerate(free) if at != number for unit in other.values()}
        assert place == next(iter(units)) or others & {unit.host for unit in units.values()}


@pytest.mark.parametrize(("zone", "day"), CHANGES[::3])
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**64), asked=st.sampled_from(ASKS))
def test_an_explanation_says_of_every_rule_what_the_reference_says(
    zone: str, day: str, seed: int, asked: tuple[int, Ask]
) -> None:
    """The verdict is that of `check`, and each host's steps are true one by one."""
    draw, (count, ask) = Draw(seed, zone, day), asked
    rules, hosts, resources = draw.rules(), draw.hosts(count), draw.resources()
    now = instant(draw.middle - draw.one(2000, 60))
    reference = Reference(rules, hosts, ask, now, draw.middle - 5 * 1440, draw.middle + 5 * 1440, resources)
    for t in [*(draw.middle + draw.number(-1440, 1440, 15) for _ in range(30)), *rules.sessions]:
        found = explain(rules, hosts, ask, instant(t), now, 5, resources)

        assert found.verdict == check(rules, hosts, ask, instant(t), now, 5, resources)
        *before, cap = found.general
        failed = [step.code for step in before if not step.passed]
        assert reference.in_time(t, 5) in failed if failed else reference.in_time(t, 5) is None
        assert cap.passed is not capped(rules.caps, rules.zone, rules.booked, t)
        for place, (host, steps) in enumerate(zip(reference.single, found.hosts, strict=True)):
            own = [team for team, places in enumerate(reference.teams) if place in places]
            assert [(step.code, step.passed) for step in steps] == [
                ("outside-hours", host.within_hours(t)),
                ("not-a-slot", any(t in reference.team_rungs[team] for team in own)),
                ("slot-occupied", not host.occupied(t)),
                ("cap-reached", not host.capped(t) and not host.closed(t)),
            ]
            assert bool(steps[2].met) == host.occupied(t)
            assert any(one.booked >= one.most for one in steps[3].counts) == host.capped(t)
            assert bool(steps[3].closed) == host.closed(t)
        for free, choices in zip(reference.free_units(t), found.resources, strict=True):
            passing = {place for place, steps in enumerate(choices) if all(step.passed for step in steps)}
            assert passing == {place for place, _ in free}


def instant(minute: int) -> Instant:
    return Instant.from_timestamp(minute * 60)
