"""Calendar connections: accounts of users at providers, how we get in, and the calendars they have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.domain.remote_events import RemoteCalendar
from kalends.ports import CalendarKind

from . import rows
from .database import Connection

Status: TypeAlias = Literal["connected", "refused"]

COLUMNS = (
    "company_id, id, user_id, provider, account, email, is_primary, validate_availability, unanswered_is_busy,"
    " cancel_if_declined_or_deleted, disable_attendee_notification, sync_buffers_to_calendar, created_at, updated_at"
)
ACCESS_COLUMNS = "status, synced_at, used_at, due_at, failures, error"
CALENDAR_COLUMNS = (
    "company_id, id, no, connection_id, remote_id, name, color, zone, is_default, writable, selected, is_primary,"
    " treat_all_as_busy"
)

_CONNECTION = f"""
    SELECT {rows.prefixed(COLUMNS, "c")}, {rows.prefixed(ACCESS_COLUMNS, "x")}
    FROM calendar_connection c
    JOIN calendar_access x ON x.company_id = c.company_id AND x.connection_id = c.id
    WHERE c.company_id = %(company)s AND c.deleted_at IS NULL
"""
_CALENDAR = f"""
    SELECT {rows.prefixed(CALENDAR_COLUMNS, "k")}, r.synced_at,
        (SELECT count(*) FROM calendar_event e WHERE e.calendar_id = k.id AND e.unreadable IS NOT NULL)
            AS unreadable_events
    FROM calendar k LEFT JOIN calendar_reading r ON r.company_id = k.company_id AND r.calendar_id = k.id
    WHERE k.company_id = %(company)s
"""


@dataclass(frozen=True, slots=True)
class CalendarConnection:
    """A live connection and how it goes with it; its credential stays in the database until it is asked for.

    Attributes:
        account: who it is at the provider; one live connection of each to a user.
        email: what the host calls the account.
        is_primary: appointments are written to its primary calendar.
        validate_availability: its selected calendars block.
        unanswered_is_busy: so do events that the host has not answered yet.
        synced_at: what is known of its calendars that block is no older than this; None: not all were read yet.
        used_at: when slots of the host were asked for.
        due_at: when it is to be read next.
        failures: readings that failed since the last one that did not; `error` is what the last one met.
    """

    company_id: UUID
    id: UUID
    user_id: UUID
    provider: CalendarKind
    account: str
    email: str
    is_primary: bool
    validate_availability: bool
    unanswered_is_busy: bool
    cancel_if_declined_or_deleted: bool
    disable_attendee_notification: bool
    sync_buffers_to_calendar: bool
    created_at: Instant
    updated_at: Instant
    status: Status
    synced_at: Instant | None
    used_at: Instant | None
    due_at: Instant | None
    failures: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """One calendar of a connection.

    Attributes:
        no: what busy rows know it by; stays inside.
        selected: it blocks, where its connection validates availability.
        is_primary: appointments are written to it; only of a primary connection.
        treat_all_as_busy: events that are shown as free block too.
        synced_at: when its last reading that came to an end began; None: it was never read.
        unreadable_events: how many of its events may block too little or too much, for not all of them could be read.
    """

    company_id: UUID
    id: UUID
    no: int
    connection_id: UUID
    remote_id: str
    name: str
    color: str | None
    zone: str | None
    is_default: bool
    writable: bool
    selected: bool
    is_primary: bool
    treat_all_as_busy: bool
    synced_at: Instant | None
    unreadable_events: int

    @property
    def remote(self) -> RemoteCalendar:
        """The same as its provider is asked for it."""
        return RemoteCalendar(self.remote_id, self.name, self.zone, self.color, self.is_default, self.writable)


async def get(
    conn: Connection, company_id: UUID, connection_id: UUID, *, lock: bool = False
) -> CalendarConnection | None:
    """Find a live connection of the company.

    Args:
        lock: keep others from changing or deleting it until the transaction ends.
    """
    query = _CONNECTION + "AND c.id = %(id)s" + " FOR NO KEY UPDATE OF c" * lock
    async with conn.cursor(row_factory=class_row(CalendarConnection)) as cur:
        await cur.execute(query, {"company": company_id, "id": connection_id})
        return await cur.fetchone()


async def of_users(conn: Connection, company_id: UUID, user_ids: Collection[UUID]) -> Sequence[CalendarConnection]:
    """List the live connections of users, oldest first."""
    query = _CONNECTION + "AND c.user_id = ANY(%(users)s) ORDER BY c.created_at, c.id"
    async with conn.cursor(row_factory=class_row(CalendarConnection)) as cur:
        await cur.execute(query, {"company": company_id, "users": list(user_ids)})
        return await cur.fetchall()


async def by_account(
    conn: Connection, company_id: UUID, user_id: UUID, provider: CalendarKind, account: str
) -> CalendarConnection | None:
    """Find the live connection of a user to an account."""
    query = _CONNECTION + "AND c.user_id = %(user)s AND c.provider = %(provider)s AND c.account = %(account)s"
    values = {"company": company_id, "user": user_id, "provider": provider, "account": account}
    async with conn.cursor(row_factory=class_row(CalendarConnection)) as cur:
        await cur.execute(query, values)
        return await cur.fetchone()


async def is_connected(conn: Connection, provider: CalendarKind, account: str) -> bool:
    """Tell whether anybody, in whichever company, has a live connection to an account."""
    cur = await conn.execute(
        "SELECT FROM calendar_connection WHERE provider = %s AND account = %s AND deleted_at IS NULL LIMIT 1",
        (provider, account),
    )
    return await cur.fetchone() is not None


async def calendars(
    conn: Connection, company_id: UUID, connection_ids: Collection[UUID]
) -> dict[UUID, Sequence[Calendar]]:
    """List the calendars of each connection, the provider's default first, then by name."""
    query = _CALENDAR + "AND k.connection_id = ANY(%(ids)s) ORDER BY k.is_default DESC, k.name, k.no"
    found: dict[UUID, list[Calendar]] = {one: [] for one in connection_ids}
    async with conn.cursor(row_factory=class_row(Calendar)) as cur:
        await cur.execute(query, {"company": company_id, "ids": list(connection_ids)})
        async for row in cur:
            found[row.connection_id].append(row)
    return dict(found)


