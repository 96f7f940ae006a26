"""Public holidays as days on which a user cannot be met."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import holidays
from whenever import Instant

from kalends.storage import availability_exceptions, users
from kalends.storage.availability_exceptions import AvailabilityException
from kalends.storage.database import Connection

from . import availabilities, exception_rows
from .actor import Actor
from .exception_rows import NewException

Country = Literal["DE", "AT", "BE", "CA", "DK", "NL", "EE", "FI", "FR", "IT", "NZ", "ES", "SE", "CH", "US"]
GermanState = Literal[
    "BW", "BY", "ST", "MV", "BB", "HE", "NW", "RP", "SL", "SN", "TH", "SH", "HH", "NI", "HB", "BE"
]  # fmt: skip


async def close(
    conn: Connection,
    *,
    actor: Actor,
    availability_id: UUID,
    year: int,
    country: Country,
    german_state: GermanState | None,
    now: Instant,
) -> Sequence[AvailabilityException]:
    """Block a year's public holidays for the user an availability belongs to; answer the exceptions of these days.

    They are the user's own, so all his availabilities close on these days (contract 2.3 answers ownerType company
    or user). Days he has blocked already keep the exception they have: a second time makes nothing.

    Raises:
        AvailabilityNotFound: the company has none such.
        NotYours: it is somebody else's, and the actor is no administrator.
    """
    # With the user, so that two of his availabilities at once do not make the days twice.
    availability = await availabilities.owned(conn, actor=actor, availability_id=availability_id, with_user=True)
    owner = await users.get(conn, actor.company_id, availability.user_id)
    if owner is None:
        raise availabilities.AvailabilityNotFound
    known = await availability_exceptions.of_owners(conn, actor.company_id, [owner.id])
    wanted = _days(year, country, german_state, owner.language)
    blocked = {row.starts: row for row in known if not row.available and row.starts == row.ends}
    rows = [
        exception_rows.row(
            NewException(False, day.isoformat(), day.isoformat(), title=title),
            actor.company_id,
            "user",
            owner.id,
            zone=availability.timezone,
            now=now,
        )
        for day, title in wanted
        if day.isoformat() not in blocked
    ]
    blocked |= {row.starts: row for row in await availability_exceptions.add(conn, rows)}
    return [blocked[day.isoformat()] for day, _ in wanted]


def _days(year: int, country: Country, german_state: GermanState | None, language: str) -> list[tuple[date, str]]:
    """List a country's public holidays in order, named in the language where the library knows it, else its own.

    Args:
        german_state: adds the state's own holidays; without meaning elsewhere than in Germany.
    """
    subdivision = german_state if country == "DE" else None
    known = holidays.country_holidays(country, subdiv=subdivision, years=year)
    named = [one for one in known.supported_languages if one.split("_")[0] == language]
    if named:
        known = holidays.country_holidays(country, subdiv=subdivision, years=year, language=named[0])
    return sorted(known.items())
