"""Slot scopes: who and what a query for starts concerns, before anything taken is looked at.

Hardly anything of it ever changes, so a process keeps what it has read. Whoever uses a kept scope asks, in the
statement that reads the claims or in the one that locks the hosts, whether its edition is still the company's: then it
is what reading it in that statement would have given (`storage.editions` says why), else it is read again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from uuid import UUID

from whenever import Instant

from kalends.domain.rules import Ask, Caps, HostCalendar, Rules
from kalends.errors import NotFound
from kalends.storage import hosts, queues, reservations
from kalends.storage import slot_scopes as stored
from kalends.storage.companies import Company
from kalends.storage.database import Connection
from kalends.storage.hosts import Host
from kalends.storage.meeting_types import MeetingType
from kalends.storage.queues import QueueState
from kalends.storage.reservations import Reservation
from kalends.storage.slot_scopes import BlockingCalendar, HostHours, Scope

from . import resource_calendars, slot_rules
from .kept_rows import KeptRows
from .refusals import HostNotAllowed
from .slot_queries import LoadedResource, SlotQuery

_DAY_S = 24 * 60 * 60
# Exceptions this far around the window are read: more than any appointment with its buffers, and the days the
# engine expands on either side.
_AROUND_S = 8 * _DAY_S
# They are read for whole stretches of time, so that windows near each other are asked with the same.
_STRETCH_S = 32 * _DAY_S


@dataclass(frozen=True, slots=True)
class Asked:
    """A query of which is known who and what it concerns, but not what is taken.

    Attributes:
        edition: what it was read with; None: it is not kept.
        zone: of the type's schedule.
        moved: the appointment that is moved is of this type.
        queue: the queue that chooses among the hosts, if one does.
        rules, calendars, resources: without anything taken. The calendars stand in the order of the hosts.
        host_nos: hosts and units, whose claims matter.
        caps: of the type and of each host; none where nobody has any.
        buffers: the resources' own, in minutes before and after.
        lock_nos: host numbers that a change concerns.
        blocking: by host_no, the connected calendars that block him in this type; who has none is left out.
        weight: about how many kilobytes it takes.
    """

    edition: UUID | None
    company: Company
    meeting_type: MeetingType
    zone: str
    moved: bool
    by_queue: bool
    queue: QueueState | None
    hosts: tuple[Host, ...]
    rules: Rules
    calendars: tuple[HostCalendar, ...]
    ask: Ask
    resources: tuple[LoadedResource, ...]
    host_nos: tuple[int, ...]
    caps: tuple[Caps, ...]
    buffers: tuple[tuple[int, int], ...]
    lock_nos: frozenset[int]
    blocking: Mapping[int, tuple[BlockingCalendar, ...]]
    weight: int

    @property
    def is_capped(self) -> bool:
        """Whether a change locks the type first: its bookings are counted one after the other."""
        return self.rules.caps != Caps()

    @property
    def only_hosts(self) -> bool:
        """Whether a change locks hosts and resources only, not the type or its queue."""
        return not self.is_capped and not (self.by_queue and self.meeting_type.queue_id)


@dataclass(frozen=True, slots=True)
class Held:
    """The caller's hold, with its hosts who are still there, the main one first; never kept."""

    hold: Reservation | None = None
    hosts: tuple[Host, ...] = ()
    lock_nos: frozenset[int] = frozenset()

    def own(self, meeting_type_id: UUID) -> UUID | None:
        """Name the hold whose time is free: one of this type."""
        return self.hold.id if self.hold and self.hold.meeting_type_id == meeting_type_id else None


# Of all companies: no two share an id, nor an edition, not even in different databases. It grows to 32 MB.
_KEPT: KeptRows[Asked] = KeptRows(32_000, attrgetter("weight"))


def kept(company_id: UUID, query: SlotQuery, *, deleted: bool) -> Asked | None:
    """Find what was read of a query like this before; it counts only while its edition is the company's."""
    return None if query.existing_appointment_id else _KEPT.get(_key(company_id, query, deleted))


async def read(conn: Connection, company_id: UUID, query: SlotQuery, *, deleted: bool) -> Asked:
    """Find out who and what a query concerns, and keep it unless an appointment is moved; nothing is locked.

    One statement, and one more where the type has resources and where a queue chooses.

    Args:
        deleted: find a deleted type too.

    Raises:
        NotFound: no such meeting type, host, queue, resource or existing appointment in this company.
        HostNotAllowed: a host of the existing appointment has left.
    """
    first, last = (Instant.from_timestamp(number * _STRETCH_S) for number in _stretches(query))
    scope = await stored.scope(
        conn,
        company_id=company_id,
        meeting_type_id=query.meeting_type_id,
        host_ids=list(dict.fromkeys(query.host_ids)),
        queue=query.queue_id is not None,
        channel=query.channel,
        first=first,
        last=last,
        moved=query.existing_appointment_id,
        deleted=deleted,
    )
    if scope is None:
        raise NotFound("Meeting type not found")
    known = _known_hosts(scope, query)
    resources = resource_calendars.loaded(
        await resource_calendars.needed(conn, scope, query, first=first, last=last), scope.zone
    )
    queue_id = scope.meeting_type.queue_id
    queue = await queues.state(conn, company_id, queue_id) if scope.by_queue and queue_id else None
    found = _asked(scope, query, known, resources, queue if queue and queue.members else None)
    if found.edition and not query.existing_appointment_id:
        _KEPT.put(_key(company_id, query, deleted), found)
    return found


