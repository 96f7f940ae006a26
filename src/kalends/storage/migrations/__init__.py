"""The schema, revision by revision: plain SQL files, each run by the small Alembic revision beside it."""

from importlib.resources import files
from pathlib import Path

import psycopg

ADVISORY_LOCK = 0x6B616C65  # "kale"; two migrating processes go one after the other


def upgrade(conninfo: str) -> list[str]:
    """Bring the database to the newest revision, under an advisory lock; answer the revisions applied, in order."""
    with psycopg.connect(conninfo, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
        before = current(conninfo)
        if before == newest():
            return []
        _apply(conninfo)
        return [revision for revision in revisions() if before is None or revision > before]


def current(conninfo: str) -> str | None:
    """Read the revision a database stands at; None for an empty one."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        known = conn.execute("SELECT to_regclass('alembic_version')").fetchone()
        if known is None or known[0] is None:
            return None
        row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        return row[0] if row else None


def revisions() -> list[str]:
    """List the revisions this program knows, in order: the numbers that their files begin with."""
    names = (entry.name for entry in files(__name__).joinpath("versions").iterdir())
    return sorted(name[1:5] for name in names if name.startswith("r") and name.endswith(".py"))


def newest() -> str:
    """Name the newest revision this program knows."""
    return revisions()[-1]


def sql(name: str) -> str:
    """Read one SQL file that stands beside the revisions."""
    return (files(__name__) / "versions" / name).read_text()


def _apply(conninfo: str) -> None:
    # Imported here: they take a second, and hardly any start has something to migrate.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=StaticPool)
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
