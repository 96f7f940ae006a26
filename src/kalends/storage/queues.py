"""Queues: their members as the slot engine and the assignment see them, and the ledger of choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.domain.assignment import Choice, QueueType
from kalends.domain.caps import Period
from kalends.domain.leads import Turn

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


@dataclass(frozen=True, slots=True)
class Had:
    """What a member had of the bookings that count: how many, and when he was chosen last."""

    count: int
    last_chosen: Instant | None


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

# Which rows of the ledger count.
COUNTS = "live AND (expires_at IS NULL OR expires_at > %(now)s)"


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


async def starts(
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


async def had(conn: Connection, company_id: UUID, queue_id: UUID, *, now: Instant) -> dict[UUID, Had]:
    """Count all turns that count, by member; those who had none are left out."""
    cursor = await conn.execute(
        f"""SELECT member_id, count(*), max(created_at) FROM queue_choice
        WHERE company_id = %(company)s AND queue_id = %(queue)s AND {COUNTS} GROUP BY member_id""",
        {"company": company_id, "queue": queue_id, "now": now},
    )
    return {row[0]: Had(row[1], row[2]) for row in await cursor.fetchall()}


async def of_appointment(conn: Connection, company_id: UUID, appointment_id: UUID) -> set[UUID]:
    """Find the queues whose choices count for an appointment."""
    cursor = await conn.execute(
        "SELECT queue_id FROM queue_choice WHERE company_id = %s AND appointment_id = %s AND live",
        (company_id, appointment_id),
    )
    return {row[0] for row in await cursor.fetchall()}


async def record(
    conn: Connection,
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
) -> None:
    """Write a choice into the ledger; the queue is locked.

    Args:
        user_ids: all hosts, the fixed ones too.
        expires_at: it stops counting then, unless it is settled or extended; None: it counts until it is dropped.
    """
    await conn.execute(
        """
        INSERT INTO queue_choice (company_id, queue_id, member_id, user_ids, start_at, strategy, reason, candidates,
            appointment_id, reservation_id, expires_at, created_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            company_id,
            queue_id,
            choice.member_id,
            list(user_ids),
            start,
            choice.strategy,
            choice.reason,
            Jsonb(choice.candidates),
            appointment_id,
            reservation_id,
            expires_at,
            now,
        ),
    )


async def settle(conn: Connection, company_id: UUID, reservation_id: UUID, appointment_id: UUID) -> None:
    """Let the choice made for a reservation, which lives, stand for the appointment it became."""
    await conn.execute(
        """UPDATE queue_choice SET appointment_id = %s, expires_at = NULL
        WHERE company_id = %s AND reservation_id = %s AND live""",
        (appointment_id, company_id, reservation_id),
    )


async def extend(conn: Connection, company_id: UUID, reservation_id: UUID, expires_at: Instant) -> None:
    """Let the choice made for a reservation count as long as that lives."""
    await conn.execute(
        """UPDATE queue_choice SET expires_at = %s
        WHERE company_id = %s AND reservation_id = %s AND appointment_id IS NULL AND live""",
        (expires_at, company_id, reservation_id),
    )


async def drop(
    conn: Connection, company_id: UUID, *, appointment_id: UUID | None = None, reservation_id: UUID | None = None
) -> None:
    """Let the choices of an appointment, or of a reservation that became none, not count any more."""
    await conn.execute(
        """
        UPDATE queue_choice SET live = false WHERE company_id = %s AND live
            AND (appointment_id = %s OR reservation_id = %s AND appointment_id IS NULL)
        """,
        (company_id, appointment_id, reservation_id),
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


async def move(conn: Connection, company_id: UUID, appointment_id: UUID, start: Instant) -> None:
    """Let the choice of an appointment count in the period it moves to."""
    await conn.execute(
        "UPDATE queue_choice SET start_at = %s WHERE company_id = %s AND appointment_id = %s AND live",
        (start, company_id, appointment_id),
    )
