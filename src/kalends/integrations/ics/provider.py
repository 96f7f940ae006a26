"""A CalendarProvider for feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from whenever import Instant

from kalends.domain.remote_events import Window
from kalends.integrations.expanding import Expander
from kalends.integrations.web import Web
from kalends.ports import CalendarKind, Connected, ConnectionRefused, Credential, CredentialRefused, Keep

from .account import IcsAccount
from .address import Address
from .feed import Download, Gone, NoCalendar, ensure_whole

# A feed is read when it is connected, so that what is none is refused; when its events are is of no interest then.
_NOTHING = Window(Instant.from_timestamp(0), Instant.from_timestamp(0))


class IcsProvider:
    """Reads feeds, each an account with one calendar."""

    kind: CalendarKind = "ics"

    def __init__(self, web: Web, expander: Expander) -> None:
        self._web = web
        self._expander = expander

    @property
    def lacking(self) -> Sequence[str]:
        return ()

    @asynccontextmanager
    async def open(self, credential: Credential, keep: Keep) -> AsyncIterator[IcsAccount]:
        """Open a feed; its address never changes by itself, so there is nothing to keep."""
        address = Address.kept(credential)
        async with self._web.visit(address.login) as visit:
            yield IcsAccount(Download(visit, address.url), self._expander, credential["name"], credential["zone"])

    async def connect(self, form: Mapping[str, str]) -> Connected:
        """Read the feed at the form's url once, with a user and password in it, if it holds some."""
        address = Address.typed(form.get("url", ""))
        try:
            async with self._web.visit(address.login) as visit:
                found = await Download(visit, address.url).get()
            read = await self._expander.feed(found.body, window=_NOTHING, own=())
            ensure_whole(read)
        except (CredentialRefused, Gone, NoCalendar) as refusal:
            raise ConnectionRefused(refusal.message) from refusal
        shown = read.head.name or address.host
        credential = {**address.stored(), "name": shown, "zone": read.head.zone}
        return Connected(address.account, shown, credential, address.host)
