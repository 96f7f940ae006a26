"""Turns of a queue: what of its ledger counts, by member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.domain.leads import Turn
from kalends.domain.spans import Span

from .database import Connection
from .queue_ledger import COUNTS

_FOLDED_FROM = 20  # rows of one member


@dataclass(frozen=True, slots=True)
class Had:
    """What a member had of the bookings that count: how many, and when he was chosen last."""

    count: int
    last_chosen: Instant | None


async def turns(
    conn: Connection,
    company_id: UUID,
    queue_id: UUID,
    *,
    first: Instant,
    last: Instant,
    now: Instant,
    leaving: UUID | None = None,
) -> dict[UUID, list[Turn]]:
    """Read the turns that count and start in [first, last), by member.

    Args:
        leaving: a reservation that is not counted.
    """
    cursor = await conn.execute(
        f"""
        SELECT member_id, array_agg(floor(date_part('epoch', start_at) / 60)::int), array_agg(created_at)
        FROM queue_choice
        WHERE company_id = %(company)s AND queue_id = %(queue)s AND start_at >= %(first)s AND start_at < %(last)s
            AND {COUNTS} AND (%(leaving)s::uuid IS NULL OR reservation_id IS DISTINCT FROM %(leaving)s)
        GROUP BY member_id
        """,
        {"company": company_id, "queue": queue_id, "first": first, "last": last, "now": now, "leaving": leaving},
    )
    return {member: list(map(Turn, begun, made)) for member, begun, made in await cursor.fetchall()}


async def tally(
    conn: Connection,
    company_id: UUID,
    queue_id: UUID,
    *,
    spans: Sequence[Span],
    moments: Sequence[Instant],
    now: Instant,
) -> dict[UUID, list[Turn]]:
    """Count the turns that count and start in one of the spans, by member.

    Those of one member made between two of the moments come as one, whose start is that of one of them.

    Args:
        spans: in epoch minutes.
        moments: ascending, at least one.
    """
    cursor = await conn.execute(
        f"""
        SELECT member_id, array_agg(start), array_agg(made), array_agg(times) FROM (
            SELECT member_id, floor(date_part('epoch', min(start_at)) / 60)::int AS start, min(created_at) AS made,
                count(*) AS times
            FROM queue_choice JOIN unnest(%(firsts)s::timestamptz[], %(lasts)s::timestamptz[]) AS span (first, last)
                ON start_at >= span.first AND start_at < span.last
            WHERE company_id = %(company)s AND queue_id = %(queue)s AND {COUNTS}
            GROUP BY member_id, width_bucket(created_at, %(moments)s::timestamptz[])
        ) AS between_two
        GROUP BY member_id
        """,
        {
            "company": company_id,
            "queue": queue_id,
            "firsts": [Instant.from_timestamp(first * 60) for first, _ in spans],
            "lasts": [Instant.from_timestamp(last * 60) for _, last in spans],
            "moments": list(moments),
            "now": now,
        },
    )
    return {member: list(map(Turn, *columns)) for member, *columns in await cursor.fetchall()}


async def had(conn: Connection, company_id: UUID, queue_id: UUID, *, now: Instant) -> dict[UUID, Had]:
    """Count all turns that count, by member; those who had none are left out.

    It takes as long for a queue of many bookings as for one of few: those that stand are counted as they happen.
    """
    cursor = await conn.execute(
        f"""
        SELECT member_id, sum(turns)::bigint, (
            SELECT q.created_at FROM queue_choice q
            WHERE q.company_id = %(company)s AND q.queue_id = %(queue)s AND q.member_id = counted.member_id
                AND {COUNTS}
            ORDER BY q.created_at DESC LIMIT 1)
        FROM (
            SELECT member_id, turns FROM queue_turns WHERE company_id = %(company)s AND queue_id = %(queue)s
            UNION ALL
            SELECT member_id, 1 FROM queue_choice
            WHERE company_id = %(company)s AND queue_id = %(queue)s AND live AND expires_at > %(now)s
        ) counted
        GROUP BY member_id HAVING sum(turns) > 0
        """,
        {"company": company_id, "queue": queue_id, "now": now},
    )
    return {row[0]: Had(row[1], row[2]) for row in await cursor.fetchall()}


async def fold(conn: Connection) -> None:
    """Sum up the counted turns of the queues that have many rows of them, for a periodic job; it locks no queue."""
    await conn.execute(
        """
        WITH folded AS (
            DELETE FROM queue_turns WHERE (company_id, queue_id, member_id) IN (
                SELECT company_id, queue_id, member_id FROM queue_turns GROUP BY 1, 2, 3 HAVING count(*) > %s)
            RETURNING company_id, queue_id, member_id, turns
        )
        INSERT INTO queue_turns
        SELECT company_id, queue_id, member_id, sum(turns) FROM folded GROUP BY 1, 2, 3 HAVING sum(turns) <> 0
        """,
        (_FOLDED_FROM,),
    )
