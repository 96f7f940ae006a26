"""Routes that leave marks in the name of the acting company, so that every time one is carried out can be seen."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import psycopg
from fastapi import APIRouter
from httpx2 import Response as Answer
from pydantic import BaseModel

from kalends.app import App
from kalends.edge.auth import Account
from kalends.edge.context import AppDep
from kalends.errors import Invalid
from kalends.services.actor import Actor
from kalends.storage.database import Connection
from tests.edge.conftest import Acme

Send: TypeAlias = Callable[..., Awaitable[Answer]]

router = APIRouter()


class Mark(BaseModel):
    text: str = "!"


class Marked(BaseModel):
    secret: str


class Refused(Invalid):
    """This is refused."""

    code = "refused-by-a-test"


async def _mark(conn: Connection, actor: Actor, text: str) -> None:
    await conn.execute("UPDATE company SET name = name || %s WHERE id = %s", (text, actor.company_id))


@router.post("/v4/mark", status_code=201)
@router.post("/v4/other-mark", status_code=201)
async def mark(body: Mark, actor: Account, app: AppDep) -> Marked:
    async with app.transaction() as conn:
        await _mark(conn, actor, body.text)
    return Marked(secret=secrets.token_hex())


@router.delete("/v4/mark", status_code=204)
async def unmark(actor: Account, app: AppDep) -> None:
    async with app.transaction() as conn:
        await _mark(conn, actor, "-")


@router.post("/v4/refused")
async def refuse(actor: Account, app: AppDep) -> None:
    async with app.transaction() as conn:
        await _mark(conn, actor, "!")
    raise Refused


@router.post("/v4/unspeakable", response_model=Marked)
async def speak(actor: Account, app: AppDep) -> dict[str, str]:
    async with app.transaction() as conn:
        await _mark(conn, actor, "!")
    return {"not": "what was promised"}


@router.post("/v4/several")
async def write_several_times(actor: Account, app: AppDep) -> Marked:
    try:
        async with app.transaction() as conn:
            await _mark(conn, actor, "no")
            raise Refused
    except Refused:
        pass
    async with app.transaction() as conn:
        await _mark(conn, actor, "1")
    try:
        async with app.transaction() as conn:
            await _mark(conn, actor, "no")
            await conn.execute("SELECT 1 / 0")
    except psycopg.errors.DivisionByZero:
        pass
    async with app.reading() as conn:
        cursor = await conn.execute("SELECT name FROM company WHERE id = %s", (actor.company_id,))
        row = await cursor.fetchone()
    async with app.transaction() as conn:
        await _mark(conn, actor, "2")
    return Marked(secret=row[0] if row else "")


@router.post("/v4/reads")
async def read(actor: Account, app: AppDep) -> Marked:
    async with app.reading() as conn:
        await conn.execute("SELECT 1")
    return Marked(secret=secrets.token_hex())


class Gate:
    """A route, `/v4/slow`, that stands still in the midst of its transaction until told to go on."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self.router = APIRouter()
        self.router.post("/v4/slow")(self._slow)

    async def _slow(self, actor: Account, app: AppDep) -> Marked:
        async with app.transaction() as conn:
            await _mark(conn, actor, "!")
            self.reached.set()
            await self.open.wait()
        return Marked(secret=secrets.token_hex())


async def marks(app: App, acme: Acme) -> str:
    """Read the marks left in the company's name, which is Acme without any."""
    async with app.reading() as conn:
        cursor = await conn.execute("SELECT name FROM company WHERE id = %s", (acme.company_id,))
        row = await cursor.fetchone()
    assert row
    return str(row[0]).removeprefix("Acme")


async def kept(app: App, key: str) -> list[bytes]:
    """Read the answers that are kept under a key."""
    async with app.reading() as conn:
        cursor = await conn.execute("SELECT answer FROM idempotency_key WHERE key = %s", (key,))
        return [row[0] for row in await cursor.fetchall()]


def code(answer: Answer) -> tuple[int, str | None]:
    """Answer status and errorCode."""
    return answer.status_code, answer.json().get("errorCode")
