"""Editions: a random mark on all that calendars are asked of but what is taken, new in every transaction that changes
any of it (migration 0004).

**Why what was kept is exact.** Let a statement have read edition e of a company, and others after it the types, hosts,
hours, exceptions, queues and resources that are kept with e. Let a later statement, READ COMMITTED on the same
primary, read e again. A transaction that changes any of those rows replaces the company's one edition row in the same
transaction, so a snapshot sees both or neither; and as that row is locked from then to the end of the COMMIT, its
versions follow each other as the commits do, and no snapshot sees one without those before it. The two statements saw
the same version (a random value does not come back, not even from a backup), so no such transaction became visible
from the one to the other: all of them, and those in between, saw the same rows. What the later statement reads beside
the edition, claims above all, belongs to the same snapshot, so the answer is the one that reading all of it anew in
that snapshot would have given.

A transaction that has changed such rows itself sees them before its edition is replaced, which happens at its COMMIT.
Until then it finds no edition at all, and keeps nothing.
"""

from __future__ import annotations

from uuid import UUID

from .database import Connection


def seen(company: str) -> str:
    """Write the edition of what a statement sees of a company; NULL: nothing may be kept in this transaction.

    Args:
        company: its id, as the statement has it.
    """
    return f"""
    (SELECT e.edition FROM edition e
     WHERE e.company_id = {company} AND coalesce(current_setting('kalends.edition_ended', true), '') <> 'yes')
"""


SEEN = seen("%(company)s")


async def is_current(conn: Connection, company_id: UUID, edition: UUID | None) -> bool:
    """Tell whether what was read with an edition is still what there is."""
    cursor = await conn.execute(f"SELECT {SEEN} = %(edition)s", {"company": company_id, "edition": edition})
    row = await cursor.fetchone()
    return row is not None and row[0] is True
