"""Appointments in the hosts' calendars: what is to stand where, and what became of writing it.

A host's entries follow the newest state of an appointment, however many changes led there. Nothing here waits for a
network: `plan` says what to do in short transactions, the job does it, `wrote` and its neighbours note each step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.domain import retry
from kalends.domain.channels import WITH_EVENT
from kalends.domain.remote_events import Entry, RemoteEvent, Window, Written
from kalends.errors import Upstream
from kalends.ports import CredentialRefused
from kalends.storage import appointments, busy_events, calendar_connections, calendar_writes, events
from kalends.storage import calendar_entries as stored
from kalends.storage import conferences as stored_conferences
from kalends.storage.appointments import Appointment
from kalends.storage.calendar_entries import Part, Place, StoredEntry
from kalends.storage.calendar_writes import Write
from kalends.storage.conferences import StoredConference
from kalends.storage.database import Connection
from kalends.storage.events import Change

from . import host_entries
from .host_entries import Manner

UNKNOWN = ""  # in the place of an entry's remote id: where it stands, if it does, was not answered
SYNC_DECIDES_S = 90  # so long what was moved in a calendar waits for its reading, before it is written over
FORGET_AFTER_H = 24 * 7  # what could not be written by then, after the appointment, is let go
MOST_LOOKS = 20  # attempts, after which what was moved in a calendar is written over though nobody looked at it
OLD_TRIES = 3  # so often an entry's deletion in a calendar that is not written to any more keeps the new one waiting


class EntryMoved(Upstream):
    """The event was moved in the calendar; what that means is decided where it is read."""


class LinkMissing(Upstream):
    """The calendar has taken the event, and made no link to meet at."""


@dataclass(frozen=True, slots=True)
class Put:
    """An entry to be written.

    Attributes:
        known: where it stands in this calendar; None: it does not, as far as we know.
    """

    part: Part
    place: Place
    entry: Entry
    known: StoredEntry | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes a host's calendars show an appointment as it is: first the deletions, then what is to be written.

    Attributes:
        write: what is owed; the calendars show the appointment's own revision afterwards.
        refused: a connection does not let us in; nothing is done until it does.
        conference: its link is made with the event; None: no link is.
    """

    write: Write
    appointment: Appointment
    user_id: UUID
    deletions: Sequence[tuple[Place, StoredEntry]] = ()
    puts: Sequence[Put] = ()
    refused: bool = False
    conference: StoredConference | None = None

    @property
    def key(self) -> tuple[UUID, UUID, UUID]:
        """Whose calendars, and which appointment."""
        return self.appointment.company_id, self.appointment.id, self.user_id

    @property
    def places(self) -> list[Place]:
        """The calendars it needs."""
        return [*(place for place, _ in self.deletions), *(put.place for put in self.puts)]

    @property
    def window(self) -> Window:
        """The span in which an entry that was moved is looked for: a year around the appointment."""
        start = self.appointment.start_at
        return Window(start.subtract(hours=24 * 366), start.add(hours=24 * 366))

    @property
    def own(self) -> frozenset[str]:
        """The host's address."""
        return frozenset(host.email.lower() for host in self.appointment.hosts if host.id == self.user_id)


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


async def plan(conn: Connection, *, company_id: UUID, appointment_id: UUID, user_id: UUID, now: Instant) -> Plan | None:
    """Find what a host's calendars still lack of an appointment; None: nothing is owed any more.

    Entries in calendars that were disconnected are forgotten: nobody gets there any more. What is past is not written
    anew, and stays in the calendar it is in.
    """
    write = await calendar_writes.owed(conn, company_id, appointment_id, user_id)
    appointment = await appointments.get(conn, company_id, appointment_id)
    if write is None or appointment is None:
        return None
    standing = await stored.of_host(conn, company_id, appointment_id, user_id)
    known = {one.calendar_id for one in standing.values()} | ({write.begun_in} if write.begun_in else set())
    places = await stored.places(conn, company_id, user_id, known)
    found = Plan(write, appointment, user_id)
    stray = _stray(found, places, standing, now)
    if appointment.cancelled_at is None and any(host.id == user_id for host in appointment.hosts):
        event, past = standing.get("event"), appointment.end_at <= now
        if past:
            standing, stray = {part: one for part, one in standing.items() if part == "event"}, []
        place = places.get(event.calendar_id) if event else None
        if not past:
            place = next((one for one in places.values() if one.is_target), place)
        if place:
            found = await _with_puts(conn, found, place, standing, past=past)
    kept = {(put.part, put.place.calendar_id) for put in found.puts}
    gone = [one for one in (*standing.values(), *stray) if (one.part, one.calendar_id) not in kept]
    return await _with_deletions(conn, found, gone, places)


