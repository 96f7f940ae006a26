"""`kalends serve` told to stop while it sends a mail, or while it starts: nothing is lost, nothing stays behind."""

import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import httpx2
import psycopg
import pytest
from whenever import Instant

from kalends.storage import embedded
from tests.cli.conftest import KALENDS, Install, Service, line, until
from tests.mail import smtp_server

GUEST = {"email": "gil@guests.test", "fullname": "Gil Moss", "timezone": "Europe/Vienna"}


def _book(service: Service) -> None:
    """Make a user and book his first slot two weeks ahead."""
    with httpx2.Client(base_url=service.url, headers={"Authorization": f"Bearer {line(service, 'Key')}"}) as api:
        ana = {"email": "ana@clinic.test", "givenName": "Ana", "familyName": "Roth", "timezone": "Europe/Vienna"}
        meeting_type = api.post("/v4/user", json=ana).json()["meetingTypeId"]
        first = Instant.now().to_stdlib().date() + timedelta(days=14)
        window = {"start": str(first), "end": str(first + timedelta(days=6))}
        days = api.get("/v4/booking-availability", params={"meetingTypeId": meeting_type} | window).json()["dates"]
        start = next(spot["startTime"] for day in days for spot in day["spots"])
        answer = api.post("/v4/booking", json={"meetingTypeId": meeting_type, "start": start, "attendee": GUEST})
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("processes", ["1", "2"])
def test_on_sigterm_a_mail_in_hand_leaves_once(install: Install, processes: str) -> None:
    post = smtp_server.Post()
    post.stall.set()
    with smtp_server.running(post):
        mail = {"KALENDS_SMTP_URL": f"smtp://127.0.0.1:{post.port}", "KALENDS_MAIL_FROM": "Acme <meet@acme.test>"}
        with install.serving("--first-run", "--processes", processes, **mail) as service:
            _book(service)
            until(post.stalled.is_set)

            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            waits_for_it = service.process.poll() is None
            post.stall.clear()

            assert service.process.wait(40) == 0
        assert waits_for_it
        assert not _database_processes(install.data)

        with embedded.running(install.data) as server, psycopg.connect(server.conninfo) as conn:
            assert conn.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'").fetchone() == (0,)
        with install.serving(**mail) as service:  # sends what was still waiting
            until(lambda: len(post.mails) >= 2)
            assert service.stop() == 0

    assert sorted(one.recipient for one in post.mails) == ["ana@clinic.test", "gil@guests.test"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_told_to_stop_while_it_starts_it_takes_its_database_along(install: Install, how: signal.Signals) -> None:
    arguments = [*KALENDS, "serve", "--first-run"]
    with subprocess.Popen(arguments, env=install.environment(), stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: (install.data / "postgres" / "cluster" / "postmaster.pid").exists())
            process.send_signal(how)
            _, said = process.communicate(timeout=40)
        finally:
            process.kill()  # one that does not stop would be waited for without end

    assert (process.returncode, said) == (128 + how, "")
    assert not _database_processes(install.data)
    with install.serving("--first-run") as service:
        assert service.stop() == 0


def _database_processes(data: Path) -> list[str]:
    cluster = (data / "postgres" / "cluster").stat()
    title = f"kalends-{cluster.st_dev}-{cluster.st_ino}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if title in process.joinpath("cmdline").read_bytes():
                found.append(process.name)
        except OSError:  # it ended meanwhile
            continue
    return found
