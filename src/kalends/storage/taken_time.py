"""Taken time: the claims of hosts and of units of resources, what blocks hosts in calendars they have connected, and
the edition that goes with them, in one statement.

Spans leave here as epoch minutes, rounded outward.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import iter_unpack
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.spans import Span

from . import editions
from .database import Connection, bigints, numbered
from .slot_scopes import BlockingCalendar

# One row for each host who has claims; one of nobody where none has. A claim leaves as the eight bytes of two integers:
# that costs both sides less than two arrays.
_SPAN_OF_ROW = """int4send(floor(date_part('epoch', start_at) / 60)::int)
                    || int4send(ceil(date_part('epoch', end_at) / 60)::int)"""
_CLAIMS = f"""
        SELECT host_no, bool_or(expires_at <= %(now)s) AS expired,
            string_agg(
                {_SPAN_OF_ROW},
                ''::bytea
            ) FILTER (WHERE expires_at IS NULL OR expires_at > %(now)s) AS spans
        FROM claim
        WHERE host_no = ANY(%(hosts)s::bigint[]) AND end_at > %(first)s AND start_at < %(last)s
            AND (%(moved)s::uuid IS NULL OR appointment_id IS DISTINCT FROM %(moved)s)
            AND (%(hold)s::uuid IS NULL OR reservation_id IS DISTINCT FROM %(hold)s)
        GROUP BY host_no
    """
_BUSY = f"""
    SELECT coalesce({editions.SEEN} = %(edition)s, false), host_no, spans, expired
    FROM (SELECT) anyway LEFT JOIN ({_CLAIMS}) claimed ON true
"""
_PARAMETERS = ("hosts", "company", "edition", "first", "last", "moved", "hold", "now")
_BUSY_MANY = numbered(_BUSY, *_PARAMETERS)
# Asked about one host, PostgreSQL sees that a plan for all times is as good as one made each time, which takes longer
# than the rest. No claim is longer than 192 hours (`claim_length`), so that the scan of the index may end; said of host
# and end together, or PostgreSQL would rather look through what ends then of everybody (`claim_end`).
_ALL, _ONE = (
    "= ANY(%(hosts)s::bigint[])",
    "= %(hosts)s::bigint AND (host_no, end_at) < (%(hosts)s, %(last)s + interval '192 hours')",
)
_BUSY_ONE = numbered(_BUSY.replace(_ALL, _ONE), *_PARAMETERS)
# Where somebody has connected calendars, two more kinds of rows: for each host the edition of his busy events, which
# come along, by calendar, unless that edition is the known one (what `editions` says of a company's is as true of this
# one); and for each connection how well they are known. No busy event is longer than a claim (`busy_event_length`).
# That is said of host and end together here too: else PostgreSQL would take the plan for all times to be the dearer
# one, and plan anew each time, which takes longer than to read.
_CONNECTED = f"""
    SELECT coalesce({editions.SEEN} = %(edition)s, false), host_no, spans, expired, busy_edition, calendar_no,
        connection_id, refused, synced_at, known_until
    FROM (SELECT) anyway LEFT JOIN (
        SELECT host_no, spans, expired, NULL::uuid AS busy_edition, NULL::bigint AS calendar_no,
            NULL::uuid AS connection_id, NULL::boolean AS refused, NULL::timestamptz AS synced_at,
            NULL::timestamptz AS known_until
        FROM ({_CLAIMS}) claimed
        UNION ALL
        SELECT b.host_no, read.spans, false, b.edition, read.calendar_no, NULL, NULL, NULL, NULL /* connected */
        LEFT JOIN LATERAL (
            SELECT calendar_no,
                string_agg(
                    {_SPAN_OF_ROW},
                    ''::bytea
                ) AS spans
            FROM busy_event
            WHERE b.edition IS DISTINCT FROM one.known AND host_no = b.host_no
                AND end_at > %(events_first)s AND start_at < %(events_last)s
                AND (host_no, end_at) < (b.host_no, %(events_last)s + interval '192 hours')
            GROUP BY calendar_no
        ) read ON true
        UNION ALL
        SELECT NULL, NULL, false, NULL, NULL, x.connection_id, x.status = 'refused',
            CASE WHEN read.whole THEN x.synced_at END, read.until
        FROM (
            SELECT connection_id, count(r.synced_at) = count(*) AS whole, min(r.window_end) AS until
            FROM unnest(%(connections)s::uuid[], %(calendars)s::uuid[]) one (connection_id, calendar_id)
            LEFT JOIN calendar_reading r ON r.calendar_id = one.calendar_id
            GROUP BY connection_id
        ) read
        CROSS JOIN LATERAL (SELECT * FROM calendar_access WHERE connection_id = read.connection_id OFFSET 0) x
    ) taken ON true
"""
_CONNECTED_PARAMETERS = (*_PARAMETERS, "connections", "calendars", "connected", "known", "events_first", "events_last")
_CONNECTED_HOSTS = """
        FROM unnest(%(connected)s::bigint[], %(known)s::uuid[]) one (host_no, known)
        JOIN busy_edition b ON b.host_no = one.host_no
