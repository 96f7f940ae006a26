"""Rotation: everything sealed is sealed anew with the newest key, while others go on sealing and opening.

It may be broken off at any time: what was sealed anew stays so, and the next run goes on with the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from kalends.errors import Unavailable
from kalends.storage import sealed_values
from kalends.storage.database import Connection
from kalends.storage.sealed_values import Column, Value
from kalends.storage.secret_box import CannotOpen, SecretBox

BATCH = 200
PAUSE_S = 3.0  # between sealing something with the key before and the transaction that stores it
WAITED_S = 60.0
_LOOK_EVERY_S = 0.2


class StillInUse(Unavailable):
    """A transaction goes on that may store something sealed with a key before this one; run this again later."""

    code = "key-still-in-use"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of all that is sealed.

    Attributes:
        sealed_anew: values that had been sealed with another key.
        unreadable: values that no key opens, by table; they stay as they are.
    """

    sealed_anew: int
    unreadable: dict[str, int]


async def rotate(
    transaction: Callable[[], AbstractAsyncContextManager[Connection]], box: SecretBox, *, pause_s: float = PAUSE_S
) -> Rotated:
    """Seal everything with the newest key of the box, in short transactions.

    A second pass follows once nobody can store any more what he had sealed before; with one, all is done.

    Raises:
        StillInUse: that takes too long.
    """
    first = await _pass(transaction, box)
    await asyncio.sleep(pause_s)
    async with transaction() as conn:
        number = await sealed_values.mark(conn)
    await _wait(transaction, number)
    last = await _pass(transaction, box)
    return Rotated(first.sealed_anew + last.sealed_anew, last.unreadable)


async def _wait(transaction: Callable[[], AbstractAsyncContextManager[Connection]], number: int) -> None:
    for _ in range(int(WAITED_S / _LOOK_EVERY_S)):
        async with transaction() as conn:
            if await sealed_values.all_over(conn, number):
                return
        await asyncio.sleep(_LOOK_EVERY_S)
    raise StillInUse


async def _pass(transaction: Callable[[], AbstractAsyncContextManager[Connection]], box: SecretBox) -> Rotated:
    done, unreadable = 0, {column.table: 0 for column in sealed_values.COLUMNS}
    for column in sealed_values.COLUMNS:
        after: tuple[object, ...] | None = None
        while True:
            async with transaction() as conn:
                values = await sealed_values.batch(conn, column, after, limit=BATCH)
                results = [await _seal_anew(conn, box, column, value) for value in values]
            done += results.count(True)
            unreadable[column.table] += results.count(None)
            if len(values) < BATCH:
                break
            after = values[-1].key
    return Rotated(done, {table: count for table, count in unreadable.items() if count})


async def _seal_anew(conn: Connection, box: SecretBox, column: Column, value: Value) -> bool | None:
    """Seal one value anew; False: it was already, None: no key opens it."""
    if box.is_newest(value.sealed):
        return False
    try:
        plain = box.open(value.sealed)
    except CannotOpen:
        return None
    await sealed_values.replace(conn, column, Value(value.key, box.seal(plain)))
    return True
