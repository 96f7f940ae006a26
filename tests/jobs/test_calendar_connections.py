"""What connections ask of their providers beside being read: which calendars there are, and to be told no more."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.app import App
from kalends.domain.remote_events import RemoteCalendar
from kalends.ports import Connected
from kalends.services import calendar_connections, calendar_visits, found_accounts
from kalends.services.actor import Actor
from kalends.services.calendar_connections import View
from kalends.services.companies import Founded
from kalends.services.found_accounts import Found
from kalends.storage import calendar_connections as stored
from kalends.storage import calendar_disconnections
from tests import factories
from tests.conftest import Outbox
from tests.fakes.accounts import HOME, WORK, Provider, providers
from tests.fakes.google import FakeGoogle
from tests.jobs.stage import Stage, to

NOW = Instant("2031-03-03T08:00:00Z")
NEW = RemoteCalendar("/new/", "New")


def _now() -> Instant:
    return NOW


@pytest.fixture
def provider(app: App) -> Provider:
    app.now = lambda: NOW
    made = Provider("caldav", calendars=[WORK, HOME])
    app.calendars = providers(made)
    return made


async def _connect(app: App, founded: Founded, user_id: UUID) -> View:
    connected = Connected("ada", "ada@cloud.test", {"password": "x"}, "dav.cloud.test")
    async with app.transaction() as conn:
        return await calendar_connections.connect(
            conn,
            actor=factories.actor(founded),
            user_id=user_id,
            found=Found("caldav", connected, [WORK, HOME]),
            as_sync=False,
            box=app.box,
            clock=app.now,
        )


async def _connected(app: App) -> View:
    async with app.transaction() as conn:
        founded = await factories.company(conn)
    return await _connect(app, founded, founded.user_id)


async def _names(app: App, view: View) -> list[str]:
    one = view.connection
    async with app.reading() as conn:
        found = await stored.calendars(conn, one.company_id, [one.id])
    return [calendar.name for calendar in found[one.id]]


async def _list(app: App, view: View) -> bool:
    return await calendar_visits.list_anew(app.calendar_reader, view.connection.company_id, view.connection.id)


async def _watched(app: App, view: View) -> str:
    """Have the first calendar watched, and the connection deleted; answer the channel."""
    channel = str(uuid4())
    async with app.transaction() as conn:
        await conn.execute(
            """
            INSERT INTO calendar_reading (company_id, calendar_id, channel_id, channel_secret_hash, channel_resource,
                channel_expires_at, channel_renew_at)
            VALUES (%s, %s, %s, 'x', 'resource', %s, %s)
            """,
            (view.connection.company_id, view.calendars[0].id, channel, NOW.add(hours=1), NOW),
        )
        await calendar_disconnections.disconnect(conn, view.connection.company_id, [view.connection.id], NOW)
    return channel


async def _left(app: App, connection_id: UUID) -> list[Any]:
    async with app.reading() as conn:
        cursor = await conn.execute(
            """SELECT 'access' FROM calendar_access WHERE connection_id = %(id)s
            UNION ALL SELECT 'calendar' FROM calendar WHERE connection_id = %(id)s""",
            {"id": connection_id},
        )
        return [row[0] for row in await cursor.fetchall()]


@pytest.mark.parametrize("language", ["en", "de"])
async def test_its_user_is_told_which_account_was_connected_each_time(
    app: App, stage: Stage, outbox: Outbox, language: str
) -> None:
    app.calendars = {}  # nobody reads it
    async with app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, language=language)).user

    for _ in range(2):
        await _connect(app, stage.founded, ben.id)
    await stage.work()

    told = [message_from_bytes(mail.content, policy=default) for mail in to(outbox.mails, ben.email)]
    heading, account, at = {
        "en": ("A calendar was connected", "Account: ada@cloud.test", "At: CalDAV (dav.cloud.test)"),
        "de": ("Ein Kalender wurde verbunden", "Konto: ada@cloud.test", "Bei: CalDAV (dav.cloud.test)"),
    }[language]
    assert [(one["To"], one["Subject"]) for one in told] == [(f"{ben.full_name} <{ben.email}>", heading)] * 2
    assert len({one["Message-ID"] for one in told}) == 2
    text = told[0].get_body(("plain",)).get_content()
    assert account in text
    assert at in text
    assert "password" not in text


async def test_new_calendars_come_and_those_nobody_chose_go(app: App, provider: Provider) -> None:
    view = await _connected(app)
    provider.calendars = [NEW]

    assert await _list(app, view)

    assert await _names(app, view) == ["Work", "New"]  # Work blocks: that it is gone is for its reading to say


async def test_an_empty_list_and_a_refusal_change_nothing(app: App, provider: Provider) -> None:
    view = await _connected(app)
    provider.calendars = []
    await _list(app, view)
    provider.refuses = True

    assert not await _list(app, view)

    assert await _names(app, view) == ["Work", "Home"]


@pytest.mark.parametrize("refuses", [False, True])
async def test_who_told_us_of_changes_is_asked_not_to_and_all_is_wiped(
    app: App, provider: Provider, refuses: bool
) -> None:
    view = await _connected(app)
    channel = await _watched(app, view)
    before = await _left(app, view.connection.id)
    provider.refuses = refuses

    await calendar_visits.leave(app.calendar_reader, view.connection.company_id, view.connection.id)

    assert before == ["access", "calendar", "calendar"]
    assert await _left(app, view.connection.id) == []
    assert [one.channel_id for one in provider.unwatched] == ([] if refuses else [channel])


async def test_a_connection_that_lives_is_not_left(app: App, provider: Provider) -> None:
    view = await _connected(app)

    await calendar_visits.leave(app.calendar_reader, view.connection.company_id, view.connection.id)

    assert len(await _left(app, view.connection.id)) == 3


async def test_what_a_job_did_not_come_by_is_wiped_after_an_hour(app: App, provider: Provider) -> None:
    view = await _connected(app)
    await _watched(app, view)
    async with app.transaction() as conn:
        await calendar_disconnections.wipe_old(conn, NOW.subtract(seconds=1))
    kept = await _left(app, view.connection.id)

    async with app.transaction() as conn:
        await calendar_disconnections.wipe_old(conn, NOW)

    assert len(kept) == 3
    assert await _left(app, view.connection.id) == []


async def test_a_credential_renewed_on_the_way_is_kept(app: App, provider: Provider) -> None:
    view = await _connected(app)
    provider.renews = {"password": "renewed"}

    await _list(app, view)

    assert await _credential(app, view) == b'{"password": "renewed"}'


async def test_one_renewed_on_the_way_does_not_replace_what_its_owner_has_connected_meanwhile(
    app: App, provider: Provider
) -> None:
    view = await _connected(app)
    one = view.connection
    async with app.reading() as conn:
        sealed = await stored.credential(conn, one.company_id, one.id)
    assert sealed
    provider.renews = {"password": "renewed"}
    async with app.transaction() as conn:
        again = app.box.seal(b'{"password": "connected again"}')
        await stored.renew(conn, one.company_id, one.id, credential=again, now=NOW)

    async with app.calendar_reader.accounts.opened(one.company_id, one.id, "caldav", sealed):
        pass

    assert await _credential(app, view) == b'{"password": "connected again"}'


async def _credential(app: App, view: View) -> bytes:
    async with app.reading() as conn:
        sealed = await stored.credential(conn, view.connection.company_id, view.connection.id)
    assert sealed
    return app.box.open(sealed)


async def _google(app: App, google: FakeGoogle, founded: Founded, user_id: UUID) -> View:
    """Connect the account at Google that everybody here shares."""
    found = await found_accounts.look(app.calendars["google"], await google.connect(google.provider(clock=_now)))
    async with app.transaction() as conn:
        return await calendar_connections.connect(
            conn,
            actor=factories.actor(founded),
            user_id=user_id,
            found=found,
            as_sync=False,
            box=app.box,
            clock=app.now,
        )


async def _leave(app: App, view: View) -> None:
    """Disconnect, and do the job that follows."""
    one = view.connection
    actor = Actor(one.company_id, one.user_id, is_admin=False, via="token")
    async with app.transaction() as conn:
        await calendar_connections.delete(conn, actor=actor, connection_id=one.id, user_id=None, now=NOW)
    async with app.reading() as conn:
        cursor = await conn.execute(
            "SELECT task_name FROM procrastinate_jobs WHERE lock = %s AND task_name <> 'calendar.sync'",
            (f"calendar {one.id}",),
        )
        assert await cursor.fetchall() == [("calendar.disconnect",)]
    await calendar_visits.leave(app.calendar_reader, one.company_id, one.id)
    assert await _left(app, one.id) == []


async def test_what_google_granted_is_given_back_once_nobody_lives_on_it(app: App, google: FakeGoogle) -> None:
    account = google.account("ada@gmail.test")
    app.now, app.calendars = _now, {"google": google.provider(clock=_now)}
    async with app.transaction() as conn:
        here, elsewhere = await factories.company(conn), await factories.company(conn)
        ben = (await factories.user(conn, here)).user
    hers, his = await _google(app, google, here, here.user_id), await _google(app, google, here, ben.id)
    theirs = await _google(app, google, elsewhere, elsewhere.user_id)

    granted = []
    for view in (hers, his, theirs):
        await _leave(app, view)
        granted.append(google.grants(account))

    assert [count > 0 for count in granted] == [True, True, False]


async def test_who_is_connected_again_meanwhile_keeps_what_was_granted(app: App, google: FakeGoogle) -> None:
    account = google.account("ada@gmail.test")
    app.now, app.calendars = _now, {"google": google.provider(clock=_now)}
    async with app.transaction() as conn:
        founded = await factories.company(conn)
    view = await _google(app, google, founded, founded.user_id)
    async with app.transaction() as conn:
        await calendar_disconnections.disconnect(conn, founded.company_id, [view.connection.id], NOW)
    await _google(app, google, founded, founded.user_id)

    await calendar_visits.leave(app.calendar_reader, founded.company_id, view.connection.id)

    assert google.grants(account) > 0


@pytest.mark.parametrize("status", [400, 503])
async def test_a_google_that_takes_nothing_back_keeps_nobody_from_leaving(
    app: App, google: FakeGoogle, status: int
) -> None:
    google.account("ada@gmail.test")
    app.now, app.calendars = _now, {"google": google.provider(clock=_now)}
    async with app.transaction() as conn:
        founded = await factories.company(conn)
    view = await _google(app, google, founded, founded.user_id)
    google.fail(status, path="/revoke", reason="invalid_request")

    await _leave(app, view)

    assert google.failures == []
