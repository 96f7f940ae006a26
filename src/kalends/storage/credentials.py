"""Platform keys and personal tokens: rows of `credential`, found by the SHA-256 of their secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row
from whenever import Instant

from . import buckets
from .buckets import Level, RateLimit
from .database import Connection, numbered

Kind = Literal["key", "token"]

_COLUMNS = (
    "company_id, id, kind, user_id, name, scopes, expires_at, deactivated_at, revoked_at, last_used_at, created_at"
)


class NameTaken(Exception):
    """The user has a live token of this name already."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One key of a company or one token of a user; the secret is not kept.

    Attributes:
        user_id: a token's owner; None for keys.
        scopes: what a token may do; empty means everything.
        last_used_at: to the minute.
    """

    company_id: UUID
    id: UUID
    kind: Kind
    user_id: UUID | None
    name: str | None
    scopes: list[str]
    expires_at: Instant | None
    deactivated_at: Instant | None
    revoked_at: Instant | None
    last_used_at: Instant | None
    created_at: Instant


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request's credential turned out to be.

    Attributes:
        user_id: the live user acted as; None when the one asked for is not in the company or is deleted.
        is_admin: that user administers the company.
    """

    company_id: UUID
    id: UUID
    kind: Kind
    scopes: list[str]
    expires_at: Instant | None
    deactivated_at: Instant | None
    revoked_at: Instant | None
    user_id: UUID | None
    is_admin: bool | None


# A token acts as its owner, a key as the user asked for, else as the company's owner (contract 6.3).
_FOUND = """
    directory d
    JOIN credential c ON c.company_id = d.company_id AND c.id = d.target_id
    LEFT JOIN user_account u ON u.company_id = c.company_id AND u.deleted_at IS NULL AND u.id = CASE
        WHEN c.kind = 'token' THEN c.user_id
        WHEN %(named)s THEN %(asked)s::uuid
        ELSE (SELECT o.id FROM user_account o WHERE o.company_id = c.company_id AND o.is_owner) END
    WHERE d.kind = 'credential' AND d.name = %(hash)s
"""
_LIVE = """(c.revoked_at IS NULL AND c.deactivated_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > %(now)s)
    AND (c.kind = 'key' OR u.id IS NOT NULL))"""
_COLUMNS_FOUND = """c.company_id, c.id, c.kind, c.scopes, c.expires_at, c.deactivated_at, c.revoked_at, u.id AS user_id,
    u.is_admin"""
_GIVEN = f"SELECT {_COLUMNS_FOUND}, {_LIVE} AS live FROM {_FOUND}"
_USED = """
    UPDATE credential c SET last_used_at = %(now)s FROM given g
    WHERE g.live AND c.company_id = g.company_id AND c.id = g.id
      AND (c.last_used_at IS NULL OR c.last_used_at <= %(now)s - interval '1 minute')
"""
_FIELDS = (
    """g.company_id, g.id, g.kind, g.scopes, g.expires_at, g.deactivated_at, g.revoked_at, g.user_id, g.is_admin"""
)
# Only a live credential has a bucket of its own: guesses and dead ones take from their address's.
_PURSE = "SELECT coalesce((SELECT 'credential:' || id FROM given WHERE live), %(address)s) AS name"

_PRESENT = f"""
    WITH given AS MATERIALIZED ({_GIVEN}), purse AS MATERIALIZED ({_PURSE}),
         taken AS ({buckets.TAKE}), before AS ({buckets.LOOK}), used AS ({_USED})
    SELECT {_FIELDS}, (SELECT tokens FROM taken), (SELECT tokens FROM before)
    FROM (SELECT 1) one LEFT JOIN given g ON true
"""
# The plainest case in one plan without CTEs: live, its use noted within the minute, and a token left in its bucket. It
# answers no row in any other, and has changed nothing then.
_PRESENT_AGAIN = numbered(
    f"""
    UPDATE bucket b SET {buckets.TAKEN} FROM {_FOUND}
        AND b.name = 'credential:' || c.id AND {_LIVE} AND {buckets.REFILLED} >= 1
        AND c.last_used_at > %(now)s - interval '1 minute'
    RETURNING {_COLUMNS_FOUND}, b.tokens
    """,
    *("hash", "named", "asked", "now", "burst", "per_minute"),
)
_PRESENT_UNLIMITED = f"WITH given AS MATERIALIZED ({_GIVEN}), used AS ({_USED}) SELECT {_FIELDS} FROM given g"
_READ = f"WITH given AS MATERIALIZED ({_GIVEN}) SELECT {_FIELDS} FROM given g"


