"""Slot scopes: the type of a question and its hosts with their hours, for any number of them in one statement.

What it reads may be kept as long as the company has the edition it was read with (`editions`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from whenever import Instant

from . import companies, editions, hosts, meeting_types, rows
from .companies import Company
from .database import Connection, numbered
from .hosts import Host
from .meeting_types import MeetingType

_TYPE_WIDTH = len(fields(MeetingType))
_HOST_WIDTH = len(fields(Host))
_SCOPE_AT = _TYPE_WIDTH + len(fields(Company))
_ASKED = _SCOPE_AT + 8  # where the id of a host asked for stands in a row of _SCOPE

# The exceptions of a company, a user u and his schedule hours that may touch [first, last), as JSON text.
EXCEPTIONS = """
    (SELECT json_agg(
        json_build_array(e.available, e.starts, e.ends, e.owner_type = 'company', e.id) ORDER BY e.id)::text
     FROM availability_exception e
     WHERE e.company_id = u.company_id AND e.owner_id IN (u.company_id, u.id, hours.id) AND e.deleted_at IS NULL
        AND e.latest > %(first)s AND e.earliest < %(last)s)
"""

# Those of a user u that block him, as JSON text; hardly anybody has any, and a look at one index says so.
_BLOCKING = """
    (SELECT json_agg(json_build_array(k.id, d.id, d.no) ORDER BY d.no)::text
     FROM calendar_connection k JOIN calendar d ON d.connection_id = k.id
     WHERE k.company_id = u.company_id AND k.user_id = u.id AND k.deleted_at IS NULL AND k.validate_availability
        AND d.company_id = k.company_id AND d.selected)
"""

# The type and the company stand in the first row only: with a hundred hosts, reading them took longer than the rest.
_TYPE_AND_COMPANY = ", ".join(
    f"CASE WHEN coalesce(asked.place, 1) = 1 THEN {column} END"
    for columns in (rows.prefixed(meeting_types.COLUMNS, "t"), rows.prefixed(companies.COLUMNS, "c"))
    for column in columns.split(", ")
)
# The appointment that is moved, with its hosts and all of it that counts where it is of this type. Hardly any question
# is about one, and two tables less to plan are a fifth of the time that planning takes.
_MOVED = """
    LEFT JOIN LATERAL (
        SELECT a.id AS moved_id, own.id, own.channel, own.start_at, own.end_at, own.resources,
            (SELECT array_agg(h.user_id ORDER BY h.position) FROM appointment_host h
             WHERE h.company_id = t.company_id AND h.appointment_id = own.id) AS hosts
        FROM appointment a LEFT JOIN appointment own ON own.company_id = a.company_id AND own.id = a.id
            AND own.meeting_type_id = t.id
        WHERE a.company_id = t.company_id AND a.id = %(moved)s
    ) same ON true
"""
_NOTHING_MOVED = """
    CROSS JOIN (
        SELECT NULL::uuid AS moved_id, NULL::uuid AS id, NULL::text AS channel, NULL::timestamptz AS start_at,
            NULL::timestamptz AS end_at, NULL::jsonb AS resources, NULL::uuid[] AS hosts
    ) same
"""
# What decides which tables are looked at is hidden in `q`: else PostgreSQL would plan anew each time, for just these
# values, which takes several times as long as to read. OFFSET has it find each host by his id: it would rather walk
# through all users of a company once.
_SCOPE = f"""
    WITH q AS MATERIALIZED (
        SELECT %(hosts)s::uuid[] AS hosts, %(queue)s::boolean AS queue, %(channel)s::text AS channel,
            %(deleted)s::boolean AS deleted
    )
    SELECT {_TYPE_AND_COMPANY}, {editions.SEEN}, coalesce(std.timezone, owner.timezone),
        same.moved_id, same.start_at, same.end_at, same.resources, members.ids IS NOT NULL,
        coalesce(same.id, members.ids[1]) IS NOT NULL AND EXISTS (
            SELECT FROM unnest(q.hosts) named(id) WHERE NOT EXISTS (
                SELECT FROM user_account n
                WHERE n.company_id = t.company_id AND n.id = named.id AND n.deleted_at IS NULL)),
        asked.id, {rows.prefixed(hosts.COLUMNS, "u")}, u.booking_limits,
        hours.timezone, hours.schedule::text, {EXCEPTIONS}, {_BLOCKING}
    FROM q CROSS JOIN meeting_type t
    JOIN company c ON c.id = t.company_id
    JOIN user_account owner ON owner.company_id = t.company_id AND owner.id = t.user_id
    /* moved */
    LEFT JOIN availability std ON std.company_id = t.company_id AND std.id = coalesce(
        (t.meeting_options->'channelAvailabilities'
            ->>coalesce(same.channel, q.channel, t.meeting_info->>'channel'))::uuid,
        t.availability_id,
        owner.default_availability_id)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN q.queue THEN coalesce(array_agg(m.user_id ORDER BY m.place, m.user_id), '{{}}')
                    ELSE array_agg(m.user_id ORDER BY m.place, m.user_id) END AS ids
        FROM (
            SELECT one.user_id, min(one.place) AS place FROM (
                SELECT qu.user_id, qu.position AS place FROM queue_user qu
                WHERE qu.company_id = t.company_id AND qu.queue_id = t.queue_id
                UNION ALL
                SELECT gu.user_id, g.position FROM queue_user_group g
                JOIN queue_group_user gu ON gu.company_id = g.company_id AND gu.group_id = g.id
                WHERE g.company_id = t.company_id AND g.queue_id = t.queue_id AND g.deleted_at IS NULL
            ) one
            JOIN user_account live ON live.company_id = t.company_id AND live.id = one.user_id
                AND live.deleted_at IS NULL
            WHERE same.id IS NULL AND (q.queue OR q.hosts IS NULL)
            GROUP BY one.user_id
        ) m
    ) members
    LEFT JOIN LATERAL unnest(coalesce(same.hosts, members.ids, q.hosts, ARRAY[t.user_id]))
        WITH ORDINALITY asked(id, place) ON true
    LEFT JOIN LATERAL (
        SELECT * FROM user_account one
        WHERE one.company_id = t.company_id AND one.id = asked.id AND one.deleted_at IS NULL OFFSET 0
    ) u ON true
    LEFT JOIN availability hours ON hours.company_id = u.company_id
        AND hours.id = CASE WHEN std.user_id = u.id THEN std.id ELSE u.default_availability_id END
    WHERE t.company_id = %(company)s AND t.id = %(type)s AND (t.deleted_at IS NULL OR q.deleted)
    ORDER BY asked.place
