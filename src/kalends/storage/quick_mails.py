"""Quick mails: what hosts wrote to single attendees, and what became of it (contract 2.8)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from . import jobs
from .database import Connection
from .effects import Outcome


@dataclass(frozen=True, slots=True)
class QuickMail:
    """One row of quick_mail with those it is from and to, and their company.

    Attributes:
        email: the attendee's; None: he has none any more.
        language: the attendee's, else the company's.
    """

    id: int
    attendee_id: UUID
    title: str
    content: str
    created_at: Instant
    done_at: Instant | None
    failures: int
    email: str | None
    full_name: str
    language: str
    sender_email: str
    sender_name: str
    company_name: str


async def addressee(conn: Connection, company_id: UUID, attendee_id: UUID) -> tuple[UUID, str | None] | None:
    """Find an attendee's appointment and e-mail address."""
    cursor = await conn.execute(
        "SELECT appointment_id, email FROM attendee WHERE company_id = %s AND id = %s", (company_id, attendee_id)
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else None


async def add(
    conn: Connection, *, company_id: UUID, attendee_id: UUID, sender_id: UUID, title: str, content: str, now: Instant
) -> None:
    """Insert a quick mail, and the job that sends it."""
    cursor = await conn.execute(
        """
        INSERT INTO quick_mail (company_id, attendee_id, sender_id, title, content, created_at)
        VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
        """,
        (company_id, attendee_id, sender_id, title, content, now),
    )
    row = await cursor.fetchone()
    assert row is not None
    await jobs.enqueue(conn, "quick-mail.send", quick_mail_id=row[0])


async def written_since(conn: Connection, company_id: UUID, sender_id: UUID, since: Instant) -> list[Instant]:
    """List when a user wrote after an instant, in order; he is locked."""
    cursor = await conn.execute(
        """
        SELECT created_at FROM quick_mail WHERE company_id = %s AND sender_id = %s AND created_at > %s
        ORDER BY created_at
        """,
        (company_id, sender_id, since),
    )
    return [row[0] for row in await cursor.fetchall()]


async def get(conn: Connection, quick_mail_id: int) -> QuickMail | None:
    """Read one quick mail."""
    async with conn.cursor(row_factory=class_row(QuickMail)) as cur:
        await cur.execute(
            """
            SELECT q.id, q.attendee_id, q.title, q.content, q.created_at, q.done_at, q.failures,
                a.email, a.full_name, coalesce(a.language, c.language) AS language, u.email AS sender_email,
                trim(u.given_name || ' ' || u.family_name) AS sender_name, c.name AS company_name
            FROM quick_mail q JOIN company c ON c.id = q.company_id
            JOIN attendee a ON a.company_id = q.company_id AND a.id = q.attendee_id
            JOIN user_account u ON u.company_id = q.company_id AND u.id = q.sender_id
            WHERE q.id = %s
            """,
            (quick_mail_id,),
        )
        return await cur.fetchone()


async def finish(conn: Connection, quick_mail_id: int, outcome: Outcome, now: Instant) -> None:
    """Note that a quick mail needs no further attempt."""
    await conn.execute(
        "UPDATE quick_mail SET done_at = %s, outcome = %s, due_at = NULL WHERE id = %s", (now, outcome, quick_mail_id)
    )


async def put_off(conn: Connection, quick_mail_id: int, *, until: Instant, failures: int) -> None:
    """Let a quick mail be sent once `until` has come; `failures` so far."""
    await conn.execute(
        "UPDATE quick_mail SET due_at = %s, failures = %s WHERE id = %s AND done_at IS NULL",
        (until, failures, quick_mail_id),
    )


async def start_due(conn: Connection, now: Instant, *, limit: int = 1000) -> None:
    """Turn quick mails whose time has come into jobs, in the caller's transaction."""
    cursor = await conn.execute(
        """
        WITH due AS (
            SELECT id FROM quick_mail WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
        )
        UPDATE quick_mail q SET due_at = NULL FROM due WHERE q.id = due.id RETURNING q.id
        """,
        (now, limit),
    )
    for row in await cursor.fetchall():
        await jobs.enqueue(conn, "quick-mail.send", quick_mail_id=row[0])
