"""Watches: channels over which providers tell of changes, opened, renewed in time, and called off."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from uuid import UUID, uuid4

from whenever import Instant

from kalends.domain import links, sync_times
from kalends.domain.remote_events import Channel
from kalends.errors import Upstream
from kalends.ports import CalendarAccount, CredentialRefused
from kalends.storage import calendar_channels
from kalends.storage.calendar_channels import Listening, Watched
from kalends.storage.database import Connection

from .calendar_sources import Reader, Source
from .credentials import secret_hash

AGAIN_AFTER_MINUTES = 60


async def keep(
    reader: Reader, company_id: UUID, connection_id: UUID, sources: Sequence[Source], account: CalendarAccount
) -> None:
    """Open a channel for each calendar that is read, renew those four fifths over, and call off all others.

    Nothing fails here: without a channel a calendar is read every few minutes.

    Raises:
        CredentialRefused
    """
    async with reader.reading() as conn:
        watched = await calendar_channels.of_connection(conn, company_id, connection_id)
    now = reader.clock()
    for source in sources if links.is_reachable(reader.base_url) else ():
        known = watched.get(source.calendar.id)
        if known is None or known.renew_at is None or known.renew_at <= now:
            await _open(reader, source, known, account, now)
    read = {source.calendar.id for source in sources}
    await call_off(reader, [one for one in watched.values() if one.calendar_id not in read], account)


async def call_off(reader: Reader, watched: Sequence[Watched], account: CalendarAccount) -> None:
    """Ask to be told no more; a provider that cannot be reached tells us until the channel expires.

    Raises:
        CredentialRefused
    """
    for one in watched:
        await _end(one.channel, account)
        async with reader.transaction() as conn:
            await calendar_channels.close(conn, one.calendar_id, one.channel_id)


async def heard(conn: Connection, provider: str, channel_id: str, shown: Collection[str]) -> Listening | None:
    """Find whose calendar has changed, as somebody says who shows a channel's secret; None: he does not know it.

    Args:
        shown: the secret has to be among these.
    """
    found = await calendar_channels.listening(conn, provider, channel_id)
    if found and any(secrets.compare_digest(secret_hash(secret), found.secret_hash) for secret in shown):
        return found
    return None


async def _open(reader: Reader, source: Source, known: Watched | None, account: CalendarAccount, now: Instant) -> None:
    channel_id, secret = str(uuid4()), secrets.token_urlsafe(32)
    address = f"{reader.base_url.rstrip('/')}/hooks/calendars/{source.connection.provider}/{channel_id}"
    try:
        channel = await account.watch(source.calendar.remote, channel_id=channel_id, secret=secret, address=address)
    except CredentialRefused:
        raise
    except Upstream:
        async with reader.transaction() as conn:
            await calendar_channels.try_again(conn, source.calendar.id, now.add(minutes=AGAIN_AFTER_MINUTES))
        return
    if channel is None:
        async with reader.transaction() as conn:
            await calendar_channels.try_again(conn, source.calendar.id, now.add(hours=24))
        return
    async with reader.transaction() as conn:
        renew_at = sync_times.renewal(now, channel.expires_at)
        is_open = await calendar_channels.open_at(conn, source.calendar.id, channel, secret_hash(secret), renew_at)
    if not is_open:  # it was disconnected meanwhile
        await _end(channel, account)
    elif known:
        await _end(known.channel, account)


async def _end(channel: Channel | None, account: CalendarAccount) -> None:
    try:
        if channel:
            await account.unwatch(channel)
    except CredentialRefused:
        raise
    except Upstream:
        return  # it expires by itself
