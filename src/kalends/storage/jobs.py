"""Start a job from inside a transaction: its row is written by name, in the caller's transaction."""

from psycopg.types.json import Jsonb

from .database import Connection

# What waits for somebody else's server stands in a queue of its own: were all of those to hang, mails still leave.
DEFAULT, REMOTE = "default", "remote"
_CHANNELS = [f"procrastinate_queue_v1#{queue}" for queue in (DEFAULT, REMOTE)]

INSERT = "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)"
WHEN_IDLE = -1
SILENT_S = 12  # a worker that gives no sign of life for so long is gone


async def enqueue(
    conn: Connection,
    task: str,
    *,
    queue: str = DEFAULT,
    lock: str | None = None,
    priority: int = 0,
    **args: object,
) -> None:
    """Queue the named task; it exists when, and only when, the caller commits.

    Args:
        task: the task's registered name, such as ``event.happened``.
        priority: higher ones first; `WHEN_IDLE` is what may keep a worker busy for a while, and can wait.
        lock: jobs with the same lock run one after the other, in the order of their numbers.
        args: JSON values handed to the task.
    """
    await conn.execute(
        """
        INSERT INTO procrastinate_jobs (queue_name, priority, task_name, lock, args)
        VALUES (%s, %s, %s, %s, %s)
        """,
        (queue, priority, task, lock, Jsonb(args)),
    )
    conn.jobs_waiting = True


async def wake_workers(conn: Connection) -> None:
    """Tell the listening workers that jobs are waiting; never inside a transaction (design section 5)."""
    await conn.execute(
        "SELECT pg_notify(channel, %s) FROM unnest(%s::text[]) channel",
        ('{"type": "job_inserted", "job_id": 0}', _CHANNELS),
    )


async def are_worked(conn: Connection) -> bool:
    """Tell whether there is a worker, on whichever machine."""
    cursor = await conn.execute(
        """
        SELECT EXISTS (
            SELECT FROM procrastinate_workers WHERE last_heartbeat >= now() - make_interval(secs => %s)
        )
        """,
        (SILENT_S,),
    )
    return await cursor.fetchone() == (True,)
