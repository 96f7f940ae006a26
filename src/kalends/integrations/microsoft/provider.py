"""Microsoft as a provider of calendars."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

import httpx2

from kalends.integrations.oauth import Account, Answer, AuthorizationServer, JsonApi, OAuthClient, Tokens, client
from kalends.ports import CalendarKind, Clock, Connected, ConnectionRefused, Credential, Keep

from .account import MicrosoftAccount
from .refusals import VENDOR, no_mailbox, refused

LOGIN_URL = "https://login.microsoftonline.com"
GRAPH_URL = "https://graph.microsoft.com/v1.0"
SETTINGS = ("KALENDS_MICROSOFT_CLIENT_ID", "KALENDS_MICROSOFT_CLIENT_SECRET")

_WRITING = "Calendars.ReadWrite"
_SCOPES = ("offline_access", "User.Read", _WRITING)


class MicrosoftCalendars:
    """An AuthorizingProvider: accounts of one tenant, or of any (`common`), private ones included."""

    kind: CalendarKind = "outlook"

    def __init__(
        self,
        client_id: str | None,
        client_secret: str | None,
        *,
        tenant: str = "common",
        clock: Clock,
        login_url: str = LOGIN_URL,
        graph_url: str = GRAPH_URL,
    ) -> None:
        settings = zip(SETTINGS, (client_id, client_secret), strict=True)
        self._lacking = tuple(name for name, value in settings if not value)
        self._graph_url = graph_url
        self._clock = clock
        page = f"{login_url.rstrip('/')}/{quote(tenant, safe='')}/oauth2/v2.0"
        server = AuthorizationServer(
            vendor=VENDOR,
            authorize_url=f"{page}/authorize",
            token_url=f"{page}/token",
            client_id=client_id or "",
            client_secret=client_secret or "",
            scopes=_SCOPES,
            settings=SETTINGS,
            # Who is signed in with one account may mean another.
            extra={"response_mode": "query", "prompt": "select_account"},
        )
        self._oauth = OAuthClient(server, clock)

    @property
    def lacking(self) -> Sequence[str]:
        """Name the settings that are not set."""
        return self._lacking

    @asynccontextmanager
    async def open(self, credential: Credential, keep: Keep) -> AsyncIterator[MicrosoftAccount]:
        """Open an account for some requests.

        Raises:
            CredentialRefused: the credential is none of ours.
        """
        async with client() as connections:
            yield MicrosoftAccount(self._api(connections, credential, keep), self._clock)

    async def connect(self, form: Mapping[str, str]) -> Connected:
        """Refuse: Microsoft takes no password of others."""
        raise ConnectionRefused(f"calendars at {VENDOR} are connected on a page of {VENDOR}'s")

    def authorization_url(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """Build the address of Microsoft's page."""
        return self._oauth.authorization_url(redirect_uri=redirect_uri, state=state, verifier=verifier)

    async def authorize(self, *, code: str, redirect_uri: str, verifier: str) -> Connected:
        """Change the code for a credential, and see whose it is and that there is a calendar.

        Raises:
            ConnectionRefused: the code is not taken, not all was granted, or the account has no mailbox.
        """
        grant = await self._oauth.exchange(code=code, redirect_uri=redirect_uri, verifier=verifier)
        tokens = grant.tokens
        _check(tokens)
        credential: Credential = tokens.credential()

        async def keep(renewed: Credential) -> None:
            nonlocal credential
            credential = renewed

        async with client() as connections:
            api = self._api(connections, credential, keep)
            me = await _answer(api, "me", "id,mail,userPrincipalName")
            await _answer(api, "me/calendar", "id")
        account, email = (str(value or "") for value in (me.body.get("id"), _address(me)))
        if not account:
            raise ConnectionRefused(f"{VENDOR} does not say who was connected")
        return Connected(account, email, credential)

    def _api(self, connections: httpx2.AsyncClient, credential: Credential, keep: Keep) -> JsonApi:
        return JsonApi(connections, VENDOR, self._graph_url, Account(self._oauth, credential, keep))


def _check(tokens: Tokens) -> None:
    """Refuse a grant without what is needed; scopes come back whole or as the address of Graph and a name."""
    granted = {scope.rpartition("/")[2].lower() for scope in tokens.scopes}
    if (granted and _WRITING.lower() not in granted) or not tokens.refresh:
        raise ConnectionRefused(f"{VENDOR} was not told to let us read and write calendars")


async def _answer(api: JsonApi, path: str, wanted: str) -> Answer:
    answer = await api.call("GET", path, query={"$select": wanted})
    if no_mailbox(answer):
        raise ConnectionRefused(f"this account at {VENDOR} has no mailbox, or none in its cloud")
    if not answer.good:
        raise refused(answer)
    return answer


def _address(me: Answer) -> object:
    return me.body.get("mail") or me.body.get("userPrincipalName") or me.body.get("id")
