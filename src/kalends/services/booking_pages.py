"""Booking pages: what can be booked at an address, as this process read it last.

What is kept counts only while its edition is the company's (storage/editions.py): a slug that gets another user, a
type that is changed or switched off, all of that changes a row that an edition stands for.
"""

from __future__ import annotations

from kalends.storage import booking_pages
from kalends.storage.booking_pages import BookingPage
from kalends.storage.database import Connection

from .kept_rows import KeptRows

_KEPT: KeptRows[BookingPage] = KeptRows(2_000, lambda page: 1)  # of all companies; some kilobytes each


def kept(user: str, meeting_type: str) -> BookingPage | None:
    """Find what was read at the address of these slugs before; exact where its edition still is the company's."""
    return _KEPT.get((user, meeting_type))


async def read(conn: Connection, user: str, meeting_type: str) -> BookingPage | None:
    """Read what can be booked at the address of these slugs, and keep it; None: nothing."""
    found = await booking_pages.by_slugs(conn, user, meeting_type)
    if found is None or not found.meeting_type.enabled:
        return None
    if found.edition:
        _KEPT.put((user, meeting_type), found)
    return found
