"""Conferences made, moved and given up at whoever keeps them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import structlog
from procrastinate import App as Queue

from kalends.app import App
from kalends.errors import Upstream
from kalends.ports import Conference
from kalends.services import conferences
from kalends.services.conferences import Owed
from kalends.storage import conferences as stored

from . import patience
from .patience import Patience

log = structlog.get_logger("kalends.jobs")


def offered(app: App) -> Collection[str]:
    """Name the channels for which this server can have conferences made."""
    return {channel for channel, provider in app.conferences.items() if not provider.lacking}


def register(queue: Queue, app: App) -> None:
    """Add the tasks ``conference.make`` and ``conference.due``."""

    @queue.task(name="conference.make", retry=Patience())
    async def make(*, company_id: str, appointment_id: str, **_later: object) -> None:
        """Have one appointment's conference made, moved or given up; a second run finds it as it is."""
        key = {"company_id": UUID(company_id), "appointment_id": UUID(appointment_id)}
        async with app.transaction() as conn:
            owed = await conferences.owed(conn, **key, offered=offered(app), now=app.now())
        if owed is None:
            return
        try:
            async with patience.in_time():
                conference = await _carry_out(app, owed)
        except Upstream as failure:
            async with app.transaction() as conn:
                again = await conferences.failed(conn, owed.stored, failure, now=app.now())
            said = "conference.failed" if again else "conference.given-up"
            log.warning(said, appointment=appointment_id, channel=owed.stored.channel, reason=failure.message)
            return
        if conference is None:
            async with app.transaction() as conn:
                await conferences.deleted(conn, owed, offered=offered(app), now=app.now())
            return
        async with app.transaction() as conn:
            counts = await conferences.made(conn, owed, conference)
        if not counts:
            await app.conferences[owed.stored.channel].delete(owed.meeting, conference)
            return
        async with app.transaction() as conn:
            await conferences.tell(conn, **key, clock=app.now)

    @queue.periodic(cron="* * * * * */10")
    @queue.task(name="conference.due", priority=10)
    async def due(timestamp: int) -> None:
        """Try again what was put off."""
        async with app.transaction() as conn:
            await stored.start_due(conn, app.now())


async def _carry_out(app: App, owed: Owed) -> Conference | None:
    """Ask the provider; None: the conference is given up there.

    Raises:
        Upstream: it could not be asked, or this server does not know it any more.
    """
    provider, known = app.conferences.get(owed.stored.channel), owed.stored.known
    if provider is None or provider.lacking:
        raise Upstream(
            f"nobody makes links for '{owed.stored.channel}': {', '.join(provider.lacking if provider else ())}"
        )
    if owed.is_needed:
        return await provider.put(owed.meeting, known)
    await provider.delete(owed.meeting, known)
    return None
