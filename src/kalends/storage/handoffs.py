"""Handoffs: what one host of an appointment holds goes over to others in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from whenever import Instant

from . import claims, hosts, parts
from .claims import Claim, Owner
from .database import Connection


async def reassign(
    conn: Connection,
    *,
    company_id: UUID,
    appointment_id: UUID,
    leaving: int,
    coming: Sequence[int],
    span: tuple[Instant, Instant],
    now: Instant,
) -> None:
    """Give back the time one host claims for an appointment, and for seats reserved in it, and take that of others.

    All of them are locked.

    Args:
        leaving, coming: host_nos.
        span: what is taken, buffers included.

    Raises:
        SlotClaimed: somebody else's exclusive claim stands there.
    """
    await _give_back(conn, company_id, appointment_id, leaving)
    taken = [Claim(host_no, *span) for host_no in coming]
    await claims.sweep(conn, taken, now)
    owner = Owner(appointment_id=appointment_id)
    await claims.write(conn, [claims.taking(company_id=company_id, owner=owner, claims=taken)])
    await _take_for_seats(conn, company_id, appointment_id, coming, span, now)


async def _give_back(conn: Connection, company_id: UUID, appointment_id: UUID, host_no: int) -> None:
    await conn.execute(
        """
        DELETE FROM claim WHERE company_id = %(company)s AND host_no = %(host)s
            AND (appointment_id = %(appointment)s OR reservation_id IN (
                SELECT id FROM reservation WHERE company_id = %(company)s AND appointment_id = %(appointment)s))
        """,
        {"company": company_id, "host": host_no, "appointment": appointment_id},
    )


async def _take_for_seats(
    conn: Connection,
    company_id: UUID,
    appointment_id: UUID,
    host_nos: Sequence[int],
    span: tuple[Instant, Instant],
    now: Instant,
) -> None:
    """Claim, beside the appointment itself, for the live seats reserved in it."""
    await conn.execute(
        """
        INSERT INTO claim (company_id, host_no, start_at, end_at, exclusive, reservation_id, expires_at)
        SELECT company_id, coming.host_no, %s, %s, false, id, expires_at
        FROM reservation, unnest(%s::bigint[]) AS coming(host_no)
        WHERE company_id = %s AND appointment_id = %s AND expires_at > %s
        """,
        (*span, list(host_nos), company_id, appointment_id, now),
    )


async def set_hosts(
    conn: Connection,
    *,
    company_id: UUID,
    appointment_id: UUID,
    coming: Sequence[UUID],
    user_ids: Sequence[UUID],
    start: Instant,
) -> None:
    """Write who hosts an appointment from now on, and the seats reserved in it.

    Args:
        coming: those who did not host it.
        user_ids: all of its hosts, the main host first.
    """
    added = hosts.adding(company_id=company_id, appointment_id=appointment_id, user_ids=coming, start=start)
    await parts.write(conn, [added])
    await hosts.keep_only(conn, company_id=company_id, appointment_id=appointment_id, user_ids=user_ids)
    await conn.execute(
        "UPDATE reservation SET host_ids = %s WHERE company_id = %s AND appointment_id = %s",
        (list(user_ids), company_id, appointment_id),
    )
