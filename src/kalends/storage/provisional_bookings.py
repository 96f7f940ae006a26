"""Provisional bookings: rows of provisional_booking with their hosts and what is needed of type and company."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from psycopg.rows import scalar_row
from whenever import Instant

from kalends.domain.provisional import BookingType

from . import hosts, rows
from .database import Connection
from .hosts import Host

Status: TypeAlias = Literal["pending", "confirmed", "expired", "declined_by_host"]

COLUMNS = """company_id, id, meeting_type_id, type, then_host, status, revision, dto, host_ids, selection, start_at,
    expires_at, proved_at, client, guest_secret, host_secret, actor, reason, appointment_id, attendee_id, expired_at,
    created_at, updated_at"""


@dataclass(frozen=True, slots=True)
class BookingHost:
    """A user who is to host; `live` unless he was deleted."""

    host: Host
    user_type: str
    live: bool


@dataclass(frozen=True, slots=True)
class ProvisionalBooking:
    """One row of provisional_booking.

    Attributes:
        type: what is waited for now; `then_host`: and a host's approval after that.
        status: as stored: an expired one is `pending`; `status_at` tells them apart.
        dto: the booking's body (contract 2.5).
        selection: ``userIds``, ``selectionReason``, ``groupId`` as its queue chose; None: no queue did.
        start_at: of a series the first start.
        proved_at: when the guest showed that he reads his e-mail; None: not yet.
        client: where a guest without a credential came from.
        guest_secret: opens the guest's page; the hosts' are made of `host_secret`.
        actor: who booked, as events keep it.
        reason: why it was declined.
        appointment_id, attendee_id: what confirming made, of a series the first one.
        expired_at: when its expiry was made known.
        hosts: the main host first, deleted users included.
        meeting_info, type_slug: of the meeting type as it is now, deleted or not.
    """

    company_id: UUID
    id: UUID
    meeting_type_id: UUID
    type: BookingType
    then_host: bool
    status: Literal["pending", "confirmed", "declined_by_host"]
    revision: int
    dto: dict[str, Any]
    host_ids: list[UUID]
    selection: dict[str, Any] | None
    start_at: Instant
    expires_at: Instant
    proved_at: Instant | None
    client: str | None
    guest_secret: str
    host_secret: str
    actor: dict[str, Any]
    reason: str | None
    appointment_id: UUID | None
    attendee_id: UUID | None
    expired_at: Instant | None
    created_at: Instant
    updated_at: Instant
    meeting_info: dict[str, Any]
    type_slug: str
    company_name: str
    company_language: str
    hosts: tuple[BookingHost, ...]

    def status_at(self, now: Instant) -> Status:
        """Name the status: a pending one whose time has come is `expired`, by whichever clock."""
        over = self.expired_at is not None or self.expires_at <= now
        return "expired" if self.status == "pending" and over else self.status

    def host_secret_of(self, host_id: UUID) -> str:
        """Make the secret that stands in one host's link; each host has his own."""
        found = hmac.new(self.host_secret.encode(), host_id.bytes, hashlib.sha256).digest()
        return urlsafe_b64encode(found).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which provisional bookings are meant; None leaves a side open."""

    host_id: UUID | None = None
    meeting_type_id: UUID | None = None
    status: Status | None = None


_WHOLE = f"""
    SELECT {rows.prefixed(COLUMNS, "p")}, t.meeting_info, t.slug, c.name, c.language,
        (SELECT json_agg(host ORDER BY host.place) FROM (
            SELECT named.place, {rows.prefixed(hosts.COLUMNS, "u")}, u.user_type, u.deleted_at IS NULL AS live
            FROM unnest(p.host_ids) WITH ORDINALITY named(id, place)
            JOIN user_account u ON u.company_id = p.company_id AND u.id = named.id) host)
    FROM provisional_booking p
    JOIN meeting_type t ON t.company_id = p.company_id AND t.id = p.meeting_type_id
    JOIN company c ON c.id = p.company_id
