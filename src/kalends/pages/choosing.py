"""The calendar a guest chooses a time in: one listing a view, for new bookings and for moving one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from uuid import UUID

from babel import Locale
from babel.dates import format_skeleton
from whenever import Date, Instant, YearMonth

from kalends import languages
from kalends.domain import slots as engine
from kalends.services import listings
from kalends.services.listings import Listed
from kalends.services.slot_queries import SlotQuery
from kalends.storage.database import Connection

from . import month, zone_choice
from .month import Month, Seats, Slot
from .packing import Part
from .visit import Visit

NEAREST = 6
_AROUND_DAYS = 14


@dataclass(frozen=True, slots=True)
class View:
    """What picker.html shows.

    Attributes:
        day_stem, start_stem: addresses of this month's days and of the chosen day's starts, up to what names them.
        previous, next: addresses of the neighbouring months; None where nothing can be booked there.
        earliest: the next start behind a month without any.
        earliest_link: where it is looked at, or where times are looked for anew; None: nothing is free at all.
        zones: the options of the select; `zone_listed` is the name under which the visit's zone stands there.
        zone_form: the query that choosing a zone keeps.
        edition: of the company, when this was read; None: unknown.
    """

    month: Month
    day_title: str
    day_stem: str
    start_stem: str
    previous: str | None
    next: str | None
    slots: Sequence[Slot]
    earliest: Instant | None
    earliest_link: str | None
    zones: Part
    zone_listed: str | None
    zone_form: dict[str, str]
    now: Instant
    edition: UUID | None


async def view(conn: Connection, company_id: UUID, query: SlotQuery, visit: Visit, now: Instant) -> View:
    """Look at one month: the one asked for, else the first that has a start.

    Args:
        query: `start` and `end` are set here.

    Raises:
        NotFound: as `listings.listing`.
    """
    today = now.to_tz(visit.zone).date()
    wanted = visit.month or (visit.day.year_month() if visit.day else None)
    shown = max(wanted, today.year_month()) if wanted else today.year_month()
    listed = await _month(conn, company_id, query, shown, visit.zone, now)
    if wanted is None and not listed.listing.starts and listed.earliest is not None:
        shown = _at(listed.earliest).to_tz(visit.zone).date().year_month()
        listed = await _month(conn, company_id, query, shown, visit.zone, now)
    starts = listed.listing.starts
    seats = partial(_seats, query, listed)
    laid = month.view(shown, starts, zone=visit.zone, language=visit.language, chosen=visit.day, today=today)
    chosen = laid.chosen
    after = month.next_month(shown)
    last = engine.horizon(listed.loaded.rules, now, now)
    reachable = month.midnight(after.on_day(1), visit.zone) < last
    earliest = None if starts or listed.earliest is None else _at(listed.earliest)
    zone_listed = zone_choice.listed(visit.zone)
    return View(
        month=laid,
        day_title=_day_title(chosen.date, languages.locale(visit.language)) if chosen else "",
        day_stem=visit.stem("day", month=str(shown), start=None),
        start_stem=visit.stem("start", month=str(shown), day=str(chosen.date)) if chosen else "",
        previous=_step(visit, month.previous_month(shown)) if shown > today.year_month() else None,
        next=_step(visit, after) if reachable else None,
        slots=month.slots(
            chosen.starts if chosen else (), zone=visit.zone, language=visit.language, clock=visit.clock, seats=seats
        ),
        earliest=earliest,
        earliest_link=_first_link(visit, earliest) if earliest or wanted else None,
        zones=zone_choice.options(now, visit.language, zone_listed),
        zone_listed=zone_listed,
        zone_form={key: value for key, value in visit.params.items() if key not in ("timezone", "start")},
        now=now,
        edition=listed.loaded.edition,
    )


@dataclass(frozen=True, slots=True)
class Free:
    """A start that is offered right now; `seats` as in `Slot`."""

    start: Instant
    seats: Seats | None


async def free(conn: Connection, company_id: UUID, query: SlotQuery, start: Instant, now: Instant) -> Free | None:
    """Look at one start; None when it is not offered right now."""
    just = replace(query, start=start, end=start.add(minutes=1))
    found = await listings.listing(conn, company_id, just, now, earliest=False)
    if start.timestamp() / 60 not in found.listing.starts:
        return None
    return Free(start, _seats(query, found, start.timestamp() // 60))


async def nearest(
    conn: Connection, company_id: UUID, query: SlotQuery, start: Instant, now: Instant
) -> tuple[Instant, ...]:
    """Find the bookable starts nearest to one that was taken, in order."""
    around = replace(
        query, start=max(now, start.subtract(hours=24 * _AROUND_DAYS)), end=start.add(hours=24 * _AROUND_DAYS)
    )
    if around.start >= around.end:
        return ()
    found = await listings.listing(conn, company_id, around, now, earliest=False)
    at = start.timestamp() / 60
    return tuple(_at(one) for one in sorted(sorted(found.listing.starts, key=lambda one: abs(one - at))[:NEAREST]))


def _seats(query: SlotQuery, listed: Listed, start: int) -> Seats | None:
    """Count the seats of an offered start (epoch minutes): of the appointment that stands there, else all."""
    loaded = listed.loaded
    if loaded.meeting_type.spots < 2 or query.existing_appointment_id:
        return None
    session = loaded.sessions.get(start)
    if session is None:
        return Seats(loaded.meeting_type.spots, loaded.meeting_type.spots)
    return Seats(session.total - session.taken, session.total)


async def _month(
    conn: Connection, company_id: UUID, query: SlotQuery, shown: YearMonth, zone: str, now: Instant
) -> Listed:
    start, end = month.window(shown, zone)
    return await listings.listing(conn, company_id, replace(query, start=start, end=end), now)


@lru_cache(maxsize=1024)
def _day_title(day: Date, locale: Locale) -> str:
    return format_skeleton("MMMEd", day.to_stdlib(), locale=locale)


def _step(visit: Visit, to: YearMonth) -> str:
    return visit.link(month=str(to), day=None, start=None)


def _first_link(visit: Visit, earliest: Instant | None) -> str:
    if earliest is None:  # behind this month is nothing, before it there may be
        return visit.link(month=None, day=None, start=None)
    day = earliest.to_tz(visit.zone).date()
    return visit.link(month=str(day.year_month()), day=str(day), start=None)


def _at(epoch_minute: int) -> Instant:
    return Instant.from_timestamp(epoch_minute * 60)
