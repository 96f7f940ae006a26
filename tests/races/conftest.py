"""What all races need: many connections at once, one company, and a count of how the attempts ended."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeAlias

import pytest

from kalends.app import App
from kalends.errors import DomainError
from kalends.services.companies import Founded
from kalends.storage import database
from tests import factories
from tests.ordering import NOW

CLIENTS = 20

Race: TypeAlias = Callable[[Iterable[Awaitable[Any]]], Awaitable[Counter[str]]]


@pytest.fixture
async def crowd(conninfo: str, app: App) -> AsyncIterator[App]:
    """An App with a connection for each client."""
    wide = App(
        pool=database.pool(conninfo, min_size=CLIENTS, max_size=CLIENTS),
        mailer=app.mailer,
        base_url=app.base_url,
        mail_from=app.mail_from,
        box=app.box,
    )
    await wide.open()
    yield wide
    await wide.aclose()


@pytest.fixture
async def company(app: App) -> Founded:
    async with app.transaction() as conn:
        return await factories.company(conn, now=NOW)


@pytest.fixture
def race() -> Race:
    """Let all run at once; count what came of it: `won`, or the code of the refusal."""

    async def run(attempts: Iterable[Awaitable[Any]]) -> Counter[str]:
        ends = await asyncio.gather(*attempts, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, DomainError):
                raise end
        return Counter(end.code if isinstance(end, DomainError) else "won" for end in ends)

    return run
