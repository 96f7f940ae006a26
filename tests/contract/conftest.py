"""One installation as a stranger would have it: `kalends init`, `kalends serve`, and nothing but HTTP after that."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import databases, ports


@dataclass(frozen=True)
class Installation:
    """A running server and what `kalends init` printed."""

    url: str
    first: dict[str, Any]
    mails: Path

    def client(self, credential: str | None = None, **headers: str) -> httpx2.Client:
        """Speak as the public clients do: JSON content type on every request, GET and DELETE included."""
        token = self.first["personalAccessToken"] if credential is None else credential
        return httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"} | headers,
            timeout=20,
        )

    def key(self, user_id: str | None = None) -> httpx2.Client:
        """Speak with the platform key, for `user_id` when one is given."""
        return self.client(self.first["apiKey"], **({"x-meetergo-api-user-id": user_id} if user_id else {}))


@pytest.fixture(scope="session")
def installation(server_conninfo: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    data = tmp_path_factory.mktemp("installation")
    with databases.empty(server_conninfo, f"kalends_contract_{uuid.uuid4().hex}") as own:
        yield from _served(own, data)


def _served(conninfo: str, data: Path) -> Iterator[Installation]:
    port = ports.free()
    env = os.environ | {
        "KALENDS_DATABASE_URL": conninfo,
        "KALENDS_DATA_DIR": str(data),
        "KALENDS_PORT": str(port),
        "KALENDS_RATE_LIMIT_BURST": "0",
    }
    kalends = str(Path(sys.executable).with_name("kalends"))
    words = "init --company Acme --email owner@acme.test --given-name Ada --family-name Roth --json --timezone"
    first = json.loads(subprocess.check_output([kalends, *words.split(), "Europe/Berlin"], env=env))
    with (data / "serve.log").open("wb") as log:
        server = subprocess.Popen([kalends, "serve"], env=env, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while not ready(url):
            if time.monotonic() > deadline or server.poll() is not None:
                pytest.fail((data / "serve.log").read_text())
            time.sleep(0.1)
        yield Installation(url, first, data)
    finally:
        server.terminate()
        server.wait(30)


def ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz").status_code == 200
    except httpx2.TransportError:
        return False
