"""Quick mails: what a host writes to one attendee, and its way there (contract 2.8)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends import languages
from kalends.domain import retry
from kalends.domain.untrusted import plain_name
from kalends.errors import Invalid, LimitReached, NotFound, Upstream
from kalends.ports import MailUnanswered, OutgoingMail
from kalends.storage import guest_mails, quick_mails
from kalends.storage.database import Connection
from kalends.storage.guest_mails import Permit
from kalends.storage.quick_mails import QuickMail

from . import appointments, messages, rights
from .actor import Actor
from .letters import Letter
from .messages import Office

MOST, WITHIN_MINUTES = 5, 5  # of each user


@dataclass(frozen=True, slots=True)
class Owed:
    """A quick mail to be sent now."""

    row: QuickMail
    email: str
    permit: Permit

    def mail(self, office: Office) -> OutgoingMail:
        """Write it as plain text, answered to who wrote it; the same Message-ID every time."""
        row, t = self.row, languages.translator(self.row.language)
        letter = Letter(
            language=languages.spoken(row.language),
            subject=row.title,
            company=row.company_name,
            heading=row.title,
            intro=t("{name} writes to you:", name=row.sender_name),
            preview=row.content[:100],
            facts=(),
            link="",
            link_text="",
            footer=t("You receive this mail because of a booking with {company}.", company=row.company_name),
            body=row.content,
        )
        mail = messages.message(
            office,
            letter,
            to=(plain_name(row.full_name), self.email),
            answers=(row.sender_name, row.sender_email),
            message_id=office.message_id(row.attendee_id, "quick", row.id),
            at=row.created_at,
        )
        return messages.outgoing(office, mail, self.email)


async def write(conn: Connection, *, actor: Actor, attendee_id: UUID, title: str, content: str, now: Instant) -> None:
    """Write to an attendee of an appointment the actor hosts, or as an administrator to any; a job sends it.

    Locks the acting user, so that he cannot write more at once than one after the other.

    Raises:
        NotFound: no such attendee for the actor.
        Invalid: the attendee has no e-mail address.
        LimitReached: the user wrote five within five minutes.
    """
    found = await quick_mails.addressee(conn, actor.company_id, attendee_id)
    if found is None:
        raise NotFound("Attendee not found")
    appointment_id, email = found
    try:
        await appointments.get(conn, actor=actor, appointment_id=appointment_id)
    except NotFound:
        raise NotFound("Attendee not found") from None
    if not email:
        raise Invalid.at("attendeeId", "has no e-mail address")
    sender = await rights.acting_user(conn, actor, lock="change")
    written = await quick_mails.written_since(conn, actor.company_id, sender.id, now.subtract(minutes=WITHIN_MINUTES))
    if len(written) >= MOST:
        free = written[-MOST].add(minutes=WITHIN_MINUTES)
        raise LimitReached(retry_after_s=max(1, -int(-(free - now).total("seconds") // 1)))
    await quick_mails.add(
        conn,
        company_id=actor.company_id,
        attendee_id=attendee_id,
        sender_id=sender.id,
        title=title,
        content=content,
        now=now,
    )


async def owed(conn: Connection, *, quick_mail_id: int, now: Instant) -> Owed | None:
    """Find a quick mail that is still to be sent; it waits while its address got five mails within the hour."""
    row = await quick_mails.get(conn, quick_mail_id)
    if row is None or row.done_at or not row.email:
        return None
    permit = await guest_mails.take(conn, row.email, client=None, now=now)
    if isinstance(permit, Instant):
        await quick_mails.put_off(conn, row.id, until=permit, failures=row.failures)
        return None
    return Owed(row, row.email, permit)


async def sent(conn: Connection, owed: Owed, *, now: Instant) -> None:
    """Note that it left."""
    await quick_mails.finish(conn, owed.row.id, "sent", now)


async def refused(conn: Connection, owed: Owed, *, now: Instant) -> None:
    """Note that the recipient's server refuses it for good."""
    await quick_mails.finish(conn, owed.row.id, "refused", now)


async def failed(conn: Connection, owed: Owed, failure: Upstream, *, now: Instant) -> bool:
    """Put it off where it could not leave, or may not have; False: it has failed too often and is given up."""
    if not isinstance(failure, MailUnanswered):
        await guest_mails.give_back(conn, owed.permit)
    failures = owed.row.failures + 1
    delay = retry.mail_delay(failures)
    if delay is None:
        await quick_mails.finish(conn, owed.row.id, "given-up", now)
        return False
    await quick_mails.put_off(conn, owed.row.id, until=now.add(seconds=delay), failures=failures)
    return True
