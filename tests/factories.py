"""Companies, users and meeting types for tests, made by the services themselves."""

from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from whenever import Instant

from kalends.services import availabilities, companies, meeting_types, users
from kalends.services.actor import Actor
from kalends.services.availabilities import NewAvailability
from kalends.services.companies import Founded
from kalends.services.exception_rows import NewException
from kalends.services.users import NewUser
from kalends.storage import users as users_storage
from kalends.storage.availabilities import Availability
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.users import User

_numbers = count(1)


async def company(conn: Connection, *, timezone: str = "Europe/Berlin", now: Instant | None = None) -> Founded:
    """Make a company whose owner Ada Roth works Monday to Friday 08:00–17:00."""
    return await companies.create(
        conn,
        company="Acme",
        email=f"owner{next(_numbers)}@acme.test",
        given_name="Ada",
        family_name=f"Roth {uuid4().hex[:12]}",  # keeps slugs of parallel tests from waiting for each other
        timezone=timezone,
        now=now or Instant.now(),
    )


def actor(founded: Founded, user_id: UUID | None = None, *, is_admin: bool | None = None) -> Actor:
    """Make the actor of a company's platform key: its owner, or another user (no admin unless said)."""
    return Actor(
        company_id=founded.company_id,
        user_id=user_id or founded.user_id,
        is_admin=user_id is None if is_admin is None else is_admin,
        via="key",
    )


async def user(conn: Connection, founded: Founded, *, now: Instant | None = None, **fields: Any) -> users.Created:
    """Add a user to the company; `fields` are those of `NewUser`."""
    number = next(_numbers)
    values = {
        "email": f"user{number}@acme.test",
        "given_name": "Ben",
        "family_name": f"Vogt {uuid4().hex[:12]}",
        **fields,
    }
    return await users.create(conn, actor=actor(founded), new=NewUser(**values), now=now or Instant.now())


async def meeting_type(
    conn: Connection, of: Founded | User, *, now: Instant | None = None, **fields: Any
) -> MeetingType:
    """Add a meeting type to a company's owner or a user.

    Args:
        fields: columns of meeting_type; `meeting_info` and `meeting_options` may be partial.
    """
    user_id = of.user_id if isinstance(of, Founded) else of.id
    fields["meeting_info"] = {"name": "Talk", **fields.get("meeting_info", {})}
    return await meeting_types.add(
        conn, company_id=of.company_id, user_id=user_id, created_by=user_id, fields=fields, now=now or Instant.now()
    )


async def availability(
    conn: Connection,
    of: Founded | User,
    *,
    timezone: str = "Europe/Berlin",
    schedule: dict[str, Any] | None = None,
    exceptions: Sequence[NewException] = (),
    now: Instant | None = None,
) -> Availability:
    """Add an availability to a company's owner or a user; `schedule` is the contract's object with all seven days."""
    owner = await users_storage.get(conn, of.company_id, of.user_id if isinstance(of, Founded) else of.id)
    assert owner
    new = NewAvailability("Hours", timezone, schedule or availabilities.default_schedule(), exceptions)
    return await availabilities.add(conn, owner=owner, new=new, now=now or Instant.now())
