"""Calendar use: calendars of hosts whose starts are looked at are read more often for a while."""

from __future__ import annotations

from uuid import UUID

import psycopg
from whenever import Instant

from kalends.storage import calendar_readings
from kalends.storage.database import Connection

from .slot_queries import Loaded

_EVERY_S = 60
_MOST = 10_000

_noted: dict[UUID, Instant] = {}  # when this process noted the use of a connection last


async def note(conn: Connection, loaded: Loaded, now: Instant) -> None:
    """Note that starts of these hosts were asked for; once a minute for each connection, else without a statement."""
    ids = [one.connection_id for found in loaded.connected.values() for one in found.freshness]
    wanted = [one for one in ids if not _is_noted(one, now)]
    if not wanted:
        return
    if len(_noted) + len(wanted) > _MOST:
        _noted.clear()
    _noted.update(dict.fromkeys(wanted, now))
    try:
        await calendar_readings.used(conn, wanted, now)
    except psycopg.errors.ReadOnlySqlTransaction:  # starts are listed all the same
        return


def _is_noted(connection_id: UUID, now: Instant) -> bool:
    last = _noted.get(connection_id)
    return last is not None and abs((now - last).total("seconds")) < _EVERY_S
