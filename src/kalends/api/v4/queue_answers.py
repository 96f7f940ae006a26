"""Queues and their groups as they are answered (contract 2.10 and 6.6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from kalends.domain.assignment import QueueType, Reason
from kalends.domain.caps import Period
from kalends.services.queues import Next, View
from kalends.storage.queue_ledger import LedgerEntry
from kalends.storage.queue_user_groups import QueueUserGroup as GroupRow
from kalends.storage.users import User

from .schemas import Answer, Stamp

_FACTS = {
    "memberId": "01977b2e-4c4a-7a31-9f0e-0000e8b7be43",
    "free": True,
    "count": 3,
    "baseline": 0.0,
    "capacity": 1,
    "priority": 0,
    "weight": 3.0,
    "lastChosen": "2031-03-03T09:00:00Z",
}


class UserRef(Answer):
    """A user in short."""

    id: UUID
    firstname: str = Field(examples=["Ada"])
    lastname: str = Field(examples=["Roth"])
    email: str = Field(examples=["ada@acme.test"])
    picture: str | None

    @classmethod
    def of(cls, user: User) -> UserRef:
        """Show a user."""
        return cls(
            id=user.id,
            firstname=user.given_name,
            lastname=user.family_name,
            email=user.email,
            picture=user.picture,
        )


class QueueUser(Answer):
    """A user of a queue."""

    user_id: UUID
    capacity: int = Field(examples=[1], description="His share, where the queue's type counts so.")
    priority: int = Field(description="Higher ones first; advancedRoundRobin.")
    custom_link: str | None = Field(description="Where his guests are sent; null: the type's own page.")
    fixed: bool = Field(description="Hosts beside whoever is chosen.")


class QueueUserGroup(Answer):
    """Users of a queue who take one turn together, and host together."""

    id: UUID
    name: str = Field(examples=["Sales pair"])
    capacity: int = Field(examples=[1])
    users: list[UserRef]
    user_ids: list[UUID]
    queue_id: UUID
    main_group_host: UserRef | None = Field(description="Null: the first of its users is the main host.")
    main_group_host_id: UUID | None
    created_at: Stamp
    updated_at: Stamp
    deleted_at: Stamp | None

    @classmethod
    def of(cls, row: GroupRow) -> QueueUserGroup:
        """Show a live group."""
        main = next((user for user in row.users if user.id == row.main_group_host_id), None)
        return cls(
            id=row.id,
            name=row.name,
            capacity=row.capacity,
            users=[UserRef.of(user) for user in row.users],
            user_ids=[user.id for user in row.users],
            queue_id=row.queue_id,
            main_group_host=UserRef.of(main) if main else None,
            main_group_host_id=main.id if main else None,
            created_at=row.created_at,
            updated_at=row.updated_at,
            deleted_at=None,
        )


class Queue(Answer):
    """Who takes turns in a meeting type, and how."""

    id: UUID
    meeting_type_id: UUID
    type: QueueType
    max_lead_threshold: int | None = Field(description="So many bookings ahead, a host is not offered any more.")
    distribution_period: Period = Field(examples=["month"])
    prioritize_near_term_availability: bool
    users: list[QueueUser]
    groups: list[QueueUserGroup]
    created_at: Stamp
    updated_at: Stamp

    @classmethod
    def of(cls, view: View) -> Queue:
        """Show a queue."""
        queue = view.queue
        return cls(
            id=queue.id,
            meeting_type_id=queue.meeting_type_id,
            type=queue.type,
            max_lead_threshold=queue.max_lead_threshold,
            distribution_period=queue.distribution_period,
            prioritize_near_term_availability=queue.prioritize_near_term,
            users=[QueueUser.model_validate(user) for user in view.users],
            groups=[QueueUserGroup.of(group) for group in view.groups],
            created_at=queue.created_at,
            updated_at=queue.updated_at,
        )


class NextHost(UserRef):
    """A member in his place; of a group the main host, and who hosts beside him."""

    group_id: UUID | None
    user_ids: list[UUID]
    count: int = Field(examples=[3], description="Bookings; for equalDistribution those of this period.")
    weight: float = Field(examples=[3.0], description="What decides: the least goes on.")
    reason: Reason = Field(description="What puts him before the next; `lead`: too far ahead to be offered.")


class NextHosts(Answer):
    """The rotating members in the order the next booking would choose them, were all free."""

    next_hosts: list[NextHost]

    @classmethod
    def of(cls, order: list[Next]) -> NextHosts:
        """Show who is next."""
        return cls(
            next_hosts=[
                NextHost(
                    **UserRef.of(one.users[0]).model_dump(),
                    group_id=one.member.id if one.member.kind == "group" else None,
                    user_ids=[user.id for user in one.users],
                    count=one.candidate.count,
                    weight=one.weight,
                    reason=one.reason,
                )
                for one in order
            ]
        )


class Choice(Answer):
    """One choice of the ledger."""

    id: int = Field(examples=[17])
    member_id: UUID = Field(description="The user or the group that was chosen.")
    user_ids: list[UUID] = Field(description="All hosts, those beside him included.")
    start: Stamp
    strategy: QueueType
    reason: Reason
    candidates: list[dict[str, Any]] = Field(description="The facts of all members, best first.", examples=[[_FACTS]])
    appointment_id: UUID | None = Field(description="Null while the time is only kept.")
    live: bool = Field(description="It counts; not when cancelled, declined, expired or handed over.")
    created_at: Stamp


class Ledger(Answer):
    """Choices of a queue, newest first."""

    choices: list[Choice]
    before: int | None = Field(description="Send it to read on; null: these are the last.", examples=[17])

    @classmethod
    def of(cls, entries: list[LedgerEntry], limit: int) -> Ledger:
        """Show a page of the ledger."""
        choices = [
            Choice.model_validate(
                {name: getattr(one, name) for name in Choice.model_fields if name != "start"} | {"start": one.start_at}
            )
            for one in entries
        ]
        return cls(choices=choices, before=entries[-1].id if len(entries) == limit else None)
