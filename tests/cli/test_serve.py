"""`kalends serve`: first and later starts, settings, stopping, and what it survives (cases P07, P08)."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import httpx2
import psycopg
import pytest

from kalends.cli.failures import CommandFailed
from kalends.cli.serve import listen
from kalends.storage import embedded
from tests.cli.conftest import INIT, Install, Service, line, one_sentence, until

ANA = {"email": "ana@clinic.test", "givenName": "Ana", "familyName": "Roth", "timezone": "Europe/Vienna"}


def _status(url: str) -> int:
    try:
        return httpx2.get(url, timeout=15).status_code
    except httpx2.TransportError:
        return 0


def test_the_first_start_prints_what_works_at_once_and_the_second_keeps_it(install: Install) -> None:
    with install.serving("--first-run") as service:
        example = line(service, "curl")
        typed = ["sh", "-c", f"curl -s -w '%{{http_code}}' {example}"]
        answer = subprocess.run(typed, capture_output=True, text=True, check=True).stdout
        made = json.loads(answer[:-3])

        assert answer[-3:] == "201"
        assert set(made) == {"userId", "availabilityId", "meetingTypeId", "bookingUrl", "companyId"}
        assert [_status(made["bookingUrl"]), _status(line(service, "Book"))] == [200, 200]
        assert [_status(f"{service.url}{path}") for path in ("/healthz", "/readyz", "/docs")] == [200, 200, 200]
        assert line(service, "Its docs") == f"{service.url}/docs"
        assert line(service, "Mails") == f"written as .eml files into {install.data / 'mails'}"
        key_file = install.data / "secret.key"
        secret = key_file.read_bytes()
        assert len(secret) >= 32
        assert key_file.stat().st_mode & 0o777 == 0o600
        assert service.stop() == 0

    with install.serving("--first-run") as later:
        assert _status(line(later, "Book")) == 200
        assert line(later, "Key").endswith(" key create")
        assert "ak_live:" not in later.said
        assert key_file.read_bytes() == secret


def test_a_new_public_address_takes_effect_with_the_next_start(install: Install) -> None:
    with install.serving("--first-run", KALENDS_BASE_URL="https://meet.acme.test/") as service:
        answer = httpx2.post(f"{_address(service)}/v4/user", json=ANA, headers=_bearer(service), timeout=15)

    assert answer.json()["bookingUrl"] == "https://meet.acme.test/ana-roth/30min-meeting"
    assert service.url == "https://meet.acme.test"
    assert line(service, "Book") == "https://meet.acme.test/alex-example/30min-meeting"


def _address(service: Service) -> str:
    # The public address is not ours to reach here: ask the kernel where the process listens (state 0A).
    sockets = {os.readlink(entry) for entry in Path(f"/proc/{service.process.pid}/fd").iterdir() if entry.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = next(row[1].split(":")[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets)
    return f"http://127.0.0.1:{int(port, 16)}"


def _bearer(service: Service) -> dict[str, str]:
    return {"Authorization": f"Bearer {line(service, 'Key')}"}


# The new user refers to his hours; not somebody who only reads, as the server does for itself.
_WRITER_WAITS = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'RowShareLock'"


def test_on_sigterm_a_request_in_hand_is_answered(install: Install) -> None:
    answers: list[int] = []

    with install.serving("--first-run") as service, embedded.running(install.data) as server:

        def create() -> None:
            answer = httpx2.post(f"{service.url}/v4/user", json=ANA, headers=_bearer(service), timeout=30)
            answers.append(answer.status_code)

        with psycopg.connect(server.conninfo) as conn:
            conn.execute("LOCK TABLE availability IN ACCESS EXCLUSIVE MODE")  # what creating a user waits for
            asking = threading.Thread(target=create)
            asking.start()
            with psycopg.connect(server.conninfo, autocommit=True) as watching:
                until(lambda: watching.execute(_WRITER_WAITS).fetchone() is not None)
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        asking.join(30)
        code = service.process.wait(30)

    assert answers == [201]
    assert code == 0
    with embedded.running(install.data) as server, psycopg.connect(server.conninfo) as conn:
        assert conn.execute("SELECT count(*) FROM user_account").fetchone() == (2,)


def test_a_killed_database_server_comes_back_by_itself(install: Install) -> None:
    with install.serving("--first-run") as service:
        postmaster = int((install.data / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])

        os.kill(postmaster, signal.SIGKILL)
        until(lambda: _status(f"{service.url}/readyz") != 200)
        meanwhile = _status(f"{service.url}/healthz")
        until(lambda: _status(f"{service.url}/readyz") == 200)

        assert meanwhile == 200
        assert _status(line(service, "Book")) == 200
        assert service.stop() == 0


def test_several_processes_share_one_port_and_a_killed_one_is_replaced(install: Install) -> None:
    with install.serving("--first-run", "--processes", "2") as service:
        children = _children(service.process.pid)
        assert len(children) == 3  # two for requests, one for jobs

        for child in children:
            os.kill(child, signal.SIGKILL)
        until(lambda: len(_children(service.process.pid) - children) == 3)
        until(lambda: _status(f"{service.url}/readyz") == 200)

        replaced = _children(service.process.pid)
        assert service.stop() == 0
        assert not [child for child in replaced if Path(f"/proc/{child}").exists()]


def _children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_children_stop_when_their_supervisor_was_killed(install: Install) -> None:
    with install.serving("--first-run", "--processes", "2") as service:
        children = _children(service.process.pid)

        service.process.kill()

        until(lambda: not [child for child in children if Path(f"/proc/{child}").exists()])
    with embedded.running(install.data):
        """Stop the database, which nobody was left to stop."""


def test_a_port_in_use_is_said_in_a_sentence(install: Install) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = install.run("serve", "--port", str(port))

    assert done.returncode == 1
    assert one_sentence(done).startswith(f"Port {port} at 127.0.0.1 is in use: stop the other program, or choose ")


def test_of_two_servers_that_start_at_once_one_is_refused_the_port() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]

        with pytest.raises(CommandFailed, match=f"^Port {port} at 127.0.0.1 is in use: "):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("command", ["serve", "init"])
def test_a_wrong_setting_stops_commands_with_a_sentence_and_no_traceback(install: Install, command: str) -> None:
    done = install.run(*(INIT if command == "init" else [command]), KALENDS_PORT="http")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "KALENDS_PORT cannot be used: expected a number from 0 to 65535 (0: any free port)."
    ]
    assert not install.data.exists()


def test_a_wrong_mail_server_is_said_before_anything_starts_and_its_password_never(install: Install) -> None:
    done = install.run("serve", KALENDS_SMTP_URL="imap://u:hunter2@mail.test")

    assert (done.returncode, done.stdout) == (2, "")
    assert one_sentence(done).startswith("KALENDS_SMTP_URL cannot be used: expected a mail server, as smtp://")
    assert "hunter2" not in done.stderr


def test_the_openapi_document_needs_no_database(install: Install) -> None:
    done = install.run("openapi")

    document = json.loads(done.stdout)
    assert document["openapi"].startswith("3.1")
    assert "/v4/user" in document["paths"]
    assert not install.data.exists()
