"""Meeting types: rows of meeting_type."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, scalar_row
from whenever import Instant

from . import rows
from .database import Connection
from .rows import Statement

COLUMNS = """company_id, id, user_id, availability_id, slug, meeting_info, meeting_options, enabled, spots,
    timeslot_interval, booking_minimum, days_into_future, booking_limits, locations, ics, internal_notes, metadata,
    is_global_queue, resource_channels, questions, queue_id, created_by_id, created_at, updated_at, deleted_at"""


@dataclass(frozen=True, slots=True)
class MeetingType:
    """One row of meeting_type; the JSON columns hold the contract's camelCase keys, every key, null when unset.

    Attributes:
        availability_id: the schedule for the host who owns it; None: the host's default one.
        timeslot_interval: minutes between two starts; None follows the duration asked for.
        booking_minimum: notice, in minutes.
        days_into_future: one of the three modes of contract 6.6.
        ics: ``title``, ``description``, ``location`` -> texts by language code, parts without any left out; None: the
            built-in texts.
        resource_channels: rooms and equipment: ``id``, ``resourceId``, ``name``, ``availabilityId``, ``groupName``,
            ``groupMemberIndex`` each.
        questions: what guests are asked (contract 2.15 says what a data field holds).
        queue_id: the queue that chooses who hosts; None: it has none.
    """

    company_id: UUID
    id: UUID
    user_id: UUID
    availability_id: UUID | None
    slug: str
    meeting_info: dict[str, Any]
    meeting_options: dict[str, Any]
    enabled: bool
    spots: int
    timeslot_interval: int | None
    booking_minimum: int
    days_into_future: dict[str, Any]
    booking_limits: dict[str, Any]
    locations: list[str]
    ics: dict[str, Any] | None
    internal_notes: str | None
    metadata: dict[str, str]
    is_global_queue: bool
    resource_channels: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    queue_id: UUID | None
    created_by_id: UUID | None
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None


class SlugTaken(Exception):
    """The user has a live meeting type with this slug already."""


async def get(
    conn: Connection, company_id: UUID, meeting_type_id: UUID, *, deleted: bool = False
) -> MeetingType | None:
    """Find a meeting type of the company; deleted ones only when asked for."""
    query = f"SELECT {COLUMNS} FROM meeting_type WHERE company_id = %s AND id = %s AND (deleted_at IS NULL OR %s)"
    async with conn.cursor(row_factory=class_row(MeetingType)) as cur:
        await cur.execute(query, (company_id, meeting_type_id, deleted))
        return await cur.fetchone()


async def locked(conn: Connection, company_id: UUID, meeting_type_id: UUID) -> MeetingType | None:
    """Find a live meeting type and keep others from changing it until the transaction ends."""
    query = f"""SELECT {COLUMNS} FROM meeting_type WHERE company_id = %s AND id = %s AND deleted_at IS NULL
        FOR NO KEY UPDATE"""
    async with conn.cursor(row_factory=class_row(MeetingType)) as cur:
        await cur.execute(query, (company_id, meeting_type_id))
        return await cur.fetchone()


async def of_user(conn: Connection, company_id: UUID, user_id: UUID) -> Sequence[MeetingType]:
    """List a user's live meeting types, oldest first; disabled ones too."""
    query = f"""SELECT {COLUMNS} FROM meeting_type WHERE company_id = %s AND user_id = %s AND deleted_at IS NULL
        ORDER BY created_at, id"""
    async with conn.cursor(row_factory=class_row(MeetingType)) as cur:
        await cur.execute(query, (company_id, user_id))
        return await cur.fetchall()


async def ids_of_users(conn: Connection, company_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """List the ids of the users' live meeting types, oldest first; users without any are left out."""
    cur = await conn.execute(
        """SELECT user_id, array_agg(id ORDER BY created_at, id) FROM meeting_type
        WHERE company_id = %s AND user_id = ANY(%s) AND deleted_at IS NULL GROUP BY user_id""",
        (company_id, list(user_ids)),
    )
    return {row[0]: row[1] async for row in cur}


async def known(conn: Connection, company_id: UUID, meeting_type_ids: Collection[UUID]) -> set[UUID]:
    """Find those of the ids that are or were meeting types of the company."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(
            "SELECT id FROM meeting_type WHERE company_id = %s AND id = ANY(%s)", (company_id, list(meeting_type_ids))
        )
        return {found async for found in cur}


async def slugs_of_user(conn: Connection, company_id: UUID, user_id: UUID) -> set[str]:
    """List the slugs of a user's live meeting types."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(
            "SELECT slug FROM meeting_type WHERE company_id = %s AND user_id = %s AND deleted_at IS NULL",
            (company_id, user_id),
        )
        return {str(slug) async for slug in cur}


async def add(conn: Connection, row: Mapping[str, Any]) -> MeetingType:
    """Insert a meeting type from columns.

    Raises:
        SlugTaken: the user has a live type with the slug.
    """
    return await _written(conn, rows.insert("meeting_type", [row], returning=COLUMNS))


async def update(conn: Connection, company_id: UUID, meeting_type_id: UUID, changes: Mapping[str, Any]) -> MeetingType:
    """Set columns of one meeting type.

    Raises:
        SlugTaken: the user has another live type with the slug.
    """
    return await _written(conn, rows.update("meeting_type", company_id, meeting_type_id, changes, returning=COLUMNS))


async def delete_of_user(conn: Connection, company_id: UUID, user_id: UUID, now: Instant) -> None:
    """Mark all live meeting types of a user as deleted."""
    await conn.execute(
        """UPDATE meeting_type SET deleted_at = %s, updated_at = %s
        WHERE company_id = %s AND user_id = %s AND deleted_at IS NULL""",
        (now, now, company_id, user_id),
    )


async def _written(conn: Connection, statement: Statement) -> MeetingType:
    async with conn.cursor(row_factory=class_row(MeetingType)) as cur:
        try:
            await cur.execute(*statement)
        except UniqueViolation as error:
            if error.diag.constraint_name == "meeting_type_slug":
                raise SlugTaken from error
            raise
        row = await cur.fetchone()
        assert row is not None
        return row
