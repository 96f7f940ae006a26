"""Start a job from inside a transaction: its row is written by name, in the caller's transaction."""

from psycopg.types.json import Jsonb

from .database import Connection

CHANNEL = "procrastinate_any_queue_v1"

INSERT = "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)"
WHEN_IDLE = -1


async def enqueue(conn: Connection, task: str, *, lock: str | None = None, priority: int = 0, **args: object) -> None:
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
        VALUES ('default', %s, %s, %s, %s)
        """,
        (priority, task, lock, Jsonb(args)),
    )
    conn.jobs_waiting = True


async def wake_workers(conn: Connection) -> None:
    """Tell the listening workers that jobs are waiting; never inside a transaction (design section 5)."""
    await conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, '{"type": "job_inserted", "job_id": 0}'))
