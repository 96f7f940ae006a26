"""Locked appointments: found for whoever may see them, locked in the one order of design section 4, read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias
from uuid import UUID

from kalends.errors import NotFound
from kalends.storage import appointments, locks, meeting_types
from kalends.storage.appointments import Appointment
from kalends.storage.attendees import Attendee
from kalends.storage.database import Connection

from . import guests, slot_rules
from .actor import Actor
from .calendars import ChangedMeanwhile

# Finds the guest whose series is meant; None: whatever the appointment's own series made.
WhoseSeries: TypeAlias = Callable[[Appointment], Attendee | None]


async def seen(conn: Connection, actor: Actor, appointment_id: UUID) -> Appointment:
    """Find an appointment the actor may see, without a lock.

    Raises:
        NotFound: there is none for him.
    """
    found = await appointments.get(conn, actor.company_id, appointment_id)
    if found is None or not _sees(actor, found):
        raise NotFound("Appointment not found")
    return found


def _sees(actor: Actor, appointment: Appointment) -> bool:
    if actor.attendee_id:
        return any(one.id == actor.attendee_id for one in appointment.attendees)
    return actor.is_admin or any(host.id == actor.user_id for host in appointment.hosts)


async def lock(
    conn: Connection,
    actor: Actor,
    appointment_id: UUID,
    *,
    counted: bool = False,
    movable: bool = False,
    later_of: WhoseSeries | None = None,
) -> list[Appointment]:
    """Lock an appointment with all it takes, and read it again.

    Args:
        counted: the change may alter what a cap of the type or a queue counts, so those are locked first.
        movable: it may get other rooms of its type, so those are locked too, before it is.
        later_of: the later live appointments of a series too, which follow it by start.

    Raises:
        NotFound: no such appointment for the actor.
        DomainError: as `later_of`.
        ChangedMeanwhile: its hosts, or its series, were changed while this waited.
    """
    found = await _wanted(conn, actor, appointment_id, later_of)
    first = found[0]
    if counted and slot_rules.is_capped(first.type_limits):
        await locks.meeting_type(conn, first.company_id, first.meeting_type_id)
    for queue_id in sorted({one.queue_id for one in found if one.queue_id}) if counted else ():
        await locks.queue(conn, first.company_id, queue_id)
    rooms = await _rooms(conn, first) if movable else frozenset()
    await locks.users(conn, first.company_id, rooms.union(*(one.user_ids for one in found)))
    await locks.appointments(conn, first.company_id, [one.id for one in found])
    newest = await _wanted(conn, actor, appointment_id, later_of)
    if not _hosting(newest).items() <= _hosting(found).items():  # one fewer is one that was cancelled
        raise ChangedMeanwhile(retry_after_s=1)
    return newest


async def again(conn: Connection, actor: Actor, before: Appointment) -> Appointment:
    """Read an appointment that is locked by now.

    Raises:
        ChangedMeanwhile: its hosts were changed before it was locked.
    """
    newest = await seen(conn, actor, before.id)
    if _hosting([newest]) != _hosting([before]):
        raise ChangedMeanwhile(retry_after_s=1)
    return newest


async def _rooms(conn: Connection, appointment: Appointment) -> frozenset[UUID]:
    """Find the rooms and things that an appointment with some may have after a move."""
    if not appointment.resources:
        return frozenset()
    kind = await meeting_types.get(conn, appointment.company_id, appointment.meeting_type_id, deleted=True)
    return frozenset(UUID(channel["resourceId"]) for channel in kind.resource_channels) if kind else frozenset()


def _hosting(found: Sequence[Appointment]) -> dict[UUID, frozenset[UUID]]:
    return {one.id: one.user_ids for one in found}


async def _wanted(
    conn: Connection, actor: Actor, appointment_id: UUID, later_of: WhoseSeries | None
) -> list[Appointment]:
    first = await seen(conn, actor, appointment_id)
    return [first, *(await _later(conn, actor, first, later_of(first)) if later_of else ())]


async def _later(conn: Connection, actor: Actor, first: Appointment, guest: Attendee | None) -> list[Appointment]:
    """List the later dates of a guest's series, or those of the appointment's own, which the actor may see."""
    since = first.start_at
    if guest:
        found = [one for one, _ in await guests.other_dates(conn, first, guest, since=since)]
    elif first.series_id:
        found = await appointments.made_by_series(
            conn, first.company_id, first.series_id, since=since, without=first.id
        )
    else:
        found = []
    return [one for one in found if actor.attendee_id or _sees(actor, one)]
