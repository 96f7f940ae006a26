"""Remote changes: what hosts did in their calendars to the events of their appointments, and what follows from it.

Each suspicion is looked at once more, by asking for just that event; nothing is done upon what a list says (case K14).
What an appointment cannot follow is told to the host, and written over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from whenever import Instant

from kalends import languages
from kalends.domain import sync_times
from kalends.domain.findings import (
    Deleted,
    Finding,
    GuestAnswered,
    MovedOnBothSides,
    OwnDeclined,
    ProposeMove,
    ShapeChanged,
    compare,
)
from kalends.domain.remote_events import Answer
from kalends.errors import DomainError, NotFound, Unavailable
from kalends.ports import CalendarAccount
from kalends.storage import attendees, calendar_connections
from kalends.storage.appointments import Appointment
from kalends.storage.standings import StandingEntry

from . import appointments, calendar_copies, calendar_events, locked_appointments, revisions
from .actor import Actor
from .calendar_copies import Copy
from .calendar_events import Reason
from .calendar_sources import Source
from .own_events import OwnEvent


async def settle(source: Source, account: CalendarAccount, suspects: Sequence[StandingEntry]) -> bool:
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
            own = OwnEvent(conn, source, suspect, copy.event if copy else event, now, batch_id)
            waiting += not await _Case(own, copy).settle()
    return not waiting


class _Case:
    """One suspicion, and the event as it stands in the calendar now, or in another one of its host."""

    def __init__(self, own: OwnEvent, copy: Copy | None) -> None:
        self._own, self._copy = own, copy
        self._conn, self._suspect, self._clock = own.conn, own.suspect, own.source.reader.clock
        self._actor = Actor(own.source.company_id, user_id=own.source.host.id, is_admin=False, via="calendar")

    async def settle(self) -> bool:
        """Do what follows; False: something was changed here meanwhile, and it has to be looked at anew."""
        appointment = await self._locked()
        if appointment is None:
            return True
        if await self._own.newest() != self._suspect or not await self._renew_connection():
            return False
        if self._copy:
            await self._own.follow(self._copy)
            if self._own.event is None:  # in another account, whose reading compares it
                return True
        for finding in compare(self._suspect.standing, self._own.event):
            if not await self._follow(finding, appointment):
                break
        return True

    async def _locked(self) -> Appointment | None:
        """Lock the appointment with all it takes, or may take once it is moved; None: the host has nothing to do with
        it now."""
        try:
            (found,) = await locked_appointments.lock(
                self._conn, self._actor, self._suspect.appointment_id, counted=True, movable=True
            )
        except NotFound:
            return None
        return found

    async def _renew_connection(self) -> bool:
        """Go by what its owner has set of the connection meanwhile; answers whether it is still there."""
        source = self._own.source
        newest = await calendar_connections.get(self._conn, source.company_id, source.connection.id)
        self._own = replace(self._own, source=replace(source, connection=newest or source.connection))
        return newest is not None

    async def _follow(self, finding: Finding, appointment: Appointment) -> bool:
        """Do what follows from one finding; answers whether the appointment still takes place."""
        match finding:
            case ProposeMove(start):
                await self._move(start)
            case ShapeChanged(span):
                await self._own.write_over(span, "length")
            case MovedOnBothSides(span):
                await self._own.write_over(span, "moved")
            case GuestAnswered(answers):
                return await self._answer(answers, appointment)
            case OwnDeclined():
                return await self._cancel_if_set(appointment, "declined")
            case Deleted():
                return await self._cancel_if_set(appointment, "deleted")
        return True

    async def _move(self, start: Instant) -> None:
        standing = self._suspect.standing
        span = (start, start + (standing.end - standing.start))
        try:
            async with self._conn.transaction():
                await appointments.reschedule(
                    self._conn,
                    actor=self._actor,
                    appointment_id=self._suspect.appointment_id,
                    start=start,
                    clock=self._clock,
                )
        except Unavailable:
            raise
        except DomainError as refusal:
            await self._own.write_over(span, "moved", refusal.code)
        else:
            await self._own.note(span)

    async def _cancel_if_set(self, appointment: Appointment, reason: Reason) -> bool:
        """Cancel the appointment where its host wants that of what he deletes or declines; else he is told."""
        cancels = self._own.source.connection.cancel_if_declined_or_deleted
        if cancels:
            await self._cancel(appointment, reason)
        elif reason == "deleted":
            await self._own.forget()
            await self._own.tell(reason)
        elif await self._own.is_news():
            await self._own.tell(reason)
        return not cancels

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
            clock=self._clock,
        )
        if reason == "deleted":
            await self._own.forget()

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
            self._conn, actor=self._actor, kind="booking_updated", before=appointment, fields={}, now=self._own.now
        )
        if not self._own.source.connection.cancel_if_declined_or_deleted:
            return True
        booked = newest.booking_attendees
        leaving = [guest for guest in booked if coming.get(guest.id) == "declined"]
        if len(booked) > 1 and newest.type_spots == 1:
            return True
        for guest in leaving:
            await self._cancel(newest, "declined", guest.id)
        return len(leaving) < len(booked)
