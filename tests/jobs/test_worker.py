"""The worker: quick to start, graceful to stop, outliving a lost database; a killed one loses no mail."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from uuid import UUID

import pytest
import structlog
from procrastinate.manager import JobManager
from whenever import Instant

from kalends.app import App
from kalends.integrations.smtp import SmtpMailer
from kalends.jobs import worker
from kalends.ports import Credential, Keep
from kalends.storage import calendar_access, claims, jobs, stalled
from kalends.storage.database import Connection
from tests import factories
from tests.calendar_connections import connect
from tests.conftest import Outbox
from tests.fakes.memory_calendar import MemoryCalendar
from tests.jobs.stage import TUESDAY, Stage, to
from tests.mail import smtp_server

PROCESS = Path(__file__).parent / "worker_process.py"


async def until(true: Callable[[], bool | Awaitable[bool]], within_s: float = 30) -> None:
    """Wait for something that has to become true."""
    deadline = time.monotonic() + within_s
    while True:
        answer = true()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def working(app: App, conninfo: str) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(app, conninfo, stop=stop))
    try:
        await until(lambda: _listens(app))
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(running, 40)


async def _listens(app: App) -> bool:
    async with app.reading() as conn:
        cursor = await conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"
        )
        row = await cursor.fetchone()
    return row is not None and row[0] == len(worker.CONCURRENCY)


async def test_a_job_starts_at_once_after_its_commit(stage: Stage, conninfo: str, outbox: Outbox) -> None:
    waits = []
    async with working(stage.app, conninfo):
        for number in range(8):
            stage.guest = f"{number}-{stage.guest}"
            await stage.book(TUESDAY.add(minutes=30 * number))
            committed = time.monotonic()
            await until(lambda: bool(to(outbox.mails, stage.guest)))
            waits.append(time.monotonic() - committed)
            await asyncio.sleep(0.06)  # the next wake-up may go

    print(f"from commit to the mail handed over (two jobs): median {median(waits) * 1000:.0f} ms, all {waits}")
    assert median(waits) < 0.5  # polling alone takes a second for each of the two jobs


class _Hanging(MemoryCalendar):
    """A provider that does not answer before it is let go."""

    let_go: asyncio.Event

    @asynccontextmanager
    async def open(self, credential: Credential, keep: Keep) -> AsyncIterator[MemoryCalendar]:
        self.asked.append("open")
        await self.let_go.wait()
        yield self


async def test_calendars_that_hang_keep_no_mail_from_leaving(stage: Stage, conninfo: str, outbox: Outbox) -> None:
    hanging = _Hanging()
    hanging.let_go = asyncio.Event()
    stage.app.calendars = {"caldav": hanging}
    users: list[UUID] = []
    company_id, slots = stage.founded.company_id, worker.CONCURRENCY[jobs.REMOTE]
    async with stage.app.transaction() as conn:
        for _ in range(slots + 1):
            users.append((await factories.user(conn, stage.founded, now=stage.now)).user.id)
    for user_id in users:
        connection_id = await connect(stage.app, company_id, user_id, now=stage.now, validate_availability=True)
        async with stage.app.transaction() as conn:
            await calendar_access.call_for_reading(conn, company_id, connection_id, stage.now)

    async with working(stage.app, conninfo):
        await until(lambda: len(hanging.asked) == slots)
        await stage.book()

        await until(lambda: bool(to(outbox.mails, stage.guest)))
        hanging.let_go.set()


async def test_told_to_stop_it_finishes_the_mail_in_hand(stage: Stage, conninfo: str) -> None:
    post = smtp_server.Post()
    post.stall.set()
    with smtp_server.running(post):
        stage.app.mailer = SmtpMailer.from_url(f"smtp://127.0.0.1:{post.port}")
        async with working(stage.app, conninfo) as stop:
            booked = await stage.book()
            await until(post.stalled.is_set)
            stop.set()
            await asyncio.sleep(0.3)
            post.stall.clear()

        assert "sent" in await stage.outcomes(booked.appointment_id)
    assert await stage.rows("SELECT 1 FROM procrastinate_jobs WHERE status = 'doing'") == []


async def test_told_to_stop_while_it_begins_it_ends(
    stage: Stage, conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Python 3.12 a cancellation is lost where it meets the end of what is waited for, such as a connection."""
    begun = asyncio.Event()

    async def loses_it(*_: object) -> list[int]:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return []

    monkeypatch.setattr(JobManager, "prune_stalled_workers", loses_it)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stage.app, conninfo, stop=stop))
    await asyncio.wait_for(begun.wait(), 30)

    stop.set()
    ended, _ = await asyncio.wait([running], timeout=20)

    assert ended


async def test_it_goes_on_after_the_database_cut_its_connections(stage: Stage, conninfo: str, outbox: Outbox) -> None:
    async with working(stage.app, conninfo):
        await stage.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'kalends-worker'"
        )
        await stage.book()

        await until(lambda: bool(to(outbox.mails, stage.guest)))


