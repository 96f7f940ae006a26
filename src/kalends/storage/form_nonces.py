"""Nonces of booking forms: a form sent twice books once, and both answers show that booking."""

from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.domain.provisional import BookingType

from .database import Connection


@dataclass(frozen=True, slots=True)
class FirstSending:
    """What the form's first sending came to: an appointment, or a provisional booking.

    Attributes:
        secret: of the attendee who booked; None for a provisional booking.
        booking_type: what the provisional booking waits for first.
    """

    appointment_id: UUID | None = None
    secret: str | None = None
    provisional_id: UUID | None = None
    booking_type: BookingType | None = None


async def enter(conn: Connection, *, nonce: UUID, company_id: UUID, now: Instant) -> FirstSending | None:
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
        """
        SELECT f.appointment_id, f.secret, f.provisional_id, p.type FROM form_nonce f
        LEFT JOIN provisional_booking p ON p.company_id = f.company_id AND p.id = f.provisional_id
        WHERE f.nonce = %s AND f.company_id = %s
        """,
        (nonce, company_id),
    )
    row = await cursor.fetchone()
    return FirstSending(*row) if row and (row[0] or row[2]) else None


async def settle(conn: Connection, *, nonce: UUID, company_id: UUID, outcome: FirstSending) -> None:
    """Keep what the form booked."""
    await conn.execute(
        """
        UPDATE form_nonce SET appointment_id = %s, secret = %s, provisional_id = %s
        WHERE nonce = %s AND company_id = %s
        """,
        (outcome.appointment_id, outcome.secret, outcome.provisional_id, nonce, company_id),
    )


async def sweep(conn: Connection, now: Instant) -> None:
    """Forget, for a periodic job, the nonces of forms sent over a day ago."""
    await conn.execute("DELETE FROM form_nonce WHERE created_at < %s", (now.subtract(hours=24),))
