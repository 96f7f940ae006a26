"""The embedded server as others use it: running while somebody needs it, stopped by whoever leaves last."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from kalends.storage.embedded import cluster as clusters
from kalends.storage.embedded import postmaster
from kalends.storage.embedded.cluster import NAME, PORT, Cluster

SOCKET_PATH_BYTES = 103  # what fits into a socket address on every system


class EmbeddedServer:
    """A server that runs, for as long as the `running` block that made it lasts."""

    def __init__(self, cluster: Cluster, socket_folder: Path) -> None:
        self._cluster = cluster
        self._socket = socket_folder / cluster.socket.name
        #: A connection URL: for libpq and psycopg as it is, for SQLAlchemy with ``postgresql+psycopg:`` in front.
        self.conninfo = f"postgresql://{NAME}@/{NAME}?host={quote(str(socket_folder))}&port={PORT}"

    def ensure_running(self) -> None:
        """Start the server again if it died, and wait until it takes queries; call it when a connection fails.

        Blocks (in asyncio: ``asyncio.to_thread``); any number of processes and threads may call it at once.

        Raises:
            EmbeddedServerError: it cannot be started; the message holds the end of its log.
        """
        with _locked(self._cluster, "start.lock"):
            clusters.create(self._cluster)
            postmaster.start(self._cluster, self.conninfo, self._socket)

    def _stop(self) -> None:
        postmaster.stop(self._cluster, self._socket)


@contextmanager
def running(data_dir: Path) -> Iterator[EmbeddedServer]:
    """Run the PostgreSQL of a data folder inside the block: made, started or shared, as is needed.

    The last of all processes to leave its block stops the server. If a process is killed inside, the server
    stays up for the next one that comes.

    Args:
        data_dir: the data folder; made (mode 0700) if it is not there.

    Raises:
        EmbeddedServerError: the server cannot be made, started or stopped; the message says why.
    """
    cluster = clusters.at(data_dir)
    with short_path(cluster.folder) as socket_folder, os.fdopen(cluster.open("users.lock"), "rb") as users:
        server = EmbeddedServer(cluster, socket_folder)
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            server.ensure_running()
            yield server
        finally:
            with _locked(cluster, "start.lock"):
                if _is_last(users.fileno()):
                    server._stop()
                users.close()  # before the start lock: the next leaver must not count us


@contextmanager
def _locked(cluster: Cluster, name: str) -> Iterator[None]:
    with os.fdopen(cluster.open(name), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def short_path(folder: Path) -> Iterator[Path]:
    """Give a path to the folder that fits into a socket address, and that libpq takes for one folder only."""
    address = os.fsencode(folder / f".s.PGSQL.{PORT}")
    if len(address) <= SOCKET_PATH_BYTES and b"," not in address:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="kalends-") as private:  # mode 0700, ours alone
        link = Path(private) / "s"
        link.symlink_to(folder, target_is_directory=True)
        yield link
