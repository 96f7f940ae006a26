"""Handoffs: somebody else gives an appointment that stays where it is (contract 2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.domain.assignment import Choice
from kalends.domain.rules import Rules
from kalends.ports import Clock
from kalends.storage import handoffs, hosts, locks, parts, queue_ledger, queue_members, queues
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection
from kalends.storage.hosts import Host

from . import appointments, handoff_candidates, refusals, revisions
from . import queues as queue_service
from .actor import Actor
from .calendars import ChangedMeanwhile
from .handoff_candidates import Target, Team
from .queues import QueueNotFound
from .refusals import OutsideHours, SlotTaken


async def hand_over(
    conn: Connection, *, actor: Actor, appointment_id: UUID, target: Target, clock: Clock
) -> Appointment:
    """Put somebody else in the place of the acting user where he hosts the appointment, else of its main host.

    Locks the queues that count it, before and after, all hosts and candidates, the appointment.

    Raises:
        NotFound: no such appointment for the actor, or no such user, queue or group in his company.
        AlreadyCancelled, AlreadyOver
        AlreadyHost: the target hosts it already.
        UserNotEligible: the target is a resource.
        HostNotAllowed: queue or group have nobody who could.
        OutsideHours, SlotTaken: the target is not open or not free then; of a queue, nobody is.
        ChangedMeanwhile: hosts, queue or group were changed while this waited.
    """
    before, teams = await _locked(conn, actor, appointment_id, target)
    now = clock()
    appointments.check_ahead(before, now)
    people = {user_id for team in teams for user_id in team.user_ids}
    rules, refused = await handoff_candidates.asked(conn, before, people, now)
    free = [team for team in teams if not any(refused[user_id] for user_id in team.user_ids)]
    if not free:
        raise SlotTaken if SlotTaken in refused.values() else OutsideHours
    leaving = next((host for host in before.hosts if host.id == actor.user_id), before.hosts[0])
    if leaving == before.hosts[0]:  # whom a queue has chosen is the main host
        await queue_ledger.drop(conn, actor.company_id, appointment_id=before.id)
    choice = await _choose(conn, before, target, free, now) if target.queue_id else None
    team = next(team for team in free if choice is None or team.member_id == choice.member_id)
    user_ids = await _replace(conn, before, rules, leaving, team, now)
    fields: dict[str, Any] = {"sequence": before.sequence + 1}
    if choice and target.queue_id:
        fields["queue_id"] = target.queue_id
        await _record(conn, before, target.queue_id, choice, user_ids, now)
    return await revisions.write(conn, actor=actor, kind="booking_handed_over", before=before, fields=fields, now=now)


async def _locked(
    conn: Connection, actor: Actor, appointment_id: UUID, target: Target
) -> tuple[Appointment, list[Team]]:
    """Lock all that is concerned, then read again what was found before."""

    async def look() -> tuple[Appointment, list[Team], set[UUID]]:
        found = await appointments.get(conn, actor=actor, appointment_id=appointment_id)
        counted = await queue_ledger.of_appointment(conn, actor.company_id, appointment_id)
        return found, await handoff_candidates.teams(conn, actor.company_id, target, found), counted

    def users(found: Appointment, teams: Sequence[Team]) -> set[UUID]:
        return {user_id for team in teams for user_id in team.user_ids} | {host.id for host in found.hosts}

    found, teams, counted = await look()
    for queue_id in sorted(counted | ({target.queue_id} if target.queue_id else set())):
        await locks.queue(conn, actor.company_id, queue_id)
    locked = users(found, teams)
    await locks.users(conn, actor.company_id, locked)
    await locks.appointment(conn, actor.company_id, appointment_id)
    found, teams, still_counted = await look()
    if not users(found, teams) <= locked or counted != still_counted:
        raise ChangedMeanwhile(retry_after_s=1)
    return found, teams


async def _choose(conn: Connection, before: Appointment, target: Target, free: Sequence[Team], now: Instant) -> Choice:
    assert target.queue_id
    state = await queues.state(conn, before.company_id, target.queue_id)
    found = await queue_members.find(conn, before.company_id, queue_id=target.queue_id)
    if state is None or not found:
        raise QueueNotFound
    return await queue_service.choose(
        conn,
        company_id=before.company_id,
        state=state,
        free=[team.member_id for team in free],
        start=before.start_at,
        zone=found[0].zone,
        now=now,
    )


async def _replace(
    conn: Connection, before: Appointment, rules: Rules, leaving: Host, team: Team, now: Instant
) -> list[UUID]:
    """Let a team host in somebody's place; answer all hosts, the main host first."""
    coming = await hosts.by_ids(conn, before.company_id, team.user_ids)
    place = before.hosts.index(leaving)
    staying = [host.id for host in before.hosts]
    user_ids = [*staying[:place], *team.user_ids, *staying[place + 1 :]]
    with refusals.of_claims():
        await handoffs.reassign(
            conn,
            company_id=before.company_id,
            appointment_id=before.id,
            leaving=leaving.host_no,
            coming=[host.host_no for host in coming.values()],
            span=slots.padded(rules, before.start_at),
            now=now,
        )
    await handoffs.set_hosts(
        conn,
        company_id=before.company_id,
        appointment_id=before.id,
        coming=team.user_ids,
        user_ids=user_ids,
        start=before.start_at,
    )
    return user_ids


async def _record(
    conn: Connection, before: Appointment, queue_id: UUID, choice: Choice, user_ids: Sequence[UUID], now: Instant
) -> None:
    """Count the appointment for whom a queue has chosen."""
    chosen = queue_ledger.recording(
        company_id=before.company_id,
        queue_id=queue_id,
        choice=choice,
        user_ids=user_ids,
        start=before.start_at,
        appointment_id=before.id,
        now=now,
    )
    await parts.write(conn, [chosen])
