"""Authorizations on their way: users whom a provider asks whether it may let us in; each for ten minutes and once."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.ports import CalendarKind

from .database import Connection

COLUMNS = "state_hash, company_id, user_id, provider, verifier, redirect_url, set_as_calendar_sync, expires_at"


@dataclass(frozen=True, slots=True)
class Authorization:
    """One row of calendar_authorization.

    Attributes:
        state_hash: SHA-256 of what the provider gives back; knowing that is the proof of having begun this.
        verifier: PKCE's, sealed.
        redirect_url: where the browser goes afterwards, allowed when this began; None: to our own page.
        set_as_calendar_sync: appointments are to be written there, unless they are written somewhere already.
    """

    state_hash: bytes
    company_id: UUID
    user_id: UUID
    provider: CalendarKind
    verifier: bytes
    redirect_url: str | None
    set_as_calendar_sync: bool
    expires_at: Instant


async def add(conn: Connection, row: Authorization) -> None:
    """Insert an authorization that begins."""
    await conn.execute(
        f"INSERT INTO calendar_authorization ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            row.state_hash, row.company_id, row.user_id, row.provider, row.verifier, row.redirect_url,
            row.set_as_calendar_sync, row.expires_at,
        ),
    )  # fmt: skip


async def take(conn: Connection, state_hash: bytes) -> Authorization | None:
    """Take an authorization out, so that nobody can use it again."""
    async with conn.cursor(row_factory=class_row(Authorization)) as cur:
        await cur.execute(
            f"DELETE FROM calendar_authorization WHERE state_hash = %s RETURNING {COLUMNS}", (state_hash,)
        )
        return await cur.fetchone()


async def delete_of_user(conn: Connection, company_id: UUID, user_id: UUID) -> None:
    """Take out all that a user has begun."""
    await conn.execute(
        "DELETE FROM calendar_authorization WHERE company_id = %s AND user_id = %s", (company_id, user_id)
    )


async def sweep(conn: Connection, now: Instant) -> None:
    """Delete those that are over."""
    await conn.execute("DELETE FROM calendar_authorization WHERE expires_at <= %s", (now,))
