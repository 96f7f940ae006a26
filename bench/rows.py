"""Fill a database that `kalends init` has made: hosts with their types, and months of appointments with their claims.

Everything is written set by set; hosts are copies of the owner's rows, so that they have whatever columns there are.
Constraints and indexes stay; only the checks of foreign keys are left out while the rows are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from kalends.storage import ids

MONTHS = 5  # of 30 days, from tomorrow on
CLAIMS = 100  # per host and month
QUEUE_TYPES = ("simpleRoundRobin", "equalDistribution")
# Zone and hours, Monday to Friday; a host has those of his number, so that half are the same.
WEEKS = (
    ("America/New_York", "09:00", "17:00"),
    ("America/New_York", "08:00", "16:00"),
    ("America/New_York", "09:00", "17:00"),
    ("America/Chicago", "08:00", "16:00"),
    ("America/New_York", "09:00", "17:00"),
    ("Europe/London", "12:00", "20:00"),
)
WINDOW = {"mode": "limit", "bookingLimit": 200 * 1440, "countMode": "calendar"}  # all those months can be booked
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Host:
    """One host with his own meeting type of 30 minutes."""

    user_id: UUID
    type_id: UUID
    host_no: int
    slug: str
    zone: str


_HOSTS = """
    INSERT INTO user_account OVERRIDING USER VALUE
    SELECT (jsonb_populate_record(owner, jsonb_build_object('id', new.id, 'email', new.slug || '@bench.test',
        'family_name', new.slug, 'slug', new.slug, 'timezone', new.zone, 'is_owner', false, 'is_admin', false,
        'default_availability_id', new.hours))).*
    FROM new_host new, user_account owner WHERE owner.is_owner
"""
_HOURS = """
    INSERT INTO availability
    SELECT (jsonb_populate_record(a, jsonb_build_object('id', new.hours, 'user_id', new.id, 'timezone', new.zone,
        'schedule', new.schedule))).*
    FROM new_host new, user_account owner JOIN availability a ON a.id = owner.default_availability_id
    WHERE owner.is_owner
"""
_TYPES = """
    INSERT INTO meeting_type
    SELECT (jsonb_populate_record(t, jsonb_build_object('id', new.type, 'user_id', new.id, 'days_into_future',
        %(window)s::jsonb, 'availability_id', CASE WHEN t.availability_id IS NOT NULL THEN new.hours END))).*
    FROM new_host new, meeting_type t JOIN user_account owner ON owner.id = t.user_id AND owner.is_owner
    WHERE t.deleted_at IS NULL
"""
# Each host gets an hour of his own for each claim, drawn from those of the month between 12:00 and 22:00 UTC; they are
# written by time, so that in the tables the hosts lie mixed, as they would in the life of an install.
_PLAN = """
    CREATE TEMPORARY TABLE plan AS
    SELECT u.company_id, u.id AS user_id, u.host_no, t.id AS type_id, t.meeting_info,
        hour.at + make_interval(mins => lead) AS start_at, hour.at + make_interval(mins => lead + length) AS end_at,
        overlay(uuidv7(hour.at - now() - interval '30 days')::text PLACING %(bucket)s FROM 16 FOR 3)::uuid AS id
    FROM user_account u JOIN meeting_type t ON t.user_id = u.id
    CROSS JOIN generate_series(0, %(months)s - 1) AS month
    CROSS JOIN LATERAL (
        SELECT date_trunc('day', now(), 'UTC')
                + make_interval(days => 1 + month * 30 + number / 10, hours => 12 + number %% 10) AS at,
            15 * (1 + (random() * 3)::int) AS length
        FROM generate_series(0, 299) AS number
        ORDER BY hashint8extended(number, u.host_no * 64 + month) LIMIT %(claims)s
    ) hour
    CROSS JOIN LATERAL (SELECT 15 * floor(random() * (5 - hour.length / 15))::int AS lead) AS chance
    WHERE NOT u.is_owner
    ORDER BY hour.at
"""
_APPOINTMENTS = """
    INSERT INTO appointment (company_id, id, meeting_type_id, start_at, end_at, meeting_info, channel, created_at,
        updated_at)
    SELECT company_id, id, type_id, start_at, end_at, meeting_info, 'phone',
        least(now(), start_at - interval '30 days'), now()
    FROM plan
"""
_APPOINTMENT_HOSTS = """
    INSERT INTO appointment_host (company_id, appointment_id, user_id, position, start_at)
    SELECT company_id, id, user_id, 0, start_at FROM plan
"""
_ATTENDEES = """
    INSERT INTO attendee (company_id, id, appointment_id, position, email, full_name, secret, created_at)
    SELECT company_id, id, id, 0, 'guest@bench.test', 'Gil Moss', id::text, now() FROM plan
"""
_CLAIMS = """
    INSERT INTO claim (company_id, host_no, start_at, end_at, appointment_id)
    SELECT company_id, host_no, start_at, end_at, id FROM plan
