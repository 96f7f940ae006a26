"""The ledger of a queue: rows of queue_choice, who was chosen for what, out of whom, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.domain.assignment import Choice, QueueType

from . import rows
from .database import Connection
from .parts import Part

# Which rows of the ledger count.
COUNTS = "live AND (expires_at IS NULL OR expires_at > %(now)s)"


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


async def page(
    conn: Connection, company_id: UUID, queue_id: UUID, *, before: int | None, limit: int, now: Instant
) -> list[LedgerEntry]:
    """Read choices of a queue, newest first; those before one of them, or from the newest on."""
    async with conn.cursor(row_factory=class_row(LedgerEntry)) as cur:
        await cur.execute(
            f"""SELECT id, member_id, user_ids, start_at, strategy, reason, candidates, appointment_id,
                ({COUNTS}) AS live, created_at
            FROM queue_choice WHERE company_id = %(company)s AND queue_id = %(queue)s
                AND (%(before)s::bigint IS NULL OR id < %(before)s)
            ORDER BY id DESC LIMIT %(limit)s""",
            {"company": company_id, "queue": queue_id, "before": before, "limit": limit, "now": now},
        )
        return await cur.fetchall()


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
