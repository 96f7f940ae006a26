"""Claims: taken time of one host or of one unit of a resource, padding included (design section 4).

The exclusion constraint is the last word on double bookings; only its violation is told as `SlotClaimed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from whenever import Instant

from . import parts, rows
from .database import Connection
from .parts import Part


class SlotClaimed(Exception):
    """Somebody else's exclusive claim overlaps this one; the transaction cannot go on."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Time taken of one host, half-open; not exclusive where a host chose to overlap, or where seats are shared."""

    host_no: int
    start: Instant
    end: Instant
    exclusive: bool = True


@dataclass(frozen=True, slots=True)
class Owner:
    """Who claims: an appointment, or a reservation until it expires.

    Attributes:
        expires_at: None for an appointment, and only there.
    """

    appointment_id: UUID | None = None
    reservation_id: UUID | None = None
    expires_at: Instant | None = None


async def sweep(conn: Connection, claims: Sequence[Claim], now: Instant) -> None:
    """Delete the expired claims that stand where claims are to be; the hosts are locked."""
    await conn.execute(
        "DELETE FROM claim WHERE host_no = ANY(%s) AND end_at > %s AND start_at < %s AND expires_at <= %s",
        (
            [claim.host_no for claim in claims],
            min(claim.start for claim in claims),
            max(claim.end for claim in claims),
            now,
        ),
    )


async def sweep_beside(conn: Connection, *, company_id: UUID, reservation_id: UUID, now: Instant) -> None:
    """Delete the expired claims that stand where a reservation has its own: of those it once shared its time with."""
    await conn.execute(
        """
        DELETE FROM claim c USING claim own
        WHERE own.company_id = %s AND own.reservation_id = %s AND c.host_no = own.host_no
            AND c.end_at > own.start_at AND c.start_at < own.end_at AND c.expires_at <= %s
        """,
        (company_id, reservation_id, now),
    )


def taking(*, company_id: UUID, owner: Owner, claims: Sequence[Claim]) -> Part:
    """Write claims, at least one; the hosts are locked, and nothing that has expired stands there."""
    taken = [
        {
            "company_id": company_id,
            "host_no": claim.host_no,
            "start_at": claim.start,
            "end_at": claim.end,
            "exclusive": claim.exclusive,
            "appointment_id": owner.appointment_id,
            "reservation_id": owner.reservation_id,
            "expires_at": owner.expires_at,
        }
        for claim in claims
    ]
    return Part("claimed", *rows.insert("claim", taken))


async def write(conn: Connection, written: Sequence[Part]) -> None:
    """Carry out parts of which one claims time.

    Raises:
        SlotClaimed: somebody else's exclusive claim overlaps one of these.
    """
    with _told():
        await parts.write(conn, written)


async def copy(conn: Connection, *, company_id: UUID, of: Owner, to: Owner, exclusive: bool) -> None:
    """Claim the same time of the same hosts and units once more; all of a group session have the same.

    Raises:
        SlotClaimed: exclusive, and an exclusive claim stands there.
    """
    await _written(
        conn,
        """
        INSERT INTO claim (company_id, host_no, start_at, end_at, exclusive, appointment_id, reservation_id, expires_at)
        SELECT company_id, host_no, start_at, end_at, %(exclusive)s, %(appointment)s, %(reservation)s, %(expires)s
        FROM claim WHERE company_id = %(company)s
            AND (appointment_id = %(of_appointment)s OR reservation_id = %(of_reservation)s)
        """,
        {
            "exclusive": exclusive,
            "company": company_id,
            "appointment": to.appointment_id,
            "reservation": to.reservation_id,
            "expires": to.expires_at,
            "of_appointment": of.appointment_id,
            "of_reservation": of.reservation_id,
        },
    )


async def assign(conn: Connection, *, company_id: UUID, reservation_id: UUID, appointment_id: UUID) -> None:
    """Let what a reservation has claimed belong to the appointment it becomes, for good and alone.

    Raises:
        SlotClaimed: it had shared its time, and an exclusive claim stands there.
    """
    await _written(
        conn,
        """
        UPDATE claim SET appointment_id = %(appointment)s, reservation_id = NULL, expires_at = NULL, exclusive = true
        WHERE company_id = %(company)s AND reservation_id = %(reservation)s
        """,
        {"appointment": appointment_id, "company": company_id, "reservation": reservation_id},
    )


