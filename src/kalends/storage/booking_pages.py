"""Booking pages: the rows that the two slugs of a page's address name."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from . import editions, meeting_types, rows, users
from .database import Connection
from .meeting_types import MeetingType
from .users import User

_USER_WIDTH = users.COLUMNS.count(",") + 1
_TYPE_WIDTH = meeting_types.COLUMNS.count(",") + 1

_BY_SLUGS = f"""
    SELECT {rows.prefixed(users.COLUMNS, "u")}, {rows.prefixed(meeting_types.COLUMNS, "t")}, c.name,
        {editions.seen("c.id")}
    FROM directory d
    JOIN user_account u ON u.company_id = d.company_id AND u.id = d.target_id AND u.deleted_at IS NULL
    JOIN company c ON c.id = u.company_id
    JOIN meeting_type t ON t.company_id = u.company_id AND t.user_id = u.id AND t.slug = %(type)s
        AND t.deleted_at IS NULL
    WHERE d.kind = 'slug' AND d.name = %(user)s
"""


@dataclass(frozen=True, slots=True)
class BookingPage:
    """A live meeting type, enabled or not, with its owner and their company.

    Attributes:
        edition: the company's, with which this was read; None: it may not be kept.
    """

    user: User
    meeting_type: MeetingType
    company_name: str
    edition: UUID | None


async def by_slugs(conn: Connection, user: str, meeting_type: str) -> BookingPage | None:
    """Find the meeting type that a page's address names, in whichever company; one statement."""
    cursor = await conn.execute(_BY_SLUGS, {"user": user, "type": meeting_type})
    row = await cursor.fetchone()
    if row is None:
        return None
    kind = MeetingType(*row[_USER_WIDTH : _USER_WIDTH + _TYPE_WIDTH])
    return BookingPage(User(*row[:_USER_WIDTH]), kind, *row[_USER_WIDTH + _TYPE_WIDTH :])
