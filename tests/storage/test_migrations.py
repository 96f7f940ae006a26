"""The revisions, as the files name them, are the ones Alembic would run."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from kalends.storage import migrations


def test_the_file_names_tell_the_revisions_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)

    known = [revision.revision for revision in script.walk_revisions()]

    assert migrations.revisions() == known[::-1]
    assert script.get_heads() == [migrations.newest()]


def test_a_migrated_database_needs_nothing_more(conninfo: str) -> None:
    assert migrations.current(conninfo) == migrations.newest()
    assert migrations.upgrade(conninfo) == []
