"""Integer random draws: the same numbers on every machine, at the price of a list lookup."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")

_BLOCK = 4096


class Draws:
    """Draws integers, choices and orders from one seeded generator, without floating point.

    Words are fetched from the generator in blocks, so the generator must not be shared with another reader.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._words = _words(rng)

    def below(self, bound: int) -> int:
        """Returns an integer of 0..bound-1 (bound up to 2**32; uniform to 1 part in 2**32 / bound)."""
        return next(self._words) * bound >> 32

    def between(self, low: int, high: int) -> int:
        """Returns an integer of low..high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """Returns True in `percent` of 100 draws."""
        return self.below(100) < percent

    def pick(self, items: Sequence[Item]) -> Item:
        return items[self.below(len(items))]

    def weighted(self, weights: Sequence[int]) -> int:
        """Returns a position, as often as its integer weight says."""
        left = self.below(sum(weights))
        for position, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return position
        raise AssertionError("weights are not negative")

    def sample(self, items: Sequence[Item], count: int) -> list[Item]:
        """Returns `count` different items in random order."""
        pool = list(items)
        for position in range(count):
            other = position + self.below(len(pool) - position)
            pool[position], pool[other] = pool[other], pool[position]
        return pool[:count]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        return self.sample(items, len(items))


def _words(rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.integers(0, 1 << 32, size=_BLOCK, dtype=np.uint64).tolist()
