"""Lets the training loop teach a language model to draw: captions, and behind each the codes of its image (ETT)."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from vistok.datasets.order import examples_at
from vistok.grid.ett_generation import DrawingTraining
from vistok.mllm.drawers.base import Drawer
from vistok.training.batches import Batch, by_length
from vistok.training.learner import Learner


class DrawingLearner(Learner):
    """A drawer, and images as the codes that its own tokenizer, which stays as it is, makes of them.

    Some captions are left out, so that it also learns to draw without one: guidance compares the two.
    """

    def __init__(
        self,
        drawer: Drawer,
        codes: Int64[Tensor, "images M M"],
        captions: Sequence[Sequence[str]],
        size: DrawingTraining,
        seed: int,
    ) -> None:
        super().__init__()
        self.drawer, self.codes, self.captions = drawer, codes, captions
        self.size, self.seed = size, seed

    def trained_tensors(self) -> dict[str, Tensor]:
        return {f"drawer.{name}": tensor for name, tensor in self.drawer.trained_tensors().items()}

    def batch(self, step: int, process: int, processes: int) -> Batch:
        size = self.size.batch
        positions = examples_at(range(step * size, (step + 1) * size), len(self.codes), self.seed)
        draws = np.random.default_rng([self.seed, step])
        which, untold = draws.random(size), draws.random(size) < self.size.untold
        captions = [
            "" if left_out else self.captions[position][int(share * len(self.captions[position]))]
            for position, share, left_out in zip(positions, which, untold, strict=True)
        ]
        mine = slice(process, None, processes)
        tokens = self.drawer.words(captions[mine])
        return {
            "codes": self.codes[torch.from_numpy(positions[mine])],
            "ids": tokens.ids,
            "mask": tokens.mask,
        }

    def cut(self, batch: Batch, positions: int) -> list[Batch]:
        """As elsewhere; an image counts as many positions as it has codes, each of which has logits of its own."""
        return by_length(batch, batch["codes"][0].numel(), positions)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        losses = self.drawer.losses(batch["ids"], batch["mask"], batch["codes"])
        return losses.sum(), torch.tensor(float(losses.numel()), device=losses.device)
