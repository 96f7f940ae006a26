"""What is remote, as Protocols: the services speak to these, integrations implement them, tests bring their own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from whenever import Instant

from .domain.remote_events import Channel, Entry, Page, RemoteCalendar, RemoteEvent, Window, Written
from .errors import Invalid, Upstream

# Says what time it is; whoever locks asks after the last lock (design section 4).
Clock: TypeAlias = Callable[[], Instant]


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """One mail to one recipient, ready to leave.

    Attributes:
        sender: bare address of the envelope's sender.
        recipient: bare address of the one recipient.
        message_id: the value of its Message-ID header, angle brackets included; equal for every attempt.
        content: the whole RFC 5322 message as bytes, CRLF line ends.
    """

    sender: str
    recipient: str
    message_id: str
    content: bytes


class MailRefused(Upstream):
    """The receiver's mail server refuses this mail for good."""

    code = "mail-refused"


class MailUnanswered(Upstream):
    """Nobody knows whether this mail left: the connection was lost, or too slow, before the server's last answer."""


class Mailer(Protocol):
    """Whoever carries mail away."""

    async def send(self, mail: OutgoingMail) -> None:
        """Hand one mail over; sending the same mail twice is allowed.

        Raises:
            Upstream: the server could not be reached or put us off; try again later.
            MailUnanswered: the same, but it may have left.
            MailRefused: the server refuses this recipient for good.
        """
        ...


CalendarKind: TypeAlias = Literal["google", "outlook", "caldav", "icloud", "ics"]
Credential: TypeAlias = Mapping[str, Any]  # JSON values; sealed wherever it is stored
# Called with the whole new credential as soon as a provider has replaced it; stores it before anything else is done.
Keep: TypeAlias = Callable[[Credential], Awaitable[None]]


class CredentialRefused(Upstream):
    """The calendar's provider does not let us in any more; its owner has to connect it again."""

    code = "calendar-credential-refused"


class ConnectionRefused(Invalid):
    """This calendar cannot be connected."""

    code = "calendar-not-connected"


class ProviderNotConfigured(Invalid):
    """This provider is not set up on this server."""

    code = "calendar-provider-not-configured"


class CalendarTooLarge(Upstream):
    """There is more in this calendar than is read of one, or reading it takes too long."""

    code = "calendar-too-large"


class SyncTokenDead(Exception):
    """The provider does not know where the last reading ended; read anew, without a token."""


class EntryChanged(Exception):
    """The event was changed since it was read: look at it again before it is written or deleted."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Who was connected.

    Attributes:
        account: who it is at the provider; connecting the same one again renews its credential.
        email: shown to the host; an address where there is one, else a name.
        server: the host it is on, where somebody typed that in; shown to the host.
    """

    account: str
    email: str
    credential: Credential
    server: str | None = None


class CalendarAccount(Protocol):
    """One account whose credential was opened.

    Every method raises CredentialRefused where the provider does not let us in, and Upstream (with `retry_after_s`
    where it says so) where it cannot be reached, is slow, or answers nonsense. None raises anything of a library's.
    """

    async def calendars(self) -> Sequence[RemoteCalendar]:
        """List the account's calendars."""
        ...

    def changes(
        self, calendar: RemoteCalendar, *, token: str | None, window: Window, own: Collection[str]
    ) -> AsyncIterator[Page]:
        """Read what is there (without a token: all in the window) or what changed since the token, page by page.

        Args:
            own: e-mail addresses of the calendar's owner, in lower case: whose answer counts, beside those its provider
                knows him by.

        Raises:
            SyncTokenDead: before the first page.
        """
        ...

    async def event(
        self, calendar: RemoteCalendar, remote_id: str, *, window: Window, own: Collection[str]
    ) -> RemoteEvent | None:
        """Read one event; None only where the provider says of just this one that it is not there (case K14)."""
        ...

    async def put(self, calendar: RemoteCalendar, entry: Entry, known: Written | None) -> Written:
        """Write an entry, over the one known, over one with the same UID in this calendar, or anew.

        Raises:
            EntryChanged: it has another version than the one known, or is not there any more.
        """
        ...

    async def delete(self, calendar: RemoteCalendar, known: Written) -> None:
        """Delete an event; one that is gone already is fine.

        Raises:
            EntryChanged: it has another version than the one known.
        """
        ...

    async def watch(self, calendar: RemoteCalendar, *, channel_id: str, secret: str, address: str) -> Channel | None:
        """Ask to be told of changes at an https address of ours; None: this provider does not tell."""
        ...

    async def unwatch(self, channel: Channel) -> None:
        """Ask to be told no more; a channel that is gone is fine."""
        ...


class CalendarProvider(Protocol):
    """Who keeps calendars: one of each kind in a running kalends."""

    kind: CalendarKind

    @property
    def lacking(self) -> Sequence[str]:
        """Name the settings without which it cannot be used; none: it can."""
        ...

    def open(self, credential: Credential, keep: Keep) -> AbstractAsyncContextManager[CalendarAccount]:
        """Open an account for some requests."""
        ...

    async def connect(self, form: Mapping[str, str]) -> Connected:
        """Prove a credential somebody typed in: url, username, password (caldav, icloud), url (ics).

        Raises:
            ConnectionRefused: also for providers that authorize instead; says what is wrong in the caller's words.
            Upstream: it could not be reached.
        """
        ...


class AuthorizingProvider(CalendarProvider, Protocol):
    """A provider whose owner lets us in on a page of its own (OAuth 2 with PKCE, RFC 6749 4.1, RFC 7636)."""

    def authorization_url(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """Build the address the browser is sent to."""
        ...

    async def authorize(self, *, code: str, redirect_uri: str, verifier: str) -> Connected:
        """Change the code that came back for a credential.

        Raises:
            ConnectionRefused: the provider does not take the code, or not all that is needed was granted.
        """
        ...


class RevokingProvider(CalendarProvider, Protocol):
    """A provider that can be told that we need no access any more (RFC 7009)."""

    async def revoke(self, credential: Credential) -> None:
        """Give back all that the account's owner granted this server; what he took back himself is fine.

        Raises:
            Upstream: it could not be told.
        """
        ...


@dataclass(frozen=True, slots=True)
class Meeting:
    """An online meeting to be made.

    Attributes:
        key: the same for every attempt.
    """

    key: str
    topic: str
    start: Instant
    end: Instant
    zone: str
    host_email: str


@dataclass(frozen=True, slots=True)
class Conference:
    """Where people meet online.

    Attributes:
        remote_id: the provider's name for it; None: it keeps nothing.
        number: the meeting's number, where it has one (Zoom).
    """

    link: str
    remote_id: str | None = None
    number: int | None = None


class ConferenceProvider(Protocol):
    """Who makes rooms to meet in online."""

    @property
    def lacking(self) -> Sequence[str]:
        """Name the settings without which it cannot be used; none: it can."""
        ...

    async def put(self, meeting: Meeting, known: Conference | None) -> Conference:
        """Make a room, or have the known one follow the meeting's time.

        Raises:
            Upstream: it could not be made now.
        """
        ...

    async def delete(self, meeting: Meeting, known: Conference | None) -> None:
        """Give a room up; one that is gone is fine.

        Args:
            known: None: whether it was ever made was answered to nobody.

        Raises:
            Upstream: try again later.
        """
        ...
