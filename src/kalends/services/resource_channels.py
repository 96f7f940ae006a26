"""Resource channels: the rooms and things a meeting type needs (contract 2.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kalends.errors import FieldError, Invalid, NotFound
from kalends.storage import availabilities, ids, users
from kalends.storage.database import Connection
from kalends.storage.users import User

from .availabilities import AvailabilityNotFound


class ResourceNotFound(NotFound):
    """Resource not found"""

    code = "resource-not-found"


@dataclass(frozen=True, slots=True)
class NewChannel:
    """One resource of a type as it is asked for.

    Attributes:
        name: None: the resource's.
        availability_id: its hours, the resource's or the type's owner's; None: the resource's default one.
        group_name: of all channels with the same one, one is needed; None: this one always is.
        group_member_index: its turn in the group; None: its place among the group's channels.
    """

    resource_id: UUID
    name: str | None = None
    availability_id: UUID | None = None
    group_name: str | None = None
    group_member_index: int | None = None


async def stored(
    conn: Connection, owner: User, wanted: Sequence[NewChannel], before: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Write channels as meeting types keep them; in two statements.

    A resource has the id it has in `before`, so that whoever knows a channel finds it again.

    Raises:
        ResourceNotFound: the company has no such resource.
        AvailabilityNotFound: neither the resource nor the type's owner has such an availability.
        Invalid: a resource is named twice.
    """
    _once_each(wanted)
    resources = await users.by_ids(conn, owner.company_id, [one.resource_id for one in wanted])
    hours = await availabilities.shared(
        conn, owner.company_id, [one.availability_id for one in wanted if one.availability_id]
    )
    known = {channel["resourceId"]: channel["id"] for channel in before}
    members: Counter[str | None] = Counter()
    found = []
    for one in wanted:
        resource = resources.get(one.resource_id)
        if resource is None or resource.user_type != "resource":
            raise ResourceNotFound
        if one.availability_id:
            row = hours.get(one.availability_id)
            if row is None or row.user_id not in (resource.id, owner.id):
                raise AvailabilityNotFound
        index = one.group_member_index
        if index is None and one.group_name:
            index = members[one.group_name]
        found.append(
            {
                "id": known.get(str(resource.id)) or str(ids.new_id(owner.company_id)),
                "resourceId": str(resource.id),
                "name": one.name or resource.full_name,
                "availabilityId": str(one.availability_id) if one.availability_id else None,
                "groupName": one.group_name,
                "groupMemberIndex": index,
            }
        )
        members[one.group_name] += 1
    return found


def _once_each(wanted: Sequence[NewChannel]) -> None:
    """Refuse a resource in two channels: both would count on the same free unit."""
    counted = Counter(one.resource_id for one in wanted)
    wrong = [
        FieldError(f"resourceChannels.{place}.resourceId", "is named more than once")
        for place, one in enumerate(wanted)
        if counted[one.resource_id] > 1
    ]
    if wrong:
        raise Invalid("Validation failed", errors=wrong)
