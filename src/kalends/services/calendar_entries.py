"""Appointments in the hosts' calendars: which are to follow them, and what became of writing there.

A host's entries follow the newest state of an appointment, however many changes led there. Nothing here waits for a
network: `entry_plans` says what to do, the job does it, `wrote` and its neighbours note each step.
"""

from __future__ import annotations

from uuid import UUID

from whenever import Instant

from kalends.domain import retry
from kalends.domain.remote_events import RemoteEvent, Written
from kalends.errors import Upstream
from kalends.ports import CredentialRefused
from kalends.storage import busy_events, calendar_access, calendar_writes
from kalends.storage import calendar_entries as stored
from kalends.storage import conferences as stored_conferences
from kalends.storage.calendar_entries import StoredEntry
from kalends.storage.database import Connection
from kalends.storage.events import Change

from .entry_plans import Plan, Put

SYNC_DECIDES_S = 90  # so long what was moved in a calendar waits for its reading, before it is written over
FORGET_AFTER_H = 24 * 7  # what could not be written by then, after the appointment, is let go
MOST_LOOKS = 20  # attempts, after which what was moved in a calendar is written over though nobody looked at it


class EntryMoved(Upstream):
    """The event was moved in the calendar; what that means is decided where it is read."""


class LinkMissing(Upstream):
    """The calendar has taken the event, and made no link to meet at."""


async def happened(conn: Connection, change: Change) -> None:
    """Have the calendars of all hosts, before and after, follow a change; one statement, and safe to run twice."""
    if change.appointment_id is None:
        return
    people = {UUID(host["id"]): None for one in (change.after, change.before or {}) for host in one.get("hosts", ())}
    await calendar_writes.owe(
        conn,
        company_id=change.company_id,
        appointment_id=change.appointment_id,
        user_ids=list(people),
        revision=change.after["revision"],
    )


def moved(put: Put, found: RemoteEvent | None) -> bool:
    """Tell whether an event was moved or deleted in the calendar since it was written; None found: deleted."""
    if put.known is None or (found is None and put.known.leaving):
        return False
    times = [(one.start, one.end) for one in found.occurrences] if found else []
    return len(times) != 1 or times[0] not in [*put.known.spans, put.span]


async def looked_at(conn: Connection, plan: Plan, put: Put, found: RemoteEvent | None) -> bool:
    """Tell whether what was moved or deleted in the calendar may be written over: its reading had its time, and met
    just this version of the event."""
    if not plan.write.decided or put.known is None:
        return plan.write.decided
    if plan.write.failures >= MOST_LOOKS or not put.place.is_target:  # only what is written to is read for certain
        return True
    known = (await busy_events.known(conn, put.place.calendar_id, [put.known.remote_id])).get(put.known.remote_id)
    return (known.etag if known else None) == (found.etag if found else None)


async def begin(conn: Connection, plan: Plan, put: Put) -> None:
    """Note that an entry is about to be written for the first time, or to be moved: should the answer be lost, it still
    goes away with its appointment, and what stands there then is not its host's doing."""
    if put.known:
        await stored.begin(conn, put.known, *put.span)
    else:
        await calendar_writes.begin(conn, *plan.key, calendar_id=put.place.calendar_id)


async def leave(conn: Connection, plan: Plan) -> None:
    """Note that entries are about to be deleted: should an answer be lost, that was not their host's doing."""
    for _, entry in plan.deletions:
        await stored.leave(conn, entry)


async def wrote(conn: Connection, plan: Plan, put: Put, written: Written, *, now: Instant) -> None:
    """Note where an entry stands; what was written late, over a newer revision, is to be written over."""
    company_id, appointment_id, user_id = plan.key
    entry = StoredEntry(
        *plan.key,
        put.part,
        connection_id=put.place.connection_id,
        calendar_id=put.place.calendar_id,
        uid=put.entry.uid,
        remote_id=written.remote_id,
        etag=written.etag,
        revision=plan.appointment.revision,
        start_at=put.entry.start,
        end_at=put.entry.end,
        written_at=now,
    )
    if not await stored.keep(conn, entry):
        await stored.begin(conn, entry, *put.span)
        await calendar_writes.owe_decided(conn, company_id=company_id, appointment_id=appointment_id, user_id=user_id)


async def deleted(conn: Connection, entry: StoredEntry) -> None:
    """Note that an entry does not stand there any more."""
    await stored.forget(conn, entry)


async def followed(conn: Connection, plan: Plan) -> None:
    """Note that a host's calendars show what the plan was made for; what came later is still owed."""
    await calendar_writes.followed(conn, *plan.key, revision=plan.appointment.revision)


async def wait(conn: Connection, plan: Plan) -> None:
    """Put writing off until the connection works again; whoever makes it work, makes what is owed due."""
    await calendar_writes.put_off(
        conn,
        *plan.key,
        revision=plan.appointment.revision,
        failures=plan.write.failures,
        until=None,
        error=calendar_writes.REFUSED,
    )


async def failed(conn: Connection, plan: Plan, failure: Upstream, *, now: Instant) -> None:
    """Put writing off after a failure; a week after the appointment it is let go.

    What was moved in the calendar waits for its reading, which decides; then it is written over. A connection that
    does not let us in is read at once: its reading tells the owner. A link that does not come for a day is given up:
    not every account makes them.
    """
    if plan.appointment.end_at.add(hours=FORGET_AFTER_H) < now:
        await followed(conn, plan)
        return
    failures, moved_there = plan.write.failures + 1, isinstance(failure, EntryMoved)
    delay = max(retry.calendar_delay(failures), failure.retry_after_s or 0)
    await calendar_writes.put_off(
        conn,
        *plan.key,
        revision=plan.appointment.revision,
        failures=failures,
        until=now.add(seconds=SYNC_DECIDES_S if moved_there else delay),
        error=calendar_writes.DECIDED if moved_there or plan.write.decided else failure.message,
    )
    if moved_there or isinstance(failure, CredentialRefused):
        for connection_id in {place.connection_id for place in plan.places}:
            await calendar_access.call_for_reading(conn, plan.appointment.company_id, connection_id, now)
    if plan.conference and plan.conference.state == "wanted":
        await stored_conferences.failed(conn, *plan.key[:2], failures=failures, until=None, error=failure.message)
        if isinstance(failure, LinkMissing) and retry.mail_delay(failures) is None:
            await stored_conferences.end(conn, *plan.key[:2], "given-up")
