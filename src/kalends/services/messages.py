"""E-mails as bytes: headers, text and HTML of one letter to one reader (RFC 5322)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import Environment, Template
from mjml import mjml2html
from whenever import Instant

from kalends.domain.untrusted import in_order
from kalends.ports import OutgoingMail

from .letters import Letter

# Our Message-IDs are longer than the usual 78 characters, and folding would break them (RFC 5322 2.1.1 allows 998).
_WIDE = SMTP.clone(max_line_length=500)


@dataclass(frozen=True, slots=True)
class Office:
    """Where mails come from.

    Attributes:
        base_url: address of this server, without a slash at the end.
        mail_from: ``Name <address>``; the company's name stands in for the name.
    """

    base_url: str
    mail_from: str

    @property
    def sender(self) -> str:
        """The bare address."""
        return parseaddr(self.mail_from)[1]

    def message_id(self, *parts: object) -> str:
        """Name a mail: the same parts make the same name, whatever goes wrong between."""
        domain = urlsplit(self.base_url).hostname or "localhost"
        host = f"[{domain}]" if ":" in domain else domain
        return f"<{'.'.join(map(str, parts))}@{host}>"


def message(
    office: Office,
    letter: Letter,
    *,
    to: tuple[str, str],
    answers: tuple[str, str] | None,
    message_id: str,
    at: Instant,
    references: str | None = None,
) -> EmailMessage:
    """Write a letter as an e-mail in text and HTML.

    Args:
        to, answers: name and address of who gets it, and of whom an answer goes to.
        at: when what it tells came to be; equal for every attempt.
        references: Message-ID of the mail it follows.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _mailbox(letter.company, office.sender)
    mail["To"] = _mailbox(*to)
    if answers:
        mail["Reply-To"] = _mailbox(*answers)
    mail["Subject"] = _line(letter.subject)
    mail["Message-ID"] = message_id
    if references:
        mail["References"] = references
    mail["Date"] = format_datetime(at.to_stdlib())
    mail["Auto-Submitted"] = "auto-generated"
    values = {field.name: getattr(letter, field.name) for field in fields(letter)} | {"paragraphs": letter.paragraphs}
    text, html = _templates()
    mail.set_content(text.render(values), cte="quoted-printable")
    mail.add_alternative(html.render(values), subtype="html", cte="quoted-printable")
    return mail


def attach_calendar(mail: EmailMessage, method: str, ics: str, files: Mapping[str, str] | None = None) -> None:
    """Add the iCalendar part, which programs that know calendars choose because it comes last, and its file.

    Args:
        files: to be attached instead, by their names.
    """
    mail.add_alternative(ics, subtype="calendar", params={"method": method}, cte="base64")
    for name, content in (files or {"cancel.ics" if method == "CANCEL" else "invite.ics": ics}).items():
        mail.add_attachment(content.encode(), maintype="application", subtype="ics", filename=name)


def outgoing(office: Office, mail: EmailMessage, recipient: str) -> OutgoingMail:
    """Make a mail ready to leave."""
    return OutgoingMail(
        sender=office.sender,
        recipient=recipient,
        message_id=str(mail["Message-ID"]),
        content=mail.as_bytes(policy=_WIDE),
    )


@lru_cache(maxsize=1)
def _templates() -> tuple[Template, Template]:
    """Prepare text and HTML; MJML is laid out once, the values are filled into the HTML it makes."""
    folder = files("kalends.services").joinpath("mail_templates")
    plain = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True, finalize=_shown)
    text = plain.from_string(folder.joinpath("mail.txt").read_text("utf-8"))
    html = Environment(autoescape=True, finalize=_shown).from_string(
        mjml2html(folder.joinpath("mail.mjml").read_text("utf-8"))
    )
    return text, html


def _shown(value: object) -> object:
    return in_order(value) if isinstance(value, str) else value


def _mailbox(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=_line(name), username=local, domain=domain)


def _line(text: str) -> str:
    """Make one line without control characters, which no header may hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