async def present(
    conn: Connection,
    *,
    secret_hash: bytes,
    named: bool,
    asked: UUID | None,
    address: Callable[[], str],
    limit: RateLimit,
    now: Instant,
) -> tuple[Presented | None, Level]:
    """Look a credential up, take one token from its bucket and note its use.

    One statement, and another one when the use has to be noted (once a minute), the bucket is new or has too little,
    or the credential is unknown or dead.

    Args:
        secret_hash: SHA-256 of the whole credential.
        named: the request names a user to act as; `asked` is that user, None when the name is no id at all.
        address: finds the name of the bucket that unknown and dead credentials take from.

    Returns:
        What was found, None for an unknown credential; and the bucket's level.

    Raises:
        psycopg.errors.ReadOnlySqlTransaction: the database takes no writes now.
    """
    arguments = _arguments(secret_hash, named, asked, now)
    if limit.burst == 0:
        found = await _one(conn, _PRESENT_UNLIMITED, arguments)
        return Presented(*found) if found else None, Level(limit, True, 0)
    arguments |= {"address": address(), "burst": limit.burst, "per_minute": limit.per_minute}
    again = await conn.often.execute(
        _PRESENT_AGAIN, (secret_hash.hex(), named, asked, now, float(limit.burst), float(limit.per_minute))
    )
    row = await again.fetchone()
    if row:
        return Presented(*row[:-1]), buckets.level(limit, row[-1], None)
    row = await _one(conn, _PRESENT, arguments)
    assert row is not None
    *fields, taken, before = row
    return Presented(*fields) if fields[0] else None, buckets.level(limit, taken, before)


async def read(
    conn: Connection, *, secret_hash: bytes, named: bool, asked: UUID | None, now: Instant
) -> Presented | None:
    """Look a credential up and write nothing, for a database that takes no writes."""
    row = await _one(conn, _READ, _arguments(secret_hash, named, asked, now))
    return Presented(*row) if row else None


async def add(conn: Connection, credential: Credential, secret_hash: bytes) -> None:
    """Store a new credential, and its hash in the directory.

    Raises:
        NameTaken: the user has a live token of this name.
    """
    one = credential
    try:
        await conn.execute(
            "INSERT INTO credential (company_id, id, kind, user_id, name, scopes, expires_at, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (one.company_id, one.id, one.kind, one.user_id, one.name, one.scopes, one.expires_at, one.created_at),
        )
    except UniqueViolation as error:
        if error.diag.constraint_name == "credential_token_name":
            raise NameTaken from error
        raise
    await conn.execute(
        "INSERT INTO directory (kind, name, company_id, target_id) VALUES ('credential', %s, %s, %s)",
        (secret_hash.hex(), one.company_id, one.id),
    )


async def of_company(conn: Connection, company_id: UUID, kind: Kind) -> list[Credential]:
    """List a company's credentials of one kind that are not revoked, oldest first."""
    async with conn.cursor(row_factory=class_row(Credential)) as cursor:
        await cursor.execute(
            f"SELECT {_COLUMNS} FROM credential WHERE company_id = %s AND kind = %s AND revoked_at IS NULL"
            " ORDER BY created_at, id",
            (company_id, kind),
        )
        return await cursor.fetchall()


async def set_deactivated(conn: Connection, company_id: UUID, key_id: UUID, at: Instant | None) -> Credential | None:
    """Deactivate a key that is not revoked (None: activate it); answer it, None when there is none."""
    return await _change(conn, "deactivated_at = %s", "kind = 'key'", at, company_id, key_id)


async def set_revoked(
    conn: Connection, company_id: UUID, kind: Kind, credential_id: UUID, at: Instant
) -> Credential | None:
    """Revoke a credential for good and free its hash; answer it, None when there is none left to revoke."""
    changed = await _change(conn, "revoked_at = %s", f"kind = '{kind}'", at, company_id, credential_id)
    if changed:
        await conn.execute(
            "DELETE FROM directory WHERE kind = 'credential' AND company_id = %s AND target_id = %s",
            (company_id, credential_id),
        )
    return changed


async def _change(
    conn: Connection, assignment: str, condition: str, at: Instant | None, company_id: UUID, credential_id: UUID
) -> Credential | None:
    async with conn.cursor(row_factory=class_row(Credential)) as cursor:
        await cursor.execute(
            f"UPDATE credential SET {assignment} WHERE company_id = %s AND id = %s AND revoked_at IS NULL"
            f" AND {condition} RETURNING {_COLUMNS}",
            (at, company_id, credential_id),
        )
        return await cursor.fetchone()


def _arguments(secret_hash: bytes, named: bool, asked: UUID | None, now: Instant) -> dict[str, object]:
    return {"hash": secret_hash.hex(), "named": named, "asked": asked, "now": now}


async def _one(conn: Connection, statement: str, arguments: dict[str, object]) -> tuple[Any, ...] | None:
    cursor = await conn.execute(statement, arguments)
    return await cursor.fetchone()
