"""Found accounts: a credential is tried at its provider, which shows the calendars it leads to; nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from kalends.domain.remote_events import RemoteCalendar
from kalends.errors import Upstream
from kalends.ports import (
    CalendarKind,
    CalendarProvider,
    Connected,
    ConnectionRefused,
    Credential,
    CredentialRefused,
    ProviderNotConfigured,
)

ASKED_WITHIN_S = 40


@dataclass(frozen=True, slots=True)
class Found:
    """An account as its provider showed it just now."""

    provider: CalendarKind
    connected: Connected
    calendars: Sequence[RemoteCalendar]


def provider_of(providers: Mapping[CalendarKind, CalendarProvider], kind: CalendarKind) -> CalendarProvider:
    """Find a provider that can be used.

    Raises:
        ProviderNotConfigured: a setting is missing; the message names it.
    """
    found = providers.get(kind)
    if found is None:
        raise ProviderNotConfigured(f"This server cannot connect calendars of '{kind}'")
    if found.lacking:
        names = " and ".join(found.lacking)
        raise ProviderNotConfigured(f"This server cannot connect calendars of '{kind}': {names} not set")
    return found


async def prove(provider: CalendarProvider, form: Mapping[str, str]) -> Found:
    """Try a credential somebody typed in, and see which calendars it leads to.

    Raises:
        ConnectionRefused: it leads nowhere, or nobody could be asked, which most often is what was typed; says why.
    """
    try:
        async with _limited():
            return await _look(provider, await provider.connect(form))
    except CredentialRefused as refusal:
        raise ConnectionRefused(refusal.message) from refusal
    except Upstream as failure:
        raise ConnectionRefused(failure.message, reason="unreachable") from failure


async def look(provider: CalendarProvider, connected: Connected) -> Found:
    """See which calendars an account has.

    Raises:
        ConnectionRefused: none.
        Upstream: the provider could not be asked.
    """
    async with _limited():
        return await _look(provider, connected)


async def _look(provider: CalendarProvider, connected: Connected) -> Found:
    newest = connected

    async def keep(credential: Credential) -> None:
        nonlocal newest
        newest = replace(newest, credential=credential)

    try:
        async with provider.open(connected.credential, keep) as account:
            calendars = list({one.remote_id: one for one in await account.calendars()}.values())
    except CredentialRefused as refusal:
        raise ConnectionRefused(refusal.message) from refusal
    if not calendars:
        raise ConnectionRefused("The account has no calendars")
    return Found(provider.kind, newest, calendars)


@asynccontextmanager
async def _limited() -> AsyncIterator[None]:
    """End what takes too long in all, though none of its requests does."""
    try:
        async with asyncio.timeout(ASKED_WITHIN_S):
            yield
    except TimeoutError:
        raise Upstream("The calendar's server takes too long to answer") from None
