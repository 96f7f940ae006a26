"""E-mails as bytes: headers, text and HTML of one letter to one reader (RFC 5322).

They are put together from Python's older e-mail classes: `EmailMessage` parses what it has just written, several times,
which was a third of all that a worker did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from email.charset import QP, Charset
from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import Environment, Template
from mjml import mjml2html
from whenever import Instant

from kalends.domain.untrusted import in_order
from kalends.ports import OutgoingMail

from .letters import Letter

# Our Message-IDs are longer than the usual 78 characters, and folding would break them (RFC 5322 2.1.1 allows 998).
_WIDE = compat32.clone(linesep="\r\n", max_line_length=500)
_READABLE = Charset("utf-8")
_READABLE.body_encoding = QP


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


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that is being written.

    Attributes:
        alternatives: the same in several forms, the best one last.
    """

    headers: dict[str, str]
    alternatives: list[MIMENonMultipart]
    files: list[MIMEApplication] = field(default_factory=list)


def message(
    office: Office,
    letter: Letter,
    *,
    to: tuple[str, str],
    answers: tuple[str, str] | None,
    message_id: str,
    at: Instant,
    references: str | None = None,
) -> Mail:
    """Write a letter as an e-mail in text and HTML.

    Args:
        to, answers: name and address of who gets it, and of whom an answer goes to.
        at: when what it tells came to be; equal for every attempt.
        references: Message-ID of the mail it follows.
    """
    headers = {"From": _mailbox(letter.company, office.sender), "To": _mailbox(*to)}
    if answers:
        headers["Reply-To"] = _mailbox(*answers)
    headers["Subject"] = _words(_line(letter.subject))
    headers["Message-ID"] = message_id
    if references:
        headers["References"] = references
    headers["Date"] = format_datetime(at.to_stdlib())
    headers["Auto-Submitted"] = "auto-generated"
    values = {field.name: getattr(letter, field.name) for field in fields(letter)} | {"paragraphs": letter.paragraphs}
    text, html = _templates()
    forms = [_readable(text.render(values), "plain"), _readable(html.render(values), "html")]
    return Mail(headers, forms)


def attach_calendar(mail: Mail, method: str, ics: str, files: Mapping[str, str] | None = None) -> None:
    """Add the iCalendar part, which programs that know calendars choose because it comes last, and its file.

    Args:
        files: to be attached instead, by their names.
    """
    part = MIMEText(ics, "calendar", "utf-8")
    part.set_param("method", method)
    mail.alternatives.append(part)
    for name, content in (files or {"cancel.ics" if method == "CANCEL" else "invite.ics": ics}).items():
        file = MIMEApplication(content.encode(), "ics")
        file.add_header("Content-Disposition", "attachment", filename=name)
        mail.files.append(file)


def outgoing(office: Office, mail: Mail, recipient: str) -> OutgoingMail:
    """Make a mail ready to leave; the same mail is the same bytes."""
    message_id = mail.headers["Message-ID"]
    # "=_" stands in no text that is quoted-printable or base64; none begins with the other, for some who read compare
    # the beginning of a line only (RFC 2046 5.1.1).
    boundary = f"=_{sha256(message_id.encode()).hexdigest()[:32]}"
    whole = MIMEMultipart("alternative", f"{boundary}_a", mail.alternatives)
    if mail.files:
        whole = MIMEMultipart("mixed", f"{boundary}_m", [whole, *mail.files])
    for name, value in mail.headers.items():
        whole[name] = value
    return OutgoingMail(
        sender=office.sender, recipient=recipient, message_id=message_id, content=whole.as_bytes(policy=_WIDE)
    )


def _readable(text: str, subtype: str) -> MIMENonMultipart:
    """Write a part as quoted-printable, which people can read in the source of a mail."""
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    part.set_payload(text, _READABLE)
    return part


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


def _mailbox(name: str, address: str) -> str:
    """Write ``Name <address>``; all addresses are ASCII."""
    name = _line(name)
    return formataddr((name, address)) if _is_plain(name) else f"{_words(name)} <{address}>"


def _words(text: str) -> str:
    """Write a header's text, in encoded words on lines of their own where it needs them (RFC 2047 2)."""
    return text if _is_plain(text) else Header(text, "utf-8", maxlinelen=75, header_name="Reply-To").encode()


def _is_plain(text: str) -> bool:
    """Tell whether a text reads as it is written; one that looks like encoded words would be read as what they say."""
    return text.isascii() and "=?" not in text


def _line(text: str) -> str:
    """Make one line without control characters, which no header may hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
