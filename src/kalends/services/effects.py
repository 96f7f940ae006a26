"""What an event brings about: one mail to consider for each host and guest (design section 5).

A mail about appointments tells its recipient the difference between what he was last told and the newest revisions;
what one request did to several dates of a series is one mail. One about a provisional booking says what its event did,
while that is so. Nothing here waits for a network: jobs load errands, send the mail, and note what became of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.domain import provisional, retry, telling
from kalends.errors import Upstream
from kalends.ports import MailUnanswered, OutgoingMail
from kalends.storage import effects, events, guest_mails, told
from kalends.storage.database import Connection
from kalends.storage.effects import Effect, Part
from kalends.storage.events import Change
from kalends.storage.guest_mails import Permit
from kalends.storage.told import Telling

from . import calendar_entries, calendar_mails, conferences, errands, mails, provisional_mails, series_mails
from .calendar_mails import Notice
from .mails import Errand
from .messages import Office
from .provisional_mails import Request

GATHERED_S = 30  # so long a mail waits for the rest of what one reading of a calendar finds
BEHIND_S = 5  # so long a mail steps back for one on its way that tells of the same


@dataclass(frozen=True, slots=True)
class Owed:
    """A mail to be sent now, and what has to be noted afterwards.

    Attributes:
        about: a provisional booking, a calendar, or appointments by start, at least one.
        unsaid: effects of which nothing is new.
    """

    effect: Effect
    about: Request | Notice | dict[Telling, Errand]
    unsaid: Sequence[int]
    permit: Permit | None

    @property
    def revisions(self) -> dict[Telling, int]:
        """What its recipient knows afterwards of appointments."""
        return {key: errand.revision for key, errand in self._errands.items()}

    @property
    def tried_first(self) -> list[Telling]:
        """What he does not know for sure if it does not leave."""
        return [key for key, errand in self._errands.items() if not errand.tried_before]

    @property
    def _errands(self) -> dict[Telling, Errand]:
        return self.about if isinstance(self.about, dict) else {}

    def mail(self, office: Office) -> OutgoingMail:
        """Write it; the same errands always make a mail with the same Message-ID."""
        if isinstance(self.about, Request):
            return provisional_mails.write(self.about, office)
        if isinstance(self.about, Notice):
            return calendar_mails.write(self.about, office)
        first, *more = self.about.values()
        return series_mails.write([first, *more], office) if more else mails.write(first, office)


async def happened(conn: Connection, *, event_id: int, offered: Collection[str], now: Instant) -> None:
    """Write what an event brings about, in the caller's transaction; safe to run twice.

    The first event of a batch to come here writes the mails of all of them, before anything later can be told of any.
    What a reading of a calendar finds after that, in transactions of their own, is gathered for a while.

    Args:
        offered: channels whose links this server can have made.
    """
    change = await events.change(conn, event_id)
    await conferences.happened(conn, change, offered=offered, now=now)
    await calendar_entries.happened(conn, change)
    kind: effects.Kind = "mail" if change.appointment_id else "provisional-mail"
    if change.connection_id:
        kind = "calendar-mail"
    if change.batch_id is None:
        await effects.add_mails(conn, company_id=change.company_id, kind=kind, mails=_mails([change]))
    elif not await effects.known(conn, [change.id]):
        await _add_batch(conn, change.company_id, kind, change.batch_id, now)


async def _add_batch(conn: Connection, company_id: UUID, kind: effects.Kind, batch_id: UUID, now: Instant) -> None:
    """Write the mails of a batch; of what is left of it, where some are written already."""
    batch = await events.batch(conn, company_id, batch_id)
    known = await effects.known(conn, [one.id for one in batch])
    mails = _mails([one for one in batch if one.id not in known])
    if known:
        until = now.add(seconds=GATHERED_S)
        await effects.add_later_mails(
            conn, company_id=company_id, kind=kind, mails=mails, batch_id=batch_id, until=until
        )
    else:
        await effects.add_mails(conn, company_id=company_id, kind=kind, mails=mails)


async def owed(conn: Connection, *, effect_id: int, now: Instant) -> Owed | None:
    """Find the mail an effect stands for; None: nothing is to be sent now, and that is noted.

    A mail to a guest waits while his address got five within the hour, or a guest's client brought about twenty;
    hosts are told at once. It waits for links that are being made, but not for long. One that tells of several
    appointments, and one that tells of any of the same, leave one after the other.
    """
    effect = await effects.get(conn, effect_id)
    if effect is None or effect.done_at:
        return None
    if not await _goes_next(conn, effect):
        await effects.put_off(conn, effect.id, until=now.add(seconds=BEHIND_S), failures=effect.failures)
        return None
    about, unsaid = await _about(conn, effect, now)
    to = about.to if isinstance(about, Request | Notice) else next((one.to for one in (about or {}).values()), None)
    if about is None or to is None or not to.email:
        await effects.finish(conn, effect.id, "nothing-new", now)
        return None
    if isinstance(about, dict):
        links = await conferences.awaited(conn, effect.company_id, about, now)
        if isinstance(links, Instant):
            await effects.put_off(conn, effect.id, until=links, failures=effect.failures)
            return None
        about = {key: replace(errand, link_follows=key[0] in links) for key, errand in about.items()}
    permit = None if to.is_host else await guest_mails.take(conn, to.email, client=effect.client, now=now)
    if isinstance(permit, Instant):
        await effects.put_off(conn, effect.id, until=permit, failures=effect.failures)
        return None
    owed = Owed(effect, about, unsaid, permit)
    await told.trying(conn, effect.company_id, owed.revisions)
    return owed


async def sent(conn: Connection, owed: Owed, *, now: Instant) -> None:
    """Note that a mail left: its recipient now knows the revisions it told."""
    await told.record(conn, owed.effect.company_id, owed.revisions)
    await effects.finish(conn, owed.effect.id, "sent", now, unsaid=owed.unsaid)


async def refused(conn: Connection, owed: Owed, *, now: Instant) -> None:
    """Note that the recipient's server refuses the mail for good."""
    await told.not_told(conn, owed.effect.company_id, owed.tried_first)
    await effects.finish(conn, owed.effect.id, "refused", now, unsaid=owed.unsaid)


