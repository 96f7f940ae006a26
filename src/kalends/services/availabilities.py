"""Availabilities: when a user can be met."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.schedule import DAYS
from kalends.storage import availabilities, ids
from kalends.storage.availabilities import Availability
from kalends.storage.database import Connection

DEFAULT_NAME = "Working hours"
# The hours of a new user on his working days (contract 6.5).
DEFAULT_START, DEFAULT_END = "08:00", "17:00"
WORKING_DAYS = 5


def default_schedule() -> dict[str, Any]:
    """Make the weekly hours of a new user: Monday to Friday 08:00–17:00."""
    open_day = {"enabled": True, "hours": [{"start": DEFAULT_START, "end": DEFAULT_END}]}
    closed = {"enabled": False, "hours": list[Any]()}
    return {day: open_day if number < WORKING_DAYS else closed for number, day in enumerate(DAYS)}


def closed_schedule() -> dict[str, Any]:
    """Make weekly hours that are closed all week; only exceptions open time then."""
    return {day: {"enabled": False, "hours": list[Any]()} for day in DAYS}


async def add(
    conn: Connection,
    *,
    company_id: UUID,
    user_id: UUID,
    name: str,
    timezone: str,
    schedule: dict[str, Any],
    now: Instant,
) -> Availability:
    """Store an availability of a user; the schedule has all seven days."""
    row = Availability(company_id, ids.new_id(company_id), user_id, name, timezone, schedule, now, now, None)
    await availabilities.add(conn, row)
    return row
