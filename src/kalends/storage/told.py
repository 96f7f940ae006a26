"""Which revision of an appointment each recipient was last told (design section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias
from uuid import UUID

from .database import Connection
from .events import Revision

Telling: TypeAlias = tuple[UUID, UUID]  # ids of an appointment, and of a host or attendee of it


async def last_told(conn: Connection, company_id: UUID, wanted: Iterable[Telling]) -> dict[Telling, Revision]:
    """Read the revisions recipients were last told of; who was told nothing yet is left out."""
    appointments, recipients = _columns(wanted)
    cursor = await conn.execute(
        """
        SELECT t.appointment_id, t.recipient_id, e.revision, e.after, e.created_at
        FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (appointment_id, recipient_id)
        JOIN told t USING (appointment_id, recipient_id)
        JOIN event e USING (company_id, appointment_id, revision)
        WHERE t.company_id = %s
        """,
        (appointments, recipients, company_id),
    )
    return {(row[0], row[1]): Revision(*row[2:]) for row in await cursor.fetchall()}


async def record(conn: Connection, company_id: UUID, told: Mapping[Telling, int]) -> None:
    """Note the revisions recipients have now been told of; an older one than the one noted changes nothing."""
    appointments, recipients = _columns(told)
    await conn.execute(
        """
        INSERT INTO told (company_id, appointment_id, recipient_id, revision)
        SELECT %s, * FROM unnest(%s::uuid[], %s::uuid[], %s::int[])
        ON CONFLICT (company_id, appointment_id, recipient_id)
        DO UPDATE SET revision = greatest(told.revision, excluded.revision)
        """,
        (company_id, appointments, recipients, list(told.values())),
    )


def _columns(tellings: Iterable[Telling]) -> tuple[list[UUID], list[UUID]]:
    pairs = list(tellings)
    return [one for one, _ in pairs], [one for _, one in pairs]
