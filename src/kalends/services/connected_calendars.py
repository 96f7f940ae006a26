"""Connected calendars: what stands in those that block the hosts of a query, and how well that is known.

They change a few times an hour, and may be full: a process keeps what it has read of a host, and the statement that
reads the claims says whether its edition is still the one of now (`storage.editions` says why that is exact).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from uuid import UUID

from whenever import Instant

from kalends.domain.spans import Span, merge
from kalends.storage.slot_scopes import BlockingCalendar
from kalends.storage.taken_time import Access, Busy, Connected

from . import freshness
from .company_settings import CompanySettings
from .freshness import Freshness
from .kept_rows import KeptRows
from .slot_queries import CalendarEvents, ConnectedCalendars
from .slot_scopes import Asked

_DAY_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class _Events:
    """The busy events of a host in some calendars, for some days; `together` is the time of all, tidy."""

    edition: UUID
    calendars: tuple[CalendarEvents, ...]
    together: Sequence[Span]

    @property
    def weight(self) -> int:
        """About how many kilobytes it takes."""
        return 1 + (len(self.together) + sum(len(one.spans) for one in self.calendars)) // 8


_KEPT: KeptRows[_Events] = KeptRows(32_000, attrgetter("weight"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The calendars that a query concerns.

    Attributes:
        reach: what matters, in epoch minutes.
        first, last: the whole days (UTC) around it, so that windows near each other are asked with the same.
        kept: what was read before, by host_no, as it was when the question was put: somebody else may change or forget
            it while the answer is waited for.
    """

    asked: Asked
    reach: Span
    first: Instant
    last: Instant
    kept: Mapping[int, _Events | None]

    @property
    def connected(self) -> Connected:
        """What the statement that reads claims is asked with."""
        calendars = [one for found in self.asked.blocking.values() for one in found]
        known = {no: one.edition if one else None for no, one in self.kept.items()}
        return Connected(known, calendars, self.first, self.last)

    def told(self, found: Busy, now: Instant, grace_minutes: int) -> dict[UUID, ConnectedCalendars]:
        """Say, by host, what is known of the calendars that block him.

        Args:
            grace_minutes: what was known so long ago still counts as known.
        """
        asked = self.asked
        by_no = {host.host_no: host.id for host in asked.hosts}
        told: dict[UUID, ConnectedCalendars] = {}
        for no, blocking in asked.blocking.items():
            accesses = {one.connection_id: found.accesses.get(one.connection_id) for one in blocking}
            ages = tuple([freshness.of(id_, access, now, grace_minutes) for id_, access in accesses.items()])
            unknown = self._unknown(ages, accesses.values())
            events = self._events(no, found)
            calendars, together = (events.calendars, events.together) if events else ((), ())
            told[by_no[no]] = ConnectedCalendars(ages, calendars, _beside(together, unknown), unknown)
        return told

    def _unknown(self, ages: Sequence[Freshness], accesses: Collection[Access | None]) -> Span | None:
        """Find the time that is not offered because nobody knows what stands in some calendar then."""
        begin, end = self.reach
        if freshness.is_known(ages):
            ends = [one.known_until for one in accesses if one and one.known_until]
            begin = max(begin, min(ends).timestamp() // 60)
        if begin >= end or CompanySettings.of(self.asked.company.settings).stale_calendar_policy == "open":
            return None
        return begin, end

    def _events(self, host_no: int, found: Busy) -> _Events | None:
        """Find the busy events of a host: those kept, where their edition is still the same; None: he has none."""
        edition, kept = found.editions.get(host_no), self.kept[host_no]
        if edition is None:
            return None
        if kept and kept.edition == edition:
            return kept
        blocking, read = self.asked.blocking[host_no], found.events.get(host_no, {})
        calendars = tuple(
            [CalendarEvents(one.connection_id, one.id, read[one.no]) for one in blocking if one.no in read]
        )
        events = _Events(edition, calendars, merge(span for one in calendars for span in one.spans))
        _KEPT.put(_key(self.asked.company.id, host_no, blocking, self.first, self.last), events)
        return events


def wanted(asked: Asked, first: Instant, last: Instant) -> Wanted:
    """Find what is kept of the calendars that a query concerns, for what matters: [first, last), whole minutes."""
    start, end = first.timestamp(), last.timestamp()
    begin = Instant.from_timestamp(start // _DAY_S * _DAY_S)
    until = Instant.from_timestamp(-(-end // _DAY_S) * _DAY_S)
    company_id = asked.company.id
    kept = {no: _KEPT.get(_key(company_id, no, found, begin, until)) for no, found in asked.blocking.items()}
    return Wanted(asked, (start // 60, end // 60), begin, until, kept)


def _beside(together: Sequence[Span], unknown: Span | None) -> Sequence[Span]:
    """Put unknown time in the place of all that stands in it."""
    return [*(span for span in together if span[0] < unknown[0]), unknown] if unknown else together


def _key(
    company_id: UUID, host_no: int, blocking: Sequence[BlockingCalendar], first: Instant, last: Instant
) -> Hashable:
    return company_id, host_no, tuple([one.no for one in blocking]), first, last
