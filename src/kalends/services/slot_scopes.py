"""Slot scopes: who and what a query for starts concerns, before anything taken is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kalends.errors import NotFound
from kalends.storage import calendars, hosts, reservations
from kalends.storage.calendars import HostHours, Scope
from kalends.storage.database import Connection
from kalends.storage.hosts import Host
from kalends.storage.reservations import Reservation

from . import resource_calendars
from .refusals import HostNotAllowed
from .resource_calendars import Needed
from .slot_queries import SlotQuery

# Exceptions this far around the window are read: more than any appointment with its buffers, and the days the
# engine expands on either side.
_EXCEPTIONS_AROUND_HOURS = 8 * 24


@dataclass(frozen=True, slots=True)
class Asked:
    """A query of which is known who and what it concerns, but not what is taken."""

    scope: Scope
    hosts: tuple[HostHours, ...]
    resources: tuple[Needed, ...]
    hold: Reservation | None
    hold_hosts: tuple[Host, ...]
    hold_lock_nos: frozenset[int]

    @property
    def own_hold(self) -> UUID | None:
        """The hold whose time is free: one of this type."""
        return self.hold.id if self.hold and self.hold.meeting_type_id == self.scope.meeting_type.id else None

    @property
    def lock_nos(self) -> set[int]:
        """All host numbers a change concerns."""
        own = {one.host.host_no for one in self.hosts}
        rooms = {hours.units[0] for one in self.resources for _, hours in one.channels}
        return own | rooms | self.hold_lock_nos


async def asked(conn: Connection, company_id: UUID, query: SlotQuery, *, deleted: bool) -> Asked:
    """Find out who and what a query concerns; nothing is locked.

    Args:
        deleted: find a deleted meeting type too.

    Raises:
        NotFound: no such meeting type, host, queue, resource, hold or existing appointment in this company.
        HostNotAllowed: a host of the existing appointment has left.
    """
    first = query.start.subtract(hours=_EXCEPTIONS_AROUND_HOURS)
    last = query.end.add(hours=_EXCEPTIONS_AROUND_HOURS)
    scope = await calendars.scope(
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
    if query.queue_id and query.queue_id != scope.meeting_type.queue_id:
        raise NotFound("Queue not found")
    if query.existing_appointment_id and not scope.moved_exists:
        raise NotFound("Appointment not found")
    known = tuple(host for host in scope.hosts if host)
    if scope.moved and len(known) < len(scope.hosts):
        raise HostNotAllowed("A host of this appointment has left; hand it over first")
    if len(known) < len(scope.hosts) or scope.unknown_hosts:
        raise NotFound("Host not found")
    resources = await resource_calendars.needed(conn, scope, query, first=first, last=last)
    hold, users = None, {}
    if query.hold_id:
        hold = await reservations.hold(conn, company_id, query.hold_id)
        if hold is None:
            raise NotFound("Hold not found")
        users = await hosts.by_ids(conn, company_id, hold.user_ids, live_only=True)
    kept = tuple(users[host] for host in (hold.host_ids if hold else ()) if host in users)
    return Asked(scope, known, resources, hold, kept, frozenset(user.host_no for user in users.values()))
