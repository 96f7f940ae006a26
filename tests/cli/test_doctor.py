"""`kalends doctor`: silent about nothing, and each fault with the way to mend it."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from whenever import Instant

from kalends.cli import doctor
from kalends.cli.finding import Finding
from kalends.settings import Settings
from kalends.storage import embedded, migrations
from tests import ports
from tests.cli.conftest import Install

NOON = Instant.from_utc(2026, 1, 1, 12)
LOOKED_AT = (
    "Settings",
    "Data folder",
    "Database",
    "Migrations",
    "Clock",
    "Calendar credentials",
    "Key file",
    "Mail",
    "Public address",
    "Google calendars",
    "Microsoft calendars",
    "Zoom",
    "Jitsi",
)


def test_all_is_well_while_it_serves(install: Install) -> None:
    with install.serving() as service:
        done = install.run("doctor", KALENDS_BASE_URL=service.url)

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"ok     {what}" for what in LOOKED_AT]
    assert f"ok     Public address: {service.url} answers" in lines


def test_an_empty_install_and_a_slip_of_the_pen_are_found(install: Install) -> None:
    done = install.run("doctor", KALENDS_PROT="80")

    assert done.returncode == 1
    assert "WRONG  Settings: KALENDS_PROT unknown" in done.stdout
    assert f"WRONG  Data folder: {install.data} does not exist\n       `kalends migrate` makes it" in done.stdout
    assert not install.data.exists()


def test_a_database_that_does_not_answer_is_found(install: Install, tmp_path: Path) -> None:
    done = install.run("doctor", KALENDS_DATABASE_URL=f"postgresql:///none?host={tmp_path}")

    assert done.returncode == 1
    assert "WRONG  Database: The database named by KALENDS_DATABASE_URL cannot be reached: " in done.stdout


def test_a_schema_of_a_newer_kalends_is_found_and_not_touched(install: Install) -> None:
    with embedded.running(install.data) as server:
        migrations.upgrade(server.conninfo)
        with psycopg.connect(server.conninfo) as conn:
            conn.execute("UPDATE alembic_version SET version_num = '9999'")

        looked, migrated = install.run("doctor"), install.run("migrate")

    assert looked.returncode == migrated.returncode == 1
    assert "WRONG  Migrations: at 9999, newer than " in looked.stdout
    assert migrated.stderr.startswith("The database stands at revision 9999, which this kalends does not know")


def test_a_schema_that_lags_is_told_from_the_newest() -> None:
    assert doctor.migrated(None, "0002") == Finding("Migrations", "at none, behind 0002", "Run `kalends migrate`.")
    assert doctor.migrated("0001", "0002") == Finding("Migrations", "at 0001, behind 0002", "Run `kalends migrate`.")
    assert doctor.migrated("0002", "0002").mend is None


def test_a_data_folder_open_to_all_or_no_folder_is_found(tmp_path: Path) -> None:
    assert doctor.data_folder(tmp_path).mend is None

    tmp_path.chmod(0o777)
    assert doctor.data_folder(tmp_path).mend == f"Close it: chmod o-w '{tmp_path}'"

    (file := tmp_path / "file").touch()
    assert doctor.data_folder(file).state == f"{file} cannot be written to"
    assert doctor.data_folder(file / "data").state == f"{file / 'data'} cannot be written to"


def test_beside_a_database_of_ones_own_the_data_folder_may_come_later(tmp_path: Path) -> None:
    assert doctor.data_folder(tmp_path / "data", embedded=False).mend is None
    assert doctor.data_folder(tmp_path / "data").mend is not None


def test_a_key_file_that_others_can_read_is_found(tmp_path: Path) -> None:
    (path := tmp_path / "secret.key").write_text("x" * 40)

    path.chmod(0o640)
    assert doctor.key_file(path).mend == f"Close it: chmod 600 '{path}'"

    path.chmod(0o600)
    assert doctor.key_file(path) == Finding("Key file", str(path))


@pytest.mark.parametrize(("seconds", "wrong"), [(0, False), (2, False), (-2, False), (3, True), (-3, True)])
def test_clocks_that_stand_apart_are_found(seconds: int, wrong: bool) -> None:
    finding = doctor.clock(NOON, NOON.add(seconds=seconds))

    assert (finding.mend is not None) is wrong


def _settings(**values: str) -> Settings:
    return Settings.model_validate(values)


def test_a_mail_server_that_does_not_answer_is_found() -> None:
    port = ports.free()
    finding = doctor.mail(_settings(smtp_url=f"smtp://127.0.0.1:{port}", mail_from="a@acme.test"))

    assert finding.state.startswith(f"127.0.0.1:{port} does not take us (")
    assert finding.mend


@pytest.fixture
def stranger() -> Iterator[str]:
    """Run some other web server."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<h1>It works!</h1>")

        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_public_address_of_somebody_else_or_of_nobody_is_found(stranger: str) -> None:
    taken = doctor.public_address(_settings(base_url=stranger))
    unknown = doctor.public_address(_settings(base_url="http://kalends.invalid"))

    assert taken.state == f"{stranger} is answered by another program"
    assert unknown.state == "nobody knows the name kalends.invalid of http://kalends.invalid"
    assert taken.mend == unknown.mend == "Set KALENDS_BASE_URL to the address that guests reach."
