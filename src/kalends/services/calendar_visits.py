"""Visits: what providers are asked beside what stands in calendars: which there are, and to let us be."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TypeGuard
from uuid import UUID

from kalends.errors import Upstream
from kalends.ports import CalendarProvider, RevokingProvider
from kalends.storage import calendar_channels, calendar_disconnections, locks
from kalends.storage import calendar_connections as stored
from kalends.storage.secret_box import CannotOpen

from . import calendar_connections, calendar_watches
from .calendar_sources import Reader


async def list_anew(reader: Reader, company_id: UUID, connection_id: UUID) -> bool:
    """Store which calendars an account has now; False: it is gone, or its provider does not say.

    What is wrong with it then is found, and noted, by the reading that follows.
    """
    async with reader.reading() as conn:
        connection = await stored.get(conn, company_id, connection_id)
        sealed = await stored.credential(conn, company_id, connection_id)
    if connection is None or sealed is None:
        return False
    try:
        async with reader.accounts.opened(company_id, connection_id, connection.provider, sealed) as account:
            found = await account.calendars()
    except Upstream:
        return False
    async with reader.transaction() as conn:
        await locks.users(conn, company_id, [connection.user_id])
        still = await stored.get(conn, company_id, connection_id, lock=True)
        if still is not None and found:  # an account without any calendar is more likely a mistake than true
            await calendar_connections.list_calendars(conn, still, found)
    return still is not None


async def leave(reader: Reader, company_id: UUID, connection_id: UUID) -> None:
    """Have the provider of a deleted connection tell us nothing more and let us in no more, and wipe what is left.

    That is tried once: channels end by themselves, and what was granted its owner can take back at the provider.
    """
    async with reader.reading() as conn:
        left = await calendar_disconnections.left(conn, company_id, connection_id)
        watched = await calendar_channels.of_connection(conn, company_id, connection_id)
    if left is None:
        return
    with suppress(Upstream):
        async with reader.accounts.opened(company_id, connection_id, left.provider, left.credential) as account:
            await calendar_watches.call_off(reader, list(watched.values()), account)
    with suppress(Upstream, CannotOpen):
        await _give_back(reader, company_id, connection_id)
    async with reader.transaction() as conn:
        await calendar_disconnections.wipe(conn, company_id, [connection_id])


async def _give_back(reader: Reader, company_id: UUID, connection_id: UUID) -> None:
    """Give back what was granted, unless others live on it: it is granted to this server, not to one connection."""
    async with reader.reading() as conn:
        left = await calendar_disconnections.left(conn, company_id, connection_id)  # maybe renewed on the way
        if left is None or await stored.is_connected(conn, left.provider, left.account):
            return
    provider = reader.providers.get(left.provider)
    if provider is not None and _revokes(provider):
        await provider.revoke(json.loads(reader.box.open(left.credential)))


def _revokes(provider: CalendarProvider) -> TypeGuard[RevokingProvider]:
    return hasattr(provider, "revoke")
