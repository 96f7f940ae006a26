"""Booked starts: what counts against caps, and the group appointments that have seats; in one statement each.

Starts leave here as epoch minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from .database import Connection

# A session that has reservations only counts once, however many they are.
_COUNTED = """
    SELECT NULL::uuid, floor(date_part('epoch', a.start_at) / 60)::int FROM appointment a
    WHERE a.company_id = %(company)s AND a.meeting_type_id = %(type)s AND a.cancelled_at IS NULL
        AND a.start_at >= %(first)s AND a.start_at < %(last)s AND (%(moved)s::uuid IS NULL OR a.id <> %(moved)s)
    UNION ALL
    SELECT h.user_id, floor(date_part('epoch', h.start_at) / 60)::int FROM appointment_host h
    WHERE h.company_id = %(company)s AND h.user_id = ANY(%(hosts)s) AND h.live
        AND h.start_at >= %(first)s AND h.start_at < %(last)s
        AND (%(moved)s::uuid IS NULL OR h.appointment_id <> %(moved)s)
    UNION ALL
    SELECT who.id, floor(date_part('epoch', kept.start_at) / 60)::int FROM (
        SELECT DISTINCT ON (r.meeting_type_id, r.start_at, r.end_at, r.host_ids[1],
                            CASE WHEN t.spots > 1 THEN NULL ELSE r.id END)
            r.meeting_type_id, r.start_at, r.host_ids
        FROM reservation r JOIN meeting_type t ON t.company_id = r.company_id AND t.id = r.meeting_type_id
        WHERE r.company_id = %(company)s AND (r.meeting_type_id = %(type)s OR r.host_ids && %(hosts)s::uuid[])
            AND r.appointment_id IS NULL AND r.expires_at > %(now)s
            AND r.start_at >= %(first)s AND r.start_at < %(last)s AND (%(hold)s::uuid IS NULL OR r.id <> %(hold)s)
    ) kept
    CROSS JOIN LATERAL (
        SELECT NULL::uuid WHERE kept.meeting_type_id = %(type)s
        UNION ALL
        SELECT host.id FROM unnest(kept.host_ids) host(id) WHERE host.id = ANY(%(hosts)s)
    ) who(id)
"""

# A start with seconds is no slot, so nobody can join there.
_SEATED = """
    SELECT a.id AS appointment_id, floor(date_part('epoch', a.start_at) / 60)::int AS start, who.ids AS host_ids,
        (SELECT count(*) FROM attendee g
         WHERE g.company_id = a.company_id AND g.appointment_id = a.id AND g.cancelled_at IS NULL)::int
        + (SELECT coalesce(sum(r.seats), 0) FROM reservation r
           WHERE r.company_id = a.company_id AND r.meeting_type_id = a.meeting_type_id AND r.start_at = a.start_at
                AND r.appointment_id = a.id AND r.expires_at > %(now)s AND r.id IS DISTINCT FROM %(hold)s)::int AS taken
    FROM appointment a
    CROSS JOIN LATERAL (SELECT array_agg(h.user_id ORDER BY h.position) AS ids FROM appointment_host h
        WHERE h.company_id = a.company_id AND h.appointment_id = a.id) who
    WHERE a.company_id = %(company)s AND a.meeting_type_id = %(type)s AND a.cancelled_at IS NULL
        AND a.start_at >= %(first)s AND a.start_at < %(last)s AND date_trunc('minute', a.start_at) = a.start_at
        AND a.end_at = a.start_at + make_interval(mins => %(duration)s) AND who.ids[1] = ANY(%(hosts)s)
    UNION ALL
    SELECT NULL, floor(date_part('epoch', r.start_at) / 60)::int, r.host_ids, r.seats FROM reservation r
    WHERE r.company_id = %(company)s AND r.meeting_type_id = %(type)s AND r.appointment_id IS NULL
        AND r.expires_at > %(now)s AND r.id IS DISTINCT FROM %(hold)s
        AND r.start_at >= %(first)s AND r.start_at < %(last)s AND date_trunc('minute', r.start_at) = r.start_at
        AND r.end_at = r.start_at + make_interval(mins => %(duration)s) AND r.host_ids[1] = ANY(%(hosts)s)
"""


@dataclass(frozen=True, slots=True)
class Seated:
    """Seats taken at one start: of a group appointment, or of one reservation where there is none (yet).

    Attributes:
        host_ids: the main host first.
        taken: seats of live attendees, and of live reservations in the appointment.
    """

    appointment_id: UUID | None
    start: int
    host_ids: list[UUID]
    taken: int


async def counted(
    conn: Connection,
    *,
    company_id: UUID,
    meeting_type_id: UUID,
    host_ids: Sequence[UUID],
    first: Instant,
    last: Instant,
    moved: UUID | None,
    hold: UUID | None,
    now: Instant,
) -> dict[UUID | None, list[int]]:
    """Read the starts in [first, last) that count against caps: the type's under None, each host's under his id.

    Those are appointments, holds and pending bookings, without the moved appointment and the caller's own hold.
    """
    cursor = await conn.execute(
        _COUNTED,
        {
            "company": company_id,
            "type": meeting_type_id,
            "hosts": list(host_ids),
            "first": first,
            "last": last,
            "moved": moved,
            "hold": hold,
            "now": now,
        },
    )
    starts: dict[UUID | None, list[int]] = {}
    for user_id, start in await cursor.fetchall():
        starts.setdefault(user_id, []).append(start)
    return starts


async def seated(
    conn: Connection,
    *,
    company_id: UUID,
    meeting_type_id: UUID,
    host_ids: Sequence[UUID],
    duration: int,
    first: Instant,
    last: Instant,
    hold: UUID | None,
    now: Instant,
) -> Sequence[Seated]:
    """Read who sits where in a type of several seats, for starts in [first, last).

    Args:
        host_ids: main hosts that count.
        duration: minutes.
        hold: the caller's own, whose seats are not taken for him.
    """
    async with conn.cursor(row_factory=class_row(Seated)) as cur:
        await cur.execute(
            _SEATED,
            {
                "company": company_id,
                "type": meeting_type_id,
                "hosts": list(host_ids),
                "duration": duration,
                "first": first,
                "last": last,
                "hold": hold,
                "now": now,
            },
        )
        return await cur.fetchall()
