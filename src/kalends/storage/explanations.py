"""Explanations: what stands behind a claim or an exception, for those who may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from .database import Connection

_CLAIMED = """
    SELECT c.host_no, c.start_at AS start, c.end_at AS end,
        CASE WHEN c.appointment_id IS NOT NULL THEN 'appointment'
             WHEN r.provisional_id IS NOT NULL THEN 'pending' ELSE 'hold' END AS kind,
        c.appointment_id, coalesce(a.meeting_info->>'name', t.meeting_info->>'name') AS name,
        coalesce(a.start_at, r.start_at) AS begins, coalesce(a.end_at, r.end_at) AS ends
    FROM claim c
    LEFT JOIN appointment a ON a.company_id = c.company_id AND a.id = c.appointment_id
    LEFT JOIN reservation r ON r.company_id = c.company_id AND r.id = c.reservation_id
    LEFT JOIN meeting_type t ON t.company_id = r.company_id AND t.id = r.meeting_type_id
    WHERE c.company_id = %(company)s AND c.host_no = ANY(%(hosts)s) AND c.end_at > %(first)s AND c.start_at < %(last)s
        AND (c.expires_at IS NULL OR c.expires_at > %(now)s)
    ORDER BY c.start_at, c.id
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim with what it is for.

    Attributes:
        start, end: what is claimed, buffers included.
        begins, ends: the appointment itself, or the one a reservation is kept for.
        name: of the meeting.
    """

    host_no: int
    start: Instant
    end: Instant
    kind: Literal["appointment", "hold", "pending"]
    appointment_id: UUID | None
    name: str | None
    begins: Instant
    ends: Instant


async def claimed(
    conn: Connection, company_id: UUID, *, host_nos: Sequence[int], first: Instant, last: Instant, now: Instant
) -> Sequence[Claimed]:
    """List the live claims of the company's hosts that meet [first, last), by start."""
    async with conn.cursor(row_factory=class_row(Claimed)) as cur:
        await cur.execute(
            _CLAIMED, {"company": company_id, "hosts": list(host_nos), "first": first, "last": last, "now": now}
        )
        return await cur.fetchall()


async def titles(conn: Connection, company_id: UUID, exception_ids: Sequence[int]) -> dict[int, str | None]:
    """Find the titles of availability exceptions."""
    cursor = await conn.execute(
        "SELECT id, title FROM availability_exception WHERE company_id = %s AND id = ANY(%s)",
        (company_id, list(exception_ids)),
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}
