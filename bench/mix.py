"""Load a server of its own with mixed traffic, then check by SQL that nothing was lost or booked twice.

Starts `kalends serve` on a data folder of its own, without rate limit, and lets 16 clients for a while ask for starts
(90), list appointments (8) and book (2); of the bookings a third is cancelled and a third moved by the guest at once.
Half of all goes to one host. Prints latencies, answers, the server's memory and what the database holds afterwards;
ends with 1 where something is wrong. Run with: python bench/mix.py [seconds, at most 90]
"""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg

from kalends.storage import embedded

CLIENTS = 16
HOSTS = 8
DAYS = 14  # each asks for one week of these
KINDS = {"slots": 90, "list": 8, "book": 2}
DRAIN_S = 120  # what the jobs get to finish

# Each counts what must not be there.
WRONG = {
    "exclusive claims of one host that overlap": """
        SELECT count(*) FROM claim a JOIN claim b ON a.host_no = b.host_no AND a.id < b.id
        WHERE a.exclusive AND b.exclusive AND a.start_at < b.end_at AND b.start_at < a.end_at""",
    "hosts of live appointments without exactly one claim": """
        SELECT count(*) FROM appointment_host h
        JOIN appointment a ON a.company_id = h.company_id AND a.id = h.appointment_id
        JOIN user_account u ON u.company_id = h.company_id AND u.id = h.user_id
        WHERE a.cancelled_at IS NULL AND 1 <> (SELECT count(*) FROM claim c WHERE c.appointment_id = a.id
            AND c.host_no = u.host_no AND c.start_at = a.start_at AND c.end_at = a.end_at)""",
    "claims without a live appointment": """
        SELECT count(*) FROM claim c LEFT JOIN appointment a ON a.id = c.appointment_id AND a.cancelled_at IS NULL
        WHERE a.id IS NULL""",
    "revisions without exactly one event": """
        SELECT count(*) FROM appointment a CROSS JOIN generate_series(1, a.revision) AS r
        WHERE 1 <> (SELECT count(*) FROM event e WHERE e.appointment_id = a.id AND e.revision = r)""",
    "people of an event without exactly one effect": """
        SELECT count(*) FROM event e
        CROSS JOIN jsonb_array_elements((e.after -> 'hosts') || (e.after -> 'attendees')) AS person
        WHERE 1 <> (SELECT count(*) FROM effect f WHERE f.event_id = e.id AND f.target = (person ->> 'id')::uuid)""",
    "effects not done": "SELECT count(*) FROM effect WHERE done_at IS NULL",
    "effects given up or refused": "SELECT count(*) FROM effect WHERE outcome IN ('given-up', 'refused')",
    "people who got a mail and count as told less": """
        SELECT count(*) FROM effect f JOIN event e ON e.id = f.event_id LEFT JOIN told t
            ON t.appointment_id = e.appointment_id AND t.recipient_id = f.target
        WHERE f.outcome = 'sent' AND coalesce(t.revision, 0) < e.revision""",
    "jobs left or failed": "SELECT count(*) FROM procrastinate_jobs WHERE task_name NOT LIKE 'upkeep.%'",
}


