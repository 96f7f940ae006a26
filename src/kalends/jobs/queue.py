"""The Procrastinate app: all tasks, on connections of its own to the same database."""

from __future__ import annotations

from typing import Any

import psycopg
from procrastinate import App as Queue
from procrastinate import PsycopgConnector

from kalends.app import App
from kalends.storage.database import Pool

from . import calendar_connections, calendar_entries, calendar_sync, conferences, effects, events, quick_mails, upkeep


def create(app: App, conninfo: str) -> Queue:
    """Make the queue with every task registered, not yet open.

    Args:
        app: what the tasks work with.
        conninfo: the database itself, never a pooler: workers listen (design section 7).
    """
    connector = PsycopgConnector(
        pool_factory=Pool,
        conninfo=conninfo,
        min_size=1,
        max_size=6,
        timeout=10,
        configure=_autocommit,
        kwargs={"options": "-c application_name=kalends-worker"},
    )
    queue = Queue(connector=connector)
    calendars = (calendar_connections, calendar_entries, calendar_sync)
    for noun in (events, effects, *calendars, conferences, quick_mails, upkeep):
        noun.register(queue, app)
    return queue


async def _autocommit(conn: psycopg.AsyncConnection[Any]) -> None:
    """Save two round trips a statement: the queue never needs more than one in a transaction."""
    await conn.set_autocommit(True)
