"""Nonces of booking forms: a form sent twice books once, and both answers show that booking."""

from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from .database import Connection


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the form's first sending booked."""

    appointment_id: UUID
    secret: str


async def enter(conn: Connection, *, nonce: UUID, company_id: UUID, now: Instant) -> Outcome | None:
    """Claim the nonce for this transaction, waiting for one that holds it; answer what that one booked.

    None means this is the first sending: it has to call `settle` before the commit.
    """
    cursor = await conn.execute(
        "INSERT INTO form_nonce (nonce, company_id, created_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (nonce, company_id, now),
    )
    if cursor.rowcount:
        return None
    cursor = await conn.execute(
        "SELECT appointment_id, secret FROM form_nonce WHERE nonce = %s AND company_id = %s", (nonce, company_id)
    )
    row = await cursor.fetchone()
    return Outcome(row[0], row[1]) if row and row[0] else None


async def settle(conn: Connection, *, nonce: UUID, company_id: UUID, outcome: Outcome) -> None:
    """Keep what the form booked."""
    await conn.execute(
        "UPDATE form_nonce SET appointment_id = %s, secret = %s WHERE nonce = %s AND company_id = %s",
        (outcome.appointment_id, outcome.secret, nonce, company_id),
    )


async def sweep(conn: Connection, now: Instant) -> None:
    """Forget, for a periodic job, the nonces of forms sent over a day ago."""
    await conn.execute("DELETE FROM form_nonce WHERE created_at < %s", (now.subtract(hours=24),))