def _stray(
    plan: Plan, places: Mapping[UUID, Place], standing: Mapping[Part, StoredEntry], now: Instant
) -> list[StoredEntry]:
    """List what may stand in a calendar though it is not noted: its writing was begun, and answered to nobody."""
    place = places.get(plan.write.begun_in) if plan.write.begun_in else None
    if place is None:
        return []
    parts: tuple[Part, ...] = ("event", "buffer-before", "buffer-after") if place.writes_buffers else ("event",)
    return [
        StoredEntry(
            *plan.key[:2],
            plan.user_id,
            part,
            place.connection_id,
            place.calendar_id,
            host_entries.uid(plan.appointment, part),
            UNKNOWN,
            None,
            plan.appointment.revision,
            plan.appointment.start_at,
            plan.appointment.end_at,
            now,
        )
        for part in parts
        if part not in standing or standing[part].calendar_id != place.calendar_id
    ]


async def _with_puts(
    conn: Connection, plan: Plan, place: Place, standing: Mapping[Part, StoredEntry], *, past: bool
) -> Plan:
    """Add what is to stand in a calendar."""
    appointment, user_id = plan.appointment, plan.user_id
    conference = await _conference(conn, appointment, user_id, place)
    manner = Manner(place.provider, place.names_guests, meeting=conference is not None)
    organizer = None
    if appointment.sequence > 0:  # before that nobody can have handed it over
        first = await events.first_main_hosts(conn, appointment.company_id, [appointment.id])
        organizer = first.get(appointment.id)
    entries: dict[Part, Entry] = {"event": host_entries.event(appointment, user_id, manner, organizer=organizer)}
    if place.writes_buffers and not past:
        padded = await stored.padded(conn, appointment.company_id, appointment.id, user_id)
        entries |= host_entries.buffers(appointment, user_id, padded) if padded else {}

    def known(part: Part) -> StoredEntry | None:
        found = standing.get(part)
        return found if found and found.calendar_id == place.calendar_id else None

    puts = [Put(part, place, entry, known(part)) for part, entry in entries.items()]
    return replace(plan, puts=puts, conference=conference, refused=not place.works)


async def _conference(
    conn: Connection, appointment: Appointment, user_id: UUID, place: Place
) -> StoredConference | None:
    """Find the conference whose link this calendar makes: the main host's, of the kind that fits the channel."""
    if WITH_EVENT.get(appointment.channel) != place.provider or appointment.hosts[0].id != user_id:
        return None
    found = await stored_conferences.get(conn, appointment.company_id, appointment.id)
    return found if found and found.state in ("wanted", "made") and found.channel == appointment.channel else None


async def _with_deletions(
    conn: Connection, plan: Plan, gone: Sequence[StoredEntry], places: Mapping[UUID, Place]
) -> Plan:
    """Add what is not to stand any more; it is let go where nobody gets to it, or has not for too long."""
    deletions, refused = [], plan.refused
    targets = {place.connection_id for place in places.values() if place.is_target}
    for one in gone:
        place = places.get(one.calendar_id)
        if place and (place.is_target or (plan.write.failures < OLD_TRIES and _is_reached(place, targets))):
            deletions.append((place, one))
            refused = refused or not place.works
        else:
            await stored.forget(conn, one)
    return replace(plan, deletions=deletions, refused=refused)


def _is_reached(place: Place, targets: Collection[UUID]) -> bool:
    """Tell whether a calendar can be written to now, or once its connection lets us in for another calendar's sake."""
    return place.works or place.connection_id in targets


def moved(put: Put, found: RemoteEvent | None) -> bool:
    """Tell whether an event was moved or deleted in the calendar since it was written; None found: deleted."""
    if put.known is None:
        return False
    times = [(one.start, one.end) for one in found.occurrences] if found else []
    ours = [(put.known.start_at, put.known.end_at), (put.entry.start, put.entry.end)]
    return len(times) != 1 or times[0] not in ours


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
    """Note that an entry is about to be written for the first time: should the answer be lost, it still goes away
    with its appointment."""
    await calendar_writes.begin(conn, *plan.key, calendar_id=put.place.calendar_id)


def nameless(plan: Plan, entry: StoredEntry) -> Entry:
    """Make what is written over an entry of which the calendar's name is not known, to learn it."""
    return Entry(
        uid=entry.uid,
        sequence=plan.appointment.sequence,
        stamp=plan.appointment.updated_at,
        start=entry.start_at,
        end=entry.end_at,
        zone="UTC",
        summary=plan.appointment.meeting_info.get("name") or plan.appointment.company_name,
        appointment_id=entry.appointment_id,
    )


async def wrote(conn: Connection, plan: Plan, put: Put, written: Written, *, now: Instant) -> None:
    """Note where an entry stands."""
    company_id, appointment_id, user_id = plan.key
    await stored.keep(
        conn,
        StoredEntry(
            company_id,
            appointment_id,
            user_id,
            put.part,
            put.place.connection_id,
            put.place.calendar_id,
            put.entry.uid,
            written.remote_id,
            written.etag,
            plan.appointment.revision,
            put.entry.start,
            put.entry.end,
            now,
        ),
    )


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
            await calendar_connections.call_for_reading(conn, plan.appointment.company_id, connection_id, now)
    if plan.conference and plan.conference.state == "wanted":
        await stored_conferences.failed(conn, *plan.key[:2], failures=failures, until=None, error=failure.message)
        if isinstance(failure, LinkMissing) and retry.mail_delay(failures) is None:
            await stored_conferences.end(conn, *plan.key[:2], "given-up")
