"""What an event brings about: one mail to consider for each host and guest (design section 5).

A mail tells its recipient the difference between what he was last told and the newest revision. Nothing here
waits for a network: jobs load an errand, send the mail, and note what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.domain import retry, telling
from kalends.domain.itip import Snapshot
from kalends.storage import attendees, effects, events, guest_mails, told
from kalends.storage.database import Connection
from kalends.storage.effects import Effect
from kalends.storage.guest_mails import Permit

from . import readers
from .mails import Errand


@dataclass(frozen=True, slots=True)
class Owed:
    """A mail to be sent now, and what has to be noted afterwards."""

    effect: Effect
    errand: Errand
    permit: Permit | None


async def happened(conn: Connection, *, event_id: int) -> None:
    """Write what an event brings about, in the caller's transaction; safe to run twice."""
    change = await events.change(conn, event_id)
    if change.appointment_id is None or change.after["skipNotifications"]:
        return
    snapshots = (change.after, change.before or {})
    targets = dict.fromkeys(UUID(person) for snapshot in snapshots for person in _people(snapshot))
    await effects.add_mails(
        conn,
        company_id=change.company_id,
        appointment_id=change.appointment_id,
        event_id=event_id,
        targets=targets,
    )


async def owed(conn: Connection, *, effect_id: int, now: Instant) -> Owed | None:
    """Find the mail an effect stands for; None: nothing is to be sent now, and that is noted.

    A mail to a guest waits while his address got five within the hour, or a guest's client brought about twenty;
    hosts are told at once.
    """
    effect = await effects.get(conn, effect_id)
    if effect is None or effect.done_at:
        return None
    newest = await events.newest(conn, effect.company_id, effect.appointment_id)
    known = await told.last_told(conn, effect.company_id, effect.appointment_id, effect.target)
    recipient, before = str(effect.target), known.snapshot if known else None
    news = None if newest.snapshot["skipNotifications"] else telling.news(before, newest.snapshot, recipient)
    to = readers.reader(newest.snapshot, recipient) or readers.reader(before or newest.snapshot, recipient)
    if news is None or to is None or not to.email:
        await effects.finish(conn, effect.id, "nothing-new", now)
        return None
    permit = None if to.is_host else await guest_mails.take(conn, to.email, client=effect.client, now=now)
    if isinstance(permit, Instant):
        await effects.put_off(conn, effect.id, until=permit, failures=effect.failures)
        return None
    secret = None if to.is_host else await attendees.secret(conn, effect.company_id, effect.target)
    errand = Errand(
        news, recipient, newest.number, newest.snapshot, newest.at, known.number if known else None, before, secret
    )
    return Owed(effect, errand, permit)


async def sent(conn: Connection, owed: Owed, *, now: Instant) -> None:
    """Note that a mail left: its recipient now knows the revision it told."""
    effect = owed.effect
    await told.record(
        conn,
        company_id=effect.company_id,
        appointment_id=effect.appointment_id,
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


def _people(snapshot: Snapshot) -> list[str]:
    """List who might be told: all hosts, and the guests that have an address."""
    hosts = [host["id"] for host in snapshot.get("hosts", ())]
    return hosts + [guest["id"] for guest in snapshot.get("attendees", ()) if guest.get("email")]