async def held(conn: Connection, company_id: UUID, query: SlotQuery) -> Held:
    """Find the caller's hold, alive or ended, of this type or another; no statement without one.

    Raises:
        NotFound: there is no such hold in this company.
    """
    if not query.hold_id:
        return Held()
    hold = await reservations.hold(conn, company_id, query.hold_id)
    if hold is None:
        raise NotFound("Hold not found")
    users = await hosts.by_ids(conn, company_id, hold.user_ids, live_only=True)
    present = tuple(users[host] for host in hold.host_ids if host in users)
    return Held(hold, present, frozenset(user.host_no for user in users.values()))


def _key(company_id: UUID, query: SlotQuery, deleted: bool) -> Hashable:
    """Name all of a query that decides what is read for it."""
    return (
        company_id,
        query.meeting_type_id,
        query.host_ids,
        query.queue_id,
        query.mode,
        query.required,
        query.duration,
        query.channel,
        query.resource_channel_ids,
        deleted,
        *_stretches(query),
    )


def _stretches(query: SlotQuery) -> tuple[int, int]:
    """Number the stretches of time whose exceptions are read, from 1970-01-01 on, half-open."""
    first = query.start.timestamp() - _AROUND_S
    last = query.end.timestamp() + _AROUND_S
    return first // _STRETCH_S, last // _STRETCH_S + 1


def _known_hosts(scope: Scope, query: SlotQuery) -> list[HostHours]:
    if query.queue_id and query.queue_id != scope.meeting_type.queue_id:
        raise NotFound("Queue not found")
    if query.existing_appointment_id and not scope.moved_exists:
        raise NotFound("Appointment not found")
    known = [host for host in scope.hosts if host]
    if scope.moved and len(known) < len(scope.hosts):
        raise HostNotAllowed("A host of this appointment has left; hand it over first")
    if len(known) < len(scope.hosts) or scope.unknown_hosts:
        raise NotFound("Host not found")
    return known


def _asked(
    scope: Scope,
    query: SlotQuery,
    known: list[HostHours],
    resources: tuple[LoadedResource, ...],
    queue: QueueState | None,
) -> Asked:
    rules = slot_rules.rules(scope, query)
    found = tuple(map(slot_rules.calendar, known))
    caps = (rules.caps, *(one.caps for one in found))
    choices = [choice for one in resources for choice in one.choices]
    own = [one.host.host_no for one in known]
    return Asked(
        edition=scope.edition,
        company=scope.company,
        meeting_type=scope.meeting_type,
        zone=scope.zone,
        moved=scope.moved is not None,
        by_queue=scope.by_queue,
        queue=queue,
        hosts=tuple(one.host for one in known),
        rules=rules,
        calendars=found,
        ask=slot_rules.ask(scope, query),
        resources=resources,
        host_nos=(*own, *(unit for choice in choices for unit in choice.units)),
        caps=() if caps.count(slot_rules.UNCAPPED) == len(caps) else caps,
        buffers=tuple((choice.before, choice.after) for choice in choices),
        lock_nos=frozenset([*own, *(choice.lock_no for choice in choices)]),
        blocking={one.host.host_no: slot_rules.blocking(scope, one) for one in known if one.blocking},
        weight=_weight(scope, found, resources),
    )


def _weight(scope: Scope, hosts: tuple[HostCalendar, ...], resources: tuple[LoadedResource, ...]) -> int:
    """Estimate kilobytes; whoever writes long texts into a type must not have them kept a thousand times."""
    kind, rooms = scope.meeting_type, [choice for one in resources for choice in one.calendar.choices]
    longest = (kind.meeting_info, kind.meeting_options, kind.locations, kind.ics, kind.internal_notes, kind.metadata)
    texts = repr((*longest, kind.resource_channels, kind.questions, scope.company.settings))
    units = sum(len(one.units) for one in rooms)
    schedules = [one.schedule for one in hosts] + [one.schedule for one in rooms]
    exceptions = sum(len(one.exceptions) for one in schedules)
    blocking = sum(len(one.blocking) for one in scope.hosts if one)
    return 4 + len(texts) * 3 // 1024 + len(schedules) + (units + exceptions + blocking) // 4
