"""The order in which examples are shown: a fresh seeded permutation per epoch, looked up by position.

A position counts over all epochs, so that training can go on from any of them.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Keeps this stream of random numbers apart from those that are seeded by [seed, position].
_STREAM: Final = (0, 1)


@lru_cache(
    maxsize=2
)  # a batch touches two epochs at most, and an order of millions takes as many times four bytes
def epoch_order(count: int, epoch: int, seed: int) -> NDArray[np.uint32]:
    """Returns the examples of one epoch in their order: a permutation of 0..count-1, not to be written to."""
    order = np.random.default_rng([seed, epoch, *_STREAM]).permutation(count).astype(np.uint32)
    order.flags.writeable = False
    return order


def example_at(position: int, count: int, seed: int) -> int:
    """Returns which of `count` examples is at a position."""
    epoch, index = divmod(position, count)
    return int(epoch_order(count, epoch, seed)[index])


def examples_at(positions: range, count: int, seed: int) -> NDArray[np.int64]:
    """Returns which of `count` examples are at a range of positions, however long."""
    return np.fromiter(
        (example_at(position, count, seed) for position in positions), np.int64, len(positions)
    )
