"""Calendars: everything the slot engine needs, for any number of hosts in the same few statements.

Spans leave here as epoch minutes, rounded outward; no object is made per claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from whenever import Instant

from . import hosts, meeting_types, rows
from .database import Connection
from .hosts import Host
from .meeting_types import MeetingType

_TYPE_WIDTH = len(fields(MeetingType))
_HOST_WIDTH = len(fields(Host))

_SCOPE = f"""
    SELECT {rows.prefixed(meeting_types.COLUMNS, "t")}, coalesce(std.timezone, owner.timezone),
        moved.id, same.start_at, same.end_at,
        same.id IS NOT NULL AND EXISTS (
            SELECT FROM unnest(%(hosts)s::uuid[]) named(id) WHERE NOT EXISTS (
                SELECT FROM user_account n
                WHERE n.company_id = t.company_id AND n.id = named.id AND n.deleted_at IS NULL)),
        {rows.prefixed(hosts.COLUMNS, "u")}, u.booking_limits,
        hours.timezone, hours.schedule::text,
        (SELECT json_agg(json_build_array(e.available, e.starts, e.ends, e.owner_type = 'company', e.id) ORDER BY e.id)
         FROM availability_exception e
         WHERE e.company_id = t.company_id AND e.owner_id IN (t.company_id, u.id, hours.id) AND e.deleted_at IS NULL
            AND e.latest > %(first)s AND e.earliest < %(last)s)
    FROM meeting_type t
    JOIN user_account owner ON owner.company_id = t.company_id AND owner.id = t.user_id
    LEFT JOIN availability std ON std.company_id = t.company_id
        AND std.id = coalesce(t.availability_id, owner.default_availability_id)
    LEFT JOIN appointment moved ON moved.company_id = t.company_id AND moved.id = %(moved)s
    LEFT JOIN appointment same ON same.company_id = t.company_id AND same.id = moved.id
        AND same.meeting_type_id = t.id
    CROSS JOIN LATERAL unnest(coalesce(
        (SELECT array_agg(h.user_id ORDER BY h.position) FROM appointment_host h
         WHERE h.company_id = t.company_id AND h.appointment_id = same.id),
        %(hosts)s::uuid[],
        ARRAY[t.user_id]
    )) WITH ORDINALITY asked(id, place)
    LEFT JOIN user_account u ON u.company_id = t.company_id AND u.id = asked.id AND u.deleted_at IS NULL
    LEFT JOIN availability hours ON hours.company_id = u.company_id
        AND hours.id = CASE WHEN t.availability_id = std.id AND std.user_id = u.id THEN std.id
                            ELSE u.default_availability_id END
    WHERE t.company_id = %(company)s AND t.id = %(type)s AND (t.deleted_at IS NULL OR %(deleted)s)
    ORDER BY asked.place
"""

_BUSY = """
    SELECT host_no, array_agg(floor(date_part('epoch', start_at) / 60)::int),
        array_agg(ceil(date_part('epoch', end_at) / 60)::int)
    FROM claim
    WHERE host_no = ANY(%(hosts)s) AND end_at > %(first)s AND start_at < %(last)s
        AND (expires_at IS NULL OR expires_at > %(now)s)
        AND (%(moved)s::uuid IS NULL OR appointment_id <> %(moved)s)
    GROUP BY host_no
"""

_BOOKED = """
    SELECT NULL::uuid, floor(date_part('epoch', a.start_at) / 60)::int FROM appointment a
    WHERE a.company_id = %(company)s AND a.meeting_type_id = %(type)s AND a.cancelled_at IS NULL
        AND a.start_at >= %(first)s AND a.start_at < %(last)s AND (%(moved)s::uuid IS NULL OR a.id <> %(moved)s)
    UNION ALL
    SELECT h.user_id, floor(date_part('epoch', h.start_at) / 60)::int FROM appointment_host h
    WHERE h.company_id = %(company)s AND h.user_id = ANY(%(hosts)s) AND h.live
        AND h.start_at >= %(first)s AND h.start_at < %(last)s
        AND (%(moved)s::uuid IS NULL OR h.appointment_id <> %(moved)s)
