"""Moves: the time of an appointment given back, and taken anew somewhere else."""

from __future__ import annotations

from typing import Any

from whenever import Instant

from kalends.storage import claims, hosts, queue_ledger, reservations
from kalends.storage.appointments import Appointment
from kalends.storage.claims import Owner
from kalends.storage.database import Connection

from . import placement_parts
from .placements import Placement


async def take_along(
    conn: Connection, before: Appointment, placement: Placement, now: Instant, ignore_availability: bool
) -> None:
    """Give back the time an appointment takes, and take the new one of all that goes with it; all are locked.

    Hosts who do not go with it are taken off; seats reserved in it stay where they are, with their time and their turn;
    its queue's choice counts where it moves to, unless whom it has chosen does not go with it.

    Args:
        ignore_availability: what stands at the new time is overlapped.

    Raises:
        SlotTaken: somebody else's claim stands there.
    """
    company_id = before.company_id
    await claims.release(conn, company_id=company_id, appointment_id=before.id)
    owner = Owner(appointment_id=before.id)
    await placement_parts.take(
        conn, company_id=company_id, owner=owner, placement=placement, now=now, overlapping=ignore_availability
    )
    await hosts.keep_step(conn, company_id=company_id, appointment_id=before.id, start=placement.start, live=True)
    if len(placement.hosts) < len(before.hosts):
        staying = [host.id for host in placement.hosts]
        await hosts.keep_only(conn, company_id=company_id, appointment_id=before.id, user_ids=staying)
    if before.queue_id and placement.hosts[0].id == before.hosts[0].id:  # whom a queue has chosen is the main host
        await queue_ledger.move(conn, company_id, before.id, placement.start, now)
    elif before.queue_id:
        await queue_ledger.unsettle(conn, company_id, before.id, now)
        await queue_ledger.drop(conn, company_id, appointment_id=before.id)
    await reservations.leave(conn, company_id, before.id)


def fields(before: Appointment, placement: Placement, now: Instant) -> dict[str, Any]:
    """List what is other of an appointment once it was moved."""
    return {
        "sequence": before.sequence + 1,
        "start_at": placement.start,
        "end_at": placement.end,
        "resources": [unit.json() for unit in placement.resources],
        "rescheduled_at": now,
        "reschedule_count": before.reschedule_count + 1,
    }
