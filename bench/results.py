"""Figures of the benchmarks: a table to print, and bench/RESULTS.md, of which each section is replaced as a whole."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from kalends.storage import embedded

FILE = Path(__file__).with_name("RESULTS.md")
SECTIONS = {
    "engine": "Engine: from busy spans in memory to the JSON of the days",
    "server": "Server: over HTTP, with a database of 1,000 hosts and 500,000 appointments",
    "calendars": "Calendars: feeds that are read, and what their events cost a list, on the same database",
    "growth": "Growth: the same with ten times the rows",
}
HEAD = """\
# Results

Written by `make bench` (sections engine, server and calendars, under ten minutes) and `make bench-growth` (section
growth, which first takes minutes to build its database). Each row names the command that measures it alone; run it from
the repository's folder with `.venv/bin` in the path, on a machine that does nothing else.

Where two are compared, both ran in turns in one run, never at once; the ratio is the median of the rounds' ratios.
Ratios carry over to other machines, plain figures do not.

The server is one process of `kalends serve --role api` on the embedded PostgreSQL with its own settings: a commit waits
for the disk that holds the temporary folder (`TMPDIR`). In the mix a worker runs beside it, in a process of its own.
Nothing is switched off: credential, rate limit (set too high to refuse), log lines, headers, ETag, events and jobs;
bookings carry an Idempotency-Key. 1,000 hosts in three zones have 100 appointments a month for five months, and the
requests walk over 200 of them, two zones and many first days.

The *floor* is a bare ASGI app on the same uvicorn (one process, uvloop, httptools, no access log) with psycopg's pool:
one indexed read of the same rows in the same PostgreSQL, and a ready body of the same size. The *bare loop* is psycopg
alone: 16 connections of one process, each inserting into the same table and committing. The load comes from a Python
process on the same machine, which takes some 0.02 ms of processor time a request; *ms CPU each* is that of the serving
process alone, without PostgreSQL's.
"""


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        section: a key of `SECTIONS`.
        work: what was done.
        ours: what kalends needed or did, with its unit.
        against: what it is compared with, with its unit and what made it; "" where the goal is absolute.
        ratio: how the two compare, such as "41 %" or "2.3 times"; "" without `against`.
        goal: the goal in the issue's words; "" where there is none.
        met: whether the goal is met; None without a goal.
        command: the one command that measures it again.
    """

    section: str
    work: str
    ours: str
    against: str
    ratio: str
    goal: str
    met: bool | None
    command: str


def table(figures: Sequence[Figure]) -> str:
    """Write the figures as a Markdown table, padded so that it can be read as it is."""
    head = [field.name for field in fields(Figure)[1:]]
    rows = [[_cell(value) for value in astuple(figure)[1:]] for figure in figures]
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def machine() -> str:
    """Name what was measured on, and the day: processor, cores, memory, kernel, Python, PostgreSQL."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    postgres = subprocess.check_output([embedded.binary("postgres"), "--version"], text=True).split()[-1]
    return (
        f"{datetime.now(UTC).date()}; {cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GB memory, Linux {platform.release()}, Python {platform.python_version()}, PostgreSQL {postgres}"
    )


def write(figures: Sequence[Figure]) -> None:
    """Replace the sections that the figures are of in RESULTS.md; the others stay as they are."""
    found = _sections(FILE.read_text()) if FILE.exists() else {}
    for section in dict.fromkeys(figure.section for figure in figures):
        own = [figure for figure in figures if figure.section == section]
        found[section] = f"## {SECTIONS[section]}\n\nMeasured {machine()}.\n\n{table(own)}\n"
    FILE.write_text("\n".join([HEAD, *(found[section] for section in SECTIONS if section in found)]))


def _sections(text: str) -> dict[str, str]:
    parts = ["## " + part.rstrip("\n") + "\n" for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]]
    return {name: part for name, title in SECTIONS.items() for part in parts if part.startswith(f"## {title}\n")}


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return "" if value is None else str(value).replace("|", "\\|")
