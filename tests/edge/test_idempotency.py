"""Writes with an Idempotency-Key, on routes of the tests' own; real ones are in tests/api/test_repeated_writes.py."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest
from httpx2 import AsyncClient
from httpx2 import Response as Answer

from kalends.app import App
from kalends.edge import idempotency
from kalends.storage import idempotency_keys
from kalends.storage.database import Connection
from kalends.storage.secret_box import SecretBox
from tests.edge.conftest import Acme, ClientFor, Clock, bearer
from tests.edge.marks import Send, code, kept, marks, router


@pytest.fixture
async def client(client_for: ClientFor) -> AsyncClient:
    return await client_for(router)


@pytest.fixture
def send(client: AsyncClient, acme: Acme) -> Send:
    """Send one write as the company's key, acting as its owner."""

    async def sent(path: str, key: str | None = None, body: object = None, *, method: str = "POST") -> Answer:
        headers = bearer(acme.key, acme.owner_id) | ({} if key is None else {"Idempotency-Key": key})
        return await client.request(method, path, headers=headers, json=body)

    return sent


@pytest.fixture
def key() -> str:
    return str(uuid4())


async def test_a_write_sent_twice_with_a_key_is_carried_out_once(app: App, acme: Acme, send: Send, key: str) -> None:
    """Case A01."""
    first = await send("/v4/mark", key, {"text": "!"})
    again = await send("/v4/mark", key, {"text": "!"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert [one.headers.get("Idempotency-Replayed") for one in (first, again)] == [None, "true"]
    assert await marks(app, acme) == "!"


async def test_an_answer_without_a_body_is_repeated_too(app: App, acme: Acme, send: Send, key: str) -> None:
    answers = [await send("/v4/mark", key, method="DELETE") for _ in range(2)]

    assert [(one.status_code, one.content) for one in answers] == [(204, b"")] * 2
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert await marks(app, acme) == "-"


async def test_without_a_key_a_write_is_carried_out_as_often_as_sent(app: App, acme: Acme, send: Send) -> None:
    await send("/v4/mark", None, {"text": "!"})
    await send("/v4/mark", None, {"text": "!"})

    assert await marks(app, acme) == "!!"


@pytest.mark.parametrize(("path", "body"), [("/v4/mark", {"text": "?"}), ("/v4/mark?more=1", {"text": "!"})])
async def test_a_key_is_not_for_another_request(
    app: App, acme: Acme, send: Send, key: str, path: str, body: object
) -> None:
    """Case A01, the other body."""
    await send("/v4/mark", key, {"text": "!"})

    answer = await send(path, key, body)

    assert code(answer) == (422, "idempotency-mismatch")
    assert await marks(app, acme) == "!"


async def test_a_key_is_not_for_another_acting_user(client: AsyncClient, acme: Acme, send: Send, key: str) -> None:
    await send("/v4/mark", key, {"text": "!"})

    headers = {**bearer(acme.key, acme.member_id), "Idempotency-Key": key}
    answer = await client.post("/v4/mark", headers=headers, json={"text": "!"})

    assert code(answer) == (422, "idempotency-mismatch")


async def test_path_and_credential_have_keys_of_their_own(
    app: App, client: AsyncClient, acme: Acme, send: Send, key: str
) -> None:
    await send("/v4/mark", key, {"text": "1"})

    await send("/v4/other-mark", key, {"text": "2"})
    await client.post("/v4/mark", headers={**bearer(acme.token), "Idempotency-Key": key}, json={"text": "3"})

    assert await marks(app, acme) == "123"


@pytest.mark.parametrize("wrong", ["", "x" * 256, "a\x07b", "a\x7f"])
async def test_a_key_nobody_can_use_is_refused(app: App, acme: Acme, send: Send, wrong: str) -> None:
    answer = await send("/v4/mark", wrong, {"text": "!"})

    assert code(answer) == (400, "idempotency-key-invalid")
    assert await marks(app, acme) == ""


async def test_two_keys_are_one_too_many(client: AsyncClient, acme: Acme) -> None:
    headers = [*bearer(acme.key, acme.owner_id).items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]

    assert code(await client.post("/v4/mark", headers=headers, json={})) == (400, "idempotency-key-invalid")


async def test_a_key_serves_for_a_day(app: App, acme: Acme, send: Send, clock: Clock, key: str) -> None:
    first = await send("/v4/mark", key, {"text": "!"})
    clock.forward(hours=23, minutes=59)
    late = await send("/v4/mark", key, {"text": "!"})
    clock.forward(minutes=1)
    after = await send("/v4/mark", key, {"text": "!"})
    once_more = await send("/v4/mark", key, {"text": "!"})

    assert late.content == first.content
    assert (after.status_code, "Idempotency-Replayed" in after.headers) == (201, False)
    assert once_more.content == after.content != first.content
    assert await marks(app, acme) == "!!"


async def test_keys_of_days_gone_by_are_swept(app: App, acme: Acme, send: Send, clock: Clock, key: str) -> None:
    await send("/v4/mark", key, {"text": "!"})
    clock.forward(hours=24)
    async with app.transaction() as conn:
        await idempotency_keys.sweep(conn, app.now())
    day_old = await kept(app, key)
    clock.forward(hours=1)
    async with app.transaction() as conn:
        await idempotency_keys.sweep(conn, app.now())

    assert (len(day_old), await kept(app, key)) == (1, [])


@pytest.mark.parametrize(("path", "status"), [("/v4/refused", 400), ("/v4/unspeakable", 500)])
async def test_what_fails_leaves_neither_change_nor_key(
    app: App, acme: Acme, send: Send, key: str, path: str, status: int
) -> None:
    answers = [await send(path, key) for _ in range(2)]

    assert [one.status_code for one in answers] == [status] * 2
    assert "Idempotency-Replayed" not in answers[1].headers
    assert (await marks(app, acme), await kept(app, key)) == ("", [])


async def test_the_transactions_of_a_request_are_one_and_what_raised_in_it_is_undone(
    app: App, acme: Acme, send: Send, key: str
) -> None:
    answer = await send("/v4/several", key)

    assert answer.json() == {"secret": "Acme1"}
    assert await marks(app, acme) == "12"


async def test_a_request_that_writes_nothing_keeps_nothing(app: App, send: Send, key: str) -> None:
    answers = [await send("/v4/reads", key) for _ in range(2)]

    assert answers[0].content != answers[1].content
    assert await kept(app, key) == []


async def test_answers_are_kept_encrypted(app: App, send: Send, key: str) -> None:
    answer = await send("/v4/mark", key, {"text": "!"})

    (sealed,) = await kept(app, key)
    assert answer.json()["secret"].encode() in app.box.open(sealed)
    assert answer.json()["secret"].encode() not in sealed


async def test_an_answer_that_cannot_be_read_any_more_is_said_to_be_lost(
    app: App, acme: Acme, send: Send, key: str
) -> None:
    await send("/v4/mark", key, {"text": "!"})
    app.box = SecretBox(lambda: b"another key")

    assert code(await send("/v4/mark", key, {"text": "!"})) == (409, "idempotency-answer-lost")
    assert await marks(app, acme) == "!"


async def test_a_connection_lost_in_commit_is_an_unknown_outcome(
    send: Send, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_: Connection) -> None:
        raise psycopg.OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "commit", lost)
        answer = await send("/v4/mark", key, {"text": "!"})

    assert code(answer) == (500, "outcome-unknown")
    assert (await send("/v4/mark", key, {"text": "!"})).status_code == 201


async def test_what_a_request_leaves_running_writes_on_its_own(app: App, acme: Acme) -> None:
    async def opening(_: Connection) -> None:
        pass

    async def later(begin: asyncio.Event) -> None:
        await begin.wait()
        async with app.transaction() as conn:
            await conn.execute("UPDATE company SET name = name || '!' WHERE id = %s", (acme.company_id,))

    begin = asyncio.Event()
    async with app.enclosed(opening):
        left = asyncio.create_task(later(begin))
        await asyncio.sleep(0)
    begin.set()
    await left

    assert await marks(app, acme) == "!"


async def test_whoever_is_cancelled_while_he_rolls_back_keeps_no_connection(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def opening(_: Connection) -> None:
        pass

    async def cancelled(_: Connection) -> None:
        raise asyncio.CancelledError

    enclosings = []

    async def write() -> None:
        async with app.enclosed(opening) as enclosing, app.transaction():
            enclosings.append(enclosing)

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "rollback", cancelled)
        with pytest.raises(asyncio.CancelledError):
            await write()

    assert not enclosings[0].begun
    async with app.reading() as conn:
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


async def test_the_document_tells_of_keys(client: AsyncClient) -> None:
    operation = (await client.get("/openapi.json")).json()["paths"]["/v4/mark"]["post"]

    assert [one["name"] for one in operation["parameters"]] == [idempotency.KEY_HEADER]
    codes = {
        example["value"].get("errorCode")
        for status in ("400", "409", "422")
        for example in operation["responses"][status]["content"]["application/json"]["examples"].values()
    }
    assert codes >= {
        "idempotency-key-invalid",
        "idempotency-in-progress",
        "idempotency-mismatch",
        "idempotency-answer-lost",
    }
    assert idempotency.REPLAYED_HEADER in operation["responses"]["201"]["headers"]
