"""Let crowds race for time from several processes: never more winners than there is time for, never fewer.

Prints a table; ends with 1 where a round went wrong. Starts a database server of its own in a scratch folder, unless
KALENDS_RACE_DATABASE names one that is migrated.

    python -m bench.race [rounds, 300]
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from kalends.app import App
from kalends.storage import embedded, migrations

from .race_crowd import BROKEN, PROCESSES, Crowd, app_on
from .race_scenarios import ALL, Scenario

# Each counts what must not be there, in one company.
WRONG = {
    "exclusive claims that overlap": """
        SELECT count(*) FROM claim a JOIN claim b ON a.host_no = b.host_no AND a.id < b.id
        WHERE a.company_id = %(c)s AND a.exclusive AND b.exclusive
            AND a.start_at < b.end_at AND b.start_at < a.end_at""",
    "hosts of live appointments without exactly one claim": """
        SELECT count(*) FROM appointment_host h
        JOIN appointment a ON a.company_id = h.company_id AND a.id = h.appointment_id
        JOIN user_account u ON u.company_id = h.company_id AND u.id = h.user_id
        WHERE a.company_id = %(c)s AND a.cancelled_at IS NULL AND 1 <> (
            SELECT count(*) FROM claim c WHERE c.appointment_id = a.id AND c.host_no = u.host_no
                AND c.start_at = a.start_at AND c.end_at = a.end_at)""",
    "claims without an owner": """
        SELECT count(*) FROM claim c WHERE c.company_id = %(c)s AND c.reservation_id IS NULL AND NOT EXISTS (
            SELECT FROM appointment a WHERE a.id = c.appointment_id AND a.cancelled_at IS NULL)""",
    "revisions without exactly one event": """
        SELECT count(*) FROM appointment a CROSS JOIN generate_series(1, a.revision) AS r
        WHERE a.company_id = %(c)s AND 1 <> (
            SELECT count(*) FROM event e WHERE e.appointment_id = a.id AND e.revision = r)""",
    "events without exactly one job": """
        SELECT count(*) FROM event e WHERE e.company_id = %(c)s AND 1 <> (
            SELECT count(*) FROM procrastinate_jobs j
            WHERE j.task_name = 'event.happened' AND (j.args ->> 'event_id')::bigint = e.id)""",
}


@dataclass
class Result:
    """What came of all rounds of one scenario."""

    name: str
    rounds: int = 0
    attempts: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def row(self) -> str:
        """Write the result as one line of the table."""
        codes = ", ".join(f"{code} {count}" for code, count in self.codes.most_common())
        return (
            f"| {self.name:<42} | {self.rounds:>6} | {self.attempts:>8} | {len(self.wrong):>5} "
            f"| {self.seconds:>6.1f} | {codes} |"
        )


HEAD = f"| {'race':<42} | rounds | attempts | wrong | time s | outcomes |\n"
HEAD += f"|{'-' * 44}|-------:|---------:|------:|-------:|---|"


async def run(app: App, crowd: Crowd, kind: type[Scenario], rounds: int) -> Result:
    """Run one scenario for so many rounds, and look at what it leaves in the database."""
    scenario, result, began = kind(), Result(kind.name), time.perf_counter()
    async with app.transaction() as conn:
        await scenario.prepare(conn)
    for number in range(rounds):
        async with app.transaction() as conn:
            calls = await scenario.lay_out(conn, number)
        ends = await asyncio.to_thread(crowd.at_once, calls)
        result.codes += Counter("broken" if end.code.startswith(BROKEN) else end.code for end in ends)
        async with app.reading() as conn:
            complaint = await scenario.wrong(conn, number, ends)
        broken = [end.code for end in ends if end.code.startswith(BROKEN)]
        result.wrong += [f"round {number}: {text}" for text in (complaint, *broken) if text]
        result.rounds, result.attempts = result.rounds + 1, result.attempts + len(ends)
    async with app.reading() as conn:
        for name, query in WRONG.items():
            row = await (await conn.execute(query, {"c": scenario.house.company_id})).fetchone()
            assert row
            if row[0]:
                result.wrong.append(f"{row[0]} {name}")
    result.seconds = time.perf_counter() - began
    return result


async def races(conninfo: str, rounds: int, processes: int = PROCESSES) -> list[Result]:
    """Run all scenarios one after the other, printing each row as it is done."""
    print(HEAD, flush=True)
    app, results = app_on(conninfo, 2), []
    await app.pool.open(wait=True)
    with Crowd(conninfo, processes, connections=24 // processes) as crowd:
        for kind in ALL:
            results.append(await run(app, crowd, kind, rounds))
            print(results[-1].row(), flush=True)
    await app.pool.close()
    for result in results:
        for line in result.wrong[:5]:
            print(f"{result.name}: {line}")
    return results


def main() -> int:
    """Run everything on a migrated database; 1 where something went wrong."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    given = os.environ.get("KALENDS_RACE_DATABASE")
    if given:
        return int(any(result.wrong for result in asyncio.run(races(given, rounds))))
    with tempfile.TemporaryDirectory() as folder, embedded.running(Path(folder) / "data") as server:
        migrations.upgrade(server.conninfo)
        return int(any(result.wrong for result in asyncio.run(races(server.conninfo, rounds))))


if __name__ == "__main__":
    sys.exit(main())
