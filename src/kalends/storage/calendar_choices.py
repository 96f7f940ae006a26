"""What users choose of their connections: which calendars block, and which one is written to.

Whoever calls these has the user locked (`locks.users`): what blocks him is not changed while somebody books him.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from . import ids, rows
from .database import Connection


async def add(conn: Connection, company_id: UUID, connection_id: UUID, calendars: Sequence[Mapping[str, Any]]) -> None:
    """Insert calendars of a connection from columns, or renew what the provider says of those that are there."""
    if not calendars:
        return
    values = [
        {"company_id": company_id, "id": ids.new_id(company_id), "connection_id": connection_id, **one}
        for one in calendars
    ]
    query, parameters = rows.insert("calendar", values)
    await conn.execute(
        query
        + """ ON CONFLICT (connection_id, remote_id) DO UPDATE SET name = excluded.name, color = excluded.color,
            zone = excluded.zone, is_default = excluded.is_default, writable = excluded.writable""",
        parameters,
    )


async def drop_unused(conn: Connection, company_id: UUID, connection_id: UUID, *, but: Collection[str]) -> None:
    """Forget calendars that the provider does not list any more, unless they were chosen.

    Args:
        but: remote ids of those it lists.
    """
    await conn.execute(
        """
        DELETE FROM calendar WHERE company_id = %s AND connection_id = %s AND remote_id <> ALL(%s)
            AND NOT selected AND NOT is_primary
        """,
        (company_id, connection_id, list(but)),
    )


async def existing(conn: Connection, company_id: UUID, calendar_ids: Collection[str]) -> list[UUID]:
    """Find those of calendars, by id, that live connections of a company have."""
    cursor = await conn.execute(
        """
        SELECT k.id FROM calendar k JOIN calendar_connection c ON c.company_id = k.company_id AND c.id = k.connection_id
        WHERE k.company_id = %s AND k.id = ANY(%s::uuid[]) AND c.deleted_at IS NULL
        """,
        (company_id, list(calendar_ids)),
    )
    return [row[0] for row in await cursor.fetchall()]


async def choose(conn: Connection, company_id: UUID, calendar_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of one calendar."""
    await conn.execute(*rows.update("calendar", company_id, calendar_id, changes))


async def write_to(conn: Connection, company_id: UUID, user_id: UUID, calendar_id: UUID | None) -> None:
    """Make one calendar the only one of a user that appointments are written to; None: none is."""
    values = {"company": company_id, "user": user_id, "calendar": calendar_id}
    # Two statements each: an index lets no second one be there, not even for a moment.
    for wanted in (False, True):
        await conn.execute(
            f"""
            UPDATE calendar k SET is_primary = {wanted} FROM calendar_connection c
            WHERE c.company_id = %(company)s AND c.user_id = %(user)s AND c.deleted_at IS NULL
                AND k.company_id = c.company_id AND k.connection_id = c.id AND k.is_primary <> {wanted}
                AND (k.id IS NOT DISTINCT FROM %(calendar)s::uuid) = {wanted}
            """,
            values,
        )
        await conn.execute(
            f"""
            UPDATE calendar_connection c SET is_primary = {wanted}
            WHERE c.company_id = %(company)s AND c.user_id = %(user)s AND c.deleted_at IS NULL
                AND c.is_primary <> {wanted} AND {"" if wanted else "NOT"} EXISTS (
                    SELECT FROM calendar k
                    WHERE k.company_id = c.company_id AND k.connection_id = c.id AND k.id = %(calendar)s)
            """,
            values,
        )


async def unblock(conn: Connection, company_id: UUID, calendar_ids: Collection[UUID]) -> None:
    """Drop the busy time of calendars that block no more, and all that is known of those that nobody reads now."""
    values = {"company": company_id, "calendars": list(calendar_ids)}
    await conn.execute(
        """
        DELETE FROM busy_event b USING calendar_event e
        WHERE e.company_id = %(company)s AND e.calendar_id = ANY(%(calendars)s) AND b.event_id = e.id
        """,
        values,
    )
    await conn.execute(
        """
        DELETE FROM calendar_event e USING calendar k
        WHERE k.company_id = %(company)s AND k.id = ANY(%(calendars)s) AND NOT k.is_primary
            AND e.company_id = k.company_id AND e.calendar_id = k.id
        """,
        values,
    )
    await read_anew(conn, company_id, calendar_ids)


async def read_anew(conn: Connection, company_id: UUID, calendar_ids: Collection[UUID]) -> None:
    """Have the next reading of calendars begin anew; one on its way stores nothing more."""
    await conn.execute(
        """
        INSERT INTO calendar_reading AS r (company_id, calendar_id, reader)
        SELECT company_id, id, gen_random_uuid() FROM calendar WHERE company_id = %s AND id = ANY(%s)
        ON CONFLICT (calendar_id) DO UPDATE SET sync_token = NULL, synced_at = NULL, reader = excluded.reader
        """,
        (company_id, list(calendar_ids)),
    )
