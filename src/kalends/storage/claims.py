"""Claims: taken time of one host, padding included (design section 4).

The exclusion constraint is the last word on double bookings; only its violation is told as `SlotClaimed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from whenever import Instant

from .database import Connection


class SlotClaimed(Exception):
    """Somebody else's exclusive claim overlaps this one; the transaction cannot go on."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Time one appointment takes of one host, half-open; not exclusive where a host chose to overlap."""

    host_no: int
    start: Instant
    end: Instant
    exclusive: bool = True


async def take(conn: Connection, *, company_id: UUID, appointment_id: UUID, claims: Sequence[Claim]) -> None:
    """Write the claims of an appointment; the hosts are locked.

    Raises:
        SlotClaimed: an exclusive claim of another appointment overlaps one of them.
    """
    try:
        await conn.execute(
            """
            INSERT INTO claim (company_id, host_no, start_at, end_at, exclusive, appointment_id)
            SELECT %s, taken.host_no, taken.start_at, taken.end_at, taken.exclusive, %s
            FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::boolean[])
                AS taken(host_no, start_at, end_at, exclusive)
            """,
            (
                company_id,
                appointment_id,
                [claim.host_no for claim in claims],
                [claim.start for claim in claims],
                [claim.end for claim in claims],
                [claim.exclusive for claim in claims],
            ),
        )
    except psycopg.errors.ExclusionViolation as error:
        raise SlotClaimed from error


async def release(conn: Connection, *, company_id: UUID, appointment_id: UUID) -> None:
    """Give back all time an appointment takes."""
    await conn.execute("DELETE FROM claim WHERE company_id = %s AND appointment_id = %s", (company_id, appointment_id))


async def sweep(conn: Connection, *, host_nos: Sequence[int], start: Instant, end: Instant, now: Instant) -> None:
    """Delete expired claims that stand in the way of [start, end); the hosts are locked."""
    await conn.execute(
        "DELETE FROM claim WHERE host_no = ANY(%s) AND end_at > %s AND start_at < %s AND expires_at <= %s",
        (list(host_nos), start, end, now),
    )


async def exclusive_between(
    conn: Connection, *, host_nos: Sequence[int], start: Instant, end: Instant
) -> list[tuple[int, Instant, Instant]]:
    """Find the exclusive claims that meet [start, end), as (host_no, start, end) by start."""
    cursor = await conn.execute(
        """
        SELECT host_no, start_at, end_at FROM claim
        WHERE host_no = ANY(%s) AND end_at > %s AND start_at < %s AND exclusive ORDER BY start_at
        """,
        (list(host_nos), start, end),
    )
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def meet_appointment(conn: Connection, *, host_no: int, start: Instant, end: Instant, moved: UUID | None) -> bool:
    """Tell whether an appointment claimed by a host meets [start, end) itself, not only with its buffers."""
    cursor = await conn.execute(
        """
        SELECT FROM claim c JOIN appointment a ON a.company_id = c.company_id AND a.id = c.appointment_id
        WHERE c.host_no = %(host)s AND c.end_at > %(start)s AND c.start_at < %(end)s
            AND a.end_at > %(start)s AND a.start_at < %(end)s AND (%(moved)s::uuid IS NULL OR a.id <> %(moved)s)
        LIMIT 1
        """,
        {"host": host_no, "start": start, "end": end, "moved": moved},
    )
    return cursor.rowcount > 0


async def sweep_old(conn: Connection, now: Instant) -> None:
    """Delete, for a periodic job, what takes no time any more: expired claims and those that ended over a day ago.

    A claim that somebody holds locked is left for the next time.
    """
    await conn.execute(
        """
        DELETE FROM claim WHERE id IN (
            SELECT id FROM claim WHERE end_at < %s OR expires_at <= %s FOR UPDATE SKIP LOCKED
        )
        """,
        (now.subtract(hours=24), now),
    )