"""
_CONNECTED_HOST = """
        FROM (SELECT %(known)s::uuid AS known) one JOIN busy_edition b ON b.host_no = %(connected)s::bigint
"""
_CONNECTED_MANY = numbered(_CONNECTED.replace("/* connected */", _CONNECTED_HOSTS), *_CONNECTED_PARAMETERS)
_CONNECTED_ONE = numbered(
    _CONNECTED.replace(_ALL, _ONE).replace("/* connected */", _CONNECTED_HOST), *_CONNECTED_PARAMETERS
)
_SPAN = ">ii"  # as int4send writes them


@dataclass(frozen=True, slots=True)
class Connected:
    """Whose connected calendars are read too.

    Attributes:
        known: the edition of the busy events that the caller has already, by host_no; None: he has none.
        calendars: those that block, with their connections, of which is told how well they are known.
        first, last: busy events that meet this span are read.
    """

    known: Mapping[int, UUID | None]
    calendars: Collection[BlockingCalendar]
    first: Instant
    last: Instant


@dataclass(frozen=True, slots=True)
class Access:
    """How well those calendars of a connection that block are known.

    Attributes:
        refused: its provider does not let us in any more.
        synced_at: what is known is no older than this; None: one of them was never read.
        known_until: what comes later was not read.
    """

    refused: bool
    synced_at: Instant | None
    known_until: Instant | None


@dataclass(frozen=True, slots=True)
class Busy:
    """What is taken of hosts in a span.

    Attributes:
        current: the company's edition is still the one that was asked about.
        claims: sorted spans by host_no; who has none is left out.
        expired: there are also claims that have expired, which are left out here and would stand in the way of new
            ones until they are deleted.
        editions: of the busy events, by host_no; who never had any is left out.
        events: sorted spans of busy events by host_no and calendar's number, of whatever calendars are stored; none of
            hosts whose edition is the known one.
        accesses: by connection; one that is not there was never read.
    """

    current: bool
    claims: dict[int, list[Span]]
    expired: bool
    editions: Mapping[int, UUID] = field(default_factory=dict)
    events: Mapping[int, Mapping[int, list[Span]]] = field(default_factory=dict)
    accesses: Mapping[UUID, Access] = field(default_factory=dict)


async def busy(
    conn: Connection,
    *,
    company_id: UUID,
    edition: UUID | None,
    host_nos: Sequence[int],
    first: Instant,
    last: Instant,
    moved: UUID | None,
    hold: UUID | None,
    now: Instant,
    connected: Connected | None = None,
) -> Busy:
    """Read the claims that meet [first, last), and whether an edition is still the company's; one statement.

    Expired claims are left out, and those of the moved appointment and of the caller's own hold.

    Args:
        connected: read the busy events of these as well; None: of nobody.
    """
    alone = len(host_nos) == 1
    values = (
        host_nos[0] if alone else bigints(host_nos),
        company_id,
        edition,
        first,
        last,
        moved,
        hold,
        now,
    )
    if connected:
        return await _with_calendars(conn, values, connected, alone=alone)
    cursor = await conn.often.execute(_BUSY_ONE if alone else _BUSY_MANY, values)
    found = await cursor.fetchall()
    return Busy(
        found[0][0],
        {host_no: _spans(spans) for _, host_no, spans, _ in found if spans},
        any(expired for *_, expired in found),
    )


async def _with_calendars(conn: Connection, values: tuple[Any, ...], connected: Connected, *, alone: bool) -> Busy:
    one = next(iter(connected.known.items())) if alone else None
    cursor = await conn.often.execute(
        _CONNECTED_ONE if alone else _CONNECTED_MANY,
        (
            *values,
            _uuids([calendar.connection_id for calendar in connected.calendars]),
            _uuids([calendar.id for calendar in connected.calendars]),
            *(one or (bigints(connected.known), _uuids(connected.known.values()))),
            connected.first,
            connected.last,
        ),
    )
    claims: dict[int, list[Span]] = {}
    busy_editions: dict[int, UUID] = {}
    events: dict[int, dict[int, list[Span]]] = {}
    accesses: dict[UUID, Access] = {}
    found = await cursor.fetchall()
    for _, host_no, spans, _, busy_edition, calendar_no, connection_id, *access in found:
        if connection_id:
            accesses[connection_id] = Access(*access)
        elif busy_edition:
            busy_editions[host_no] = busy_edition
            if spans:
                events.setdefault(host_no, {})[calendar_no] = _spans(spans)
        elif spans:
            claims[host_no] = _spans(spans)
    return Busy(found[0][0], claims, any(row[3] for row in found), busy_editions, events, accesses)


def _uuids(ids: Iterable[UUID | None]) -> str:
    return f"{{{','.join([str(one or 'NULL') for one in ids])}}}"


def _spans(packed: bytes) -> list[Span]:
    return sorted(iter_unpack(_SPAN, packed))
