"""Rows as columns by name: the INSERT and UPDATE statements of tables whose writers name what they write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

Statement: TypeAlias = tuple[sql.Composed, list[Any]]


def insert(table: str, rows: Sequence[Mapping[str, Any]], *, returning: str = "") -> Statement:
    """Write the statement that inserts rows, at least one, which all name the columns of the first."""
    columns = list(rows[0])
    one = sql.SQL("({})").format(sql.SQL(", ").join(sql.Placeholder() * len(columns)))
    query = sql.SQL("INSERT INTO {} ({}) VALUES {}").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join([one] * len(rows))
    )
    return query + _returned(returning), [_dumped(row[column]) for row in rows for column in columns]


def update(
    table: str, company_id: UUID, row_id: UUID | int, changes: Mapping[str, Any], *, returning: str = ""
) -> Statement:
    """Write the statement that sets columns, at least one, of one row of a company."""
    assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in changes)
    query = sql.SQL("UPDATE {} SET {} WHERE company_id = %s AND id = %s").format(sql.Identifier(table), assignments)
    return query + _returned(returning), [*map(_dumped, changes.values()), company_id, row_id]


def prefixed(columns: str, alias: str) -> str:
    """Put a table's alias before each of its columns (``id, name`` -> ``u.id, u.name``)."""
    return ", ".join(f"{alias}.{column.strip()}" for column in columns.split(","))


def _returned(columns: str) -> sql.SQL:
    return sql.SQL(f" RETURNING {columns}" if columns else "")


def _dumped(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], UUID):  # a column of ids, not of JSON
        return value
    return Jsonb(value) if isinstance(value, dict | list) else value
