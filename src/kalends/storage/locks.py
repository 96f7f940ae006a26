"""The one lock order (design section 4): meeting type, queue, one-time link, hosts and resources by number, then the
appointment or the provisional booking; nothing else, each by itself.

Every transaction that changes claims, seats or an appointment's state takes these, in this order. Each is a
statement of its own, so that what comes after it sees what it waited for (READ COMMITTED).
"""

from collections.abc import Iterable
from uuid import UUID

from . import editions
from .database import Connection, bigints, numbered


async def meeting_type(conn: Connection, company_id: UUID, meeting_type_id: UUID) -> None:
    """Lock a type that has a cap: its bookings are counted one after the other."""
    await conn.execute(
        "SELECT FROM meeting_type WHERE company_id = %s AND id = %s FOR NO KEY UPDATE", (company_id, meeting_type_id)
    )


async def queue(conn: Connection, company_id: UUID, queue_id: UUID) -> None:
    """Lock a queue, after its meeting type: its choices are made one after the other."""
    await conn.execute("SELECT FROM queue WHERE company_id = %s AND id = %s FOR NO KEY UPDATE", (company_id, queue_id))


async def meeting_types_of(conn: Connection, company_id: UUID, user_id: UUID) -> set[UUID]:
    """Lock all live types of a user, by their ids; answers them."""
    cursor = await conn.execute(
        """
        SELECT id FROM meeting_type WHERE company_id = %s AND user_id = %s AND deleted_at IS NULL
        ORDER BY id FOR NO KEY UPDATE
        """,
        (company_id, user_id),
    )
    return {row[0] for row in await cursor.fetchall()}


async def one_time_link(conn: Connection, company_id: UUID, link_id: UUID) -> None:
    """Lock a one-time link: of two bookings with it the second sees what the first one did."""
    await conn.execute(
        "SELECT FROM one_time_link WHERE company_id = %s AND id = %s FOR NO KEY UPDATE", (company_id, link_id)
    )


async def hosts(conn: Connection, host_nos: Iterable[int]) -> None:
    """Lock all hosts concerned, old and new, by their number."""
    await conn.execute(
        "SELECT FROM user_account WHERE host_no = ANY(%s) ORDER BY host_no FOR NO KEY UPDATE", (sorted(set(host_nos)),)
    )


_HOSTS_AS_OF = numbered(
    f"""
    SELECT FROM user_account WHERE host_no = ANY(%(hosts)s::bigint[]) AND {editions.SEEN} = %(edition)s
    ORDER BY host_no FOR NO KEY UPDATE
    """,
    *("hosts", "company", "edition"),
)


async def hosts_as_of(conn: Connection, company_id: UUID, edition: UUID | None, host_nos: Iterable[int]) -> bool:
    """Lock all hosts concerned, at least one, as `hosts` does, unless the company's edition is another by now.

    Returns:
        Whether they are locked; otherwise none is.
    """
    cursor = await conn.often.execute(_HOSTS_AS_OF, (bigints(set(host_nos)), company_id, edition))
    return cursor.rowcount > 0


async def users(conn: Connection, company_id: UUID, user_ids: Iterable[UUID]) -> None:
    """Lock hosts and resources known by their ids, in the order of their numbers; the same rows as `hosts`."""
    await conn.execute(
        """
        SELECT FROM user_account WHERE company_id = %s AND id = ANY(%s) ORDER BY host_no FOR NO KEY UPDATE
        """,
        (company_id, list(user_ids)),
    )


async def appointment(conn: Connection, company_id: UUID, appointment_id: UUID) -> None:
    """Lock one appointment, after its hosts."""
    await conn.execute(
        "SELECT FROM appointment WHERE company_id = %s AND id = %s FOR NO KEY UPDATE", (company_id, appointment_id)
    )


async def appointments(conn: Connection, company_id: UUID, appointment_ids: Iterable[UUID]) -> None:
    """Lock several appointments by their ids, after all their hosts."""
    await conn.execute(
        "SELECT FROM appointment WHERE company_id = %s AND id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
        (company_id, list(appointment_ids)),
    )


async def provisional_booking(conn: Connection, company_id: UUID, provisional_id: UUID) -> None:
    """Lock one provisional booking, after its hosts."""
    await conn.execute(
        "SELECT FROM provisional_booking WHERE company_id = %s AND id = %s FOR NO KEY UPDATE",
        (company_id, provisional_id),
    )