"""
_PARAMETERS = ("company", "type", "hosts", "queue", "channel", "first", "last", "deleted")
_SCOPE_OF_NEW = numbered(_SCOPE.replace("/* moved */", _NOTHING_MOVED), *_PARAMETERS)
_SCOPE_OF_MOVED = numbered(_SCOPE.replace("/* moved */", _MOVED), *_PARAMETERS, "moved")


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours somebody is met in, or a room is open.

    Attributes:
        zone, week: the schedule's zone and its weekly hours as JSON text; None: there is no schedule.
        exceptions: [available, starts, ends, is the company's, id] each, by id, as JSON text; None: there are none.
    """

    zone: str | None
    week: str | None
    exceptions: str | None


@dataclass(frozen=True, slots=True)
class BlockingCalendar:
    """A calendar that a host has connected and that blocks him; `no` is what its busy events call it."""

    connection_id: UUID
    id: UUID
    no: int


@dataclass(frozen=True, slots=True)
class HostHours:
    """One host asked for, the hours he is met in, and the calendars that block him, whatever the type."""

    host: Host
    booking_limits: dict[str, Any]
    hours: Hours
    blocking: tuple[BlockingCalendar, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """A meeting type and the hosts asked for, in their order; None stands for one the company does not have.

    Attributes:
        edition: what it was read with; None: it is not to be kept.
        zone: the zone of the type's schedule.
        moved: start and end of the appointment of this type that is moved; moved_resources are those it has.
        moved_exists: the company has the appointment that is moved, of this type or another.
        by_queue: the hosts are all those of the type's queue.
        unknown_hosts: the company does not have all hosts asked for, though it is not they who matter.
    """

    meeting_type: MeetingType
    company: Company
    edition: UUID | None
    zone: str
    moved: tuple[Instant, Instant] | None
    moved_resources: list[dict[str, Any]]
    moved_exists: bool
    by_queue: bool
    unknown_hosts: bool
    hosts: list[HostHours | None]


async def scope(
    conn: Connection,
    *,
    company_id: UUID,
    meeting_type_id: UUID,
    host_ids: Sequence[UUID],
    queue: bool,
    channel: str | None,
    first: Instant,
    last: Instant,
    moved: UUID | None,
    deleted: bool,
) -> Scope | None:
    """Read a type with its hosts, their hours and the exceptions that may touch [first, last); one statement.

    The hosts are those of the moved appointment, if it is of this type; else all users of the type's queue when that
    is asked for, or when it has some and no hosts are asked for; else those asked for, else the type's owner.

    Args:
        channel: None: the type's standard one. The moved appointment keeps its own.
        deleted: find a deleted type too.
    """
    values = (
        company_id,
        meeting_type_id,
        f"{{{','.join(map(str, host_ids))}}}" if host_ids else None,  # psycopg takes long for a list
        queue,
        channel,
        first,
        last,
        deleted,
    )
    # Prepared the first time: it is asked often, and to plan it takes ten times as long as to read.
    if moved:
        cursor = await conn.often.execute(_SCOPE_OF_MOVED, (*values, moved), prepare=True)
    else:
        cursor = await conn.often.execute(_SCOPE_OF_NEW, values, prepare=True)
    found = await cursor.fetchall()
    return _scope(found) if found else None


def _scope(found: Sequence[Sequence[Any]]) -> Scope:
    first = found[0]
    edition, zone, moved_id, start, end, resources, by_queue, unknown = first[_SCOPE_AT:_ASKED]
    return Scope(
        MeetingType(*first[:_TYPE_WIDTH]),
        Company(*first[_TYPE_WIDTH:_SCOPE_AT]),
        edition,
        zone,
        (start, end) if start else None,
        resources or [],
        moved_id is not None,
        by_queue,
        unknown,
        [_hours(row[_ASKED + 1 :]) for row in found if row[_ASKED]],
    )


def _hours(row: Sequence[Any]) -> HostHours | None:
    if row[0] is None:
        return None
    limits, zone, week, exceptions, blocking = row[_HOST_WIDTH:]
    host, hours = Host(*row[:_HOST_WIDTH]), Hours(zone, week, exceptions)
    return HostHours(host, limits, hours, _blocking(blocking)) if blocking else HostHours(host, limits, hours)


def _blocking(text: str) -> tuple[BlockingCalendar, ...]:
    found = json.loads(text)
    return tuple(BlockingCalendar(UUID(connection), UUID(calendar), number) for connection, calendar, number in found)
