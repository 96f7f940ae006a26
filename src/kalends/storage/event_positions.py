"""Positions: the order of all events in the change feed, given after the commit (design section 5).

A number drawn while an event is written says nothing of the order of commits: a reader would go past one that is
not yet there. Whoever reads first therefore numbers what is committed by then; whatever is committed later gets a
higher position, and nothing ever appears behind a cursor already given. Positions are a column like any other, not
transaction numbers, which every cluster has of its own: a dump carries them, and cursors go on where it is restored.
"""

from .database import Connection

_LOCK = 0x6B616C656E6473  # "kalends"
_BATCH = 10_000


async def has_unnumbered(conn: Connection) -> bool:
    """Tell whether events have been committed that have no position yet."""
    cursor = await conn.execute("SELECT EXISTS (SELECT FROM event WHERE position IS NULL)")
    row = await cursor.fetchone()
    return bool(row and row[0])


async def number(conn: Connection) -> None:
    """Give committed events their positions, in the order they were written, 10,000 at most; commit soon.

    Whoever comes second waits for the first and then sees his positions, so that all are above them. Events of one
    appointment keep their order: it is locked from before an event is written until the commit.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    await conn.execute(
        """
        WITH newest AS (SELECT coalesce(max(position), 0) AS position FROM event),
            waiting AS (SELECT id FROM event WHERE position IS NULL ORDER BY id LIMIT %s),
            numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM waiting)
        UPDATE event e SET position = newest.position + numbered.place FROM newest, numbered WHERE e.id = numbered.id
        """,
        (_BATCH,),
    )
