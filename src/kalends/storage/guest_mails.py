"""How many mails went to guests within the hour, by receiving address and by client; neither is kept, only its hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from whenever import Instant

from .database import Connection

# Design section 6: the address has not proved itself, anybody could have typed it.
PER_ADDRESS = 5
PER_CLIENT = 20


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send one mail, to be given back if it is not sent."""

    ids: tuple[int, ...]


async def take(conn: Connection, address: str, *, client: str | None, now: Instant) -> Permit | Instant:
    """Count one more mail to an address, or answer when the next one may go; the limits hold within any hour.

    Locks what it counts for until the caller's transaction ends, so that two workers do not both count to five.

    Args:
        client: where the guest came from whose doing the mail tells; None: a credential did it, and is not counted.
    """
    counted = [(_key("address", address.lower()), PER_ADDRESS)]
    if client is not None:  # always the second, or two workers could wait for each other
        counted.append((_key("client", client), PER_CLIENT))
    waits = [free for key, most in counted if (free := await _free(conn, key, most, now)) is not None]
    if waits:
        return max(waits)
    cursor = await conn.execute(
        "INSERT INTO guest_mail (counted_for, sent_at) SELECT key, %s FROM unnest(%s::bytea[]) AS key RETURNING id",
        (now, [key for key, _ in counted]),
    )
    return Permit(tuple(row[0] for row in await cursor.fetchall()))


async def give_back(conn: Connection, permit: Permit) -> None:
    """Forget a mail that did not leave."""
    await conn.execute("DELETE FROM guest_mail WHERE id = ANY(%s)", (list(permit.ids),))


async def sweep(conn: Connection, now: Instant) -> None:
    """Delete what lies more than an hour back."""
    await conn.execute("DELETE FROM guest_mail WHERE sent_at <= %s", (now.subtract(hours=1),))


def _key(kind: str, name: str) -> bytes:
    return hashlib.sha256(f"{kind}:{name}".encode()).digest()


async def _free(conn: Connection, key: bytes, most: int, now: Instant) -> Instant | None:
    """Lock one count; answer when it falls below `most` again, None: it is below."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (int.from_bytes(key[:8], "big", signed=True),))
    cursor = await conn.execute(
        "SELECT sent_at FROM guest_mail WHERE counted_for = %s AND sent_at > %s"
        " ORDER BY sent_at DESC OFFSET %s LIMIT 1",
        (key, now.subtract(hours=1), most - 1),
    )
    last = await cursor.fetchone()
    if last is None:
        return None
    free: Instant = last[0].add(hours=1)
    return free
