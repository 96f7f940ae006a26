"""Mails of provisional bookings: one letter for each thing its guest or hosts are told (contract 2.6).

A guest's address has not proved itself, so of what he wrote his mails carry no more than his name (design section 6).
"""

from __future__ import annotations

from dataclasses import dataclass

from whenever import Instant

from kalends import languages
from kalends.domain.itip import Snapshot
from kalends.domain.provisional import News
from kalends.ports import OutgoingMail

from . import letters, messages, readers
from .letters import Fact, Letter
from .messages import Office
from .readers import Reader


@dataclass(frozen=True, slots=True)
class Request:
    """One mail to be written about a provisional booking.

    Attributes:
        recipient_id: a host's, or the booking's own id for its guest.
        newest: its newest snapshot.
        at: when what it tells came to be.
        secret: opens the recipient's page.
    """

    news: News
    recipient_id: str
    newest: Snapshot
    at: Instant
    secret: str

    @property
    def to(self) -> Reader:
        """Whom it goes to."""
        found = readers.reader(self.newest, self.recipient_id)
        assert found is not None, "hosts and guest of a provisional booking stay"
        return found


def write(request: Request, office: Office) -> OutgoingMail:
    """Write the mail; each thing is told a recipient once, so it names the mail."""
    snapshot, to = request.newest, request.to
    mail = messages.message(
        office,
        letter(request.news, snapshot, to, link=_page_link(office.base_url, snapshot["id"], request.secret)),
        to=(to.name, to.email),
        answers=readers.answers(snapshot, to),
        message_id=office.message_id(snapshot["id"], request.news, to.id),
        at=request.at,
    )
    return messages.outgoing(office, mail, to.email)


def _page_link(base_url: str, provisional_id: str, secret: str) -> str:
    """Build the address of the page on which a guest proves himself, or a host decides."""
    return f"{base_url.rstrip('/')}/p/{provisional_id}/{secret}"


def letter(news: News, snapshot: Snapshot, to: Reader, *, link: str) -> Letter:
    """Write the letter for one reader; `link` opens his page."""
    heading, meeting = _heading(news, to), readers.meeting_name(snapshot)
    return Letter(
        language=languages.spoken(to.language),
        subject=f"{heading}: {meeting}" if meeting else heading,
        company=snapshot.get("companyName") or "",
        heading=heading,
        intro=_intro(news, snapshot, to),
        preview=letters.when(snapshot, to),
        facts=tuple(fact for fact in _facts(news, snapshot, to) if fact.value),
        link=link if news in ("opt-in", "received", "approve") else "",
        link_text=_link_text(news, snapshot, to),
        footer=_footer(news, snapshot, to),
    )


def _heading(news: News, to: Reader) -> str:
    t = to.t
    return {
        "opt-in": t("Please confirm your booking"),
        "received": t("Your request was received"),
        "approve": t("A booking waits for you"),
        "declined": t("Your booking was declined"),
        "expired": t("Your request has expired"),
    }[news]


def _intro(news: News, snapshot: Snapshot, to: Reader) -> str:
    t, people = to.t, readers.people(snapshot, to)
    if news == "approve":
        return t("{people} would like to meet you. Approve or decline it on this page.", people=people or t("A guest"))
    hello = t("Hello {name},", name=to.name) if to.name else t("Hello,")
    return (
        f"{hello} "
        + {
            "opt-in": t("one step is left for your meeting with {people}: confirm that you booked it.", people=people),
            "received": t("{people} will look at it, and you will hear from us.", people=people),
            "declined": t("your meeting with {people} does not take place.", people=people),
            "expired": t(
                "nobody confirmed your meeting with {people} in time. Please book another one.", people=people
            ),
        }[news]
        + _rest(news, snapshot, to)
    )


def _rest(news: News, snapshot: Snapshot, to: Reader) -> str:
    if news == "opt-in" and snapshot["thenHost"]:
        return " " + to.t("Then they decide about it.")
    if news == "received" and not snapshot["provedAt"]:
        return " " + to.t("Please confirm first that this is your address, or your request will soon expire.")
    return ""


def _facts(news: News, snapshot: Snapshot, to: Reader) -> list[Fact]:
    t, gone = to.t, news in ("declined", "expired")
    facts = [
        Fact(t("What"), readers.meeting_name(snapshot)),
        Fact(t("When"), letters.when(snapshot, to), gone=gone),
        Fact(t("Where"), readers.venue(snapshot, to) or readers.meeting_link(snapshot)),
    ]
    facts += letters.guests(snapshot, to) if to.is_host else [Fact(t("With"), readers.people(snapshot, to))]
    if not gone:
        expires = Instant.parse_iso(snapshot["expiresAt"])
        facts.append(Fact(t("Kept until"), languages.day_and_time(expires, to.zone, to.language)))
    if news == "declined":
        facts.append(Fact(t("Reason"), snapshot["reason"] or ""))
    return facts


def _link_text(news: News, snapshot: Snapshot, to: Reader) -> str:
    if news == "opt-in":
        return to.t("Confirm your booking")
    if news == "approve":
        return to.t("Approve or decline")
    return to.t("View your request") if snapshot["provedAt"] else to.t("Confirm your address")


def _footer(news: News, snapshot: Snapshot, to: Reader) -> str:
    words = letters.footer(snapshot, to)
    if news in ("opt-in", "received") and not snapshot["provedAt"]:
        return f"{words} {to.t('If you did not book anything, you need not do anything.')}".strip()
    return words
