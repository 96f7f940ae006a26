"""Appointments written to the hosts' calendars; each step is noted as soon as it is done."""

from __future__ import annotations

from contextlib import AsyncExitStack
from uuid import UUID

import structlog
from procrastinate import App as Queue

from kalends.app import App
from kalends.domain.remote_events import RemoteCalendar, Written
from kalends.errors import Upstream
from kalends.ports import CalendarAccount, EntryChanged
from kalends.services import calendar_entries, conferences, entry_plans
from kalends.services.calendar_entries import EntryMoved, LinkMissing
from kalends.services.entry_plans import Plan, Put
from kalends.storage import calendar_writes
from kalends.storage.calendar_entries import Place, StoredEntry

from . import patience
from .patience import Patience

log = structlog.get_logger("kalends.jobs")


def register(queue: Queue, app: App) -> None:
    """Add the tasks ``calendar.write`` and ``calendar.write-due``."""

    @queue.task(name="calendar.write", retry=Patience())
    async def write(*, company_id: str, appointment_id: str, user_id: str, **_later: object) -> None:
        """Make one host's calendars show one appointment as it is; safe to run twice, the UID decides."""
        async with app.transaction() as conn:
            plan = await entry_plans.plan(
                conn,
                company_id=UUID(company_id),
                appointment_id=UUID(appointment_id),
                user_id=UUID(user_id),
                now=app.now(),
            )
        if plan is None:
            return
        if plan.refused:
            async with app.transaction() as conn:
                await calendar_entries.wait(conn, plan)
            return
        await _carry_out(app, plan)

    @queue.periodic(cron="* * * * * */10")
    @queue.task(name="calendar.write-due", priority=10)
    async def due(timestamp: int) -> None:
        """Start what was put off, and what waited for a connection that works again."""
        async with app.transaction() as conn:
            await calendar_writes.start_due(conn, app.now())


async def _carry_out(app: App, plan: Plan) -> None:
    """Do what is planned; what could not be done is put off."""
    try:
        async with patience.in_time():
            link = await _write(app, plan)
    except Upstream as failure:
        async with app.transaction() as conn:
            await calendar_entries.failed(conn, plan, failure, now=app.now())
        log.warning("calendar.write-failed", appointment=str(plan.appointment.id), reason=failure.message)
        return
    if link:
        await _tell(app, plan, link)
    async with app.transaction() as conn:
        await calendar_entries.followed(conn, plan)


async def _write(app: App, plan: Plan) -> str | None:
    """Delete and write; answers the link to meet at, where the calendar has made a new one.

    Raises:
        Upstream: not everything could be done.
    """
    link = None
    async with AsyncExitStack() as stack:
        accounts: dict[UUID, CalendarAccount] = {}
        for place in plan.places:
            if place.connection_id not in accounts:
                opening = app.calendar_reader.accounts.opened(
                    plan.appointment.company_id, place.connection_id, place.provider, place.credential
                )
                accounts[place.connection_id] = await stack.enter_async_context(opening)
        if plan.deletions:
            async with app.transaction() as conn:
                await calendar_entries.leave(conn, plan)
        for place, entry in plan.deletions:
            await _delete(accounts[place.connection_id], plan, place, entry)
            async with app.transaction() as conn:
                await calendar_entries.deleted(conn, entry)
        for put in plan.puts:
            if put.is_news:
                async with app.transaction() as conn:
                    await calendar_entries.begin(conn, plan, put)
            written = await _put(app, accounts[put.place.connection_id], plan, put)
            async with app.transaction() as conn:
                await calendar_entries.wrote(conn, plan, put, written, now=app.now())
            link = written.link if put.part == "event" else link
    if plan.conference is None:
        return None
    if link is None and plan.conference.state == "wanted":
        raise LinkMissing("the calendar has not made the link to meet at yet")
    return link


async def _put(app: App, account: CalendarAccount, plan: Plan, put: Put) -> Written:
    """Write one entry, over whatever was changed there unless its time was.

    Raises:
        EntryMoved: its time was, or it was deleted, and nobody has looked at that yet.
    """
    calendar, known = _calendar(put.place), _known(put.known)
    try:
        return await account.put(calendar, put.entry, known)
    except EntryChanged:
        if known is None:
            raise Upstream("the calendar changed while it was written to") from None
    found = await account.event(calendar, known.remote_id, window=plan.window, own=plan.own)
    if calendar_entries.moved(put, found):
        async with app.reading() as conn:
            if not await calendar_entries.looked_at(conn, plan, put, found):
                raise EntryMoved("the event was moved in the calendar")
    try:
        return await account.put(calendar, put.entry, Written(found.remote_id, found.etag) if found else None)
    except EntryChanged:
        raise Upstream("the calendar changed while it was written to") from None


async def _delete(account: CalendarAccount, plan: Plan, place: Place, entry: StoredEntry) -> None:
    """Delete one entry, whatever was changed there."""
    calendar = _calendar(place)
    known = Written(entry.remote_id, entry.etag)
    if entry.remote_id == entry_plans.UNKNOWN:  # writing it once more tells where it stands
        known = await account.put(calendar, entry_plans.nameless(plan, entry), None)
    try:
        return await account.delete(calendar, known)
    except EntryChanged:
        found = await account.event(calendar, known.remote_id, window=plan.window, own=plan.own)
    try:
        if found:
            await account.delete(calendar, Written(found.remote_id, found.etag))
    except EntryChanged:
        raise Upstream("the calendar changed while it was written to") from None


async def _tell(app: App, plan: Plan, link: str) -> None:
    """Let the appointment know the link its calendar has made."""
    company_id, appointment_id, host_id = plan.key
    key = {"company_id": company_id, "appointment_id": appointment_id}
    async with app.transaction() as conn:
        await conferences.made_with_event(conn, **key, host_id=host_id, link=link)
    async with app.transaction() as conn:
        await conferences.tell(conn, **key, clock=app.now)


def _calendar(place: Place) -> RemoteCalendar:
    return RemoteCalendar(place.remote_id, place.name, place.zone)


def _known(entry: StoredEntry | None) -> Written | None:
    return Written(entry.remote_id, entry.etag) if entry else None
