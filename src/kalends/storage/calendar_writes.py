"""Writes: whose calendar is still to follow an appointment; gone once it shows what the newest revision says.

Locks are short: nobody holds one of these rows while a network is waited for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from . import jobs
from .database import Connection

REFUSED = "calendar-credential-refused"  # in calendar_write.error: nothing is tried until the connection works again
DECIDED = "moved-there"  # in calendar_write.error: what the calendar says of the time was looked at, and is overwritten

# Newer revisions are tried at once, whatever became of the one before. What waited for its connection does no more: it
# counts as in hand.
_ANEW = f"""ON CONFLICT (company_id, appointment_id, user_id) DO UPDATE
    SET revision = greatest(calendar_write.revision, excluded.revision), failures = 0, due_at = NULL,
        error = coalesce(excluded.error, nullif(calendar_write.error, '{REFUSED}'))"""
# After mails: a calendar's server that answers slowly, or not at all, keeps a worker busy for a while. What was tried
# before comes after what never was.
_FIRST, _AGAIN = -1, -2
_WAITING, _OF_ONE_HOST = 30, 10
_ENQUEUE = f"""
    INSERT INTO procrastinate_jobs (queue_name, priority, task_name, lock, args)
    SELECT '{jobs.REMOTE}', %(priority)s, 'calendar.write', 'calendar-write ' || appointment_id || ' ' || user_id,
        jsonb_build_object('company_id', company_id, 'appointment_id', appointment_id, 'user_id', user_id)
"""


@dataclass(frozen=True, slots=True)
class Write:
    """A host's calendar that is to follow an appointment.

    Attributes:
        revision: the newest one it was owed for.
        decided: what the calendar says of the time is to be overwritten, once it was looked at.
        begun_in: a calendar where entries may stand that are not noted, for their writing was answered to nobody.
    """

    revision: int
    failures: int
    decided: bool
    begun_in: UUID | None


async def owe(
    conn: Connection, *, company_id: UUID, appointment_id: UUID, user_ids: Collection[UUID], revision: int
) -> None:
    """Have the calendars of hosts, old and new, follow an appointment; one statement, and none of them may have any.

    A calendar that shows this revision already, or a newer one, owes nothing.
    """
    cursor = await conn.execute(
        f"""
        WITH owed AS (
            INSERT INTO calendar_write (company_id, appointment_id, user_id, revision)
            SELECT %(company)s, %(appointment)s, host.id, %(revision)s FROM unnest(%(users)s::uuid[]) AS host (id)
            WHERE coalesce(
                (SELECT max(revision) < %(revision)s FROM calendar_entry
                    WHERE company_id = %(company)s AND appointment_id = %(appointment)s AND user_id = host.id),
                EXISTS (SELECT FROM calendar_connection
                    WHERE company_id = %(company)s AND user_id = host.id AND is_primary AND deleted_at IS NULL))
            ORDER BY host.id
            {_ANEW} RETURNING company_id, appointment_id, user_id)
        {_ENQUEUE} FROM owed
        """,
        {
            "company": company_id,
            "appointment": appointment_id,
            "users": list(user_ids),
            "revision": revision,
            "priority": _FIRST,
        },
    )
    conn.jobs_waiting |= cursor.rowcount > 0


async def owe_decided(conn: Connection, *, company_id: UUID, appointment_id: UUID, user_id: UUID) -> None:
    """Have a host's calendar show what the appointment says, whatever was done to the entry there."""
    cursor = await conn.execute(
        f"""
        WITH owed AS (
            INSERT INTO calendar_write (company_id, appointment_id, user_id, revision, error)
            SELECT company_id, id, %(user)s, revision, '{DECIDED}' FROM appointment
            WHERE company_id = %(company)s AND id = %(appointment)s
            {_ANEW} RETURNING company_id, appointment_id, user_id)
        {_ENQUEUE} FROM owed
        """,
        {"company": company_id, "appointment": appointment_id, "user": user_id, "priority": _FIRST},
    )
    conn.jobs_waiting |= cursor.rowcount > 0


async def owe_coming(conn: Connection, *, company_id: UUID, user_id: UUID, now: Instant) -> None:
    """Have the calendar that a host's appointments are written to from now on show all that are still to come.

    They are due and not jobs yet, so that a host with thousands of them keeps nobody else's jobs waiting.
    """
    await conn.execute(
        """
        INSERT INTO calendar_write (company_id, appointment_id, user_id, revision, due_at)
        SELECT a.company_id, a.id, h.user_id, a.revision, %(now)s
        FROM appointment_host h JOIN appointment a ON a.company_id = h.company_id AND a.id = h.appointment_id
        WHERE h.company_id = %(company)s AND h.user_id = %(user)s AND h.live AND h.start_at > %(now)s
        ORDER BY h.start_at
        ON CONFLICT (company_id, appointment_id, user_id) DO UPDATE
            SET revision = greatest(calendar_write.revision, excluded.revision), due_at = excluded.due_at,
                failures = 0, error = NULL
        """,
        {"company": company_id, "user": user_id, "now": now},
    )


