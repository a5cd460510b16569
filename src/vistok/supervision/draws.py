"""The random numbers of one pretraining step, the same however its batch is shared out over processes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64


@dataclass(frozen=True, eq=False)
class Draws:
    """Draws a number for each image of a batch, and returns those of the images that this process has.

    Attributes:
        together: the generator, for what all images of the step have in common.
        rows: the places of this process's images in the batch.
        batch: the number of images in the whole batch.
    """

    together: np.random.Generator
    rows: Int64[np.ndarray, " images"]
    batch: int

    @classmethod
    def whole(cls, seed: int | Sequence[int], batch: int) -> "Draws":
        """Returns the draws of a process that has the whole batch."""
        return cls(np.random.default_rng(seed), np.arange(batch), batch)

    def uniform(self, low: float, high: float) -> Float[np.ndarray, " images"]:
        """Returns a number from `low` to `high` for each image."""
        return np.asarray(self.together.uniform(low, high, self.batch)[self.rows])

    def random(self, *shape: int) -> Float[np.ndarray, "images ..."]:
        """Returns numbers from 0 to 1 for each image, of a shape."""
        return np.asarray(self.together.random((self.batch, *shape))[self.rows])

    def repeated(self, times: int) -> "Draws":
        """Returns the draws of several views of the batch, one view after the other."""
        rows = [self.rows + view * self.batch for view in range(times)]
        return Draws(self.together, np.concatenate(rows), times * self.batch)


def share_of(batch: int, process: int, processes: int) -> Int64[np.ndarray, " images"]:
    """Returns the places in a batch of the images that a process has: a part of its first half, and their mirrors.

    An image and its mirror stay together, for mixup mixes the two. `processes` has to divide half of the batch; the
    only process has all images in their order.
    """
    if processes == 1:
        return np.arange(batch)
    half = batch // 2 // processes
    first = np.arange(process * half, (process + 1) * half)
    return np.concatenate([first, batch - 1 - first[::-1]])
