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
    first, last = span
    values = {
        "company": company_id,
        "appointment": appointment_id,
        "leaving": leaving,
        "coming": list(coming),
        "first": first,
        "last": last,
        "now": now,
    }
    await conn.execute(
        """
        DELETE FROM claim WHERE company_id = %(company)s AND host_no = %(leaving)s
            AND (appointment_id = %(appointment)s OR reservation_id IN (
                SELECT id FROM reservation WHERE company_id = %(company)s AND appointment_id = %(appointment)s))
        """,
        values,
    )
    taken = [Claim(host_no, first, last) for host_no in coming]
    await claims.sweep(conn, taken, now)
    owner = Owner(appointment_id=appointment_id)
    await claims.write(conn, [claims.taking(company_id=company_id, owner=owner, claims=taken)])
    await conn.execute(
        """
        INSERT INTO claim (company_id, host_no, start_at, end_at, exclusive, reservation_id, expires_at)
        SELECT company_id, coming.host_no, %(first)s, %(last)s, false, id, expires_at
        FROM reservation, unnest(%(coming)s::bigint[]) AS coming(host_no)
        WHERE company_id = %(company)s AND appointment_id = %(appointment)s AND expires_at > %(now)s
        """,
        values,
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
