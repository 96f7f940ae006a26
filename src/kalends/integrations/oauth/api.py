"""A vendor's JSON API, asked in the name of one account."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import httpx2

from kalends.ports import CredentialRefused

from . import http
from .account import Account
from .http import Answer


class JsonApi:
    """Sends requests with the account's token, on connections that are opened for some requests."""

    def __init__(self, connections: httpx2.AsyncClient, vendor: str, base_url: str, account: Account) -> None:
        self.vendor = vendor
        self._connections = connections
        self._base_url = base_url.rstrip("/")
        self._account = account

    async def call(
        self,
        method: str,
        address: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        taken: Collection[int] = (),
    ) -> Answer:
        """Ask, with a new token where the vendor does not take the one at hand; other refusals are the caller's.

        Args:
            address: a path below the API's, its parts quoted; or a whole address on the API's own host.
            taken: statuses the caller looks at himself, although they are said to every caller in the same way.

        Raises:
            CredentialRefused: 401 with a token that is new.
            Upstream: 429, 5xx, not to be reached, too slow, too long, no JSON.
        """
        token = await self._account.access_token()
        answer = await self._send(method, address, query, body, headers, token)
        if answer.status == 401:
            token = await self._account.access_token(refused=token)
            answer = await self._send(method, address, query, body, headers, token)
        if answer.status in taken:
            return answer
        if answer.status == 401:
            raise CredentialRefused(f"{self.vendor} does not let us in; the calendar has to be connected again")
        put_off = http.judged(self.vendor, answer)
        if put_off:
            raise put_off
        return answer

    async def _send(
        self,
        method: str,
        address: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        token: str,
    ) -> Answer:
        sent = {"Accept": "application/json", "Authorization": f"Bearer {token}", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        request = httpx2.Request(
            method,
            self._url(address),
            params=query,
            headers=sent,
            content=None if body is None else json.dumps(body).encode(),
        )
        return await http.send(self._connections, self.vendor, request)

    def _url(self, address: str) -> httpx2.URL:
        """Make a whole address; one of another host never gets the token."""
        base = httpx2.URL(self._base_url)
        url = httpx2.URL(address) if "://" in address else httpx2.URL(f"{self._base_url}/{address.lstrip('/')}")
        if (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
            raise http.nonsense(self.vendor)
        return url
