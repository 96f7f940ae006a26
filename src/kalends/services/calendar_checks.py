"""Calendar checks: the calendars of hosts are asked live, within two seconds and outside any transaction.

What they answer is stored as any reading is, so whoever asks about starts next finds it there. What cannot be reached
counts by the age of what is known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar
from uuid import UUID

from kalends.storage import editions
from kalends.storage.database import Connection

from . import calendar_sync, slot_scopes
from .calendar_sync import Reader
from .slot_queries import SlotQuery
from .slot_scopes import Asked
from .verification import STORED, Unverified, Verified

Done = TypeVar("Done")

WITHIN_S = 2.0
MOST_ROUNDS = 3  # so many members of a queue, one after the other where each turns out to be busy
MOST_LISTED = 50  # connections asked for one list of starts


async def checked(reader: Reader, change: Callable[[Verified], Awaitable[Done]]) -> Done:
    """Carry out a change, and again each time calendars had to be asked first; two seconds are spent on that in all.

    Args:
        change: opens its transaction anew each time, and passes on what was verified.

    Raises:
        DomainError: as the change.
    """
    verified, left_s = Verified(), WITHIN_S
    for _ in range(MOST_ROUNDS):
        try:
            return await change(verified)
        except Unverified as found:
            wanted = found
        began = monotonic()
        await calendar_sync.refresh(reader, wanted.company_id, wanted.connection_ids, within_s=left_s)
        left_s -= monotonic() - began
        verified = Verified(verified.connection_ids | wanted.connection_ids)
        if left_s <= 0:
            break
    return await change(STORED)


async def listed(reader: Reader, company_id: UUID, query: SlotQuery) -> None:
    """Ask the calendars of all hosts of a query live; of a great many connections the first ones in their order.

    Raises:
        NotFound: as a list of starts.
    """
    async with reader.reading() as conn:
        asked = await _asked(conn, company_id, query)
    ids = dict.fromkeys(one.connection_id for host in asked.hosts for one in asked.blocking.get(host.host_no, ()))
    if ids:
        await calendar_sync.refresh(reader, company_id, list(ids)[:MOST_LISTED], within_s=WITHIN_S)


async def _asked(conn: Connection, company_id: UUID, query: SlotQuery) -> Asked:
    kept = slot_scopes.kept(company_id, query, deleted=False)
    if kept and await editions.is_current(conn, company_id, kept.edition):
        return kept
    return await slot_scopes.read(conn, company_id, query, deleted=False)
