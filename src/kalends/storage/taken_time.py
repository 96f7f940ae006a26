"""Taken time: the claims of hosts and of units of resources, and the edition that goes with them, in one statement.

Spans leave here as epoch minutes, rounded outward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import iter_unpack
from uuid import UUID

from whenever import Instant

from kalends.domain.spans import Span

from . import editions
from .database import Connection, bigints, numbered

# One row for each host who has claims; one of nobody where none has. A claim leaves as the eight bytes of two integers:
# that costs both sides less than two arrays.
_BUSY = f"""
    SELECT coalesce({editions.SEEN} = %(edition)s, false), host_no, spans, expired
    FROM (SELECT) anyway LEFT JOIN (
        SELECT host_no, bool_or(expires_at <= %(now)s) AS expired,
            string_agg(
                int4send(floor(date_part('epoch', start_at) / 60)::int)
                    || int4send(ceil(date_part('epoch', end_at) / 60)::int),
                ''::bytea
            ) FILTER (WHERE expires_at IS NULL OR expires_at > %(now)s) AS spans
        FROM claim
        WHERE host_no = ANY(%(hosts)s::bigint[]) AND end_at > %(first)s AND start_at < %(last)s
            AND (%(moved)s::uuid IS NULL OR appointment_id IS DISTINCT FROM %(moved)s)
            AND (%(hold)s::uuid IS NULL OR reservation_id IS DISTINCT FROM %(hold)s)
        GROUP BY host_no
    ) claimed ON true
"""
_PARAMETERS = ("hosts", "company", "edition", "first", "last", "moved", "hold", "now")
_BUSY_MANY = numbered(_BUSY, *_PARAMETERS)
# Asked about one host, PostgreSQL sees that a plan for all times is as good as one made each time, which takes longer
# than the rest. No claim is longer than 192 hours (`claim_length`), so that the scan of the index may end; said of host
# and end together, or PostgreSQL would rather look through what ends then of everybody (`claim_end`).
_BUSY_ONE = numbered(
    _BUSY.replace(
        "= ANY(%(hosts)s::bigint[])",
        "= %(hosts)s::bigint AND (host_no, end_at) < (%(hosts)s, %(last)s + interval '192 hours')",
    ),
    *_PARAMETERS,
)
_SPAN = ">ii"  # as int4send writes them


@dataclass(frozen=True, slots=True)
class Busy:
    """What is claimed of hosts in a span.

    Attributes:
        current: the company's edition is still the one that was asked about.
        claims: sorted spans by host_no; who has none is left out.
        expired: there are also claims that have expired, which are left out here and would stand in the way of new
            ones until they are deleted.
    """

    current: bool
    claims: dict[int, list[Span]]
    expired: bool


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
) -> Busy:
    """Read the claims that meet [first, last), and whether an edition is still the company's; one statement.

    Expired claims are left out, and those of the moved appointment and of the caller's own hold.
    """
    alone = len(host_nos) == 1
    cursor = await conn.often.execute(
        _BUSY_ONE if alone else _BUSY_MANY,
        (
            host_nos[0] if alone else bigints(host_nos),
            company_id,
            edition,
            first,
            last,
            moved,
            hold,
            now,
        ),
    )
    found = await cursor.fetchall()
    return Busy(
        found[0][0],
        {host_no: sorted(iter_unpack(_SPAN, spans)) for _, host_no, spans, _ in found if spans},
        any(expired for *_, expired in found),
    )
