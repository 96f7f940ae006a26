"""Mixed traffic for a minute: 90 slot lists to 8 appointment lists to 2 bookings, from 16 clients.

Each client books only with hosts of its own, so that no start is taken from under it; it asks any host for lists. After
each booking it lists that day at once and must not see the start again. A worker does the jobs meanwhile, in a process
of its own. The server's memory is read every second.

    python -m bench.mix [hosts in the database]
"""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

from bench import asking, bookings, load, server, stage
from bench.load import Script, Told
from bench.results import Figure
from bench.rows import Host
from bench.stage import Stage

COMMAND = "python -m bench.mix"
CLIENTS = 16
SECONDS, WARM_UP_S = 60, 10
DAYS = 30  # of a list
KINDS = {"slots": 86, "appointments": 8, "booking": 2}  # before and after each booking comes a list, too
SLOTS_P99_MS, SLOTS_P99_TIMES = 20.0, 5
FLAT = 1.01  # the last sixth's memory against the one before it: by then what is kept has filled its room
STATUS = {"booking": 201}  # all others: 200


def measure(built: Stage) -> list[Figure]:
    """Measure all of it on a stage."""
    with built.floor() as floor, load.elsewhere() as away:
        asked = server.ask(built, away, [[host] for host in built.hosts[: server.ASKED]], random.Random(5))
        floor_p99 = away(load.run, partial(load.walk, asked.floor), floor.port, CLIENTS, 4.0).p99("all")
    make = partial(script, built.hosts, built.headers)
    memory: list[int] = []
    with built.worker(), load.elsewhere() as away:
        away(load.run, make, built.api.port, CLIENTS, WARM_UP_S)
        over = threading.Event()
        watch = threading.Thread(target=_watch, args=(built, memory, over))
        watch.start()
        told = away(load.run, make, built.api.port, CLIENTS, SECONDS)
        over.set()
        watch.join()
    return _figures(built, told, floor_p99, memory)


def script(hosts: list[Host], headers: dict[str, str], number: int, told: Told) -> Script:
    """Send what one client sends, for ever; notes hold ("booked", body) and ("seen again", start)."""
    chance, own = random.Random(number), hosts[number::CLIENTS]
    get = partial(load.request, "GET", headers=headers)
    today = datetime.now(UTC).date()
    while True:
        [kind] = chance.choices(list(KINDS), list(KINDS.values()))
        host = chance.choice(own if kind == "booking" else hosts)
        if kind == "appointments":
            yield kind, asking.appointments(headers, host)
            continue
        first = today + timedelta(days=chance.randrange(3, 60))
        listed = get(asking.slots(host.type_id, str(first), str(first + timedelta(days=DAYS - 1)), "UTC"))
        _, body = yield "slots", listed
        if kind == "booking" and (free := asking.starts(body)):
            start = chance.choice(free)
            status, body = yield kind, asking.booking(headers, host.type_id, start)
            if status == 201:
                told.notes.append(("booked", body))
                _, body = yield "slots", get(asking.slots(host.type_id, start[:10], start[:10], "UTC"))
                if start in asking.starts(body):
                    told.notes.append(("seen again", start))


def _watch(built: Stage, memory: list[int], over: threading.Event) -> None:
    while not over.wait(1.0):
        memory.append(built.api.memory_kb())


def _figures(built: Stage, told: Told, floor_p99: float, memory: list[int]) -> list[Figure]:
    wrong = {one: count for one, count in told.statuses.items() if one[1] != STATUS.get(one[0], 200)}
    asked = ", ".join(f"{len(told.milliseconds[kind]):,} {kind}" for kind in KINDS)
    p99, most = told.p99("slots"), max(SLOTS_P99_MS, SLOTS_P99_TIMES * floor_p99)
    others = ", ".join(f"{kind} p99 {told.p99(kind):.1f} ms" for kind in ("appointments", "booking"))
    sixth = len(memory) // 6
    begin, before, last = (
        median(part) / 1024 for part in (memory[:sixth], memory[-2 * sixth : -sixth], memory[-sixth:])
    )
    booked = [body for what, body in told.notes if what == "booked"]
    again = sum(what == "seen again" for what, _ in told.notes)
    mix = partial(Figure, "server", command=COMMAND)
    return [
        mix(
            work=f"mix 90 : 8 : 2, {CLIENTS} clients, {SECONDS} s",
            ours=f"{wrong or 'no'} errors of {asked}",
            against="",
            ratio="",
            goal="no error",
            met=not wrong,
        ),
        mix(
            work="slots in the mix",
            ours=f"p99 {p99:.1f} ms ({others})",
            against=f"floor p99 {floor_p99:.1f} ms",
            ratio=f"{p99 / floor_p99:.2f} times",
            goal="p99 ≤ 20 ms or 5 times the floor's, whichever is larger",
            met=p99 <= most,
        ),
        mix(
            work="memory in the mix",
            ours=f"{last:.1f} MB in the last sixth ({begin:.1f} in the first)",
            against=f"{before:.1f} MB in the one before",
            ratio=f"{last / before:.3f} times",
            goal="flat at the end",
            met=last <= before * FLAT,
        ),
        mix(
            work="a slot list asked right after a booking",
            ours=f"showed it {again} times of {len(booked):,}",
            against="",
            ratio="",
            goal="never shows it",
            met=not again,
        ),
        bookings.looked_up(built, booked, COMMAND),
    ]


if __name__ == "__main__":
    stage.show(measure)
