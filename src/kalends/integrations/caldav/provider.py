"""CalDAV servers, and iCloud, which is one at an address everybody knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import unquote, urlsplit

from kalends.integrations.web import Web
from kalends.ports import CalendarKind, Connected, ConnectionRefused, Credential, CredentialRefused, Keep

from . import listing
from .account import CalDavAccount
from .dav import Dav
from .discovery import Discovery, Services, look_up
from .listing import Place
from .password import Password
from .reading import Expander

ICLOUD = "https://caldav.icloud.com/"

# A small server that looks at ten thousand events for the first time takes this long, and is quick the next time.
PATIENCE_S = 30.0

_LONGEST = 2_000  # characters of what is typed


class CalDavProvider:
    """A CalendarProvider for `caldav` and `icloud`; one for each."""

    def __init__(
        self,
        kind: Literal["caldav", "icloud"],
        web: Web,
        expander: Expander,
        *,
        services: Services = look_up,
        icloud: str = ICLOUD,
    ) -> None:
        self.kind: CalendarKind = kind
        self._web = web
        self._expander = expander
        self._services = services
        self._icloud = icloud

    @property
    def lacking(self) -> Sequence[str]:
        return ()

    @asynccontextmanager
    async def open(self, credential: Credential, keep: Keep) -> AsyncIterator[CalDavAccount]:
        """Open an account; a password never changes by itself, only what else is known of the account."""
        password = Password(credential["username"], credential["password"])

        async def learn(place: Place) -> None:
            await keep({**credential, **place.stored()})

        async with self._web.visit(password, patience_s=PATIENCE_S) as visit:
            yield CalDavAccount(Dav(visit), Place.of(credential), self._expander, learn)

    async def connect(self, form: Mapping[str, str]) -> Connected:
        """Look for the calendars of whom the form names: url (or a host, or an e-mail address), username, password.

        Without url it is the domain of the user name, without username the one in the url.
        """
        url, username, password = self._read(form)
        async with self._web.visit(Password(username, password)) as visit:
            try:
                found = await Discovery(visit, self._services).find(url)
                whose = await listing.principal(Dav(visit), found.place)
                calendars = await listing.calendars(Dav(visit), found.place, whose)
            except (ConnectionRefused, CredentialRefused) as error:
                raise self._refused(error.message) from error
        if not calendars:
            raise ConnectionRefused("This account has no calendar for events.")
        # SOGo names its principals with a slash and without, depending on what it is asked.
        principal = found.place.principal and found.place.principal.rstrip("/")
        where = principal or (*found.place.homes, *found.place.calendars)[0]
        email = found.email or username
        credential = {"username": username, "password": password, **found.place.stored()}
        server = None if self.kind == "icloud" else urlsplit(where).hostname
        return Connected(f"{where} {username.lower()}", email, credential, server)

    def _read(self, form: Mapping[str, str]) -> tuple[str, str, str]:
        typed = {name: form.get(name, "") for name in ("url", "username", "password")}
        if any(len(each) > _LONGEST or any(ord(one) < 32 for one in each) for each in typed.values()):
            raise ConnectionRefused("An address, a user name and a password on one line each are needed.")
        url = self._icloud if self.kind == "icloud" else typed["url"].strip() or typed["username"].strip()
        try:
            parts = urlsplit(url)
            named = unquote(parts.username or ""), unquote(parts.password or "")
        except ValueError:
            raise ConnectionRefused("This is not an address.") from None
        username, password = typed["username"].strip() or named[0], typed["password"] or named[1]
        if not username and "@" in url and "/" not in url:
            username = url.strip()
        if not url or not username or not password:
            raise ConnectionRefused("The server's address, a user name and a password are needed.")
        if parts.username and "://" in url:
            url = url.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1)
        return url, username, password

    def _refused(self, message: str) -> ConnectionRefused:
        if self.kind == "icloud":
            return ConnectionRefused(
                "iCloud does not take this. It needs your Apple Account's e-mail address and an app-specific password, "
                "made at account.apple.com under Sign-In and Security."
            )
        return ConnectionRefused(message)
