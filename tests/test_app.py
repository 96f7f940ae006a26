"""The App's own life: it closes whatever its background task is doing."""

import asyncio
from dataclasses import replace

import pytest

from kalends.app import App, DatabaseBusy, OutcomeUnknown
from kalends.errors import DomainError
from kalends.storage.database import Connection, pool


async def test_it_closes_though_its_task_misses_a_cancellation(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Python 3.12 asyncio.wait_for loses a cancellation that meets the end of what it waits for."""
    missed = asyncio.Event()

    async def miss_one() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if missed.is_set():
                raise
            missed.set()

    monkeypatch.setattr(app, "_notify", miss_one)
    app._wake.set()
    await asyncio.sleep(0)

    await asyncio.wait_for(app.aclose(), timeout=10)

    assert missed.is_set()
    assert "wake-workers" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_given_up_while_it_opens_it_leaves_nothing_running(app: App) -> None:
    before = asyncio.all_tasks()
    given_up = asyncio.create_task(replace(app, pool=pool(app.pool.conninfo)).open())
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # by now its pool is connecting

    given_up.cancel()
    await asyncio.wait([given_up])

    assert given_up.cancelled()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("enclosed", [False, True])
@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        ("RAISE lock_not_available", DatabaseBusy),
        ("RAISE deadlock_detected", DatabaseBusy),
        ("RAISE serialization_failure", DatabaseBusy),
        ("PERFORM pg_terminate_backend(pg_backend_pid())", OutcomeUnknown),
    ],
)
async def test_a_commit_that_the_server_refuses_is_busy_and_one_without_an_answer_unknown(
    app: App, failing: str, expected: type[DomainError], enclosed: bool
) -> None:
    """COMMIT locks too (the row of an edition), so it may not get what it needs: then nothing was applied."""

    async def change(conn: Connection) -> None:
        await conn.execute("CREATE TEMP TABLE ending (x int)")
        await conn.execute(
            f"""CREATE FUNCTION pg_temp.fails() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN {failing}; RETURN NULL; END'"""
        )
        await conn.execute(
            """CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON ending DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION pg_temp.fails()"""
        )
        await conn.execute("INSERT INTO ending VALUES (1)")

    async def commit() -> None:
        if not enclosed:
            async with app.transaction() as conn:
                await change(conn)
            return
        async with app.enclosed(change) as enclosing:
            async with app.transaction():
                pass
            await enclosing.commit(_nothing)

    with pytest.raises(expected):
        await commit()


async def _nothing(_: Connection) -> None:
    pass
