"""Queues: their members as the slot engine and the assignment see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from whenever import Instant

from kalends.domain.assignment import QueueType
from kalends.domain.caps import Period

from .database import Connection


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who takes his turn: a user, or a group whose users host together.

    Attributes:
        user_ids: who hosts when he is chosen, the main host first.
        capacity, priority: contract 2.10; a group has no priority (0).
        custom_link: where guests are sent instead of the type's page.
        baseline: what he is counted ahead of his own bookings.
        joined: when he came to rotate.
    """

    id: UUID
    kind: Literal["user", "group"]
    user_ids: tuple[UUID, ...]
    capacity: int
    priority: int
    position: int
    custom_link: str | None
    baseline: float
    joined: Instant


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue with all who are live in it; `members` rotate, in their order, and the `fixed` host beside them."""

    id: UUID
    meeting_type_id: UUID
    type: QueueType
    max_lead_threshold: int | None
    distribution_period: Period
    prioritize_near_term: bool
    members: tuple[Member, ...]
    fixed: tuple[UUID, ...]


_STATE = """
    SELECT q.id, q.meeting_type_id, q.type, q.max_lead_threshold, q.distribution_period, q.prioritize_near_term,
        m.fixed, m.id, m.kind, m.user_ids, m.capacity, m.priority, m.position, m.custom_link, m.baseline, m.joined
    FROM queue q LEFT JOIN LATERAL (
        SELECT u.fixed, u.user_id AS id, 'user' AS kind, ARRAY[u.user_id] AS user_ids, u.capacity, u.priority,
            u.position, u.custom_link, u.baseline, u.joined_at AS joined
        FROM queue_user u JOIN user_account a ON a.company_id = u.company_id AND a.id = u.user_id
        WHERE u.company_id = q.company_id AND u.queue_id = q.id AND a.deleted_at IS NULL
        UNION ALL
        SELECT false, g.id, 'group', array_agg(u.user_id ORDER BY u.user_id <> coalesce(g.main_group_host_id,
            u.user_id), u.position), g.capacity, 0, g.position, NULL, g.baseline, g.joined_at
        FROM queue_user_group g
        JOIN queue_group_user u ON u.company_id = g.company_id AND u.group_id = g.id
        JOIN user_account a ON a.company_id = u.company_id AND a.id = u.user_id
        WHERE g.company_id = q.company_id AND g.queue_id = q.id AND g.deleted_at IS NULL AND a.deleted_at IS NULL
        GROUP BY g.company_id, g.id
    ) m ON true
    WHERE q.company_id = %s AND q.id = %s ORDER BY m.position, m.id
"""


async def state(conn: Connection, company_id: UUID, queue_id: UUID) -> QueueState | None:
    """Read a queue with its live users and the groups that have any; one statement."""
    cursor = await conn.execute(_STATE, (company_id, queue_id))
    found = await cursor.fetchall()
    if not found:
        return None
    rotating, fixed = [], []
    for is_fixed, member_id, kind, user_ids, *rest in (row[6:] for row in found if row[7]):
        if is_fixed:
            fixed.append(member_id)
        else:
            rotating.append(Member(member_id, kind, tuple(user_ids), *rest))
    queue_id, kind_id, queue_type, threshold, period, near_term = found[0][:6]
    return QueueState(queue_id, kind_id, queue_type, threshold, period, near_term, tuple(rotating), tuple(fixed))
