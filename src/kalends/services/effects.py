"""What an event brings about: one mail to consider for each host and guest (design section 5).

A mail about an appointment tells its recipient the difference between what he was last told and the newest revision;
one about a provisional booking says what its event did, while that is so. Nothing here waits for a network: jobs load
an errand, send the mail, and note what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.domain import provisional, retry, telling
from kalends.ports import OutgoingMail
from kalends.storage import attendees, effects, events, guest_mails, provisional_bookings, told
from kalends.storage.database import Connection
from kalends.storage.effects import Effect
from kalends.storage.events import Change
from kalends.storage.guest_mails import Permit

from . import mails, provisional_mails
from .mails import Errand
from .messages import Office
from .provisional_mails import Request


@dataclass(frozen=True, slots=True)
class Owed:
    """A mail to be sent now, and what has to be noted afterwards."""

    effect: Effect
    errand: Errand | Request
    permit: Permit | None

    def mail(self, office: Office) -> OutgoingMail:
        """Write it; the same errand always makes a mail with the same Message-ID."""
        if isinstance(self.errand, Request):
            return provisional_mails.write(self.errand, office)
        return mails.write(self.errand, office)


async def happened(conn: Connection, *, event_id: int) -> None:
    """Write what an event brings about, in the caller's transaction; safe to run twice."""
    change = await events.change(conn, event_id)
    if change.appointment_id:
        targets = [] if change.after["skipNotifications"] else _concerned(change)
        await effects.add_mails(
            conn,
            company_id=change.company_id,
            event_id=event_id,
            kind="mail",
            subject=change.appointment_id,
            targets=targets,
        )
    elif change.provisional_id:
        await effects.add_mails(
            conn,
            company_id=change.company_id,
            event_id=event_id,
            kind="provisional-mail",
            subject=change.provisional_id,
            targets=_asked(change, change.provisional_id),
        )


async def owed(conn: Connection, *, effect_id: int, now: Instant) -> Owed | None:
    """Find the mail an effect stands for; None: nothing is to be sent now, and that is noted.

    A mail to a guest waits while his address got five within the hour, or a guest's client brought about twenty;
    hosts are told at once.
    """
    effect = await effects.get(conn, effect_id)
    if effect is None or effect.done_at:
        return None
    about = _request(conn, effect, now) if effect.kind == "provisional-mail" else _errand(conn, effect)
    errand = await about
    if errand is None or not errand.to.email:
        await effects.finish(conn, effect.id, "nothing-new", now)
        return None
    to = errand.to
    permit = None if to.is_host else await guest_mails.take(conn, to.email, client=effect.client, now=now)
    if isinstance(permit, Instant):
        await effects.put_off(conn, effect.id, until=permit, failures=effect.failures)
        return None
    return Owed(effect, errand, permit)


async def sent(conn: Connection, owed: Owed, *, now: Instant) -> None:
    """Note that a mail left: its recipient now knows the revision it told."""
    effect = owed.effect
    if isinstance(owed.errand, Errand):
        await told.record(
            conn,
            company_id=effect.company_id,
            appointment_id=effect.subject,
            recipient_id=effect.target,
            revision=owed.errand.revision,
        )
    await effects.finish(conn, effect.id, "sent", now)


async def refused(conn: Connection, owed: Owed, *, now: Instant) -> None:
    """Note that the recipient's server refuses the mail for good."""
    await effects.finish(conn, owed.effect.id, "refused", now)


async def failed(conn: Connection, owed: Owed, *, now: Instant) -> bool:
    """Put a mail off that could not leave; False: it has failed too often and is given up."""
    if owed.permit:
        await guest_mails.give_back(conn, owed.permit)
    failures = owed.effect.failures + 1
    delay = retry.mail_delay(failures)
    if delay is None:
        await effects.finish(conn, owed.effect.id, "given-up", now)
        return False
    await effects.put_off(conn, owed.effect.id, until=now.add(seconds=delay), failures=failures)
    return True


async def _errand(conn: Connection, effect: Effect) -> Errand | None:
    """Find what somebody is to be told about an appointment; None: nothing is new for him."""
    newest = await events.newest(conn, effect.company_id, effect.subject)
    known = await told.last_told(conn, effect.company_id, effect.subject, effect.target)
    recipient, before = str(effect.target), known.snapshot if known else None
    news = None if newest.snapshot["skipNotifications"] else telling.news(before, newest.snapshot, recipient)
    if news is None:
        return None
    moved = newest.snapshot["sequence"] > 0  # before that nobody can have handed it over
    return Errand(
        news,
        recipient,
        newest.number,
        newest.snapshot,
        newest.at,
        known.number if known else None,
        before,
        await attendees.secret(conn, effect.company_id, effect.target),
        await events.first_main_host(conn, effect.company_id, effect.subject) if moved else None,
    )


async def _request(conn: Connection, effect: Effect, now: Instant) -> Request | None:
    """Find what somebody is to be told about a provisional booking; None: it is not so any more."""
    change = await events.change(conn, effect.event_id)
    to_guest = effect.target == effect.subject
    news = provisional.news(change.kind, change.before, change.after, to_guest=to_guest)
    newest = (await events.newest_of_provisional(conn, effect.company_id, effect.subject)).snapshot
    booking = await provisional_bookings.get(conn, effect.company_id, effect.subject)
    if news is None or booking is None or not provisional.still(news, newest, now):
        return None
    secret = booking.guest_secret if to_guest else booking.host_secret_of(effect.target)
    return Request(news, str(effect.target), newest, change.at, secret)


def _concerned(change: Change) -> list[UUID]:
    """List who might have to be told of a change: all hosts, and the guests it concerns who have an address."""
    before, after = change.before, change.after
    people = [person for one in (after, before or {}) for person in one.get("hosts", ())]
    people += [guest for one in (after, before or {}) for guest in one.get("attendees", ()) if guest.get("email")]
    hosts = {host["id"] for host in after["hosts"]}
    return [
        UUID(one)
        for one in dict.fromkeys(person["id"] for person in people)
        # In a group each joins and leaves alone: without this, everybody else had a job to find that nothing is new.
        if one in hosts or telling.news(before, after, one)
    ]


def _asked(change: Change, provisional_id: UUID) -> list[UUID]:
    """List who has to be told of a provisional booking's change."""
    guest = [provisional_id] if change.after["attendees"][0].get("email") else []
    found = [(UUID(host["id"]), False) for host in change.after["hosts"]] + [(one, True) for one in guest]
    return [
        target
        for target, to_guest in found
        if provisional.news(change.kind, change.before, change.after, to_guest=to_guest)
    ]
