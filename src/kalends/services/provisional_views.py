"""Who sees provisional bookings: hosts and administrators, and whoever holds the secret of a link (contract 2.6)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from whenever import Instant

from kalends.errors import NotFound
from kalends.storage import attendees, meeting_types, users
from kalends.storage import provisional_bookings as stored
from kalends.storage.database import Connection
from kalends.storage.provisional_bookings import Filter, ProvisionalBooking, Status

from . import rights
from .actor import Actor

LINK_LIVES_DAYS = 30  # after the start


@dataclass(frozen=True, slots=True)
class View:
    """A provisional booking as the holder of a link reached it.

    Attributes:
        side: whose link it is: a guest proves, a host confirms and declines.
        actor: who acts: the host, or the guest, who acts on no user's behalf.
        secret: of a guest, when it is confirmed: opens his page of the appointment.
    """

    booking: ProvisionalBooking
    side: Literal["guest", "host"]
    actor: Actor
    secret: str | None = None


async def get(conn: Connection, *, actor: Actor, provisional_id: UUID) -> ProvisionalBooking:
    """Find a provisional booking the actor may see: one he is to host, as an administrator any of the company.

    Raises:
        NotFound: there is none for him.
    """
    found = await stored.get(conn, actor.company_id, provisional_id)
    if found is None or not (actor.is_admin or actor.user_id in found.host_ids):
        raise NotFound("Provisional booking not found")
    return found


async def page(
    conn: Connection,
    *,
    actor: Actor,
    number: int,
    size: int,
    everybodys: bool = False,
    user_id: UUID | None = None,
    meeting_type_id: UUID | None = None,
    status: Status | None = None,
    now: Instant,
) -> tuple[list[ProvisionalBooking], int]:
    """List one page of provisional bookings (number from 0), the newest first, and count them all.

    Without `everybodys`, `user_id` and `meeting_type_id`, which are for administrators, the acting user's own.

    Raises:
        AdminsOnly: the actor is none.
        NotFound: the company has no such user or meeting type.
    """
    if everybodys or meeting_type_id or user_id not in (None, actor.user_id):
        rights.require_admin(actor)
    if user_id and await users.get(conn, actor.company_id, user_id) is None:
        raise NotFound("User not found")
    if meeting_type_id and not await meeting_types.get(conn, actor.company_id, meeting_type_id, deleted=True):
        raise NotFound("Meeting type not found")
    own = None if everybodys or meeting_type_id else actor.user_id
    only = Filter(user_id or own, meeting_type_id, status)
    return await stored.page(conn, actor.company_id, only, limit=size, offset=number * size, now=now)


async def opened_by(
    conn: Connection, provisional_id: UUID, secret: str, now: Instant, *, client: str | None = None
) -> View:
    """Open a provisional booking with the secret of a guest's or a host's link.

    Args:
        client: where whoever shows the secret comes from; needed where he is going to act.

    Raises:
        NotFound: an unknown booking, another secret, or 30 days after its start: always the same.
    """
    booking, given = await stored.of_any_company(conn, provisional_id), secret.encode("utf-8", "replace")
    if booking is None or booking.start_at.add(hours=24 * LINK_LIVES_DAYS) <= now:
        raise NotFound("Provisional booking not found")
    if hmac.compare_digest(booking.guest_secret.encode(), given):
        actor = Actor(booking.company_id, None, False, "guest", client=client)
        return View(booking, "guest", actor, await attendee_secret(conn, booking))
    for one in booking.hosts:
        if one.live and hmac.compare_digest(booking.host_secret_of(one.host.id).encode(), given):
            return View(booking, "host", Actor(booking.company_id, one.host.id, False, "page"))
    raise NotFound("Provisional booking not found")


async def attendee_secret(conn: Connection, booking: ProvisionalBooking) -> str | None:
    """Read the secret that opens the guest's page of the appointment; None: it is not confirmed."""
    if booking.attendee_id is None:
        return None
    return (await attendees.secrets(conn, booking.company_id, [booking.attendee_id])).get(booking.attendee_id)
