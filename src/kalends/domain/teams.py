"""Who has to be there, in one form: teams of hosts, of which so many are needed (design 3.6).

With `anyone` each host is a team of his own and one is needed, with `everyone` all are one team, a queue says its
teams itself. So many of the hosts: teams of one each, all on the union of the hosts' ladders.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from .hours import Hours
from .kept import forgettable
from .ladder import Rungs, joint, ladder
from .rules import Ask, HostCalendar

_ANYONE = Ask("anyone")


class Teams(NamedTuple):
    """Teams as places of hosts, and how many of them a start needs.

    Attributes:
        always: the hosts who are in every team; without them nothing can be booked.
        others: of each team, the rest.
        one_ladder: all stand on the union of the hosts' ladders, instead of each on its own.
    """

    places: tuple[tuple[int, ...], ...]
    needed: int
    always: tuple[int, ...]
    others: tuple[tuple[int, ...], ...]
    one_ladder: bool


@forgettable
@lru_cache(maxsize=512)  # a queue of a hundred takes 20 KB
def teams_of(ask: Ask, hosts: int) -> Teams:
    """Bring what is asked for, of so many hosts, into the form of teams."""
    one_ladder = ask.required is not None and not ask.teams
    needed = ask.needed(hosts)
    places = ask.teams
    if not places and needed == hosts:
        places, needed = ((tuple(range(hosts)),) if hosts else ()), 1
    elif not places:
        places = tuple((place,) for place in range(hosts))
    always = set(places[0]).intersection(*places) if places and needed == 1 else set()
    others = tuple(tuple(place for place in team if place not in always) for team in places)
    return Teams(places, needed, tuple(sorted(always)), others, one_ladder)


def simplest(hosts: Sequence[HostCalendar], ask: Ask) -> tuple[Sequence[HostCalendar], Ask]:
    """Ask for any one of the hosts where every team is a single one: the same question, which is kept already."""
    if ask.teams and all(len(team) == 1 for team in ask.teams):
        return [hosts[place] for (place,) in ask.teams], _ANYONE
    return hosts, ask


def ladders(hours: Sequence[Hours], teams: Teams, interval: int, start: int, end: int) -> list[Rungs]:
    """Collect for each team the starts of [start, end) it may be asked for.

    They stand on the joint intervals of its hosts, or on any ladder of any host.
    """
    if teams.one_ladder:
        every = dict.fromkeys(rungs for one in hours for rungs in ladder(one.written, interval, start, end))
        return [tuple(every)] * len(teams.places)
    known: dict[tuple[int, ...], Rungs] = {}  # by the identity of the hours: equal schedules share theirs
    found: list[Rungs] = []
    for team in teams.places:
        key = tuple([id(hours[place]) for place in team])
        if key not in known:
            written = [hours[place].written for place in team]
            known[key] = ladder(joint(written) if len(written) > 1 else written[0], interval, start, end)
        found.append(known[key])
    return found
