"""Entries: what we wrote of appointments into the hosts' calendars, and where it stands.

Locks are short: nobody holds one of these rows while a network is waited for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.domain.uids import Part
from kalends.ports import CalendarKind

from .database import Connection


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """What we wrote last for one part of an appointment, and where it stands.

    Attributes:
        remote_id, etag: the provider's, in this calendar.
        start_at, end_at: what we wrote; a calendar that says otherwise was changed there.
        tried: starts and ends, in turn, of what we began to write since; what was answered to nobody may stand there.
        leaving: we began to delete it, which was answered to nobody.
    """

    company_id: UUID
    appointment_id: UUID
    user_id: UUID
    part: Part
    connection_id: UUID
    calendar_id: UUID
    uid: str
    remote_id: str
    etag: str | None
    revision: int
    start_at: Instant
    end_at: Instant
    written_at: Instant
    tried: Sequence[Instant] = ()
    leaving: bool = False

    @property
    def spans(self) -> list[tuple[Instant, Instant]]:
        """When it may take place there without its host having moved it."""
        return [(self.start_at, self.end_at), *zip(self.tried[::2], self.tried[1::2], strict=True)]


_COLUMNS = """company_id, appointment_id, user_id, part, connection_id, calendar_id, uid, remote_id, etag, revision,
    start_at, end_at, written_at, tried, leaving"""
_OF_ENTRY = "company_id = %s AND appointment_id = %s AND user_id = %s AND part = %s"


@dataclass(frozen=True, slots=True)
class Place:
    """A calendar that entries stand in or are written to, and what its connection says about that.

    Attributes:
        credential: sealed.
        is_target: new entries go here: the primary calendar of the host's primary connection.
        works: the provider let us in when it was asked last.
    """

    connection_id: UUID
    provider: CalendarKind
    credential: bytes
    calendar_id: UUID
    remote_id: str
    name: str
    zone: str | None
    is_target: bool
    works: bool
    names_guests: bool
    writes_buffers: bool


async def shown(conn: Connection, company_id: UUID, wanted: Collection[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Find which hosts see an appointment in their calendars by what we write there, from its first revision on.

    A host whose calendar does not work now, or was connected since, is left out.

    Args:
        wanted: appointments and hosts.
    """
    cursor = await conn.execute(
        """
        SELECT a.id, c.user_id
        FROM unnest(%(appointments)s::uuid[], %(users)s::uuid[]) AS wanted (appointment_id, user_id)
        JOIN appointment a ON a.company_id = %(company)s AND a.id = wanted.appointment_id
        JOIN calendar_connection c ON c.company_id = a.company_id AND c.user_id = wanted.user_id
            AND c.is_primary AND c.deleted_at IS NULL AND c.created_at <= a.created_at
        JOIN calendar_access x ON x.connection_id = c.id AND x.status = 'connected'
        JOIN calendar k ON k.connection_id = c.id AND k.is_primary AND k.writable
        """,
        {
            "company": company_id,
            "appointments": [appointment_id for appointment_id, _ in wanted],
            "users": [user_id for _, user_id in wanted],
        },
    )
    return set(await cursor.fetchall())


async def of_host(conn: Connection, company_id: UUID, appointment_id: UUID, user_id: UUID) -> dict[Part, StoredEntry]:
    """Read what stands of one appointment in one host's calendars, by part."""
    async with conn.cursor(row_factory=class_row(StoredEntry)) as cur:
        await cur.execute(
            f"SELECT {_COLUMNS} FROM calendar_entry WHERE company_id = %s AND appointment_id = %s AND user_id = %s",
            (company_id, appointment_id, user_id),
        )
        return {one.part: one for one in await cur.fetchall()}


async def keep(conn: Connection, entry: StoredEntry) -> bool:
    """Note what was written, in the place of what was noted of this part before; False: that was newer."""
    cursor = await conn.execute(
        """
        INSERT INTO calendar_entry (company_id, appointment_id, user_id, part, connection_id, calendar_id, uid,
            remote_id, etag, revision, start_at, end_at, written_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (company_id, appointment_id, user_id, part) DO UPDATE
            SET connection_id = excluded.connection_id, calendar_id = excluded.calendar_id, uid = excluded.uid,
                remote_id = excluded.remote_id, etag = excluded.etag, revision = excluded.revision,
                start_at = excluded.start_at, end_at = excluded.end_at, written_at = excluded.written_at,
                tried = '{}', leaving = false
            WHERE calendar_entry.revision <= excluded.revision
        """,
        (
            *(entry.company_id, entry.appointment_id, entry.user_id, entry.part, entry.connection_id),
            *(entry.calendar_id, entry.uid, entry.remote_id, entry.etag, entry.revision),
            *(entry.start_at, entry.end_at, entry.written_at),
        ),
    )
    return cursor.rowcount > 0


