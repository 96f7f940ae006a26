"""What `kalends doctor` says of calendars."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kalends.cli import calendar_findings
from kalends.cli.finding import Finding
from kalends.settings import Settings
from kalends.storage.secret_box import SecretBox

CLIENT = {"google_client_id": "id", "google_client_secret": "secret"}
CALLBACK = "/v4/calendar-connections/auth/google/callback"
LONG = "x" * 32


def _google(**values: str) -> Finding:
    settings = Settings.model_validate(values)
    found = {one.what: one for one in calendar_findings.providers(settings, reachable=True)}
    return found["Google calendars"]


class _Server(http.server.BaseHTTPRequestHandler):
    location = ""

    def do_GET(self) -> None:
        self.send_response(302 if self.location else 200)
        self.send_header("Location", self.location)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[str]:
    """Run a web server that sends on to `_Server.location`."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_what_is_not_set_up_is_said_and_half_of_it_is_wrong() -> None:
    assert _google() == Finding("Google calendars", "not set up (KALENDS_GOOGLE_CLIENT_ID)")
    assert _google(google_client_id="id").state == "KALENDS_GOOGLE_CLIENT_SECRET not set"
    assert _google(google_client_id="id").mend


@pytest.mark.parametrize(
    ("base_url", "wrong"),
    [("", True), ("http://meet.acme.test", True), ("https://meet.acme.test", False), ("http://localhost:9", False)],
)
def test_browsers_come_back_over_https_to_an_address_that_was_set(base_url: str, wrong: bool) -> None:
    finding = _google(**CLIENT, base_url=base_url)

    assert (finding.mend is not None) is wrong
    assert f"{base_url or 'http://127.0.0.1:8000'}{CALLBACK}" in finding.state


def test_an_address_that_somebody_else_answers_is_found(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = _google(**CLIENT, base_url=server)
    monkeypatch.setattr(_Server, "location", f"{server}/calendar-connected?error=true")
    ours = _google(**CLIENT, base_url=server)

    assert strange.mend == "Have the proxy in front pass on everything below /v4."
    assert ours.mend is None


def test_credentials_that_no_key_opens_are_found(tmp_path: Path) -> None:
    sealed = [SecretBox(lambda: LONG.encode()).seal(b"{}")]

    def look(**keys: str) -> Finding:
        return calendar_findings.opened(Settings.model_validate({"data_dir": tmp_path, **keys}), sealed)

    assert look(secret_key=LONG).state == "1, all can be decrypted"
    assert look(secret_key="y" * 32, previous_secret_keys=LONG).state.endswith("`kalends secrets rotate`")
    assert look(secret_key="y" * 32).state == "1 of 1 cannot be decrypted with this key"
    assert look(secret_key="y" * 32).mend
    assert look().mend  # the key file is gone, and is not made
    assert list(tmp_path.iterdir()) == []


def test_credentials_are_looked_for_in_the_database(conninfo: str) -> None:
    finding = calendar_findings.credentials(Settings.model_validate({"secret_key": LONG}), conninfo)

    assert finding.what == "Calendar credentials"
