"""Periodic tasks: what is due, what got stuck, what may go. Each is safe to run twice and at once."""

from __future__ import annotations

from contextlib import suppress

from procrastinate import App as Queue

from kalends.app import App, DatabaseBusy
from kalends.services import provisional_bookings
from kalends.storage import (
    buckets,
    calendar_authorizations,
    calendar_disconnections,
    claims,
    effects,
    event_positions,
    form_nonces,
    guest_mails,
    idempotency_keys,
    jobs,
    queue_turns,
    quick_mails,
    reservations,
    stalled,
)
from kalends.storage import provisional_bookings as stored_provisional_bookings

from .patience import LONGEST_JOB_S

HEARTBEAT_S = 4  # well below `jobs.SILENT_S`
FAILED_DAYS = 30
LEFT_HOURS = 1  # a deleted connection whose job did not come by is wiped all the same
EXPIRED_AT_ONCE = 30  # each may wait for its locks, and no job takes long


def register(queue: Queue, app: App) -> None:
    """Add the periodic tasks; they run before all other jobs."""

    @queue.periodic(cron="* * * * * */10")  # the sixth field is seconds
    @queue.task(name="upkeep.due", priority=10)
    async def due(timestamp: int) -> None:
        """Start what is due, and jobs whose worker is gone once more; number events, however rarely they are read."""
        async with app.transaction() as conn:
            await effects.start_due(conn, app.now())
            await quick_mails.start_due(conn, app.now())
        async with app.transaction() as conn:
            await stalled.retry(conn, silent_s=jobs.SILENT_S, running_s=LONGEST_JOB_S + 30)
        async with app.transaction() as conn:
            await event_positions.number(conn)

    @queue.periodic(cron="* * * * * */10")
    @queue.task(name="upkeep.expire", priority=10)
    async def expire(timestamp: int) -> None:
        """Make known that provisional bookings expired, each in a transaction of its own: each locks its hosts."""
        async with app.reading() as conn:
            due = await stored_provisional_bookings.due(conn, app.now(), limit=EXPIRED_AT_ONCE)
        for company_id, provisional_id in due:
            with suppress(DatabaseBusy):  # next time, then
                async with app.transaction() as conn:
                    await provisional_bookings.expire(
                        conn, company_id=company_id, provisional_id=provisional_id, clock=app.now
                    )

    @queue.periodic(cron="* * * * *")
    @queue.task(name="upkeep.sweep", priority=10)
    async def sweep(timestamp: int) -> None:
        """Delete what serves no more: old claims, reservations, keys, states and jobs, full buckets; sum up turns."""
        async with app.transaction() as conn:
            await claims.sweep_old(conn, app.now())
            await reservations.sweep(conn, app.now())  # those whose claims are gone
        async with app.transaction() as conn:
            await buckets.sweep(conn, app.now())
            await guest_mails.sweep(conn, app.now())
            await form_nonces.sweep(conn, app.now())
            await idempotency_keys.sweep(conn, app.now())
            await calendar_authorizations.sweep(conn, app.now())
            await calendar_disconnections.wipe_old(conn, app.now().subtract(hours=LEFT_HOURS))
            await queue_turns.fold(conn)
            await stalled.forget_failed(conn, days=FAILED_DAYS)
