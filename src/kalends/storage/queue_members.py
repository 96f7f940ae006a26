"""Queues as their owners see them: rows of queue and queue_user, for as long as the meeting type is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.domain.assignment import QueueType
from kalends.domain.caps import Period

from . import rows
from .database import Connection


@dataclass(frozen=True, slots=True)
class Queue:
    """One row of queue; `type_owner_id` and `zone` are those of its meeting type and its schedule."""

    company_id: UUID
    id: UUID
    meeting_type_id: UUID
    type: QueueType
    max_lead_threshold: int | None
    distribution_period: Period
    prioritize_near_term: bool
    created_at: Instant
    updated_at: Instant
    type_owner_id: UUID
    zone: str


@dataclass(frozen=True, slots=True)
class QueueUser:
    """A live user who is in a queue; a `fixed` one hosts beside whoever is chosen."""

    queue_id: UUID
    user_id: UUID
    capacity: int
    priority: int
    custom_link: str | None
    fixed: bool


async def find(
    conn: Connection, company_id: UUID, *, queue_id: UUID | None = None, meeting_type_id: UUID | None = None
) -> list[Queue]:
    """Find the company's queues, oldest first: all, or the one of this id or of this meeting type."""
    async with conn.cursor(row_factory=class_row(Queue)) as cur:
        await cur.execute(
            """
            SELECT q.company_id, q.id, q.meeting_type_id, q.type, q.max_lead_threshold, q.distribution_period,
                q.prioritize_near_term, q.created_at, q.updated_at, t.user_id AS type_owner_id,
                coalesce(hours.timezone, owner.timezone) AS zone
            FROM queue q
            JOIN meeting_type t ON t.company_id = q.company_id AND t.id = q.meeting_type_id
            JOIN user_account owner ON owner.company_id = t.company_id AND owner.id = t.user_id
            LEFT JOIN availability hours ON hours.company_id = t.company_id
                AND hours.id = coalesce(t.availability_id, owner.default_availability_id)
            WHERE q.company_id = %(company)s AND t.deleted_at IS NULL
                AND (%(queue)s::uuid IS NULL OR q.id = %(queue)s)
                AND (%(type)s::uuid IS NULL OR q.meeting_type_id = %(type)s)
            ORDER BY q.created_at, q.id
            """,
            {"company": company_id, "queue": queue_id, "type": meeting_type_id},
        )
        return await cur.fetchall()


async def users(conn: Connection, company_id: UUID, queue_ids: Sequence[UUID]) -> list[QueueUser]:
    """List the live users of queues, in their order."""
    async with conn.cursor(row_factory=class_row(QueueUser)) as cur:
        await cur.execute(
            """
            SELECT u.queue_id, u.user_id, u.capacity, u.priority, u.custom_link, u.fixed
            FROM queue_user u JOIN user_account a ON a.company_id = u.company_id AND a.id = u.user_id
            WHERE u.company_id = %s AND u.queue_id = ANY(%s) AND a.deleted_at IS NULL
            ORDER BY u.position, u.user_id
            """,
            (company_id, list(queue_ids)),
        )
        return await cur.fetchall()


async def create(conn: Connection, row: Mapping[str, Any]) -> None:
    """Insert a queue from columns, and let its meeting type, which is locked, have it."""
    await conn.execute(*rows.insert("queue", [row]))
    await conn.execute(*rows.update("meeting_type", row["company_id"], row["meeting_type_id"], {"queue_id": row["id"]}))


async def change(conn: Connection, company_id: UUID, queue_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of one queue; the caller has locked it."""
    await conn.execute(*rows.update("queue", company_id, queue_id, changes))


async def add_user(
    conn: Connection, company_id: UUID, queue_id: UUID, user_id: UUID, *, capacity: int, now: Instant
) -> None:
    """Put a user, who is not in the queue, behind all others of it."""
    await conn.execute(
        """
        INSERT INTO queue_user (company_id, queue_id, user_id, position, capacity, joined_at)
        VALUES (%(company)s, %(queue)s, %(user)s, 1 + greatest(
            (SELECT max(position) FROM queue_user WHERE company_id = %(company)s AND queue_id = %(queue)s),
            (SELECT max(position) FROM queue_user_group WHERE company_id = %(company)s AND queue_id = %(queue)s),
            -1), %(capacity)s, %(now)s)
        """,
        {"company": company_id, "queue": queue_id, "user": user_id, "capacity": capacity, "now": now},
    )


async def remove_user(conn: Connection, company_id: UUID, queue_id: UUID, user_id: UUID) -> None:
    """Take a user out of a queue; what he was chosen for stays in the ledger."""
    await conn.execute(
        "DELETE FROM queue_user WHERE company_id = %s AND queue_id = %s AND user_id = %s",
        (company_id, queue_id, user_id),
    )


async def change_user(conn: Connection, company_id: UUID, user: QueueUser) -> None:
    """Write what somebody is in his queue."""
    await conn.execute(
        """UPDATE queue_user SET capacity = %s, priority = %s, custom_link = %s, fixed = %s
        WHERE company_id = %s AND queue_id = %s AND user_id = %s""",
        (user.capacity, user.priority, user.custom_link, user.fixed, company_id, user.queue_id, user.user_id),
    )


async def settle_member(
    conn: Connection, company_id: UUID, queue_id: UUID, member_id: UUID, *, baseline: float, joined: Instant
) -> None:
    """Write where a rotating member, a user or a group, stands."""
    values = {"company": company_id, "queue": queue_id, "member": member_id, "baseline": baseline, "joined": joined}
    await conn.execute(
        """UPDATE queue_user SET baseline = %(baseline)s, joined_at = %(joined)s
        WHERE company_id = %(company)s AND queue_id = %(queue)s AND user_id = %(member)s""",
        values,
    )
    await conn.execute(
        """UPDATE queue_user_group SET baseline = %(baseline)s, joined_at = %(joined)s
        WHERE company_id = %(company)s AND queue_id = %(queue)s AND id = %(member)s""",
        values,
    )
