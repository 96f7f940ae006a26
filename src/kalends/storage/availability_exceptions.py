"""Availability exceptions: time opened or blocked for an availability, a user or a company."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from . import rows
from .database import Connection

OwnerType = Literal["availability", "user", "company"]

COLUMNS = """id, company_id, owner_type, owner_id, available, starts, ends, earliest, latest, title, note, created_at,
    deleted_at"""


@dataclass(frozen=True, slots=True)
class AvailabilityException:
    """One row of availability_exception.

    Attributes:
        starts: as it was given: an instant in UTC with ``Z``, a local time, or a plain date; ends likewise.
        earliest: no reading of `starts` in any zone lies before it; `latest` likewise for `ends`.
    """

    id: int
    company_id: UUID
    owner_type: OwnerType
    owner_id: UUID
    available: bool
    starts: str
    ends: str
    earliest: Instant
    latest: Instant
    title: str | None
    note: str | None
    created_at: Instant
    deleted_at: Instant | None


async def get(
    conn: Connection, company_id: UUID, exception_id: int, *, lock: bool = False
) -> AvailabilityException | None:
    """Find a live exception of the company; locked until the transaction ends where asked for."""
    query = f"SELECT {COLUMNS} FROM availability_exception WHERE company_id = %s AND id = %s AND deleted_at IS NULL"
    async with conn.cursor(row_factory=class_row(AvailabilityException)) as cur:
        await cur.execute(query + (" FOR NO KEY UPDATE" if lock else ""), (company_id, exception_id))
        return await cur.fetchone()


async def of_owners(
    conn: Connection,
    company_id: UUID,
    owner_ids: Collection[UUID],
    *,
    start: Instant | None = None,
    end: Instant | None = None,
) -> Sequence[AvailabilityException]:
    """List the live exceptions of users, availabilities and the company, by their beginning.

    Args:
        start: leave out what is surely over by then, in whatever zone it is read; end likewise for the other side.
    """
    query = f"""SELECT {COLUMNS} FROM availability_exception
        WHERE company_id = %s AND owner_id = ANY(%s) AND deleted_at IS NULL
            AND (%s::timestamptz IS NULL OR latest > %s) AND (%s::timestamptz IS NULL OR earliest < %s)
        ORDER BY earliest, id"""
    async with conn.cursor(row_factory=class_row(AvailabilityException)) as cur:
        await cur.execute(query, (company_id, list(owner_ids), start, start, end, end))
        return await cur.fetchall()


async def add(conn: Connection, new: Sequence[Mapping[str, Any]]) -> Sequence[AvailabilityException]:
    """Insert exceptions from columns (all but the id), in one statement; answered in the same order."""
    if not new:
        return []
    async with conn.cursor(row_factory=class_row(AvailabilityException)) as cur:
        await cur.execute(*rows.insert("availability_exception", new, returning=COLUMNS))
        return await cur.fetchall()


async def update(conn: Connection, company_id: UUID, exception_id: int, changes: Mapping[str, Any]) -> None:
    """Set columns of one exception."""
    await conn.execute(*rows.update("availability_exception", company_id, exception_id, changes))