async def change(conn: Connection, entry: StoredEntry) -> None:
    """Note where an entry stands by now, and as what, though we did not write it so."""
    await conn.execute(
        f"""
        UPDATE calendar_entry SET connection_id = %s, calendar_id = %s, remote_id = %s, etag = %s, start_at = %s,
            end_at = %s
        WHERE {_OF_ENTRY}
        """,
        (
            *(entry.connection_id, entry.calendar_id, entry.remote_id, entry.etag, entry.start_at, entry.end_at),
            *(entry.company_id, entry.appointment_id, entry.user_id, entry.part),
        ),
    )


async def begin(conn: Connection, entry: StoredEntry, start: Instant, end: Instant) -> None:
    """Note when an entry is about to take place, before its calendar is told."""
    await conn.execute(
        f"UPDATE calendar_entry SET tried = tried || %s::timestamptz[] WHERE {_OF_ENTRY}",
        ([start, end], entry.company_id, entry.appointment_id, entry.user_id, entry.part),
    )


async def leave(conn: Connection, entry: StoredEntry) -> None:
    """Note that an entry is about to be deleted, before its calendar is told."""
    await conn.execute(
        f"UPDATE calendar_entry SET leaving = true WHERE {_OF_ENTRY} AND calendar_id = %s",
        (entry.company_id, entry.appointment_id, entry.user_id, entry.part, entry.calendar_id),
    )


async def forget(conn: Connection, entry: StoredEntry) -> None:
    """Note that an entry does not stand there any more; one written elsewhere meanwhile stays noted."""
    await conn.execute(
        f"DELETE FROM calendar_entry WHERE {_OF_ENTRY} AND calendar_id = %s AND remote_id = %s",
        (
            *(entry.company_id, entry.appointment_id, entry.user_id, entry.part),
            *(entry.calendar_id, entry.remote_id),
        ),
    )


async def places(conn: Connection, company_id: UUID, user_id: UUID, calendar_ids: Iterable[UUID]) -> dict[UUID, Place]:
    """Read the calendars of a host that can be reached: the one written to, and those asked for."""
    async with conn.cursor(row_factory=class_row(Place)) as cur:
        await cur.execute(
            """
            SELECT n.id AS connection_id, n.provider, x.credential, c.id AS calendar_id, c.remote_id, c.name, c.zone,
                n.is_primary AND c.is_primary AS is_target, x.status = 'connected' AS works,
                NOT n.disable_attendee_notification AS names_guests, n.sync_buffers_to_calendar AS writes_buffers
            FROM calendar_connection n JOIN calendar_access x ON x.connection_id = n.id
            JOIN calendar c ON c.company_id = n.company_id AND c.connection_id = n.id
            WHERE n.company_id = %s AND n.user_id = %s AND n.deleted_at IS NULL
                AND ((n.is_primary AND c.is_primary AND c.writable) OR c.id = ANY(%s))
            """,
            (company_id, user_id, list(calendar_ids)),
        )
        return {one.calendar_id: one for one in await cur.fetchall()}


async def shared(
    conn: Connection, company_id: UUID, appointment_id: UUID, user_id: UUID, calendar_ids: Iterable[UUID]
) -> dict[UUID, bool]:
    """Find calendars of a host that other hosts of a live appointment have it in, or are about to, as theirs.

    Events of the same UID are one there. Answers, by calendar, whether some of them have its buffers there too.
    """
    cursor = await conn.execute(
        """
        SELECT mine.id, bool_or(theirs.sync_buffers_to_calendar)
        FROM calendar mine
        JOIN calendar_connection n ON n.company_id = mine.company_id AND n.id = mine.connection_id
        JOIN appointment_host h ON h.company_id = n.company_id AND h.appointment_id = %s AND h.user_id <> %s AND h.live
        JOIN calendar_connection theirs ON theirs.company_id = h.company_id AND theirs.user_id = h.user_id
            AND theirs.provider = n.provider AND theirs.deleted_at IS NULL
        JOIN calendar same ON same.connection_id = theirs.id AND same.remote_id = mine.remote_id
        WHERE mine.company_id = %s AND mine.id = ANY(%s) AND ((theirs.is_primary AND same.is_primary AND same.writable)
            OR EXISTS (SELECT FROM calendar_entry e WHERE e.company_id = h.company_id
                AND e.appointment_id = h.appointment_id AND e.user_id = h.user_id AND e.calendar_id = same.id))
        GROUP BY mine.id
        """,
        (appointment_id, user_id, company_id, list(calendar_ids)),
    )
    return dict(await cursor.fetchall())


async def padded(
    conn: Connection, company_id: UUID, appointment_id: UUID, user_id: UUID
) -> tuple[Instant, Instant] | None:
    """Read the time an appointment takes of a host, with its buffers; None: none any more."""
    cursor = await conn.execute(
        """
        SELECT min(c.start_at), max(c.end_at) FROM claim c JOIN user_account u ON u.host_no = c.host_no
        WHERE u.company_id = %s AND u.id = %s AND c.appointment_id = %s
        """,
        (company_id, user_id, appointment_id),
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row and row[0] else None
