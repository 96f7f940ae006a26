"""The ledger of a queue: rows of queue_choice, who was chosen for what, out of whom, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.domain.assignment import Choice, QueueType
from kalends.domain.leads import Turn
from kalends.domain.spans import Span

from . import rows
from .database import Connection
from .parts import Part

_FOLDED_FROM = 20  # rows of one member

# Which rows of the ledger count.
_COUNTS = "live AND (expires_at IS NULL OR expires_at > %(now)s)"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One choice as the ledger keeps it; `live`: it counts."""

    id: int
    member_id: UUID
    user_ids: list[UUID]
    start_at: Instant
    strategy: QueueType
    reason: str
    candidates: list[dict[str, Any]]
    appointment_id: UUID | None
    live: bool
    created_at: Instant


@dataclass(frozen=True, slots=True)
class Had:
    """What a member had of the bookings that count: how many, and when he was chosen last."""

    count: int
    last_chosen: Instant | None


async def page(
    conn: Connection, company_id: UUID, queue_id: UUID, *, before: int | None, limit: int, now: Instant
) -> list[LedgerEntry]:
    """Read choices of a queue, newest first; those before one of them, or from the newest on."""
    async with conn.cursor(row_factory=class_row(LedgerEntry)) as cur:
        await cur.execute(
            f"""SELECT id, member_id, user_ids, start_at, strategy, reason, candidates, appointment_id,
                ({_COUNTS}) AS live, created_at
            FROM queue_choice WHERE company_id = %(company)s AND queue_id = %(queue)s
                AND (%(before)s::bigint IS NULL OR id < %(before)s)
            ORDER BY id DESC LIMIT %(limit)s""",
            {"company": company_id, "queue": queue_id, "before": before, "limit": limit, "now": now},
        )
        return await cur.fetchall()


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
            AND {_COUNTS} AND (%(leaving)s::uuid IS NULL OR reservation_id IS DISTINCT FROM %(leaving)s)
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
            WHERE company_id = %(company)s AND queue_id = %(queue)s AND {_COUNTS}
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
                AND {_COUNTS}
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


async def of_appointment(conn: Connection, company_id: UUID, appointment_id: UUID) -> set[UUID]:
    """Find the queues whose choices count for an appointment."""
    cursor = await conn.execute(
        "SELECT queue_id FROM queue_choice WHERE company_id = %s AND appointment_id = %s AND live",
        (company_id, appointment_id),
    )
    return {row[0] for row in await cursor.fetchall()}


def recording(
    *,
    company_id: UUID,
    queue_id: UUID,
    choice: Choice,
    user_ids: Sequence[UUID],
    start: Instant,
    appointment_id: UUID | None = None,
    reservation_id: UUID | None = None,
    expires_at: Instant | None = None,
    now: Instant,
) -> Part:
    """Write a choice into the ledger; the queue is locked.

    Args:
        user_ids: all hosts, the fixed ones too.
        expires_at: it stops counting then, unless it is settled or extended; None: it counts until it is dropped.
    """
    row = {
        "company_id": company_id,
        "queue_id": queue_id,
        "member_id": choice.member_id,
        "user_ids": list(user_ids),
        "start_at": start,
        "strategy": choice.strategy,
        "reason": choice.reason,
        "candidates": choice.candidates,
        "appointment_id": appointment_id,
        "reservation_id": reservation_id,
        "expires_at": expires_at,
        "created_at": now,
    }
    return Part("chosen", *rows.insert("queue_choice", [row]))


async def settle(conn: Connection, company_id: UUID, reservation_ids: Sequence[UUID], appointment_id: UUID) -> None:
    """Let the choices made for reservations, which live, stand for the appointment they became."""
    await conn.execute(
        """UPDATE queue_choice SET appointment_id = %s, expires_at = NULL
        WHERE company_id = %s AND reservation_id = ANY(%s) AND live""",
        (appointment_id, company_id, list(reservation_ids)),
    )


_UNSETTLE = """
    UPDATE queue_choice c SET appointment_id = NULL, expires_at = r.expires_at FROM reservation r
    WHERE c.company_id = %(company)s AND c.appointment_id = %(appointment)s AND c.live AND r.company_id = c.company_id
        AND r.id = c.reservation_id AND r.appointment_id = c.appointment_id AND r.expires_at > %(now)s
"""


async def unsettle(conn: Connection, company_id: UUID, appointment_id: UUID, now: Instant) -> None:
    """Let the choices made for reservations that still have seats in an appointment stand for those alone again."""
    await conn.execute(_UNSETTLE, {"company": company_id, "appointment": appointment_id, "now": now})


async def extend(conn: Connection, company_id: UUID, reservation_ids: Sequence[UUID], expires_at: Instant) -> None:
    """Let the choices made for reservations count as long as those live."""
    await conn.execute(
        """UPDATE queue_choice SET expires_at = %s
        WHERE company_id = %s AND reservation_id = ANY(%s) AND appointment_id IS NULL AND live""",
        (expires_at, company_id, list(reservation_ids)),
    )


async def drop(
    conn: Connection, company_id: UUID, *, appointment_id: UUID | None = None, reservation_ids: Sequence[UUID] = ()
) -> None:
    """Let the choices of an appointment, or of reservations that became none, not count any more."""
    await conn.execute(
        """
        UPDATE queue_choice SET live = false WHERE company_id = %s AND live
            AND (appointment_id = %s OR reservation_id = ANY(%s) AND appointment_id IS NULL)
        """,
        (company_id, appointment_id, list(reservation_ids)),
    )


async def chosen_by(conn: Connection, company_id: UUID, reservation_id: UUID) -> UUID | None:
    """Name the queue that chose for a reservation; None: no queue did."""
    cursor = await conn.execute(
        "SELECT queue_id FROM queue_choice WHERE company_id = %s AND reservation_id = %s", (company_id, reservation_id)
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def of_reservations(
    conn: Connection, company_id: UUID, reservation_ids: Sequence[UUID]
) -> dict[UUID, tuple[Choice, str | None]]:
    """Read the choices made for reservations, and the chosen members' custom links."""
    cursor = await conn.execute(
        """
        SELECT c.reservation_id, c.member_id, c.strategy, c.reason, c.candidates, u.custom_link FROM queue_choice c
        LEFT JOIN queue_user u ON u.company_id = c.company_id AND u.queue_id = c.queue_id AND u.user_id = c.member_id
        WHERE c.company_id = %s AND c.reservation_id = ANY(%s) AND c.live
        """,
        (company_id, list(reservation_ids)),
    )
    return {row[0]: (Choice(*row[1:5]), row[5]) for row in await cursor.fetchall()}


async def move(conn: Connection, company_id: UUID, appointment_id: UUID, start: Instant, now: Instant) -> None:
    """Let the choice of an appointment count in the period it moves to; one made for a reservation with seats in it,
    which stay where they are, counts there as well.
    """
    await conn.execute(
        f"""
        WITH staying AS ({_UNSETTLE} RETURNING c.*),
        moved AS (
            INSERT INTO queue_choice (company_id, queue_id, member_id, user_ids, start_at, strategy, reason, candidates,
                appointment_id, created_at)
            SELECT company_id, queue_id, member_id, user_ids, %(start)s, strategy, reason, candidates,
                %(appointment)s, created_at FROM staying
        )
        UPDATE queue_choice SET start_at = %(start)s
        WHERE company_id = %(company)s AND appointment_id = %(appointment)s AND live
            AND id NOT IN (SELECT id FROM staying)
        """,
        {"company": company_id, "appointment": appointment_id, "start": start, "now": now},
    )
