"""Conferences: where appointments are met online, as links somebody has to make once they are booked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.ports import Conference

from . import jobs
from .database import Connection

State: TypeAlias = Literal["wanted", "made", "given-up", "deleted"]


@dataclass(frozen=True, slots=True)
class StoredConference:
    """The conference of one appointment.

    Attributes:
        revision: the newest one of the appointment that it is to follow.
        created_at: since when it is wanted.
        client: where the guest came from who booked; None: somebody with a credential did.
    """

    company_id: UUID
    appointment_id: UUID
    channel: str
    state: State
    link: str | None
    remote_id: str | None
    number: int | None
    revision: int
    failures: int
    created_at: Instant
    client: str | None

    @property
    def known(self) -> Conference | None:
        """The same as its provider knows it; None: it was not made yet."""
        return Conference(self.link, self.remote_id, self.number) if self.link else None


_ADD = """
    INSERT INTO conference (company_id, appointment_id, channel, state, revision, created_at)
    SELECT %(company)s, %(appointment)s, %(channel)s, 'wanted', %(revision)s, %(now)s
"""
_ANEW = """
    ON CONFLICT (company_id, appointment_id) DO UPDATE
        SET revision = greatest(conference.revision, excluded.revision), failures = 0, due_at = NULL, error = NULL
"""


async def want(
    conn: Connection, *, company_id: UUID, appointment_id: UUID, channel: str, revision: int, now: Instant
) -> None:
    """Have a conference made, or follow its appointment; its job comes with it.

    One that is made stays so, on whatever channel that was; one that was given up is tried anew.
    """
    values = {"company": company_id, "appointment": appointment_id, "channel": channel, "revision": revision}
    await conn.execute(
        _ADD + _ANEW + ", state = CASE conference.state WHEN 'made' THEN 'made' ELSE 'wanted' END",
        values | {"now": now},
    )
    await enqueue(conn, company_id, appointment_id)


async def want_with_event(
    conn: Connection,
    *,
    company_id: UUID,
    appointment_id: UUID,
    channel: str,
    revision: int,
    now: Instant,
    host_id: UUID,
    provider: str,
    anew: bool,
) -> None:
    """Have the link made with the event in a host's calendar, if that is this provider's.

    Args:
        anew: also where one was made, for it belongs to the calendar of somebody else.
    """
    values = {
        "company": company_id,
        "appointment": appointment_id,
        "channel": channel,
        "revision": revision,
        "now": now,
        "host": host_id,
        "provider": provider,
        "stays": "" if anew else "made",
    }
    await conn.execute(
        f"""{_ADD} WHERE EXISTS (
                SELECT FROM calendar_connection n JOIN calendar_access x ON x.connection_id = n.id
                WHERE n.company_id = %(company)s AND n.user_id = %(host)s AND n.is_primary AND n.deleted_at IS NULL
                    AND n.provider = %(provider)s AND x.status = 'connected')
            {_ANEW}, channel = excluded.channel,
                state = CASE conference.state WHEN %(stays)s THEN conference.state ELSE 'wanted' END,
                created_at = CASE conference.state WHEN %(stays)s THEN conference.created_at ELSE %(now)s END""",
        values,
    )


async def recall(conn: Connection, company_id: UUID, appointment_id: UUID, *, revision: int) -> None:
    """Have the conference of an appointment that does not need it any more given up at its provider, if it has one."""
    cursor = await conn.execute(
        """
        UPDATE conference SET revision = greatest(revision, %s), failures = 0, due_at = NULL
        WHERE company_id = %s AND appointment_id = %s AND state <> 'deleted'
        """,
        (revision, company_id, appointment_id),
    )
    if cursor.rowcount:
        await enqueue(conn, company_id, appointment_id)


async def enqueue(conn: Connection, company_id: UUID, appointment_id: UUID, *, priority: int = 0) -> None:
    """Start the job that makes a conference; those of the same appointment run one after the other."""
    await jobs.enqueue(
        conn,
        "conference.make",
        queue=jobs.REMOTE,
        lock=f"conference {appointment_id}",
        priority=priority,
        company_id=str(company_id),
        appointment_id=str(appointment_id),
    )


_SELECT = """
    SELECT c.company_id, c.appointment_id, c.channel, c.state, c.link, c.remote_id, c.number, c.revision, c.failures,
        c.created_at, (
            SELECT e.actor->>'client' FROM event e
            WHERE e.company_id = c.company_id AND e.appointment_id = c.appointment_id AND e.revision = 1) AS client
    FROM conference c
