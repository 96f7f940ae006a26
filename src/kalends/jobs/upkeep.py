"""Periodic tasks: what is due, what got stuck, what may go. Each is safe to run twice and at once."""

from __future__ import annotations

from procrastinate import App as Queue

from kalends.app import App
from kalends.storage import buckets, claims, effects, form_nonces, guest_mails, stalled

from .patience import LONGEST_JOB_S

HEARTBEAT_S = 4
SILENT_S = 12  # a worker without a sign of life for so long is gone
FAILED_DAYS = 30


def register(queue: Queue, app: App) -> None:
    """Add the periodic tasks; they run before all other jobs."""

    @queue.periodic(cron="* * * * * */10")  # the sixth field is seconds
    @queue.task(name="upkeep.due", priority=10)
    async def due(timestamp: int) -> None:
        """Start what is due, and jobs whose worker is gone once more."""
        async with app.transaction() as conn:
            await effects.start_due(conn, app.now())
        async with app.transaction() as conn:
            await stalled.retry(conn, silent_s=SILENT_S, running_s=LONGEST_JOB_S + 30)

    @queue.periodic(cron="* * * * *")
    @queue.task(name="upkeep.sweep", priority=10)
    async def sweep(timestamp: int) -> None:
        """Delete what serves no more: expired and old claims, full buckets, counted mails, old nonces, failed jobs."""
        async with app.transaction() as conn:
            await claims.sweep_old(conn, app.now())
        async with app.transaction() as conn:
            await buckets.sweep(conn, app.now())
            await guest_mails.sweep(conn, app.now())
            await form_nonces.sweep(conn, app.now())
            await stalled.forget_failed(conn, days=FAILED_DAYS)
