"""Appointments: rows of appointment with their hosts, attendees and what is needed of type and company."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from psycopg.rows import scalar_row
from whenever import Instant

from . import attendees, hosts, rows
from .attendees import Attendee
from .database import Connection
from .hosts import Host

Status: TypeAlias = Literal["upcoming", "past", "cancelled"]

COLUMNS = """company_id, id, meeting_type_id, revision, sequence, start_at, end_at, meeting_info, channel, location,
    ics_title, ics_description, note, transcription, summary, skip_notifications, ignored_availability, rescheduled_at,
    reschedule_count, cancelled_at, cancel_source, cancelled_by, cancel_reason, created_at, updated_at, series_id,
    queue_id, resources"""


@dataclass(frozen=True, slots=True)
class Appointment:
    """The newest state of an appointment; the main host and whoever booked come first.

    Attributes:
        meeting_info: the type's, as it was when booked.
        series_id: what all that one recurrence made have in common; who joined has his own (`Attendee.series_id`).
        queue_id: the queue that chose its hosts; `turn` is how: ``userIds``, ``selectionReason``, ``groupId``.
        resources: ``channelId``, ``resourceId``, ``name`` of each room or thing; which unit stands in its claims.
        entries: what stands of it in calendars of its hosts: ``connectionId``, ``provider``, ``account``, ``userId``,
            ``remoteId``, ``calendarId`` each.
        meeting_number: of its online meeting, where that has one.
        type_slug, type_ics, type_metadata, type_spots, type_limits: of the meeting type as it is now, deleted or not.
    """

    company_id: UUID
    id: UUID
    meeting_type_id: UUID
    revision: int
    sequence: int
    start_at: Instant
    end_at: Instant
    meeting_info: dict[str, Any]
    channel: str
    location: str | None
    ics_title: str | None
    ics_description: str | None
    note: str | None
    transcription: str | None
    summary: str | None
    skip_notifications: bool
    ignored_availability: bool
    rescheduled_at: Instant | None
    reschedule_count: int
    cancelled_at: Instant | None
    cancel_source: str | None
    cancelled_by: str | None
    cancel_reason: str | None
    created_at: Instant
    updated_at: Instant
    series_id: UUID | None
    queue_id: UUID | None
    resources: list[dict[str, Any]]
    type_slug: str
    type_ics: dict[str, Any] | None
    type_metadata: dict[str, str]
    type_spots: int
    type_limits: dict[str, Any]
    company_name: str
    company_language: str
    turn: dict[str, Any] | None
    entries: list[dict[str, Any]] | None
    meeting_number: int | None
    hosts: tuple[Host, ...]
    attendees: tuple[Attendee, ...]

    @property
    def booking_attendees(self) -> tuple[Attendee, ...]:
        """Those who booked and still come, without the guests they bring along."""
        return tuple(one for one in self.attendees if not one.brought_along and one.cancelled_at is None)

    @property
    def user_ids(self) -> frozenset[UUID]:
        """The hosts and the resources: their rows guard its time."""
        return frozenset([*(host.id for host in self.hosts), *(UUID(one["resourceId"]) for one in self.resources)])


_WHOLE = f"""
    SELECT {rows.prefixed(COLUMNS, "a")},
        t.slug, t.ics, t.metadata, t.spots, t.booking_limits, c.name, c.language,
        CASE WHEN a.queue_id IS NOT NULL THEN (
            SELECT json_build_object('userIds', q.user_ids, 'selectionReason', q.reason,
                'groupId', CASE WHEN q.member_id <> ALL(q.user_ids) THEN q.member_id END)
            FROM queue_choice q WHERE q.company_id = a.company_id AND q.appointment_id = a.id
            ORDER BY q.id DESC LIMIT 1) END,
        (SELECT json_agg(json_build_object('connectionId', e.connection_id, 'provider', n.provider,
                'account', n.account, 'userId', e.user_id, 'remoteId', e.remote_id, 'calendarId', k.remote_id)
                ORDER BY e.user_id)
            FROM calendar_entry e
            JOIN calendar_connection n ON n.company_id = e.company_id AND n.id = e.connection_id
            LEFT JOIN calendar k ON k.company_id = e.company_id AND k.id = e.calendar_id
            WHERE e.company_id = a.company_id AND e.appointment_id = a.id AND e.part = 'event'),
        (SELECT number FROM conference f WHERE f.company_id = a.company_id AND f.appointment_id = a.id
            AND f.state = 'made'),
        (SELECT json_agg(host ORDER BY host.place) FROM (
            SELECT h.position AS place, {rows.prefixed(hosts.COLUMNS, "u")}
            FROM appointment_host h JOIN user_account u ON u.company_id = h.company_id AND u.id = h.user_id
            WHERE h.company_id = a.company_id AND h.appointment_id = a.id) host),
        (SELECT json_agg(guest ORDER BY guest.position) FROM (
            SELECT {attendees.COLUMNS} FROM attendee
            WHERE company_id = a.company_id AND appointment_id = a.id) guest)
    FROM appointment a
    JOIN meeting_type t ON t.company_id = a.company_id AND t.id = a.meeting_type_id
    JOIN company c ON c.id = a.company_id
