"""Placements: the engine's verdict on one start turned into who hosts it, and with which rooms and things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.domain import slots
from kalends.domain.assignment import Choice
from kalends.domain.rules import Bookable, Joinable, Refusal
from kalends.errors import Forbidden
from kalends.storage import claims, hosts
from kalends.storage.claims import Claim
from kalends.storage.database import Connection
from kalends.storage.hosts import Host

from . import overlaps, queues, refusals, taken_units, verification
from .actor import Actor
from .refusals import SlotTaken
from .slot_queries import Loaded, Session
from .taken_units import TakenUnit
from .verification import STORED, Verified

# What a host cannot disregard: these say what is offered at all, not when.
_INSIDE = ("meeting-type-disabled", "duration-not-allowed", "host-not-allowed")


class OverrideNotAllowed(Forbidden):
    """Only administrators may disregard availability, and hosts for themselves alone or to move what they host."""

    code = "override-not-allowed"


@dataclass(frozen=True, slots=True)
class Placement:
    """One start, and who and what it takes.

    Attributes:
        padded: the hosts' time, buffers included.
        hosts: the main host first.
        session: the group appointment, or the reservations, it has seats in; None: it stands for itself.
        choice: the queue's, where one chose; `custom_link` is the chosen member's own.
        reservation_id: the reservation that keeps its time already.
        overlaps: availability was ignored, and something else stands there.
        expired: claims that have expired may stand there, and have to go first.
    """

    start: Instant
    end: Instant
    padded: tuple[Instant, Instant]
    hosts: tuple[Host, ...]
    resources: tuple[TakenUnit, ...] = ()
    session: Session | None = None
    choice: Choice | None = None
    custom_link: str | None = None
    reservation_id: UUID | None = None
    overlaps: bool = False
    expired: bool = True

    @property
    def claims(self) -> list[Claim]:
        """The time it takes of each host and unit."""
        units = [Claim(unit.host_no, unit.start, unit.end) for unit in self.resources]
        return [*(Claim(host.host_no, *self.padded) for host in self.hosts), *units]


async def place(
    conn: Connection,
    actor: Actor,
    loaded: Loaded,
    start: Instant,
    now: Instant,
    *,
    ignore_availability: bool,
    seats: int = 1,
    moved: UUID | None = None,
    like: Placement | None = None,
    verified: Verified = STORED,
) -> Placement:
    """Ask the engine who takes this start; with `ignore_availability` the first hosts do when nobody is free.

    Everybody concerned is locked, the queue too where there is one.

    Args:
        seats: how many are needed, in a type with more than one.
        moved: the appointment that is moved; it joins no other.
        like: another start of the series; its hosts take this one too where they are free.
        verified: whose calendars were asked live.

    Raises:
        DomainError: one of `refusals.ALL`.
        Unverified: calendars of whoever would take it, or of who is said to be busy, have to be asked first.
        OverrideNotAllowed: availability is to be ignored, and the actor is neither administrator nor one of the hosts.
    """
    if like:
        loaded = _preferring(loaded, like)
    asked = tuple(one.calendar for one in loaded.resources)
    verdict = slots.check(loaded.rules, loaded.calendars, loaded.ask, start, now, resources=asked)
    if ignore_availability:
        verified = STORED
    if isinstance(verdict, Joinable):
        placed = None if moved else await _joining(conn, loaded, start)
        if placed is None:
            raise SlotTaken(reason="claimed")
    elif isinstance(verdict, Refusal) and (not ignore_availability or verdict.code in _INSIDE):
        if verdict.host is not None and verdict.reason in ("busy", "buffer"):
            verification.require(verified, loaded, [loaded.hosts[verdict.host]])
        raise refusals.error(await _told_apart(conn, loaded, verdict, start, moved))
    else:
        if 1 < loaded.meeting_type.spots < seats:
            raise SlotTaken
        placed = await _taking(conn, loaded, verdict, start, now, like)
        verification.require(verified, loaded, placed.hosts)
    if ignore_availability:
        check_override(actor, placed, moved=moved)
    return placed


def check_override(actor: Actor, placed: Placement, *, moved: UUID | None = None) -> None:
    """Let administrators disregard availability, and hosts for themselves or to move what they host.

    Args:
        moved: the appointment that is moved.

    Raises:
        OverrideNotAllowed: he is none of these.
    """
    his = [host.id == actor.user_id for host in placed.hosts]
    if not (actor.is_admin or (any(his) if moved else all(his))):
        raise OverrideNotAllowed


def _span(loaded: Loaded, start: Instant) -> tuple[Instant, Instant, tuple[Instant, Instant]]:
    """Give the start and the end of an appointment, and the time it takes with its buffers."""
    return start, start.add(minutes=loaded.rules.duration), slots.padded(loaded.rules, start)


async def _joining(conn: Connection, loaded: Loaded, start: Instant) -> Placement | None:
    session = loaded.sessions.get(start.timestamp() // 60)
    if session is None:
        return None
    known = {host.id: host for host in loaded.hosts}
    if not known.keys() >= set(session.host_ids):
        known = await hosts.by_ids(conn, loaded.meeting_type.company_id, session.host_ids)
    return Placement(*_span(loaded, start), tuple(known[host_id] for host_id in session.host_ids), session=session)


async def _taking(
    conn: Connection, loaded: Loaded, verdict: Bookable | Refusal, start: Instant, now: Instant, like: Placement | None
) -> Placement:
    """Settle who takes a start that is free, or that is taken regardless."""
    places: Sequence[int]
    choice, link = None, None
    if loaded.queue and loaded.ask.teams:
        teams = verdict.teams if isinstance(verdict, Bookable) else range(len(loaded.ask.teams))
        choice = await _chosen(conn, loaded, [loaded.team_members[team] for team in teams], start, now, like)
        places = loaded.ask.teams[_team_of(loaded, choice.member_id, teams)]
        link = next((one.custom_link for one in loaded.queue.members if one.id == choice.member_id), None)
    elif isinstance(verdict, Bookable):
        places = verdict.hosts
    else:
        places = range(loaded.ask.needed(len(loaded.hosts)))
    units = verdict.units if isinstance(verdict, Bookable) else taken_units.first_free(loaded, start)
    chosen = dict.fromkeys(loaded.hosts[place] for place in places)
    resources = tuple(
        taken_units.taken(one, *unit, start, loaded.rules.duration)
        for one, unit in zip(loaded.resources, units, strict=True)
    )
    placed = Placement(
        *_span(loaded, start), tuple(chosen), resources, choice=choice, custom_link=link, expired=loaded.expired
    )
    if isinstance(verdict, Bookable):
        return placed
    return replace(placed, overlaps=overlaps.anything(loaded, placed.claims))


async def _chosen(
    conn: Connection, loaded: Loaded, free: Sequence[UUID], start: Instant, now: Instant, like: Placement | None
) -> Choice:
    if like and like.choice and like.choice.member_id in free:
        return like.choice
    assert loaded.queue is not None
    company_id = loaded.meeting_type.company_id
    return await queues.choose(
        conn, company_id=company_id, state=loaded.queue, free=free, start=start, zone=loaded.zone, now=now
    )


def _team_of(loaded: Loaded, member_id: UUID, teams: Sequence[int]) -> int:
    return next(team for team in teams if loaded.team_members[team] == member_id)


async def _told_apart(
    conn: Connection, loaded: Loaded, refusal: Refusal, start: Instant, moved: UUID | None
) -> Refusal:
    """Tell a neighbour's buffer from his appointment, which claims and so the engine do not (contract 6.6)."""
    if refusal.reason != "claimed" or refusal.host is None:
        return refusal
    met = await claims.meet_appointment(
        conn,
        host_no=loaded.hosts[refusal.host].host_no,
        start=start,
        end=start.add(minutes=loaded.rules.duration),
        moved=moved,
    )
    return refusal if met else replace(refusal, reason="buffer")


def _preferring(loaded: Loaded, like: Placement) -> Loaded:
    """Put the hosts of another start first; a queue's members keep their places."""
    if loaded.ask.teams:
        return loaded
    first = {host.id: place for place, host in enumerate(like.hosts)}
    pairs = sorted(zip(loaded.hosts, loaded.calendars, strict=True), key=lambda pair: first.get(pair[0].id, len(first)))
    return replace(loaded, hosts=tuple(host for host, _ in pairs), calendars=tuple(one for _, one in pairs))
