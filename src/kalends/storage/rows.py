"""Rows as columns by name: the INSERT and UPDATE statements of tables whose writers name what they write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

Statement: TypeAlias = tuple[str, list[Any]]


def insert(table: str, rows: Sequence[Mapping[str, Any]], *, returning: str = "") -> Statement:
    """Write the statement that inserts rows, at least one, which all name the columns of the first."""
    columns = tuple(rows[0])
    query = _insert(table, columns, len(rows)) + _returned(returning)
    return query, [_dumped(row[column]) for row in rows for column in columns]


def update(
    table: str, company_id: UUID, row_id: UUID | int, changes: Mapping[str, Any], *, returning: str = ""
) -> Statement:
    """Write the statement that sets columns, at least one, of one row of a company."""
    query = _update(table, tuple(changes)) + _returned(returning)
    return query, [*map(_dumped, changes.values()), company_id, row_id]


def prefixed(columns: str, alias: str) -> str:
    """Put a table's alias before each of its columns (``id, name`` -> ``u.id, u.name``)."""
    return ", ".join(f"{alias}.{column.strip()}" for column in columns.split(","))


@lru_cache(maxsize=200)  # writing a statement down costs more than sending it
def _insert(table: str, columns: tuple[str, ...], count: int) -> str:
    one = sql.SQL("({})").format(sql.SQL(", ").join(sql.Placeholder() * len(columns)))
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("INSERT INTO {} ({}) VALUES {}").format(
        sql.Identifier(table), names, sql.SQL(", ").join([one] * count)
    )
    return query.as_string()


@lru_cache(maxsize=200)
def _update(table: str, columns: tuple[str, ...]) -> str:
    assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns)
    query = sql.SQL("UPDATE {} SET {} WHERE company_id = %s AND id = %s").format(sql.Identifier(table), assignments)
    return query.as_string()


def _returned(columns: str) -> str:
    return f" RETURNING {columns}" if columns else ""


def _dumped(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], UUID):  # a column of ids, not of JSON
        return value
    return Jsonb(value) if isinstance(value, dict | list) else value
