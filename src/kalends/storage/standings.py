"""Standings: live appointments still ahead, beside what was written of them to their hosts' calendars.

What we take out of a calendar ourselves is left out: whether it is still there says nothing of its host.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.findings import Standing

from .calendar_writes import REFUSED
from .database import Connection


@dataclass(frozen=True, slots=True)
class StandingEntry:
    """An entry that stands for a live appointment, and how that is.

    Attributes:
        standing: what its event is compared with.
        revision: of the appointment.
        etag: the provider's version of what was written.
        in_hand: it is being written right now, or once more in a moment, so the calendar may show what is not noted
            yet.
    """

    appointment_id: UUID
    remote_id: str
    standing: Standing
    revision: int
    etag: str | None
    written_at: Instant
    in_hand: bool


_WRITTEN = f"""
    SELECT a.id, e.remote_id, a.start_at, a.end_at, e.start_at, e.end_at,
        (SELECT jsonb_object_agg(lower(g.email),
                coalesce(g.answer, CASE WHEN g.brought_along THEN 'needs-action' ELSE 'accepted' END)) FROM attendee g
            WHERE g.company_id = a.company_id AND g.appointment_id = a.id AND g.cancelled_at IS NULL
                AND g.email IS NOT NULL),
        a.revision, e.etag, e.written_at,
        EXISTS (SELECT FROM calendar_write w WHERE w.company_id = a.company_id AND w.appointment_id = a.id
            AND w.user_id = e.user_id AND w.error IS DISTINCT FROM '{REFUSED}'
            AND (w.due_at IS NULL OR w.error IS NULL)),
        e.tried
    FROM calendar_entry e
    JOIN appointment a ON a.company_id = e.company_id AND a.id = e.appointment_id
    JOIN appointment_host h
        ON h.company_id = a.company_id AND h.appointment_id = a.id AND h.user_id = e.user_id AND h.live
    WHERE e.company_id = %(company)s AND e.calendar_id = %(calendar)s AND e.part = 'event'
        AND NOT e.leaving AND a.cancelled_at IS NULL AND a.end_at > %(now)s
"""


async def in_calendar(conn: Connection, company_id: UUID, calendar_id: UUID, now: Instant) -> list[StandingEntry]:
    """List what stands in a calendar of appointments that are ahead, by their start."""
    return await _written(conn, "", {"company": company_id, "calendar": calendar_id, "now": now})


async def named(
    conn: Connection, company_id: UUID, calendar_id: UUID, remote_ids: Collection[str], now: Instant
) -> list[StandingEntry]:
    """List those of certain names."""
    values = {"company": company_id, "calendar": calendar_id, "now": now, "ids": list(remote_ids)}
    return await _written(conn, " AND e.remote_id = ANY(%(ids)s)", values)


async def count(conn: Connection, company_id: UUID, calendar_id: UUID, now: Instant) -> int:
    """Count them all."""
    values = {"company": company_id, "calendar": calendar_id, "now": now}
    cursor = await conn.execute(f"SELECT count(*) FROM ({_WRITTEN}) found", values)
    row = await cursor.fetchone()
    return row[0] if row else 0


async def _written(conn: Connection, rule: str, values: dict[str, object]) -> list[StandingEntry]:
    cursor = await conn.execute(_WRITTEN + rule + " ORDER BY a.start_at, a.id", values)
    return [StandingEntry(row[0], row[1], _standing(row[2:7], row[11]), *row[7:11]) for row in await cursor.fetchall()]


def _standing(row: Sequence[Any], tried: Sequence[Instant]) -> Standing:
    start, end, written_start, written_end, guests = row
    spans = tuple(zip(tried[::2], tried[1::2], strict=True))
    return Standing(start, end, (written_start, written_end), guests or {}, spans)
