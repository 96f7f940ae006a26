"""The server process: is it there, start it, stop it. What a pid file says is never believed."""

import fcntl
import os
import signal
import socket
import struct
import time
from pathlib import Path

from psycopg import pq

from kalends.storage.embedded.cluster import PORT, Cluster, seen_from_within
from kalends.storage.embedded.errors import EmbeddedServerError

RECOVERY_TIMEOUT_S = 300.0  # for a server that listens and does not take queries yet
SILENCE_TIMEOUT_S = 30.0  # for one that is alive and does not listen
STRAYS_QUIT_AFTER_S = 1.0
STRAYS_KILLED_AFTER_S = 4.0
STOP_TIMEOUT_S = 60.0
POLL_S = 0.01
LOG_KEPT_BYTES = 10_000_000

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_directories": ".",  # relative to the cluster: no limit on the length of its path
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_level": "replica",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "jit": "off",
    "logging_collector": "off",
    "log_checkpoints": "off",
    # Details and statements quote rows: names and addresses of people, which belong in no log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


def start(cluster: Cluster, conninfo: str, socket_path: Path) -> None:
    """Start the server unless it runs, and wait until it takes queries. Called with the start lock held.

    Args:
        cluster: what to serve; it exists.
        conninfo: how to connect to it.
        socket_path: its socket, by a path short enough to connect to.

    Raises:
        EmbeddedServerError: it ended at once, or did not get ready in time.
    """
    launched = False
    began = silent_since = time.monotonic()
    while True:
        now = time.monotonic()
        if listener(socket_path) is not None:
            # 57P03 (starting up, shutting down) is REJECT; "too many clients" counts as alive.
            if pq.PGconn.ping(f"{conninfo}&connect_timeout=5".encode()) == pq.Ping.OK:
                return
            silent_since = now
            if now - began > RECOVERY_TIMEOUT_S:
                raise _failure(cluster, f"did not get ready within {RECOVERY_TIMEOUT_S:.0f} seconds")
        elif (life := _take_life(cluster)) is not None:
            with os.fdopen(life, "rb"):
                if launched:
                    raise _failure(cluster, "ended while it was starting")
                _launch(cluster, life)
            launched, silent_since = True, now
        else:
            _end_strays(cluster, silent_for_s=now - silent_since)
            if now - silent_since > SILENCE_TIMEOUT_S:
                raise _failure(cluster, "has processes that neither answer nor end")
        time.sleep(POLL_S)


def stop(cluster: Cluster, socket_path: Path) -> None:
    """Stop the server and wait until its last process is gone. Called with the start lock held.

    Raises:
        EmbeddedServerError: it cannot be signalled from here, does not listen, or took too long.
    """
    began = time.monotonic()
    while (pid := listener(socket_path)) is None:  # launched a moment ago, it may not listen yet
        if _is_lifeless(cluster):
            return
        silent_for_s = time.monotonic() - began
        _end_strays(cluster, silent_for_s=silent_for_s)
        if silent_for_s > SILENCE_TIMEOUT_S:
            raise _failure(cluster, "has processes that neither answer nor end")
        time.sleep(POLL_S)
    if pid == 0:
        raise EmbeddedServerError(
            f"The database in {cluster.home} was started from another container or machine; stop it there."
        )
    os.kill(pid, signal.SIGINT)  # "fast": open transactions are rolled back, everything committed is kept
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while listener(socket_path) is not None or not _is_lifeless(cluster):
        if time.monotonic() > deadline:
            raise _failure(cluster, f"was told to stop and still runs after {STOP_TIMEOUT_S:.0f} seconds")
        time.sleep(POLL_S)


def listener(socket_path: Path) -> int | None:
    """Find the process that listens on the socket now: the postmaster, and never anybody else.

    Returns:
        Its process number, 0 if it listens and cannot be told (another container), None if nobody listens.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(os.fsencode(socket_path))
        except BlockingIOError:  # its queue is full, so there is somebody
            return 0
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        if hasattr(socket, "SO_PEERCRED"):
            # The kernel noted who called listen(); the connection shows that this one is still there.
            size = struct.calcsize("3i")
            pid: int = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
            return pid
    return int(socket_path.with_name("postmaster.pid").read_text().split("\n", 1)[0])


def _launch(cluster: Cluster, life: int) -> None:
    # Nobody lives, so whatever these files say is about the past; their number may be a stranger's by now, and
    # PostgreSQL would take a stranger of the same user for itself and refuse to start.
    for name in ("postmaster.pid", f"{cluster.socket.name}.lock"):
        cluster.folder.joinpath(name).unlink(missing_ok=True)
    if cluster.log.exists() and cluster.log.stat().st_size > LOG_KEPT_BYTES:
        cluster.log.rename(cluster.log.with_suffix(".log.1"))
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    settings += ["-c", f"cluster_name={cluster.title}"]
    postgres: list[str | Path] = [cluster.programs() / "postgres", "-D", seen_from_within(cluster.folder), *settings]
    log = cluster.open(cluster.log.name, os.O_WRONLY | os.O_APPEND)
    with os.fdopen(log, "ab"):
        # The shell leaves it to init: it must neither end with us nor wait for us to be buried.
        cluster.account.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *postgres],
            cwd=cluster.folder,
            output=log,
            pass_fds=[life],
            new_session=True,  # Ctrl-C is for kalends, which stops it in its own time
        )


def _take_life(cluster: Cluster) -> int | None:
    """Take the lock that every process of the server inherits, so that it is free only when none is left."""
    life = cluster.open("alive.lock")
    try:
        fcntl.flock(life, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(life)
        return None
    return life


def _is_lifeless(cluster: Cluster) -> bool:
    life = _take_life(cluster)
    if life is None:
        return False
    os.close(life)
    return True


def _end_strays(cluster: Cluster, *, silent_for_s: float) -> None:
    """End what a killed postmaster left behind and what does not notice by itself that it is gone.

    As nobody listens, they can only be busy with a query whose result nobody will get. They are known by
    user and title, which only processes of this very cluster carry.
    """
    if silent_for_s < STRAYS_QUIT_AFTER_S:
        return
    kill = silent_for_s > STRAYS_KILLED_AFTER_S
    title = f"postgres: {cluster.title}: ".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = process.stat().st_uid == cluster.account.uid
            if is_ours and process.joinpath("cmdline").read_bytes().startswith(title):
                os.kill(int(process.name), signal.SIGKILL if kill else signal.SIGQUIT)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile


def _failure(cluster: Cluster, what: str) -> EmbeddedServerError:
    try:
        lines = cluster.log.read_text(errors="replace").strip().splitlines()[-6:]
    except FileNotFoundError:
        lines = []
    said = "\n".join(lines) or "(nothing)"
    return EmbeddedServerError(f"The database in {cluster.home} {what}. The end of {cluster.log}:\n{said}")
