"""Events of calendars that are read: in which time each blocks its host, and which of them are ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.domain.remote_events import RemoteEvent
from kalends.domain.sync import ForgetEvent, Known, Span, Store, StoreEvent
from kalends.domain.uids import appointment_named

from .database import Connection


async def known(conn: Connection, calendar_id: UUID, remote_ids: Iterable[str]) -> dict[str, Known]:
    """Read what is stored of some events of a calendar, by remote id."""
    cursor = await conn.execute(
        """
        SELECT e.id, e.remote_id, e.uid, e.etag, e.appointment_id, e.unreadable, b.starts, b.ends
        FROM unnest(%s::text[]) AS wanted (remote_id)
        JOIN calendar_event e ON e.calendar_id = %s AND e.remote_id = wanted.remote_id
        CROSS JOIN LATERAL (SELECT array_agg(start_at) AS starts, array_agg(end_at) AS ends
            FROM busy_event WHERE event_id = e.id) b
        """,
        (list(remote_ids), calendar_id),
    )
    return {
        remote_id: Known(number, remote_id, uid, etag, own, frozenset(zip(starts or (), ends or (), strict=True)), flaw)
        for number, remote_id, uid, etag, own, flaw, starts, ends in await cursor.fetchall()
    }


async def all_ids(conn: Connection, calendar_id: UUID) -> dict[str, int]:
    """Name all stored events of a calendar, by remote id."""
    cursor = await conn.execute("SELECT remote_id, id FROM calendar_event WHERE calendar_id = %s", (calendar_id,))
    return dict(await cursor.fetchall())


async def count_ahead(conn: Connection, calendar_id: UUID, now: Instant) -> int:
    """Count the events of a calendar that still block."""
    cursor = await conn.execute(
        """
        SELECT count(DISTINCT e.id) FROM calendar_event e JOIN busy_event b ON b.event_id = e.id
        WHERE e.calendar_id = %s AND b.end_at > %s
        """,
        (calendar_id, now),
    )
    row = await cursor.fetchone()
    return row[0] if row else 0


async def ours(
    conn: Connection, company_id: UUID, user_id: UUID, calendar_id: UUID, events: Sequence[RemoteEvent]
) -> dict[str, UUID]:
    """Tell which events stand for which appointments of a host, by remote id.

    Those are what we wrote, by its name there or by its UID, wherever a mailbox put it too; and what is named after an
    appointment that he hosts or hosted. One of a colleague's is not: to that he is a guest like others.
    """
    named = {event.remote_id: found for event in events if (found := appointment_named(event.uid))}
    cursor = await conn.execute(
        """
        SELECT remote_id, appointment_id FROM calendar_entry
        WHERE calendar_id = %(calendar)s AND remote_id = ANY(%(remote)s)
        """,
        {"calendar": calendar_id, "remote": [event.remote_id for event in events]},
    )
    written: dict[str, UUID] = dict(await cursor.fetchall())
    if not named:
        return written
    cursor = await conn.execute(
        """
        SELECT appointment_id FROM appointment_host
        WHERE company_id = %(company)s AND user_id = %(user)s AND appointment_id = ANY(%(named)s)
        UNION SELECT appointment_id FROM calendar_entry
        WHERE company_id = %(company)s AND user_id = %(user)s AND appointment_id = ANY(%(named)s)
        UNION SELECT appointment_id FROM event
        WHERE company_id = %(company)s AND appointment_id = ANY(%(named)s) AND after->'hosts' @> %(host)s
        """,
        {
            "company": company_id,
            "user": user_id,
            "named": list(named.values()),
            "host": Jsonb([{"id": str(user_id)}]),
        },
    )
    hosted = {row[0] for row in await cursor.fetchall()}
    return {remote_id: one for remote_id, one in named.items() if one in hosted} | written


@dataclass(frozen=True, slots=True)
class KnownCopy:
    """An event as it stands in a calendar of a host."""

    connection_id: UUID
    calendar_id: UUID
    calendar_remote_id: str
    remote_id: str


async def copies(conn: Connection, company_id: UUID, user_id: UUID, uid: str, *, but: UUID) -> list[KnownCopy]:
    """Find where events with a UID stand in calendars of a host that are read, but one."""
    async with conn.cursor(row_factory=class_row(KnownCopy)) as cur:
        await cur.execute(
            """
            SELECT k.connection_id, k.id AS calendar_id, k.remote_id AS calendar_remote_id, e.remote_id
            FROM calendar_event e JOIN calendar k ON k.company_id = e.company_id AND k.id = e.calendar_id
            JOIN calendar_connection n ON n.company_id = k.company_id AND n.id = k.connection_id
            WHERE e.company_id = %s AND e.uid = %s AND n.user_id = %s AND n.deleted_at IS NULL AND k.id <> %s
            ORDER BY e.id
            """,
            (company_id, uid, user_id, but),
        )
        return await cur.fetchall()


async def store(
    conn: Connection, *, company_id: UUID, calendar_id: UUID, calendar_no: int, host_no: int, plan: Sequence[Store]
) -> dict[int, list[Span]]:
    """Carry out a plan; the host and the reading are locked. Answers the spans that block now, by event."""
    await _forget(conn, [one.known_id for one in plan if isinstance(one, ForgetEvent)])
    changed = [one for one in plan if isinstance(one, StoreEvent)]
    if not changed:
        return {}
    ids = await _events(conn, company_id, calendar_id, changed)
    await _drop(conn, [(one.known_id, span) for one in changed if one.known_id for span in one.dropped])
    added = [(ids[one.remote_id], span) for one in changed for span in one.added]
    await _add(conn, company_id, calendar_no, host_no, added)
    found: dict[int, list[Span]] = {}
    for event_id, span in added:
        found.setdefault(event_id, []).append(span)
    return found


async def _forget(conn: Connection, event_ids: Sequence[int]) -> None:
    if event_ids:
        await conn.execute("DELETE FROM calendar_event WHERE id = ANY(%s)", (list(event_ids),))


async def _events(
    conn: Connection, company_id: UUID, calendar_id: UUID, changed: Sequence[StoreEvent]
) -> Mapping[str, int]:
    cursor = await conn.execute(
        """
        INSERT INTO calendar_event (company_id, calendar_id, remote_id, uid, etag, appointment_id, unreadable)
        SELECT %s, %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::uuid[], %s::text[])
        ON CONFLICT (calendar_id, remote_id) DO UPDATE
            SET uid = excluded.uid, etag = excluded.etag, appointment_id = excluded.appointment_id,
                unreadable = excluded.unreadable
        RETURNING remote_id, id
        """,
        (
            company_id,
            calendar_id,
            [one.remote_id for one in changed],
            [one.uid for one in changed],
            [one.etag for one in changed],
            [one.appointment_id for one in changed],
            [one.unreadable for one in changed],
        ),
    )
    return dict(await cursor.fetchall())


async def _drop(conn: Connection, dropped: Sequence[tuple[int, Span]]) -> None:
    if dropped:
        await conn.execute(
            """
            DELETE FROM busy_event b USING unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[])
                AS gone (event_id, start_at, end_at)
            WHERE b.event_id = gone.event_id AND b.start_at = gone.start_at AND b.end_at = gone.end_at
            """,
            _columns(dropped),
        )


async def _add(
    conn: Connection, company_id: UUID, calendar_no: int, host_no: int, added: Sequence[tuple[int, Span]]
) -> None:
    if added:
        await conn.execute(
            """
            INSERT INTO busy_event (company_id, calendar_no, host_no, event_id, start_at, end_at)
            SELECT %s, %s, %s, * FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[])
            """,
            (company_id, calendar_no, host_no, *_columns(added)),
        )


def _columns(spans: Sequence[tuple[int, Span]]) -> tuple[list[int], list[Instant], list[Instant]]:
    return (
        [event_id for event_id, _ in spans],
        [start for _, (start, _) in spans],
        [end for _, (_, end) in spans],
    )