async def hurry(conn: Connection, *, company_id: UUID, user_id: UUID, now: Instant) -> None:
    """Try anew what was owed to a host's calendars and could not be written; for a connection that works again."""
    await conn.execute(
        f"""
        UPDATE calendar_write SET due_at = %s, failures = 0, error = nullif(error, '{REFUSED}')
        WHERE company_id = %s AND user_id = %s AND (due_at IS NOT NULL OR error = '{REFUSED}')
        """,
        (now, company_id, user_id),
    )


async def owed(conn: Connection, company_id: UUID, appointment_id: UUID, user_id: UUID) -> Write | None:
    """Read whether a host's calendar is to follow; None: it does."""
    cursor = await conn.execute(
        f"""
        SELECT revision, failures, coalesce(error, '') = '{DECIDED}', begun_in FROM calendar_write
        WHERE company_id = %s AND appointment_id = %s AND user_id = %s
        """,
        (company_id, appointment_id, user_id),
    )
    row = await cursor.fetchone()
    return Write(*row) if row else None


async def begin(conn: Connection, company_id: UUID, appointment_id: UUID, user_id: UUID, *, calendar_id: UUID) -> None:
    """Note that an entry is about to be written to a calendar for the first time."""
    await conn.execute(
        "UPDATE calendar_write SET begun_in = %s WHERE company_id = %s AND appointment_id = %s AND user_id = %s",
        (calendar_id, company_id, appointment_id, user_id),
    )


async def followed(conn: Connection, company_id: UUID, appointment_id: UUID, user_id: UUID, *, revision: int) -> None:
    """Note that a host's calendar shows a revision, and all that stands there is noted; a newer one is still owed, and
    so is what became due while it was written: to another calendar, or in another manner."""
    key = (company_id, appointment_id, user_id)
    rule = "company_id = %s AND appointment_id = %s AND user_id = %s"
    await conn.execute(
        f"DELETE FROM calendar_write WHERE {rule} AND revision <= %s AND due_at IS NULL", (*key, revision)
    )
    await conn.execute(f"UPDATE calendar_write SET begun_in = NULL WHERE {rule}", key)


async def put_off(
    conn: Connection,
    company_id: UUID,
    appointment_id: UUID,
    user_id: UUID,
    *,
    revision: int,
    failures: int,
    until: Instant | None,
    error: str,
) -> None:
    """Let a calendar be written once `until` has come; None: once its connection works again.

    Nothing is put off where a newer revision was owed meanwhile: its job is there.
    """
    await conn.execute(
        """
        UPDATE calendar_write SET failures = %s, due_at = %s, error = %s
        WHERE company_id = %s AND appointment_id = %s AND user_id = %s AND revision <= %s
        """,
        (failures, until, error[:500], company_id, appointment_id, user_id, revision),
    )


async def start_due(conn: Connection, now: Instant) -> None:
    """Turn what is due into jobs, in the caller's transaction: what was put off, and what waited for a connection.

    No more than 30 wait for a worker, and no more than 10 of one host are started at once: a provider that is away, or
    a host with thousands of appointments, keeps nobody else's calendar from being written.
    """
    await conn.execute(
        f"""
        UPDATE calendar_write SET due_at = %s, error = NULL
        WHERE (company_id, appointment_id, user_id) IN (
            SELECT company_id, appointment_id, user_id FROM calendar_write w
            WHERE w.error = '{REFUSED}' AND w.due_at IS NULL AND coalesce(
                (SELECT x.status = 'connected'
                    FROM calendar_connection n JOIN calendar_access x ON x.connection_id = n.id
                    WHERE n.company_id = w.company_id AND n.user_id = w.user_id AND n.is_primary
                        AND n.deleted_at IS NULL),
                NOT EXISTS (SELECT FROM calendar_connection n
                    WHERE n.company_id = w.company_id AND n.user_id = w.user_id AND n.deleted_at IS NULL))
            FOR UPDATE SKIP LOCKED)
        """,
        (now,),
    )
    cursor = await conn.execute(
        f"""
        WITH turns AS (
                SELECT company_id, appointment_id, user_id, due_at,
                    row_number() OVER (PARTITION BY user_id ORDER BY due_at, appointment_id) AS turn
                FROM calendar_write WHERE due_at <= %(now)s),
            due AS (
                SELECT company_id, appointment_id, user_id FROM calendar_write
                WHERE (company_id, appointment_id, user_id) IN (
                    SELECT company_id, appointment_id, user_id FROM turns WHERE turn <= {_OF_ONE_HOST}
                    ORDER BY due_at LIMIT greatest(0, {_WAITING} - (
                        SELECT count(*) FROM procrastinate_jobs
                        WHERE task_name = 'calendar.write' AND status = 'todo' AND priority = %(priority)s)))
                FOR UPDATE SKIP LOCKED),
            started AS (
                UPDATE calendar_write w SET due_at = NULL FROM due
                WHERE w.company_id = due.company_id AND w.appointment_id = due.appointment_id
                    AND w.user_id = due.user_id
                RETURNING w.company_id, w.appointment_id, w.user_id)
        {_ENQUEUE} FROM started
        """,
        {"now": now, "priority": _AGAIN},
    )
    conn.jobs_waiting |= cursor.rowcount > 0
