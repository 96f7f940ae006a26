"""The database a command works on: the embedded one, started if need be, or the one the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg

from kalends.settings import Settings
from kalends.storage import embedded, migrations

from .failures import CommandFailed

OLDEST = 15  # major version of PostgreSQL
CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Database:
    """A database server that answers.

    Attributes:
        conninfo: how psycopg connects to it.
        ensure_running: brings it back if it is ours and died; blocks until it answers.
    """

    conninfo: str
    ensure_running: Callable[[], object]


@contextmanager
def running(settings: Settings) -> Iterator[Database]:
    """Hold the database of the settings for the length of the block.

    The embedded server is started if nobody did, and stopped by whoever leaves last.

    Raises:
        EmbeddedServerError: the embedded server does not come up.
        CommandFailed: the server named by the settings cannot be reached or is too old.
    """
    if settings.database_url is None:
        with embedded.running(settings.data_dir) as server:
            yield Database(server.conninfo, server.ensure_running)
        return
    conninfo = settings.database_url.get_secret_value()
    check_version(conninfo)
    yield Database(conninfo, partial(check_version, conninfo))


def check_version(conninfo: str) -> int:
    """Connect, and answer the server's version as its number (150004 for 15.4).

    Raises:
        CommandFailed: nobody answers there, or the server is too old.
    """
    try:
        with psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT_S) as conn:
            version = conn.info.server_version
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise CommandFailed(f"The database named by KALENDS_DATABASE_URL cannot be reached: {reason}") from error
    if version < OLDEST * 10_000:
        raise CommandFailed(f"PostgreSQL {version // 10_000} is too old: kalends needs {OLDEST} or newer.")
    return version


def migrate(conninfo: str) -> list[str]:
    """Bring the schema to this program's state; answer the revisions applied, in order.

    Takes no lock where nothing is to be done, so that many processes may start behind a connection pooler.

    Raises:
        CommandFailed: the database was migrated by a newer kalends.
    """
    current = migrations.current(conninfo)
    if current == migrations.newest():
        return []
    if current is not None and current not in migrations.revisions():
        raise CommandFailed(
            f"The database stands at revision {current}, which this kalends does not know: it was migrated by a newer "
            "one; install that."
        )
    return migrations.upgrade(conninfo)