"""


def _whole(row: Sequence[Any]) -> ProvisionalBooking:
    return ProvisionalBooking(*(*row[:-1], tuple(map(_host, row[-1]))))


def _host(row: dict[str, Any]) -> BookingHost:
    user_type, live = row.pop("user_type"), row.pop("live")
    del row["place"]
    return BookingHost(hosts.of_json(row), user_type, live)


async def get(conn: Connection, company_id: UUID, provisional_id: UUID) -> ProvisionalBooking | None:
    """Find one provisional booking of the company."""
    cursor = await conn.execute(_WHOLE + "WHERE p.company_id = %s AND p.id = %s", (company_id, provisional_id))
    row = await cursor.fetchone()
    return _whole(row) if row else None


async def of_any_company(conn: Connection, provisional_id: UUID) -> ProvisionalBooking | None:
    """Find a provisional booking for somebody who has no more than its id and a secret."""
    cursor = await conn.execute(_WHOLE + "WHERE p.id = %s", (provisional_id,))
    row = await cursor.fetchone()
    return _whole(row) if row else None


_STATUS = {
    "pending": "p.status = 'pending' AND p.expired_at IS NULL AND p.expires_at > %(now)s",
    "expired": "p.status = 'pending' AND (p.expired_at IS NOT NULL OR p.expires_at <= %(now)s)",
    "confirmed": "p.status = 'confirmed'",
    "declined_by_host": "p.status = 'declined_by_host'",
}


async def page(
    conn: Connection, company_id: UUID, only: Filter, *, limit: int, offset: int, now: Instant
) -> tuple[list[ProvisionalBooking], int]:
    """Read one page of the company's provisional bookings, the newest first, and count them all; two statements."""
    rules = ["p.company_id = %(company)s"]
    if only.host_id:
        rules.append("p.host_ids @> ARRAY[%(host)s::uuid]")
    if only.meeting_type_id:
        rules.append("p.meeting_type_id = %(type)s")
    if only.status:
        rules.append(_STATUS[only.status])
    where = " AND ".join(rules)
    values = {
        "company": company_id,
        "host": only.host_id,
        "type": only.meeting_type_id,
        "now": now,
        "limit": limit,
        "offset": offset,
    }
    cursor = await conn.execute(
        f"{_WHOLE} WHERE {where} ORDER BY p.created_at DESC, p.id DESC LIMIT %(limit)s OFFSET %(offset)s", values
    )
    found = [_whole(row) for row in await cursor.fetchall()]
    async with conn.cursor(row_factory=scalar_row) as counting:
        await counting.execute(f"SELECT count(*) FROM provisional_booking p WHERE {where}", values)
        return found, int(await counting.fetchone() or 0)


async def add(conn: Connection, row: Mapping[str, Any]) -> None:
    """Insert a provisional booking from columns."""
    await conn.execute(*rows.insert("provisional_booking", [row]))


async def change(conn: Connection, company_id: UUID, provisional_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of one provisional booking; the caller has locked it."""
    await conn.execute(*rows.update("provisional_booking", company_id, provisional_id, changes))


async def settle(
    conn: Connection, company_id: UUID, provisional_id: UUID, *, appointment_id: UUID, secret: str
) -> None:
    """Note the appointment that confirming made, and the attendee whose secret this is."""
    await conn.execute(
        """
        UPDATE provisional_booking SET appointment_id = %(appointment)s, attendee_id = (
            SELECT id FROM attendee
            WHERE company_id = %(company)s AND appointment_id = %(appointment)s AND secret = %(secret)s)
        WHERE company_id = %(company)s AND id = %(id)s
        """,
        {"company": company_id, "id": provisional_id, "appointment": appointment_id, "secret": secret},
    )


async def unproved(conn: Connection, company_id: UUID, *, client: str, host_ids: Sequence[UUID], now: Instant) -> int:
    """Count the live provisional bookings that a client made and has not proved, with the host who has most of them."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(
            """
            SELECT count(*) FROM provisional_booking p, unnest(p.host_ids) host
            WHERE p.client = %s AND p.expires_at > %s AND p.status = 'pending' AND p.proved_at IS NULL
                AND p.company_id = %s AND host = ANY(%s)
            GROUP BY host ORDER BY 1 DESC LIMIT 1
            """,
            (client, now, company_id, list(host_ids)),
        )
        return int(await cur.fetchone() or 0)


async def host_nos(conn: Connection, company_id: UUID, provisional_id: UUID) -> list[int]:
    """List the numbers of all users, resources included, whose time its reservations keep."""
    cursor = await conn.execute(
        """
        SELECT u.host_no FROM user_account u WHERE u.company_id = %(company)s AND u.id IN (
            SELECT unnest(host_ids) FROM reservation
            WHERE company_id = %(company)s AND provisional_id = %(id)s
            UNION SELECT (resource->>'resourceId')::uuid FROM reservation, jsonb_array_elements(resources) resource
            WHERE company_id = %(company)s AND provisional_id = %(id)s)
        """,
        {"company": company_id, "id": provisional_id},
    )
    return [row[0] for row in await cursor.fetchall()]


async def queue_ids(conn: Connection, company_id: UUID, provisional_id: UUID) -> list[UUID]:
    """List the queues that chose for its reservations; their ledgers change with it."""
    cursor = await conn.execute(
        """
        SELECT DISTINCT c.queue_id FROM queue_choice c
        JOIN reservation r ON r.company_id = c.company_id AND r.id = c.reservation_id
        WHERE r.company_id = %s AND r.provisional_id = %s ORDER BY c.queue_id
        """,
        (company_id, provisional_id),
    )
    return [row[0] for row in await cursor.fetchall()]


async def due(conn: Connection, now: Instant, *, limit: int) -> list[tuple[UUID, UUID]]:
    """List those whose time has come and whose expiry is not known yet, as (company_id, id)."""
    cursor = await conn.execute(
        """
        SELECT company_id, id FROM provisional_booking
        WHERE status = 'pending' AND expired_at IS NULL AND expires_at <= %s ORDER BY expires_at LIMIT %s
        """,
        (now, limit),
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]
