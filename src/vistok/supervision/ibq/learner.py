"""Lets the training loop train IBQ: first as a plain autoencoder, then with codes initialised from its outputs."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from vistok.datasets.order import examples_at
from vistok.grid.ett_memory import positions_of
from vistok.grid.ett_sizes import TokenizerTraining
from vistok.supervision.ibq.gates import check_finite
from vistok.supervision.ibq.images import ImagePool
from vistok.supervision.ibq.tokenizer_loss import TokenizerLoss
from vistok.tokenizers.ibq.codebook import CodeUse, code_use, k_means
from vistok.tokenizers.ibq.model import Ibq, from_bytes
from vistok.training.batches import Batch
from vistok.training.learner import Learner

_ROUNDS: Final = 5
_AT_ONCE: Final = 100
_PIXELS: Final = 2**20  # of images that are encoded at a time: four of 512 pixels


class IbqLearner(Learner):
    """The tokenizer, the moving average of its weights, and its loss.

    Attributes:
        model: the tokenizer that is trained.
        ema: the exponential moving average of its weights, which is what a checkpoint holds.
        loss: between images and reconstructions.
    """

    def __init__(self, size: TokenizerTraining, pool: ImagePool, perceptual: nn.Module) -> None:
        super().__init__()
        self.size, self.pool = size, pool
        self.model = Ibq(size.network)
        self.ema = deepcopy(self.model).requires_grad_(False)
        self.loss = TokenizerLoss(size, perceptual)

    def start_from(self, made: Ibq) -> None:
        """Continues from the weights of a tokenizer of the same size."""
        for model in (self.model, self.ema):
            model.load_state_dict(made.state_dict())

    def trained_tensors(self) -> dict[str, Tensor]:
        """Returns everything but the perceptual net, which is in its own checkpoint."""
        own = {name: tensor for name, tensor in self.state_dict().items() if not name.startswith("loss.")}
        return own | {f"loss.{name}": tensor for name, tensor in self.loss.trained_tensors().items()}

    def batch(self, step: int, process: int, processes: int) -> Batch:
        """Returns a process's share of a step's images, some of them mirrored."""
        size = self.size.batch
        positions = examples_at(range(step * size, (step + 1) * size), len(self.pool), self.size.seed)
        mirrored = np.random.default_rng([self.size.seed, step]).random(size) < 0.5
        mine = slice(process, None, processes)
        images = self.pool.pixels(positions[mine])
        where = torch.from_numpy(mirrored[mine])[:, None, None, None]
        return {"images": torch.where(where, images.flip(-1), images), "step": torch.tensor(step)}

    def cut(self, batch: Batch, positions: int) -> list[Batch]:
        """Cuts a share into parts that take as much memory as so many positions of text."""
        images = max(1, positions // positions_of(self.size.network))
        return [
            {**batch, "images": each, "part": torch.tensor(len(each) / len(batch["images"]))}
            for each in batch["images"].split(images)
        ]

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        step, images = int(batch["step"]), from_bytes(batch["images"])
        terms = self.terms(images, step, part_of(batch))
        check_finite(terms, step)
        # The terms are means: each part of a batch counts by how much of it it is.
        share = torch.tensor(len(images) / self.size.batch, device=images.device)
        return torch.stack([*terms.values()]).sum() * share, share

    def terms(self, images: Float[Tensor, "B 3 S S"], step: int, part: float = 1.0) -> dict[str, Tensor]:
        """Returns the weighted terms of a step's loss; `part`: how much of the process's images these are."""
        if step < self.size.autoencoder_steps:
            return self.loss.terms(images, self.model.decode(self.model.encode(images)))
        painted, quantised = self.model(images)
        return self.loss.terms(images, painted, quantised, part)

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Updates the average, and initialises the codes after the autoencoder's steps."""
        if step + 1 == self.size.autoencoder_steps:
            self._start_codes()
            self.ema.load_state_dict(self.model.state_dict())
            return
        for average, tensor in zip(self.ema.parameters(), self.model.parameters(), strict=True):
            average.lerp_(tensor, 1 - self.size.average)

    def _start_codes(self) -> None:
        positions = examples_at(range(self.size.start_images), len(self.pool), self.size.seed)
        encoded = [
            self.model.encode(from_bytes(self.pool.pixels(positions[start : start + _AT_ONCE])))
            for start in range(0, len(positions), _AT_ONCE)
        ]
        rows = torch.cat(encoded).permute(0, 2, 3, 1).flatten(0, 2)
        generator = torch.Generator().manual_seed(self.size.seed)
        codes = k_means(rows, self.size.network.codes, rounds=_ROUNDS, generator=generator)
        self.model.codebook.embedding.copy_(codes)

    def use(self) -> CodeUse:
        """Returns how many codes are in use in the first images."""
        return use_of(self.ema, self.pool, self.size.gate_images)


def part_of(batch: Batch) -> float:
    """Returns how much of a process's share of a step a batch is: all of it unless it was cut."""
    return float(batch["part"]) if "part" in batch else 1.0


def use_of(model: Ibq, pool: ImagePool, images: int) -> CodeUse:
    """Returns how many codes of a tokenizer are in use in the first images of a pool."""
    codes = [model.codes(batch) for batch in first_images(model, pool, images)]
    return code_use(torch.cat(codes).cpu(), model.size.codes)


def first_images(model: Ibq, pool: ImagePool, images: int) -> Iterator[UInt8[Tensor, "B 3 S S"]]:
    """Yields the first images of a pool where a tokenizer is, as many at a time as it can look at."""
    count, device = min(images, len(pool)), model.codebook.embedding.device
    at_once = max(1, min(_AT_ONCE, _PIXELS // model.size.image_size**2))
    for start in range(0, count, at_once):
        yield pool.pixels(np.arange(start, min(start + at_once, count))).to(device)
