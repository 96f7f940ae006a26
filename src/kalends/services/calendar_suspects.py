"""Suspects: what we wrote to a calendar and seems, after a reading of it, to be other than we wrote it.

Nothing is done upon that: `remote_changes` asks for each of them by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from whenever import Instant

from kalends.domain import findings, sync
from kalends.domain.remote_events import RemoteEvent, Window
from kalends.storage import busy_events, standings
from kalends.storage.standings import StandingEntry

from .calendar_sources import Source

BELIEVED_AFTER_MINUTES = 10  # what seems to have vanished all at once


@dataclass
class Seen:
    """What a reading of a calendar has met.

    Attributes:
        began: nothing that it finds is older.
        listed: remote ids of all events it met.
        own: those of ours among them.
        gone: remote ids that are said to be no more.
        complete: all there is in the window was listed.
    """

    window: Window
    began: Instant
    listed: set[str] = field(default_factory=set)
    own: dict[str, RemoteEvent] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    complete: bool = False

    def changed(self, one: StandingEntry) -> bool:
        """Tell whether what we wrote is listed as something else."""
        event = self.own.get(one.remote_id)
        return event is not None and bool(findings.compare(one.standing, event))

    def vanished(self, one: StandingEntry) -> bool:
        """Tell whether what we wrote seems to be there no more."""
        if one.remote_id in self.listed:
            return False
        in_window = one.standing.start < self.window.end and one.standing.written[0] < self.window.end
        # What was written while this was reading may be missing from a list that was begun before.
        return one.remote_id in self.gone or (self.complete and in_window and one.written_at < self.began)


async def find(source: Source, seen: Seen) -> tuple[list[StandingEntry], bool]:
    """Compare what we wrote to a calendar with what was seen there; also tells whether too much vanished at once."""
    if not (seen.own or seen.gone or seen.complete):
        return [], False
    company_id, calendar_id, began = source.company_id, source.calendar.id, seen.began
    async with source.reader.reading() as conn:
        if seen.complete:
            written = await standings.in_calendar(conn, company_id, calendar_id, began)
            ours, others = len(written), await busy_events.count_ahead(conn, calendar_id, began)
        else:
            written = await standings.named(conn, company_id, calendar_id, {*seen.own, *seen.gone}, began)
            ours, others = await standings.count(conn, company_id, calendar_id, began), 0
    changed, vanished = [one for one in written if seen.changed(one)], [one for one in written if seen.vanished(one)]
    listed = len(seen.listed) if seen.complete else 1
    if sync.is_emptied(ours, len(vanished), others=others, listed=listed) and not _is_believed(source, seen):
        return changed, True
    return [*changed, *vanished], False


def _is_believed(source: Source, seen: Seen) -> bool:
    """Tell whether what vanished had done so before, the last time a while ago, in a complete reading as this one."""
    emptied_at = source.last.emptied_at
    return seen.complete and emptied_at is not None and seen.began >= emptied_at.add(minutes=BELIEVED_AFTER_MINUTES)
