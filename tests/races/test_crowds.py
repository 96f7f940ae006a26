"""The races of bench/race.py at a small size: two processes, real connections, right after each other."""

import asyncio

from bench import race


def test_crowds_of_several_processes_never_win_more_than_there_is_nor_less(conninfo: str) -> None:
    """C01, C02, C05, C07, C10, C16: each race has exactly its winners, and leaves nothing wrong behind."""
    results = asyncio.run(race.races(conninfo, 2, processes=2))

    assert {result.name: result.wrong[:2] for result in results if result.wrong} == {}
    assert all(result.codes["won"] for result in results)
