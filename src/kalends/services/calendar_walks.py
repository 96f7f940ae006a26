"""Walks: one calendar read page by page to its end; what it says is planned without a lock, and stored under the
host's.

Whoever reads the same calendar at the same time and stores something first leaves the other one nothing to store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from whenever import Instant

from kalends.domain import sync, sync_times
from kalends.domain.remote_events import Page, RemoteEvent, Window
from kalends.domain.sync import ForgetEvent, Known, Store
from kalends.errors import Upstream
from kalends.ports import CalendarAccount, CalendarKind, CalendarTooLarge, SyncTokenDead
from kalends.storage import busy_events, calendar_overlaps, calendar_readings, locks
from kalends.storage.database import Connection
from kalends.storage.standings import StandingEntry

from . import calendar_events, calendar_suspects
from .calendar_sources import Source
from .calendar_suspects import Seen

# Those of whom some lose changes and do not say so.
_FORGETFUL: tuple[CalendarKind, ...] = ("caldav",)
_SPREAD = 97
MOST_LOOKED_UP = 50  # events said to be gone that are asked for once more, in one reading


class Overtaken(Exception):
    """Somebody else stored something of this calendar meanwhile, or changed what counts in it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A calendar that was read to its end.

    Attributes:
        suspects: what we wrote there that seems to be other than we wrote it.
        emptied: so much seems to have vanished that it is looked at once more before it is believed.
    """

    walk: Walk
    suspects: Sequence[StandingEntry]
    emptied: bool


async def through(source: Source, account: CalendarAccount, *, in_haste: bool = False) -> Ended:
    """Read what changed in a calendar, or all of it, and store what blocks.

    The reading goes on where it did before until `Walk.settled`, as long as something is suspected.

    Args:
        in_haste: somebody waits for it, so what is read in full only to be sure is left to another reading.

    Raises:
        Overtaken: nothing more is stored.
        CalendarTooLarge, CredentialRefused, Upstream
    """
    began = source.reader.clock()
    last = source.last
    if last.sync_token and last.window and not _is_whole_due(source, last.window, began, in_haste=in_haste):
        try:
            return await Walk(source, account, last.sync_token, Seen(last.window, began)).run()
        except SyncTokenDead:
            pass
    window = sync_times.window(began, source.days)
    try:
        return await Walk(source, account, None, Seen(window, began)).run()
    except SyncTokenDead as error:
        raise Upstream("the calendar's server knows of a reading that was never begun") from error


def _is_whole_due(source: Source, window: Window, now: Instant, *, in_haste: bool) -> bool:
    """Tell whether all of a calendar is to be read that was read in full for a window, and on from there since."""
    if sync_times.is_long_ago(source.last.synced_at, now) or sync_times.is_short(window.end, now, source.days):
        return True
    forgets = source.connection.provider in _FORGETFUL and not in_haste
    return forgets and sync_times.is_a_day_ago(window, now, spread=source.calendar.no % _SPREAD / _SPREAD)


@dataclass
class Walk:
    """One reading of a calendar.

    Attributes:
        token: where it goes on; None: it begins anew.
        seen: what it has met so far.
        next: where the next one goes on.
    """

    source: Source
    account: CalendarAccount
    token: str | None
    seen: Seen
    next: str | None = None
    _stored_as: UUID | None = None
    _looked_up: int = 0
    _batch: UUID | None = None

    async def run(self) -> Ended:
        """Go through all pages."""
        source, seen = self.source, self.seen
        pages = self.account.changes(source.remote, token=self.token, window=seen.window, own=source.own)
        async for page in pages:
            seen.complete |= page.complete
            self.next = page.token
            for portion in sync.portions(page):
                await self._store_page(portion)
        suspects, emptied = await calendar_suspects.find(source, seen)
        await self._finish(settled=not suspects, emptied=emptied)
        return Ended(self, suspects, emptied)

    async def settled(self) -> None:
        """Note that nothing is suspected any more: the next reading goes on where this one ended.

        Raises:
            Overtaken: somebody else has read it meanwhile.
        """
        async with self._storing() as conn:
            await self._note(conn, self.next, None)

    async def _store_page(self, page: Page) -> None:
        if not page.events and not page.gone:
            return
        source, seen, ids = self.source, self.seen, [event.remote_id for event in page.events]
        seen.listed.update(ids)
        if len(seen.listed) > sync.MOST_EVENTS:
            raise CalendarTooLarge
        seen.gone |= set(page.gone) - seen.listed
        async with source.reader.reading() as conn:
            known = await busy_events.known(conn, source.calendar.id, {*ids, *page.gone})
        events, gone = await self._look_up(page, known)
        async with source.reader.reading() as conn:
            ours = await busy_events.ours(conn, source.company_id, source.host.id, source.calendar.id, events)
        seen.own |= {event.remote_id: event for event in events if event.remote_id in ours}
        await self._store(sync.plan_events(events, gone, known=known, ours=ours, rules=source.rules))

    async def _look_up(self, page: Page, known: dict[str, Known]) -> tuple[list[RemoteEvent], list[str]]:
        """Ask for each event that is said to be gone though it blocks: time that is free by mistake is booked twice."""
        seen, events, gone = self.seen, list(page.events), []
        for remote_id in dict.fromkeys(page.gone):
            one = known.get(remote_id)
            blocks = one is not None and any(end > seen.began for _, end in one.spans)
            if blocks and remote_id not in seen.listed and self._looked_up < MOST_LOOKED_UP:
                self._looked_up += 1
                event = await self.account.event(self.source.remote, remote_id, window=seen.window, own=self.source.own)
                if event:
                    events.append(event)
                    seen.listed.add(remote_id)
                    continue
            gone.append(remote_id)
        return events, gone

    async def _store(self, plan: Sequence[Store]) -> None:
        for batch in sync.batches(plan):
            async with self._storing() as conn:
                await self._carry_out(conn, batch)

    async def _carry_out(self, conn: Connection, plan: Sequence[Store]) -> None:
        source, began = self.source, self.seen.began
        added = await busy_events.store(
            conn,
            company_id=source.company_id,
            calendar_id=source.calendar.id,
            calendar_no=source.calendar.no,
            host_no=source.host.host_no,
            plan=plan,
        )
        spans = [span for found in added.values() for span in found if span[1] > began]
        if not spans:
            return
        meetings = await calendar_overlaps.meetings(
            conn,
            source.company_id,
            source.host.id,
            first=max(min(start for start, _ in spans), began),
            last=max(end for _, end in spans),
        )
        for event_id, found in sync.conflicts(added, meetings).items():
            await self._tell(conn, event_id, found)

    async def _tell(self, conn: Connection, event_id: int, conflicts: Sequence[sync.Conflict]) -> None:
        news = await calendar_overlaps.tell(conn, event_id, [one.meeting.appointment_id for one in conflicts])
        self._batch = self._batch or calendar_events.batch(self.source.connection)
        for one in conflicts:
            if one.meeting.appointment_id in news:
                await calendar_events.conflict(
                    conn,
                    self.source.connection,
                    self.source.calendar.id,
                    "overlap",
                    meeting=one.meeting,
                    span=one.span,
                    batch_id=self._batch,
                    now=self.source.reader.clock(),
                )

    async def _finish(self, *, settled: bool, emptied: bool) -> None:
        source, seen = self.source, self.seen
        missing: list[Store] = []
        if seen.complete and not emptied:
            async with source.reader.reading() as conn:
                stored = await busy_events.all_ids(conn, source.calendar.id)
            missing = [ForgetEvent(known_id) for one, known_id in stored.items() if one not in seen.listed]
        await self._store(missing)
        emptied_at = (source.last.emptied_at or seen.began) if emptied else None
        # Until it is settled what vanished, the next reading looks at the same once more, or at all there is.
        token = None if emptied else self.next if settled else self.token
        async with self._storing() as conn:
            await self._note(conn, token, emptied_at)
            if emptied and source.last.emptied_at is None:
                await calendar_events.conflict(
                    conn, source.connection, source.calendar.id, "emptied", now=source.reader.clock()
                )

    async def _note(self, conn: Connection, token: str | None, emptied_at: Instant | None) -> None:
        await calendar_readings.finish(
            conn,
            self.source.calendar.id,
            token=token,
            window=self.seen.window,
            synced_at=self.seen.began,
            emptied_at=emptied_at,
        )

    @asynccontextmanager
    async def _storing(self) -> AsyncIterator[Connection]:
        source = self.source
        async with source.reader.transaction() as conn:
            await locks.users(conn, source.company_id, [source.host.id])
            # Another name each time: a reading that began between two stores of this one has not seen the second.
            stored_as, last = uuid4(), self._stored_as or source.last.reader
            if not await calendar_readings.take(
                conn, source.company_id, source.calendar.id, reader=stored_as, last=last
            ):
                raise Overtaken
            yield conn
        self._stored_as = stored_as
