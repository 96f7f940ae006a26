"""Rows that calendars are loaded from, written as they stand: reservations with their claims, queues, choices."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from whenever import Instant

from kalends.services import order_texts
from kalends.services.companies import Founded
from kalends.storage import rows
from kalends.storage.database import Connection
from tests.ordering import NOW, START, order

LATER = NOW.add(minutes=5)


async def reservation(
    conn: Connection,
    company: Founded,
    meeting_type_id: UUID,
    start: Instant = START,
    *,
    host_ids: Sequence[UUID] = (),
    minutes: int = 30,
    expires_at: Instant = LATER,
    pending: bool = False,
    claims: bool = True,
    **columns: Any,
) -> UUID:
    """Keep a start of the company's owner, or of others: a hold, or for a booking that somebody has to confirm."""
    hosts = list(host_ids or (company.user_id,))
    row = {
        "company_id": company.company_id,
        "id": uuid4(),
        "meeting_type_id": meeting_type_id,
        "host_ids": hosts,
        "start_at": start,
        "end_at": start.add(minutes=minutes),
        "expires_at": expires_at,
        "created_at": NOW,
        **columns,
    }
    if pending:
        row["provisional_id"] = await _provisional(conn, row)
    # Arrays of ids are no JSON.
    names = ", ".join(row)
    places = ", ".join("%s" for _ in row)
    await conn.execute(f"INSERT INTO reservation ({names}) VALUES ({places})", list(row.values()))
    if claims:
        await conn.execute(
            """INSERT INTO claim (company_id, host_no, start_at, end_at, reservation_id, expires_at)
            SELECT company_id, host_no, %s, %s, %s, %s FROM user_account WHERE company_id = %s AND id = ANY(%s)""",
            (start, row["end_at"], row["id"], expires_at, company.company_id, hosts),
        )
    reservation_id: UUID = row["id"]
    return reservation_id


async def _provisional(conn: Connection, kept: Mapping[str, Any]) -> UUID:
    """Keep a booking that its guest has to confirm; other tests' jobs find it when it is over."""
    number = uuid4()
    body = order_texts.dto(order(kept["meeting_type_id"], kept["start_at"], host_ids=tuple(kept["host_ids"])))
    await conn.execute(
        """INSERT INTO provisional_booking (company_id, id, meeting_type_id, type, dto, host_ids, start_at, expires_at,
            guest_secret, host_secret, actor, created_at, updated_at)
        VALUES (%s, %s, %s, 'doubleOptIn', %s, %s, %s, %s, 'g', 'h', '{}', %s, %s)""",
        (
            kept["company_id"],
            number,
            kept["meeting_type_id"],
            Jsonb(body),
            kept["host_ids"],
            kept["start_at"],
            kept["expires_at"],
            NOW,
            NOW,
        ),
    )
    return number


async def queue(
    conn: Connection,
    company: Founded,
    meeting_type_id: UUID,
    user_ids: Sequence[UUID],
    *,
    fixed: Sequence[UUID] = (),
    groups: Sequence[Sequence[UUID]] = (),
    **columns: Any,
) -> UUID:
    """Give a type a queue of users, in their order, then groups; the first of a group leads it."""
    own = {"company_id": company.company_id, "id": uuid4(), "created_at": NOW, "updated_at": NOW}
    queue_id = own["id"]
    await conn.execute(*rows.insert("queue", [own | {"meeting_type_id": meeting_type_id, **columns}]))
    await conn.execute("UPDATE meeting_type SET queue_id = %s WHERE id = %s", (queue_id, meeting_type_id))
    members = [
        {
            "company_id": company.company_id,
            "queue_id": queue_id,
            "user_id": user,
            "position": place,
            "fixed": user in fixed,
            "joined_at": NOW.subtract(hours=24),
        }
        for place, user in enumerate([*user_ids, *fixed])
    ]
    if members:
        await conn.execute(*rows.insert("queue_user", members))
    for place, users in enumerate(groups):
        await _group(conn, company, queue_id, len(members) + place, users)
    assert isinstance(queue_id, UUID)
    return queue_id


async def _group(conn: Connection, company: Founded, queue_id: object, place: int, users: Sequence[UUID]) -> None:
    group_id = uuid4()
    joined = NOW.subtract(hours=24)
    await conn.execute(
        """INSERT INTO queue_user_group (company_id, id, queue_id, name, position, main_group_host_id, joined_at,
            created_at, updated_at) VALUES (%s, %s, %s, 'Pair', %s, %s, %s, %s, %s)""",
        (company.company_id, group_id, queue_id, place, users[0], joined, joined, joined),
    )
    await conn.execute(
        """INSERT INTO queue_group_user (company_id, group_id, user_id, position)
        SELECT %s, %s, one.id, one.place FROM unnest(%s::uuid[]) WITH ORDINALITY one(id, place)""",
        (company.company_id, group_id, list(users)),
    )


async def choice(
    conn: Connection, company: Founded, queue_id: UUID, member_id: UUID, start: Instant, **columns: Any
) -> None:
    """Let a member have had a booking."""
    row = {
        "company_id": company.company_id,
        "queue_id": queue_id,
        "member_id": member_id,
        "start_at": start,
        "strategy": "simpleRoundRobin",
        "reason": "only-one",
        "created_at": NOW.subtract(hours=1),
        **columns,
    }
    names = ", ".join(row)
    await conn.execute(
        f"""INSERT INTO queue_choice ({names}, user_ids, candidates)
        VALUES ({", ".join("%s" for _ in row)}, ARRAY[%s::uuid], '[]')""",
        [*row.values(), member_id],
    )
