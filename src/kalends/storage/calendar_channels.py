"""Channels: which providers tell us of changes of which calendars, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from kalends.domain.remote_events import Channel
from kalends.ports import CalendarKind

from .database import Connection


@dataclass(frozen=True, slots=True)
class Watched:
    """A calendar's channel.

    Attributes:
        channel_id, resource, expires_at: None: it has none, and is to get one once `renew_at` has come.
    """

    calendar_id: UUID
    channel_id: str | None
    resource: str | None
    expires_at: Instant | None
    renew_at: Instant | None

    @property
    def channel(self) -> Channel | None:
        """The same as its provider is asked to call it off."""
        if self.channel_id and self.resource and self.expires_at:
            return Channel(self.channel_id, self.resource, self.expires_at)
        return None


@dataclass(frozen=True, slots=True)
class Listening:
    """Whose calendar a channel tells of.

    Attributes:
        secret_hash: SHA-256 of what only the provider and we know.
    """

    company_id: UUID
    connection_id: UUID
    provider: CalendarKind
    secret_hash: bytes


async def of_connection(conn: Connection, company_id: UUID, connection_id: UUID) -> dict[UUID, Watched]:
    """Read the channels of a connection, deleted or not, by calendar; those that never had any are left out."""
    async with conn.cursor(row_factory=class_row(Watched)) as cur:
        await cur.execute(
            """
            SELECT r.calendar_id, r.channel_id, r.channel_resource AS resource, r.channel_expires_at AS expires_at,
                r.channel_renew_at AS renew_at
            FROM calendar_reading r JOIN calendar k ON k.company_id = r.company_id AND k.id = r.calendar_id
            WHERE r.company_id = %s AND k.connection_id = %s AND r.channel_renew_at IS NOT NULL
            """,
            (company_id, connection_id),
        )
        return {one.calendar_id: one for one in await cur.fetchall()}


async def listening(conn: Connection, provider: str, channel_id: str) -> Listening | None:
    """Find whose calendar a channel tells of; None: it tells nobody any more."""
    async with conn.cursor(row_factory=class_row(Listening)) as cur:
        await cur.execute(
            """
            SELECT n.company_id, n.id AS connection_id, n.provider, r.channel_secret_hash AS secret_hash
            FROM calendar_reading r JOIN calendar k ON k.company_id = r.company_id AND k.id = r.calendar_id
            JOIN calendar_connection n ON n.company_id = k.company_id AND n.id = k.connection_id
            WHERE r.channel_id = %s AND n.provider = %s AND n.deleted_at IS NULL
            """,
            (channel_id, provider),
        )
        return await cur.fetchone()


async def open_at(conn: Connection, calendar_id: UUID, channel: Channel, secret_hash: bytes, renew_at: Instant) -> bool:
    """Note that a provider tells us of a calendar's changes, in the place of the channel it had; False: the calendar is
    gone."""
    cursor = await conn.execute(
        """
        UPDATE calendar_reading SET channel_id = %s, channel_secret_hash = %s, channel_resource = %s,
            channel_expires_at = %s, channel_renew_at = %s
        WHERE calendar_id = %s
        """,
        (channel.channel_id, secret_hash, channel.resource, channel.expires_at, renew_at, calendar_id),
    )
    return cursor.rowcount > 0


async def try_again(conn: Connection, calendar_id: UUID, at: Instant) -> None:
    """Note that a channel could not be opened, or renewed; the one there is, if any, goes on until it expires."""
    await conn.execute("UPDATE calendar_reading SET channel_renew_at = %s WHERE calendar_id = %s", (at, calendar_id))


async def close(conn: Connection, calendar_id: UUID, channel_id: str | None) -> None:
    """Note that a calendar has no channel any more."""
    await conn.execute(
        """
        UPDATE calendar_reading SET channel_id = NULL, channel_secret_hash = NULL, channel_resource = NULL,
            channel_expires_at = NULL, channel_renew_at = NULL
        WHERE calendar_id = %s AND channel_id IS NOT DISTINCT FROM %s
        """,
        (calendar_id, channel_id),
    )