"""


def _whole(row: Sequence[Any]) -> Appointment:
    for host in row[-2]:
        del host["place"]
    guests = tuple(map(attendees.of_json, row[-1]))
    return Appointment(*(*row[:-2], tuple(map(hosts.of_json, row[-2])), guests))


async def get(conn: Connection, company_id: UUID, appointment_id: UUID) -> Appointment | None:
    """Find one appointment of the company."""
    cursor = await conn.execute(_WHOLE + "WHERE a.company_id = %s AND a.id = %s", (company_id, appointment_id))
    row = await cursor.fetchone()
    return _whole(row) if row else None


async def made_by_series(
    conn: Connection, company_id: UUID, series_id: UUID, *, since: Instant, without: UUID
) -> list[Appointment]:
    """List the live appointments a series made that begin at an instant or later, by start, without one of them."""
    return await _dates(conn, "a.series_id = %(series)s", company_id, series_id, since, without)


async def attended_by_series(
    conn: Connection, company_id: UUID, series_id: UUID, *, since: Instant, without: UUID
) -> list[Appointment]:
    """List, like `made_by_series`, those a series made or joined to which somebody still comes by it."""
    comes = """a.id IN (SELECT appointment_id FROM attendee
        WHERE company_id = %(company)s AND series_id = %(series)s AND cancelled_at IS NULL)"""
    return await _dates(conn, comes, company_id, series_id, since, without)


async def _dates(
    conn: Connection, rule: str, company_id: UUID, series_id: UUID, since: Instant, without: UUID
) -> list[Appointment]:
    cursor = await conn.execute(
        f"""{_WHOLE} WHERE a.company_id = %(company)s AND {rule} AND a.start_at >= %(since)s
            AND a.cancelled_at IS NULL AND a.id <> %(without)s ORDER BY a.start_at, a.id""",
        {"company": company_id, "series": series_id, "since": since, "without": without},
    )
    return [_whole(row) for row in await cursor.fetchall()]


async def of_any_company(conn: Connection, appointment_id: UUID) -> Appointment | None:
    """Find an appointment for somebody who has no more than its id and a secret."""
    cursor = await conn.execute(_WHOLE + "WHERE a.id = %s", (appointment_id,))
    row = await cursor.fetchone()
    return _whole(row) if row else None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which of one host's appointments are meant; None leaves a side open.

    Attributes:
        begins_from, begins_before: bounds of the start, half-open.
        live_only: leave cancelled ones out.
        runs_at: only those that run at this instant and are live.
        search: a part of an attendee's name, address or phone number, or of the meeting's name.
    """

    host_id: UUID
    begins_from: Instant | None = None
    begins_before: Instant | None = None
    live_only: bool = False
    runs_at: Instant | None = None
    meeting_type_id: UUID | None = None
    status: Status | None = None
    search: str | None = None


_STATUS = {
    "upcoming": "a.cancelled_at IS NULL AND a.end_at > %(now)s",
    "past": "a.cancelled_at IS NULL AND a.end_at <= %(now)s",
    "cancelled": "a.cancelled_at IS NOT NULL",
}


def _where(only: Filter, now: Instant) -> tuple[str, dict[str, Any]]:
    rules = ["h.company_id = %(company)s AND h.user_id = %(host)s"]
    if only.begins_from:
        rules.append("h.start_at >= %(from)s")
    if only.begins_before:
        rules.append("h.start_at < %(before)s")
    if only.live_only:
        rules.append("h.live")
    if only.runs_at:
        rules.append("h.live AND h.start_at <= %(at)s AND a.end_at > %(at)s")
    if only.meeting_type_id:
        rules.append("a.meeting_type_id = %(type)s")
    if only.status:
        rules.append(_STATUS[only.status])
    if only.search:
        rules.append(
            """(a.meeting_info->>'name' ILIKE %(search)s OR EXISTS (
                SELECT FROM attendee g WHERE g.company_id = a.company_id AND g.appointment_id = a.id
                    AND (g.email ILIKE %(search)s OR g.full_name ILIKE %(search)s OR g.phone ILIKE %(search)s)))"""
        )
    pattern = (only.search or "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return " AND ".join(rules), {
        "host": only.host_id,
        "from": only.begins_from,
        "before": only.begins_before,
        "at": only.runs_at,
        "type": only.meeting_type_id,
        "search": f"%{pattern}%",
        "now": now,
    }


def _from(*uses: str) -> str:
    """Name the tables, without the appointments where nothing of theirs is used: the index of hosts is enough then."""
    if any("a." in use for use in uses):
        return "FROM appointment_host h JOIN appointment a ON a.company_id = h.company_id AND a.id = h.appointment_id"
    return "FROM appointment_host h"


async def page(
    conn: Connection,
    company_id: UUID,
    only: Filter,
    *,
    sort: Literal["start", "created"],
    descending: bool,
    limit: int,
    offset: int,
    now: Instant,
) -> tuple[list[Appointment], int]:
    """Read one page of a host's appointments, equal ones by id, and count them all; two statements."""
    where, values = _where(only, now)
    direction = "DESC" if descending else "ASC"
    column = "h.start_at" if sort == "start" else "a.created_at"
    outer = "a.start_at" if sort == "start" else "a.created_at"
    values |= {"company": company_id, "offset": offset}
    # The limit is a part of the text: PostgreSQL holds a plan for any limit to be dearer than one for this, and would
    # plan it each time, which takes longer than reading the page.
    cursor = await conn.execute(
        f"""{_WHOLE} WHERE a.company_id = %(company)s AND a.id IN (
                SELECT h.appointment_id {_from(where, column)} WHERE {where}
                ORDER BY {column} {direction}, h.appointment_id {direction} LIMIT {limit:d} OFFSET %(offset)s)
            ORDER BY {outer} {direction}, a.id {direction}""",
        values,
        binary=True,  # a page has a hundred instants and more, each of which would be read as text
    )
    found = [_whole(row) for row in await cursor.fetchall()]
    async with conn.cursor(row_factory=scalar_row) as counting:
        await counting.execute(f"SELECT count(*) {_from(where)} WHERE {where}", values)
        return found, int(await counting.fetchone() or 0)


async def change(conn: Connection, company_id: UUID, appointment_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of one appointment; the caller has locked it."""
    await conn.execute(*rows.update("appointment", company_id, appointment_id, changes))
