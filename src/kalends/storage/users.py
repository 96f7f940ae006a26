"""Users: rows of user_account, and their slugs, which are unique everywhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, scalar_row
from whenever import Instant

from . import rows
from .database import Connection

UserType = Literal["standard", "resource", "api-platform", "partner"]

COLUMNS = """company_id, id, host_no, email, given_name, family_name, slug, title, is_admin, is_owner, timezone,
    language, user_type, picture, phone_number, booking_limits, personal_page, default_availability_id, capacity,
    buffer_before, buffer_after, created_at, updated_at, deleted_at"""


@dataclass(frozen=True, slots=True)
class User:
    """One row of user_account; `host_no` never leaves the program.

    Attributes:
        capacity: how many units a resource has; 1 for everybody else.
        buffer_before, buffer_after: minutes a resource keeps free around what it is booked for; 0 for everybody else.
    """

    company_id: UUID
    id: UUID
    host_no: int
    email: str
    given_name: str
    family_name: str
    slug: str
    title: str | None
    is_admin: bool
    is_owner: bool
    timezone: str
    language: str
    user_type: UserType
    picture: str | None
    phone_number: str | None
    booking_limits: dict[str, Any]
    personal_page: dict[str, Any]
    default_availability_id: UUID | None
    capacity: int
    buffer_before: int
    buffer_after: int
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None

    @property
    def full_name(self) -> str:
        """Join both names as they are shown to guests."""
        return f"{self.given_name} {self.family_name}".strip()


class EmailTaken(Exception):
    """A live user of the company has this e-mail address already."""


async def get(
    conn: Connection, company_id: UUID, user_id: UUID, *, lock: Literal["share", "change"] | None = None
) -> User | None:
    """Find a live user of the company.

    Args:
        lock: until the transaction ends, ``share`` keeps others from changing or deleting him, ``change`` also from
            sharing; both wait for whoever changes him now.
    """
    locking = {None: "", "share": " FOR SHARE", "change": " FOR NO KEY UPDATE"}[lock]
    query = f"SELECT {COLUMNS} FROM user_account WHERE company_id = %s AND id = %s AND deleted_at IS NULL{locking}"
    async with conn.cursor(row_factory=class_row(User)) as cur:
        await cur.execute(query, (company_id, user_id))
        return await cur.fetchone()


async def owner(conn: Connection, company_id: UUID) -> User | None:
    """Find the company's owner."""
    query = f"SELECT {COLUMNS} FROM user_account WHERE company_id = %s AND is_owner AND deleted_at IS NULL"
    async with conn.cursor(row_factory=class_row(User)) as cur:
        await cur.execute(query, (company_id,))
        return await cur.fetchone()


async def by_ids(conn: Connection, company_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Find those of the users that are live users of the company."""
    query = f"SELECT {COLUMNS} FROM user_account WHERE company_id = %s AND id = ANY(%s) AND deleted_at IS NULL"
    async with conn.cursor(row_factory=class_row(User)) as cur:
        await cur.execute(query, (company_id, list(user_ids)))
        return {user.id: user async for user in cur}


async def by_email(conn: Connection, company_id: UUID, email: str) -> User | None:
    """Find the company's live user with an e-mail address, written in whatever case."""
    query = (
        f"SELECT {COLUMNS} FROM user_account WHERE company_id = %s AND lower(email) = lower(%s) AND deleted_at IS NULL"
    )
    async with conn.cursor(row_factory=class_row(User)) as cur:
        await cur.execute(query, (company_id, email))
        return await cur.fetchone()


async def by_slug(conn: Connection, slug: str) -> User | None:
    """Find the live user a booking page's address names, in whichever company he is."""
    query = f"""SELECT {rows.prefixed(COLUMNS, "u")} FROM directory d
        JOIN user_account u ON u.company_id = d.company_id AND u.id = d.target_id
        WHERE d.kind = 'slug' AND d.name = %s AND u.deleted_at IS NULL"""
    async with conn.cursor(row_factory=class_row(User)) as cur:
        await cur.execute(query, (slug,))
        return await cur.fetchone()


async def page(
    conn: Connection, company_id: UUID, *, user_type: UserType | None, limit: int, offset: int
) -> tuple[Sequence[User], int]:
    """List a page of the company's live users, oldest first, and count them all."""
    where = "company_id = %(company)s AND deleted_at IS NULL AND (%(type)s::text IS NULL OR user_type = %(type)s)"
    values = {"company": company_id, "type": user_type, "limit": limit, "offset": offset}
    async with conn.cursor(row_factory=class_row(User)) as cur:
        await cur.execute(
            f"""SELECT {COLUMNS} FROM user_account WHERE {where}
            ORDER BY created_at, id LIMIT %(limit)s OFFSET %(offset)s""",
            values,
        )
        users = await cur.fetchall()
    async with conn.cursor(row_factory=scalar_row) as counting:
        await counting.execute(f"SELECT count(*) FROM user_account WHERE {where}", values)
        return users, int(await counting.fetchone() or 0)


async def add(conn: Connection, user: Mapping[str, Any]) -> User:
    """Insert a user from columns; the slug has to be taken first.

    Raises:
        EmailTaken: a live user of the company has the address.
    """
    async with conn.cursor(row_factory=class_row(User)) as cur:
        try:
            await cur.execute(*rows.insert("user_account", [user], returning=COLUMNS))
        except UniqueViolation as error:
            if error.diag.constraint_name == "user_account_email":
                raise EmailTaken from error
            raise
        row = await cur.fetchone()
        assert row is not None
        return row


async def update(conn: Connection, company_id: UUID, user_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of one user."""
    await conn.execute(*rows.update("user_account", company_id, user_id, changes))


async def take_slug(conn: Connection, slug: str, *, company_id: UUID, user_id: UUID) -> bool:
    """Take a slug for a user, if nobody has it; waits for a transaction that is just taking it."""
    cur = await conn.execute(
        "INSERT INTO directory (kind, name, company_id, target_id) VALUES ('slug', %s, %s, %s) ON CONFLICT DO NOTHING",
        (slug, company_id, user_id),
    )
    return cur.rowcount == 1


async def free_slug(conn: Connection, slug: str, *, company_id: UUID, user_id: UUID) -> None:
    """Let go of a user's slug."""
    await conn.execute(
        "DELETE FROM directory WHERE kind = 'slug' AND name = %s AND company_id = %s AND target_id = %s",
        (slug, company_id, user_id),
    )


async def taken_slugs(conn: Connection, slugs: Sequence[str]) -> set[str]:
    """Find those of the slugs that somebody has."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute("SELECT name FROM directory WHERE kind = 'slug' AND name = ANY(%s)", (list(slugs),))
        return {str(name) async for name in cur}
