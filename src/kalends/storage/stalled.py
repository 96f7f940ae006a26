"""Jobs that nobody works on any more: their worker was killed, or lost the database before it could say so."""

from .database import Connection


async def retry(conn: Connection, *, silent_s: int, running_s: int) -> int:
    """Let them run again; answers how many.

    Args:
        silent_s: seconds after which a worker that shows no sign of life counts as gone.
        running_s: seconds no job takes; one that runs longer was finished, but its worker could not write so.
    """
    cursor = await conn.execute(
        """
        SELECT procrastinate_retry_job_v2(j.id, now(), NULL, NULL, NULL)
        FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
        WHERE j.status = 'doing' AND (
            w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => %s)
            OR (SELECT max(at) FROM procrastinate_events e WHERE e.job_id = j.id AND e.type = 'started')
                < now() - make_interval(secs => %s)
        )
        """,
        (silent_s, running_s),
    )
    count = cursor.rowcount
    conn.jobs_waiting = conn.jobs_waiting or count > 0
    return count


async def forget_failed(conn: Connection, *, days: int) -> None:
    """Delete the jobs that failed for good more than so many days ago."""
    await conn.execute(
        """
        DELETE FROM procrastinate_jobs j WHERE status IN ('failed', 'aborted', 'cancelled') AND NOT EXISTS (
            SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at > now() - make_interval(days => %s)
        )
        """,
        (days,),
    )
