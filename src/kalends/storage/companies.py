"""Companies: the tenants; everything else belongs to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from whenever import Instant

from .database import Connection

COLUMNS = "id, name, language, created_at, updated_at, settings"


@dataclass(frozen=True, slots=True)
class Company:
    """One row of company.

    Attributes:
        settings: the contract's camelCase keys that somebody has set; the others have their defaults.
    """

    id: UUID
    name: str
    language: str
    created_at: Instant
    updated_at: Instant
    settings: dict[str, Any] = field(default_factory=dict)


async def get(conn: Connection, company_id: UUID) -> Company | None:
    """Find a company."""
    async with conn.cursor(row_factory=class_row(Company)) as cur:
        await cur.execute(f"SELECT {COLUMNS} FROM company WHERE id = %s", (company_id,))
        return await cur.fetchone()


async def add(conn: Connection, company: Company) -> None:
    """Insert a company."""
    await conn.execute(
        "INSERT INTO company (id, name, language, created_at, updated_at) VALUES (%s, %s, %s, %s, %s)",
        (company.id, company.name, company.language, company.created_at, company.updated_at),
    )


async def mark_founded(conn: Connection, company_id: UUID) -> bool:
    """Take the one row of the first company; False when somebody has it, after waiting for whoever takes it now."""
    cur = await conn.execute("INSERT INTO founding (company_id) VALUES (%s) ON CONFLICT DO NOTHING", (company_id,))
    return cur.rowcount == 1


async def founded(conn: Connection) -> UUID | None:
    """Name the first company of this install; None when there is none yet."""
    row = await (await conn.execute("SELECT company_id FROM founding")).fetchone()
    return row[0] if row else None


async def update(
    conn: Connection, company_id: UUID, columns: Mapping[str, Any], settings: Mapping[str, Any], now: Instant
) -> None:
    """Set columns of a company and keys of its settings; those not named stay."""
    assignments = [sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns]
    query = sql.SQL("UPDATE company SET {} WHERE id = %s").format(
        sql.SQL(", ").join([*assignments, sql.SQL("settings = settings || %s"), sql.SQL("updated_at = %s")])
    )
    await conn.execute(query, [*columns.values(), Jsonb(dict(settings)), now, company_id])
