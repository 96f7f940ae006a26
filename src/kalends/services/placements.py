"""Placements: who hosts one start, with which rooms and things (design section 3.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from whenever import Instant

from kalends.storage.hosts import Host

from .slot_queries import Session

if TYPE_CHECKING:
    from .queues import Choice


@dataclass(frozen=True, slots=True)
class TakenUnit:
    """One unit of a resource and the time it is taken for, its own buffers included."""

    host_no: int
    channel_id: UUID
    resource_id: UUID
    name: str
    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class Placement:
    """One start, and who and what it takes.

    Attributes:
        hosts: the main host first.
        session: the group appointment, or the reservations, it has seats in; None: it stands for itself.
        choice: the queue's, where one chose.
        reservation_id: the reservation that keeps its time already.
        overlaps: availability was ignored, and something else stands there.
    """

    start: Instant
    end: Instant
    hosts: tuple[Host, ...]
    resources: tuple[TakenUnit, ...] = ()
    session: Session | None = None
    choice: Choice | None = None
    reservation_id: UUID | None = None
    overlaps: bool = False
