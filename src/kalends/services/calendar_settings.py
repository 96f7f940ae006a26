"""What a user sets of a calendar connection: which calendars block and how, which one is written to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from kalends.errors import FieldError, Invalid, NotFound
from kalends.ports import Clock
from kalends.storage import calendar_access, calendar_choices, calendar_writes
from kalends.storage import calendar_connections as stored
from kalends.storage.calendar_connections import Calendar
from kalends.storage.database import Connection

from . import calendar_connections
from .actor import Actor
from .calendar_connections import View

# Those that change what an event blocks; all others are read whenever they matter.
BLOCKING = ("validate_availability", "unanswered_is_busy")


class CalendarNotFound(NotFound):
    """The connection has no such calendar."""

    code = "calendar-not-found"


class CalendarNotWritable(Invalid):
    """Nothing can be written to this calendar."""

    code = "calendar-not-writable"


@dataclass(frozen=True, slots=True)
class Changes:
    """What changes of a connection; calendars are named by their ids, or as the provider names them.

    Attributes:
        flags: columns of calendar_connection.
        selected: the calendars that block; None: as they are.
        all_busy: those whose events block though they are shown as free; None: as they are.
        primary: the calendar that appointments are written to, unless `keeps_primary`; None: none of this connection.
    """

    flags: Mapping[str, bool] = field(default_factory=dict)
    selected: Sequence[str] | None = None
    all_busy: Sequence[str] | None = None
    primary: str | None = None
    keeps_primary: bool = True


async def change(
    conn: Connection, *, actor: Actor, connection_id: UUID, user_id: UUID | None, changes: Changes, clock: Clock
) -> View:
    """Change what is set of a connection; what blocks by it is read anew where that has changed.

    Raises:
        CalendarConnectionNotFound, NotYours: as of `calendar_connections.get`.
        CalendarNotFound: the connection has no such calendar.
        CalendarNotWritable: appointments cannot be written to this one.
    """
    before = await calendar_connections.locked(conn, actor=actor, connection_id=connection_id, user_id=user_id)
    await stored.update(conn, actor.company_id, connection_id, {**changes.flags, "updated_at": clock()})
    await _choose(conn, before, changes)
    if not changes.keeps_primary:
        await _write_to(conn, before, changes.primary)
    connection = await stored.get(conn, actor.company_id, connection_id)
    assert connection is not None
    after = await calendar_connections.view(conn, connection)
    if connection.is_primary and _written(after) != _written(before):
        await calendar_writes.owe_coming(conn, company_id=actor.company_id, user_id=connection.user_id, now=clock())
    if await _follow(conn, before, after):
        await calendar_access.call_for_reading(conn, actor.company_id, connection_id, clock(), unread=True)
    elif after != before:
        await calendar_access.call_for_reading(conn, actor.company_id, connection_id, clock())
    return await calendar_connections.get(conn, actor=actor, connection_id=connection_id)


async def require(conn: Connection, company_id: UUID, names: Sequence[str], at: str) -> None:
    """Make sure that calendars, named by their ids, belong to live connections of the company.

    Args:
        at: the field that names them.

    Raises:
        CalendarNotFound: one does not.
    """
    known = {str(one) for one in await calendar_choices.existing(conn, company_id, names)}
    wrong = [name for name in names if name not in known]
    if wrong:
        errors = [FieldError(at, f"names no calendar that is connected: {name}") for name in wrong]
        raise CalendarNotFound("Calendar not found", errors=errors)


async def _choose(conn: Connection, before: View, changes: Changes) -> None:
    selected = _named(before, changes.selected, "selectedCalendars")
    all_busy = _named(before, changes.all_busy, "treatAllAsBusy")
    for one in before.calendars:
        wanted = {
            "selected": one.selected if selected is None else one.id in selected,
            "treat_all_as_busy": one.treat_all_as_busy if all_busy is None else one.id in all_busy,
        }
        if wanted != {"selected": one.selected, "treat_all_as_busy": one.treat_all_as_busy}:
            await calendar_choices.choose(conn, one.company_id, one.id, wanted)


async def _write_to(conn: Connection, before: View, name: str | None) -> None:
    connection = before.connection
    if name is None:
        if connection.is_primary:
            await calendar_choices.write_to(conn, connection.company_id, connection.user_id, None)
        return
    wanted = _find(before, name, "primaryCalendar")
    if not wanted.writable:
        raise CalendarNotWritable(errors=[FieldError("primaryCalendar", "cannot be written to")])
    await calendar_choices.write_to(conn, connection.company_id, connection.user_id, wanted.id)


async def _follow(conn: Connection, before: View, after: View) -> bool:
    """Drop what blocks no more, and have the rest read anew; False: there is nothing to be read anew."""
    rules = [tuple(getattr(view.connection, name) for name in BLOCKING) for view in (before, after)]
    was, is_ = _blocking(before), _blocking(after)
    gone = was.keys() - is_.keys()
    anew = [key for key, all_busy in is_.items() if was.get(key) is not all_busy or rules[0] != rules[1]]
    company_id = after.connection.company_id
    if gone:
        await calendar_choices.unblock(conn, company_id, gone)
    if anew:
        await calendar_choices.read_anew(conn, company_id, anew)
    return bool(anew)


def _written(view: View) -> tuple[object, ...]:
    """Tell apart where appointments are written to, and how."""
    one = view.connection
    calendars = [calendar.id for calendar in view.calendars if calendar.is_primary]
    return one.is_primary, one.disable_attendee_notification, one.sync_buffers_to_calendar, calendars


def _blocking(view: View) -> dict[UUID, bool]:
    """Name the calendars that block, and whether all that is in them does."""
    if not view.connection.validate_availability:
        return {}
    return {one.id: one.treat_all_as_busy for one in view.calendars if one.selected}


def _named(view: View, names: Sequence[str] | None, at: str) -> set[UUID] | None:
    return None if names is None else {_find(view, name, at).id for name in names}


def _find(view: View, name: str, at: str) -> Calendar:
    for one in view.calendars:
        if name.lower() == str(one.id) or name == one.remote_id:
            return one
    raise CalendarNotFound(errors=[FieldError(at, f"names no calendar of this connection: {name[:100]}")])
