"""The access token of one account: renewed in time, by one at a time, and kept before it is used."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from kalends.ports import Credential, CredentialRefused, Keep

from .client import OAuthClient
from .tokens import Tokens

REFRESH_AHEAD_S = 60  # so that no token dies on its way, and clocks may differ


@dataclass(eq=False)
class _Shared:
    """What all who opened the same account in this process have in common.

    Attributes:
        keep: of whoever brought these tokens; it knows what is stored of them, and what each renewal replaces.
    """

    tokens: Tokens
    keep: Keep
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    renewal: asyncio.Task[Tokens] | None = None


# By refresh token, as long as somebody uses it. Other processes are not waited for: the servers we know
# leave an older refresh token alive for as long as that takes.
_open: WeakValueDictionary[tuple[str, str], _Shared] = WeakValueDictionary()


class Account:
    """Hands out an access token that is good."""

    def __init__(self, client: OAuthClient, credential: Credential, keep: Keep) -> None:
        self._client = client
        tokens = Tokens.of(client.server.vendor, credential)
        shared = _open.setdefault(self._key(tokens), _Shared(tokens, keep))
        if tokens == shared.tokens or tokens.expires_at > shared.tokens.expires_at:
            shared.tokens, shared.keep = tokens, keep
        self._shared = shared

    async def access_token(self, *, refused: str | None = None) -> str:
        """Give a token that lives for another minute.

        Args:
            refused: one the vendor did not take although it should live; another one is given.

        Raises:
            CredentialRefused: there is none to be had any more.
            Upstream: there is none to be had now.
        """
        async with self._shared.lock:
            if self._shared.renewal:
                # Begun by somebody who gave up; its end is told below, by asking again.
                await asyncio.wait([self._shared.renewal])
            tokens = self._shared.tokens
            soon = self._client.clock().add(seconds=REFRESH_AHEAD_S)
            if tokens.access != refused and tokens.expires_at > soon:
                return tokens.access
            # Who asked may give up (a live check waits 2 s); a refresh token once changed must still be kept.
            self._shared.renewal = asyncio.ensure_future(self._renew(tokens))
            self._shared.renewal.add_done_callback(_seen)
            return (await asyncio.shield(self._shared.renewal)).access

    async def _renew(self, tokens: Tokens) -> Tokens:
        if not tokens.refresh:
            raise CredentialRefused(f"the calendar at {self._client.server.vendor} has to be connected again")
        renewed = tokens.renewed(await self._client.refresh(tokens.refresh))
        await self._shared.keep(renewed.credential())
        self._shared.tokens = renewed
        _open[self._key(renewed)] = self._shared
        return renewed

    def _key(self, tokens: Tokens) -> tuple[str, str]:
        return self._client.server.token_url, tokens.refresh or tokens.access


def _seen(task: asyncio.Task[Tokens]) -> None:
    """Take note of an error nobody waited for, which asyncio would else print."""
    if not task.cancelled():
        task.exception()
