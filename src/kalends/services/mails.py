"""Mails of appointments as bytes: text, HTML and the iCalendar part that mail programs act on (RFC 6047)."""

from __future__ import annotations

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

from kalends.domain import itip
from kalends.domain.itip import Snapshot, Wording
from kalends.domain.telling import News
from kalends.ports import OutgoingMail

from . import invitations, letters, readers
from .letters import Letter
from .readers import Reader

# Our Message-IDs are longer than the usual 78 characters, and folding would break them (RFC 5322 2.1.1 allows 998).
_WIDE = SMTP.clone(max_line_length=500)


@dataclass(frozen=True, slots=True)
class Errand:
    """One mail to be written: what a recipient is owed, and everything said in it.

    Attributes:
        revision: the newest one, which he knows afterwards; `at` is when it came to be.
        told_revision: the one he was told of before, with the snapshot `told`; None: he knows nothing yet.
        secret: opens a guest's own page; None for hosts.
    """

    news: News
    recipient_id: str
    revision: int
    newest: Snapshot
    at: Instant
    told_revision: int | None
    told: Snapshot | None
    secret: str | None


def write(errand: Errand, *, base_url: str, mail_from: str) -> OutgoingMail:
    """Write the mail of an errand; the same errand always makes a mail with the same Message-ID.

    Args:
        base_url: address of this server, without a slash at the end.
        mail_from: ``Name <address>``; the company's name stands in for the name.
    """
    snapshot = errand.newest
    to = readers.reader(snapshot, errand.recipient_id) or readers.reader(errand.told or snapshot, errand.recipient_id)
    assert to is not None, "who is owed a mail stands in one of the two snapshots"
    link = invitations.page_link(base_url, snapshot["id"], errand.secret) if errand.secret else None
    wording = invitations.wording(snapshot, to, link)
    letter = letters.letter(errand.news, snapshot, errand.told, to, summary=wording.summary, link=link)
    sender = parseaddr(mail_from)[1]

    message = EmailMessage(policy=SMTP)
    _address(message, letter, to, sender, snapshot)
    domain = urlsplit(base_url).hostname or "localhost"
    message["Message-ID"] = message_id(snapshot["id"], errand.revision, to.id, domain)
    if errand.told_revision is not None:
        message["References"] = message_id(snapshot["id"], errand.told_revision, to.id, domain)
    message["Date"] = format_datetime(errand.at.to_stdlib())
    message["Auto-Submitted"] = "auto-generated"
    _fill(message, letter, *_calendar(errand, to, wording, sender))
    return OutgoingMail(
        sender=sender, recipient=to.email, message_id=str(message["Message-ID"]), content=message.as_bytes(policy=_WIDE)
    )


def message_id(appointment_id: str, revision: int, recipient_id: str, domain: str) -> str:
    """Name a mail: the same appointment, revision and recipient have the same name, whatever goes wrong between."""
    host = f"[{domain}]" if ":" in domain else domain
    return f"<{appointment_id}.{revision}.{recipient_id}@{host}>"


def _address(message: EmailMessage, letter: Letter, to: Reader, sender: str, snapshot: Snapshot) -> None:
    message["From"] = _mailbox(letter.company, sender)
    message["To"] = _mailbox(to.name, to.email)
    if to.is_host:
        guests = readers.live_guests(snapshot)
        answers = next(((guest.get("fullname"), guest["email"]) for guest in guests if guest.get("email")), None)
    else:
        main = snapshot["hosts"][0]
        answers = (readers.host_name(main), main["email"])
    if answers:
        message["Reply-To"] = _mailbox(answers[0] or "", answers[1])
    message["Subject"] = _line(letter.subject)


def _calendar(errand: Errand, to: Reader, wording: Wording, sender: str) -> tuple[str, str]:
    """Write the iCalendar part; answers its method and text.

    Hosts see all guests, a guest sees the hosts and himself.
    """
    snapshot, stamp = errand.newest, errand.at
    myself = to.person if to.is_host else {**to.person, "fullname": to.name}
    if errand.news == "cancellation" and not snapshot["isCancelled"]:  # only he is taken off
        hosts, guests = ([myself], []) if to.is_host else ([], [myself])
        ics = itip.cancel(snapshot, wording, stamp=stamp, hosts=hosts, attendees=guests, sent_by=sender)
        return "CANCEL", ics
    attendees = readers.live_guests(snapshot) if to.is_host else [myself]
    if errand.news == "cancellation":
        return "CANCEL", itip.cancel(snapshot, wording, stamp=stamp, attendees=attendees, sent_by=sender)
    return "REQUEST", itip.request(snapshot, wording, stamp=stamp, attendees=attendees, sent_by=sender)


def _fill(message: EmailMessage, letter: Letter, method: str, ics: str) -> None:
    values = {field.name: getattr(letter, field.name) for field in fields(letter)}
    text, html = _templates()
    message.set_content(text.render(values), cte="quoted-printable")
    message.add_alternative(html.render(values), subtype="html", cte="quoted-printable")
    # The last alternative is the one programs that know calendars choose.
    message.add_alternative(ics, subtype="calendar", params={"method": method}, cte="base64")
    message.add_attachment(
        ics.encode(),
        maintype="application",
        subtype="ics",
        filename="cancel.ics" if method == "CANCEL" else "invite.ics",
    )


@lru_cache(maxsize=1)
def _templates() -> tuple[Template, Template]:
    """Prepare text and HTML; MJML is laid out once, the values are filled into the HTML it makes."""
    folder = files("kalends.services").joinpath("mail_templates")
    plain = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
    text = plain.from_string(folder.joinpath("mail.txt").read_text("utf-8"))
    html = Environment(autoescape=True).from_string(mjml2html(folder.joinpath("mail.mjml").read_text("utf-8")))
    return text, html


def _mailbox(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=_line(name), username=local, domain=domain)


def _line(text: str) -> str:
    """Make one line without control characters, which no header may hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
