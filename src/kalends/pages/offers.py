"""What a page says about a meeting that can be booked: who, how long, how, where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from whenever import Instant

from kalends import languages
from kalends.services import page_passwords, readers
from kalends.storage.meeting_types import MeetingType

from . import channels, questions
from .month import Seats
from .questions import Question
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
class Team:
    """Those among whom a queue chooses, under the name of their company."""

    full_name: str
    family_name: str = ""
    picture: str | None = None

    @property
    def given_name(self) -> str:
        """Answer the whole name; a company has no other."""
        return self.full_name


@dataclass(frozen=True, slots=True)
class Offer:
    """One meeting type as a guest looks at it.

    Attributes:
        duration: chosen length, in minutes; `durations` all that are offered.
        channels: (channel, text) the guest chooses among in the form; fewer than two: nothing to choose.
        ways: the same where each channel has hours of its own, so that it is chosen before the time.
        locations: places the guest chooses among; fewer than two: nothing to choose.
        start, end: the time chosen, once it is.
        nearest: starts to choose instead of one that was taken, in order; `preferred` is the nearest of all.
        chosen_later: a queue chooses who hosts, once the meeting is booked.
        phone_only: a phone number will do instead of an e-mail address.
        seats: of the time chosen, where a meeting takes several guests.
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
    ways: tuple[tuple[str, str], ...] = ()
    questions: tuple[Question, ...] = ()
    needs_password: bool = False
    phone_only: bool = False
    chosen_later: bool = False
    seats: Seats | None = None
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
        return self.phone_only or self.calls

    @property
    def calls(self) -> bool:
        """On some channel on offer the host calls."""
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
    ways = tuple((one, channels.text(_, one, info)) for one in choice) if len(choice) > 1 else ()
    first = bool(options.get("channelAvailabilities"))
    chosen = channel if channel in choice else standard
    reachable = (chosen,) if first else (standard, *choice)
    place = kind.locations[0] if len(kind.locations) == 1 and chosen == "local" else None
    return Offer(
        host=host,
        name=info["name"],
        description=readers.description(info),
        duration=visit.duration if visit.duration in durations else info["duration"],
        durations=durations,
        channel=chosen,
        channel_text=channels.text(_, chosen, info, place) if first or not ways else "",
        channels=() if first else ways,
        ways=ways if first else (),
        locations=tuple(kind.locations) if "local" in reachable and len(kind.locations) > 1 else (),
        allows_guests=options.get("allowAddingGuests") is not False,
        questions=questions.of(kind.questions, _),
        needs_password=page_passwords.needed(kind),
        phone_only=bool(options.get("allowPhoneOnlyBooking")),
        chosen_later=isinstance(host, Team),
        person_link=person_link,
    )


def lengths(kind: MeetingType) -> tuple[int, ...]:
    """List the lengths a type is offered in, in minutes, shortest first."""
    return tuple(sorted({kind.meeting_info["duration"], *(kind.meeting_options.get("allowedDurations") or ())}))


def _channels(standard: str, options: dict[str, Any]) -> tuple[str, ...]:
    """List the channels to choose among; several allowed ones switch the choice on (contract 2.2)."""
    allowed: list[str] = options.get("allowedChannels") or []
    return tuple(dict.fromkeys((standard, *allowed))) if len(allowed) > 1 or options.get("allowSelectChannel") else ()
