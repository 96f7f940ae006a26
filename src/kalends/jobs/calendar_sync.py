"""Calendars read when they are due, or when their provider says that something changed."""

from __future__ import annotations

from uuid import UUID

import structlog
from procrastinate import App as Queue

from kalends.app import App
from kalends.services import calendar_sync
from kalends.storage import calendar_access

from .patience import Patience

log = structlog.get_logger("kalends.jobs")


def register(queue: Queue, app: App) -> None:
    """Add the tasks ``calendar.sync`` and ``calendar.sync-due``."""

    @queue.task(name=calendar_access.TASK, retry=Patience())
    async def sync(*, company_id: str, connection_id: str, **_later: object) -> None:
        """Read one connection; what fails is noted with it, and when it is tried again."""
        outcome = await calendar_sync.read_now(app.calendar_reader, UUID(company_id), UUID(connection_id))
        if outcome in ("put-off", "refused"):
            log.warning("calendar.unread", connection=connection_id, outcome=outcome)

    @queue.periodic(cron="* * * * * */10")
    @queue.task(name="calendar.sync-due", priority=10)
    async def due(timestamp: int) -> None:
        """Start reading the connections whose time has come."""
        async with app.transaction() as conn:
            await calendar_access.start_due(conn, app.now())
