"""Mails of appointments as bytes: a letter and the iCalendar part that mail programs act on (RFC 6047)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whenever import Instant

from kalends.domain import itip
from kalends.domain.itip import Snapshot, Wording
from kalends.domain.telling import News
from kalends.ports import OutgoingMail

from . import invitations, letters, messages, readers
from .messages import Office
from .readers import Reader


@dataclass(frozen=True, slots=True)
class Errand:
    """One mail to be written: what a recipient is owed, and everything said in it.

    Attributes:
        revision: the newest one, which he knows afterwards; `at` is when it came to be.
        told_revision: the one he was told of before, with the snapshot `told`; None: he knows nothing yet.
        secret: opens a guest's own page; None for hosts.
        organizer: the host all calendars know as such, whoever hosts now; None: the main host.
        link_follows: the link to meet at is not made yet.
        tried_before: a mail left, or did not, of which nobody knows what became.
        in_calendar: we write it into the recipient's calendar ourselves. His mail carries no invitation then: the
            mailbox would put it beside the entry, or into another calendar of his.
    """

    news: News
    recipient_id: str
    revision: int
    newest: Snapshot
    at: Instant
    told_revision: int | None
    told: Snapshot | None
    secret: str | None
    organizer: Mapping[str, Any] | None = None
    link_follows: bool = False
    in_calendar: bool = False
    tried_before: bool = False

    @property
    def to(self) -> Reader:
        """Whom it goes to, as he stands in the newest snapshot, else in the one he knows."""
        told = self.told or self.newest
        found = readers.reader(self.newest, self.recipient_id) or readers.reader(told, self.recipient_id)
        assert found is not None, "who is owed a mail stands in one of the two snapshots"
        return found

    @property
    def stays(self) -> bool:
        """Whether he who is taken off still comes, by another seat with the same address.

        His mail carries no calendar file then: calendars know an event by its UID, and would drop both seats.
        """
        if self.news != "cancellation" or self.newest["isCancelled"]:
            return False
        guests = [one for one in self.newest["attendees"] if not one.get("isCancelled")]
        others = [one for one in (*self.newest["hosts"], *guests) if one["id"] != self.recipient_id]
        return self.to.email.lower() in {(one.get("email") or "").lower() for one in others}

    def page_link(self, base_url: str) -> str | None:
        """Build the address of a guest's own page; None for hosts."""
        return invitations.page_link(base_url, self.newest["id"], self.secret) if self.secret else None


def write(errand: Errand, office: Office) -> OutgoingMail:
    """Write the mail of an errand; the same errand always makes a mail with the same Message-ID."""
    snapshot, to, told = errand.newest, errand.to, errand.told_revision
    link = errand.page_link(office.base_url)
    wording = invitations.wording(snapshot, to, link)
    message = messages.message(
        office,
        letters.letter(
            errand.news,
            snapshot,
            errand.told,
            to,
            summary=wording.summary,
            link=link,
            link_follows=errand.link_follows,
        ),
        to=(to.name, to.email),
        answers=readers.answers(snapshot, to),
        message_id=office.message_id(snapshot["id"], errand.revision, to.id),
        references=None if told is None else office.message_id(snapshot["id"], told, to.id),
        at=errand.at,
    )
    if not (errand.in_calendar or errand.stays):
        messages.attach_calendar(message, *calendar_part(errand, wording, office.sender))
    return messages.outgoing(office, message, to.email)


def calendar_part(errand: Errand, wording: Wording, sender: str) -> tuple[str, str]:
    """Write the iCalendar part; answers its method and text.

    Hosts see all guests, a guest sees the hosts and himself.
    """
    snapshot, to = errand.newest, errand.to
    sent = itip.Sent(errand.at, sender, errand.organizer or snapshot["hosts"][0])
    myself = to.person if to.is_host else {**to.person, "fullname": to.name}
    if errand.news == "cancellation" and not snapshot["isCancelled"]:  # only he is taken off
        hosts, guests = ([myself], []) if to.is_host else ([], [myself])
        return "CANCEL", itip.cancel(snapshot, wording, sent, hosts=hosts, attendees=guests)
    attendees = readers.live_guests(snapshot) if to.is_host else [myself]
    if errand.news == "cancellation":
        return "CANCEL", itip.cancel(snapshot, wording, sent, attendees=attendees)
    return "REQUEST", itip.request(snapshot, wording, sent, attendees=attendees)
