"""Connected calendars as they stand in the database: whose they are, how old what is known is, what blocks in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from whenever import Instant

from kalends.services.companies import Founded
from kalends.storage import rows
from kalends.storage.database import Connection
from tests.ordering import NOW

LONG_AFTER = NOW.add(hours=24 * 1000)


@dataclass(frozen=True)
class Connected:
    """A connection and its calendars."""

    company: Founded
    user_id: UUID
    id: UUID
    calendars: tuple[UUID, ...]


async def connection(
    conn: Connection,
    company: Founded,
    user_id: UUID | None = None,
    *,
    calendars: int = 1,
    selected: bool = True,
    synced_at: Instant | None = NOW,
    known_until: Instant = LONG_AFTER,
    status: str = "connected",
    **columns: Any,
) -> Connected:
    """Connect an account with some calendars, of the company's owner or of another user.

    Args:
        synced_at: None: it was never read.
        known_until: what comes later was not read.
    """
    user_id, connection_id = user_id or company.user_id, uuid4()
    own = {"company_id": company.company_id, "id": connection_id, "user_id": user_id}
    told = {"provider": "caldav", "account": str(connection_id), "email": "ada@acme.test"}
    await conn.execute(
        *rows.insert("calendar_connection", [own | told | {"created_at": NOW, "updated_at": NOW} | columns])
    )
    await conn.execute(
        """INSERT INTO calendar_access (company_id, connection_id, credential, status, synced_at)
        VALUES (%s, %s, 'sealed', %s, %s)""",
        (company.company_id, connection_id, status, synced_at),
    )
    ids = tuple(uuid4() for _ in range(calendars))
    for number, calendar_id in enumerate(ids):
        calendar = {
            "company_id": company.company_id,
            "id": calendar_id,
            "connection_id": connection_id,
            "remote_id": f"calendar-{number}",
            "name": f"Calendar {number}",
            "is_default": number == 0,
            "writable": True,
            "selected": selected,
        }
        await conn.execute(*rows.insert("calendar", [calendar]))
        reading = {
            "company_id": company.company_id,
            "calendar_id": calendar_id,
            "window_end": known_until,
            "synced_at": synced_at,
        }
        await conn.execute(*rows.insert("calendar_reading", [reading]))
    return Connected(company, user_id, connection_id, ids)


async def busy(conn: Connection, calendar_id: UUID, spans: Iterable[tuple[Instant, Instant]]) -> None:
    """Put busy events into a calendar, each of an event of its own."""
    for start, end in spans:
        await conn.execute(
            """WITH event AS (
                INSERT INTO calendar_event (company_id, calendar_id, remote_id)
                SELECT company_id, id, %s FROM calendar WHERE id = %s RETURNING company_id, calendar_id, id
            )
            INSERT INTO busy_event (company_id, event_id, calendar_no, host_no, start_at, end_at)
            SELECT e.company_id, e.id, d.no, u.host_no, %s, %s FROM event e
            JOIN calendar d ON d.id = %s
            JOIN calendar_connection k ON k.id = d.connection_id
            JOIN user_account u ON u.company_id = k.company_id AND u.id = k.user_id""",
            (str(uuid4()), calendar_id, start, end, calendar_id),
        )


async def read(conn: Connection, connection_id: UUID, at: Instant | None, *, status: str = "connected") -> None:
    """Let a connection have been read at an instant."""
    await conn.execute(
        "UPDATE calendar_access SET synced_at = %s, status = %s WHERE connection_id = %s", (at, status, connection_id)
    )
    await conn.execute(
        """UPDATE calendar_reading SET synced_at = %s
        WHERE calendar_id IN (SELECT id FROM calendar WHERE connection_id = %s)""",
        (at, connection_id),
    )
