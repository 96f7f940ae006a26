"""Connections to the calendar in memory, as rows."""

import json
from uuid import UUID

from whenever import Instant

from kalends.app import App
from kalends.domain.remote_events import RemoteCalendar
from kalends.ports import CalendarKind
from kalends.storage import calendar_connections, ids, rows
from tests.fakes.memory_calendar import PERSONAL, WORK


async def connect(
    app: App,
    company_id: UUID,
    user_id: UUID,
    *,
    provider: CalendarKind = "caldav",
    now: Instant,
    primary: RemoteCalendar | None = PERSONAL,
    **flags: bool,
) -> UUID:
    """Give a user a connection to the calendars Personal, which is selected, and Work; answers its id.

    Args:
        primary: appointments are written to it; None: to none of it.
        flags: columns of calendar_connection; nothing blocks unless `validate_availability` says so.
    """
    connection_id = ids.new_id(company_id)
    row = {
        "company_id": company_id,
        "id": connection_id,
        "user_id": user_id,
        "provider": provider,
        "account": f"ada-{connection_id}",
        "email": "ada@acme.test",
        "is_primary": primary is not None,
        "created_at": now,
        "updated_at": now,
        "validate_availability": False,
        **flags,
    }
    async with app.transaction() as conn:
        await calendar_connections.add(conn, row, credential=app.box.seal(json.dumps({}).encode()), now=now)
        calendars = [
            {
                "company_id": company_id,
                "id": ids.new_id(company_id),
                "connection_id": connection_id,
                "remote_id": one.remote_id,
                "name": one.name,
                "color": one.color,
                "zone": one.zone,
                "is_default": one.is_default,
                "writable": one.writable,
                "selected": one.is_default,
                "is_primary": one == primary,
            }
            for one in (PERSONAL, WORK)
        ]
        await conn.execute(*rows.insert("calendar", calendars))
    return connection_id


async def write_to(app: App, connection_id: UUID, calendar: RemoteCalendar) -> None:
    """Make another calendar of a connection the one that appointments are written to."""
    async with app.transaction() as conn:
        await conn.execute("UPDATE calendar SET is_primary = false WHERE connection_id = %s", (connection_id,))
        await conn.execute(
            "UPDATE calendar SET is_primary = true WHERE connection_id = %s AND remote_id = %s",
            (connection_id, calendar.remote_id),
        )
