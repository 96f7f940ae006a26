"""An expander for tests of servers, on recurring-ical-events alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import icalendar
import recurring_ical_events
from whenever import Instant

from kalends.domain.remote_events import Occurrence, RemoteEvent, Window


class PlainExpander:
    """Reads events with times in UTC."""

    async def events(
        self,
        resources: Sequence[tuple[str, str | None, str]],
        *,
        zone: str | None,
        window: Window,
        own: Collection[str],
    ) -> list[RemoteEvent]:
        del zone, own
        return [_read(name, etag, text, window) for name, etag, text in resources]


def _read(name: str, etag: str | None, text: str, window: Window) -> RemoteEvent:
    calendar = icalendar.Calendar.from_ical(text)
    found = recurring_ical_events.of(calendar).between(window.start.to_stdlib(), window.end.to_stdlib())
    occurrences = [
        Occurrence(Instant(one["DTSTART"].dt), Instant(one["DTEND"].dt), one.get("TRANSP") == "TRANSPARENT")
        for one in found
    ]
    uid = next(str(one["UID"]) for one in calendar.walk("VEVENT"))
    return RemoteEvent(name, uid, etag, tuple(sorted(occurrences, key=lambda one: one.start)))
