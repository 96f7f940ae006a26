"""Units of resources: rows of resource_unit; the first unit is the resource's own host number."""

from uuid import UUID

from .database import Connection


async def add_units(conn: Connection, company_id: UUID, user_id: UUID, capacity: int) -> None:
    """Make the units 2 to `capacity` that are not there yet.

    None is ever taken away: those beyond a capacity that was lowered keep the claims they have, and whoever looks for
    a free unit passes them over.
    """
    await conn.execute(
        """INSERT INTO resource_unit (company_id, user_id, unit)
        SELECT %s, %s, generate_series(2, %s) ON CONFLICT DO NOTHING""",
        (company_id, user_id, capacity),
    )
