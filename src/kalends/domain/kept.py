"""What the engine has worked out and keeps for the next question: bounded by memory, not only by number.

A year of starts weighs as much as twelve months of them, so what can be large is kept in a room of so many bytes.
What is small and of one size is counted (`lru_cache`), and `forgettable`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, Protocol, TypeVar, TypeVarTuple

Asked = TypeVarTuple("Asked")
Answer = TypeVar("Answer")

_forget: list[Callable[[], None]] = []


class Kept(Generic[*Asked, Answer]):
    """A function of hashable arguments that keeps its answers, in two generations of half its room each.

    When the younger one is full it becomes the older one, and what nobody asked for since the last time goes. A hit
    is then one look-up, with no order of use to keep: arguments of a hundred schedules are hashed once.
    """

    def __init__(self, make: Callable[[*Asked], Answer], room: int, weigh: Callable[[Answer, *Asked], int]) -> None:
        self.room = room
        self._make = make
        self._weigh = weigh
        self._young: dict[tuple[*Asked], Answer] = {}
        self._old: dict[tuple[*Asked], Answer] = {}
        self._weight = 0  # of the younger ones
        update_wrapper(self, make)
        _forget.append(self.forget)

    def __call__(self, *asked: *Asked) -> Answer:
        """Answer as the function does."""
        found = self._young.get(asked)
        return self._seek(asked) if found is None else found

    def _seek(self, asked: tuple[*Asked]) -> Answer:
        found = self._old.pop(asked, None)
        answer = self._make(*asked) if found is None else found
        weight = self._weigh(answer, *asked)
        if self._young and self._weight + weight > self.room // 2:
            self._old, self._young, self._weight = self._young, {}, 0
        self._young[asked] = answer
        self._weight += weight
        return answer

    def weight(self) -> int:
        """Say about how many bytes all that is kept takes."""
        kept = (*self._young.items(), *self._old.items())
        return sum(self._weigh(answer, *asked) for asked, answer in kept)

    def forget(self) -> None:
        """Forget all answers."""
        self._young, self._old, self._weight = {}, {}, 0


def kept(
    room: int, weigh: Callable[[Answer, *Asked], int]
) -> Callable[[Callable[[*Asked], Answer]], Kept[*Asked, Answer]]:
    """Make a function keep its answers, in `room` bytes (and one answer larger than half of them).

    Args:
        weigh: says about how many bytes an answer takes, with what only its arguments hold.
    """
    return lambda make: Kept(make, room, weigh)


class _Cache(Protocol):
    def cache_clear(self) -> None: ...


Counted = TypeVar("Counted", bound=_Cache)


def forgettable(cache: Counted) -> Counted:
    """Let `forget` empty an `lru_cache` too."""
    _forget.append(cache.cache_clear)
    return cache


def forget() -> None:
    """Empty every cache of the engine, as in a process that has just started."""
    for empty in _forget:
        empty()