"""


async def get(conn: Connection, company_id: UUID, appointment_id: UUID) -> StoredConference | None:
    """Read the conference of an appointment."""
    async with conn.cursor(row_factory=class_row(StoredConference)) as cur:
        await cur.execute(_SELECT + "WHERE c.company_id = %s AND c.appointment_id = %s", (company_id, appointment_id))
        return await cur.fetchone()


@dataclass(frozen=True, slots=True)
class Awaited:
    """A conference that is wanted or made.

    Attributes:
        link: None while it is to be made.
    """

    link: str | None
    since: Instant


async def awaited(conn: Connection, company_id: UUID, appointment_ids: Iterable[UUID]) -> dict[UUID, Awaited]:
    """Read the conferences of appointments, without those that were given up or deleted."""
    cursor = await conn.execute(
        """
        SELECT appointment_id, CASE WHEN state = 'made' THEN link END, created_at FROM conference
        WHERE company_id = %s AND appointment_id = ANY(%s) AND state IN ('wanted', 'made')
        """,
        (company_id, list(appointment_ids)),
    )
    return {row[0]: Awaited(*row[1:]) for row in await cursor.fetchall()}


_MADE = """
    UPDATE conference c SET state = 'made', link = %(link)s, remote_id = %(remote)s, number = %(number)s,
        failures = 0, due_at = NULL, error = NULL
    WHERE company_id = %(company)s AND appointment_id = %(appointment)s
"""


async def made(
    conn: Connection, company_id: UUID, appointment_id: UUID, conference: Conference, *, known: Conference | None
) -> bool:
    """Note what a provider made, or has follow; one that was given up meanwhile has to be known too.

    Args:
        known: what was known when it was asked.

    Returns:
        False: another one is known by now, and stays.
    """
    rule = "AND (link = %(link)s OR link IS NOT DISTINCT FROM %(known)s)"
    cursor = await conn.execute(
        _MADE + rule, _values(company_id, appointment_id, conference) | {"known": known.link if known else None}
    )
    return cursor.rowcount > 0


async def made_with_event(
    conn: Connection, company_id: UUID, appointment_id: UUID, conference: Conference, *, host_id: UUID
) -> None:
    """Note what came with the event in a host's calendar, while he is the main host."""
    rule = """
        AND EXISTS (SELECT FROM appointment_host h WHERE h.company_id = c.company_id
            AND h.appointment_id = c.appointment_id AND h.user_id = %(host)s AND h.position = 0)
    """
    await conn.execute(_MADE + rule, _values(company_id, appointment_id, conference) | {"host": host_id})


def _values(company_id: UUID, appointment_id: UUID, conference: Conference) -> dict[str, object]:
    return {
        "company": company_id,
        "appointment": appointment_id,
        "link": conference.link,
        "remote": conference.remote_id,
        "number": conference.number,
    }


async def restart(conn: Connection, company_id: UUID, appointment_id: UUID, channel: str, now: Instant) -> None:
    """Note that what was made is given up, and that one on another channel is wanted."""
    await conn.execute(
        """
        UPDATE conference SET state = 'wanted', channel = %s, link = NULL, remote_id = NULL, number = NULL,
            failures = 0, due_at = NULL, error = NULL, created_at = %s
        WHERE company_id = %s AND appointment_id = %s
        """,
        (channel, now, company_id, appointment_id),
    )


async def end(conn: Connection, company_id: UUID, appointment_id: UUID, state: Literal["given-up", "deleted"]) -> None:
    """Note that nothing more is done about a conference."""
    await conn.execute(
        "UPDATE conference SET state = %s, due_at = NULL WHERE company_id = %s AND appointment_id = %s",
        (state, company_id, appointment_id),
    )


async def failed(
    conn: Connection, company_id: UUID, appointment_id: UUID, *, failures: int, until: Instant | None, error: str
) -> None:
    """Note a failure; with `until` it is tried again then, else by whoever tries."""
    await conn.execute(
        """
        UPDATE conference SET failures = %s, due_at = %s, error = %s
        WHERE company_id = %s AND appointment_id = %s
        """,
        (failures, until, error[:500], company_id, appointment_id),
    )


async def start_due(conn: Connection, now: Instant, *, limit: int = 30) -> None:
    """Turn conferences whose time has come into jobs, in the caller's transaction.

    They failed before, and may do so again after a long wait, so mails go first.
    """
    cursor = await conn.execute(
        """
        WITH due AS (
            SELECT company_id, appointment_id FROM conference WHERE due_at <= %s
            ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
        UPDATE conference c SET due_at = NULL FROM due
        WHERE c.company_id = due.company_id AND c.appointment_id = due.appointment_id
        RETURNING c.company_id, c.appointment_id
        """,
        (now, limit),
    )
    for company_id, appointment_id in await cursor.fetchall():
        await enqueue(conn, company_id, appointment_id, priority=jobs.WHEN_IDLE)