async def failed(conn: Connection, owed: Owed, failure: Upstream, *, now: Instant) -> bool:
    """Put a mail off that could not leave, or may not have; False: it has failed too often and is given up."""
    if not isinstance(failure, MailUnanswered):
        await told.not_told(conn, owed.effect.company_id, owed.tried_first)
        if owed.permit:
            await guest_mails.give_back(conn, owed.permit)
    failures = owed.effect.failures + 1
    delay = retry.mail_delay(failures)
    if delay is None:
        await effects.finish(conn, owed.effect.id, "given-up", now, unsaid=owed.unsaid)
        return False
    await effects.put_off(conn, owed.effect.id, until=now.add(seconds=delay), failures=failures)
    return True


async def _goes_next(conn: Connection, effect: Effect) -> bool:
    """Take over earlier mails that wait and tell of the same; False: one has a job, and goes first."""
    if effect.kind != "mail":
        return True
    found = await effects.earlier(conn, effect.id)
    return all([one.waits and await effects.take_over(conn, one.lead_id, by=effect.id) for one in found])


async def _about(
    conn: Connection, effect: Effect, now: Instant
) -> tuple[Request | Notice | dict[Telling, Errand] | None, list[int]]:
    """Find what a mail is to tell, and the effects of which nothing is new."""
    if effect.kind == "provisional-mail":
        return await errands.of_provisional(conn, effect, now), []
    parts = await effects.parts(conn, effect.id)
    if effect.kind == "calendar-mail":
        return await calendar_mails.notice(conn, effect, parts)
    found = await errands.of_appointments(conn, effect.company_id, parts.values())
    return found, [key for key, part in parts.items() if (part.subject, part.target) not in found]


def _mails(together: Sequence[Change]) -> list[list[Part]]:
    """List the mails that changes bring about, each with what it tells; the changes of one batch are told together."""
    found: dict[tuple[str, int], list[Part]] = {}
    for change in together:
        subject = change.appointment_id or change.provisional_id or change.connection_id
        assert subject is not None, "an event has one of the three"
        met = Counter[str]()
        concerned = _concerned(change) if change.appointment_id else _asked(change, subject)
        for target, name in concerned.items():
            # Who booked twice with one address has two seats in a group, and a page for each.
            found.setdefault((name, met[name]), []).append(Part(change.id, subject, target))
            met[name] += 1
    return list(found.values())


def _concerned(change: Change) -> dict[UUID, str]:
    """List who might have to be told of a change: all hosts, and the guests it concerns who have an address.

    Each with what names him in all dates of a series: a host's id, a guest's address.
    """
    before, after = change.before, change.after
    if after["skipNotifications"]:
        return {}
    people = {host["id"]: host["id"] for one in (after, before or {}) for host in one.get("hosts", ())}
    for one in (after, before or {}):
        for guest in one.get("attendees", ()):
            if guest.get("email"):
                people.setdefault(guest["id"], guest["email"].lower())
    hosts = {host["id"] for host in after["hosts"]}
    return {
        UUID(one): name
        for one, name in people.items()
        # In a group each joins and leaves alone: without this, everybody else had a job to find that nothing is new.
        if one in hosts or telling.news(before, after, one)
    }


def _asked(change: Change, provisional_id: UUID) -> dict[UUID, str]:
    """List who has to be told of a provisional booking's change, or of a calendar."""
    if change.connection_id:
        return {UUID(change.after["userId"]): ""}
    guest = {provisional_id: ""} if change.after["attendees"][0].get("email") else {}
    found = {UUID(host["id"]): host["id"] for host in change.after["hosts"]} | guest
    return {
        target: name
        for target, name in found.items()
        if provisional.news(change.kind, change.before, change.after, to_guest=not name)
    }
