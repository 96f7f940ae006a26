"""The change feed: a company's events in the order of their positions (storage/event_positions.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from .database import Connection
from .events import Kind


@dataclass(frozen=True, slots=True)
class Event:
    """One event as the feed shows it; `before` None: what it is of was made then."""

    kind: Kind
    appointment_id: UUID | None
    provisional_id: UUID | None
    connection_id: UUID | None
    revision: int
    actor: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any]
    created_at: Instant


async def position(
    conn: Connection, company_id: UUID, *, subject_id: UUID, revision: int, created_at: Instant
) -> int | None:
    """Find the position of an event by what it is of; None: there is no such event, or it has none yet."""
    cursor = await conn.execute(
        """
        SELECT position FROM event WHERE company_id = %(company)s AND revision = %(revision)s
            AND created_at = %(created_at)s
            AND (appointment_id = %(subject)s OR provisional_id = %(subject)s OR connection_id = %(subject)s)
        """,
        {"company": company_id, "subject": subject_id, "revision": revision, "created_at": created_at},
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def page(
    conn: Connection, company_id: UUID, *, after: int, limit: int, host_id: UUID | None, appointment_id: UUID | None
) -> list[Event]:
    """Read a company's events behind a position, in order.

    Args:
        host_id: only those of what this user hosts or hosted, as the event's own snapshots say, and of his connections.
        appointment_id: only those of this appointment.
    """
    rules = ["company_id = %(company)s AND position > %(after)s"]
    if appointment_id:
        rules.append("appointment_id = %(appointment)s")
    if host_id:
        rules.append(
            "(after->'hosts' @> %(hosts)s::jsonb OR before->'hosts' @> %(hosts)s::jsonb OR after @> %(user)s::jsonb)"
        )
    cursor = await conn.execute(
        f"""
        SELECT kind, appointment_id, provisional_id, connection_id, revision, actor, before, after, created_at
        FROM event
        WHERE {" AND ".join(rules)} ORDER BY position LIMIT %(limit)s
        """,
        {
            "company": company_id,
            "after": after,
            "appointment": appointment_id,
            "hosts": f'[{{"id": "{host_id}"}}]',
            "user": f'{{"userId": "{host_id}"}}',
            "limit": limit,
        },
    )
    return [Event(*row) for row in await cursor.fetchall()]
