"""Effects: what an event brings about, once per event, kind and target (design section 5).

One mail may tell of several events: of its effects only the first, the lead, has a job and is put off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from whenever import Instant

from . import jobs
from .database import Connection

Kind: TypeAlias = Literal["mail", "provisional-mail", "calendar-mail"]
Outcome: TypeAlias = Literal["sent", "nothing-new", "refused", "given-up"]


@dataclass(frozen=True, slots=True)
class Effect:
    """One mail to be considered, by its lead.

    Attributes:
        event_id: of the event that brings it about.
        kind: ``mail`` about an appointment, ``provisional-mail`` about a provisional booking, ``calendar-mail`` about a
            calendar connection.
        subject: the id of that.
        target: the host or attendee it would go to; the guest of a provisional booking goes by that one's id, a
            connection's owner by his user id.
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


@dataclass(frozen=True, slots=True)
class Part:
    """What one event has to tell one target."""

    event_id: int
    subject: UUID
    target: UUID


async def add_mails(conn: Connection, *, company_id: UUID, kind: Kind, mails: Sequence[Sequence[Part]]) -> None:
    """Write the effects of mails, each of one part or more, and a job for each mail; a second run changes nothing.

    Jobs for the same target and subject run one after the other, so none repeats what another one says.
    """
    for effect_id, first in await _add_leads(conn, company_id, kind, mails):
        await _enqueue(conn, effect_id, first.subject, first.target)


async def add_later_mails(
    conn: Connection, *, company_id: UUID, kind: Kind, mails: Sequence[Sequence[Part]], batch_id: UUID, until: Instant
) -> None:
    """Write the effects of mails about the rest of a batch, of which something was told before it was all known.

    They wait until then, and what a target's mail that waits so has not told yet becomes a part of it.
    """
    for mail in mails:
        cursor = await conn.execute(
            """
            SELECT f.id FROM effect f JOIN event e ON e.id = f.event_id
            WHERE e.company_id = %s AND e.batch_id = %s AND f.kind = %s AND f.target = %s AND f.lead_id IS NULL
                AND f.due_at IS NOT NULL
            ORDER BY f.id LIMIT 1 FOR UPDATE OF f
            """,
            (company_id, batch_id, kind, mail[0].target),
        )
        row = await cursor.fetchone()
        if row:
            await _add(conn, company_id, kind, [(one.event_id, one.target, row[0]) for one in mail])
            continue
        for effect_id, _ in await _add_leads(conn, company_id, kind, [mail]):
            await put_off(conn, effect_id, until=until, failures=0)


async def _add_leads(
    conn: Connection, company_id: UUID, kind: Kind, mails: Sequence[Sequence[Part]]
) -> list[tuple[int, Part]]:
    """Insert the effects of mails that are not there yet; answers id and first part of each."""
    leads = {(mail[0].event_id, mail[0].target): mail for mail in mails}
    added = await _add(conn, company_id, kind, [(*key, None) for key in leads])
    others = [
        (one.event_id, one.target, lead_id)
        for lead_id, event_id, target in added
        for one in leads[event_id, target][1:]
    ]
    await _add(conn, company_id, kind, others)
    return [(lead_id, leads[event_id, target][0]) for lead_id, event_id, target in added]


async def _add(
    conn: Connection, company_id: UUID, kind: Kind, rows: Sequence[tuple[int, UUID, int | None]]
) -> list[tuple[int, int, UUID]]:
    """Insert effects that are not there yet; answers id, event and target of each."""
    if not rows:
        return []
    cursor = await conn.execute(
        """
        INSERT INTO effect (company_id, event_id, kind, target, lead_id)
        SELECT %s, event_id, %s, target, lead_id
        FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[]) WITH ORDINALITY AS t (event_id, target, lead_id, place)
        ORDER BY place
        ON CONFLICT (event_id, kind, target) DO NOTHING RETURNING id, event_id, target
        """,
        (company_id, kind, *([row[column] for row in rows] for column in range(3))),
    )
    return await cursor.fetchall()


async def known(conn: Connection, event_ids: Iterable[int]) -> set[int]:
    """Find the events whose effects are written."""
    cursor = await conn.execute("SELECT DISTINCT event_id FROM effect WHERE event_id = ANY(%s)", (list(event_ids),))
    return {row[0] for row in await cursor.fetchall()}


async def get(conn: Connection, effect_id: int) -> Effect | None:
    """Read one effect; None: there is none, or another one's mail tells it."""
    cursor = await conn.execute(
        """
        SELECT f.id, f.company_id, f.event_id, f.kind,
            coalesce(e.appointment_id, e.provisional_id, e.connection_id), f.target, f.failures, f.done_at,
            e.actor->>'client'
        FROM effect f JOIN event e ON e.id = f.event_id WHERE f.id = %s AND f.lead_id IS NULL
        """,
        (effect_id,),
    )
    row = await cursor.fetchone()
    return Effect(*row) if row else None


