"""Idempotency keys: which request has been carried out already, and what it was answered."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from .database import Connection

SWEPT_AFTER_HOURS = 25  # an hour later than they are of use, so that none goes while somebody reads it


@dataclass(frozen=True, slots=True)
class Row:
    """One request, and its answer once it has one.

    Attributes:
        scope: the credential, or the door of those without one; scope, method, path and key are unique together.
        fingerprint: of all that must be equal for the request to be the same.
        answer: sealed.
        subject_id: the appointment or provisional booking it made.
    """

    scope: str
    method: str
    path: str
    key: str
    fingerprint: bytes
    company_id: UUID | None
    status: int | None = None
    answer: bytes | None = None
    subject_id: UUID | None = None


_ROW = "scope = %s AND method = %s AND path = %s AND key = %s"


def _name(row: Row) -> tuple[str, str, str, str]:
    return row.scope, row.method, row.path, row.key


async def enter(conn: Connection, row: Row, *, older_than: Instant, now: Instant) -> bool:
    """Write a row that waits for its answer; False: there is one already, not older than the instant given.

    Waits for whoever has written the same row and not yet committed.
    """
    cursor = await conn.often.execute(
        """
        INSERT INTO idempotency_key AS k (scope, method, path, key, fingerprint, company_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (scope, method, path, key) DO UPDATE SET fingerprint = excluded.fingerprint,
            company_id = excluded.company_id, created_at = excluded.created_at
        WHERE k.created_at <= $8
        RETURNING true
        """,
        (*_name(row), row.fingerprint, row.company_id, now, older_than),
    )
    return await cursor.fetchone() is not None


async def lock(conn: Connection, row: Row) -> Row:
    """Read the row that is there already; whoever enters it waits until the caller is done."""
    cursor = await conn.execute(
        f"SELECT fingerprint, company_id, status, answer, subject_id FROM idempotency_key WHERE {_ROW} FOR UPDATE",
        _name(row),
    )
    found = await cursor.fetchone()
    assert found is not None, "rows are swept long after they are of use"
    return Row(*_name(row), *found)


async def renew(conn: Connection, row: Row, now: Instant) -> None:
    """Let a row that the caller has locked wait for another answer."""
    await conn.execute(f"UPDATE idempotency_key SET created_at = %s WHERE {_ROW}", (now, *_name(row)))


async def settle(conn: Connection, row: Row, *, status: int, answer: bytes, subject_id: UUID | None) -> None:
    """Write the answer into the row that the same transaction has entered."""
    await conn.often.execute(
        """
        UPDATE idempotency_key SET status = $1, answer = $2, subject_id = $3
        WHERE scope = $4 AND method = $5 AND path = $6 AND key = $7
        """,
        (status, answer, subject_id, *_name(row)),
    )


async def booking_lives(
    conn: Connection, company_id: UUID, subject_id: UUID, *, secret: str | None, now: Instant
) -> bool:
    """Tell whether a booking still stands as it was made: its attendee comes then, or it waits to be confirmed."""
    cursor = await conn.execute(
        """
        SELECT EXISTS (
            SELECT FROM appointment a JOIN attendee g ON g.company_id = a.company_id AND g.appointment_id = a.id
            WHERE a.company_id = %(company)s AND a.id = %(subject)s AND a.cancelled_at IS NULL
                AND g.secret = %(secret)s AND g.cancelled_at IS NULL
                AND (a.rescheduled_at IS NULL OR a.rescheduled_at < g.created_at)
        ) OR EXISTS (
            SELECT FROM provisional_booking p
            LEFT JOIN appointment a ON a.company_id = p.company_id AND a.id = p.appointment_id
            LEFT JOIN attendee g ON g.company_id = p.company_id AND g.id = p.attendee_id
            WHERE p.company_id = %(company)s AND p.id = %(subject)s AND CASE p.status
                WHEN 'pending' THEN p.expires_at > %(now)s
                WHEN 'confirmed' THEN
                    a.cancelled_at IS NULL AND g.cancelled_at IS NULL AND a.start_at = p.start_at
                ELSE false END
        )
        """,
        {"company": company_id, "subject": subject_id, "secret": secret, "now": now},
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def sweep(conn: Connection, now: Instant) -> None:
    """Delete the rows that nobody is answered from any more."""
    await conn.execute("DELETE FROM idempotency_key WHERE created_at <= %s", (now.subtract(hours=SWEPT_AFTER_HOURS),))