async def credential(conn: Connection, company_id: UUID, connection_id: UUID, *, lock: bool = False) -> bytes | None:
    """Read the sealed credential of a connection, also of one that is being deleted.

    Args:
        lock: keep others from replacing it until the transaction ends.
    """
    query = "SELECT credential FROM calendar_access WHERE company_id = %s AND connection_id = %s"
    cur = await conn.execute(query + " FOR NO KEY UPDATE" * lock, (company_id, connection_id))
    row = await cur.fetchone()
    return bytes(row[0]) if row else None


async def add(conn: Connection, connection: Mapping[str, Any], *, credential: bytes, now: Instant) -> None:
    """Insert a connection from columns, due at once.

    Args:
        credential: sealed.
    """
    await conn.execute(*rows.insert("calendar_connection", [connection]))
    access = {
        "company_id": connection["company_id"],
        "connection_id": connection["id"],
        "credential": credential,
        "due_at": now,
    }
    await conn.execute(*rows.insert("calendar_access", [access]))


async def update(conn: Connection, company_id: UUID, connection_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of one connection."""
    await conn.execute(*rows.update("calendar_connection", company_id, connection_id, changes))


async def renew(conn: Connection, company_id: UUID, connection_id: UUID, *, credential: bytes, now: Instant) -> None:
    """Store another credential with which the provider lets us in again; what was wrong before is forgotten."""
    await conn.execute(
        """
        UPDATE calendar_access SET credential = %s, status = 'connected', failures = 0, error = NULL, told_at = NULL,
            due_at = %s
        WHERE company_id = %s AND connection_id = %s
        """,
        (credential, now, company_id, connection_id),
    )


async def keep_credential(conn: Connection, company_id: UUID, connection_id: UUID, credential: bytes) -> None:
    """Store what a provider has replaced the credential by; sealed."""
    await conn.execute(
        "UPDATE calendar_access SET credential = %s WHERE company_id = %s AND connection_id = %s",
        (credential, company_id, connection_id),
    )
