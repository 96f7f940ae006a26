"""Booking availability: the starts that can be booked (contract 2.4, 6.4, 6.6)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field
from whenever import Instant

from kalends.domain.grid import Grid
from kalends.domain.kept import kept
from kalends.domain.listing import Listing, Seats, dates_json, local_date, timeframes_json
from kalends.domain.rules import Code
from kalends.domain.zones import DAY, wall_minute
from kalends.edge import problems
from kalends.edge.auth import SchedulingOrOwner
from kalends.edge.context import AppDep
from kalends.edge.etags import tag_of
from kalends.errors import FieldError, Invalid, NotFound
from kalends.services import calendar_checks, explanations, listings, order_checks
from kalends.services.explanations import Hindrance
from kalends.services.freshness import Freshness
from kalends.services.listings import Listed
from kalends.services.order_checks import ChannelNotAllowed
from kalends.services.refusals import DurationNotAllowed
from kalends.services.slot_queries import Loaded, SlotQuery
from kalends.storage.hosts import Host

from .schemas import Absent, Answer, Zone
from .slot_scope import SlotScope
from .windows import window

_EXPLAINED_AT_ONCE = 20  # starts
_ROOM = 24 << 20  # bytes of answers that are kept; a month of one host takes about 24 KB, and its grid

router = APIRouter(prefix="/v4", tags=["Booking Availability V4"])


class JoinedAppointment(Answer):
    """A group appointment that still has seats."""

    id: UUID
    total_spots: int = Field(examples=[10])
    taken_spots: int = Field(examples=[3])


class UnavailabilityEvent(Answer):
    """What a start that cannot be booked lacks: a host, or a resource (its id and name stand for the host's)."""

    host_id: UUID
    host_name: str = Field(examples=["Ada Roth"])
    type: str = Field(
        examples=["event"],
        description="`event` (of a calendar), `calendar-unknown` (not read for too long), `claimed`, `buffer`, "
        "`lead` (ahead in the queue), else as `code`",
    )
    picture: str | None
    code: Code = Field(examples=["slot-occupied"])


class Spot(Answer):
    """One start that can be booked; when troubleshooting, one with unavailabilityEvents cannot."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    start_time: str = Field(examples=["2031-03-04T09:00:00.000+01:00"])
    unavailability_events: list[UnavailabilityEvent] = Field(examples=[[]])
    appointment: JoinedAppointment | None = Field(None, description="Only where a group appointment has seats.")


class BookableDay(Answer):
    """A local date with at least one start."""

    date: str = Field(examples=["2031-03-04"])
    spots: list[Spot]


class Timeframe(Answer):
    """A bookable span in UTC: from a first start to the end of the last appointment of its run."""

    start: str = Field(examples=["2031-03-04T08:00:00.000Z"])
    end: str = Field(examples=["2031-03-04T16:00:00.000Z"])


class CalendarFreshness(Answer):
    """How well the calendars of one connection are known."""

    connection_id: UUID
    age_seconds: int | None = Field(examples=[42], description="What is known is no older; null: never read.")
    status: Literal["connected", "refused", "stale", "never"] = Field(
        examples=["connected"], description="`stale`: over a day old; `refused`: it has to be connected again."
    )


class BookingAvailability(Answer):
    """The starts of a window by local date."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    timezone: str = Field(examples=["Europe/Vienna"])
    timeframes: list[Timeframe]
    dates: list[BookableDay]
    earliest_available_date: str | None = Field(examples=["2031-03-04"])
    earliest_month_availability: str | None = Field(examples=["2031-03"])
    calendars: list[CalendarFreshness] = Field(
        default=[], description="Only for a host himself who has connected some: those that block here."
    )


async def _no_other_names(
    from_: Annotated[str | None, Query(alias="from", include_in_schema=False)] = None,
    to: Annotated[str | None, Query(include_in_schema=False)] = None,
) -> None:
    if from_ is not None or to is not None:
        message = "Use start and end instead of from and to"
        raise Invalid(message, errors=[FieldError(name, message) for name in ("start", "end")])


@router.get(
    "/booking-availability",
    response_model=BookingAvailability,
    responses=problems.document(NotFound, DurationNotAllowed, ChannelNotAllowed),
    dependencies=[Depends(_no_other_names)],
)
async def get_booking_availability(
    actor: SchedulingOrOwner,
    app: AppDep,
    scope: SlotScope,
    start: Annotated[str, Query(description="A date, a local time, or an instant", examples=["2031-03-04"])],
    end: Annotated[
        str, Query(description="A date (included), or a local time or an instant (exclusive)", examples=["2031-03-10"])
    ],
    timezone: Annotated[Zone | None, Absent, Query(description="IANA name")] = None,
    troubleshoot: Annotated[
        bool | None,
        Absent,
        Query(description="Also the starts that hours permit but something forbids; 31 days at most, or 155 by hosts"),
    ] = None,
    refresh_cache: Annotated[bool | None, Absent, Query(alias="refreshCache")] = None,
    skip_earliest: Annotated[bool | None, Absent, Query(alias="skipEarliestBookingCalculation")] = None,
    verify: Annotated[
        bool | None,
        Absent,
        Query(description="Ask the hosts' calendars live first, which may take two seconds; 50 connections at most"),
    ] = None,
) -> Response:
    """List the starts that can be booked.

    A disabled meeting type has none; a duration or a channel it does not offer is refused. With
    existingAppointmentId the hosts, the duration and the channel are those of that appointment.

    Days without a start are left out. With a timezone the starts are local times with their offset, without
    one they are in UTC. A host himself is told how old what is known of his calendars is; the ETag leaves ages out.
    """
    first, last = window(start, end, timezone or "UTC")
    query = scope(start=first, end=last)
    if verify:
        await calendar_checks.listed(app.calendar_reader, actor.company_id, query)
    now = app.now()
    async with app.reading() as conn:
        listed = await listings.listing(conn, actor.company_id, query, now, earliest=not skip_earliest)
    if listed.loaded.rules.enabled:
        _check_offered(listed.loaded, query)
    blocked = await _blocked(listed, query, now) if troubleshoot else None
    body, tag = _encode(listed, timezone, blocked)
    own = listed.loaded.connected.get(actor.user_id) if actor.user_id else None
    if own:
        body, tag = _with_ages(body, tag, own.freshness)
    # A browser may keep it, and asks with its ETag each time.
    headers = {"Cache-Control": "private, no-cache"} | ({"ETag": tag} if tag else {})
    return Response(body, headers=headers, media_type="application/json")


def _check_offered(loaded: Loaded, query: SlotQuery) -> None:
    if loaded.rules.duration not in loaded.rules.allowed_durations:
        raise DurationNotAllowed
    if not query.existing_appointment_id:
        order_checks.check_channel(query.channel, loaded.meeting_type)


async def _blocked(listed: Listed, query: SlotQuery, now: Instant) -> dict[int, bytes]:
    """Say of the starts that are not listed what they lack; others are served in between."""
    days = explanations.longest_days(listed.loaded)
    if query.start.add(hours=24 * days) < query.end:
        message = f"must lie at most {days} days after start to troubleshoot so many hosts"
        raise Invalid.at("end", message)
    found: dict[int, bytes] = {}
    for start, lacking in explanations.hindrances(listed.loaded, listed.listing, query.start, query.end, now):
        found[start] = json.dumps(list(map(_event, lacking))).encode()
        if len(found) % _EXPLAINED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


class _Written(NamedTuple):
    """An answer in bytes, and its ETag."""

    body: bytes
    tag: str


@kept(_ROOM, lambda written, grid, lane, *_: len(written.body) + len(lane) + grid.weight())
def _written(grid: Grid, lane: bytes, zone: str | None, duration: int) -> _Written:
    """Write an answer of plain starts, of which there is at least one.

    The starts are all it depends on, so the same answer is kept for whoever asks the same while nothing was booked.
    """
    body = _body(Listing(grid, lane), zone, duration, grid.first(lane))
    return _Written(body, tag_of(body).decode())


def _encode(listed: Listed, zone: str | None, blocked: Mapping[int, bytes] | None) -> tuple[bytes, str | None]:
    """Write an answer; only one that is kept has its ETag already."""
    found, duration = listed.listing, listed.loaded.rules.duration
    if blocked is None and not found.sessions and found.first is not None:
        return _written(found.grid, bytes(found.lane), zone, duration)
    return _body(found, zone, duration, listed.earliest, _appointments(listed.loaded), blocked), None


def _body(
    listing: Listing,
    zone: str | None,
    duration: int,
    earliest: int | None,
    appointments: Mapping[int, Seats] | None = None,
    blocked: Mapping[int, bytes] | None = None,
) -> bytes:
    first = None
    if earliest is not None:
        first = local_date((wall_minute(zone, earliest) if zone else earliest) // DAY)
    return (b'{"timezone":%b,"timeframes":%b,"dates":%b,"earliestAvailableDate":%b,"earliestMonthAvailability":%b}') % (
        json.dumps(zone or "UTC").encode(),
        timeframes_json(listing, duration),
        dates_json(listing, zone, appointments, blocked),
        json.dumps(first).encode(),
        json.dumps(first and first[:7]).encode(),
    )


def _with_ages(body: bytes, tag: str | None, calendars: Sequence[Freshness]) -> tuple[bytes, str]:
    """Add how old what is known of the caller's own calendars is.

    The ages stay out of the tag, which is a weak one: who has these starts already need not have them anew each second.
    """
    told = [f'"connectionId":"{one.connection_id}","status":"{one.status}"' for one in calendars]
    ages = ["null" if one.age_s is None else str(one.age_s) for one in calendars]
    aged = ",".join(f'{{{one},"ageSeconds":{age}}}' for one, age in zip(told, ages, strict=True))
    known = tag.encode() if tag else tag_of(body)
    return b'%b,"calendars":[%b]}' % (body[:-1], aged.encode()), f"W/{tag_of(known + str(told).encode()).decode()}"


def _appointments(loaded: Loaded) -> dict[int, Seats]:
    """Say how many sit where one can join; where there are reservations only, nothing is said."""
    found = {start: loaded.sessions[start] for start in loaded.rules.sessions}
    return {
        start: Seats(str(session.appointment_id), session.total, session.taken)
        for start, session in found.items()
        if session.appointment_id
    }


def _event(lacking: Hindrance) -> dict[str, str | None]:
    who = lacking.who
    named = (who.id, who.full_name, who.picture) if isinstance(who, Host) else (who.resource_id, who.name, None)
    return {
        "hostId": str(named[0]),
        "hostName": named[1],
        "type": lacking.type,
        "picture": named[2],
        "code": lacking.code,
    }
