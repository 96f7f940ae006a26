"""Rotation: everything is sealed anew, whoever writes meanwhile, and a run that broke off is taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from whenever import Instant

from kalends.app import App
from kalends.domain.remote_events import RemoteCalendar
from kalends.ports import Connected
from kalends.services import calendar_connections, secret_rotation
from kalends.services.found_accounts import Found
from kalends.storage import calendar_connections as stored
from kalends.storage.database import Connection
from kalends.storage.secret_box import CannotOpen, SecretBox
from tests import factories

NOW = Instant("2031-03-03T08:00:00Z")


class Broken(Exception):
    """The power is gone."""


@pytest.fixture
async def keys(app: App) -> AsyncIterator[list[bytes]]:
    """Name the keys of the box, the newest first; a test adds to them, and those after it read what it leaves."""
    found = [b"known to all tests"]
    app.box = SecretBox(lambda: found[0], lambda: found[1:])
    yield found
    found[:] = [b"known to all tests", b"the new one"]
    await secret_rotation.rotate(app.transaction, app.box, pause_s=0)


async def _connect(conn: Connection, box: SecretBox, *accounts: str) -> tuple[UUID, list[UUID]]:
    founded = await factories.company(conn)
    made = []
    for account in accounts:
        connected = Connected(account, "ada@cloud.test", {"password": f"hunter{account}"})
        view = await calendar_connections.connect(
            conn,
            actor=factories.actor(founded),
            user_id=founded.user_id,
            found=Found("caldav", connected, [RemoteCalendar("/work/", "Work")]),
            as_sync=False,
            box=box,
            clock=lambda: NOW,
        )
        made.append(view.connection.id)
    return founded.company_id, made


async def _connected(app: App, *accounts: str) -> tuple[UUID, list[UUID]]:
    async with app.transaction() as conn:
        return await _connect(conn, app.box, *accounts)


async def _credentials(app: App, company_id: UUID, connection_ids: list[UUID]) -> list[bytes]:
    async with app.reading() as conn:
        return [bytes(await stored.credential(conn, company_id, one) or b"") for one in connection_ids]


async def test_the_old_key_is_of_no_use_afterwards(app: App, keys: list[bytes]) -> None:
    company_id, made = await _connected(app, "0", "1", "2")
    keys.insert(0, b"the new one")

    done = await secret_rotation.rotate(app.transaction, app.box, pause_s=0)
    again = await secret_rotation.rotate(app.transaction, app.box, pause_s=0)

    del keys[1:]
    assert [app.box.open(one) for one in await _credentials(app, company_id, made)] == [
        b'{"password": "hunter0"}',
        b'{"password": "hunter1"}',
        b'{"password": "hunter2"}',
    ]
    assert done.sealed_anew >= 3
    assert again.sealed_anew == 0


async def test_a_run_that_broke_off_is_taken_up_again(
    app: App, keys: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    company_id, made = await _connected(app, "0", "1", "2", "3")
    keys.insert(0, b"the new one")
    monkeypatch.setattr(secret_rotation, "BATCH", 1)
    left = 2

    @asynccontextmanager
    async def until_the_power_goes() -> AsyncIterator[Connection]:
        nonlocal left
        async with app.transaction() as conn:
            yield conn
            left -= 1
            if left < 0:
                raise Broken

    with pytest.raises(Broken):
        await secret_rotation.rotate(until_the_power_goes, app.box, pause_s=0)
    between = [app.box.open(one) for one in await _credentials(app, company_id, made)]
    await secret_rotation.rotate(app.transaction, app.box, pause_s=0)

    assert len(between) == 4
    assert all(app.box.is_newest(one) for one in await _credentials(app, company_id, made))


async def test_what_was_sealed_before_and_is_stored_later_is_waited_for(app: App, keys: list[bytes]) -> None:
    async with app.transaction() as conn:
        company_id, made = await _connect(conn, app.box, "0")  # nobody else sees it yet
        keys.insert(0, b"the new one")
        rotating = asyncio.create_task(secret_rotation.rotate(app.transaction, app.box, pause_s=0))
        await asyncio.sleep(0.5)
        waiting = not rotating.done()
    await rotating

    del keys[1:]
    [found] = await _credentials(app, company_id, made)
    assert waiting
    assert app.box.open(found) == b'{"password": "hunter0"}'


async def test_what_no_key_opens_is_counted_and_left(app: App, keys: list[bytes]) -> None:
    company_id, [connection_id] = await _connected(app, "0")
    lost = SecretBox(lambda: b"lost").seal(b"x")
    async with app.transaction() as conn:
        await stored.keep_credential(conn, company_id, connection_id, lost)

    done = await secret_rotation.rotate(app.transaction, app.box, pause_s=0)

    assert done.unreadable["calendar_access"] >= 1
    assert await _credentials(app, company_id, [connection_id]) == [lost]
    with pytest.raises(CannotOpen):
        app.box.open(lost)
    async with app.transaction() as conn:
        await stored.keep_credential(conn, company_id, connection_id, app.box.seal(b"{}"))
