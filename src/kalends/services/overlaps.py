"""Claims of hosts who choose to overlap: exclusive where nothing stands, shared only where something does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from whenever import Instant

from kalends.domain.rules import HostCalendar, Unit
from kalends.domain.spans import intersect, merge, subtract
from kalends.storage import claims
from kalends.storage.claims import Claim
from kalends.storage.database import Connection

from .slot_queries import Loaded


def anything(loaded: Loaded, wanted: Iterable[Claim]) -> bool:
    """Tell whether something else stands where these claims are to be."""
    calendars: dict[int, HostCalendar | Unit] = {
        host.host_no: one for host, one in zip(loaded.hosts, loaded.calendars, strict=True)
    }
    for resource in loaded.resources:
        for calendar, choice in zip(resource.calendar.choices, resource.choices, strict=True):
            calendars |= dict(zip(choice.units, calendar.units, strict=True))
    return any(meets(calendars[claim.host_no], claim.start, claim.end) for claim in wanted)


def meets(calendar: HostCalendar | Unit, start: Instant, end: Instant) -> bool:
    """Tell whether a host, or a unit, has something that meets [start, end)."""
    first, last = start.timestamp(), end.timestamp()
    return any(begins * 60 < last and first < ends * 60 for begins, ends in [*calendar.claims, *calendar.events])


async def beside(conn: Connection, wanted: Sequence[Claim], now: Instant) -> list[Claim]:
    """Cut claims at the exclusive ones that stand there; the hosts are locked."""
    taken = await claims.exclusive_between(
        conn,
        host_nos=[claim.host_no for claim in wanted],
        start=min(claim.start for claim in wanted),
        end=max(claim.end for claim in wanted),
        now=now,
    )
    return _split(wanted, taken)


def _split(wanted: Sequence[Claim], taken: Sequence[tuple[int, Instant, Instant]]) -> list[Claim]:
    """Cut each wanted claim at the exclusive ones that stand there already (design section 4).

    Args:
        taken: (host_no, start, end) of exclusive claims.
    """
    pieces: list[Claim] = []
    for claim in wanted:
        span = [(claim.start.timestamp(unit="nanosecond"), claim.end.timestamp(unit="nanosecond"))]
        theirs = merge(
            (start.timestamp(unit="nanosecond"), end.timestamp(unit="nanosecond"))
            for host_no, start, end in taken
            if host_no == claim.host_no
        )
        for exclusive, spans in ((True, subtract(span, theirs)), (False, intersect(span, theirs))):
            pieces += [Claim(claim.host_no, _instant(start), _instant(end), exclusive) for start, end in spans]
    return pieces


def _instant(nanoseconds: int) -> Instant:
    return Instant.from_timestamp(nanoseconds, unit="nanosecond")
