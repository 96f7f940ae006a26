"""What connections ask of their providers, beside being read."""

from __future__ import annotations

from uuid import UUID

from procrastinate import App as Queue

from kalends.app import App
from kalends.services import calendar_visits

from .patience import Patience


def register(queue: Queue, app: App) -> None:
    """Add the tasks ``calendar.list`` and ``calendar.disconnect``."""

    @queue.task(name="calendar.list", retry=Patience())
    async def list_anew(*, company_id: str, connection_id: str, **_later: object) -> None:
        """Store which calendars an account has now."""
        await calendar_visits.list_anew(app.calendar_reader, UUID(company_id), UUID(connection_id))

    @queue.task(name="calendar.disconnect", retry=Patience())
    async def disconnect(*, company_id: str, connection_id: str, **_later: object) -> None:
        """Take leave of the provider of a deleted connection, and wipe what is left of it."""
        await calendar_visits.leave(app.calendar_reader, UUID(company_id), UUID(connection_id))
