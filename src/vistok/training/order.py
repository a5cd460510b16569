"""The order in which examples are shown: a fresh seeded permutation an epoch, looked up by position."""

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=8)
def _epoch(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(count)


def example_at(position: int, count: int, seed: int) -> int:
    """Returns which of `count` examples stands at a position, counted over all epochs."""
    epoch, place = divmod(position, count)
    return int(_epoch(count, seed, epoch)[place])
