"""Google as a provider of calendars: hosts let us in on its page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from kalends.integrations.oauth import (
    Account,
    AuthorizationServer,
    JsonApi,
    OAuthClient,
    Tokens,
    claims,
    client,
    nonsense,
)
from kalends.ports import CalendarKind, Clock, Connected, ConnectionRefused, Credential, Keep

from .account import GoogleAccount
from .api import VENDOR, GoogleApi

SETTINGS = ("KALENDS_GOOGLE_CLIENT_ID", "KALENDS_GOOGLE_CLIENT_SECRET")
AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN_URL = "https://oauth2.googleapis.com/token"
REVOKE_URL = "https://oauth2.googleapis.com/revoke"
API_URL = "https://www.googleapis.com/calendar/v3"

_SCOPE = "https://www.googleapis.com/auth/calendar"
_NEEDED = {
    f"{_SCOPE}.events": "to see and edit events",
    f"{_SCOPE}.calendarlist.readonly": "to see the list of calendars",
}
# Calendars that somebody shares as free or busy only; without it those cannot be read, all others can.
_WANTED = (*_NEEDED, f"{_SCOPE}.events.freebusy")


class GoogleCalendars:
    """An AuthorizingProvider and a RevokingProvider."""

    kind: CalendarKind = "google"

    def __init__(
        self,
        client_id: str | None,
        client_secret: str | None,
        *,
        clock: Clock,
        authorize_url: str = AUTHORIZE_URL,
        token_url: str = TOKEN_URL,
        revoke_url: str = REVOKE_URL,
        api_url: str = API_URL,
    ) -> None:
        settings = zip(SETTINGS, (client_id, client_secret), strict=True)
        self._lacking = tuple(name for name, value in settings if not value)
        self._api_url = api_url
        self._clock = clock
        server = AuthorizationServer(
            vendor=VENDOR,
            authorize_url=authorize_url,
            token_url=token_url,
            revoke_url=revoke_url,
            client_id=client_id or "",
            client_secret=client_secret or "",
            scopes=("openid", "email", *_WANTED),
            settings=SETTINGS,
            # Only a fresh consent makes Google hand out a refresh token again.
            extra={"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"},
        )
        self._client = OAuthClient(server, clock)

    @property
    def lacking(self) -> Sequence[str]:
        """Name the settings without which it cannot be used."""
        return self._lacking

    @asynccontextmanager
    async def open(self, credential: Credential, keep: Keep) -> AsyncIterator[GoogleAccount]:
        """Open an account for some requests."""
        account = Account(self._client, credential, keep)
        async with client() as connections:
            yield GoogleAccount(GoogleApi(JsonApi(connections, VENDOR, self._api_url, account)), self._clock)

    async def connect(self, form: Mapping[str, str]) -> Connected:
        """Refuse: Google lets nobody in by password."""
        raise ConnectionRefused("a Google calendar is connected on Google's own page")

    def authorization_url(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """Build the address of Google's page."""
        return self._client.authorization_url(redirect_uri=redirect_uri, state=state, verifier=verifier)

    async def authorize(self, *, code: str, redirect_uri: str, verifier: str) -> Connected:
        """Change the code that came back for a credential; the host may have left boxes unticked."""
        grant = await self._client.exchange(code=code, redirect_uri=redirect_uri, verifier=verifier)
        refused = [told for scope, told in _NEEDED.items() if grant.tokens.scopes.isdisjoint((scope, _SCOPE))]
        if refused:
            raise ConnectionRefused(f"Google was not allowed {' and '.join(refused)}; please tick all boxes there")
        if not grant.tokens.refresh:
            raise ConnectionRefused("Google let us in for an hour only; please connect the calendar again")
        who = claims(VENDOR, grant, client_id=self._client.server.client_id)
        if not isinstance(who.get("sub"), str):
            raise nonsense(VENDOR)
        return Connected(who["sub"], str(who.get("email") or who["sub"]), grant.tokens.credential())

    async def revoke(self, credential: Credential) -> None:
        """Give back all that the host granted us, whichever token it is done with."""
        tokens = Tokens.of(VENDOR, credential)
        await self._client.revoke(tokens.refresh or tokens.access)
