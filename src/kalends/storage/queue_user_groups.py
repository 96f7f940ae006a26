"""Queue user groups: users of a queue who take one turn together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from . import rows, users
from .database import Connection
from .users import User


@dataclass(frozen=True, slots=True)
class QueueUserGroup:
    """A live group; `users` are its live users, in their order."""

    company_id: UUID
    id: UUID
    queue_id: UUID
    name: str
    capacity: int
    main_group_host_id: UUID | None
    created_at: Instant
    updated_at: Instant
    users: tuple[User, ...]


async def find(
    conn: Connection, company_id: UUID, *, queue_ids: Sequence[UUID] | None = None, group_id: UUID | None = None
) -> list[QueueUserGroup]:
    """Find the live groups of queues, in their order, or the one of this id; two statements."""
    cursor = await conn.execute(
        """
        SELECT g.company_id, g.id, g.queue_id, g.name, g.capacity, g.main_group_host_id, g.created_at, g.updated_at,
            ARRAY(SELECT m.user_id FROM queue_group_user m WHERE m.company_id = g.company_id AND m.group_id = g.id
                ORDER BY m.position, m.user_id)
        FROM queue_user_group g
        WHERE g.company_id = %(company)s AND g.deleted_at IS NULL
            AND (g.queue_id = ANY(%(queues)s) OR g.id = %(group)s)
        ORDER BY g.position, g.id
        """,
        {"company": company_id, "queues": list(queue_ids or ()), "group": group_id},
    )
    found = await cursor.fetchall()
    members = await users.by_ids(conn, company_id, {one for row in found for one in row[-1]})
    return [QueueUserGroup(*(*row[:-1], tuple(members[one] for one in row[-1] if one in members))) for row in found]


async def create(conn: Connection, row: Mapping[str, Any]) -> None:
    """Insert a group from columns, behind all others of its queue, which is locked."""
    query, values = rows.insert("queue_user_group", [{**row, "position": -1}])
    await conn.execute(query, values)
    await conn.execute(
        """
        UPDATE queue_user_group SET position = 1 + greatest(
            (SELECT max(position) FROM queue_user WHERE company_id = %(company)s AND queue_id = %(queue)s),
            (SELECT max(position) FROM queue_user_group WHERE company_id = %(company)s AND queue_id = %(queue)s))
        WHERE company_id = %(company)s AND id = %(group)s
        """,
        {"company": row["company_id"], "queue": row["queue_id"], "group": row["id"]},
    )


async def change(conn: Connection, company_id: UUID, group_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of one group; its queue is locked."""
    await conn.execute(*rows.update("queue_user_group", company_id, group_id, changes))


async def add_user(conn: Connection, company_id: UUID, group_id: UUID, user_id: UUID) -> None:
    """Put a user, who is not in the group, behind the others."""
    await conn.execute(
        """
        INSERT INTO queue_group_user (company_id, group_id, user_id, position)
        SELECT %(company)s, %(group)s, %(user)s, coalesce(max(position), -1) + 1 FROM queue_group_user
        WHERE company_id = %(company)s AND group_id = %(group)s
        """,
        {"company": company_id, "group": group_id, "user": user_id},
    )


async def remove_user(conn: Connection, company_id: UUID, group_id: UUID, user_id: UUID) -> None:
    """Take a user out of a group."""
    await conn.execute(
        "DELETE FROM queue_group_user WHERE company_id = %s AND group_id = %s AND user_id = %s",
        (company_id, group_id, user_id),
    )
