"""Requests with the same Idempotency-Key at the same time."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from httpx2 import AsyncClient
from httpx2 import Response as Answer

from kalends.app import App
from kalends.storage import database
from tests.edge.conftest import Acme, ClientFor, bearer
from tests.edge.marks import Gate, code, marks


async def _two_at_the_gate(client: AsyncClient, gate: Gate, acme: Acme) -> list[asyncio.Task[Answer]]:
    """Send the same twice; the first has written something, and the second waits."""
    headers = {**bearer(acme.key, acme.owner_id), "Idempotency-Key": str(uuid4())}
    first = asyncio.create_task(client.post("/v4/slow", headers=headers))
    await gate.reached.wait()
    second = asyncio.create_task(client.post("/v4/slow", headers=headers))
    await asyncio.sleep(0.1)
    return [first, second]


async def test_the_second_waits_for_the_first_and_gets_its_answer(app: App, acme: Acme, client_for: ClientFor) -> None:
    """Nothing of the first is seen until its answer is kept."""
    gate = Gate()
    first, second = await _two_at_the_gate(await client_for(gate.router), gate, acme)
    before = (second.done(), await marks(app, acme))
    gate.open.set()

    answers = [await first, await second]

    assert before == (False, "")
    assert answers[0].content == answers[1].content
    assert [one.headers.get("Idempotency-Replayed") for one in answers] == [None, "true"]
    assert await marks(app, acme) == "!"


async def test_the_second_carries_it_out_when_the_first_breaks_off(app: App, acme: Acme, client_for: ClientFor) -> None:
    gate = Gate()
    first, second = await _two_at_the_gate(await client_for(gate.router), gate, acme)
    first.cancel()
    gate.open.set()

    answer = await second

    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (200, False)
    assert await marks(app, acme) == "!"


async def test_who_waits_too_long_is_told_that_it_is_in_progress(
    app: App, conninfo: str, acme: Acme, client_for: ClientFor
) -> None:
    hasty = App(
        pool=database.pool(conninfo, min_size=1, max_size=1),
        mailer=app.mailer,
        base_url=app.base_url,
        mail_from=app.mail_from,
        box=app.box,
        now=app.now,
    )
    await hasty.open()
    async with hasty.reading() as conn:
        await conn.execute("SET lock_timeout = '100ms'")
    gate = Gate()
    patient, other = await client_for(gate.router), await client_for(gate.router, on=hasty)
    headers = {**bearer(acme.key, acme.owner_id), "Idempotency-Key": str(uuid4())}
    first = asyncio.create_task(patient.post("/v4/slow", headers=headers))
    await gate.reached.wait()

    answer = await other.post("/v4/slow", headers=headers)
    gate.open.set()
    await first
    await hasty.aclose()

    assert code(answer) == (409, "idempotency-in-progress")
    assert await marks(app, acme) == "!"
