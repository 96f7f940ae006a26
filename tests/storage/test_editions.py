"""Editions: new with every change of what scopes are read from, at its COMMIT, without a lock in anybody's way."""

import asyncio
import re
import time
from uuid import UUID

import pytest

from kalends.app import App
from kalends.services.companies import Founded
from kalends.storage import editions, queues, resource_calendars, slot_scopes
from kalends.storage.database import Connection
from tests import factories
from tests.ordering import NOW

# Read of an appointment that is moved only, and such scopes are not kept.
NOT_KEPT = {"appointment", "appointment_host", "edition"}


@pytest.fixture
async def company(app: App) -> Founded:
    async with app.transaction() as conn:
        return await factories.company(conn, now=NOW)


async def _seen(conn: Connection, company: Founded) -> UUID | None:
    row = await (await conn.execute(f"SELECT {editions.SEEN}", {"company": company.company_id})).fetchone()
    assert row
    found: UUID | None = row[0]
    return found


async def _edition(app: App, company: Founded) -> UUID:
    async with app.reading() as conn:
        found = await _seen(conn, company)
    assert found
    return found


async def test_all_tables_that_scopes_are_read_from_begin_editions(conn: Connection) -> None:
    """Whatever is done to whichever column of them."""
    found = await conn.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    words = re.findall(r"\w+", f"{slot_scopes._SCOPE} {resource_calendars._HOURS} {queues._STATE}")
    read = {row[0] for row in await found.fetchall()} & {*words} - NOT_KEPT
    found = await conn.execute(
        """SELECT tgrelid::regclass::text, tgname, tgtype, tgdeferrable AND tginitdeferred, tgattr::text, tgqual::text
        FROM pg_trigger WHERE tgname LIKE 'edition_%' AND tgenabled = 'O'"""
    )

    each_row, once, insert, delete, update = 1, 0, 4, 8, 16
    assert {*await found.fetchall()} == {
        (table, name, level | insert | update | delete, deferred, "", None)
        for table in read - {"company"}
        for name, level, deferred in (("edition_begins", each_row, True), ("edition_ends", once, False))
    } | {
        ("company", "edition_begins", each_row | insert | update, True, "", None),
        ("company", "edition_ends", once | insert | update | delete, False, "", None),
    }


async def test_a_transaction_that_changed_something_sees_no_edition_until_it_is_over(
    app: App, company: Founded
) -> None:
    before = await _edition(app, company)

    async with app.transaction() as conn:
        assert await _seen(conn, company) == before
        async with conn.transaction(force_rollback=True):
            await conn.execute("UPDATE company SET settings = '{}' WHERE id = %s", (company.company_id,))
            assert await _seen(conn, company) is None
        assert await _seen(conn, company) == before
        await conn.execute("UPDATE company SET settings = '{}' WHERE id = %s", (company.company_id,))
        assert await _seen(conn, company) is None
        assert await _edition(app, company) == before
        await conn.execute("DELETE FROM resource_unit WHERE company_id = %s", (company.company_id,))
    async with app.reading() as conn:
        after = await _seen(conn, company)
        assert await editions.is_current(conn, company.company_id, after)
        assert not await editions.is_current(conn, company.company_id, before)

    assert after not in (None, before)


async def test_what_is_rolled_back_leaves_the_edition(app: App, company: Founded) -> None:
    before = await _edition(app, company)

    async with app.connection() as conn, conn.transaction(force_rollback=True):
        await conn.execute("UPDATE company SET settings = '{}' WHERE id = %s", (company.company_id,))
        await conn.execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert await _edition(app, company) == before


async def test_a_transaction_changes_the_editions_of_all_its_companies_and_of_no_other(
    app: App, company: Founded
) -> None:
    async with app.transaction() as conn:
        others = [await factories.company(conn, now=NOW) for _ in range(2)]
    everybody = [company, *others]
    before = [await _edition(app, one) for one in everybody]

    async with app.transaction() as conn:
        for one in (*others, *others):
            await conn.execute("UPDATE availability SET name = 'x' WHERE company_id = %s", (one.company_id,))

    after = [await _edition(app, one) for one in everybody]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, False]
    assert len({*before, *after}) == 5


@pytest.mark.parametrize("first", [0, 1])
async def test_changes_that_cross_meet_at_their_commits_only(app: App, company: Founded, first: int) -> None:
    """An edition locked with the first change would end these in a deadlock."""
    before = await _edition(app, company)
    async with app.connection() as one, app.connection() as other:
        await one.execute("BEGIN")
        await other.execute("BEGIN")
        await one.execute("UPDATE meeting_type SET spots = 2 WHERE id = %s", (company.meeting_type_id,))
        await other.execute("UPDATE availability SET name = 'x' WHERE id = %s", (company.availability_id,))
        await one.execute("UPDATE company SET language = 'fr' WHERE id = %s", (company.company_id,))
        await other.execute("UPDATE user_account SET title = 'x' WHERE id = %s", (company.user_id,))
        ending = [one, other] if first == 0 else [other, one]
        await asyncio.gather(*(conn.execute("COMMIT") for conn in ending))

    assert await _edition(app, company) != before


async def test_of_two_commits_at_once_the_second_waits_and_replaces_the_edition(app: App, company: Founded) -> None:
    before = await _edition(app, company)
    async with app.connection() as first, app.connection() as second:
        for conn, table in ((first, "availability"), (second, "meeting_type")):
            await conn.execute("BEGIN")
            await conn.execute(f"UPDATE {table} SET updated_at = %s WHERE company_id = %s", (NOW, company.company_id))
        await first.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what COMMIT begins with
        found = await first.execute("SELECT edition FROM edition WHERE company_id = %s", (company.company_id,))
        between = (await found.fetchone() or [None])[0]
        ending = asyncio.create_task(second.execute("COMMIT"))
        done, _ = await asyncio.wait([ending], timeout=0.1)
        assert not done
        await first.execute("COMMIT")
        await ending

    assert len({before, between, await _edition(app, company)}) == 3


async def test_a_thousand_rows_at_once_are_not_slow(app: App, company: Founded) -> None:
    start = time.perf_counter()
    async with app.transaction() as conn:
        await conn.execute(
            """INSERT INTO availability_exception
                (company_id, owner_type, owner_id, available, starts, ends, earliest, latest, created_at)
            SELECT %s, 'user', %s, false, '2031-03-05', '2031-03-05', now(), now(), now()
            FROM generate_series(1, 1000)""",
            (company.company_id, company.user_id),
        )
    took = time.perf_counter() - start

    assert took < 1
