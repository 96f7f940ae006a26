"""What the engine keeps: the same answers, in bounded memory; and what one call takes."""

import gc
import importlib
import pkgutil
import tracemalloc
from collections.abc import Callable, Iterator
from functools import _lru_cache_wrapper
from random import Random
from typing import Any

import pytest

import kalends.domain
from kalends.domain.kept import Kept, forget, kept
from kalends.domain.listing import dates_json, timeframes_json
from kalends.domain.rules import Ask, HostCalendar
from kalends.domain.schedule import Schedule
from kalends.domain.slots import list_slots

from .build import ANYONE, EVERYONE, LONG_AGO, at, block, rules, schedule, week

ZONE = "America/New_York"
START = at("2027-03-01T00:00", ZONE)
END = START.add(hours=30 * 24)
WEEKDAYS = "monday tuesday wednesday thursday friday"


def caches() -> Iterator[Any]:
    """All caches of the domain, found where they are; those it only uses are others'."""
    for module in pkgutil.iter_modules(kalends.domain.__path__, "kalends.domain."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Kept | _lru_cache_wrapper) and value.__module__.startswith("kalends."):
                yield value


def host(its: Schedule, seed: int) -> HostCalendar:
    """A host with a hundred busy spans in the thirty days from START."""
    random, first = Random(seed), START.timestamp() // 60
    starts = sorted(first + random.randrange(30 * 1440) for _ in range(100))
    return HostCalendar(seed, its, ZONE, [(start, start + random.randint(15, 60)) for start in starts])


def answer(hosts: list[HostCalendar], ask: Ask = ANYONE) -> bytes:
    """The JSON of a listing's days."""
    return dates_json(list_slots(rules(30), hosts, ask, START, END, LONG_AGO), ZONE)


# --- what is kept


def test_an_answer_is_worked_out_once_and_again_after_forgetting() -> None:
    worked: list[tuple[int, str]] = []

    @kept(room=1000, weigh=lambda *_: 1)
    def work(number: int, word: str) -> str:
        worked.append((number, word))
        return word * number

    assert [work(2, "a"), work(2, "a"), work(2, "b")] == ["aa", "aa", "bb"]
    assert worked == [(2, "a"), (2, "b")]

    forget()

    assert work(2, "a") == "aa"
    assert worked == [(2, "a"), (2, "b"), (2, "a")]


def test_what_was_asked_for_lately_stays_and_the_rest_goes() -> None:
    worked: list[int] = []

    @kept(room=20, weigh=lambda answer, number: 1)
    def work(number: int) -> int:
        worked.append(number)
        return number

    for number in range(1000):
        work(number)
        work(-1)  # asked for all the time

    assert worked.count(-1) == 1
    worked.clear()
    for number in range(999, 900, -1):
        work(number)
    assert 10 <= 99 - len(worked) <= 20, "as many as there is room for were still known"


@pytest.mark.parametrize("weight", [10, 90, 1000])
def test_what_is_kept_never_takes_more_than_the_room_and_one_answer(weight: int) -> None:
    alive = 0

    class Heavy:
        def __init__(self) -> None:
            nonlocal alive
            alive += weight

        def __del__(self) -> None:
            nonlocal alive
            alive -= weight

    @kept(room=200, weigh=lambda answer, number: weight)
    def work(number: int) -> Heavy:
        return Heavy()

    for number in range(500):
        work(number % 50)
        assert alive <= max(200, 2 * weight)


def test_every_cache_of_the_domain_is_bounded_and_can_be_forgotten() -> None:
    found = {one.__wrapped__.__qualname__: one for one in caches()}
    counted = {name: one for name, one in found.items() if isinstance(one, _lru_cache_wrapper)}
    weighed = {name: one for name, one in found.items() if isinstance(one, Kept)}
    answer([host(schedule("09:00-17:00", ZONE, block("2027-03-03", "2027-03-04")), 1)])
    timeframes_json(list_slots(rules(30), [host(schedule("09:00-17:00"), 1)], ANYONE, START, END, LONG_AGO), 30)
    full = {name for name, one in counted.items() if one.cache_info().currsize}
    assert {"_expand", "_board", "_runs"} <= {name for name, one in weighed.items() if one.weight()}
    assert {"_stretch", "teams_of", "_minutes", "leads", "heads", "_utc", "local_date"} <= full

    forget()

    assert [name for name, one in weighed.items() if one.weight()] == []
    # The names of zones and their countries are read once, they are the same for good.
    still = {name for name, one in counted.items() if one.cache_info().currsize}
    assert still <= {"_names", "_countries"}
    assert all(one.cache_parameters()["maxsize"] for one in counted.values())
    assert sum(one.room for one in weighed.values()) <= 128 << 20


def test_schedules_take_no_more_memory_than_their_weight() -> None:
    """Weights are what bounds the caches: they must not be less than what is really held."""
    forget()
    held = [one for one in caches() if isinstance(one, Kept)]
    answer([host(schedule("09:00-17:00", ZONE), 0)])
    gc.collect()
    tracemalloc.start()
    for number in range(100):
        hours = f"{6 + number % 6:02}:{number // 6 * 5 % 60:02}-12:00 13:00-{16 + number % 4}:30"
        one = host(Schedule(ZONE, week(hours, WEEKDAYS)), number)
        for _ in range(6):  # until the index is made
            answer([one])
    del one
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    weighed = sum(one.weight() for one in held)

    assert weighed / 3 < taken < weighed


# --- what a call takes


@pytest.mark.parametrize(
    ("count", "ask", "most"), [(1, ANYONE, 1), (10, ANYONE, 1), (10, EVERYONE, 1), (100, ANYONE, 8)]
)
@pytest.mark.parametrize("before", [lambda: None, forget], ids=["warm", "nothing kept"])
def test_a_call_takes_little_memory(count: int, ask: Ask, most: int, before: Callable[[], None]) -> None:
    """MB, of a month of a hundred busy spans a host."""
    its = schedule("09:00-17:00", ZONE, days=WEEKDAYS)
    hosts = [host(its, seed) for seed in range(count)]
    answer(hosts, ask)
    before()
    gc.collect()
    tracemalloc.start()
    base = tracemalloc.get_traced_memory()[0]

    answer(hosts, ask)

    peak = tracemalloc.get_traced_memory()[1] - base
    tracemalloc.stop()
    assert peak <= most << 20
