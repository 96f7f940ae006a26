"""Kept rows: what seldom changes, as this process read it last, the ones longest unused forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class KeptRows(Generic[V]):
    """A store of values that together weigh no more than `most`; a value heavier than that is not kept."""

    def __init__(self, most: int, weigh: Callable[[V], int]) -> None:
        """Make an empty store.

        Args:
            weigh: says how much memory a value takes, at least 1, in the unit of `most`; always the same of one value.
        """
        self._most, self._weigh, self._weight = most, weigh, 0
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Find a value, which makes it the last to be forgotten."""
        found = self._values.get(key)
        if found is not None:
            self._values.move_to_end(key)
        return found

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value in the place of an earlier one, and forget what then is too much."""
        self.drop(key)
        self._values[key] = value
        self._weight += self._weigh(value)
        while self._weight > self._most:
            self._weight -= self._weigh(self._values.popitem(last=False)[1])

    def drop(self, key: Hashable) -> None:
        """Forget a value, if there is one."""
        before = self._values.pop(key, None)
        if before is not None:
            self._weight -= self._weigh(before)
