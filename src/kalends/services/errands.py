"""Errands: what the parts of a mail still have to tell, found when it is about to leave."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from whenever import Instant

from kalends.domain import provisional, telling
from kalends.domain.itip import Snapshot
from kalends.domain.telling import News
from kalends.storage import attendees, calendar_entries, events, provisional_bookings, told
from kalends.storage.database import Connection
from kalends.storage.effects import Effect, Part
from kalends.storage.events import Revision
from kalends.storage.told import Known, Telling

from .mails import Errand
from .provisional_mails import Request


async def of_appointments(conn: Connection, company_id: UUID, parts: Iterable[Part]) -> dict[Telling, Errand]:
    """Find what somebody is to be told about appointments, by their start; left out is what is not new for him."""
    wanted = dict.fromkeys((part.subject, part.target) for part in parts)
    newest = await events.newest(conn, company_id, {subject for subject, _ in wanted})
    known = await told.last_told(conn, company_id, wanted)
    found = {}
    for subject, target in wanted:
        what = _news(known.get((subject, target), Known()), newest[subject].snapshot, str(target))
        if what and not newest[subject].snapshot["skipNotifications"]:
            found[subject, target] = what
    secrets = await attendees.secrets(conn, company_id, {target for _, target in found})
    moved = {subject for subject, _ in found if newest[subject].snapshot["sequence"] > 0}
    # Before that nobody can have handed it over.
    organizers = await events.first_main_hosts(conn, company_id, moved) if moved else {}
    hosts = [one for one in found if one[1] not in secrets]  # only guests have a secret
    in_calendar = await calendar_entries.shown(conn, company_id, hosts) if hosts else set()
    errands = {}
    for (subject, target), (news, before) in found.items():
        revision = newest[subject]
        errands[subject, target] = Errand(
            news,
            str(target),
            revision.number,
            revision.snapshot,
            revision.at,
            told_revision=before.number if before else None,
            told=before.snapshot if before else None,
            secret=secrets.get(target),
            organizer=organizers.get(subject),
            in_calendar=(subject, target) in in_calendar,
            tried_before=known.get((subject, target), Known()).tried is not None,
        )
    return dict(sorted(errands.items(), key=lambda item: Instant.parse_iso(item[1].newest["start"])))


def _news(known: Known, newest: Snapshot, recipient_id: str) -> tuple[News, Revision | None] | None:
    """Decide which mail a recipient is owed, and since which revision; None: nothing is new, whatever he knows."""
    news = telling.news(known.told.snapshot if known.told else None, newest, recipient_id)
    if news:
        return news, known.told
    news = telling.news(known.tried.snapshot, newest, recipient_id) if known.tried else None
    return (news, known.tried) if news else None


async def of_provisional(conn: Connection, effect: Effect, now: Instant) -> Request | None:
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
