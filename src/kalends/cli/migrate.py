"""`kalends migrate`."""

from kalends import settings

from . import database


def migrate() -> None:
    """Bring the database's schema to the state this program needs."""
    with database.running(settings.load()) as server:
        applied = database.migrate(server.conninfo)
    print(f"Applied: {', '.join(applied)}." if applied else "Nothing to do: the schema is up to date.")
