"""Zoom's API, asked in the name of one Zoom account; its token is had anew when it ends."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from whenever import Instant

from kalends.errors import Upstream
from kalends.integrations import oauth
from kalends.integrations.oauth import Answer
from kalends.integrations.oauth import http as vendors
from kalends.ports import Clock

VENDOR = "Zoom"
API = "https://api.zoom.us/v2"
TOKENS = "https://zoom.us/oauth/token"
RENEWED_AHEAD_S = 60
_SETTINGS = "KALENDS_ZOOM_ACCOUNT_ID, KALENDS_ZOOM_CLIENT_ID and KALENDS_ZOOM_CLIENT_SECRET"


@dataclass(frozen=True, slots=True)
class ZoomApp:
    """A server-to-server OAuth app of a Zoom account.

    Attributes:
        api_url, token_url: Zoom's, without a slash at the end.
    """

    account_id: str
    client_id: str
    client_secret: str = field(repr=False)
    api_url: str = API
    token_url: str = TOKENS


class ZoomApi:
    """Sends requests with a token that is good."""

    def __init__(self, app: ZoomApp, clock: Clock) -> None:
        self._app, self._clock = app, clock
        self._token: tuple[str, Instant] | None = None
        self._asking = asyncio.Lock()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Ask; refusals other than "not now" are the caller's affair.

        Raises:
            Upstream: 401 with a token that is new, 429, 5xx, not to be reached, too slow, no JSON.
        """
        async with oauth.client() as connections:
            token = await self._access_token(connections)
            answer = await self._send(connections, token, method, path, query, body)
            if answer.status == 401:
                token = await self._access_token(connections, refused=token)
                answer = await self._send(connections, token, method, path, query, body)
        if answer.status == 401:
            raise Upstream(f"Zoom does not let this server in; look at {_SETTINGS}")
        put_off = oauth.judged(VENDOR, answer)
        if put_off:
            raise put_off
        return answer

    async def _send(
        self,
        connections: httpx2.AsyncClient,
        token: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> Answer:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        request = httpx2.Request(method, f"{self._app.api_url}{path}", params=query, headers=headers, content=content)
        return await vendors.send(connections, VENDOR, request)

    async def _access_token(self, connections: httpx2.AsyncClient, *, refused: str | None = None) -> str:
        async with self._asking:
            soon = self._clock().add(seconds=RENEWED_AHEAD_S)
            if self._token is None or self._token[0] == refused or self._token[1] <= soon:
                self._token = await self._new_token(connections)
            return self._token[0]

    async def _new_token(self, connections: httpx2.AsyncClient) -> tuple[str, Instant]:
        """Ask for a token with the account's own credentials; there is nothing to refresh it with."""
        known = b64encode(f"{self._app.client_id}:{self._app.client_secret}".encode()).decode()
        body = prepare_token_request("account_credentials", account_id=self._app.account_id)
        headers = {
            "Accept": "application/json",
            "Authorization": f"Basic {known}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        request = httpx2.Request("POST", self._app.token_url, headers=headers, content=body.encode())
        answer = await vendors.send(connections, VENDOR, request)
        put_off = oauth.judged(VENDOR, answer)
        if put_off:
            raise put_off
        if not answer.good:
            raise Upstream(f"Zoom does not know this server; look at {_SETTINGS}")
        token, seconds = answer.body.get("access_token"), answer.body.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise oauth.nonsense(VENDOR)
        return token, self._clock().add(seconds=seconds)
