"""The folders and files of the embedded server, and how the cluster in them is made."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kalends.storage.embedded import account as accounts
from kalends.storage.embedded import programs
from kalends.storage.embedded.account import Account
from kalends.storage.embedded.errors import EmbeddedServerError

NAME = "kalends"  # the database and the role that owns it
SUPERUSER = "postgres"
PORT = 5432  # names the socket only: no port is opened

_ROLE_AND_DATABASE = f"CREATE ROLE {NAME} LOGIN CREATEDB;\nCREATE DATABASE {NAME} OWNER {NAME};\n"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A database cluster inside a data folder, and the account that owns it.

    The socket stands in the cluster's own folder, which PostgreSQL keeps at mode 0700.
    """

    home: Path
    account: Account

    @property
    def folder(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "cluster"

    @property
    def socket(self) -> Path:
        """The socket the server listens on."""
        return self.folder / f".s.PGSQL.{PORT}"

    @property
    def log(self) -> Path:
        """What the server writes; outside the cluster, so that it survives it."""
        return self.home / "postgres.log"

    @property
    def title(self) -> str:
        """The name that the server's processes carry in their titles, which no other cluster here has."""
        stat = self.folder.stat()
        return f"{NAME}-{stat.st_dev}-{stat.st_ino}"

    def programs(self) -> Path:
        """Find (or make) the folder of PostgreSQL's programs for this cluster's account."""
        return programs.for_server(self.account, self.home)

    def open(self, name: str, flags: int = os.O_RDWR) -> int:
        """Open a file beside the cluster, made with mode 0600 for the owner of the folder; not inherited."""
        descriptor = os.open(self.home / name, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            os.fchown(descriptor, self.home.stat().st_uid, -1)
        return descriptor


def at(data_dir: Path) -> Cluster:
    """Find the cluster of a data folder, and make our folder in it; the cluster itself may not exist yet.

    The data folder is made with mode 0700 if it is not there, and left as it is if it is.

    Raises:
        EmbeddedServerError: the folder belongs to somebody else, or cannot be made.
    """
    data_dir = data_dir.absolute()
    home = data_dir / "postgres"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        account = accounts.of(home / "cluster", home, data_dir)
        if not home.exists():
            # Open to walk through only where the data folder above says who may: a copy of the programs may
            # have to be reached here. What is secret has its own 0700 folder below.
            home.mkdir(mode=0o711 if account.is_another else 0o700, exist_ok=True)
            if account.is_another and data_dir.stat().st_uid == account.uid:
                os.chown(home, account.uid, account.gid)
        if not os.access(home, os.W_OK | os.X_OK):
            raise PermissionError(13, "belongs to another user", str(home))
    except OSError as error:
        raise EmbeddedServerError(
            f"The data folder {data_dir} cannot be used: {error}. "
            "Run kalends as the user who owns it, or set KALENDS_DATA_DIR to another folder."
        ) from error
    return Cluster(home, account)


def seen_from_within(folder: Path) -> str:
    """Give a folder's path for a process that has it as working directory.

    An account that may not walk through the folders above still gets there by what the kernel already holds.
    """
    own = "/proc/self/cwd"
    return own if os.path.exists(own) else str(folder)


def create(cluster: Cluster) -> None:
    """Make the cluster unless it is there; a half-made one of an interrupted start is thrown away.

    Called with the start lock held.

    Raises:
        EmbeddedServerError: initdb failed, or the cluster is one of another PostgreSQL version.
    """
    if cluster.folder.exists():
        _check_version(cluster)
        return
    for leftover in cluster.home.glob("initdb-*"):
        shutil.rmtree(leftover, ignore_errors=True)  # a killed start's initdb may still be writing there
    staging = Path(tempfile.mkdtemp(prefix="initdb-", dir=cluster.home))
    try:
        if cluster.account.is_another:
            os.chown(staging, cluster.account.uid, cluster.account.gid)
        _initdb(cluster, staging)
        staging.rename(cluster.folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    _sync(cluster.home)


def _initdb(cluster: Cluster, staging: Path) -> None:
    tools = cluster.programs()
    here = seen_from_within(staging)
    initdb: list[str | Path] = [tools / "initdb", "-D", here, f"--username={SUPERUSER}", "--auth-local=peer"]
    initdb += ["--auth-host=reject", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    # The same sorting on every machine, whatever locales it has.
    initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums"]
    _run(cluster, staging, initdb)
    # The single-user server needs no connection, so nothing ever listens with a half-made cluster.
    _run(cluster, staging, [tools / "postgres", "--single", "-D", here, "template1"], text=_ROLE_AND_DATABASE)
    staging.joinpath("pg_hba.conf").write_text(f"local all {NAME},{SUPERUSER} peer map={NAME}\n")
    lines = [
        f'{NAME} "{user}" {role}\n'
        for user in dict.fromkeys(["root", cluster.account.name])
        for role in (NAME, SUPERUSER)
    ]
    staging.joinpath("pg_ident.conf").write_text("".join(lines))
    for name in ("pg_hba.conf", "pg_ident.conf"):
        _sync(staging / name)


def _run(cluster: Cluster, cwd: Path, command: list[str | Path], text: str | None = None) -> None:
    done = cluster.account.run(command, cwd=cwd, text=text or "")
    # The single-user server ends well even where a command of it failed.
    if done.returncode != 0 or "ERROR:" in done.stdout:
        said = "\n".join(done.stdout.strip().splitlines()[-8:])
        raise EmbeddedServerError(f"The database in {cluster.home} could not be made. PostgreSQL said:\n{said}")


def _check_version(cluster: Cluster) -> None:
    try:
        version = cluster.folder.joinpath("PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedServerError(
            f"{cluster.folder} exists and holds no PostgreSQL cluster. Move it away, or restore it from a backup."
        ) from None
    if version != str(programs.MAJOR):
        raise EmbeddedServerError(
            f"{cluster.folder} was made by PostgreSQL {version}, and this kalends brings PostgreSQL {programs.MAJOR}. "
            "Make a backup with the kalends that made it, and restore it into an empty data folder with this one."
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
