"""One-time booking links: each books once (contract 2.11)."""

from __future__ import annotations

from typing import Literal, TypeAlias
from uuid import UUID

from whenever import Instant

from kalends.errors import Invalid, NotFound
from kalends.storage import ids, one_time_links
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.one_time_links import OneTimeLink
from kalends.storage.users import User

from . import meeting_types
from .actor import Actor

State: TypeAlias = Literal["free", "used", "mismatch", "unknown"]


class OneTimeLinkNotFound(NotFound):
    """One-time booking link not found"""

    code = "one-time-link-not-found"


class OneTimeLinkUsed(Invalid):
    """This one-time link has been used."""

    code = "one-time-link-used"


class OneTimeLinkMismatch(Invalid):
    """This one-time link belongs to another meeting type."""

    code = "one-time-link-mismatch"


async def create(
    conn: Connection, *, actor: Actor, meeting_type_id: UUID, now: Instant
) -> tuple[OneTimeLink, MeetingType, User]:
    """Make a link for a meeting type; answer it, the type and the type's owner.

    Raises:
        MeetingTypeNotFound: the company has none such.
        MeetingTypeNotYours: it is somebody else's, and the actor is no administrator.
    """
    kind, owner = await meeting_types.get(conn, actor=actor, meeting_type_id=meeting_type_id)
    meeting_types.require_own(actor, owner.id, "make links for this meeting type")
    return await add(conn, actor=actor, kind=kind, now=now), kind, owner


async def add(conn: Connection, *, actor: Actor, kind: MeetingType, now: Instant) -> OneTimeLink:
    """Store a new link for a type the actor may change."""
    link = OneTimeLink(ids.new_id(kind.company_id), kind.id, used=False, created_at=now)
    await one_time_links.add(
        conn,
        company_id=kind.company_id,
        link_id=link.id,
        meeting_type_id=kind.id,
        created_by=actor.user_id,
        now=now,
    )
    return link


async def check(conn: Connection, company_id: UUID, link_id: UUID, meeting_type_id: UUID, now: Instant) -> None:
    """Refuse a link, which is locked, when it cannot be booked with; `settle` has to follow in the same transaction.

    It is free again when the provisional booking made with it expired or was declined.

    Raises:
        OneTimeLinkNotFound: the company has none such.
        OneTimeLinkMismatch: it is another meeting type's.
        OneTimeLinkUsed: it was booked with.
    """
    link = await one_time_links.get(conn, company_id, link_id, now)
    if link is None:
        raise OneTimeLinkNotFound
    if link.meeting_type_id != meeting_type_id:
        raise OneTimeLinkMismatch
    if link.used:
        raise OneTimeLinkUsed


async def settle(
    conn: Connection,
    company_id: UUID,
    link_id: UUID,
    *,
    appointment_id: UUID | None = None,
    provisional_id: UUID | None = None,
) -> None:
    """Note what was booked with a link that `check` let pass: an appointment (of a series its first), or a provisional
    booking.
    """
    await one_time_links.settle(conn, company_id, link_id, appointment_id=appointment_id, provisional_id=provisional_id)


async def is_kept(conn: Connection, company_id: UUID, link_id: UUID, *, provisional_id: UUID) -> bool:
    """Tell whether a link, which is locked, is still the one of a provisional booking."""
    return await one_time_links.is_of(conn, company_id, link_id, provisional_id)


async def state(conn: Connection, company_id: UUID, link_id: UUID, *, meeting_type_id: UUID, now: Instant) -> State:
    """Say, without locking, whether a link can be booked with; for pages."""
    link = await one_time_links.get(conn, company_id, link_id, now)
    if link is None:
        return "unknown"
    if link.meeting_type_id != meeting_type_id:
        return "mismatch"
    return "used" if link.used else "free"
