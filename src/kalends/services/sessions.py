"""Sessions: where several guests sit together, and how many seats are left (design section 3.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from kalends.storage.booked_starts import Seated

from .slot_queries import Session


def at_each_start(seated: Iterable[Seated], *, total: int, seats: int, host_ids: Sequence[UUID]) -> dict[int, Session]:
    """Find at each start the session to join: the first, in the hosts' order, with enough free seats, else the first.

    Reservations of one main host and start are one session, and belong to his appointment there, if he has one.

    Args:
        total: seats of the type.
        seats: so many are wanted.
        host_ids: the main hosts who count, in order of preference.
    """
    found: dict[tuple[int, UUID], Session] = {}
    # Appointments before reservations: these add to those.
    for one in sorted(seated, key=lambda seat: seat.appointment_id is None):
        key = one.start, one.host_ids[0]
        before = found.get(key)
        if before is None:
            found[key] = Session(one.appointment_id, tuple(one.host_ids), total, one.taken)
        else:
            found[key] = Session(before.appointment_id, before.host_ids, total, before.taken + one.taken)
    place = {host: number for number, host in reversed(list(enumerate(host_ids)))}
    best: dict[int, Session] = {}
    for (start, _), session in sorted(found.items(), key=lambda item: (item[0][0], place[item[0][1]])):
        if start not in best or (not _has_room(best[start], seats) and _has_room(session, seats)):
            best[start] = session
    return best


def _has_room(session: Session, seats: int) -> bool:
    """Tell whether so many seats are free."""
    return session.total - session.taken >= seats


def open_starts(sessions: Mapping[int, Session], seats: int) -> tuple[int, ...]:
    """List the starts at which so many seats can be had, in order."""
    return tuple(sorted(start for start, session in sessions.items() if _has_room(session, seats)))
