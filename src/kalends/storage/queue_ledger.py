"""The ledger of a queue as it is shown: who was chosen, out of whom, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.domain.assignment import QueueType

from .database import Connection
from .queues import COUNTS


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