async def share(conn: Connection, *, company_id: UUID, reservation_ids: Sequence[UUID]) -> None:
    """Let an appointment stand where these reservations have seats; their time stays taken."""
    await conn.execute(
        "UPDATE claim SET exclusive = false WHERE company_id = %s AND reservation_id = ANY(%s)",
        (company_id, list(reservation_ids)),
    )


async def keep(conn: Connection, *, company_id: UUID, reservation_ids: Sequence[UUID], until: Instant) -> None:
    """Let the claims of reservations live until then."""
    await conn.execute(
        "UPDATE claim SET expires_at = %s WHERE company_id = %s AND reservation_id = ANY(%s)",
        (until, company_id, list(reservation_ids)),
    )


async def release(
    conn: Connection, *, company_id: UUID, appointment_id: UUID | None = None, reservation_ids: Sequence[UUID] = ()
) -> None:
    """Give back all time an appointment, or reservations, take."""
    await conn.execute(
        "DELETE FROM claim WHERE company_id = %s AND (appointment_id = %s OR reservation_id = ANY(%s))",
        (company_id, appointment_id, list(reservation_ids)),
    )


async def of_reservations(
    conn: Connection, company_id: UUID, reservation_ids: Sequence[UUID]
) -> list[tuple[UUID, UUID, int, Instant, Instant]]:
    """Read what reservations claim, as (reservation_id, user id, host_no, start, end); of units it is the resource."""
    cursor = await conn.execute(
        """
        SELECT c.reservation_id, coalesce(n.user_id, u.id), c.host_no, c.start_at, c.end_at FROM claim c
        LEFT JOIN user_account u ON u.host_no = c.host_no
        LEFT JOIN resource_unit n ON n.host_no = c.host_no
        WHERE c.company_id = %s AND c.reservation_id = ANY(%s) ORDER BY c.host_no
        """,
        (company_id, list(reservation_ids)),
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in await cursor.fetchall()]


async def exclusive_between(
    conn: Connection, *, host_nos: Sequence[int], start: Instant, end: Instant, now: Instant
) -> list[tuple[int, Instant, Instant]]:
    """Find the claims that meet [start, end), live and are exclusive, as (host_no, start, end) by start.

    Those of all reservations are among them: one that is shared is exclusive once it is booked.
    """
    cursor = await conn.execute(
        """
        SELECT host_no, start_at, end_at FROM claim
        WHERE host_no = ANY(%s) AND end_at > %s AND start_at < %s
            AND CASE WHEN expires_at IS NULL THEN exclusive ELSE expires_at > %s END
        ORDER BY start_at
        """,
        (list(host_nos), start, end, now),
    )
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def meet_appointment(conn: Connection, *, host_no: int, start: Instant, end: Instant, moved: UUID | None) -> bool:
    """Tell whether what a host has claimed meets [start, end) itself, not only with its buffers."""
    cursor = await conn.execute(
        """
        SELECT FROM claim c
        LEFT JOIN appointment a ON a.company_id = c.company_id AND a.id = c.appointment_id
        LEFT JOIN reservation r ON r.company_id = c.company_id AND r.id = c.reservation_id
        WHERE c.host_no = %(host)s AND c.end_at > %(start)s AND c.start_at < %(end)s
            AND coalesce(a.end_at, r.end_at) > %(start)s AND coalesce(a.start_at, r.start_at) < %(end)s
            AND (%(moved)s::uuid IS NULL OR a.id IS DISTINCT FROM %(moved)s)
        LIMIT 1
        """,
        {"host": host_no, "start": start, "end": end, "moved": moved},
    )
    return cursor.rowcount > 0


async def sweep_old(conn: Connection, now: Instant) -> None:
    """Delete, for a periodic job, claims that expired over ten minutes ago, and those that ended over a day ago.

    It locks no hosts. By then nobody still books or extends what he found alive, however far apart the clocks of two
    machines are. A claim that somebody holds locked is left for the next time.
    """
    await conn.execute(
        """
        DELETE FROM claim WHERE id IN (
            SELECT id FROM claim WHERE end_at < %s OR expires_at < %s FOR UPDATE SKIP LOCKED
        )
        """,
        (now.subtract(hours=24), now.subtract(minutes=10)),
    )


async def _written(conn: Connection, query: str, values: dict[str, object]) -> None:
    with _told():
        await conn.execute(query, values)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.ExclusionViolation as error:
        raise SlotClaimed from error
