"""Token buckets shared by all processes and machines: one row each in an UNLOGGED table (design section 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from whenever import Instant

from .database import Connection

IDLE_HOURS = 24  # a row unused for so long is full whatever the rate, and says nothing that its absence does not

# What a bucket named b holds at %(now)s. A clock behind another machine's refills nothing and takes nothing back.
REFILLED = """least(%(burst)s, b.tokens
    + greatest(0, date_part('epoch', %(now)s - b.filled_at)) * %(per_minute)s / 60.0)"""
# The bucket named b gives one token.
TAKEN = f"tokens = {REFILLED} - 1, filled_at = greatest(b.filled_at, %(now)s)"

# Takes one token from the bucket that the relation `purse(name)` names; no row when it holds less than one.
TAKE = f"""
    INSERT INTO bucket AS b (name, tokens, filled_at) SELECT name, %(burst)s - 1, %(now)s FROM purse
    ON CONFLICT (name) DO UPDATE SET {TAKEN}
    WHERE {REFILLED} >= 1
    RETURNING tokens
"""
LOOK = f"SELECT {REFILLED} AS tokens FROM bucket b JOIN purse USING (name)"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How fast a bucket fills and how much it holds.

    Attributes:
        per_minute: tokens added a minute, > 0.
        burst: tokens a full bucket holds; 0 switches the limit off.
    """

    per_minute: float
    burst: int

    def __post_init__(self) -> None:
        if self.per_minute <= 0 or self.burst < 0:
            raise ValueError("a rate limit needs per_minute > 0 and burst >= 0")

    @property
    def window_s(self) -> int:
        """Seconds an empty bucket takes to fill."""
        return math.ceil(self.burst * 60 / self.per_minute)


@dataclass(frozen=True, slots=True)
class Level:
    """What one bucket holds after one token was asked for.

    Attributes:
        taken: the token was given; otherwise nothing changed.
        tokens: tokens left, parts included.
    """

    limit: RateLimit
    taken: bool
    tokens: float

    @property
    def retry_after_s(self) -> int:
        """Seconds until there is a token again, at least 1."""
        return max(1, math.ceil((1 - self.tokens) * 60 / self.limit.per_minute))

    @property
    def full_after_s(self) -> int:
        """Seconds until the bucket is full."""
        return max(0, math.ceil((self.limit.burst - self.tokens) * 60 / self.limit.per_minute))


def level(limit: RateLimit, taken: float | None, before: float | None) -> Level:
    """Make a Level of what TAKE (None: refused) and LOOK (None: no such row yet) answered."""
    if taken is not None:
        return Level(limit, True, taken)
    # LOOK reads what was there before the statement: somebody else may have taken the token it still saw.
    return Level(limit, False, min(before or 0.0, 0.999))


async def take(conn: Connection, name: str, limit: RateLimit, now: Instant) -> Level:
    """Take one token from the named bucket, which is made full when it is new."""
    if limit.burst == 0:
        return Level(limit, True, 0)
    cursor = await conn.execute(
        f"WITH purse AS (SELECT %(name)s::text AS name), taken AS ({TAKE}), before AS ({LOOK})"
        " SELECT (SELECT tokens FROM taken), (SELECT tokens FROM before)",
        {"name": name, "burst": limit.burst, "per_minute": limit.per_minute, "now": now},
    )
    row = await cursor.fetchone()
    assert row is not None
    return level(limit, row[0], row[1])


async def sweep(conn: Connection, now: Instant) -> int:
    """Delete the buckets nobody used for a day; answer how many. For a periodic job."""
    cursor = await conn.execute("DELETE FROM bucket WHERE filled_at < %s", (now.subtract(hours=IDLE_HOURS),))
    return cursor.rowcount
