"""`kalends init`: the first company, once, whatever the database (cases C17, P08)."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from kalends.storage import embedded
from tests import databases
from tests.cli.conftest import INIT, KALENDS, Install, one_sentence


def test_the_first_run_makes_the_company_and_prints_one_object(install: Install) -> None:
    done = install.run(*INIT, KALENDS_BASE_URL="https://meet.acme.test")

    made = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [UUID(made.pop(name)).version for name in ("companyId", "userId", "availabilityId", "meetingTypeId")] == [
        7
    ] * 4
    assert made.pop("apiKey").startswith("ak_live:")
    assert made.pop("personalAccessToken").startswith("rgo-")
    assert made == {"bookingUrl": "https://meet.acme.test/ada-roth/30min-meeting"}

    again = install.run(*INIT)

    assert (again.returncode, again.stdout) == (1, "")
    assert one_sentence(again) == "This installation has its first company already."


def test_two_first_runs_at_once_make_one_company(install: Install) -> None:
    runs = [
        subprocess.Popen(
            [*KALENDS, *INIT], env=install.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=90) for run in runs]

    winner, loser = sorted(range(2), key=lambda number: runs[number].returncode)
    assert (runs[winner].returncode, runs[loser].returncode) == (0, 1)
    assert said[loser] == ("", "This installation has its first company already.\n")
    with embedded.running(install.data) as server, psycopg.connect(server.conninfo) as conn:
        counted = conn.execute("SELECT (SELECT count(*) FROM company), (SELECT count(*) FROM user_account)").fetchone()
        assert counted == (1, 1)


def test_what_cannot_be_used_is_named_and_nothing_is_made(install: Install) -> None:
    wrong = [*INIT]
    wrong[wrong.index("Europe/Berlin")] = "Europe/Atlantis"

    done = install.run(*wrong)

    assert (done.returncode, done.stdout) == (1, "")
    assert one_sentence(done).startswith("timezone: ")
    assert install.run(*INIT).returncode == 0


@pytest.fixture
def other_server(server_conninfo: str) -> Iterator[str]:
    """Make an empty database on the tests' server and name it as an operator would."""
    name = f"kalends_cli_{uuid4().hex}"
    with databases.empty(server_conninfo, name) as own:
        parts = conninfo_to_dict(own)
        yield f"postgresql:///{name}?" + "&".join(f"{key}={value}" for key, value in parts.items() if key != "dbname")


def test_another_database_is_used_instead_of_the_embedded_one(install: Install, other_server: str) -> None:
    done = install.run(*INIT, KALENDS_DATABASE_URL=other_server)

    assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(other_server) as conn:
        assert conn.execute("SELECT name FROM company").fetchall() == [("Acme",)]
    assert not install.data.exists()


def test_a_database_that_does_not_answer_is_named(install: Install, tmp_path: Path) -> None:
    done = install.run("migrate", KALENDS_DATABASE_URL=f"postgresql://nobody:hunter2@/none?host={tmp_path}")

    assert done.returncode == 1
    assert one_sentence(done).startswith("The database named by KALENDS_DATABASE_URL cannot be reached: ")
    assert "hunter2" not in done.stderr
