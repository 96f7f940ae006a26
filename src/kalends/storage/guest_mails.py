"""How many mails went to a guest's address within the hour; the address itself is not kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from whenever import Instant

from .database import Connection

PER_HOUR = 5  # design section 6: the address has not proved itself, anybody could have typed it


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send one mail, to be given back if it is not sent."""

    id: int


async def take(conn: Connection, address: str, now: Instant) -> Permit | Instant:
    """Count one more mail to an address, or answer when the next one may go (five within any hour).

    Locks the address until the caller's transaction ends, so that two workers do not both count to five.
    """
    key = hashlib.sha256(address.lower().encode()).digest()
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (int.from_bytes(key[:8], "big", signed=True),))
    cursor = await conn.execute(
        "SELECT sent_at FROM guest_mail WHERE address = %s AND sent_at > %s ORDER BY sent_at DESC OFFSET %s LIMIT 1",
        (key, now.subtract(hours=1), PER_HOUR - 1),
    )
    fifth = await cursor.fetchone()
    if fifth:
        free: Instant = fifth[0].add(hours=1)
        return free
    cursor = await conn.execute("INSERT INTO guest_mail (address, sent_at) VALUES (%s, %s) RETURNING id", (key, now))
    row = await cursor.fetchone()
    assert row is not None
    return Permit(row[0])


async def give_back(conn: Connection, permit: Permit) -> None:
    """Forget a mail that did not leave."""
    await conn.execute("DELETE FROM guest_mail WHERE id = %s", (permit.id,))


async def sweep(conn: Connection, now: Instant) -> None:
    """Delete what lies more than an hour back."""
    await conn.execute("DELETE FROM guest_mail WHERE sent_at <= %s", (now.subtract(hours=1),))
