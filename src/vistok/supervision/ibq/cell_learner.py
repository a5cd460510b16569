"""Lets the training loop train a network that classifies the contents of each cell."""

from typing import Final

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.nn import functional

from vistok.datasets.order import examples_at
from vistok.probes.cell_net import IGNORED, NOTHING, CellLabels, CellNet
from vistok.supervision.ibq.images import ImagePool
from vistok.tokenizers.ibq.model import from_bytes
from vistok.training.batches import Batch
from vistok.training.learner import Learner

_COLOUR_WEIGHT: Final = 0.5


class CellLearner(Learner):
    """A cell net and its training images; rows and columns of cells are shuffled in each step."""

    def __init__(
        self, net: CellNet, pool: ImagePool, labels: CellLabels, *, shown: int, batch: int, seed: int
    ) -> None:
        super().__init__()
        self.net, self.pool, self.labels = net, pool, labels
        self.shown, self.size, self.seed = shown, batch, seed

    def batch(self, step: int, process: int, processes: int) -> Batch:
        """Returns a step's images and labels, of the first `shown` images only."""
        positions = examples_at(range(step * self.size, (step + 1) * self.size), self.shown, self.seed)
        draws = np.random.default_rng([self.seed, step])
        cells = self.labels.category.shape[-1]
        rows, columns = (draws.random((self.size, cells)).argsort(axis=1) for _ in range(2))
        images = self.pool.pixels(positions)
        side = images.shape[-1] // cells
        return {
            "images": _shuffled(images, rows, columns, side),
            "category": _shuffled(torch.from_numpy(self.labels.category[positions]), rows, columns, 1),
            "colour": _shuffled(torch.from_numpy(self.labels.colour[positions]), rows, columns, 1),
        }

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        category, colour = self.net(from_bytes(batch["images"]))
        loss = functional.cross_entropy(category, batch["category"], ignore_index=IGNORED)
        loss = loss + _COLOUR_WEIGHT * functional.cross_entropy(colour, batch["colour"], ignore_index=IGNORED)
        return loss, torch.ones(())


def _shuffled(
    maps: Tensor, rows: Int64[np.ndarray, "B G"], columns: Int64[np.ndarray, "B G"], side: int
) -> Tensor:
    """Returns maps with their rows and columns of cells, each `side` wide, in another order."""
    order = [
        torch.from_numpy((cells[:, :, None] * side + np.arange(side)).reshape(len(cells), -1))
        for cells in (rows, columns)
    ]
    wide = maps.flatten(1, -3) if maps.ndim == 4 else maps.unsqueeze(1)
    down = order[0][:, None, :, None].expand(-1, wide.shape[1], -1, wide.shape[3])
    across = order[1][:, None, None, :].expand(-1, wide.shape[1], wide.shape[2], -1)
    return wide.gather(2, down).gather(3, across).view(maps.shape)


@torch.no_grad()
def category_accuracy(net: CellNet, pool: ImagePool, labels: CellLabels, positions: np.ndarray) -> float:
    """Returns the share of the objects of some images to which a network assigns the right category, in per cent."""
    truth = labels.category[positions]
    category, _ = net.read(from_bytes(pool.pixels(positions)))
    present = truth > NOTHING
    return float(100 * (category[present] == truth[present]).mean()) if present.any() else 0.0
