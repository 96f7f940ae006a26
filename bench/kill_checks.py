"""What bench/kill.py looks for after each round: each query counts what must not be there."""

from __future__ import annotations

from datetime import datetime

import psycopg

from bench.kill_clients import Told

WRONG = {
    "live appointments not over without their claim": """
        SELECT count(*) FROM appointment_host h
        JOIN appointment a ON a.company_id = h.company_id AND a.id = h.appointment_id
        JOIN user_account u ON u.company_id = h.company_id AND u.id = h.user_id
        WHERE a.cancelled_at IS NULL AND a.end_at > now() AND 1 <> (SELECT count(*) FROM claim c
            WHERE c.appointment_id = a.id AND c.host_no = u.host_no
                AND c.start_at <= a.start_at AND a.end_at <= c.end_at)""",
    "revisions without their event": """
        SELECT count(*) FROM (
            SELECT id, revision FROM appointment UNION ALL SELECT id, revision FROM provisional_booking
        ) one CROSS JOIN generate_series(1, one.revision) AS number
        WHERE 1 <> (SELECT count(*) FROM event e
            WHERE (e.appointment_id = one.id OR e.provisional_id = one.id) AND e.revision = number)""",
    "events of nothing, or of a revision that is not there": """
        SELECT count(*) FROM event e LEFT JOIN appointment a ON a.id = e.appointment_id
        LEFT JOIN provisional_booking p ON p.id = e.provisional_id
        WHERE coalesce(a.revision, p.revision, 0) < e.revision""",
    "events without a job that was not done": """
        SELECT count(*) FROM event e WHERE NOT EXISTS (SELECT FROM effect f WHERE f.event_id = e.id)
            AND (e.kind LIKE 'booking%' OR e.kind = 'provisional_created')
            AND NOT EXISTS (SELECT FROM procrastinate_jobs j
                WHERE j.task_name = 'event.happened' AND (j.args->>'event_id')::bigint = e.id)""",
    "effects neither done, nor due, nor with a job": """
        SELECT count(*) FROM effect f WHERE f.done_at IS NULL AND f.due_at IS NULL AND NOT EXISTS (
            SELECT FROM procrastinate_jobs j WHERE (j.args->>'effect_id')::bigint = f.id)""",
    "claims without a live owner": """
        SELECT count(*) FROM claim c LEFT JOIN appointment a ON a.id = c.appointment_id AND a.cancelled_at IS NULL
        LEFT JOIN reservation r ON r.id = c.reservation_id WHERE a.id IS NULL AND r.id IS NULL""",
    "exclusive claims of one host that overlap": """
        SELECT count(*) FROM claim a JOIN claim b ON a.host_no = b.host_no AND a.id < b.id
        WHERE a.exclusive AND b.exclusive AND a.start_at < b.end_at AND b.start_at < a.end_at""",
    "guests who were booked twice": """
        SELECT count(*) FROM (SELECT email FROM attendee GROUP BY email HAVING count(*) > 1) twice""",
    "idempotency keys without an answer": "SELECT count(*) FROM idempotency_key WHERE answer IS NULL",
}


def count(conn: psycopg.Connection, told: Told) -> dict[str, int]:
    """Count everything that must not be there."""
    found = {}
    for name, query in WRONG.items():
        row = conn.execute(query.encode()).fetchone()
        found[name] = int(row[0]) if row else 0
    found["answers that are not stored as given"] = _not_stored(conn, told)
    return found


def _not_stored(conn: psycopg.Connection, told: Told) -> int:
    rows = conn.execute(
        """
        SELECT a.id::text, a.start_at, a.cancelled_at IS NOT NULL, g.secret FROM appointment a
        JOIN attendee g ON g.company_id = a.company_id AND g.appointment_id = a.id
        """
    ).fetchall()
    starts = {row[0]: None if row[2] else row[1] for row in rows}
    secrets = {(row[0], row[3]) for row in rows}
    statuses = set(conn.execute("SELECT id::text, status FROM provisional_booking").fetchall())
    holds = {row[0] for row in conn.execute("SELECT id::text FROM reservation WHERE provisional_id IS NULL")}
    expected = {one: datetime.fromisoformat(start) if start else None for one, start in told.starts.items()}
    moved = [one for one, start in expected.items() if one not in starts or starts[one] != start]
    unknown = [one for one in told.secrets.items() if one not in secrets]
    undecided = [one for one in told.pending.items() if one not in statuses]
    return len(moved) + len(unknown) + len(undecided) + len(told.holds - holds)
