"""Readings: how far each calendar of a connection was read, and where that goes on.

What is read is planned and fetched without any lock. Whoever stores some of it has his host locked, and begins with
`take`: of two who read at once, only the first stores anything, whatever their order of reading.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.domain.remote_events import Window

from .database import Connection


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a calendar was read.

    Attributes:
        sync_token: where the next reading goes on; None: it begins anew.
        window_end: until when its events are known.
        synced_at: when the last reading that came to an end began.
        reader: who stored something last.
        emptied_at: when our entries seemed to vanish all at once, which was not believed.
    """

    calendar_id: UUID
    sync_token: str | None = None
    window_start: Instant | None = None
    window_end: Instant | None = None
    synced_at: Instant | None = None
    reader: UUID | None = None
    emptied_at: Instant | None = None

    @property
    def window(self) -> Window | None:
        """The span of time it was read for."""
        return Window(self.window_start, self.window_end) if self.window_start and self.window_end else None


_COLUMNS = "calendar_id, sync_token, window_start, window_end, synced_at, reader, emptied_at"


async def of_connection(conn: Connection, company_id: UUID, connection_id: UUID) -> dict[UUID, Reading]:
    """Read how far the calendars of a connection were read; those that never were are left out."""
    async with conn.cursor(row_factory=class_row(Reading)) as cur:
        await cur.execute(
            f"""
            SELECT {_COLUMNS} FROM calendar_reading WHERE company_id = %(company)s AND calendar_id IN (
                SELECT id FROM calendar WHERE company_id = %(company)s AND connection_id = %(connection)s)
            """,
            {"company": company_id, "connection": connection_id},
        )
        return {one.calendar_id: one for one in await cur.fetchall()}


async def take(conn: Connection, company_id: UUID, calendar_id: UUID, *, reader: UUID, last: UUID | None) -> bool:
    """Lock a reading to store something as `reader`, after its host.

    Args:
        reader: a name nobody had before.
        last: the name that stood there when the reading began, or its own of the last time it stored.

    Returns:
        Whether nobody else stored anything meanwhile, and it is still connected; else what was read is of no use.
    """
    cursor = await conn.execute(
        """
        INSERT INTO calendar_reading AS r (company_id, calendar_id, reader)
        SELECT k.company_id, k.id, %(reader)s
        FROM calendar k JOIN calendar_connection n ON n.company_id = k.company_id AND n.id = k.connection_id
        WHERE k.company_id = %(company)s AND k.id = %(calendar)s AND n.deleted_at IS NULL
        ON CONFLICT (calendar_id) DO UPDATE SET reader = excluded.reader
            WHERE r.reader IS NOT DISTINCT FROM %(last)s
        """,
        {"company": company_id, "calendar": calendar_id, "reader": reader, "last": last},
    )
    return cursor.rowcount > 0


async def finish(
    conn: Connection,
    calendar_id: UUID,
    *,
    token: str | None,
    window: Window,
    synced_at: Instant,
    emptied_at: Instant | None,
) -> None:
    """Note that a calendar was read to the end; the caller took the reading in this transaction.

    Args:
        synced_at: when that reading began.
    """
    await conn.execute(
        """
        UPDATE calendar_reading SET sync_token = %s, window_start = %s, window_end = %s, synced_at = %s, emptied_at = %s
        WHERE calendar_id = %s
        """,
        (token, window.start, window.end, synced_at, emptied_at, calendar_id),
    )


async def used(conn: Connection, connection_ids: Collection[UUID], now: Instant) -> None:
    """Note that slots were asked for of hosts with these connections, at most once a minute for each.

    A connection that lets us in is read within two minutes of its last reading from now on. One that somebody else is
    changing is left out, so that nobody who looks at starts waits for him.
    """
    await conn.execute(
        """
        UPDATE calendar_access SET used_at = %(now)s, due_at = CASE
            WHEN status = 'connected' AND failures = 0 AND due_at > %(soon)s
            THEN greatest(coalesce(synced_at + interval '2 minutes', %(now)s), %(now)s) ELSE due_at END
        WHERE connection_id IN (
            SELECT connection_id FROM calendar_access
            WHERE connection_id = ANY(%(ids)s) AND (used_at IS NULL OR used_at < %(minute_ago)s)
            FOR NO KEY UPDATE SKIP LOCKED)
        """,
        {
            "ids": list(connection_ids),
            "now": now,
            "soon": now.add(minutes=2),
            "minute_ago": now.subtract(minutes=1),
        },
    )


async def zone_changed(conn: Connection, company_id: UUID, user_id: UUID, now: Instant) -> None:
    """Have all calendars of a user be read anew whose days are his own, as they have no zone; he is locked.

    One that is being read for the first time too: what is stored of it by then would be in his old zone.
    """
    await conn.execute(
        """
        WITH his AS (
                SELECT k.id, k.connection_id FROM calendar k
                JOIN calendar_connection n ON n.company_id = k.company_id AND n.id = k.connection_id
                WHERE n.company_id = %(company)s AND n.user_id = %(user)s AND n.deleted_at IS NULL AND k.zone IS NULL),
            anew AS (
                INSERT INTO calendar_reading AS r (company_id, calendar_id, reader)
                SELECT %(company)s, id, gen_random_uuid() FROM his
                ON CONFLICT (calendar_id) DO UPDATE SET sync_token = NULL, reader = excluded.reader)
        UPDATE calendar_access SET due_at = least(due_at, %(now)s) WHERE connection_id IN (
            SELECT connection_id FROM his)
        """,
        {"company": company_id, "user": user_id, "now": now},
    )


@dataclass(frozen=True, slots=True)
class Host:
    """Whose calendars are read.

    Attributes:
        windows: `daysIntoFuture` (contract 6.6) of all types of his company: he may be asked for as a host of any.
    """

    id: UUID
    host_no: int
    email: str
    zone: str
    language: str
    windows: list[dict[str, Any]]


async def host(conn: Connection, company_id: UUID, user_id: UUID) -> Host | None:
    """Read a live user as the host whose calendars are read."""
    async with conn.cursor(row_factory=class_row(Host)) as cur:
        await cur.execute(
            """
            SELECT u.id, u.host_no, u.email, u.timezone AS zone, u.language, coalesce((
                SELECT jsonb_agg(DISTINCT t.days_into_future) FROM meeting_type t
                WHERE t.company_id = u.company_id AND t.deleted_at IS NULL), '[]') AS windows
            FROM user_account u WHERE u.company_id = %s AND u.id = %s AND u.deleted_at IS NULL
            """,
            (company_id, user_id),
        )
        return await cur.fetchone()
