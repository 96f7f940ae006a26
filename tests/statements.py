"""Counting SQL statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements sent while the block runs, but for the wake-up that may come from an earlier commit."""
    sent: list[str] = []
    real = psycopg.AsyncCursor.execute

    async def execute(self: psycopg.AsyncCursor[Any], query: Any, *rest: Any, **more: Any) -> Any:
        if "pg_notify" not in str(query):
            sent.append(str(query))
        return await real(self, query, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.AsyncCursor, "execute", execute)
        yield sent
