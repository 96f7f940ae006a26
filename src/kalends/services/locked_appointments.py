"""Locked appointments: found for whoever may see them, locked in the one order of design section 4, read again."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kalends.errors import NotFound
from kalends.storage import appointments, locks
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection

from . import cancellations, slot_rules
from .actor import Actor
from .calendars import ChangedMeanwhile


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
    conn: Connection, actor: Actor, appointment_id: UUID, *, counted: bool = False, later_ones: bool = False
) -> list[Appointment]:
    """Lock an appointment with all it takes, and read it again.

    Args:
        counted: the change may alter what a cap of the type or a queue counts, so those are locked first.
        later_ones: the later live appointments of its series too, which follow it by start.

    Raises:
        NotFound: no such appointment for the actor.
        ChangedMeanwhile: its hosts, or its series, were changed while this waited.
    """
    found = await _wanted(conn, actor, appointment_id, later_ones=later_ones)
    first = found[0]
    if counted and slot_rules.is_capped(first.type_limits):
        await locks.meeting_type(conn, first.company_id, first.meeting_type_id)
    for queue_id in sorted({one.queue_id for one in found if one.queue_id}) if counted else ():
        await locks.queue(conn, first.company_id, queue_id)
    await locks.users(conn, first.company_id, {user_id for one in found for user_id in one.user_ids})
    await locks.appointments(conn, first.company_id, [one.id for one in found])
    newest = await _wanted(conn, actor, appointment_id, later_ones=later_ones)
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


def _hosting(found: Sequence[Appointment]) -> dict[UUID, frozenset[UUID]]:
    return {one.id: one.user_ids for one in found}


async def _wanted(conn: Connection, actor: Actor, appointment_id: UUID, *, later_ones: bool) -> list[Appointment]:
    first = await seen(conn, actor, appointment_id)
    if not later_ones or first.series_id is None:
        return [first]
    later = await appointments.later_in_series(
        conn, first.company_id, first.series_id, after=first.start_at, without=first.id
    )
    guest = next((one for one in first.attendees if one.id == actor.attendee_id), None)
    if guest:
        return [first, *(one for one in later if cancellations.own_in_series(one, guest))]
    return [first, *(one for one in later if _sees(actor, one))]
