"""Accounts: a stored connection opened for some requests to its provider."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from kalends.errors import Upstream
from kalends.ports import CalendarAccount, CalendarKind, CalendarProvider, Credential, CredentialRefused
from kalends.storage import calendar_connections
from kalends.storage.database import Connection
from kalends.storage.secret_box import CannotOpen, SecretBox


@dataclass(frozen=True, slots=True)
class Accounts:
    """Opens accounts.

    Attributes:
        transaction: opens one of its own, to store what a provider replaces a credential by.
        kept: what was stored so, sealed, by whoever opened an account here.
    """

    providers: Mapping[CalendarKind, CalendarProvider]
    box: SecretBox
    transaction: Callable[[], AbstractAsyncContextManager[Connection]]
    kept: list[bytes] = field(default_factory=list)

    @asynccontextmanager
    async def opened(
        self, company_id: UUID, connection_id: UUID, kind: CalendarKind, sealed: bytes
    ) -> AsyncIterator[CalendarAccount]:
        """Open the account of a connection.

        Raises:
            CredentialRefused: what is stored was sealed with a key that is lost; connecting it again helps.
            Upstream: this server cannot use the provider any more; a setting is missing.
        """
        provider = self.providers.get(kind)
        if provider is None or provider.lacking:
            raise Upstream(
                f"calendars of '{kind}' cannot be reached: {', '.join(provider.lacking if provider else ())}"
            )
        try:
            last = self.box.open(sealed)
        except CannotOpen:
            raise CredentialRefused("the stored credential cannot be opened with this server's key") from None

        async def keep(renewed: Credential) -> None:
            nonlocal last
            plain = json.dumps(dict(renewed)).encode()
            async with self.transaction() as conn:
                stored = await calendar_connections.credential(conn, company_id, connection_id, lock=True)
                if stored is None or not self._holds(stored, last):
                    return  # its owner connected it again meanwhile, or somebody else renewed it
                anew = self.box.seal(plain)
                await calendar_connections.keep_credential(conn, company_id, connection_id, anew)
            last = plain
            self.kept.append(anew)

        async with provider.open(json.loads(last), keep) as account:
            yield account

    def _holds(self, sealed: bytes, plain: bytes) -> bool:
        try:
            return self.box.open(sealed) == plain
        except CannotOpen:
            return False
