"""Queue teams: a queue's members as the teams of hosts the slot engine is asked with (contract 2.10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.domain.leads import Turn
from kalends.domain.rules import Ask
from kalends.domain.spans import Span
from kalends.storage.database import Connection
from kalends.storage.queues import QueueState

from . import queues
from .slot_queries import Loaded


@dataclass(frozen=True, slots=True)
class LineUp:
    """Who stands in the question, team by team.

    Attributes:
        places: for each host of the question his place among the users of the queue; one who is closed in one of his
            teams only stands twice.
        closed: beside it, the starts not offered to him.
        teams: places in the question; the member's own users before the fixed ones.
        members: the member of each team.
    """

    places: tuple[int, ...]
    closed: tuple[Sequence[Span], ...]
    teams: tuple[tuple[int, ...], ...]
    members: tuple[UUID, ...]


def line_up(state: QueueState, user_ids: Sequence[UUID], closed: Mapping[UUID, Sequence[Span]]) -> LineUp:
    """Put the rotating members into teams; one with a user who is not among those given is left out.

    Args:
        user_ids: the users of the queue that are loaded.
        closed: for members who are ahead, the starts not offered to them, in epoch minutes.
    """
    place_of = {user: place for place, user in enumerate(user_ids)}
    teams_of = Counter(user for member in state.members for user in {*member.user_ids, *state.fixed})
    places = list(range(len(user_ids)))
    closed_of: list[Sequence[Span]] = [()] * len(user_ids)
    teams: list[tuple[int, ...]] = []
    members: list[UUID] = []
    for member in state.members:
        everybody = [*member.user_ids, *(user for user in state.fixed if user not in member.user_ids)]
        if not all(user in place_of for user in everybody):
            continue
        team = [place_of[user] for user in everybody]
        spans = closed.get(member.id)
        # A team lacks one host, so it is closed: the first stands for all.
        if spans and teams_of[everybody[0]] > 1:
            team[0] = len(places)
            places.append(place_of[everybody[0]])
            closed_of.append(spans)
        elif spans:
            closed_of[team[0]] = spans
        teams.append(tuple(team))
        members.append(member.id)
    return LineUp(tuple(places), tuple(closed_of), tuple(teams), tuple(members))


async def closed(
    conn: Connection,
    company_id: UUID,
    state: QueueState,
    zone: str,
    *,
    first: Instant,
    last: Instant,
    now: Instant,
    leaving: UUID | None,
) -> dict[UUID, list[Span]]:
    """Find which starts of [first, last) are not offered to which members; no statement without `maxLeadThreshold`.

    Args:
        zone: of the type's schedule.
        leaving: the caller's own hold, which does not count.
    """
    if state.max_lead_threshold is None:
        return {}
    known = await queues.turns(conn, company_id, state, first=first, last=last, now=now, leaving=leaving)
    return queues.ahead(state, known, zone)


async def turns(
    conn: Connection, loaded: Loaded, *, first: Instant, last: Instant, now: Instant
) -> dict[UUID, list[Turn]] | None:
    """Read the turns that say who is hidden in [first, last), to go on counting; None: nobody is to be hidden.

    With `prioritizeNearTermAvailability` nobody is hidden who was not when the calendars were loaded.
    """
    state = loaded.queue
    if state is None or state.max_lead_threshold is None or state.prioritize_near_term:
        return None
    company_id, own = loaded.meeting_type.company_id, loaded.hold.id if loaded.hold else None
    return await queues.turns(conn, company_id, state, first=first, last=last, now=now, leaving=own)


def hidden(loaded: Loaded, turns: Mapping[UUID, Sequence[Turn]]) -> Loaded:
    """Hide the members of the queue who are ahead by these turns, and nobody else."""
    assert loaded.queue is not None
    own = {host.id: (host, one) for host, one in zip(loaded.hosts, loaded.calendars, strict=True)}
    everybody = list(own.values())
    lined = line_up(loaded.queue, list(own), queues.ahead(loaded.queue, turns, loaded.zone))
    return replace(
        loaded,
        hosts=tuple(everybody[place][0] for place in lined.places),
        calendars=tuple(
            replace(everybody[place][1], closed=closed)
            for place, closed in zip(lined.places, lined.closed, strict=True)
        ),
        ask=Ask(teams=lined.teams),
        team_members=lined.members,
    )