async def parts(conn: Connection, lead_id: int) -> dict[int, Part]:
    """Read what a mail has to tell, by the ids of its effects."""
    cursor = await conn.execute(
        """
        SELECT f.id, f.event_id, coalesce(e.appointment_id, e.provisional_id, e.connection_id), f.target
        FROM effect f JOIN event e ON e.id = f.event_id
        WHERE f.id = %(lead)s OR f.lead_id = %(lead)s ORDER BY f.event_id
        """,
        {"lead": lead_id},
    )
    return {row[0]: Part(*row[1:]) for row in await cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier mail that is still to tell something of the same; `waits`: until it is due, else it has a job."""

    lead_id: int
    waits: bool


async def earlier(conn: Connection, lead_id: int) -> list[Earlier]:
    """List the earlier open mails that tell somebody of the same appointment, where one of the two tells of several.

    Those of jobs that broke for good are left out; of two mails of one part each, `_enqueue` keeps the order.
    """
    cursor = await conn.execute(
        """
        WITH mine AS (SELECT id, event_id, kind, target FROM effect WHERE id = %(lead)s OR lead_id = %(lead)s),
            found AS (
                SELECT DISTINCT coalesce(f.lead_id, f.id) AS id
                FROM mine JOIN event e ON e.id = mine.event_id
                JOIN event other ON other.company_id = e.company_id AND other.appointment_id = e.appointment_id
                JOIN effect f ON f.event_id = other.id AND f.kind = mine.kind AND f.target = mine.target
                WHERE f.done_at IS NULL AND coalesce(f.lead_id, f.id) < %(lead)s)
        SELECT lead.id, lead.due_at IS NOT NULL
        FROM found JOIN effect lead USING (id) JOIN event e ON e.id = lead.event_id
        WHERE ((SELECT count(*) FROM mine) > 1 OR EXISTS (SELECT FROM effect WHERE lead_id = lead.id))
            AND (lead.due_at IS NOT NULL OR EXISTS (
                SELECT FROM procrastinate_jobs
                WHERE lock = 'mail ' || e.appointment_id || ' ' || lead.target AND status IN ('todo', 'doing')))
        """,
        {"lead": lead_id},
    )
    return [Earlier(*row) for row in await cursor.fetchall()]


async def take_over(conn: Connection, lead_id: int, *, by: int) -> bool:
    """Make what a waiting mail has to tell a part of another one; False: it waits no more."""
    cursor = await conn.execute(
        "UPDATE effect SET lead_id = %s, due_at = NULL WHERE id = %s AND due_at IS NOT NULL", (by, lead_id)
    )
    if cursor.rowcount:
        await conn.execute("UPDATE effect SET lead_id = %s WHERE lead_id = %s", (by, lead_id))
    return bool(cursor.rowcount)


async def finish(conn: Connection, lead_id: int, outcome: Outcome, now: Instant, *, unsaid: Iterable[int] = ()) -> None:
    """Note that a mail needs no further attempt; of the effects `unsaid`, nothing was new."""
    await conn.execute(
        """
        UPDATE effect SET done_at = %(now)s, due_at = NULL,
            outcome = CASE WHEN id = ANY(%(unsaid)s) THEN 'nothing-new' ELSE %(outcome)s END
        WHERE id = %(lead)s OR lead_id = %(lead)s
        """,
        {"now": now, "unsaid": list(unsaid), "outcome": outcome, "lead": lead_id},
    )


async def put_off(conn: Connection, effect_id: int, *, until: Instant, failures: int) -> None:
    """Let an effect run again once `until` has come; `failures` so far."""
    await conn.execute(
        "UPDATE effect SET due_at = %s, failures = %s WHERE id = %s AND done_at IS NULL", (until, failures, effect_id)
    )


async def start_due(conn: Connection, now: Instant, *, limit: int = 1000) -> None:
    """Turn effects whose time has come into jobs, in the caller's transaction."""
    cursor = await conn.execute(
        """
        WITH due AS (
            SELECT id FROM effect WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
        )
        UPDATE effect f SET due_at = NULL FROM due, event e
        WHERE f.id = due.id AND e.id = f.event_id
        RETURNING f.id, coalesce(e.appointment_id, e.provisional_id, e.connection_id), f.target
        """,
        (now, limit),
    )
    for effect_id, subject, target in await cursor.fetchall():
        await _enqueue(conn, effect_id, subject, target)


async def _enqueue(conn: Connection, effect_id: int, subject: UUID, target: UUID) -> None:
    await jobs.enqueue(conn, "effect.mail", lock=f"mail {subject} {target}", effect_id=effect_id)
