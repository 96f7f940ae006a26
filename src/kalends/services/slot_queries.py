"""Slot queries: which starts are asked for, and everything that was read to answer (design section 3.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from whenever import Instant

from kalends.domain.rules import Ask, HostCalendar, Mode, Resource, Rules
from kalends.domain.spans import Span
from kalends.storage.companies import Company
from kalends.storage.hosts import Host
from kalends.storage.meeting_types import MeetingType
from kalends.storage.queues import QueueState
from kalends.storage.reservations import Reservation

from .freshness import Freshness


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """Which starts are asked for.

    Attributes:
        host_ids: none: all of the type's queue where it has members, else the meeting type's owner.
        queue_id: the type's queue; all its members are considered, whatever host_ids say.
        mode: None: `everyone` for the hosts of the appointment that is moved, else `anyone`.
        required: so many of the hosts, whatever the mode.
        duration: minutes; None: as the type says.
        start, end: starts s with start ≤ s < end.
        existing_appointment_id: the appointment that is moved; its own time does not block it. It keeps hosts and
            length, whatever host_ids and duration say, where it is of this meeting type.
        channel: its hours are asked; None: those of the type's standard channel.
        resource_channel_ids: channels of the type, or users who are resources of it: all are needed. None: every
            channel without a group, and one of each group.
        hold_id: the caller's own hold; its time is free for him.
        seats: how many a booking takes, in types with more than one.
        hide_group_appointments: appointments with free seats are not offered to join.
    """

    meeting_type_id: UUID
    start: Instant
    end: Instant
    host_ids: tuple[UUID, ...] = ()
    queue_id: UUID | None = None
    mode: Mode | None = None
    required: int | None = None
    duration: int | None = None
    existing_appointment_id: UUID | None = None
    channel: str | None = None
    resource_channel_ids: tuple[UUID, ...] = ()
    hold_id: UUID | None = None
    seats: int = 1
    hide_group_appointments: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A group appointment, or the reservations that stand where none is yet.

    Attributes:
        appointment_id: None: there are reservations only.
        host_ids: the main host first.
        total: seats there are.
        taken: seats of live attendees and live reservations.
    """

    appointment_id: UUID | None
    host_ids: tuple[UUID, ...]
    total: int
    taken: int


@dataclass(frozen=True, slots=True)
class ResourceChoice:
    """One room or thing that may be taken.

    Attributes:
        lock_no: the host_no of its user, whose row guards all its units.
        before, after: its own buffers, in minutes.
        units: their host_nos, lowest first.
    """

    channel_id: UUID
    resource_id: UUID
    name: str
    lock_no: int
    before: int
    after: int
    units: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LoadedResource:
    """A resource that is needed: one of the choices, which stand as in the calendar's."""

    calendar: Resource
    choices: tuple[ResourceChoice, ...]


@dataclass(frozen=True, slots=True)
class CalendarEvents:
    """What blocks a host in one calendar he has connected: sorted spans in epoch minutes."""

    connection_id: UUID
    calendar_id: UUID
    spans: Sequence[Span]


@dataclass(frozen=True, slots=True)
class ConnectedCalendars:
    """The connected calendars that block a host in one meeting type.

    Attributes:
        freshness: of their connections.
        events: of each of them that has any.
        spans: what counts as busy, sorted.
        unknown: it is not known what stands in them then (epoch minutes), and the company does not offer time that may
            be taken: it counts as busy.
    """

    freshness: tuple[Freshness, ...]
    events: tuple[CalendarEvents, ...]
    spans: Sequence[Span]
    unknown: Span | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything about one query; `calendars` stand in the order of `hosts`.

    Attributes:
        hosts: a member of several teams of a queue may stand here twice.
        queue: the queue that chooses, if one does; not for an appointment that is moved.
        team_members: the queue's member for each place of `ask.teams`.
        sessions: by start, in epoch minutes, also those with too few free seats; only at `rules.sessions` can one
            join. None where they are hidden.
        resources: all are needed.
        hold: the caller's hold, alive or ended, of this type or another; its time is free where it is of this one.
        hold_hosts: its hosts who are still there, the main host first.
        connected: by host, the calendars he has connected; who has none is left out.
        edition: the company's, in the statement that read the claims; None: unknown.
        expired: claims that have expired stand somewhere in the window; without any, nothing has to be swept.
    """

    company: Company
    meeting_type: MeetingType
    hosts: tuple[Host, ...]
    rules: Rules
    calendars: tuple[HostCalendar, ...]
    ask: Ask
    queue: QueueState | None = None
    team_members: tuple[UUID, ...] = ()
    sessions: Mapping[int, Session] = field(default_factory=dict)
    resources: tuple[LoadedResource, ...] = ()
    hold: Reservation | None = None
    hold_hosts: tuple[Host, ...] = ()
    expired: bool = False
    connected: Mapping[UUID, ConnectedCalendars] = field(default_factory=dict)
    edition: UUID | None = None

    @property
    def zone(self) -> str:
        """The zone of the type's schedule, where caps and periods are counted."""
        return self.rules.zone

    @property
    def resource_calendars(self) -> tuple[Resource, ...]:
        """What the engine is asked with, in the order of `resources`."""
        return tuple(one.calendar for one in self.resources)
