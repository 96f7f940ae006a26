"""Resource calendars: which rooms and things a start needs, and when they are free (design section 3.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from uuid import UUID

from whenever import Instant

from kalends.domain.rules import Resource, ResourceCalendar, Unit
from kalends.domain.spans import Span
from kalends.domain.zones import FOREVER
from kalends.storage import resource_calendars
from kalends.storage.database import Connection
from kalends.storage.hosts import Host
from kalends.storage.resource_calendars import ResourceHours
from kalends.storage.slot_scopes import Scope

from . import slot_rules
from .resource_channels import ResourceNotFound
from .slot_queries import LoadedResource, ResourceChoice, SlotQuery

# A resource channel as the type keeps it, and its resource.
Channel: TypeAlias = tuple[Mapping[str, Any], ResourceHours]
_ALWAYS = ((-FOREVER, FOREVER),)


@dataclass(frozen=True, slots=True)
class Needed:
    """One resource that is needed: any one of these channels, with the hours of each."""

    name: str
    channels: tuple[Channel, ...]


async def needed(
    conn: Connection, scope: Scope, query: SlotQuery, *, first: Instant, last: Instant
) -> tuple[Needed, ...]:
    """Find what a start needs, with the exceptions that may touch [first, last); no statement for a type without.

    All that are named; without names every channel without a group, and one of each group. An appointment that is
    moved needs what it has: each from the same group, if it has one, the present one first. A resource that has left
    cannot be had any more, so a type that needs it, and has no other of its group, has no starts.

    Raises:
        ResourceNotFound: something is named that this type does not have.
    """
    kind = scope.meeting_type
    channels: list[Mapping[str, Any]] = [*kind.resource_channels]
    known = {channel["resourceId"] for channel in channels}
    channels += [
        {**had, "id": had["channelId"]}
        for had in scope.moved_resources
        if scope.moved and had["resourceId"] not in known
    ]
    if query.resource_channel_ids and not channels:
        raise ResourceNotFound
    if not channels:
        return ()
    found = await resource_calendars.hours(
        conn,
        company_id=kind.company_id,
        wanted=[(UUID(one["resourceId"]), _uuid(one.get("availabilityId"))) for one in channels],
        first=first,
        last=last,
    )
    live = [(channel, hours) for channel, hours in zip(channels, found, strict=True) if hours]
    named = [_named(live, wanted) for wanted in dict.fromkeys(query.resource_channel_ids)]
    if scope.moved:
        return _kept(live, [had["resourceId"] for had in scope.moved_resources])
    if named:
        unique = {one[0]["id"]: one for one in named}
        return tuple(Needed(one[0]["name"], (one,)) for one in unique.values())
    return _all(channels, live)


def _named(live: Sequence[Channel], wanted: UUID) -> Channel:
    for one in live:
        if str(wanted) in (one[0]["id"], one[0]["resourceId"]):
            return one
    raise ResourceNotFound


def _all(channels: Sequence[Mapping[str, Any]], live: Sequence[Channel]) -> tuple[Needed, ...]:
    groups: dict[str, list[Channel]] = {_group(channel): [] for channel in channels}
    names = {_group(channel): channel.get("groupName") or channel["name"] for channel in channels}
    for one in sorted(live, key=_turn):
        groups[_group(one[0])].append(one)
    return tuple(Needed(names[group], tuple(members)) for group, members in groups.items())


def _group(channel: Mapping[str, Any]) -> str:
    """Name the group of a channel; one without stands alone."""
    return channel.get("groupName") or f" {channel['id']}"


def _kept(live: Sequence[Channel], resource_ids: Sequence[str]) -> tuple[Needed, ...]:
    kept = [one for one in live if one[0]["resourceId"] in resource_ids]
    found = []
    for channel, hours in kept:
        group = channel.get("groupName")
        others = [
            one
            for one in sorted(live, key=_turn)
            if group and one[0].get("groupName") == group and one[0]["id"] != channel["id"]
        ]
        found.append(Needed(group or channel["name"], ((channel, hours), *others)))
    return tuple(found)


def _turn(one: Channel) -> int:
    index = one[0].get("groupMemberIndex")
    return index if index is not None else 0


def loaded(resources: Sequence[Needed], zone: str) -> tuple[LoadedResource, ...]:
    """Put the resources into the engine's words, without what is claimed of them.

    Args:
        zone: what exceptions are read in where a resource has no schedule.
    """
    return tuple(
        LoadedResource(
            calendar=Resource(
                name=one.name,
                choices=tuple(
                    ResourceCalendar(
                        schedule=slot_rules.schedule(hours.hours, zone),
                        before=hours.before,
                        after=hours.after,
                        units=tuple(map(Unit, hours.units)),
                    )
                    for _, hours in one.channels
                ),
            ),
            choices=tuple(_choice(channel, hours) for channel, hours in one.channels),
        )
        for one in resources
    )


def claimed(
    resources: Sequence[LoadedResource], busy: Mapping[int, Sequence[Span]], hosts: Iterable[Host]
) -> tuple[LoadedResource, ...]:
    """Add what is claimed of the units, by their host_no; one of the hosts is not there as a unit too."""
    if not resources:
        return ()
    taken = {**busy, **{host.host_no: _ALWAYS for host in hosts}}
    return tuple(
        replace(
            one,
            calendar=Resource(
                one.calendar.name,
                tuple(
                    replace(calendar, units=tuple(Unit(number, taken.get(number, ())) for number in choice.units))
                    for calendar, choice in zip(one.calendar.choices, one.choices, strict=True)
                ),
            ),
        )
        for one in resources
    )


def _choice(channel: Mapping[str, Any], hours: ResourceHours) -> ResourceChoice:
    return ResourceChoice(
        channel_id=UUID(channel["id"]),
        resource_id=UUID(channel["resourceId"]),
        name=channel["name"],
        lock_no=hours.units[0],
        before=hours.before,
        after=hours.after,
        units=hours.units,
    )


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None