async def test_a_worker_killed_while_it_sends_loses_no_mail(stage: Stage, conninfo: str) -> None:
    post = smtp_server.Post()
    post.stall.set()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(PROCESS), conninfo, str(post.port)])

    with smtp_server.running(post):
        first = start()
        try:
            booked = await stage.book()
            await until(post.stalled.is_set)
        finally:
            first.kill()
            first.wait()
        post.stall.clear()
        killed = time.monotonic()
        second = start()
        try:
            await until(lambda: bool(to(post.mails, stage.guest)) and len(post.mails) >= 2, within_s=60)
            found_after_s = time.monotonic() - killed

            async def all_sent() -> bool:
                return await stage.outcomes(booked.appointment_id) == ["sent", "sent"]

            await until(all_sent)
        finally:
            second.kill()
            second.wait()

    print(f"mails of a killed worker left {found_after_s:.0f} s later")
    # At least once: what the server had taken in from the killed worker may be there too, under the same name.
    names = {mail.message_id for mail in to(post.mails, stage.guest)}
    assert len(names) == 1
    assert names.pop().startswith(f"<{booked.appointment_id}.1.")
    assert found_after_s < 40


async def test_what_a_living_worker_could_not_finish_comes_back_too(conn: Connection) -> None:
    await conn.execute("DELETE FROM procrastinate_jobs WHERE status = 'doing'")
    cursor = await conn.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
    row = await cursor.fetchone()
    assert row
    ages = {"fresh": 10, "old": 200}
    for name, age in ages.items():
        await conn.execute(
            """
            WITH job AS (
                INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id)
                VALUES ('default', %s, 'doing', %s) RETURNING id
            ), old AS (
                INSERT INTO procrastinate_events (job_id, type, at)
                SELECT id, 'started', now() - make_interval(secs => %s) FROM job
            ) SELECT 1
            """,
            (name, row[0], age),
        )

    count = await stalled.retry(conn, silent_s=12, running_s=150)

    cursor = await conn.execute("SELECT task_name, status::text FROM procrastinate_jobs WHERE worker_id = %s", row)
    assert count == 1
    assert dict(await cursor.fetchall()) == {"fresh": "doing", "old": "todo"}


async def test_claims_that_serve_no_more_are_swept(stage: Stage) -> None:
    await stage.book()
    async with stage.app.transaction() as conn:
        await claims.sweep_old(conn, TUESDAY.add(hours=24))
    kept = await stage.rows("SELECT count(*) FROM claim WHERE company_id = %s", stage.founded.company_id)

    async with stage.app.transaction() as conn:
        await claims.sweep_old(conn, TUESDAY.add(hours=25))

    assert kept == [(1,)]
    assert await stage.rows("SELECT count(*) FROM claim WHERE company_id = %s", stage.founded.company_id) == [(0,)]


async def test_periodic_tasks_run(stage: Stage) -> None:
    stage.now = Instant.now()

    await stage.run("upkeep.sweep", timestamp=0)
    await stage.run("upkeep.due", timestamp=0)


async def test_a_job_that_hangs_is_broken_off(
    stage: Stage, conninfo: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kalends.jobs.patience.LONGEST_JOB_S", 1.0)

    async def hang(mail: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(outbox, "send", hang)
    async with working(stage.app, conninfo):
        booked = await stage.book()

        async def comes_back() -> bool:
            jobs = await stage.rows(
                "SELECT 1 FROM procrastinate_jobs WHERE attempts > 0 AND lock LIKE %s", f"mail {booked.appointment_id}%"
            )
            return len(jobs) == 2

        with structlog.testing.capture_logs() as lines:
            await until(comes_back)

    broken = {(line["event"], line["task"], line["error"]) for line in lines if line["log_level"] == "error"}
    assert broken == {("job.broken", "effect.mail", "TimeoutError")}


async def test_two_workers_that_meet_at_one_lock_both_go_on(stage: Stage, conninfo: str) -> None:
    """The one that comes second finds a more urgent job of the same lock while the first has not committed yet."""
    async with working(stage.app, conninfo):
        before = await stage.rows("SELECT id FROM procrastinate_workers ORDER BY id")
        async with stage.app.transaction() as conn:
            await jobs.enqueue(conn, "effect.mail", lock="met", priority=jobs.WHEN_IDLE, effect_id=0)
            await conn.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = 'met'")
            async with stage.app.transaction() as other:
                await jobs.enqueue(other, "effect.mail", lock="met", effect_id=0)
            await until(lambda: _waits(stage))
        async with stage.app.transaction() as conn:
            await conn.execute("DELETE FROM procrastinate_jobs WHERE lock = 'met' AND status = 'doing'")
        await until(lambda: _done(stage))
        after = await stage.rows("SELECT id FROM procrastinate_workers ORDER BY id")

    assert after == before


async def _waits(stage: Stage) -> bool:
    """Tell whether a worker waits for somebody's transaction to end."""
    found = await stage.rows(
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'kalends-worker'"
    )
    return bool(found)


async def _done(stage: Stage) -> bool:
    left = await stage.rows("SELECT FROM procrastinate_jobs WHERE lock = 'met'")
    return not left