"""


@dataclass(frozen=True, slots=True)
class HostHours:
    """One host asked for, and the hours he is met in.

    Attributes:
        zone, week: his schedule's zone and its weekly hours as JSON text; None: he has none.
        exceptions: [available, starts, ends, is the company's, id] each, by id.
    """

    host: Host
    booking_limits: dict[str, Any]
    zone: str | None
    week: str | None
    exceptions: list[tuple[bool, str, str, bool, int]]


@dataclass(frozen=True, slots=True)
class Scope:
    """A meeting type and the hosts asked for, in their order; None stands for one the company does not have.

    Attributes:
        zone: the zone of the type's schedule.
        moved: start and end of the appointment of this type that is moved.
        moved_exists: the company has the appointment that is moved, of this type or another.
        unknown_hosts: the company does not have all hosts asked for, though it is not they who matter.
    """

    meeting_type: MeetingType
    zone: str
    moved: tuple[Instant, Instant] | None
    moved_exists: bool
    unknown_hosts: bool
    hosts: list[HostHours | None]


async def scope(
    conn: Connection,
    *,
    company_id: UUID,
    meeting_type_id: UUID,
    host_ids: Sequence[UUID],
    first: Instant,
    last: Instant,
    moved: UUID | None,
    deleted: bool,
) -> Scope | None:
    """Read a type with its hosts, their hours and the exceptions that may touch [first, last); one statement.

    The hosts are those of the moved appointment, if it is of this type; else those asked for, else the type's owner.

    Args:
        deleted: find a deleted type too.
    """
    cursor = await conn.execute(
        _SCOPE,
        {
            "company": company_id,
            "type": meeting_type_id,
            "hosts": list(host_ids) or None,
            "first": first,
            "last": last,
            "moved": moved,
            "deleted": deleted,
        },
    )
    found = await cursor.fetchall()
    if not found:
        return None
    zone, moved_id, start, end, unknown = found[0][_TYPE_WIDTH : _TYPE_WIDTH + 5]
    return Scope(
        MeetingType(*found[0][:_TYPE_WIDTH]),
        zone,
        (start, end) if start else None,
        moved_id is not None,
        unknown,
        [_hours(row[_TYPE_WIDTH + 5 :]) for row in found],
    )


def _hours(row: Sequence[Any]) -> HostHours | None:
    if row[0] is None:
        return None
    limits, zone, week, exceptions = row[_HOST_WIDTH:]
    return HostHours(Host(*row[:_HOST_WIDTH]), limits, zone, week, exceptions or [])


async def busy(
    conn: Connection, *, host_nos: Sequence[int], first: Instant, last: Instant, moved: UUID | None, now: Instant
) -> dict[int, list[tuple[int, int]]]:
    """Read the claims that meet [first, last), without expired ones and those of the moved appointment; sorted."""
    cursor = await conn.execute(
        _BUSY, {"hosts": list(host_nos), "first": first, "last": last, "moved": moved, "now": now}
    )
    return {host_no: sorted(zip(starts, ends, strict=True)) for host_no, starts, ends in await cursor.fetchall()}


async def booked(
    conn: Connection,
    *,
    company_id: UUID,
    meeting_type_id: UUID,
    host_ids: Sequence[UUID],
    first: Instant,
    last: Instant,
    moved: UUID | None,
) -> dict[UUID | None, list[int]]:
    """Read the starts that count against caps: the type's under None, each host's under his id."""
    cursor = await conn.execute(
        _BOOKED,
        {
            "company": company_id,
            "type": meeting_type_id,
            "hosts": list(host_ids),
            "first": first,
            "last": last,
            "moved": moved,
        },
    )
    starts: dict[UUID | None, list[int]] = {}
    for user_id, start in await cursor.fetchall():
        starts.setdefault(user_id, []).append(start)
    return starts
