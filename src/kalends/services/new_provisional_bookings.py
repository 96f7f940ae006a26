"""New provisional bookings: who has to confirm an order first, and its time kept until then (contract 2.6)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.provisional import BookingType
from kalends.errors import Invalid
from kalends.storage import ids, provisional_bookings
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType

from . import changes, order_texts, provisional_changes, reservations
from .actor import Actor
from .company_settings import CompanySettings
from .orders import SECRET_BYTES, Order
from .outcomes import Pending
from .placements import Placement
from .slot_queries import Loaded

UNPROVED_MINUTES = 30  # so long an e-mail address may go unproved
UNPROVED_AT_ONCE = 3  # for each client address and host


class TooManyUnconfirmed(Invalid):
    """Confirm the bookings you asked for first; the links are in your e-mails."""

    code = "too-many-unconfirmed"


def needed(kind: MeetingType, settings: CompanySettings, order: Order) -> BookingType | None:
    """Say who has to confirm an order first; None: it is booked at once.

    The type decides, or the company where the type leaves it to it. Nobody is asked where availability is ignored,
    and nobody who has no e-mail address can confirm one.
    """
    return next(iter(_steps(kind, settings, order)), None)


def _steps(kind: MeetingType, settings: CompanySettings, order: Order) -> list[BookingType]:
    if order.ignore_availability:
        return []
    opt_in = _asked(kind, "doubleOptIn", settings.double_opt_in) and bool(order.attendee.email)
    approval = _asked(kind, "requireHostConfirmation", settings.require_host_confirmation)
    steps: list[BookingType] = ["doubleOptIn"] if opt_in else []
    return [*steps, "requireHostConfirmation"] if approval else steps


def _asked(kind: MeetingType, option: BookingType, companys: bool) -> bool:
    said = kind.meeting_options.get(option) or "useCompanySettings"
    return companys if said == "useCompanySettings" else said == "enabled"


async def write(
    conn: Connection,
    *,
    actor: Actor,
    order: Order,
    loaded: Loaded,
    placements: Sequence[Placement],
    needed: BookingType,
    settings: CompanySettings,
    now: Instant,
) -> Pending:
    """Keep the time of a checked order until it is confirmed; all its placements concern is locked.

    Raises:
        TooManyUnconfirmed: the client has not confirmed what it asked of one of these hosts before.
        SlotTaken: somebody else's claim stands there.
    """
    start = min(one.start for one in placements)
    proved = needed == "requireHostConfirmation" and actor.client is None
    expires_at = expiry(now, settings, start, proved=proved)
    row = _columns(actor, order, loaded.meeting_type, placements) | {
        "type": needed,
        "then_host": len(_steps(loaded.meeting_type, settings, order)) > 1,
        "start_at": start,
        "expires_at": expires_at,
        "proved_at": now if proved else None,
        "created_at": now,
        "updated_at": now,
    }
    company_id, provisional_id = row["company_id"], row["id"]
    await _check_waiting(conn, actor, row["host_ids"], now)
    await provisional_bookings.add(conn, row)
    for one in placements:
        await reservations.reserve(
            conn,
            loaded=loaded,
            placement=one,
            seats=order.attendee.seats,
            provisional_id=provisional_id,
            expires_at=expires_at,
            now=now,
        )
    spans = [(one.start, one.end) for one in placements]
    await provisional_changes.created(conn, actor, company_id, provisional_id, spans, now)
    return Pending(needed, provisional_id)


def _columns(actor: Actor, order: Order, kind: MeetingType, placements: Sequence[Placement]) -> dict[str, Any]:
    """Name what is asked for, of whom and by whom, and the secrets with which that is confirmed."""
    return {
        "company_id": kind.company_id,
        "id": ids.new_id(kind.company_id),
        "meeting_type_id": kind.id,
        "dto": order_texts.dto(order),
        "host_ids": list(dict.fromkeys(host.id for one in placements for host in one.hosts)),
        "selection": _selection(placements[0]),
        "client": actor.client,
        "guest_secret": secrets.token_urlsafe(SECRET_BYTES),
        "host_secret": secrets.token_urlsafe(SECRET_BYTES),
        "actor": changes.who(actor),
    }


async def _check_waiting(conn: Connection, actor: Actor, host_ids: Sequence[UUID], now: Instant) -> None:
    if actor.client:
        waiting = await provisional_bookings.unproved(
            conn, actor.company_id, client=actor.client, host_ids=host_ids, now=now
        )
        if waiting >= UNPROVED_AT_ONCE:
            raise TooManyUnconfirmed


def expiry(created: Instant, settings: CompanySettings, start: Instant, *, proved: bool) -> Instant:
    """Name the instant until which time is kept: never beyond the start, and not long while the e-mail is unproved."""
    minutes = settings.provisional_expiry_minutes
    return min(created.add(minutes=minutes if proved else min(minutes, UNPROVED_MINUTES)), start)


def _selection(placement: Placement) -> dict[str, object] | None:
    """Say whom a queue chose, and why, as contract 2.6 shows it; None: no queue did."""
    if placement.choice is None:
        return None
    chosen, hosts = placement.choice.member_id, [host.id for host in placement.hosts]
    return {
        "userIds": [str(host_id) for host_id in hosts],
        "selectionReason": placement.choice.reason,
        "groupId": None if chosen in hosts else str(chosen),
    }
