"""A mail server spoken to over SMTP, with TLS whose certificates are verified."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from kalends.errors import Upstream
from kalends.ports import MailRefused, MailUnanswered, OutgoingMail

TIMEOUT_S = 20  # for each answer of the server
TOTAL_TIMEOUT_S = 60  # for the whole mail


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """A Mailer that hands each mail to one server, on a connection of its own.

    Attributes:
        tls: "always" from the first byte, "starttls" required, "offered" (used where the server offers it).
    """

    host: str
    port: int
    tls: str
    user: str | None = None
    password: str | None = None

    @classmethod
    def from_url(cls, url: str) -> SmtpMailer:
        """Read ``smtp://``, ``smtp+starttls://`` or ``smtps://[user:password@]host[:port]``.

        ``smtp://`` uses TLS where the server offers it; with a password it insists, unless the server is this machine.
        Without a port: 465 for smtps, 587 where TLS or a password is asked for, else 25.

        Raises:
            ValueError: another scheme, no host, or a port that is no number.
        """
        parts = urlsplit(url)
        modes = {"smtp": "offered", "smtp+starttls": "starttls", "smtps": "always"}
        if parts.scheme not in modes or not parts.hostname:
            raise ValueError("expected smtp://, smtp+starttls:// or smtps://, then a host")
        tls = modes[parts.scheme]
        user = unquote(parts.username) if parts.username else None
        if tls == "offered" and user and not _is_this_machine(parts.hostname):
            tls = "starttls"
        port = parts.port or (465 if tls == "always" else 587 if tls == "starttls" else 25)
        return cls(parts.hostname, port, tls, user, unquote(parts.password) if parts.password else None)

    async def send(self, mail: OutgoingMail) -> None:
        """Hand one mail over.

        Raises:
            Upstream: the server could not be reached, put us off, or refuses us as a sender.
            MailUnanswered: it fell silent, and may have taken the mail.
            MailRefused: the server refuses the recipient or the mail itself for good (5xx).
        """
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_S):
                await aiosmtplib.send(
                    mail.content,
                    sender=mail.sender,
                    recipients=[mail.recipient],
                    hostname=self.host,
                    port=self.port,
                    username=self.user,
                    password=self.password,
                    use_tls=self.tls == "always",
                    start_tls={"always": False, "starttls": True, "offered": None}[self.tls],
                    timeout=TIMEOUT_S,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _judged(error.recipients[0]) from error
        except aiosmtplib.SMTPDataError as error:
            raise _judged(error) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # The sender or our password refused is the operator's to mend: the mail must outlast it.
            kind = MailUnanswered if _is_silence(error) else Upstream
            raise kind(f"mail server {self.host}:{self.port}: {type(error).__name__}: {error}") from error


def _judged(error: aiosmtplib.SMTPResponseException) -> Upstream:
    """Tell "never" (5xx, RFC 5321 4.2.1) from "not now"."""
    kind = MailRefused if 500 <= error.code < 600 else Upstream
    return kind(f"mail server answered {error.code}")


def _is_silence(error: Exception) -> bool:
    """Tell whether a server that let us in went away without an answer, whatever it was asked last."""
    return isinstance(error, ConnectionError | TimeoutError) and not isinstance(error, aiosmtplib.SMTPConnectError)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
