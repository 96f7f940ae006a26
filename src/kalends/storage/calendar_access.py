"""How it goes with connections: when each is read next, its jobs, and what became of the last reading."""

from __future__ import annotations

from uuid import UUID

from psycopg.types.json import Jsonb
from whenever import Instant

from . import jobs
from .database import Connection

TASK = "calendar.sync"
# A job that was started is waited for so long: longer than one may run, shorter than nobody would notice.
STARTED_S = 180

# Nobody has asked for another reading since this one began, or this one's successor is due earlier anyhow.
_DUE = "CASE WHEN due_at IS NOT DISTINCT FROM %(last_due)s THEN %(due)s ELSE least(due_at, %(due)s) END"
_SYNCED = "CASE WHEN %(whole)s THEN greatest(synced_at, %(began)s) ELSE synced_at END"


async def start_due(conn: Connection, now: Instant, *, limit: int = 100) -> None:
    """Turn connections whose time has come into jobs, in the caller's transaction.

    One that has a job waiting gets no other.
    """
    await _start(
        conn,
        """
        SELECT x.connection_id FROM calendar_access x
        JOIN calendar_connection n ON n.company_id = x.company_id AND n.id = x.connection_id
        WHERE x.due_at <= %(now)s AND n.deleted_at IS NULL
        ORDER BY x.due_at LIMIT %(limit)s FOR UPDATE OF x SKIP LOCKED
        """,
        now,
        {"limit": limit},
    )


async def start(conn: Connection, company_id: UUID, connection_id: UUID, now: Instant) -> None:
    """Have a connection read as soon as a worker is free, unless it is waiting for that already."""
    await _start(
        conn,
        """
        SELECT x.connection_id FROM calendar_access x
        JOIN calendar_connection n ON n.company_id = x.company_id AND n.id = x.connection_id
        WHERE x.company_id = %(company)s AND x.connection_id = %(connection)s AND n.deleted_at IS NULL
            AND x.status = 'connected' FOR UPDATE OF x
        """,
        now,
        {"company": company_id, "connection": connection_id},
    )


async def _start(conn: Connection, due: str, now: Instant, values: dict[str, object]) -> None:
    cursor = await conn.execute(
        f"""
        WITH due AS ({due}), started AS (
            UPDATE calendar_access x SET due_at = %(until)s FROM due WHERE x.connection_id = due.connection_id
            RETURNING x.company_id, x.connection_id)
        INSERT INTO procrastinate_jobs (queue_name, priority, task_name, lock, args)
        SELECT '{jobs.REMOTE}', {jobs.WHEN_IDLE}, '{TASK}', 'calendar ' || connection_id,
            jsonb_build_object('company_id', company_id, 'connection_id', connection_id)
        FROM started WHERE NOT EXISTS (
            SELECT FROM procrastinate_jobs
            WHERE lock = 'calendar ' || started.connection_id AND task_name = '{TASK}' AND status = 'todo')
        """,
        {**values, "now": now, "until": now.add(seconds=STARTED_S)},
    )
    conn.jobs_waiting |= cursor.rowcount > 0


async def call_for_reading(
    conn: Connection, company_id: UUID, connection_id: UUID, now: Instant, *, unread: bool = False
) -> None:
    """Start the job that reads a connection; it is due again soon, should the job be lost.

    Args:
        unread: what is known of its calendars does not count as read any more.
    """
    await conn.execute(
        """
        UPDATE calendar_access SET due_at = %s, synced_at = CASE WHEN %s THEN NULL ELSE synced_at END
        WHERE company_id = %s AND connection_id = %s
        """,
        (now.add(seconds=STARTED_S), unread, company_id, connection_id),
    )
    await enqueue(conn, TASK, company_id, connection_id)


async def enqueue(conn: Connection, task: str, company_id: UUID, connection_id: UUID) -> None:
    """Start a job on a connection, unless it waits already; those on the same one run one after the other."""
    cur = await conn.execute(
        f"""
        {jobs.INSERT} SELECT '{jobs.REMOTE}', %(task)s::text, %(lock)s::text, %(args)s WHERE NOT EXISTS (
            SELECT FROM procrastinate_jobs WHERE lock = %(lock)s AND task_name = %(task)s AND status = 'todo')
        """,
        {
            "task": task,
            "lock": f"calendar {connection_id}",
            "args": Jsonb({"company_id": str(company_id), "connection_id": str(connection_id)}),
        },
    )
    conn.jobs_waiting |= cur.rowcount > 0


async def read_through(
    conn: Connection,
    connection_id: UUID,
    *,
    began: Instant,
    due: Instant,
    last_due: Instant | None,
    whole: bool,
    renewed: bool,
) -> None:
    """Note that a connection was read, unless the provider has let somebody else in no more since that began.

    Args:
        began: when that reading began: nothing known of it is older.
        last_due: what was due when it began. Who asked for a reading since then, sooner than `due`, gets it.
        whole: all its calendars that block were read to the end.
        renewed: it was read with a credential that the provider had handed out just then.
    """
    await conn.execute(
        f"""
        UPDATE calendar_access SET status = 'connected', failures = 0, error = NULL, told_at = NULL, due_at = {_DUE},
            synced_at = {_SYNCED}
        WHERE connection_id = %(connection)s AND (%(renewed)s OR told_at IS NULL OR told_at <= %(began)s)
        """,
        {
            "connection": connection_id,
            "began": began,
            "due": due,
            "last_due": last_due,
            "whole": whole,
            "renewed": renewed,
        },
    )


async def put_off(
    conn: Connection,
    connection_id: UUID,
    *,
    error: str,
    began: Instant,
    due: Instant,
    last_due: Instant | None,
    whole: bool,
) -> None:
    """Note that not all of a connection could be read, and when that is tried again; as `read_through`."""
    await conn.execute(
        f"""
        UPDATE calendar_access SET failures = failures + 1, error = %(error)s, due_at = {_DUE},
            synced_at = {_SYNCED}
        WHERE connection_id = %(connection)s
        """,
        {
            "connection": connection_id,
            "error": error[:500],
            "began": began,
            "due": due,
            "last_due": last_due,
            "whole": whole,
        },
    )


async def refuse(conn: Connection, connection_id: UUID, *, error: str, due: Instant, now: Instant) -> bool:
    """Note that the provider does not let us in; answers whether its owner is to be told."""
    cursor = await conn.execute(
        """
        WITH before AS (SELECT told_at FROM calendar_access WHERE connection_id = %(connection)s FOR UPDATE)
        UPDATE calendar_access x SET status = 'refused', failures = failures + 1, error = %(error)s, due_at = %(due)s,
            told_at = coalesce(x.told_at, %(now)s)
        FROM before WHERE x.connection_id = %(connection)s RETURNING before.told_at IS NULL
        """,
        {"connection": connection_id, "error": error[:500], "due": due, "now": now},
    )
    row = await cursor.fetchone()
    return bool(row and row[0])
