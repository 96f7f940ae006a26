"""Databases of the tests' own on their server."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo


@contextmanager
def empty(server_conninfo: str, name: str) -> Iterator[str]:
    """Make a database, lend its conninfo, and drop it.

    Not with FORCE: only a superuser may use that while autovacuum is at work there. Without it PostgreSQL itself sends
    autovacuum away and waits for connections that are about to end.
    """
    with psycopg.connect(server_conninfo, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name)))
        # What is lost with the machine need not be kept: no commit waits for the disk.
        admin.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
        try:
            yield make_conninfo(server_conninfo, dbname=name)
        finally:
            admin.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = %s AND usename = current_user
                """,
                [name],
            )
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
