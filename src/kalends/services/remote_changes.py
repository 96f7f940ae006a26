"""Remote changes: what hosts did in their calendars to the events of their appointments, and what follows from it.

Each suspicion is looked at once more, by asking for just that event; nothing is done upon what a list says (case K14).
What an appointment cannot follow is told to the host, and written over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from whenever import Instant

from kalends import languages
from kalends.domain import sync_times
from kalends.domain.findings import (
    Deleted,
    Finding,
    GuestAnswered,
    Overtaken,
    OwnDeclined,
    ProposeMove,
    ShapeChanged,
    compare,
)
from kalends.domain.remote_events import Answer, RemoteEvent
from kalends.domain.sync import Meeting, Span
from kalends.errors import DomainError, NotFound, Unavailable
from kalends.ports import CalendarAccount
from kalends.storage import (
    attendees,
    busy_events,
    calendar_connections,
    calendar_entries,
    calendar_writes,
    standings,
)
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection
from kalends.storage.standings import Written

from . import appointments, calendar_copies, calendar_events, locked_appointments, revisions
from .actor import Actor
from .calendar_copies import Copy
from .calendar_events import Reason
from .calendar_sources import Source


async def settle(source: Source, account: CalendarAccount, suspects: Sequence[Written]) -> bool:
    """Look at each suspicion and do what follows; False: some has to wait for the next reading.

    Each is settled in a transaction of its own, with the locks of whatever it changes.

    Raises:
        CredentialRefused, Upstream: the calendar could not be asked.
        Unavailable: somebody else holds what is to be changed.
    """
    batch_id = calendar_events.batch(source.connection)
    waiting = 0
    for suspect in suspects:
        if suspect.in_hand:  # it is being written, so what stands there is not what is noted
            waiting += 1
            continue
        now = source.reader.clock()
        event = await account.event(source.remote, suspect.remote_id, window=sync_times.wide(now), own=source.own)
        copy = None if event else await calendar_copies.find(source, account, suspect)
        async with source.reader.transaction() as conn:
            waiting += not await _Case(conn, source, suspect, event, copy, now, batch_id).settle()
    return not waiting


class _Case:
    """One suspicion, and the event as it stands in the calendar now, or in another one of its host."""

    def __init__(
        self,
        conn: Connection,
        source: Source,
        suspect: Written,
        event: RemoteEvent | None,
        copy: Copy | None,
        now: Instant,
        batch_id: UUID,
    ) -> None:
        self._conn, self._source, self._suspect, self._copy = conn, source, suspect, copy
        self._event = copy.event if copy else event
        self._now, self._batch_id = now, batch_id
        self._actor = Actor(source.company_id, user_id=source.host.id, is_admin=False, via="calendar")

    async def settle(self) -> bool:
        """Do what follows; False: something was changed here meanwhile, and it has to be looked at anew."""
        appointment = await self._locked()
        if appointment is None:
            return True
        if await self._standing() != self._suspect or not await self._is_connected():
            return False
        if self._copy:
            await self._follow_copy(self._copy)
            if self._event is None:  # in another account, whose reading compares it
                return True
        for finding in compare(self._suspect.standing, self._event):
            if not await self._follow(finding, appointment):
                break
        return True

    async def _locked(self) -> Appointment | None:
        """Lock the appointment with all it takes, which a move keeps; None: the host has nothing to do with it now."""
        try:
            (found,) = await locked_appointments.lock(
                self._conn, self._actor, self._suspect.appointment_id, counted=True
            )
        except NotFound:
            return None
        return found

    async def _is_connected(self) -> bool:
        """Go by what is set of the connection now, which its owner may have changed since this reading began."""
        newest = await calendar_connections.get(self._conn, self._source.company_id, self._source.connection.id)
        self._source = replace(self._source, connection=newest or self._source.connection)
        return newest is not None

    async def _standing(self) -> Written | None:
        source = self._source
        found = await standings.named(
            self._conn, source.company_id, source.calendar.id, [self._suspect.remote_id], self._now
        )
        return found[0] if found else None

    async def _follow(self, finding: Finding, appointment: Appointment) -> bool:
        """Do what follows from one finding; answers whether the appointment still takes place."""
        match finding:
            case ProposeMove(start):
                await self._move(start)
            case ShapeChanged(span):
                await self._write_over(span, "length")
            case Overtaken(span):
                await self._write_over(span, "moved")
            case GuestAnswered(answers):
                return await self._answer(answers, appointment)
            case OwnDeclined():
                return await self._cancel_if_set(appointment, "declined")
            case Deleted():
                return await self._cancel_if_set(appointment, "deleted")
        return True

    async def _move(self, start: Instant) -> None:
        move = partial(
            appointments.reschedule,
            actor=self._actor,
            appointment_id=self._suspect.appointment_id,
            start=start,
            clock=self._source.reader.clock,
        )
        standing = self._suspect.standing
        span = (start, start + (standing.end - standing.start))
        try:
            async with self._conn.transaction():
                await move(self._conn)
        except Unavailable:
            raise
        except DomainError as refusal:
            await self._write_over(span, "moved", refusal.code)
        else:
            await self._note(span)

    async def _follow_copy(self, copy: Copy) -> None:
        """Take note that the event stands in another calendar now; what nobody reads is as good as forgotten."""
        entry = await self._entry()
        if entry is None:
            return
        if copy.calendar_id is None:
            await calendar_entries.forget(self._conn, entry)
            return
        await calendar_entries.keep(
            self._conn,
            replace(
                entry,
                connection_id=copy.connection_id,
                calendar_id=copy.calendar_id,
                remote_id=copy.remote_id,
                etag=copy.event.etag if copy.event else None,
            ),
        )

    async def _write_over(self, span: Span, reason: Reason, code: str | None = None) -> None:
        """Have the entry say again what the appointment does, and tell the host why."""
        await self._note(span)
        await calendar_writes.owe_decided(
            self._conn,
            company_id=self._source.company_id,
            appointment_id=self._suspect.appointment_id,
            user_id=self._source.host.id,
        )
        await self._tell(reason, span, code)

    async def _note(self, span: Span) -> None:
        """Take note of what stands there, so that it is no news the next time."""
        entry = await self._entry()
        if entry and self._event:
            start, end = span
            await calendar_entries.keep(
                self._conn, replace(entry, start_at=start, end_at=end, etag=self._event.etag or entry.etag)
            )

    async def _entry(self) -> calendar_entries.StoredEntry | None:
        found = await calendar_entries.of_host(
            self._conn, self._source.company_id, self._suspect.appointment_id, self._source.host.id
        )
        return found.get("event")

    async def _cancel_if_set(self, appointment: Appointment, reason: Reason) -> bool:
        """Cancel the appointment where its host wants that of what he deletes or declines; else he is told."""
        if self._source.connection.cancel_if_declined_or_deleted:
            await self._cancel(appointment, reason)
        elif reason == "deleted":
            await self._forget()
            await self._tell(reason)
        elif await self._is_news():
            await self._tell(reason)
        return not self._source.connection.cancel_if_declined_or_deleted

    async def _cancel(self, appointment: Appointment, reason: Reason, attendee_id: UUID | None = None) -> None:
        t = languages.translator(appointment.company_language)
        words = t("Deleted in the host's calendar") if reason == "deleted" else t("Declined in the calendar")
        await appointments.cancel(
            self._conn,
            actor=self._actor,
            appointment_id=appointment.id,
            attendee_id=attendee_id,
            cancel_all=attendee_id is None,
            reason=words,
            clock=self._source.reader.clock,
        )
        if reason == "deleted":
            await self._forget()

    async def _forget(self) -> None:
        """Take note that nothing stands there; it is not written again before the appointment changes."""
        entry = await self._entry()
        if entry:
            await calendar_entries.forget(self._conn, entry)

    async def _is_news(self) -> bool:
        """Tell whether the host was not yet told of this event and its appointment, and note that he is."""
        source, suspect = self._source, self._suspect
        known = await busy_events.known(self._conn, source.calendar.id, [suspect.remote_id])
        if suspect.remote_id not in known:
            return False
        return bool(await busy_events.tell(self._conn, known[suspect.remote_id].id, [suspect.appointment_id]))

    async def _tell(self, reason: Reason, span: Span | None = None, code: str | None = None) -> None:
        standing = self._suspect.standing
        await calendar_events.conflict(
            self._conn,
            self._source.connection,
            self._source.calendar.id,
            reason,
            meeting=Meeting(self._suspect.appointment_id, standing.start, standing.end),
            span=span,
            code=code,
            batch_id=self._batch_id,
            now=self._now,
        )

    async def _answer(self, answers: Sequence[tuple[str, Answer]], appointment: Appointment) -> bool:
        """Keep what guests answered; whoever declines leaves, where the host wants that and it leaves nobody alone."""
        said = dict(answers)
        coming = {
            one.id: said[one.email.lower()]
            for one in appointment.attendees
            if one.cancelled_at is None and one.email and one.email.lower() in said
        }
        await attendees.answer(self._conn, company_id=appointment.company_id, answers=coming)
        newest = await revisions.write(
            self._conn, actor=self._actor, kind="booking_updated", before=appointment, fields={}, now=self._now
        )
        if not self._source.connection.cancel_if_declined_or_deleted:
            return True
        for guest in newest.booking_attendees:
            alone = newest.booking_attendees == (guest,)
            if coming.get(guest.id) == "declined" and (alone or newest.type_spots > 1):
                await self._cancel(newest, "declined", guest.id)
                if alone:
                    return False
        return True
