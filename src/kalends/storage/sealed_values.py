"""All that is stored sealed, to be sealed anew with another key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from .database import Connection


@dataclass(frozen=True, slots=True)
class Column:
    """A column whose values are sealed; `key` is its table's primary key."""

    table: str
    key: tuple[str, ...]
    name: str


COLUMNS = (
    Column("calendar_access", ("connection_id",), "credential"),
    Column("calendar_authorization", ("state_hash",), "verifier"),
    Column("idempotency_key", ("scope", "method", "path", "key"), "answer"),
)


@dataclass(frozen=True, slots=True)
class Value:
    """One sealed value, and the primary key of its row."""

    key: tuple[Any, ...]
    sealed: bytes


async def batch(conn: Connection, column: Column, after: Sequence[Any] | None, *, limit: int) -> list[Value]:
    """Lock some rows that hold a value, in the order of their keys.

    Args:
        after: the key of the last row of the batch before; None: the first ones.
    """
    key = sql.SQL(", ").join(map(sql.Identifier, column.key))
    rest = sql.SQL("AND ({}) > ({})").format(key, sql.SQL(", ").join(sql.Placeholder() * len(column.key)))
    query = sql.SQL("SELECT {key}, {name} FROM {table} WHERE {name} IS NOT NULL {rest} ORDER BY {key} {limit}").format(
        key=key,
        name=sql.Identifier(column.name),
        table=sql.Identifier(column.table),
        rest=sql.SQL("") if after is None else rest,
        limit=sql.SQL("LIMIT %s FOR NO KEY UPDATE"),
    )
    cursor = await conn.execute(query, [*(after or ()), limit])
    return [Value(tuple(row[:-1]), bytes(row[-1])) for row in await cursor.fetchall()]


async def replace(conn: Connection, column: Column, value: Value) -> None:
    """Store a value sealed anew in its row, which is locked."""
    key = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(one)) for one in column.key)
    query = sql.SQL("UPDATE {} SET {} = %s WHERE {}").format(
        sql.Identifier(column.table), sql.Identifier(column.name), key
    )
    await conn.execute(query, [value.sealed, *value.key])


async def mark(conn: Connection) -> int:
    """Number this transaction; what `all_over` waits for."""
    cursor = await conn.execute("SELECT pg_current_xact_id()::text::bigint")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def all_over(conn: Connection, number: int) -> bool:
    """Tell whether all transactions have ended that were open when one was numbered, itself included."""
    cursor = await conn.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > %s", (number,))
    row = await cursor.fetchone()
    return bool(row and row[0])
