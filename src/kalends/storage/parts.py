"""Parts: statements of several nouns that go to the database as one, in one round trip.

All parts see what was there before; of each other only what RETURNING hands on under a part's name. Foreign keys are
checked at the end, so that the order of parts says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

from .database import Connection


@dataclass(frozen=True, slots=True)
class Part:
    """One statement, with a `%s` for each value.

    Attributes:
        name: what other parts read the rows it returns by.
        queues: it queues a job; whoever commits wakes the workers.
    """

    name: str
    query: str
    values: Sequence[Any] = ()
    queues: bool = False


async def write(conn: Connection, parts: Sequence[Part]) -> None:
    """Carry parts out, at least one, with different names."""
    # Numbered, since so many values are more than psycopg remembers a statement with: it would parse it each time.
    await conn.often.execute(
        _whole(tuple((part.name, part.query) for part in parts)), [value for part in parts for value in part.values]
    )
    if any(part.queues for part in parts):
        conn.jobs_waiting = True


@lru_cache(maxsize=200)
def _whole(parts: tuple[tuple[str, str], ...]) -> bytes:
    numbers = count(1)
    named = ", ".join(f"{name} AS ({query})" for name, query in parts)
    return re.sub("%s", lambda _: f"${next(numbers)}", f"WITH {named} SELECT").encode()
