"""The statements of a list of starts find their rows by index, however many there are, and are as few as can be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from kalends.services.companies import Founded
from kalends.services.credentials import secret_hash
from kalends.storage import credentials, slot_scopes, taken_time
from kalends.storage.buckets import RateLimit
from kalends.storage.credentials import Presented
from kalends.storage.database import Connection
from kalends.storage.slot_scopes import BlockingCalendar
from kalends.storage.taken_time import Connected
from tests import busy_rows, factories, ordering, statements
from tests.ordering import NOW, START


async def _plan(conn: Connection, read: Callable[[], Awaitable[object]]) -> dict[str, Any]:
    """Show how the last statement of `read` is planned for any values at all, with indexes wherever they serve."""
    await conn.execute("SET LOCAL plan_cache_mode TO force_generic_plan")
    for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):  # which are cheaper while there are few rows
        await conn.execute(f"SET LOCAL enable_{way} TO off")
    conn.prepare_threshold = 0
    await read()
    prepared = await conn.execute(
        "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements ORDER BY prepare_time DESC LIMIT 1",
        prepare=False,
    )
    name, parameters = await prepared.fetchone() or ("", 0)
    shown = await conn.execute(
        sql.SQL("EXPLAIN (FORMAT JSON) EXECUTE {}({})").format(
            sql.Identifier(name), sql.SQL(", ").join([sql.NULL] * parameters)
        ),
        prepare=False,
    )
    row = await shown.fetchone()
    assert row
    found: dict[str, Any] = row[0][0]["Plan"]
    return found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _scans(plan: dict[str, Any]) -> dict[str, str]:
    """Name the way each relation, by its alias, is read; ``all of`` an index where it is not asked for a value."""
    return {
        node["Alias"]: f"{node['Node Type']} {'' if 'Index Cond' in node else 'all of '}{node.get('Index Name')}"
        for node in _nodes(plan)
        if "Relation Name" in node and "Scan" in node["Node Type"]
    }


async def _busy(conn: Connection, hosts: int, connected: Connected | None = None) -> object:
    """Ask for the busy time of so many hosts in a month."""
    return await taken_time.busy(
        conn,
        company_id=uuid4(),
        edition=uuid4(),
        host_nos=range(1, 1 + hosts),
        first=START,
        last=START.add(hours=720),
        moved=None,
        hold=None,
        now=NOW,
        connected=connected,
    )


@pytest.mark.parametrize("hosts", [1, 10, 100])
async def test_claims_are_read_from_their_index_alone(conn: Connection, hosts: int) -> None:
    await _many_claims(conn, await factories.company(conn, now=NOW))
    plan = await _plan(conn, lambda: _busy(conn, hosts))

    assert _scans(plan) == {"claim": "Index Only Scan claim_host_span", "e": "Index Scan edition_pkey"}


@pytest.mark.parametrize("hosts", [1, 10, 100])
async def test_busy_events_are_read_from_their_index_alone(conn: Connection, hosts: int) -> None:
    """Also where there are so many that all of them would be read rather than looked up."""
    company = await factories.company(conn, now=NOW)
    await _many_claims(conn, company)
    own = await busy_rows.connection(conn, company)
    await busy_rows.busy(conn, own.calendars[0], [(START, START.add(hours=1))])
    await conn.execute(
        """INSERT INTO busy_event (company_id, event_id, calendar_no, host_no, start_at, end_at)
        SELECT company_id, event_id, calendar_no, n %% 300, start_at + n * age, end_at + n * age
        FROM busy_event, generate_series(1, 10000) n, CAST('1 hour' AS interval) age WHERE company_id = %s""",
        (company.company_id,),
    )
    await conn.execute("ANALYZE busy_event, busy_edition, calendar_access")
    calendar = BlockingCalendar(uuid4(), uuid4(), 1)
    connected = Connected(dict.fromkeys(range(1, 1 + hosts), uuid4()), [calendar], START, START.add(hours=720))
    plan = await _plan(conn, lambda: _busy(conn, hosts, connected))

    assert _scans(plan) == {
        "claim": "Index Only Scan claim_host_span",
        "busy_event": "Index Only Scan busy_event_host_span",
        "b": "Index Scan busy_edition_pkey",
        "calendar_access": "Index Scan calendar_access_pkey",
        "r": "Index Scan calendar_reading_pkey",
        "e": "Index Scan edition_pkey",
    }


@pytest.mark.parametrize("moved", [None, uuid4()])
async def test_a_scope_is_read_by_indexes(conn: Connection, moved: UUID | None) -> None:
    plan = await _plan(
        conn,
        lambda: slot_scopes.scope(
            conn,
            company_id=uuid4(),
            meeting_type_id=uuid4(),
            host_ids=[uuid4()],
            queue=False,
            channel=None,
            first=START,
            last=START.add(hours=720),
            moved=moved,
            deleted=False,
        ),
    )

    assert not [scan for scan in _scans(plan).values() if "Seq Scan" in scan or "all of" in scan]


async def test_a_credential_in_use_is_found_and_charged_by_one_statement_with_indexes_only(conn: Connection) -> None:
    company = await factories.company(conn, now=NOW)
    secret = secret_hash(uuid4().hex)
    new = credentials.Credential(
        company.company_id, uuid4(), "token", company.user_id, "laptop", [], None, None, None, None, NOW
    )
    await credentials.add(conn, new, secret)
    limit = RateLimit(60, 3)

    async def present(seconds: int) -> tuple[int, Presented | None, bool, float]:
        with statements.counted() as sent:
            found, level = await credentials.present(
                conn,
                secret_hash=secret,
                named=False,
                asked=None,
                address=lambda: "nobody",
                limit=limit,
                now=NOW.add(seconds=seconds),
            )
        return len(sent), found, level.taken, level.tokens

    first, found, *level = await present(0)
    assert (first, level) == (2, [True, 2])
    # The bucket is known, and the use noted, until a minute later; what is refused is told how much is left.
    assert [await present(seconds) for seconds in (0, 0, 0, 2, 60, 60)] == [
        (1, found, True, 1),
        (1, found, True, 0),
        (2, found, False, 0),
        (1, found, True, 1),
        (2, found, True, 2),
        (1, found, True, 1),
    ]
    await _many_rows(conn, company)
    plan = await _plan(conn, lambda: present(60))

    assert _scans(plan).keys() == {"d", "c", "u", "o", "b"}
    assert not [scan for scan in _scans(plan).values() if "Seq Scan" in scan or "all of" in scan]


async def _many_claims(conn: Connection, company: Founded) -> None:
    """Add so many claims that reading all of some weeks would take longer than looking up those of a host."""
    await ordering.booked(conn, factories.actor(company), ordering.order(company.meeting_type_id, START))
    await conn.execute(
        """INSERT INTO claim (company_id, host_no, start_at, end_at, exclusive, appointment_id)
        SELECT company_id, n %% 300, start_at + n * age, end_at + n * age, false, appointment_id
        FROM claim, generate_series(1, 10000) n, CAST('1 hour' AS interval) age WHERE company_id = %s""",
        (company.company_id,),
    )
    await conn.execute("ANALYZE claim")


async def _many_rows(conn: Connection, company: Founded) -> None:
    """Add so many users and buckets that reading all of them would take longer than looking one up."""
    await conn.execute(
        """INSERT INTO user_account
            (company_id, id, email, given_name, family_name, slug, timezone, created_at, updated_at)
        SELECT %s, gen_random_uuid(), n || '@acme.test', 'Ada', 'Roth', n || '-of-many', 'UTC', now(), now()
        FROM generate_series(1, 300) n""",
        (company.company_id,),
    )
    await conn.execute("INSERT INTO bucket SELECT 'of many ' || n, 1, now() FROM generate_series(1, 300) n")
    await conn.execute("ANALYZE user_account, bucket")
