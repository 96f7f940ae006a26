"""Time GET /v4/booking-availability over HTTP: one host, 30 days, 100 claims, one connection.

Starts `kalends serve` on a data folder of its own, fills it, and prints the median and the 99th percentile in
milliseconds beside those of GET /healthz, the floor of the same server. Run with: python bench/listing.py
"""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg

from kalends.storage import embedded
from kalends.storage.ids import new_id

ROUNDS = 2000
CLAIMS = 100


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = os.environ | {"KALENDS_DATA_DIR": str(data), "KALENDS_PORT": str(port), "KALENDS_RATE_LIMIT_BURST": "0"}
        kalends = str(Path(sys.executable).with_name("kalends"))
        first_run = "init --company Bench --email ada@bench.test --given-name Ada --family-name Bench --json"
        words = [kalends, *first_run.split(), "--timezone", "America/New_York"]
        company = json.loads(subprocess.check_output(words, env=env))
        server = subprocess.Popen([kalends, "serve"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            with embedded.running(data) as database:
                fill(database.conninfo, company)
            connection = http.client.HTTPConnection("127.0.0.1", port)
            day = datetime.now(UTC).date() + timedelta(days=7)
            path = f"/v4/booking-availability?meetingTypeId={company['meetingTypeId']}&start={day}"
            path += f"&end={day + timedelta(days=29)}&timezone=America/New_York"
            headers = {"Authorization": f"Bearer {company['personalAccessToken']}"}
            body = json.loads(get(connection, path, headers))
            print(f"slots listed: {sum(len(d['spots']) for d in body['dates'])} on {len(body['dates'])} days")
            report("GET /healthz", [timed(connection, "/healthz", {}) for _ in range(ROUNDS)])
            report("GET /v4/booking-availability", [timed(connection, path, headers) for _ in range(ROUNDS)])
        finally:
            server.terminate()
            server.wait()


def fill(conninfo: str, company: dict[str, Any]) -> None:
    """Book `CLAIMS` appointments of 15–60 minutes over the 30 days, as rows."""
    chance = random.Random(4)
    base = datetime.now(UTC).replace(hour=13, minute=0, second=0, microsecond=0) + timedelta(days=7)
    with psycopg.connect(conninfo) as conn:
        row = conn.execute(
            "SELECT u.company_id, u.host_no, t.id FROM user_account u JOIN meeting_type t ON t.user_id = u.id"
        ).fetchone()
        assert row is not None
        tenant, host_no, type_id = row
        taken = 0
        while taken < CLAIMS:
            start = base + timedelta(days=chance.randrange(30), minutes=chance.randrange(0, 8 * 60, 15))
            end = start + timedelta(minutes=chance.choice([15, 30, 45, 60]))
            clash = conn.execute(
                "SELECT 1 FROM claim WHERE host_no = %s AND tstzrange(start_at, end_at) && tstzrange(%s, %s)",
                (host_no, start, end),
            ).fetchone()
            if clash:
                continue
            appointment = new_id(tenant)
            conn.execute(
                """INSERT INTO appointment (company_id, id, meeting_type_id, start_at, end_at, meeting_info, channel,
                   created_at, updated_at) VALUES (%s, %s, %s, %s, %s, '{}', 'phone', now(), now())""",
                (tenant, appointment, type_id, start, end),
            )
            conn.execute(
                """INSERT INTO claim (company_id, host_no, start_at, end_at, appointment_id)
                   VALUES (%s, %s, %s, %s, %s)""",
                (tenant, host_no, start, end, appointment),
            )
            taken += 1
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE claim")


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            get(http.client.HTTPConnection("127.0.0.1", port), "/readyz", {})
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


def get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> bytes:
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise SystemExit(f"{path}: {response.status} {body[:500]!r}")
    return body


def timed(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> float:
    start = time.perf_counter()
    get(connection, path, headers)
    return (time.perf_counter() - start) * 1000


def report(name: str, samples: list[float]) -> None:
    print(f"{name}: p50 {median(samples):.2f} ms, p99 {quantiles(samples, n=100)[98]:.2f} ms")


if __name__ == "__main__":
    main()
