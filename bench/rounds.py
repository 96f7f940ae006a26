"""Comparing two loads: they take turns, and each ratio is the median of the rounds' ratios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles

from bench.load import Told
from bench.results import Figure
from bench.stage import Process


@dataclass(frozen=True)
class Sample:
    """One round of one side: requests a second, and milliseconds of a request (cpu_ms: of the server's own process)."""

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


@dataclass(frozen=True)
class Pair:
    """The rounds of ours and of what it is compared with."""

    ours: list[Sample]
    other: list[Sample]

    def ratio(self, what: str) -> float:
        """Give the median of ours / other for one of `Sample`'s fields."""
        pairs = zip(self.ours, self.other, strict=True)
        return float(median(getattr(ours, what) / getattr(other, what) for ours, other in pairs))

    def at_least(self, share: float | None, work: str, other: str, command: str) -> Figure:
        """Compare requests a second: ours are to be at least that share of the other's; None: there is no goal."""
        found = self.ratio("per_s")
        ours, others = (_rate(side) for side in (self.ours, self.other))
        goal = f"≥ {share * 100:.0f} % of the {other}" if share else ""
        met = found >= share if share else None
        return Figure("server", work, ours, f"{other} {others}", f"{found * 100:.0f} %", goal, met, command)

    def at_most(self, times: float, what: str, work: str, other: str, command: str) -> Figure:
        """Compare a percentile: ours is to be at most so many times the other's."""
        found, name = self.ratio(what), what.removesuffix("_ms")
        ours, others = (f"{name} {middle(side, what):.2f} ms" for side in (self.ours, self.other))
        goal = f"{name} ≤ {times:g} times the {other}'s"
        return Figure("server", work, ours, f"{other} {others}", f"{found:.2f} times", goal, found <= times, command)


def _rate(side: list[Sample]) -> str:
    cpu = middle(side, "cpu_ms")
    return f"{middle(side, 'per_s'):,.0f}/s" + (f", {cpu:.2f} ms CPU each" if cpu else "")


def interleaved(ours: Callable[[], Sample], other: Callable[[], Sample], rounds: int) -> Pair:
    """Let both take turns; each goes first every other time. A first turn of each only warms up."""
    ours(), other()
    pair = Pair([], [])
    for number in range(rounds):
        sides = [(ours, pair.ours), (other, pair.other)]
        for side, samples in sides if number % 2 else reversed(sides):
            samples.append(side())
    return pair


def sample(told: Told, process: Process | None, cpu_before_ms: float = 0.0, status: int = 200) -> Sample:
    """Sum up a load of one kind.

    Raises:
        SystemExit: an answer had another status.
    """
    expect(told, status)
    all_ms = [ms for kind in told.milliseconds.values() for ms in kind]
    cpu = (process.cpu_ms() - cpu_before_ms) / len(all_ms) if process else 0.0
    return Sample(len(all_ms) / told.seconds, median(all_ms), quantiles(all_ms, n=100)[98], cpu)


def expect(told: Told, status: int) -> None:
    """Leave where any answer has another status: a figure of refusals would be none."""
    wrong = {answer: count for answer, count in told.statuses.items() if answer[1] != status}
    if wrong:
        raise SystemExit(f"answers other than {status}: {wrong}")


def middle(samples: list[Sample], what: str) -> float:
    """Give the median of one field."""
    return float(median(getattr(one, what) for one in samples))
