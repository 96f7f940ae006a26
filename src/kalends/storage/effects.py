"""Effects: what an event brings about, once per event, kind and target (design section 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from whenever import Instant

from . import jobs
from .database import Connection

Kind: TypeAlias = Literal["mail", "provisional-mail"]
Outcome: TypeAlias = Literal["sent", "nothing-new", "refused", "given-up"]


@dataclass(frozen=True, slots=True)
class Effect:
    """One mail to be considered.

    Attributes:
        event_id: of the event that brings it about.
        kind: ``mail`` about an appointment, ``provisional-mail`` about a provisional booking.
        subject: the id of that.
        target: the host or attendee it would go to; the guest of a provisional booking goes by that one's id.
        client: where the guest came from who brought it about; None: somebody with a credential did.
    """

    id: int
    company_id: UUID
    event_id: int
    kind: Kind
    subject: UUID
    target: UUID
    failures: int
    done_at: Instant | None
    client: str | None


async def add_mails(
    conn: Connection, *, company_id: UUID, event_id: int, kind: Kind, subject: UUID, targets: Iterable[UUID]
) -> None:
    """Write one effect and its job for each target that has none yet; a second run changes nothing.

    Jobs for the same target and subject run one after the other, so none repeats what another one says.
    """
    cursor = await conn.execute(
        """
        INSERT INTO effect (company_id, event_id, kind, target)
        SELECT %s, %s, %s, target FROM unnest(%s::uuid[]) WITH ORDINALITY AS t (target, place) ORDER BY place
        ON CONFLICT (event_id, kind, target) DO NOTHING RETURNING id, target
        """,
        (company_id, event_id, kind, list(targets)),
    )
    for effect_id, target in await cursor.fetchall():
        await _enqueue(conn, effect_id, subject, target)


async def get(conn: Connection, effect_id: int) -> Effect | None:
    """Read one effect."""
    cursor = await conn.execute(
        """
        SELECT f.id, f.company_id, f.event_id, f.kind, coalesce(e.appointment_id, e.provisional_id), f.target,
            f.failures, f.done_at, e.actor->>'client'
        FROM effect f JOIN event e ON e.id = f.event_id WHERE f.id = %s
        """,
        (effect_id,),
    )
    row = await cursor.fetchone()
    return Effect(*row) if row else None


async def finish(conn: Connection, effect_id: int, outcome: Outcome, now: Instant) -> None:
    """Note that an effect needs no further attempt."""
    await conn.execute(
        "UPDATE effect SET done_at = %s, outcome = %s, due_at = NULL WHERE id = %s", (now, outcome, effect_id)
    )


async def put_off(conn: Connection, effect_id: int, *, until: Instant, failures: int) -> None:
    """Let an effect run again once `until` has come; `failures` so far."""
    await conn.execute(
        "UPDATE effect SET due_at = %s, failures = %s WHERE id = %s AND done_at IS NULL", (until, failures, effect_id)
    )


async def start_due(conn: Connection, now: Instant, *, limit: int = 1000) -> int:
    """Turn effects whose time has come into jobs, in the caller's transaction; answers how many."""
    cursor = await conn.execute(
        """
        WITH due AS (
            SELECT id FROM effect WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
        )
        UPDATE effect f SET due_at = NULL FROM due, event e
        WHERE f.id = due.id AND e.id = f.event_id
        RETURNING f.id, coalesce(e.appointment_id, e.provisional_id), f.target
        """,
        (now, limit),
    )
    rows = await cursor.fetchall()
    for effect_id, subject, target in rows:
        await _enqueue(conn, effect_id, subject, target)
    return len(rows)


async def _enqueue(conn: Connection, effect_id: int, subject: UUID, target: UUID) -> None:
    await jobs.enqueue(conn, "effect.mail", lock=f"mail {subject} {target}", effect_id=effect_id)
