"""Placement parts: the time a placement takes, and whose turn it was, as they are written."""

from __future__ import annotations

from uuid import UUID

from whenever import Instant

from kalends.storage import claims, queue_ledger
from kalends.storage.claims import Owner
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.parts import Part

from . import overlaps, refusals
from .placements import Placement


async def take(
    conn: Connection, *, company_id: UUID, owner: Owner, placement: Placement, now: Instant, overlapping: bool = False
) -> None:
    """Claim the time of a placement's hosts and units, as `taking` says.

    Raises:
        SlotTaken: somebody else's claim stands there.
    """
    claim = await taking(
        conn, company_id=company_id, owner=owner, placement=placement, now=now, overlapping=overlapping
    )
    with refusals.of_claims():
        await claims.write(conn, [claim])


async def taking(
    conn: Connection, *, company_id: UUID, owner: Owner, placement: Placement, now: Instant, overlapping: bool = False
) -> Part:
    """Claim the time of a placement's hosts and units, who are locked; `claims.write` carries it out.

    Args:
        overlapping: where something stands the time is shared with it (`overlaps.beside`).
    """
    wanted = await overlaps.beside(conn, placement.claims, now) if overlapping else placement.claims
    if placement.expired:
        await claims.sweep(conn, wanted, now)
    return claims.taking(company_id=company_id, owner=owner, claims=wanted)


def choosing(
    kind: MeetingType,
    placement: Placement,
    *,
    appointment_id: UUID | None = None,
    reservation_id: UUID | None = None,
    expires_at: Instant | None = None,
    now: Instant,
) -> list[Part]:
    """Write the choice of a placement into the ledger of its queue, which is locked; nothing where no queue chose.

    Args:
        expires_at: of the reservation; the choice counts no longer.
    """
    if placement.choice is None or kind.queue_id is None:
        return []
    choice = queue_ledger.recording(
        company_id=kind.company_id,
        queue_id=kind.queue_id,
        choice=placement.choice,
        user_ids=[host.id for host in placement.hosts],
        start=placement.start,
        appointment_id=appointment_id,
        reservation_id=reservation_id,
        expires_at=expires_at,
        now=now,
    )
    return [choice]
