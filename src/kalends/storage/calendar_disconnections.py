"""Connections that are deleted: what goes with them at once, and what is left until their providers were told.

Whoever calls `disconnect` has the user locked (`locks.users`): what blocks him is not changed while somebody books him.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.ports import CalendarKind

from .calendar_access import enqueue
from .database import Connection

# Providers that take back what was granted; of the others only those are told that tell us of changes.
_REVOKING: tuple[CalendarKind, ...] = ("google",)
_OF_CONNECTIONS = """
    SELECT id FROM calendar WHERE company_id = %(company)s AND connection_id = ANY(%(connections)s)
"""


async def disconnect(conn: Connection, company_id: UUID, connection_ids: Collection[UUID], now: Instant) -> None:
    """Delete connections: what they blocked is free at once, and their credentials are wiped.

    Where the provider is first told that we leave, the credential is wiped by the job that does so.
    """
    values = {"company": company_id, "connections": list(connection_ids), "now": now}
    await conn.execute(
        """
        UPDATE calendar_connection SET deleted_at = %(now)s, updated_at = %(now)s, is_primary = false
        WHERE company_id = %(company)s AND id = ANY(%(connections)s)
        """,
        values,
    )
    await conn.execute(
        "DELETE FROM calendar_entry WHERE company_id = %(company)s AND connection_id = ANY(%(connections)s)", values
    )
    await conn.execute(
        f"DELETE FROM calendar_event WHERE company_id = %(company)s AND calendar_id IN ({_OF_CONNECTIONS})", values
    )
    cur = await conn.execute(
        f"""
        SELECT id FROM calendar_connection
        WHERE company_id = %(company)s AND id = ANY(%(connections)s) AND provider = ANY(%(revoking)s)
        UNION
        SELECT k.connection_id FROM calendar_reading r JOIN calendar k ON k.id = r.calendar_id
        WHERE r.company_id = %(company)s AND r.calendar_id IN ({_OF_CONNECTIONS}) AND r.channel_id IS NOT NULL
        """,
        {**values, "revoking": list(_REVOKING)},
    )
    told = {row[0] for row in await cur.fetchall()}
    await wipe(conn, company_id, set(connection_ids) - told)
    for connection_id in told:
        await enqueue(conn, "calendar.disconnect", company_id, connection_id)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a deleted connection.

    Attributes:
        account: who it was at the provider.
        credential: sealed.
    """

    provider: CalendarKind
    account: str
    credential: bytes


async def left(conn: Connection, company_id: UUID, connection_id: UUID) -> Left | None:
    """Find what is left of a deleted connection; None: nothing is, or it was not deleted."""
    async with conn.cursor(row_factory=class_row(Left)) as cur:
        await cur.execute(
            """
            SELECT c.provider, c.account, x.credential FROM calendar_connection c
            JOIN calendar_access x ON x.company_id = c.company_id AND x.connection_id = c.id
            WHERE c.company_id = %s AND c.id = %s AND c.deleted_at IS NOT NULL
            """,
            (company_id, connection_id),
        )
        return await cur.fetchone()


async def wipe(conn: Connection, company_id: UUID, connection_ids: Collection[UUID]) -> None:
    """Delete what is left of deleted connections: calendars, readings and credentials."""
    values = (company_id, list(connection_ids))
    await conn.execute("DELETE FROM calendar WHERE company_id = %s AND connection_id = ANY(%s)", values)
    await conn.execute("DELETE FROM calendar_access WHERE company_id = %s AND connection_id = ANY(%s)", values)


async def wipe_old(conn: Connection, before: Instant) -> None:
    """Delete what is left of connections that were deleted before an instant: their job did not get to it."""
    cur = await conn.execute(
        """
        SELECT c.company_id, c.id FROM calendar_access x
        JOIN calendar_connection c ON c.company_id = x.company_id AND c.id = x.connection_id
        WHERE c.deleted_at <= %s ORDER BY c.id LIMIT 100
        """,
        (before,),
    )
    for company_id, connection_id in await cur.fetchall():
        await wipe(conn, company_id, [connection_id])
