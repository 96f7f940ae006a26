"""What a page says about a meeting that can be booked: who, how long, how, where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from whenever import Instant

from kalends import languages
from kalends.services import readers
from kalends.storage.meeting_types import MeetingType

from . import channels
from .visit import Visit


class Person(Protocol):
    """A host as pages show him."""

    @property
    def given_name(self) -> str: ...
    @property
    def family_name(self) -> str: ...
    @property
    def full_name(self) -> str: ...
    @property
    def picture(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """One meeting type as a guest looks at it.

    Attributes:
        duration: chosen length, in minutes; `durations` all that are offered.
        channels: (channel, text) the guest chooses among; fewer than two: nothing to choose.
        locations: places the guest chooses among; fewer than two: nothing to choose.
        start, end: the time chosen, once it is.
        nearest: starts to choose instead of one that was taken, in order; `preferred` is the nearest of all.
    """

    host: Person
    name: str
    description: str
    duration: int
    durations: tuple[int, ...]
    channel: str
    channel_text: str
    channels: tuple[tuple[str, str], ...]
    locations: tuple[str, ...]
    allows_guests: bool
    person_link: str | None = None
    start: Instant | None = None
    nearest: Sequence[Instant] = ()
    preferred: Instant | None = None

    @property
    def end(self) -> Instant | None:
        """When the chosen time ends."""
        return self.start and self.start.add(minutes=self.duration)

    @property
    def offered_channels(self) -> frozenset[str]:
        """All channels a booking may name."""
        return frozenset({self.channel, *(channel for channel, _ in self.channels)})

    @property
    def asks_phone(self) -> bool:
        """On some channel on offer the host calls; without a number he can still write."""
        return bool(self.offered_channels & channels.CALLS_GUEST)

    @property
    def asks_address(self) -> bool:
        """Some channel on offer needs the guest's address."""
        return "local-attendee" in self.offered_channels

    @property
    def needs_address(self) -> bool:
        """Every channel on offer needs the guest's address."""
        return self.offered_channels == {"local-attendee"}


def offer(kind: MeetingType, host: Person, visit: Visit, *, person_link: str | None, channel: str | None) -> Offer:
    """Describe a meeting type to one visit.

    Args:
        channel: the guest's choice; ignored when it is not offered.
    """
    _ = languages.translator(visit.language)
    info, options = kind.meeting_info, kind.meeting_options
    durations = lengths(kind)
    standard: str = info["channel"]
    choice = _channels(standard, options)
    chosen = channel if channel in choice else standard
    place = kind.locations[0] if len(kind.locations) == 1 and chosen == "local" else None
    return Offer(
        host=host,
        name=info["name"],
        description=readers.description(info),
        duration=visit.duration if visit.duration in durations else info["duration"],
        durations=durations,
        channel=chosen,
        channel_text=channels.text(_, chosen, info, place) if len(choice) < 2 else "",
        channels=tuple((one, channels.text(_, one, info)) for one in choice) if len(choice) > 1 else (),
        locations=tuple(kind.locations) if "local" in (standard, *choice) and len(kind.locations) > 1 else (),
        allows_guests=options.get("allowAddingGuests") is not False,
        person_link=person_link,
    )


def lengths(kind: MeetingType) -> tuple[int, ...]:
    """List the lengths a type is offered in, in minutes, shortest first."""
    return tuple(sorted({kind.meeting_info["duration"], *(kind.meeting_options.get("allowedDurations") or ())}))


def _channels(standard: str, options: dict[str, Any]) -> tuple[str, ...]:
    """List the channels to choose among; several allowed ones switch the choice on (contract 2.2)."""
    allowed: list[str] = options.get("allowedChannels") or []
    return tuple(dict.fromkeys((standard, *allowed))) if len(allowed) > 1 or options.get("allowSelectChannel") else ()
