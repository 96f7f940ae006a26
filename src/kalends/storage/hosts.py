"""Hosts of appointments: the users who give the meeting; position 0 is the main host."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from whenever import Instant

from . import rows
from .database import Connection
from .parts import Part


@dataclass(frozen=True, slots=True)
class Host:
    """A user as the host of something; `host_no` stays inside."""

    id: UUID
    host_no: int
    email: str
    given_name: str
    family_name: str
    slug: str
    picture: str | None
    timezone: str
    language: str

    @property
    def full_name(self) -> str:
        """Both names in the order they are spoken."""
        return f"{self.given_name} {self.family_name}".strip()


COLUMNS = "id, host_no, email, given_name, family_name, slug, picture, timezone, language"


def of_json(row: Mapping[str, Any]) -> Host:
    """Read a host out of a row that came as JSON."""
    return Host(**{**row, "id": UUID(row["id"])})


async def by_ids(
    conn: Connection, company_id: UUID, user_ids: Iterable[UUID], *, live_only: bool = False
) -> dict[UUID, Host]:
    """Find users of the company as hosts, resources and deleted ones too."""
    query = f"SELECT {COLUMNS} FROM user_account WHERE company_id = %s AND id = ANY(%s)"
    async with conn.cursor(row_factory=class_row(Host)) as cur:
        await cur.execute(query + " AND deleted_at IS NULL" * live_only, (company_id, list(user_ids)))
        return {host.id: host for host in await cur.fetchall()}


def adding(*, company_id: UUID, appointment_id: UUID, user_ids: Sequence[UUID], start: Instant) -> Part:
    """Make users, at least one, the hosts of an appointment, the main host first."""
    hosts = [
        {
            "company_id": company_id,
            "appointment_id": appointment_id,
            "user_id": user_id,
            "position": position,
            "start_at": start,
        }
        for position, user_id in enumerate(user_ids)
    ]
    return Part("hosting", *rows.insert("appointment_host", hosts))


async def keep_only(conn: Connection, *, company_id: UUID, appointment_id: UUID, user_ids: Sequence[UUID]) -> None:
    """Take all other hosts off an appointment; the first of those who stay is the main host."""
    await conn.execute(
        "DELETE FROM appointment_host WHERE company_id = %s AND appointment_id = %s AND user_id <> ALL(%s)",
        (company_id, appointment_id, list(user_ids)),
    )
    await conn.execute(
        """
        UPDATE appointment_host SET position = array_position(%s::uuid[], user_id) - 1
        WHERE company_id = %s AND appointment_id = %s
        """,
        (list(user_ids), company_id, appointment_id),
    )


async def keep_step(conn: Connection, *, company_id: UUID, appointment_id: UUID, start: Instant, live: bool) -> None:
    """Repeat the appointment's start and state beside its hosts, for lists and caps of one host."""
    await conn.execute(
        "UPDATE appointment_host SET start_at = %s, live = %s WHERE company_id = %s AND appointment_id = %s",
        (start, live, company_id, appointment_id),
    )
