"""Availabilities: named weekly hours of a user, in a zone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from whenever import Instant

from . import rows
from .database import Connection

COLUMNS = "company_id, id, user_id, name, timezone, schedule, created_at, updated_at, deleted_at"


@dataclass(frozen=True, slots=True)
class Availability:
    """One row of availability; `schedule` is the contract's object with all seven days."""

    company_id: UUID
    id: UUID
    user_id: UUID
    name: str
    timezone: str
    schedule: dict[str, Any]
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None


async def get(conn: Connection, company_id: UUID, availability_id: UUID) -> Availability | None:
    """Find a live availability of the company."""
    return (await _by_ids(conn, company_id, [availability_id])).get(availability_id)


async def _by_ids(conn: Connection, company_id: UUID, ids: Collection[UUID]) -> dict[UUID, Availability]:
    """Find those of the availabilities that are live ones of the company."""
    query = f"SELECT {COLUMNS} FROM availability WHERE company_id = %s AND id = ANY(%s) AND deleted_at IS NULL"
    async with conn.cursor(row_factory=class_row(Availability)) as cur:
        await cur.execute(query, (company_id, list(ids)))
        return {row.id: row async for row in cur}


async def locked(
    conn: Connection, company_id: UUID, availability_id: UUID, *, shared: bool = False
) -> Availability | None:
    """Find a live availability and keep others from changing it until the transaction ends.

    Args:
        shared: let others lock it so too; for whoever begins to use it.
    """
    query = f"""SELECT {COLUMNS} FROM availability WHERE company_id = %s AND id = %s AND deleted_at IS NULL
        FOR {"SHARE" if shared else "NO KEY UPDATE"}"""
    async with conn.cursor(row_factory=class_row(Availability)) as cur:
        await cur.execute(query, (company_id, availability_id))
        return await cur.fetchone()


async def shared(conn: Connection, company_id: UUID, ids: Collection[UUID]) -> dict[UUID, Availability]:
    """Find live availabilities and keep others from changing them until the transaction ends."""
    query = f"""SELECT {COLUMNS} FROM availability WHERE company_id = %s AND id = ANY(%s) AND deleted_at IS NULL
        ORDER BY id FOR SHARE"""
    async with conn.cursor(row_factory=class_row(Availability)) as cur:
        await cur.execute(query, (company_id, list(ids)))
        return {row.id: row async for row in cur}


async def of_user(conn: Connection, company_id: UUID, user_id: UUID) -> Sequence[Availability]:
    """List a user's live availabilities, oldest first."""
    query = f"""SELECT {COLUMNS} FROM availability WHERE company_id = %s AND user_id = %s AND deleted_at IS NULL
        ORDER BY created_at, id"""
    async with conn.cursor(row_factory=class_row(Availability)) as cur:
        await cur.execute(query, (company_id, user_id))
        return await cur.fetchall()


async def add(conn: Connection, row: Availability) -> None:
    """Insert an availability."""
    await conn.execute(
        f"INSERT INTO availability ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            row.company_id, row.id, row.user_id, row.name, row.timezone, Jsonb(row.schedule), row.created_at,
            row.updated_at, row.deleted_at,
        ),
    )  # fmt: skip


async def update(conn: Connection, company_id: UUID, availability_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of one availability."""
    await conn.execute(*rows.update("availability", company_id, availability_id, changes))


async def delete_of_user(conn: Connection, company_id: UUID, user_id: UUID, now: Instant) -> None:
    """Mark all live availabilities of a user as deleted."""
    await conn.execute(
        """UPDATE availability SET deleted_at = %s, updated_at = %s
        WHERE company_id = %s AND user_id = %s AND deleted_at IS NULL""",
        (now, now, company_id, user_id),
    )


async def is_used(conn: Connection, row: Availability) -> bool:
    """Ask whether a live meeting type points at the availability: as a whole, for one channel, or for a resource.

    The first two only its user's types can.
    """
    cur = await conn.execute(
        """SELECT EXISTS (SELECT FROM meeting_type
            WHERE company_id = %(company)s AND deleted_at IS NULL AND (
                user_id = %(user)s AND (availability_id = %(id)s
                    OR jsonb_path_exists(meeting_options, '$.channelAvailabilities.* ? (@ == $id)',
                        jsonb_build_object('id', %(id)s::text)))
                OR resource_channels @> jsonb_build_array(jsonb_build_object('availabilityId', %(id)s::text))))""",
        {"company": row.company_id, "user": row.user_id, "id": row.id},
    )
    found = await cur.fetchone()
    return bool(found and found[0])
