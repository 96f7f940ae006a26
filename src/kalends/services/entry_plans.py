"""Plans of calendar entries: what is to stand where of an appointment, and what is not to stand there any more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.domain.channels import WITH_EVENT
from kalends.domain.remote_events import Entry, Window
from kalends.domain.uids import Part, uid
from kalends.storage import appointments, calendar_writes, events
from kalends.storage import calendar_entries as stored
from kalends.storage import conferences as stored_conferences
from kalends.storage.appointments import Appointment
from kalends.storage.calendar_entries import Place, StoredEntry
from kalends.storage.calendar_writes import Write
from kalends.storage.conferences import StoredConference
from kalends.storage.database import Connection

from . import host_entries
from .host_entries import Manner

UNKNOWN = ""  # in the place of an entry's remote id: where it stands, if it does, was not answered
OLD_TRIES = 3  # so often an entry's deletion in a calendar that is not written to any more keeps the new one waiting


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

    @property
    def span(self) -> tuple[Instant, Instant]:
        """When it is to take place."""
        return self.entry.start, self.entry.end

    @property
    def is_news(self) -> bool:
        """Whether its calendar shows it where nobody would know that it is ours, should the answer be lost."""
        return self.known is None or self.span not in self.known.spans


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
        place = places.get(event.calendar_id) if event else None
        if past:
            standing, stray = {part: one for part, one in standing.items() if part == "event"}, []
        else:
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
            *plan.key,
            part,
            connection_id=place.connection_id,
            calendar_id=place.calendar_id,
            uid=uid(plan.appointment.id, part),
            remote_id=UNKNOWN,
            etag=None,
            revision=plan.appointment.revision,
            start_at=plan.appointment.start_at,
            end_at=plan.appointment.end_at,
            written_at=now,
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
    shared: Mapping[UUID, bool] = {}
    has_colleagues = any(host.id != plan.user_id for host in plan.appointment.hosts)
    if gone and has_colleagues and plan.appointment.cancelled_at is None:
        shared = await stored.shared(conn, *plan.key, {one.calendar_id for one in gone})
    for one in gone:
        place = places.get(one.calendar_id)
        if (one.part == "event" and one.calendar_id in shared) or shared.get(one.calendar_id):
            await stored.forget(conn, one)  # it is another host's as well
        elif place and (place.is_target or (plan.write.failures < OLD_TRIES and _is_reached(place, targets))):
            deletions.append((place, one))
            refused = refused or not place.works
        else:
            await stored.forget(conn, one)
    return replace(plan, deletions=deletions, refused=refused)


def _is_reached(place: Place, targets: Collection[UUID]) -> bool:
    """Tell whether a calendar can be written to now, or once its connection lets us in for another calendar's sake."""
    return place.works or place.connection_id in targets


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
