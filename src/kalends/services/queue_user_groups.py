"""Queue user groups: users of a queue who take one turn together and host together (contract 2.10)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.errors import NotFound
from kalends.storage import ids, meeting_types, queue_members, queue_user_groups, users
from kalends.storage.database import Connection
from kalends.storage.queue_members import Queue
from kalends.storage.queue_user_groups import QueueUserGroup

from . import rights
from .actor import Actor
from .queue_members import invalid_user, levelling
from .queues import QueueNotFound
from .rights import UserNotFound


class QueueUserGroupNotFound(NotFound):
    """Queue user group not found"""

    code = "queue-user-group-not-found"


async def create(conn: Connection, *, actor: Actor, queue_id: UUID, name: str, now: Instant) -> QueueUserGroup:
    """Make a group without users; it takes its turn when it has one.

    Raises:
        QueueNotFound: the company has none such.
        NotYours: the meeting type is somebody else's, and the actor is no administrator.
    """
    queue = await _locked(conn, actor, queue_id)
    group_id = ids.new_id(actor.company_id)
    row = {"company_id": actor.company_id, "id": group_id, "queue_id": queue_id, "name": name}
    async with levelling(conn, queue, now):
        await queue_user_groups.create(conn, row | {"joined_at": now, "created_at": now, "updated_at": now})
    return await _get(conn, actor, group_id)


async def update(
    conn: Connection,
    *,
    actor: Actor,
    group_id: UUID,
    columns: dict[str, Any],
    toggled: UUID | None,
    now: Instant,
) -> QueueUserGroup:
    """Change a group: name, capacity, its main host, and who is in it.

    Args:
        columns: name, capacity, main_group_host_id; the main host must be in the group after the change.
        toggled: the user who comes in, or leaves if he is in; when the main host leaves, the first of
            the others leads.

    Raises:
        QueueUserGroupNotFound: the company has none such.
        NotYours: the meeting type is somebody else's, and the actor is no administrator.
        UserNotFound: a user who is named is not the company's.
        UserNotEligible: a resource is to come in, or the main host is not in the group.
    """
    queue = await _locked(conn, actor, (await _get(conn, actor, group_id)).queue_id)
    async with levelling(conn, queue, now):
        group = await _get(conn, actor, group_id)
        inside = {user.id for user in group.users}
        if toggled:
            inside ^= {toggled}
            await _toggle(conn, group, toggled, comes=toggled in inside)
        main = columns.get("main_group_host_id", group.main_group_host_id)
        if main not in inside:
            if main and main != group.main_group_host_id:
                await _require_user(conn, actor.company_id, main)
                raise invalid_user("mainGroupHostId", "is not in the group")
            main = None
        changed = {**columns, "main_group_host_id": main, "updated_at": now}
        await queue_user_groups.change(conn, actor.company_id, group_id, changed)
    return await _get(conn, actor, group_id)


async def delete(conn: Connection, *, actor: Actor, group_id: UUID, now: Instant) -> None:
    """Take a group away; what it was chosen for stays in the ledger.

    Raises:
        QueueUserGroupNotFound: the company has none such.
        NotYours: the meeting type is somebody else's, and the actor is no administrator.
    """
    queue = await _locked(conn, actor, (await _get(conn, actor, group_id)).queue_id)
    async with levelling(conn, queue, now):
        await _get(conn, actor, group_id)
        await queue_user_groups.change(conn, actor.company_id, group_id, {"deleted_at": now, "updated_at": now})


async def _toggle(conn: Connection, group: QueueUserGroup, user_id: UUID, *, comes: bool) -> None:
    if not comes:
        await queue_user_groups.remove_user(conn, group.company_id, group.id, user_id)
        return
    if await _require_user(conn, group.company_id, user_id) == "resource":
        raise invalid_user("userId", "is a resource; resources host nothing")
    await queue_user_groups.add_user(conn, group.company_id, group.id, user_id)


async def _require_user(conn: Connection, company_id: UUID, user_id: UUID) -> str:
    found = await users.get(conn, company_id, user_id)
    if found is None:
        raise UserNotFound
    return found.user_type


async def _locked(conn: Connection, actor: Actor, queue_id: UUID) -> Queue:
    """Lock the meeting type of a queue the actor may change; `levelling` locks the queue."""
    found = await queue_members.find(conn, actor.company_id, queue_id=queue_id)
    if not found:
        raise QueueNotFound
    rights.require_own(actor, found[0].type_owner_id)
    if await meeting_types.locked(conn, actor.company_id, found[0].meeting_type_id) is None:
        raise QueueNotFound
    return found[0]


async def _get(conn: Connection, actor: Actor, group_id: UUID) -> QueueUserGroup:
    found = await queue_user_groups.find(conn, actor.company_id, group_id=group_id)
    if not found:
        raise QueueUserGroupNotFound
    return found[0]
