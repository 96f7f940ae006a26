"""Companies: the tenants; everything else belongs to one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from .database import Connection


@dataclass(frozen=True, slots=True)
class Company:
    """One row of company."""

    id: UUID
    name: str
    language: str
    created_at: Instant
    updated_at: Instant


async def get(conn: Connection, company_id: UUID) -> Company | None:
    """Find a company."""
    async with conn.cursor(row_factory=class_row(Company)) as cur:
        await cur.execute("SELECT id, name, language, created_at, updated_at FROM company WHERE id = %s", (company_id,))
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


async def update(conn: Connection, company_id: UUID, *, name: str | None, language: str | None, now: Instant) -> None:
    """Change a company's name or language; None leaves it."""
    await conn.execute(
        """UPDATE company SET name = coalesce(%s, name), language = coalesce(%s, language), updated_at = %s
        WHERE id = %s""",
        (name, language, now, company_id),
    )
