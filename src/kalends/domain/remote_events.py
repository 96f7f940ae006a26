"""What calendars elsewhere hold and are to hold, in one form for every provider; iCalendar's words (RFC 5545).

Recurrences are expanded by whoever reads the calendar: an event comes with its occurrences in the window asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from whenever import Instant

# PARTSTAT of RFC 5545 3.2.12, as far as calendars on the web know it.
Answer: TypeAlias = Literal["accepted", "declined", "tentative", "needs-action"]


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open span of time a calendar is read for."""

    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    """One calendar of an account.

    Attributes:
        remote_id: what the provider calls it: its address, or an id.
        zone: what all-day events are read in; None: the provider does not say, then it is the host's own.
        is_default: the one the provider puts new events into.
        writable: events can be made in it.
    """

    remote_id: str
    name: str
    zone: str | None = None
    color: str | None = None
    is_default: bool = False
    writable: bool = True


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time an event takes place; all-day ones already as instants of the calendar's zone.

    Attributes:
        transparent: it takes no time (TRANSP:TRANSPARENT, or shown as free).
        answer: what the calendar's owner said to it; None: nobody asked him.
    """

    start: Instant
    end: Instant
    transparent: bool = False
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """One event as the provider names it: a resource (CalDAV) or series (Google) with all it recurs to, or an instance.

    Attributes:
        remote_id: the provider's name for it within its calendar.
        uid: iCalendar's, the same in all calendars.
        etag: its version there; None: the provider has none.
        occurrences: in the window, by start, without cancelled ones; none of an event that is cancelled.
        guests: what others answered, by e-mail address in lower case.
        link: where one joins it online.
        unreadable: what of it could not be read, a stable word (`domain.ical`), so it may block too little or too
            much; None: all of it was.
    """

    remote_id: str
    uid: str | None
    etag: str | None = None
    occurrences: tuple[Occurrence, ...] = ()
    guests: tuple[tuple[str, Answer], ...] = ()
    link: str | None = None
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what changed in a calendar.

    Attributes:
        gone: names of events that the provider says are no more; it may be wrong (case K14).
        token: where the next reading goes on; on the last page only. None there: the next reading begins anew.
        complete: this and its neighbours list all there is in the window; what is not listed is no more.
    """

    events: Sequence[RemoteEvent]
    gone: Sequence[str] = ()
    token: str | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody an entry names."""

    name: str
    email: str
    answer: Answer = "accepted"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to stand in a host's calendar.

    Attributes:
        uid, sequence: iCalendar's; the same UID is written once, however often that is tried.
        stamp: when this revision came to be (DTSTAMP).
        zone: the host's.
        organizer: the main host; None: of a buffer.
        guests: whom the entry names; nobody but us writes to them, wherever the provider lets us say so.
        meeting: the provider is to make a link to meet at (Meet, Teams).
        appointment_id: kept where the provider has room for it.
    """

    uid: str
    sequence: int
    stamp: Instant
    start: Instant
    end: Instant
    zone: str
    summary: str
    description: str = ""
    location: str = ""
    organizer: Guest | None = None
    guests: tuple[Guest, ...] = ()
    meeting: bool = False
    appointment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """Where an entry stands.

    Attributes:
        link: where one joins online, if the provider made one.
    """

    remote_id: str
    etag: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A provider's promise to tell of changes of one calendar until it expires.

    Attributes:
        channel_id: ours in what the provider sends.
        resource: what the provider calls it.
    """

    channel_id: str
    resource: str
    expires_at: Instant
