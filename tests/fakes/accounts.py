"""A provider of calendars without a server behind it: for what concerns connections, not what stands in calendars."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode

from kalends.domain.remote_events import Channel, RemoteCalendar
from kalends.errors import Upstream
from kalends.ports import (
    CalendarAccount,
    CalendarKind,
    Connected,
    ConnectionRefused,
    Credential,
    CredentialRefused,
    Keep,
)

WORK = RemoteCalendar("/ada/work/", "Work", "Europe/Vienna", "#0082c9", is_default=True)
HOME = RemoteCalendar("/ada/home/", "Home")
HOLIDAYS = RemoteCalendar("/shared/holidays/", "Holidays", writable=False)
PASSWORD = "hunter2-of-the-calendar"


@dataclass
class Provider:
    """Lets in whoever has the password, or comes with the code `yes`.

    Attributes:
        renews: what replaces the credential as soon as it is used.
        opened: credentials that accounts were opened with.
        unwatched: channels that were called off.
        tried: so often somebody came with a form.
    """

    kind: CalendarKind
    calendars: Sequence[RemoteCalendar] = (HOME, WORK, HOLIDAYS)
    lacking: Sequence[str] = ()
    renews: Credential | None = None
    refuses: bool = False
    away: bool = False
    opened: list[Credential] = field(default_factory=list)
    unwatched: list[Channel] = field(default_factory=list)
    tried: int = 0

    @asynccontextmanager
    async def open(self, credential: Credential, keep: Keep) -> AsyncIterator[CalendarAccount]:
        """Open an account for some requests."""
        self.opened.append(credential)
        if self.renews:
            await keep(self.renews)
        yield cast(CalendarAccount, _Account(self))

    async def connect(self, form: Mapping[str, str]) -> Connected:
        """Let in whoever has the password."""
        self.tried += 1
        if self.away:
            raise Upstream("The server could not be reached")
        if self.kind != "ics" and form.get("password") != PASSWORD:
            raise ConnectionRefused("The server does not take this name and password")
        name = form.get("username") or "feed"
        return Connected(name, f"{name}@calendars.test", dict(form))


class AuthorizingProvider(Provider):
    """The same with a page of its own."""

    asked: Mapping[str, str] = {}

    def authorization_url(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """Build the address of its page."""
        self.asked = {"redirect_uri": redirect_uri, "state": state, "verifier": verifier}
        return f"https://login.test/authorize?{urlencode({'state': state, 'redirect_uri': redirect_uri})}"

    async def authorize(self, *, code: str, redirect_uri: str, verifier: str) -> Connected:
        """Take the code `yes`."""
        if code != "yes" or (redirect_uri, verifier) != (self.asked["redirect_uri"], self.asked["verifier"]):
            raise ConnectionRefused("It does not take this code")
        return Connected("ada-1", "ada@login.test", {"refresh": PASSWORD})


class _Account:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def calendars(self) -> Sequence[RemoteCalendar]:
        """List the account's calendars."""
        if self._provider.refuses:
            raise CredentialRefused("It does not let us in")
        return self._provider.calendars

    async def unwatch(self, channel: Channel) -> None:
        """Note which channel was called off."""
        if self._provider.refuses:
            raise CredentialRefused("It does not let us in")
        self._provider.unwatched.append(channel)


def providers(*more: Provider) -> dict[CalendarKind, Any]:
    """Make one of each kind, replaced by those given."""
    made: dict[CalendarKind, Any] = {
        "google": AuthorizingProvider("google"),
        "outlook": AuthorizingProvider("outlook", lacking=("KALENDS_MICROSOFT_CLIENT_ID",)),
        "caldav": Provider("caldav"),
        "icloud": Provider("icloud"),
        "ics": Provider("ics", calendars=[RemoteCalendar("feed", "Feed", writable=False)]),
    }
    return made | {one.kind: one for one in more}
