"""The Procrastinate app: all tasks, on connections of its own to the same database."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from procrastinate import App as Queue
from procrastinate import PsycopgConnector
from procrastinate.exceptions import UniqueViolation

from kalends.app import App
from kalends.storage.database import Pool

from . import calendar_connections, calendar_entries, calendar_sync, conferences, effects, events, quick_mails, upkeep

_ONE_OF_A_LOCK = "procrastinate_jobs_lock_idx_v1"


class _Connector(PsycopgConnector):
    """Asks again where another worker took a job of the same lock in the same moment; it would break this one."""

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        """Carry out a statement that answers one row."""
        try:
            row: dict[str, Any] = await super().execute_query_one_async(query, **arguments)
        except UniqueViolation as error:
            if error.constraint_name != _ONE_OF_A_LOCK:
                raise
            row = await super().execute_query_one_async(query, **arguments)
        return row


def create(app: App, conninfo: str) -> Queue:
    """Make the queue with every task registered, not yet open.

    Args:
        app: what the tasks work with.
        conninfo: the database itself, never a pooler: workers listen (design section 7).
    """
    connector = _Connector(
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
