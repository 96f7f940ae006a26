"""The client of an authorization server: authorization codes with PKCE (RFC 6749 4.1, RFC 7636), and refreshing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from kalends.errors import DomainError, Upstream
from kalends.ports import Clock, ConnectionRefused, CredentialRefused

from . import http
from .http import Answer
from .tokens import Grant, granted

# Words of RFC 6749 5.2, OpenID Connect Core 3.1.2.6 and of Microsoft's that only the account's owner can mend.
_OWNERS_TO_MEND = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
_OPERATORS_TO_MEND = frozenset({"invalid_client", "unauthorized_client", "redirect_uri_mismatch"})


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """Where a vendor lets its users say yes, and what we ask them for.

    Attributes:
        vendor: its name, in messages.
        settings: names of what the operator set wrongly when the vendor does not know us.
        extra: further parameters of the page the browser is sent to.
        revoke_url: where tokens are given back; "": nowhere.
    """

    vendor: str
    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    settings: tuple[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    revoke_url: str = ""


class OAuthClient:
    """What we are to one authorization server."""

    def __init__(self, server: AuthorizationServer, clock: Clock) -> None:
        self.server = server
        self.clock = clock

    def authorization_url(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """Build the address of the page where the owner says yes."""
        url: str = prepare_grant_uri(
            self.server.authorize_url,
            self.server.client_id,
            "code",
            redirect_uri=redirect_uri,
            scope=list(self.server.scopes),
            state=state,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **self.server.extra,
        )
        return url

    async def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> Grant:
        """Change the code that came back for tokens.

        Raises:
            ConnectionRefused: the server does not take the code.
        """
        answer = await self._ask("authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier)
        if not answer.good:
            raise self._refusal(answer, ConnectionRefused)
        return granted(self.server.vendor, answer, now=self.clock())

    async def refresh(self, refresh_token: str) -> Grant:
        """Ask for a new access token, and perhaps a new refresh token.

        Raises:
            CredentialRefused: its owner took back what was granted, or it expired.
        """
        answer = await self._ask("refresh_token", refresh_token=refresh_token)
        if not answer.good:
            raise self._refusal(answer, CredentialRefused)
        return granted(self.server.vendor, answer, now=self.clock())

    async def revoke(self, token: str) -> None:
        """Give a token back, and with it all that was granted (RFC 7009); one that is dead already is fine.

        Raises:
            Upstream: the server could not be told.
        """
        answer = await self._post(self.server.revoke_url, urlencode({"token": token}))
        if not answer.good and answer.body.get("error") != "invalid_token":
            raise Upstream(f"{self.server.vendor} answers {answer.status} when a token is given back")

    async def _ask(self, grant_type: str, *, redirect_uri: str | None = None, **parameters: str) -> Answer:
        body = prepare_token_request(
            grant_type,
            redirect_uri=redirect_uri,
            client_id=self.server.client_id,
            client_secret=self.server.client_secret,
            **parameters,
        )
        return await self._post(self.server.token_url, body)

    async def _post(self, url: str, body: str) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        request = httpx2.Request("POST", url, content=body.encode(), headers=headers)
        # On connections of its own: a refresh goes on to its end even where the request that needed it is given up.
        async with http.client() as connections:
            answer = await http.send(connections, self.server.vendor, request)
        put_off = http.judged(self.server.vendor, answer)
        if put_off:
            raise put_off
        return answer

    def _refusal(self, answer: Answer, owners: type[ConnectionRefused] | type[CredentialRefused]) -> DomainError:
        """Tell whose affair it is: the owner's, the operator's, or nobody's."""
        error: Any = answer.body.get("error")
        if error in _OWNERS_TO_MEND:
            return owners(f"{self.server.vendor} does not let us in; the calendar has to be connected again")
        if error in _OPERATORS_TO_MEND:
            named = " and ".join(self.server.settings)
            return Upstream(f"{self.server.vendor} does not know this server; look at {named}")
        return Upstream(f"{self.server.vendor} answers {answer.status} when asked for a token")
