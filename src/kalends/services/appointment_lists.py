"""Lists of appointments: pages of one user's, those of his day, the one that runs now (contract 2.7, 6.4)."""

from __future__ import annotations

from typing import Literal

from whenever import Instant

from kalends.errors import NotFound
from kalends.storage import appointments, meeting_types, users
from kalends.storage.appointments import Appointment, Filter
from kalends.storage.database import Connection

from . import rights
from .actor import Actor


async def page(
    conn: Connection,
    *,
    actor: Actor,
    only: Filter,
    sort: Literal["start", "created"],
    descending: bool,
    number: int,
    size: int,
    now: Instant,
) -> tuple[list[Appointment], int]:
    """List one page of a user's appointments (number from 0), and count them all.

    Raises:
        AdminsOnly: another user's appointments are for administrators.
        NotFound: the company has no such user or meeting type.
    """
    if only.host_id != actor.user_id:
        rights.require_admin(actor)
        if await users.get(conn, actor.company_id, only.host_id) is None:
            raise NotFound("User not found")
    if only.meeting_type_id and not await meeting_types.get(conn, actor.company_id, only.meeting_type_id, deleted=True):
        raise NotFound("Meeting type not found")
    return await appointments.page(
        conn,
        actor.company_id,
        only,
        sort=sort,
        descending=descending,
        limit=size,
        offset=number * size,
        now=now,
    )


async def today(conn: Connection, *, actor: Actor, now: Instant) -> list[Appointment]:
    """List the acting user's live appointments that begin today, on his own calendar."""
    assert actor.user_id is not None
    user = await users.get(conn, actor.company_id, actor.user_id)
    if user is None:
        return []
    day = now.to_tz(user.timezone).start_of("day")
    only = Filter(
        host_id=user.id, begins_from=day.to_instant(), begins_before=day.add(days=1).to_instant(), live_only=True
    )
    return await _all(conn, actor, only, now)


async def current(conn: Connection, *, actor: Actor, now: Instant) -> Appointment | None:
    """Find the acting user's appointment that runs now; the one begun last, where several do."""
    assert actor.user_id is not None
    running = await _all(conn, actor, Filter(host_id=actor.user_id, runs_at=now), now)
    return running[-1] if running else None


async def _all(conn: Connection, actor: Actor, only: Filter, now: Instant) -> list[Appointment]:
    found, _ = await appointments.page(
        conn, actor.company_id, only, sort="start", descending=False, limit=1000, offset=0, now=now
    )
    return found