class Log:
    """What all clients saw."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, list[float]] = defaultdict(list)
        self.answers: Counter[tuple[str, int, str]] = Counter()
        self.bad: list[str] = []

    def note(self, kind: str, status: int, body: Any, headers: http.client.HTTPMessage, took_s: float) -> None:
        code = body.get("errorCode", "") if isinstance(body, dict) else ""
        self.milliseconds[kind].append(took_s * 1000)
        self.answers[kind, status, code] += 1
        if status >= 500 and not (status == 503 and headers["Retry-After"]):
            self.bad.append(f"{kind}: {status} {body}")


class Client:
    """One connection that sends what the mix asks for."""

    def __init__(self, port: int, key: str, hosts: list[dict[str, str]], log: Log, seed: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.key, self.hosts, self.log, self.chance = key, hosts, log, random.Random(seed)
        self.free: dict[str, list[str]] = {}
        self.guest = f"guest{seed}"

    def run(self, until: float) -> None:
        booked = 0
        while time.monotonic() < until:
            host = self.hosts[0] if self.chance.random() < 0.5 else self.chance.choice(self.hosts)
            kind = self.chance.choices(list(KINDS), list(KINDS.values()))[0]
            if kind == "list":
                self.send(kind, "GET", "/v4/appointment/paginated?page=0&pageSize=25", user=host["userId"])
            elif kind == "book" and self.free.get(host["userId"]):
                booked += 1
                self.book(host, booked)
            else:
                self.slots(host)

    def slots(self, host: dict[str, str]) -> None:
        first = datetime.now(UTC).date() + timedelta(days=self.chance.randrange(1, DAYS - 7))
        path = f"/v4/booking-availability?meetingTypeId={host['meetingTypeId']}&start={first}"
        status, body = self.send("slots", "GET", f"{path}&end={first + timedelta(days=6)}")
        if status == 200:
            starts = [spot["startTime"] for day in body["dates"] for spot in day["spots"]]
            self.free[host["userId"]] = starts[:4]  # few, so that clients want the same ones

    def book(self, host: dict[str, str], number: int) -> None:
        starts = self.free[host["userId"]]
        guest = {"email": f"{self.guest}-{number}@mix.test", "fullname": "Gil Moss", "timezone": "UTC"}
        order = {"meetingTypeId": host["meetingTypeId"], "start": self.chance.choice(starts), "attendee": guest}
        status, booked = self.send("book", "POST", "/v4/booking", order)
        if status != 201:
            return
        path, what = f"/v4/booking/{booked['appointmentId']}", self.chance.random()
        if what < 1 / 3:
            self.send("cancel", "POST", f"{path}/cancel", {"secret": booked["secret"]})
        elif what < 2 / 3:
            move = {"secret": booked["secret"], "start": self.chance.choice(starts)}
            self.send("move", "POST", f"{path}/reschedule", move)

    def send(self, kind: str, method: str, path: str, body: Any = None, *, user: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if user:
            headers["x-meetergo-api-user-id"] = user
        begun = time.perf_counter()
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        self.log.note(kind, response.status, answer, response.headers, time.perf_counter() - begun)
        return response.status, answer


def main() -> None:
    seconds = min(90, int(sys.argv[1]) if len(sys.argv) > 1 else 60)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = os.environ | {"KALENDS_DATA_DIR": str(data), "KALENDS_PORT": str(port), "KALENDS_RATE_LIMIT_BURST": "0"}
        kalends = str(Path(sys.executable).with_name("kalends"))
        first_run = "init --company Mix --email ada@mix.test --given-name Ada --family-name Mix --timezone UTC --json"
        company = json.loads(subprocess.check_output([kalends, *first_run.split()], env=env))
        server = subprocess.Popen([kalends, "serve"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        log = Log()
        try:
            wait_for(port)
            load(port, company, server.pid, seconds, log)
            report(log, seconds)
            with embedded.running(data) as database:
                fine = check(database.conninfo, data)
        finally:
            server.terminate()
            server.wait()
    for line in log.bad[:10]:
        print("WRONG", line)
    sys.exit(0 if fine and not log.bad else 1)


def load(port: int, company: dict[str, str], pid: int, seconds: int, log: Log) -> None:
    """Let the clients run, and print the server's memory meanwhile."""
    first = Client(port, company["apiKey"], [], log, 0)
    hosts = [company]
    for number in range(1, HOSTS):
        user = {"email": f"h{number}@mix.test", "givenName": "H", "familyName": str(number), "timezone": "UTC"}
        hosts.append(first.send("create", "POST", "/v4/user", user)[1])
    until = time.monotonic() + seconds
    clients = [Client(port, company["apiKey"], hosts, log, seed) for seed in range(1, CLIENTS + 1)]
    threads = [threading.Thread(target=client.run, args=(until,)) for client in clients]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        print(f"memory {memory_mb(pid)} MB")
        time.sleep(seconds / 6)
    for thread in threads:
        thread.join()


def memory_mb(pid: int) -> int:
    """Read the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024


def report(log: Log, seconds: int) -> None:
    """Print latencies and answers."""
    print(f"{'':8}{'requests':>9}{'a second':>10}{'p50 ms':>8}{'p99 ms':>8}")
    for kind, samples in log.milliseconds.items():
        p99 = quantiles(samples, n=100)[98] if len(samples) > 1 else samples[0]
        print(f"{kind:8}{len(samples):9}{len(samples) / seconds:10.1f}{median(samples):8.1f}{p99:8.1f}")
    for (kind, status, code), count in sorted(log.answers.items()):
        print(f"{kind:8}{status:4} {code or '-':24}{count:7}")


def check(conninfo: str, data: Path) -> bool:
    """Wait for the jobs, then print what the database and the mails hold; tell whether all is as it must be."""
    deadline = time.monotonic() + DRAIN_S
    with psycopg.connect(conninfo, autocommit=True) as conn:

        def count(query: str) -> int:
            row = conn.execute(query.encode()).fetchone()
            return int(row[0]) if row else 0

        while count(WRONG["effects not done"]) + count(WRONG["jobs left or failed"]) and time.monotonic() < deadline:
            time.sleep(0.5)
        found = {name: count(query) for name, query in WRONG.items()}
        sent = count("SELECT count(*) FROM effect WHERE outcome = 'sent'")
        print(
            f"events {count('SELECT count(*) FROM event')}, effects {count('SELECT count(*) FROM effect')}, sent {sent}"
        )
    mails = [path.name.split("-", 1)[1] for path in (data / "mails").iterdir()]
    found["mails written more or less often than sent"] = abs(len(mails) - sent) + len(mails) - len(set(mails))
    found["deadlocks"] = (data / "postgres" / "postgres.log").read_text().count("deadlock detected")
    for name, number in found.items():
        print(f"{number:6} {name}")
    return not any(found.values())


def wait_for(port: int) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            http.client.HTTPConnection("127.0.0.1", port).request("GET", "/readyz")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