"""
_QUEUE_TYPE = """
    INSERT INTO meeting_type
    SELECT (jsonb_populate_record(t, jsonb_build_object('id', %(type)s::uuid, 'slug', %(kind)s::text))).*
    FROM meeting_type t WHERE t.id = %(like)s
"""
_QUEUE = """
    INSERT INTO queue (company_id, id, meeting_type_id, type, created_at, updated_at)
    VALUES (%(company)s, %(queue)s, %(type)s, %(kind)s, now(), now())
"""
_MEMBERS = """
    INSERT INTO queue_user (company_id, queue_id, user_id, position, joined_at)
    SELECT %(company)s, %(queue)s, id, place - 1, now()
    FROM unnest(%(members)s::uuid[]) WITH ORDINALITY AS member(id, place)
"""
# Turns every quarter of an hour, half of them over.
_CHOICES = """
    INSERT INTO queue_choice (company_id, queue_id, member_id, user_ids, start_at, strategy, reason, candidates,
        created_at)
    SELECT %(company)s, %(queue)s, id, ARRAY[id], now() + make_interval(mins => (number - %(choices)s / 2) * 15),
        %(kind)s, 'bench', '[]', now() - make_interval(mins => number)
    FROM generate_series(1, %(choices)s) AS number
    JOIN unnest(%(members)s::uuid[]) WITH ORDINALITY AS member(id, place) ON place = 1 + number %% 10
"""


def fill(conn: psycopg.Connection[Any], company_id: UUID, hosts: int, choices: int) -> tuple[list[Host], list[UUID]]:
    """Write the hosts, their appointments, and of each of `QUEUE_TYPES` a type that a queue of ten hosts takes.

    Args:
        choices: how many turns each queue has given.
        conn: of the database's superuser, who may leave out the checks of foreign keys.
    """
    values = {"months": MONTHS, "claims": CLAIMS, "bucket": f"{ids.bucket(company_id):03x}"}
    conn.execute("ALTER SYSTEM SET max_wal_size = '8GB'")  # else it makes a checkpoint every few seconds
    conn.execute("SELECT pg_reload_conf()")
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("SELECT setseed(0.4)")
        made = _add_hosts(conn, company_id, hosts)
        conn.execute(_PLAN, values)
        for statement in (_APPOINTMENTS, _APPOINTMENT_HOSTS, _ATTENDEES, _CLAIMS):
            conn.execute(statement)
        queues = [_add_queue(conn, company_id, kind, made, choices) for kind in QUEUE_TYPES]
    conn.execute("VACUUM ANALYZE")
    conn.execute("ALTER SYSTEM RESET max_wal_size")
    conn.execute("SELECT pg_reload_conf()")
    conn.execute("CHECKPOINT")  # what is left to write would be written while others are measured
    return made, queues


def _add_hosts(conn: psycopg.Connection[Any], company_id: UUID, hosts: int) -> list[Host]:
    conn.execute(
        "CREATE TEMPORARY TABLE new_host (id uuid, hours uuid, type uuid, slug text, zone text, schedule jsonb)"
    )
    with conn.cursor().copy("COPY new_host FROM STDIN") as copy:
        for number in range(hosts):
            zone, opens, closes = WEEKS[number % len(WEEKS)]
            own = [str(ids.new_id(company_id)) for _ in range(3)]
            copy.write_row([*own, f"host-{number}", zone, Jsonb(week(opens, closes))])
    conn.execute(_HOSTS)
    conn.execute(_HOURS)
    conn.execute(_TYPES, {"window": Jsonb(WINDOW)})
    conn.execute("INSERT INTO directory SELECT 'slug', new.slug, %s, new.id FROM new_host new", [company_id])
    found = conn.execute(
        """SELECT u.id, new.type, u.host_no, u.slug, u.timezone FROM new_host new JOIN user_account u USING (id)
           ORDER BY u.host_no"""
    )
    return [Host(*row) for row in found]


def _add_queue(conn: psycopg.Connection[Any], company_id: UUID, kind: str, hosts: list[Host], choices: int) -> UUID:
    type_id = ids.new_id(company_id)
    values = {
        "company": company_id,
        "queue": ids.new_id(company_id),
        "type": type_id,
        "kind": kind,
        "like": hosts[0].type_id,
        "members": [host.user_id for host in hosts[:10]],
        "choices": choices,
    }
    for statement in (_QUEUE_TYPE, _QUEUE, _MEMBERS, _CHOICES):
        conn.execute(statement, values)
    conn.execute("UPDATE meeting_type SET queue_id = %(queue)s WHERE id = %(type)s", values)
    return type_id


def week(opens: str, closes: str, days: tuple[str, ...] = DAYS[:5]) -> dict[str, Any]:
    """Write a weekly schedule as an availability keeps it."""
    hours = [{"start": opens, "end": closes}]
    return {day: {"enabled": day in days, "hours": hours if day in days else []} for day in DAYS}
