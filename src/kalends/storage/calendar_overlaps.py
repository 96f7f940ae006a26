"""Overlaps: what stands in a host's calendars beside his appointments, and which of it he was told of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.domain.sync import LONGEST_HOURS, Meeting

from .database import Connection


async def meetings(
    conn: Connection, company_id: UUID, user_id: UUID, *, first: Instant, last: Instant
) -> list[Meeting]:
    """List a host's live appointments that touch a span, by start; he is locked."""
    async with conn.cursor(row_factory=class_row(Meeting)) as cur:
        await cur.execute(
            """
            SELECT a.id AS appointment_id, a.start_at AS start, a.end_at AS end
            FROM appointment_host h JOIN appointment a ON a.company_id = h.company_id AND a.id = h.appointment_id
            WHERE h.company_id = %s AND h.user_id = %s AND h.live AND h.start_at > %s AND h.start_at < %s
                AND a.end_at > %s
            ORDER BY a.start_at, a.id
            """,
            (company_id, user_id, first.subtract(hours=LONGEST_HOURS), last, first),
        )
        return await cur.fetchall()


@dataclass(frozen=True, slots=True)
class Blocking:
    """Time that an event in one of a host's calendars takes."""

    event_id: int
    connection_id: UUID
    calendar_id: UUID
    start: Instant
    end: Instant


async def events(
    conn: Connection,
    company_id: UUID,
    *,
    host_nos: Sequence[int],
    first: Instant,
    last: Instant,
    named: Sequence[UUID],
) -> list[Blocking]:
    """List what blocks hosts, who are locked, within [first, last), by start.

    Args:
        named: calendars that alone count of a host who has any of them.
    """
    async with conn.cursor(row_factory=class_row(Blocking)) as cur:
        await cur.execute(
            """
            WITH his AS (
                SELECT k.no, k.id, k.connection_id, n.user_id, k.id = ANY(%(named)s) AS is_named
                FROM user_account u
                JOIN calendar_connection n ON n.company_id = u.company_id AND n.user_id = u.id
                    AND n.deleted_at IS NULL AND n.validate_availability
                JOIN calendar k ON k.company_id = n.company_id AND k.connection_id = n.id AND k.selected
                WHERE u.company_id = %(company)s AND u.host_no = ANY(%(hosts)s))
            SELECT b.event_id, his.connection_id, his.id AS calendar_id, b.start_at AS start, b.end_at AS end
            FROM busy_event b JOIN his ON his.no = b.calendar_no
            WHERE b.host_no = ANY(%(hosts)s) AND b.end_at > %(first)s AND b.start_at < %(last)s AND b.end_at < %(until)s
                AND (his.is_named OR NOT EXISTS (
                    SELECT FROM his other WHERE other.user_id = his.user_id AND other.is_named))
            ORDER BY b.start_at, b.event_id
            """,
            {
                "company": company_id,
                "hosts": list(host_nos),
                "first": first,
                "last": last,
                "until": last.add(hours=LONGEST_HOURS),  # ends the scan of the index
                "named": list(named),
            },
        )
        return await cur.fetchall()


async def tell(conn: Connection, event_id: int, appointment_ids: Collection[UUID]) -> set[UUID]:
    """Note that a host is told of what an event disagrees with; answers of which he was not yet."""
    cursor = await conn.execute(
        """
        WITH before AS (SELECT told FROM calendar_event WHERE id = %(event)s)
        UPDATE calendar_event e SET told = ARRAY(SELECT DISTINCT unnest(e.told || %(news)s::uuid[]))
        FROM before WHERE e.id = %(event)s RETURNING before.told
        """,
        {"event": event_id, "news": list(appointment_ids)},
    )
    row = await cursor.fetchone()
    return set(appointment_ids) - set(row[0]) if row else set()
