"""Which revision of an appointment each recipient was last told, and which one he may have been (design section 5).

A process may die, or a mail server fall silent, after a mail was handed over: nobody knows then whether it told its
revision. So that is noted before, as the one that is tried; revision 0 stands for "nothing was told yet".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import UUID

from .database import Connection
from .events import Revision

Telling: TypeAlias = tuple[UUID, UUID]  # ids of an appointment, and of a host or attendee of it


@dataclass(frozen=True, slots=True)
class Known:
    """What a recipient knows.

    Attributes:
        told: the revision a mail told him last; None: nothing yet.
        tried: the first newer one that a mail may have told him of which nobody knows what became of it.
    """

    told: Revision | None = None
    tried: Revision | None = None


async def last_told(conn: Connection, company_id: UUID, wanted: Iterable[Telling]) -> dict[Telling, Known]:
    """Read what recipients know; who was told nothing yet, for sure, is left out."""
    appointments, recipients = _columns(wanted)
    cursor = await conn.execute(
        """
        SELECT t.appointment_id, t.recipient_id, e.revision = t.revision, e.revision, e.after, e.created_at
        FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (appointment_id, recipient_id)
        JOIN told t USING (appointment_id, recipient_id)
        JOIN event e ON e.company_id = t.company_id AND e.appointment_id = t.appointment_id
            AND e.revision IN (t.revision, greatest(t.revision, t.tried))
        WHERE t.company_id = %s
        """,
        (appointments, recipients, company_id),
    )
    found: dict[Telling, Known] = {}
    for appointment_id, recipient_id, is_told, *revision in await cursor.fetchall():
        known = found.get((appointment_id, recipient_id), Known())
        changed = {"told" if is_told else "tried": Revision(*revision)}
        found[appointment_id, recipient_id] = replace(known, **changed)
    return found


async def trying(conn: Connection, company_id: UUID, told: Mapping[Telling, int]) -> None:
    """Note the revisions recipients are about to be told of; commit before the mail leaves.

    An older one that is tried stays: until a mail is sure to have left he may know either, and is told whatever is new.
    """
    if not told:  # a mail about no appointment
        return
    appointments, recipients = _columns(told)
    await conn.execute(
        """
        INSERT INTO told (company_id, appointment_id, recipient_id, revision, tried)
        SELECT %s, appointment_id, recipient_id, 0, tried
        FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS t (appointment_id, recipient_id, tried)
        ON CONFLICT (company_id, appointment_id, recipient_id)
        DO UPDATE SET tried = excluded.tried WHERE told.tried IS NULL OR told.tried <= told.revision
        """,
        (company_id, appointments, recipients, list(told.values())),
    )


async def not_told(conn: Connection, company_id: UUID, tried: Collection[Telling]) -> None:
    """Note that mails did not leave, for sure, and that nothing had been tried before them."""
    if not tried:
        return
    appointments, recipients = _columns(tried)
    await conn.execute(
        """
        UPDATE told SET tried = NULL FROM unnest(%s::uuid[], %s::uuid[]) AS these (appointment_id, recipient_id)
        WHERE told.company_id = %s AND told.appointment_id = these.appointment_id
            AND told.recipient_id = these.recipient_id
        """,
        (appointments, recipients, company_id),
    )


async def record(conn: Connection, company_id: UUID, told: Mapping[Telling, int]) -> None:
    """Note the revisions recipients have now been told of; an older one than the one noted changes nothing."""
    if not told:
        return
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
