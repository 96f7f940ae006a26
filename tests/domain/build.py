"""Short ways to write what the engine is asked with."""

from typing import Any

from whenever import Date, Instant, PlainDateTime

from kalends.domain.exceptions import AvailabilityException
from kalends.domain.rules import Ask as Ask
from kalends.domain.rules import (
    BookingWindow,
    Caps,
    HostCalendar,
    Resource,
    ResourceCalendar,
    Rules,
    Unit,
    Verdict,
)
from kalends.domain.schedule import Schedule
from kalends.domain.slots import check, list_slots
from kalends.domain.spans import Span
from kalends.domain.week import DAYS, Week, parse_week
from kalends.domain.zones import wall_minute

ANYONE = Ask("anyone")
EVERYONE = Ask("everyone")


def week(hours: str, days: str = "monday tuesday wednesday thursday friday saturday sunday") -> Week:
    """A week with the same hours (`09:00-12:00 13:00-17:00`) on some days."""
    intervals = [dict(zip(("start", "end"), one.split("-"), strict=True)) for one in hours.split()]
    return parse_week({day: {"enabled": day in days.split(), "hours": intervals} for day in DAYS})


def schedule(hours: str, zone: str = "UTC", *exceptions: AvailabilityException, days: str = " ".join(DAYS)) -> Schedule:
    return Schedule(zone, week(hours, days), exceptions)


def block(start: str, end: str, level: Any = "own") -> AvailabilityException:
    return AvailabilityException(available=False, start=start, end=end, level=level)


def opening(start: str, end: str, level: Any = "own") -> AvailabilityException:
    return AvailabilityException(available=True, start=start, end=end, level=level)


def rules(duration: int = 60, interval: int | None = None, **more: Any) -> Rules:
    """Rules that refuse nothing by themselves, but for what is named."""
    plain: dict[str, Any] = {
        "enabled": True,
        "allowed_durations": (),
        "buffer_before": 0,
        "buffer_after": 0,
        "buffers_within_hours": False,
        "notice": 0,
        "window": BookingWindow("unlimited"),
        "zone": "UTC",
        "caps": Caps(),
    }
    return Rules(duration=duration, interval=interval or duration, **(plain | more))


def host(
    its: Schedule, *busy: tuple[str, str], name: str = "ada", events: tuple[tuple[str, str], ...] = (), **more: Any
) -> HostCalendar:
    """A host whose claims and events are given as local times of his schedule's zone."""
    zone = its.zone
    return HostCalendar(name, its, more.pop("zone", zone), spans(zone, *busy), spans(zone, *events), **more)


def spans(zone: str, *pairs: tuple[str, str]) -> list[Span]:
    """Spans between local times of a zone."""
    return sorted((minute(start, zone), minute(end, zone)) for start, end in pairs)


def room(its: Schedule, *units: list[Span], name: str = "room", before: int = 0, after: int = 0) -> ResourceCalendar:
    """A room with so many units, each with its claims."""
    return ResourceCalendar(
        its, before, after, tuple(Unit(f"{name}{place}", claims) for place, claims in enumerate(units))
    )


def needs(*choices: ResourceCalendar) -> Resource:
    """One of some rooms."""
    return Resource("room", choices)


def at(local: str, zone: str = "UTC") -> Instant:
    """The instant of a local time (`2027-03-01T09:00`); of two, the earlier; of none, after the gap."""
    return PlainDateTime(local).assume_tz(zone, disambiguation="compatible").to_instant()


def minute(local: str, zone: str = "UTC") -> int:
    return at(local, zone).timestamp() // 60


LONG_AGO = at("2000-01-01T00:00")


def clock_times(starts: list[int], zone: str) -> list[str]:
    """Starts as they stand on the zone's wall, `HH:MM`."""
    return [f"{m // 60:02}:{m % 60:02}" for m in (wall_minute(zone, start) % 1440 for start in starts)]


def listed(
    asked: Rules,
    *hosts: HostCalendar,
    day: str,
    days: int = 1,
    ask: Ask = ANYONE,
    now: Instant = LONG_AGO,
    resources: tuple[Resource, ...] = (),
) -> list[str]:
    """The starts of a local day (of some days) in the first host's zone, as clock times."""
    zone = hosts[0].schedule.zone
    first = at(f"{day}T00:00", zone)
    end = at(f"{Date(day).add(days=days)}T00:00", zone)
    return clock_times(list_slots(asked, hosts, ask, first, end, now, resources).starts, zone)


def verdict(
    asked: Rules,
    *hosts: HostCalendar,
    start: str,
    ask: Ask = ANYONE,
    now: Instant = LONG_AGO,
    resources: tuple[Resource, ...] = (),
) -> Verdict:
    """What checking one start (given in UTC) answers."""
    return check(asked, hosts, ask, at(start), now, resources=resources)
