"""Resource calendars: the rooms and things a meeting type may need, with hours and units, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from .database import Connection
from .slot_scopes import EXCEPTIONS, Hours

_HOURS = f"""
    SELECT asked.place, u.host_no, u.buffer_before, u.buffer_after,
        ARRAY(SELECT r.host_no FROM resource_unit r
              WHERE r.company_id = u.company_id AND r.user_id = u.id AND r.unit <= u.capacity ORDER BY r.unit),
        hours.timezone, hours.schedule::text, {EXCEPTIONS}
    FROM unnest(%(resources)s::uuid[], %(availabilities)s::uuid[]) WITH ORDINALITY asked(id, availability_id, place)
    JOIN user_account u ON u.company_id = %(company)s AND u.id = asked.id AND u.deleted_at IS NULL
        AND u.user_type = 'resource'
    LEFT JOIN availability hours ON hours.company_id = u.company_id
        AND hours.id = coalesce(asked.availability_id, u.default_availability_id)
"""


@dataclass(frozen=True, slots=True)
class ResourceHours:
    """A resource, and the hours it is open in.

    Attributes:
        before, after: its own buffers, in minutes.
        units: host_nos; the first is its user's own.
    """

    before: int
    after: int
    units: tuple[int, ...]
    hours: Hours


async def hours(
    conn: Connection,
    *,
    company_id: UUID,
    wanted: Sequence[tuple[UUID, UUID | None]],
    first: Instant,
    last: Instant,
) -> list[ResourceHours | None]:
    """Read resources in the order wanted, with the exceptions that may touch [first, last).

    Args:
        wanted: each resource with the availability that counts; None: its default one.

    Returns:
        None stands for one the company does not have.
    """
    cursor = await conn.execute(
        _HOURS,
        {
            "company": company_id,
            "resources": [resource for resource, _ in wanted],
            "availabilities": [availability for _, availability in wanted],
            "first": first,
            "last": last,
        },
    )
    found: list[ResourceHours | None] = [None] * len(wanted)
    for place, host_no, before, after, others, zone, week, exceptions in await cursor.fetchall():
        found[place - 1] = ResourceHours(before, after, (host_no, *others), Hours(zone, week, exceptions))
    return found
