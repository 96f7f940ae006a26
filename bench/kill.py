"""Kill a server of its own under load, many times, then check by SQL that nothing is half done.

Starts `kalends serve` on a data folder of its own; eight clients book, hold, confirm, move and cancel through the API.
At a random moment serve's whole process group gets SIGKILL, every fourth time PostgreSQL's postmaster, every eighth
both. After the restart, requests without an answer are sent again with their Idempotency-Key; then all that was ever
answered is compared with what is stored. Ends with 1 where something is wrong.
Run with: python -m bench.kill [rounds, 50 by default] [seed]
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psycopg

from bench import kill_checks
from bench.kill_clients import Client, Told
from kalends.storage import embedded

CLIENTS = 8
HOSTS = 6  # one of them approves each booking
LONGEST_S = 2.5  # from the first request to the kill
KALENDS = str(Path(sys.executable).with_name("kalends"))


class Server:
    """`kalends serve` on one data folder, started and killed again and again."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.data = data
        self.env = os.environ | {
            "KALENDS_DATA_DIR": str(data),
            "KALENDS_PORT": str(self.port),
            "KALENDS_RATE_LIMIT_BURST": "0",
        }
        first_run = (
            "init --company Kill --email ada@kill.test --given-name Ada --family-name Kill --timezone UTC --json"
        )
        self.company: dict[str, str] = json.loads(subprocess.check_output([KALENDS, *first_run.split()], env=self.env))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, processes: int) -> None:
        """Start it as the leader of a process group of its own, and wait until it is ready."""
        self.process = subprocess.Popen(
            [KALENDS, "serve", "--processes", str(processes)],
            env=self.env,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(0.1)
        raise SystemExit("the server did not start")

    def kill(self) -> None:
        """Kill the whole process group at once."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def kill_postmaster(self) -> None:
        """Kill PostgreSQL's first process; the others notice and end."""
        file = self.data / "postgres" / "cluster" / "postmaster.pid"
        os.kill(int(file.read_text().split()[0]), signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else None)
    told, total = Told(), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        try:
            server.start(1)
            hosts = make_hosts(server, told)
            for number in range(1, rounds + 1):
                victim = "both" if number % 8 == 0 else "postmaster" if number % 4 == 0 else "serve"
                after_s = chance.uniform(0.05, LONGEST_S)
                before = sum(told.answers.values())
                load_and_kill(server, hosts, told, victim, after_s, f"r{number}")
                if victim != "postmaster":
                    server.start(chance.choice([1, 1, 2]))
                again = send_again(server, hosts, told)
                found = check(server, told)
                total.update(found)
                writes = sum(told.answers.values()) - before
                print(
                    f"{number:4} {victim:10} after {after_s:4.2f} s {writes:5} answers {again:3} sent again "
                    f"{sum(found.values()):4} wrong",
                    flush=True,
                )
        finally:
            server.stop()
    report(told, total, rounds)
    sys.exit(1 if total.total() or told.bad else 0)


def make_hosts(server: Server, told: Told) -> list[dict[str, str]]:
    """Make the hosts; the last one's bookings wait for his approval."""
    maker, hosts = Client(server.port, server.company["apiKey"], [], told, "maker"), [server.company]
    for number in range(1, HOSTS):
        user = {"email": f"h{number}@kill.test", "givenName": "H", "familyName": str(number), "timezone": "UTC"}
        hosts.append(maker.send("POST", "/v4/user", user, {})[1])
    approved = {"meetingOptions": {"requireHostConfirmation": "enabled"}}
    acting = {"x-meetergo-api-user-id": hosts[-1]["userId"]}
    status, answer = maker.send("PATCH", f"/v4/meeting-type/{hosts[-1]['meetingTypeId']}", approved, acting)
    assert status == 200, answer
    return hosts


def load_and_kill(
    server: Server, hosts: list[dict[str, str]], told: Told, victim: str, after_s: float, name: str
) -> None:
    """Let the clients run, kill, and wait until all of them have noticed or the server is back."""
    stop = threading.Event()
    clients = [Client(server.port, server.company["apiKey"], hosts, told, f"{name}c{n}") for n in range(CLIENTS)]
    threads = [threading.Thread(target=client.run, args=(stop,)) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(after_s)
    if victim != "serve":
        server.kill_postmaster()
    if victim != "postmaster":
        server.kill()
    else:
        server.wait_until_ready()
    stop.set()
    for thread in threads:
        thread.join()


def send_again(server: Server, hosts: list[dict[str, str]], told: Told) -> int:
    """Send the requests whose answers were lost once more, in their order; answers how many there were."""
    lost, told.lost = told.lost, []
    client = Client(server.port, server.company["apiKey"], hosts, told, "again")
    for request in lost:
        client.carry_out(request)
    if told.lost:
        told.bad.append(f"{len(told.lost)} requests have no answer after the restart either")
    return len(lost)


def check(server: Server, told: Told) -> Counter[str]:
    """Count what is wrong, and print it."""
    with embedded.running(server.data) as database, psycopg.connect(database.conninfo, autocommit=True) as conn:
        found = Counter(kill_checks.count(conn, told))
    for name, number in found.items():
        if number:
            print(f"     WRONG {number} {name}")
    return found


def report(told: Told, total: Counter[str], rounds: int) -> None:
    """Print what was answered and what was wrong, over all rounds."""
    print(f"\n{rounds} rounds; answered:")
    for kind, number in sorted(told.answers.items()):
        print(f"{number:7} {kind}")
    print("wrong:")
    for name, number in total.items():
        print(f"{number:7} {name}")
    print(f"{len(told.bad):7} answers that were no answer")
    for line in told.bad[:10]:
        print("        ", line)


if __name__ == "__main__":
    main()
