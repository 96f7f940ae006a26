"""Handoff candidates: who could take an appointment over (contract 2.9).

Whoever takes it over must be open and free then. Ladder, notice, booking window and caps are not asked: they say what
guests are offered, and the guest has his appointment already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.domain.explain import explain
from kalends.domain.rules import Ask, Rules
from kalends.errors import DomainError, Invalid
from kalends.storage import queue_user_groups, queues, users
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection
from kalends.storage.users import User

from . import appointments, calendars
from .actor import Actor
from .queue_members import invalid_user
from .queue_user_groups import QueueUserGroupNotFound
from .queues import QueueNotFound
from .refusals import HostNotAllowed, OutsideHours, SlotTaken
from .rights import UserNotFound
from .slot_queries import SlotQuery

MOST_USERS = 1000  # of a company that are shown


class AlreadyHost(Invalid):
    """This user hosts the appointment already."""

    code = "already-host"


@dataclass(frozen=True, slots=True)
class Target:
    """To whom an appointment goes: exactly one of a user, whom a queue chooses, and a group."""

    user_id: UUID | None = None
    queue_id: UUID | None = None
    group_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A user of the company, and whether he could take an appointment over."""

    user: User
    available: bool


@dataclass(frozen=True, slots=True)
class Team:
    """Users who take it over together, the main host first; `member_id` is the queue's."""

    member_id: UUID
    user_ids: tuple[UUID, ...]


async def available(conn: Connection, *, actor: Actor, appointment_id: UUID | None, now: Instant) -> list[Candidate]:
    """List the company's users, oldest first, and whether each could take the appointment over; of none, all could.

    Raises:
        NotFound: no such appointment for the actor.
    """
    found, _ = await users.page(conn, actor.company_id, user_type=None, limit=MOST_USERS, offset=0)
    people = [user for user in found if user.user_type != "resource"]
    if appointment_id is None:
        return [Candidate(user, True) for user in people]
    appointment = await appointments.get(conn, actor=actor, appointment_id=appointment_id)
    hosting = {host.id for host in appointment.hosts}
    others = [user.id for user in people if user.id not in hosting]
    refusals = (await asked(conn, appointment, others, now))[1] if others else {}
    return [Candidate(user, user.id not in hosting and refusals[user.id] is None) for user in people]


async def teams(conn: Connection, company_id: UUID, target: Target, appointment: Appointment) -> list[Team]:
    """Find who could take it over, at least one team, whether free or not.

    Raises:
        UserNotFound, QueueNotFound, QueueUserGroupNotFound: the company has none such.
        AlreadyHost: the target hosts it already.
        UserNotEligible: the target is a resource.
        HostNotAllowed: queue or group have nobody who could.
    """
    hosting = {host.id for host in appointment.hosts}
    if target.queue_id:
        state = await queues.state(conn, company_id, target.queue_id)
        if state is None:
            raise QueueNotFound
        found = [Team(one.id, one.user_ids) for one in state.members if hosting.isdisjoint(one.user_ids)]
    else:
        one = await (_group(conn, company_id, target.group_id) if target.group_id else _user(conn, company_id, target))
        if not hosting.isdisjoint(one.user_ids):
            raise AlreadyHost
        found = [one] if one.user_ids else []
    if not found:
        raise HostNotAllowed("Nobody is there who could take this appointment over")
    return found


async def _user(conn: Connection, company_id: UUID, target: Target) -> Team:
    user = await users.get(conn, company_id, target.user_id) if target.user_id else None
    if user is None:
        raise UserNotFound
    if user.user_type == "resource":
        raise invalid_user("userId", "is a resource; resources host nothing")
    return Team(user.id, (user.id,))


async def _group(conn: Connection, company_id: UUID, group_id: UUID) -> Team:
    found = await queue_user_groups.find(conn, company_id, group_id=group_id)
    if not found:
        raise QueueUserGroupNotFound
    main = found[0].main_group_host_id
    return Team(group_id, tuple(sorted((user.id for user in found[0].users), key=lambda one: one != main)))


async def asked(
    conn: Connection, appointment: Appointment, user_ids: Iterable[UUID], now: Instant
) -> tuple[Rules, dict[UUID, type[DomainError] | None]]:
    """Ask the engine which of two rules keeps each user from hosting an appointment; None: neither does."""
    query = SlotQuery(
        meeting_type_id=appointment.meeting_type_id,
        start=appointment.start_at,
        end=appointment.start_at.add(minutes=1),
        host_ids=tuple(user_ids),
        duration=int((appointment.end_at - appointment.start_at).total("minutes")),
        channel=appointment.channel,
    )
    loaded = await calendars.load(conn, appointment.company_id, query, now, deleted=True)
    explained = explain(loaded.rules, loaded.calendars, Ask(), appointment.start_at, now)
    found: dict[UUID, type[DomainError] | None] = {}
    for host, steps in zip(loaded.hosts, explained.hosts, strict=True):
        passed = {step.code: step.passed for step in steps}
        found[host.id] = (
            OutsideHours if not passed["outside-hours"] else SlotTaken if not passed["slot-occupied"] else None
        )
    return loaded.rules, found
