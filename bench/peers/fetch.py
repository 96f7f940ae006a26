"""Fetch the peers into a folder that is thrown away afterwards. None of their install scripts runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

PACKAGE = "@calcom/platform-libraries@0.0.360"
DAYJS = "dayjs@1.11.2"  # the version that Cal.com's repository uses
PORTION = ("portion==2.6.3", "sortedcontainers==2.4.0")
# The machine's Node, else the one that `make` puts beside this Python where there is none.
PATH = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])


class NotAvailable(Exception):
    """A peer cannot be fetched or run on this machine."""


def tool(name: str) -> str:
    """Find `node` or `npm`.

    Raises:
        NotAvailable: the machine has none.
    """
    found = shutil.which(name, path=PATH)
    if not found:
        raise NotAvailable(f"there is no {name} on this machine")
    return found


def calcom(folder: Path) -> None:
    """Put Cal.com's package, unpacked, and dayjs into the folder.

    Raises:
        NotAvailable: there is no Node, or the packages cannot be had.
    """
    npm = tool("npm")
    _run([npm, "pack", PACKAGE, "--ignore-scripts", "--silent"], folder)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    # Its own dependencies are not published; what the functions reach of others is dayjs alone.
    _run([npm, "install", DAYJS, "--prefix", ".", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], folder)


def portion(folder: Path) -> None:
    """Put `portion` into the folder, and make it importable.

    Raises:
        NotAvailable: the package cannot be had.
    """
    _run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", ".", *PORTION], folder)
    sys.path.append(str(folder))


def _run(command: list[str], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotAvailable(f"{error} {getattr(error, 'stderr', '') or ''}".strip()) from error
