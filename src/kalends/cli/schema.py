"""`kalends schema`: the whole schema as SQL, which docs/schema.sql holds; for those who work on kalends."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from kalends.storage import embedded, migrations

from .failures import CommandFailed

HEADER = """\
-- The schema of kalends as its migrations leave it, without the tables of the job queue.
-- Written by `kalends schema`; `make check` compares.
"""
FOREIGN = re.compile(r"-- Name: .*(procrastinate|alembic_version)")  # objects of packages, which may change with them
SECTION = re.compile(r"(?m)^--\n(?=-- Name: )")
NOISE = re.compile(r"(?m)^(--.*|SET .*;|SELECT pg_catalog\.set_config.*;|\\(un)?restrict .*)\n")


def schema(
    check: Annotated[Path | None, typer.Option(help="Compare with this file instead of printing.")] = None,
) -> None:
    """Print the schema that the migrations lead to, from a server made for the purpose."""
    fresh = _dump()
    if check is None:
        print(fresh, end="")
        return
    if not check.exists() or check.read_text() != fresh:
        raise CommandFailed(f"{check} is not what the migrations lead to: kalends schema > {check}")


def _dump() -> str:
    """Migrate an empty database and write its schema, without what belongs to other packages."""
    with tempfile.TemporaryDirectory(prefix="kalends-schema-") as folder, embedded.running(Path(folder)) as server:
        migrations.upgrade(server.conninfo)
        done = subprocess.run(
            [
                embedded.binary("pg_dump"),
                "--schema-only",
                "--no-owner",
                "--no-privileges",
                "--restrict-key=kalends",
                f"--dbname={server.conninfo}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise CommandFailed(f"pg_dump failed: {' '.join(done.stderr.split())}")
    return HEADER + _tidied(done.stdout)


def _tidied(dumped: str) -> str:
    """Keep the statements about our own objects; drop comments, session settings and empty lines between."""
    ours = [section for section in SECTION.split(dumped)[1:] if not FOREIGN.match(section)]
    text = NOISE.sub("", "".join(ours))
    return re.sub(r"\n{2,}", "\n\n", text).rstrip() + "\n"
